/**
 * Complete policies by name, to start from.
 *
 * A range of minutes is an interval and a jitter: nothing is nearer than the first, and up to the difference is added, so
 * that the posts of a busy hour lie between the first and the second apart.
 */
import { DEFAULT_LATE_POLICY } from "../task.ts";
import { DEFAULT_DUPLICATE_RULES, type PlanningRules, type Policy } from "./rules.ts";

const MINUTE_MS = 60_000;

type CompletePolicy = PlanningRules &
  Policy &
  Required<Pick<Policy, "minIntervalMs" | "dailyMax" | "blackout" | "latePolicy">>;

const COMMON = {
  blackout: { fromHour: 0, toHour: 7 },
  optimalHours: [9, 12, 15, 18, 21],
  preferredHours: [],
  jitterMs: 40 * MINUTE_MS,
  leadMs: MINUTE_MS,
  quotaBuffer: 0.2,
  urgentShare: 0.2,
  duplicates: DEFAULT_DUPLICATE_RULES,
  uniqueMedia: true,
  latePolicy: DEFAULT_LATE_POLICY,
} satisfies Partial<CompletePolicy>;

const COMPLETE = {
  /** 90 minutes, 6 to 10 posts a day. */
  steady: { ...COMMON, minIntervalMs: 90 * MINUTE_MS, dailyMin: 6, dailyMax: 10 },
  /** 4 hours, so at most 5 a day between 7:00 and midnight. The usual optimal hours lie too close for it. */
  conservative: {
    ...COMMON,
    minIntervalMs: 240 * MINUTE_MS,
    dailyMin: 3,
    dailyMax: 5,
    optimalHours: [9, 13, 17, 21],
  },
  /** 5 to 10 minutes: about what fits into the 17 hours at the slower pace. */
  frequent: {
    ...COMMON,
    minIntervalMs: 5 * MINUTE_MS,
    jitterMs: 5 * MINUTE_MS,
    dailyMin: 20,
    dailyMax: 100,
  },
  /** 15 to 30 minutes: what fits into the 17 hours at the slower pace. */
  regular: {
    ...COMMON,
    minIntervalMs: 15 * MINUTE_MS,
    jitterMs: 15 * MINUTE_MS,
    dailyMin: 12,
    dailyMax: 34,
  },
  /** An hour or more, few posts, and no day is filled for its own sake. */
  quiet: { ...COMMON, minIntervalMs: 60 * MINUTE_MS, dailyMin: 0, dailyMax: 6 },
} satisfies Record<string, CompletePolicy>;

export const PRESET_NAMES = ["steady", "conservative", "frequent", "regular", "quiet", "open"] as const;
/** `open` has no rules: only what the platform allows counts. */
export type PresetName = (typeof PRESET_NAMES)[number];

export const PRESETS: Readonly<Record<PresetName, Policy>> = { ...COMPLETE, open: {} };

/** Of a new project when nobody names one. */
export const DEFAULT_PRESET: PresetName = "steady";

/**
 * A preset in place of a policy. It knows nothing of what belongs to the project alone: its freeze, its budget, its dates,
 * the owner's own hours and what is done about lost answers stay.
 */
export function applyPreset(current: Policy, name: PresetName): Policy {
  const { frozen, monthlyBudgetMicros, blackoutDates, holidays, preferredHours, reconcile } = current;
  return {
    ...PRESETS[name],
    ...(frozen !== undefined && { frozen }),
    ...(monthlyBudgetMicros !== undefined && { monthlyBudgetMicros }),
    ...(blackoutDates && { blackoutDates }),
    ...(holidays && { holidays }),
    ...(preferredHours && { preferredHours }),
    ...(reconcile && { reconcile }),
  };
}
