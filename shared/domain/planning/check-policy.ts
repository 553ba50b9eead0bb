/** Finds what is wrong with a policy before anybody waits for a slot that it cannot give, with the arithmetic in words. */
import { MIN_THRESHOLD } from "../duplicates/fingerprint.ts";
import { MAX_PROJECT_WEIGHT } from "../fairness.ts";
import { dayOf, isTimeZone } from "../local-clock.ts";
import { blackHours, isBlackHour } from "../policy.ts";
import { X_PRICES_MICROS } from "../price.ts";
import { durationInWords } from "../words.ts";
import type { Policy } from "./rules.ts";

export type PolicyFindingCode =
  | "policy-out-of-range"
  | "no-open-hours"
  | "hour-in-blackout"
  | "daily-min-over-max"
  | "daily-min-unreachable"
  | "optimal-hours-too-close"
  | "daily-max-unreachable"
  | "daily-min-needs-urgent"
  | "budget-below-daily-min";

export interface PolicyFinding {
  /** What is refused cannot be kept; what is only warned of works, but a part of it never takes effect. */
  readonly severity: "refuses" | "warns";
  readonly code: PolicyFindingCode;
  /** JSON pointer (RFC 6901) into the policy as the API writes it. */
  readonly pointer: string;
  readonly message: string;
}

/** What is checked: a policy and what else people set of its project. */
export interface CheckedPolicy {
  readonly policy: Policy;
  readonly timeZone: string;
  readonly weight?: number | undefined;
}

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** X's own limit is 100 in 15 minutes; what is more than this is a typing error. */
export const MAX_DAILY = 2_400;
export const MAX_DATES = 400;
const MAX_LEAD_MS = 7 * DAY_MS;
const MAX_WINDOW_MS = 365 * DAY_MS;
/** Of a month, for the budget. */
const DAYS_IN_MONTH = 31;

const clock = (hour: number): string => `${hour}:00`;
const listed = (hours: readonly number[]): string => hours.join(", ") || "none";
const dollars = (micros: number): string =>
  `$${micros % 10_000 === 0 ? (micros / 1_000_000).toFixed(2) : micros / 1_000_000}`;
const ascending = (a: number, b: number): number => a - b;

/**
 * Most posts that an account can have on each day, day after day; undefined: the policy sets no limit. A day of 23 hours
 * may hold one less.
 *
 * With the interval i and L hours between two blackouts, the n-th post of a day is (n − 1) i after the first and before the
 * end of L, and n intervals fit into 24 hours, since the last post of a day keeps its interval to the next day's first.
 */
export function mostPostsPerDay({ minIntervalMs = 0, blackout }: Policy): number | undefined {
  if (minIntervalMs === 0) return undefined;
  const openMs = DAY_MS - (blackout ? blackHours(blackout) * HOUR_MS : 0);
  return Math.min(Math.ceil(openMs / minIntervalMs), Math.floor(DAY_MS / minIntervalMs));
}

/**
 * Which of the hours an account can use every day: each slot lies in the jitter after its hour, the first one as early
 * as possible.
 */
export function usableHours(hours: readonly number[], minIntervalMs: number, jitterMs: number): number[] {
  const sorted = [...new Set(hours)].toSorted(ascending);
  let lastAt = Number.NEGATIVE_INFINITY;
  let kept: number[] = [];
  // The first day tells how the second one begins; after it nothing changes, unless there are too many for 24 hours.
  for (const day of [0, 1])
    kept = sorted.filter((hour) => {
      const startAt = day * DAY_MS + hour * HOUR_MS;
      const at = Math.max(startAt, lastAt + minIntervalMs);
      if (at > startAt + jitterMs) return false;
      lastAt = at;
      return true;
    });
  return kept.slice(0, minIntervalMs === 0 ? kept.length : Math.floor(DAY_MS / minIntervalMs));
}

/** All findings at once, in the order of the fields. */
export function checkPolicy({ policy, timeZone, weight }: CheckedPolicy): readonly PolicyFinding[] {
  const ranges = [...checkRanges(policy), ...checkProject(timeZone, weight)];
  // Arithmetic with impossible numbers would explain nothing.
  return ranges.length > 0 ? ranges : checkArithmetic(policy);
}

export const refusalsIn = (findings: readonly PolicyFinding[]): readonly PolicyFinding[] =>
  findings.filter(({ severity }) => severity === "refuses");

const outOfRange = (pointer: string, message: string): PolicyFinding => ({
  severity: "refuses",
  code: "policy-out-of-range",
  pointer,
  message,
});

const isWhole = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;

