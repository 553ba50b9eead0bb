/**
 * What an operator may change without a deployment: one number each, everywhere. The settings belong to the deployment,
 * not to one of its owners.
 */

interface SettingRange {
  /** In force until somebody says otherwise. */
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  /** What it does, for people. */
  readonly summary: string;
}

export const SETTINGS = {
  batchSize: {
    default: 50,
    min: 10,
    max: 200,
    unit: "posts",
    summary: "The most posts of one request.",
  },
  concurrentPublishers: {
    default: 10,
    min: 1,
    max: 50,
    unit: "posts",
    summary: "How many posts may be between gate and settlement at the same time.",
  },
  retryBaseSeconds: {
    default: 60,
    min: 30,
    max: 300,
    unit: "s",
    summary: "The wait before the first retry; it doubles from there.",
  },
  stuckAfterSeconds: {
    default: 300,
    min: 300,
    max: 1_800,
    unit: "s",
    summary: "How long the sweeper gives whoever it sent before it sends the next one.",
  },
  metricRetentionDays: {
    default: 30,
    min: 7,
    max: 90,
    unit: "days",
    summary: "How long aggregated measures are kept.",
  },
  activeTasksPerOwner: {
    default: 1_000,
    min: 1,
    max: 100_000,
    unit: "tasks",
    summary:
      "The most tasks of one owner that have not ended. Of one project and state about 7,000 are counted.",
  },
  requestsPerHour: {
    default: 1_000,
    min: 60,
    max: 1_000_000,
    unit: "requests",
    summary: "The most requests of one key within an hour.",
  },
} as const satisfies Record<string, SettingRange>;

export type SettingName = keyof typeof SETTINGS;
export type Settings = { readonly [Name in SettingName]: number };

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

export const DEFAULT_SETTINGS: Settings = Object.fromEntries(
  SETTING_NAMES.map((name) => [name, SETTINGS[name].default]),
) as Settings;

/** Absent: as it is. */
export type SettingsChange = { readonly [Name in SettingName]?: number | undefined };

/** One setting that a version has changed. */
export interface ChangedSetting {
  readonly name: SettingName;
  readonly from: number;
  readonly to: number;
}

/** The settings from one change to the next. */
export interface SettingsVersion {
  /** Grows by one with every change. 0: the defaults, which nobody has saved. */
  readonly version: number;
  readonly values: Settings;
  readonly savedAt: Date;
  /** Such as `key 3fc074ec1c61`. */
  readonly savedBy: string;
  /** Against the version before. */
  readonly changed: readonly ChangedSetting[];
  /** The version that it brought back. */
  readonly restores?: number;
}

export interface SettingsInForce {
  /** 0: the defaults, nobody has saved any. */
  readonly version: number;
  readonly values: Settings;
  /** The change that brought them; absent with the defaults. */
  readonly saved?: SettingsVersion;
}

export const inForce = (saved: SettingsVersion | undefined): SettingsInForce =>
  saved ? { version: saved.version, values: saved.values, saved } : { version: 0, values: DEFAULT_SETTINGS };

/** `10 to 200 posts`. */
export const rangeInWords = (name: SettingName): string => {
  const { min, max, unit } = SETTINGS[name];
  return `${min} to ${max} ${unit}`;
};

const isInRange = (name: SettingName, value: number): boolean =>
  Number.isInteger(value) && value >= SETTINGS[name].min && value <= SETTINGS[name].max;

/** @throws RangeError for what no boundary may let in */
export function changeSettings(settings: Settings, change: SettingsChange): Settings {
  const next: Record<SettingName, number> = { ...settings };
  for (const name of SETTING_NAMES) {
    const value = change[name];
    if (value === undefined) continue;
    if (!isInRange(name, value)) throw new RangeError(`${name} is ${rangeInWords(name)}, not ${value}`);
    next[name] = value;
  }
  return next;
}

/** In the order of the table. */
export const settingsChangedBy = (before: Settings, after: Settings): readonly ChangedSetting[] =>
  SETTING_NAMES.flatMap((name) =>
    before[name] === after[name] ? [] : [{ name, from: before[name], to: after[name] }],
  );

/**
 * What was stored, as this release understands it. A setting that it does not know is left out, a new one has its default,
 * and what is out of its range by now is the nearest that is in it: a release must never stop because of an older one.
 */
export function readStoredSettings(stored: Readonly<Record<string, unknown>>): Settings {
  const values = SETTING_NAMES.map((name) => {
    const { default: standard, min, max } = SETTINGS[name];
    const value = stored[name];
    const isNumber = typeof value === "number" && Number.isFinite(value);
    return [name, isNumber ? Math.min(max, Math.max(min, Math.round(value))) : standard];
  });
  return Object.fromEntries(values) as Settings;
}
