import * as z from "zod";
import {
  rangeInWords,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  type SettingsInForce,
  type SettingsVersion,
} from "#shared/domain/settings.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { cursorField, limitField, nextField } from "./paging.ts";

const byName = <Value>(of: (name: SettingName) => Value): Record<SettingName, Value> =>
  Object.fromEntries(SETTING_NAMES.map((name) => [name, of(name)])) as Record<SettingName, Value>;

/** Refused: what is no whole number, and what is out of the range, which the answer names. */
const settingField = (name: SettingName) => {
  const { min, max, summary, unit, default: standard } = SETTINGS[name];
  const error = `It is a whole number, ${rangeInWords(name)}.`;
  return z
    .int({ error })
    .min(min, { error })
    .max(max, { error })
    .meta({ description: `${summary} In ${unit}; ${standard} unless it is changed.` });
};

/** Body of `PUT /api/v1/settings`. What is left out stays as it is. */
export const writeSettingsBody = z.strictObject(byName((name) => settingField(name).optional()));

/** Body of `POST /api/v1/settings/rollback`. */
export const rollbackSettingsBody = z.strictObject({
  version: z
    .int()
    .min(0)
    .max(99_999_999)
    .meta({ description: "The version that comes back, as a new one. 0: the defaults." }),
});

export const listSettingVersionsQuery = z.strictObject({
  limit: limitField,
  cursor: cursorField.transform(Number).optional(),
});

/** What is in force may be out of the range by now, if the range was another one when it was saved: it is not. */
const values = z.strictObject(byName((name) => z.int().meta({ description: SETTINGS[name].summary })));

const changed = z.array(
  z.strictObject({
    name: z.enum(SETTING_NAMES as [SettingName, ...SettingName[]]),
    from: z.number(),
    to: z.number(),
  }),
);

/** The settings in force, and what they may be. */
export const settingsView = z.strictObject({
  version: z.int().nonnegative().meta({ description: "0: the defaults, nobody has saved any." }),
  settings: values,
  savedAt: z.iso.datetime().optional(),
  savedBy: z.string().optional(),
  ranges: z.strictObject(
    byName(() =>
      z.strictObject({
        default: z.int(),
        min: z.int(),
        max: z.int(),
        unit: z.string(),
        summary: z.string(),
      }),
    ),
  ),
});

export const settingsVersionPage = z.strictObject({
  /** Newest first. */
  items: z.array(
    z.strictObject({
      version: z.int().positive(),
      settings: values,
      savedAt: z.iso.datetime(),
      savedBy: z.string(),
      changed: changed.meta({ description: "Against the version before." }),
      restores: z
        .int()
        .nonnegative()
        .optional()
        .meta({ description: "The version that it brought back; 0: the defaults." }),
    }),
  ),
  next: nextField,
});

const RANGES = byName((name) => ({ ...SETTINGS[name] }));

export const toSettingsView = ({ version, values: settings, saved }: SettingsInForce) => ({
  version,
  settings: { ...settings },
  ...(saved && { savedAt: instantInWords(saved.savedAt), savedBy: saved.savedBy }),
  ranges: RANGES,
});

export const toSettingsVersionView = ({
  values: settings,
  savedAt,
  changed: list,
  ...rest
}: SettingsVersion) => ({
  ...rest,
  settings: { ...settings },
  savedAt: instantInWords(savedAt),
  changed: list.map((one) => ({ ...one })),
});