function* checkRanges(policy: Policy): Generator<PolicyFinding> {
  const { minIntervalMs, dailyMin, dailyMax, blackout, monthlyBudgetMicros, jitterMs, leadMs } = policy;
  if (minIntervalMs !== undefined && !isWhole(minIntervalMs, 0, DAY_MS))
    yield outOfRange("/minInterval", "The interval is at most 1 day.");
  if (dailyMin !== undefined && !isWhole(dailyMin, 0, MAX_DAILY))
    yield outOfRange("/dailyMin", `The daily minimum is a whole number from 0 to ${MAX_DAILY}.`);
  if (dailyMax !== undefined && !isWhole(dailyMax, 1, MAX_DAILY))
    yield outOfRange("/dailyMax", `The daily maximum is a whole number from 1 to ${MAX_DAILY}.`);
  if (blackout && !isWhole(blackout.fromHour, 0, 23))
    yield outOfRange("/blackout/fromHour", "A blackout begins at an hour from 0 to 23.");
  if (blackout && !isWhole(blackout.toHour, 0, 24))
    yield outOfRange("/blackout/toHour", "A blackout ends at an hour from 0 to 24.");
  yield* checkDates(policy);
  yield* checkHours("/optimalHours", policy.optimalHours ?? []);
  yield* checkHours("/preferredHours", policy.preferredHours ?? []);
  if (policy.optimalHours?.length === 0)
    yield outOfRange("/optimalHours", "The strategy optimal needs one hour at least.");
  if (jitterMs !== undefined && !isWhole(jitterMs, 0, HOUR_MS - SECOND_MS))
    yield outOfRange("/jitter", "The jitter is less than an hour.");
  if (leadMs !== undefined && !isWhole(leadMs, 0, MAX_LEAD_MS))
    yield outOfRange("/lead", `The lead is at most ${durationInWords(MAX_LEAD_MS)}.`);
  for (const [name, value] of [
    ["quotaBuffer", policy.quotaBuffer],
    ["urgentShare", policy.urgentShare],
  ] as const)
    if (value !== undefined && !(value >= 0 && value < 1))
      yield outOfRange(`/${name}`, "A share is at least 0 and less than 1.");
  yield* checkDuplicates(policy);
  if (monthlyBudgetMicros !== undefined && !isWhole(monthlyBudgetMicros, 0, Number.MAX_SAFE_INTEGER))
    yield outOfRange("/monthlyBudgetUsd", "The budget is a number of US dollars from 0.");
}

function* checkDates({ blackoutDates = [], holidays = [] }: Policy): Generator<PolicyFinding> {
  const lists = [
    { pointer: "/blackoutDates", dates: blackoutDates },
    ...holidays.map(({ dates }, index) => ({ pointer: `/holidays/${index}/dates`, dates })),
  ];
  for (const { pointer, dates } of lists)
    for (const [index, date] of dates.entries())
      if (dayOf(date) === undefined)
        yield outOfRange(`${pointer}/${index}`, "It is no date of the form 2026-12-25.");
  for (const [index, { name }] of holidays.entries())
    if (holidays.findIndex((list) => list.name === name) !== index)
      yield outOfRange(`/holidays/${index}/name`, "Another list of holidays has this name.");
  const count = lists.reduce((sum, { dates }) => sum + dates.length, 0);
  if (count > MAX_DATES)
    yield outOfRange("/blackoutDates", `There are ${count} dates; ${MAX_DATES} are room enough for a year.`);
}

function* checkHours(pointer: string, hours: readonly number[]): Generator<PolicyFinding> {
  for (const [index, hour] of hours.entries())
    if (!isWhole(hour, 0, 23))
      yield outOfRange(`${pointer}/${index}`, "An hour is a whole number from 0 to 23.");
    else if (hours.indexOf(hour) !== index)
      yield outOfRange(`${pointer}/${index}`, `${hour} is there twice.`);
}

function* checkDuplicates({ duplicates }: Policy): Generator<PolicyFinding> {
  if (!duplicates) return;
  if (!isWhole(duplicates.windowMs, 0, MAX_WINDOW_MS))
    yield outOfRange("/duplicates/window", `The window is at most ${durationInWords(MAX_WINDOW_MS)}.`);
  if (!(duplicates.threshold >= MIN_THRESHOLD && duplicates.threshold <= 1))
    yield outOfRange("/duplicates/threshold", `The threshold is from ${MIN_THRESHOLD} to 1.`);
}

function* checkProject(timeZone: string, weight: number | undefined): Generator<PolicyFinding> {
  if (!isTimeZone(timeZone))
    yield outOfRange("/timeZone", "There is no such time zone: write an IANA name, such as Europe/Berlin.");
  if (weight !== undefined && !isWhole(weight, 1, MAX_PROJECT_WEIGHT))
    yield outOfRange("/weight", `The weight is a whole number from 1 to ${MAX_PROJECT_WEIGHT}.`);
}

type Found = Omit<PolicyFinding, "severity">;
const refuses = (found: Found): PolicyFinding => ({ severity: "refuses", ...found });
const warns = (found: Found): PolicyFinding => ({ severity: "warns", ...found });

