import type { Reason } from "./reason.ts";
import { TIMING } from "./timing.ts";
import { durationInWords, instantInWords } from "./words.ts";

/** What a project allows itself, below what the platform allows. */
export interface PostingPolicy {
  /** Least time between two posts of an account, in ms. */
  readonly minIntervalMs?: number;
  /** Posts of an account within 24 hours, counted from the first of them. */
  readonly dailyMax?: number;
  /** Hours of the project's day in which nothing is posted, from the start of one to the start of the other; may span midnight. */
  readonly blackout?: { readonly fromHour: number; readonly toHour: number };
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

const formats = new Map<string, Intl.DateTimeFormat>();

/** Hour (0 to 23) that the clocks of a zone show. */
function localHour(at: number, timeZone: string): number {
  if (timeZone === "UTC") return new Date(at).getUTCHours();
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", { hour: "numeric", hourCycle: "h23", timeZone });
    formats.set(timeZone, format);
  }
  return Number(format.format(at));
}

/** Every offset from UTC, of zones and of their changes, is a multiple of this since 1972. */
const OFFSET_STEP_MS = 15 * 60_000;
const DAY_MS = 24 * 3_600_000;

const isBlackHour = (hour: number, { fromHour, toHour }: NonNullable<PostingPolicy["blackout"]>): boolean =>
  fromHour <= toHour ? hour >= fromHour && hour < toHour : hour >= fromHour || hour < toHour;

/**
 * When the blackout ends that `from` to `to` meets; undefined: it meets none. Hours that a clock change skips or
 * repeats are taken as the clocks show them.
 *
 * @param to - end of the last part of a thread
 */
export function blackoutUntil(
  blackout: PostingPolicy["blackout"],
  timeZone: string,
  from: Date,
  to: Date = from,
): Date | undefined {
  if (!blackout || blackout.fromHour === blackout.toHour) return undefined;
  let meets = isBlackHour(localHour(from.getTime(), timeZone), blackout);
  const firstStep = (Math.floor(from.getTime() / OFFSET_STEP_MS) + 1) * OFFSET_STEP_MS;
  for (let at = firstStep; at <= from.getTime() + 2 * DAY_MS; at += OFFSET_STEP_MS) {
    const isBlack = isBlackHour(localHour(at, timeZone), blackout);
    if (meets && !isBlack) return new Date(at);
    if (!meets && at > to.getTime()) return undefined;
    meets ||= isBlack;
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
  const { blackout } = policy ?? {};
  if (parts < 2 || blackoutUntil(blackout, timeZone, slotAt)) return undefined;
  const until = blackoutUntil(blackout, timeZone, slotAt, new Date(slotAt.getTime() + threadMs(parts)));
  if (!until) return undefined;
  return {
    code: "thread-meets-blackout",
    message: `A thread of ${parts} parts that begins at ${instantInWords(slotAt)} runs into the project's blackout hours.`,
    remedy: `Give an earlier publishAt, or ${instantInWords(until)}.`,
  };
}

/** What the project's policy says about a post at `now`; the account's gate has its own say. */
export function decidePolicy(
  policy: PostingPolicy,
  timeZone: string,
  now: Date,
  parts: number,
): Parking | undefined {
  if (policy.frozen)
    return parking(
      "frozen",
      new Date(now.getTime() + UNKNOWN_WAIT_MS),
      false,
      "The project is frozen: nothing is posted until somebody lifts it.",
    );
  const until = blackoutUntil(policy.blackout, timeZone, now, new Date(now.getTime() + threadMs(parts)));
  if (until)
    return parking(
      "blackout",
      until,
      true,
      `Nothing is posted in the project's blackout hours, which end in ${durationInWords(until.getTime() - now.getTime())}.`,
    );
  return undefined;
}
