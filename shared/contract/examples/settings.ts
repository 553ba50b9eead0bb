import { DEFAULT_SETTINGS, SETTING_NAMES, SETTINGS } from "#shared/domain/settings.ts";

const view = {
  version: 5,
  settings: { ...DEFAULT_SETTINGS, concurrentPublishers: 20 },
  savedAt: "2026-12-01T01:00:00Z",
  savedBy: "key 3fc074ec1c61",
  ranges: Object.fromEntries(SETTING_NAMES.map((name) => [name, { ...SETTINGS[name] }])),
} as const;

export const SETTINGS_EXAMPLES = {
  readSettings: { answer: view },
  writeSettings: { body: { concurrentPublishers: 20 }, answer: view },
  listSettingVersions: {
    query: { limit: "20" },
    answer: {
      items: [
        {
          version: 5,
          settings: view.settings,
          savedAt: view.savedAt,
          savedBy: view.savedBy,
          changed: [{ name: "concurrentPublishers", from: 10, to: 20 }],
        },
      ],
    },
  },
  rollbackSettings: {
    body: { version: 4 },
    answer: { ...view, version: 6, settings: DEFAULT_SETTINGS },
  },
} as const;
