import * as z from "zod";
import type { Project } from "#shared/domain/account.ts";
import { DEFAULT_PROJECT_WEIGHT } from "#shared/domain/fairness.ts";
import { MAX_DATES, type PolicyFinding } from "#shared/domain/planning/check-policy.ts";
import type { PolicyVersion } from "#shared/domain/planning/policy-version.ts";
import { PRESET_NAMES } from "#shared/domain/planning/presets.ts";
import { type Policy, rulesOf } from "#shared/domain/planning/rules.ts";
import { latePolicyField, nameField } from "#shared/domain/post-fields.ts";
import { DEFAULT_LATE_POLICY, type LatePolicy } from "#shared/domain/task.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { cursorField, limitField, nextField } from "./paging.ts";

export const policyPath = z.strictObject({ name: nameField });

export const listPolicyVersionsQuery = z.strictObject({
  limit: limitField,
  cursor: cursorField.transform(Number).optional(),
});

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** The largest unit that divides it: `90m`, `4h`, `0s`. */
const toDuration = (ms: number): string => {
  const [unit, unitMs] = UNITS.find(([, size]) => ms >= size && ms % size === 0) ?? ["s", 1_000];
  return `${Math.ceil(ms / unitMs)}${unit}`;
};

const durationField = z
  .string()
  .regex(/^\d{1,6} ?[smhd]$/, "write a number and s, m, h or d, such as 90m")
  .transform((text) => {
    const [, unitMs = 0] = UNITS.find(([unit]) => unit === text.at(-1)) ?? [];
    return Number.parseInt(text, 10) * unitMs;
  });

const MICROS = 1_000_000;
const hoursField = z.array(z.number()).max(100);
const datesField = z.array(z.string().max(20)).max(2 * MAX_DATES);

/** `null` takes a rule away; which values can be kept is told by `checkPolicy`, for all fields at once. */
const rule = <Field extends z.ZodType>(field: Field) => field.nullable().optional();

/** What people set of a project. @see `PolicyChange` for what a field means that is not there */
const fields = {
  timeZone: z.string().min(1).max(100).optional(),
  weight: rule(z.number()),
  minInterval: rule(durationField),
  dailyMin: rule(z.number()),
  dailyMax: rule(z.number()),
  blackout: rule(z.strictObject({ fromHour: z.number(), toHour: z.number() })),
  blackoutDates: rule(datesField),
  holidays: rule(z.array(z.strictObject({ name: nameField, dates: datesField })).max(50)),
  frozen: rule(z.boolean()),
  optimalHours: rule(hoursField),
  preferredHours: rule(hoursField),
  jitter: rule(durationField),
  lead: rule(durationField),
  quotaBuffer: rule(z.number()),
  urgentShare: rule(z.number()),
  duplicates: rule(
    z
      .strictObject({ window: durationField, threshold: z.number(), near: z.enum(["warns", "blocks"]) })
      .transform(({ window, ...rules }) => ({ windowMs: window, ...rules })),
  ),
  uniqueMedia: rule(z.boolean()),
  latePolicy: rule(latePolicyField),
  reconcile: rule(z.enum(["repost", "hold"])),
  monthlyBudgetUsd: rule(z.number().min(0).max(1_000_000)),
};

/** Names in a request and in a policy where they differ: there durations and money have units. */
const POLICY_NAMES: Readonly<Record<string, string>> = {
  minInterval: "minIntervalMs",
  jitter: "jitterMs",
  lead: "leadMs",
  monthlyBudgetUsd: "monthlyBudgetMicros",
};

type PolicySet = { readonly [Key in keyof Policy]?: Policy[Key] | undefined } & {
  readonly timeZone?: string;
  readonly weight?: number | undefined;
};

const policyFields = z.strictObject(fields);

/** The fields that are there, in the units of a policy; `undefined` for those that are to go. */
function toPolicySet(given: z.output<typeof policyFields>): PolicySet {
  const entries = Object.entries(given).map(([name, value]) => [
    POLICY_NAMES[name] ?? name,
    name === "monthlyBudgetUsd" && typeof value === "number"
      ? Math.round(value * MICROS)
      : (value ?? undefined),
  ]);
  return Object.fromEntries(entries) as PolicySet;
}

/** Fields of a policy as a request writes them. */
export const policySet = policyFields.transform(toPolicySet);

/** Body of `PUT …/policy`: a whole policy, or a preset and what differs from it. */
export const writePolicyBody = z.strictObject({
  /** As it was read: whoever decided by an older one is refused. */
  version: z.int().nonnegative(),
  preset: z.enum(PRESET_NAMES).optional(),
  ...fields,
});