function checkArithmetic(policy: Policy): readonly PolicyFinding[] {
  const { blackout } = policy;
  if (blackout && (blackout.fromHour === blackout.toHour || blackHours(blackout) >= 24))
    return [
      refuses({
        code: "no-open-hours",
        pointer: "/blackout",
        message: `From ${clock(blackout.fromHour)} to ${clock(blackout.toHour)} leaves no hour to post in. To stop everything for a while, freeze the project.`,
      }),
    ];
  return [...checkPostsPerDay(policy), ...checkBlackHours(policy), ...checkOptimalHours(policy)];
}

/** `90 minutes apart outside 0:00 to 7:00 (17 hours) is at most 12 posts a day.` */
function paceInWords({ minIntervalMs = 0, blackout }: Policy, most: number): string {
  const open = blackout
    ? `outside ${clock(blackout.fromHour)} to ${clock(blackout.toHour)} (${24 - blackHours(blackout)} hours a day)`
    : "in 24 hours";
  return `${durationInWords(minIntervalMs)} apart ${open} is at most ${most} post${most === 1 ? "" : "s"} a day`;
}

function* checkPostsPerDay(policy: Policy): Generator<PolicyFinding> {
  const { dailyMin = 0, dailyMax, urgentShare = 0, monthlyBudgetMicros } = policy;
  const most = mostPostsPerDay(policy);
  if (dailyMax !== undefined && dailyMin > dailyMax)
    yield refuses({
      code: "daily-min-over-max",
      pointer: "/dailyMin",
      message: `At least ${dailyMin} and at most ${dailyMax} posts a day exclude each other.`,
    });
  if (most !== undefined && dailyMin > most)
    yield refuses({
      code: "daily-min-unreachable",
      pointer: "/dailyMin",
      message: `${paceInWords(policy, most)}, and the daily minimum is ${dailyMin}.`,
    });
  if (most !== undefined && dailyMax !== undefined && dailyMax > most)
    yield warns({
      code: "daily-max-unreachable",
      pointer: "/dailyMax",
      message: `${paceInWords(policy, most)}: the daily maximum of ${dailyMax} is never reached.`,
    });
  if (dailyMax !== undefined && dailyMin <= dailyMax) {
    // A share such as 0.3 is no exact number.
    const normal = Math.floor(dailyMax * (1 - urgentShare) + 1e-9);
    if (dailyMin > normal)
      yield warns({
        code: "daily-min-needs-urgent",
        pointer: "/urgentShare",
        message: `Of ${dailyMax} posts a day ${dailyMax - normal} are kept for urgent ones. The other ${normal} are fewer than the daily minimum of ${dailyMin}.`,
      });
  }
  if (monthlyBudgetMicros === undefined) return;
  const costMicros = dailyMin * DAYS_IN_MONTH * X_PRICES_MICROS.post;
  if (costMicros > monthlyBudgetMicros)
    yield warns({
      code: "budget-below-daily-min",
      pointer: "/monthlyBudgetUsd",
      message: `${dailyMin} posts a day at ${dollars(X_PRICES_MICROS.post)} are ${dollars(costMicros)} in a month of ${DAYS_IN_MONTH} days: more than the budget of ${dollars(monthlyBudgetMicros)}.`,
    });
}

function* checkBlackHours({
  blackout,
  optimalHours = [],
  preferredHours = [],
}: Policy): Generator<PolicyFinding> {
  if (!blackout) return;
  for (const [name, hours] of [
    ["optimalHours", optimalHours],
    ["preferredHours", preferredHours],
  ] as const)
    for (const [index, hour] of hours.entries())
      if (isBlackHour(hour, blackout))
        yield refuses({
          code: "hour-in-blackout",
          pointer: `/${name}/${index}`,
          message: `${clock(hour)} lies in the blackout from ${clock(blackout.fromHour)} to ${clock(blackout.toHour)}.`,
        });
}

function* checkOptimalHours({
  minIntervalMs = 0,
  blackout,
  optimalHours = [],
  jitterMs = 0,
}: Policy): Generator<PolicyFinding> {
  const open = optimalHours.filter((hour) => !blackout || !isBlackHour(hour, blackout)).toSorted(ascending);
  const usable = usableHours(open, minIntervalMs, jitterMs);
  if (usable.length === open.length) return;
  const jitter = jitterMs > 0 ? `, with a jitter of ${durationInWords(jitterMs)},` : "";
  yield refuses({
    code: "optimal-hours-too-close",
    pointer: "/optimalHours",
    message: `${durationInWords(minIntervalMs)} between two posts${jitter} leave ${listed(usable)} of the optimal hours ${listed(open)}. Name these, or an interval of at most ${durationInWords(leastGapMs(open))}.`,
  });
}

/** Between two of the hours that follow each other, over midnight too. */
const leastGapMs = (hours: readonly number[]): number =>
  Math.min(...hours.map((hour, index) => ((hours[index + 1] ?? (hours[0] ?? 0) + 24) - hour) * HOUR_MS));
