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
    summary: "The most posts of one batch, in the API as in a run.",
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
    summary: "How long a task may show no progress before it is recovered.",
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
    summary: "The most tasks of one owner that have not ended.",
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
