import { dayOf, localTime, OFFSET_STEP_MS, offsetMs } from "./local-clock.ts";
import type { Reason } from "./reason.ts";
import { TIMING } from "./timing.ts";
import { durationInWords, instantInWords } from "./words.ts";

/** Such as the public holidays of a country. */
export interface HolidayList {
  readonly name: string;
  /** `YYYY-MM-DD`. */
  readonly dates: readonly string[];
}

/** What a project allows itself, below what the platform allows. */
export interface PostingPolicy {
  /** Least time between two posts of an account, in ms. */
  readonly minIntervalMs?: number;
  /** Posts of an account within 24 hours, counted from the first of them. */
  readonly dailyMax?: number;
  /** Hours of the project's day in which nothing is posted, from the start of one to the start of the other; may span midnight. */
  readonly blackout?: { readonly fromHour: number; readonly toHour: number };
  /** Days of the project, `YYYY-MM-DD`, on which nothing is posted. */
  readonly blackoutDates?: readonly string[];
  /** More of them, in lists with names, so that one can be replaced without a look at the others. */
  readonly holidays?: readonly HolidayList[];
  /** Nothing is posted until somebody lifts it. */
  readonly frozen?: boolean;
  /** What X may charge in a calendar month (UTC), in millionths of a US dollar. */
  readonly monthlyBudgetMicros?: number;
}

/** Why a task may not be posted at this instant; see docs/errors.md. */
export const PARKING_CODES = [
  "no-quota",
  "too-close",
  "blackout",
  "frozen",
  "budget",
  "circuit-open",
  "rate-limited",
  "no-service",
  "publishers-busy",
] as const;
export type ParkingCode = (typeof PARKING_CODES)[number];

/** A task is put aside: nothing failed, it just may not be posted now. */
export interface Parking {
  readonly code: ParkingCode;
  /** When it may be tried again. */
  readonly until: Date;
  /** The platform or the policy named that instant. Such a wait counts neither as late nor as one parking too many. */
  readonly known: boolean;
  readonly reason: Reason;
}

/** A task that was parked more often than this, for waits of unknown length, is held for a person. */
export const MAX_PARKINGS = 10;
/** Looked at again after this, when nobody can tell how long it takes. */
export const UNKNOWN_WAIT_MS = 15 * 60_000;

const nothingToDo = (until: Date): string => `Nothing to do: it is tried again at ${instantInWords(until)}.`;

/** The reason in words for each code. `detail` says what was in the way. */
export function parking(code: ParkingCode, until: Date, known: boolean, detail: string): Parking {
  return { code, until, known, reason: { code, message: detail, remedy: nothingToDo(until) } };
}

export const TOO_MANY_PARKINGS: Reason = {
  code: "parked-too-often",
  message: `It had to wait ${MAX_PARKINGS} times for something of unknown length.`,
  remedy: "See in its log what it waited for; then publish it now, or cancel it.",
};

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

type Hours = NonNullable<PostingPolicy["blackout"]>;

/** Hours of a day that a blackout takes; those that span midnight included. */
export const blackHours = ({ fromHour, toHour }: Hours): number =>
  fromHour <= toHour ? toHour - fromHour : toHour - fromHour + 24;

export const isBlackHour = (hour: number, { fromHour, toHour }: Hours): boolean =>
  fromHour <= toHour ? hour >= fromHour && hour < toHour : hour >= fromHour || hour < toHour;

/** The parts of a policy that say when nothing is posted. */
export type BlackoutRules = Pick<PostingPolicy, "blackout" | "blackoutDates" | "holidays">;

/** By the list itself: a planner asks thousands of times with the same policy. */
const daysOfList = new WeakMap<readonly unknown[], ReadonlySet<number>>();

function daysOf(list: readonly unknown[] | undefined, dates: () => readonly string[]): ReadonlySet<number> {
  if (!list) return NO_DAYS;
  let days = daysOfList.get(list);
  if (!days) {
    days = new Set(dates().flatMap((date) => dayOf(date) ?? []));
    daysOfList.set(list, days);
  }
  return days;
}

