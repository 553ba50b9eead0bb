const defaults = {
  account: "any",
  priority: 2,
  language: "en",
  latePolicy: { postWithin: "30m", then: "hold" },
  strategy: "optimal",
} as const;
const press = {
  name: "press",
  project: "shop",
  enabled: true,
  defaults,
  lastScanAt: "2026-12-01T08:00:00Z",
  version: 4,
} as const;
const { lastScanAt: _none, ...fresh } = press;
const params = { name: "press" } as const;

export const SOURCE_EXAMPLES = {
  createSource: {
    body: { name: "press", project: "shop", defaults },
    answer: { ...fresh, version: 1 },
  },
  listSources: { answer: { items: [press] } },
  readSource: { params, answer: press },
  updateSource: { params, body: { enabled: false }, answer: { ...press, enabled: false, version: 5 } },
  deleteSource: { params, answer: press },
  scanSource: { params, answer: { ...press, lastScanAt: "2026-12-01T08:20:00Z", version: 5 } },
};