/** What a body asks for. */
export const toPolicyChange = ({ version, preset, ...given }: z.output<typeof writePolicyBody>) => ({
  version,
  from: preset === undefined ? ("nothing" as const) : { preset },
  set: toPolicySet(given),
});

const hours = z.array(z.int().min(0).max(23));
const dates = z.array(z.string());
const duration = z.string();

/** Every field is there: `null` is no rule, and what planning assumes for itself is written out. */
const shownFields = {
  timeZone: z.string(),
  weight: z.int(),
  minInterval: duration,
  dailyMin: z.int(),
  dailyMax: z.int().nullable(),
  blackout: z.strictObject({ fromHour: z.int(), toHour: z.int() }).nullable(),
  blackoutDates: dates,
  holidays: z.array(z.strictObject({ name: z.string(), dates })),
  frozen: z.boolean(),
  optimalHours: hours,
  preferredHours: hours,
  jitter: duration,
  lead: duration,
  quotaBuffer: z.number(),
  urgentShare: z.number(),
  duplicates: z.strictObject({ window: duration, threshold: z.number(), near: z.enum(["warns", "blocks"]) }),
  uniqueMedia: z.boolean(),
  latePolicy: z.strictObject({ postWithin: duration, then: z.enum(["missed", "hold"]) }),
  /** `null`: by the post, see docs/delivery.md. */
  reconcile: z.enum(["repost", "hold"]).nullable(),
  monthlyBudgetUsd: z.number().nullable(),
};

/** A policy as it is in force. It may be sent back as it is. */
export const policyView = z.strictObject({
  /** 0: nobody has saved one. */
  version: z.int().nonnegative(),
  ...shownFields,
});
export type PolicyView = z.output<typeof policyView>;

const policyFindingView = z.strictObject({
  code: z.string(),
  /** JSON pointer into the policy. */
  pointer: z.string(),
  message: z.string(),
});

export const policyWritten = policyView.extend({
  /** What works, but not as far as it says. */
  warnings: z.array(policyFindingView),
});

export const policyVersionPage = z.strictObject({
  /** Newest first. */
  items: z.array(policyView.extend({ savedAt: z.iso.datetime(), savedBy: z.string() })),
  next: nextField,
});

export const latePolicyView = ({ postWithinMs, then }: LatePolicy) => ({
  postWithin: postWithinMs === undefined ? "forever" : toDuration(postWithinMs),
  then,
});

export function toPolicyView({
  policyVersion = 0,
  timeZone,
  weight = DEFAULT_PROJECT_WEIGHT,
  policy = {},
}: Pick<Project, "policyVersion" | "timeZone" | "weight" | "policy">): PolicyView {
  const rules = rulesOf(policy);
  return {
    version: policyVersion,
    timeZone,
    weight,
    minInterval: toDuration(policy.minIntervalMs ?? 0),
    dailyMin: rules.dailyMin,
    dailyMax: policy.dailyMax ?? null,
    blackout: policy.blackout ? { ...policy.blackout } : null,
    blackoutDates: [...(policy.blackoutDates ?? [])],
    holidays: (policy.holidays ?? []).map((list) => ({ name: list.name, dates: [...list.dates] })),
    frozen: policy.frozen ?? false,
    optimalHours: [...rules.optimalHours],
    preferredHours: [...rules.preferredHours],
    jitter: toDuration(rules.jitterMs),
    lead: toDuration(rules.leadMs),
    quotaBuffer: rules.quotaBuffer,
    urgentShare: rules.urgentShare,
    duplicates: {
      window: toDuration(rules.duplicates.windowMs),
      threshold: rules.duplicates.threshold,
      near: rules.duplicates.near,
    },
    uniqueMedia: rules.uniqueMedia,
    latePolicy: latePolicyView(policy.latePolicy ?? DEFAULT_LATE_POLICY),
    reconcile: policy.reconcile ?? null,
    monthlyBudgetUsd: policy.monthlyBudgetMicros === undefined ? null : policy.monthlyBudgetMicros / MICROS,
  };
}

export const toPolicyFindingView = ({ code, pointer, message }: PolicyFinding) => ({
  code,
  pointer,
  message,
});

export const toPolicyVersionView = ({ version, savedAt, savedBy, ...set }: PolicyVersion) => ({
  ...toPolicyView({ ...set, policyVersion: version }),
  savedAt: instantInWords(savedAt),
  savedBy,
});