const NO_DAYS: ReadonlySet<number> = new Set();

/**
 * When the blackout ends that `from` to `to` meets; undefined: it meets none. Hours and days that follow each other are
 * one blackout. Hours that a clock change skips or repeats are taken as the clocks show them, and so is a day of 23 or
 * 25 hours.
 *
 * @param to - end of the last part of a thread
 * @throws RangeError when all hours of the day are black: `checkPolicy` refuses that
 */
export function blackoutUntil(
  rules: BlackoutRules | undefined,
  timeZone: string,
  from: Date,
  to: Date = from,
): Date | undefined {
  const hours = rules?.blackout && blackHours(rules.blackout) > 0 ? rules.blackout : undefined;
  const dates = daysOf(rules?.blackoutDates, () => rules?.blackoutDates ?? []);
  const holidays = daysOf(rules?.holidays, () => rules?.holidays?.flatMap((list) => list.dates) ?? []);
  const dayCount = dates.size + holidays.size;
  if (!hours && dayCount === 0) return undefined;
  const isBlackDay = (day: number) => dates.has(day) || holidays.has(day);

  let meets = false;
  // One day more for the hours before the first black day, one for those after the last, one for a clock change.
  const endAt = Math.max(from.getTime(), to.getTime()) + (dayCount + 3) * DAY_MS;
  for (let at = from.getTime(); at <= endAt; ) {
    const { day, timeMs } = localTime(at, timeZone);
    const isBlack = isBlackDay(day);
    if (isBlack || (hours && isBlackHour(Math.floor(timeMs / HOUR_MS), hours))) meets = true;
    else if (meets) return new Date(at);
    // The clocks move in these steps, and so do hours and days.
    const next = (Math.floor(at / OFFSET_STEP_MS) + 1) * OFFSET_STEP_MS;
    const midnight = at + DAY_MS - timeMs;
    const skipsDay = isBlack && offsetMs(at, timeZone) === offsetMs(midnight, timeZone);
    at = skipsDay ? midnight : next;
    if (!meets && at > to.getTime()) return undefined;
  }
  throw new RangeError("a blackout that never ends");
}

/** How long a thread takes from its first part to its last, in ms, with room for X's answers. */
export const threadMs = (parts: number): number =>
  Math.max(0, parts - 1) * (TIMING.publish.betweenPartsMs + 1_000);

/** Why a thread cannot begin at its slot: it would run into a blackout. A post that is due in one simply waits. */
export function checkThreadSpan(
  policy: PostingPolicy | undefined,
  timeZone: string,
  slotAt: Date,
  parts: number,
): Reason | undefined {
  if (parts < 2 || blackoutUntil(policy, timeZone, slotAt)) return undefined;
  const until = blackoutUntil(policy, timeZone, slotAt, new Date(slotAt.getTime() + threadMs(parts)));
  if (!until) return undefined;
  return {
    code: "thread-meets-blackout",
    message: `A thread of ${parts} parts that begins at ${instantInWords(slotAt)} runs into a blackout of the project.`,
    remedy: `Give an earlier publishAt, or ${instantInWords(until)}.`,
  };
}

/**
 * What the project's policy says about a post at `now`; the account's gate has its own say.
 *
 * @param override - a blackout does not bind it; a freeze still does
 */
export function decidePolicy(
  policy: PostingPolicy,
  timeZone: string,
  now: Date,
  parts: number,
  override = false,
): Parking | undefined {
  if (policy.frozen)
    return parking(
      "frozen",
      new Date(now.getTime() + UNKNOWN_WAIT_MS),
      false,
      "The project is frozen: nothing is posted until somebody lifts it.",
    );
  if (override) return undefined;
  const until = blackoutUntil(policy, timeZone, now, new Date(now.getTime() + threadMs(parts)));
  if (until)
    return parking(
      "blackout",
      until,
      true,
      `Nothing is posted in a blackout of the project, and this one ends in ${durationInWords(until.getTime() - now.getTime())}.`,
    );
  return undefined;
}
