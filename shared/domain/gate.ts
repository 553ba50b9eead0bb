/**
 * What an account may do now, as one value changed by pure functions. It is written in the transaction that moves the
 * task, so a reservation and the intent that it belongs to exist together or not at all.
 *
 * A reservation has no clock of its own: only a definite answer ends it.
 */
import { ACCOUNT_CIRCUIT, admit, afterSilence, type Circuit, CLOSED_CIRCUIT, startProbe } from "./circuit.ts";
import type { AccountId, AttemptId, OwnerId, TaskId } from "./ids.ts";
import { type Parking, type PostingPolicy, parking, threadMs, UNKNOWN_WAIT_MS } from "./policy.ts";
import type { Reason } from "./reason.ts";

/** A task that may be posting. All parts of a thread are reserved at its start. */
export interface Reservation {
  readonly taskId: TaskId;
  readonly attemptId: AttemptId;
  /** Its last intent. */
  readonly at: Date;
  readonly units: number;
  /** Parts that are out. */
  readonly used: number;
  /** Starts of the windows that it is counted in: what it does not use goes back to these and to no other. */
  readonly quarterAt: Date;
  readonly dayAt: Date;
}

/** Counted from the first post in it, as X does. */
export interface GateWindow {
  readonly startAt: Date;
  readonly used: number;
}

export interface Gate {
  readonly accountId: AccountId;
  /** Absent until the first post: the account is then found by its project. */
  readonly ownerId?: OwnerId;
  readonly version: number;
  readonly reservations: readonly Reservation[];
  readonly lastPostAt?: Date;
  readonly lastPostId?: string;
  /** X's own: 100 posts in 15 minutes. */
  readonly quarter?: GateWindow;
  readonly day?: GateWindow;
  /** Closed until then, for this reason: a rate limit's reset. */
  readonly closedUntil?: Date;
  readonly closedReason?: Reason;
  readonly circuit: Circuit;
  /** The interval that the last post was reserved with, in ms: tells when the next may follow. */
  readonly intervalMs: number;
  /** Of the last posts, in [0, 1]; newer ones weigh more. */
  readonly successRate: number;
  /** Tasks that were posted in each hour of the day in UTC: 24 counts. Absent: none was since they are counted. */
  readonly hours?: readonly number[];
}

/** @see https://docs.x.com/x-api/fundamentals/rate-limits */
export const QUARTER_LIMIT = 100;
const QUARTER_MS = 15 * 60_000;
const DAY_MS = 24 * 3_600_000;
/** Weight of the newest post in the success rate. */
const NEWEST_WEIGHT = 0.1;

/** A gate that nothing went through yet; it has version 0 until it is written. */
export const newGate = (accountId: AccountId): Gate => ({
  accountId,
  version: 0,
  reservations: [],
  circuit: CLOSED_CIRCUIT,
  intervalMs: 0,
  successRate: 1,
});

const current = (window: GateWindow | undefined, now: Date, lengthMs: number): GateWindow | undefined =>
  window && now.getTime() < window.startAt.getTime() + lengthMs ? window : undefined;

/** Whether the window that a reservation is counted in is still the current one. */
const isCounted = (
  window: GateWindow | undefined,
  countedAt: Date | undefined,
  now: Date,
  lengthMs: number,
): boolean => {
  const same = current(window, now, lengthMs);
  return same !== undefined && same.startAt.getTime() === countedAt?.getTime();
};

/** `undefined`: no limit. */
function fullUntil(
  window: GateWindow | undefined,
  limit: number | undefined,
  units: number,
  now: Date,
  lengthMs: number,
): Date | undefined {
  if (limit === undefined) return undefined;
  const counted = current(window, now, lengthMs);
  return counted && counted.used + units > limit ? new Date(counted.startAt.getTime() + lengthMs) : undefined;
}

/** The instant before which the account's next task would be too close; undefined: there was none. */
function intervalEnd({ reservations, lastPostAt }: Gate, minIntervalMs: number): Date | undefined {
  if (minIntervalMs <= 0) return undefined;
  const ends = reservations.map(({ at, units, used }) => at.getTime() + threadMs(units - used));
  if (lastPostAt) ends.push(lastPostAt.getTime());
  return ends.length === 0 ? undefined : new Date(Math.max(...ends) + minIntervalMs);
}

export interface GateWish {
  readonly taskId: TaskId;
  readonly now: Date;
  /** Parts that are not out yet. */
  readonly units: number;
  readonly policy: PostingPolicy;
}

/**
 * Whether the account may post now. A task that holds a reservation (the next part of a thread) has its place already:
 * only what closes the account altogether stops it, or a full window, when the one that it was counted in is over.
 *
 * @returns undefined: it may
 */
export function decideGate(gate: Gate, { taskId, now, units, policy }: GateWish): Parking | undefined {
  const { closedUntil, closedReason, circuit } = gate;
  if (closedUntil && closedUntil > now)
    return {
      ...parking("rate-limited", closedUntil, true, "X takes no post of this account for now."),
      ...(closedReason && { reason: closedReason }),
    };
  const admission = admit(circuit, now);
  if (admission.kind === "open")
    return parking(
      "circuit-open",
      admission.until,
      false,
      "The last posts of this account were not answered by X, so it is left alone for a while.",
    );
  const held = reservationOf(gate, taskId);
  const tooClose = held ? undefined : intervalEnd(gate, policy.minIntervalMs ?? 0);
  if (tooClose && tooClose > now)
    return parking(
      "too-close",
      tooClose,
      // A reservation whose answer was lost moves the instant once more, but it is named each time.
      true,
      "The project keeps an interval between the posts of an account.",
    );
  const quarter = isCounted(gate.quarter, held?.quarterAt, now, QUARTER_MS)
    ? undefined
    : fullUntil(gate.quarter, QUARTER_LIMIT, units, now, QUARTER_MS);
  if (quarter)
    return parking("no-quota", quarter, true, `X takes ${QUARTER_LIMIT} posts of an account in 15 minutes.`);
  if (policy.dailyMax === undefined || isCounted(gate.day, held?.dayAt, now, DAY_MS)) return undefined;
  if (units > policy.dailyMax)
    return parking(
      "no-quota",
      new Date(now.getTime() + UNKNOWN_WAIT_MS),
      false,
      `The thread has ${units} parts, and the project allows ${policy.dailyMax} posts a day.`,
    );
  const day = fullUntil(gate.day, policy.dailyMax, units, now, DAY_MS);
  if (day)
    return parking("no-quota", day, true, `The project allows an account ${policy.dailyMax} posts a day.`);
  return undefined;
}

const counted = (window: GateWindow | undefined, now: Date, lengthMs: number, units: number): GateWindow => {
  const { startAt, used } = current(window, now, lengthMs) ?? { startAt: now, used: 0 };
  return { startAt, used: used + units };
};

/**
 * What was reserved in a window that is over is no longer counted anywhere. Windows are told apart by their start and not
 * by the reservation's instant: clocks of workers differ by seconds.
 */
const returned = (window: GateWindow | undefined, startAt: Date, units: number): GateWindow | undefined =>
  window?.startAt.getTime() === startAt.getTime() ? { ...window, used: window.used - units } : window;

const next = (gate: Gate, over: Partial<Gate>): Gate => ({ ...gate, ...over, version: gate.version + 1 });

const reservationOf = (gate: Gate, taskId: TaskId): Reservation | undefined =>
  gate.reservations.find((reservation) => reservation.taskId === taskId);

/** Whether the task may be posting, or is in the middle of a thread. */
export const hasPlace = (gate: Gate, taskId: TaskId): boolean => reservationOf(gate, taskId) !== undefined;

const others = (gate: Gate, taskId: TaskId): readonly Reservation[] =>
  gate.reservations.filter((reservation) => reservation.taskId !== taskId);

/** Counts units in the current window, once: not if they are in it already. */
const recounted = (
  window: GateWindow | undefined,
  countedAt: Date | undefined,
  now: Date,
  lengthMs: number,
  units: number,
): GateWindow =>
  window && isCounted(window, countedAt, now, lengthMs) ? window : counted(window, now, lengthMs, units);

/**
 * The place for an intent that `decideGate` let through. The next part of a thread keeps the place that it has; in a new
 * window, what is left of the thread is counted there.
 */
export function reserve(
  gate: Gate,
  {
    taskId,
    now,
    units,
    policy,
    attemptId,
    ownerId,
  }: GateWish & {
    readonly attemptId: AttemptId;
    readonly ownerId: OwnerId;
  },
): Gate {
  const circuit =
    admit(gate.circuit, now).kind === "probe" ? startProbe(gate.circuit, now, ACCOUNT_CIRCUIT) : gate.circuit;
  const held = reservationOf(gate, taskId);
  const quarter = recounted(gate.quarter, held?.quarterAt, now, QUARTER_MS, units);
  const day = recounted(gate.day, held?.dayAt, now, DAY_MS, units);
  const reservation: Reservation = {
    taskId,
    attemptId,
    at: now,
    units: held?.units ?? units,
    used: held?.used ?? 0,
    quarterAt: quarter.startAt,
    dayAt: day.startAt,
  };
  return next(gate, {
    ownerId,
    circuit,
    // The next part of a thread has waited for no interval of its own.
    intervalMs: held ? gate.intervalMs : (policy.minIntervalMs ?? 0),
    reservations: [...others(gate, taskId), reservation],
    quarter,
    day,
  });
}

/** How the platform behaved: it answered, or it did not. Whatever it says, an answer closes the circuit. */
export type Heard = "answer" | "silence" | "nothing";

const heardBy = (gate: Gate, now: Date, heard: Heard): Circuit => {
  switch (heard) {
    case "answer":
      return CLOSED_CIRCUIT;
    case "silence":
      return afterSilence(gate.circuit, now, ACCOUNT_CIRCUIT);
    case "nothing":
      return gate.circuit;
  }
};

const rated = ({ successRate }: Gate, success: boolean): number =>
  successRate * (1 - NEWEST_WEIGHT) + (success ? NEWEST_WEIGHT : 0);

const DAY_HOURS = 24;

const noted = (hours: readonly number[] | undefined, at: Date): readonly number[] =>
  Array.from({ length: DAY_HOURS }, (_, hour) => (hours?.[hour] ?? 0) + (hour === at.getUTCHours() ? 1 : 0));

/** A part is out. @param isLast - nothing more of this task follows: unused units are free again */
export function confirm(
  gate: Gate,
  { taskId, at, postId, isLast }: { taskId: TaskId; at: Date; postId: string; isLast: boolean },
): Gate {
  const isNewest = !gate.lastPostAt || at >= gate.lastPostAt;
  const posted = next(gate, {
    ...(isNewest && { lastPostAt: at, lastPostId: postId }),
    circuit: CLOSED_CIRCUIT,
    successRate: rated(gate, true),
    ...(isLast && { hours: noted(gate.hours, at) }),
  });
  const held = reservationOf(gate, taskId);
  if (!held) return posted;
  const used = { ...held, used: held.used + 1 };
  if (isLast) return release(posted, used, used.units - used.used);
  return { ...posted, reservations: [...others(gate, taskId), used] };
}

function release(gate: Gate, held: Reservation, units: number): Gate {
  const quarter = returned(gate.quarter, held.quarterAt, units);
  const day = returned(gate.day, held.dayAt, units);
  return {
    ...gate,
    reservations: others(gate, held.taskId),
    ...(quarter && { quarter }),
    ...(day && { day }),
  };
}

export interface Response {
  readonly now: Date;
  readonly heard: Heard;
  /** The reset that X named holds for the whole account. */
  readonly closed?: { readonly until: Date; readonly reason: Reason } | undefined;
}

/** What a definite no says about the account. The task keeps its place: it is in the middle of a thread. */
export const noteResponse = (gate: Gate, { now, heard, closed }: Response): Gate =>
  next(gate, {
    circuit: heardBy(gate, now, heard),
    ...(heard === "silence" && { successRate: rated(gate, false) }),
    ...(closed && { closedUntil: closed.until, closedReason: closed.reason }),
  });

/** The task leaves its place: what it did not use is free again. */
export function giveBack(gate: Gate, taskId: TaskId, response?: Response): Gate {
  const changed = response ? noteResponse(gate, response) : next(gate, {});
  const held = reservationOf(gate, taskId);
  return held ? release(changed, held, held.units - held.used) : changed;
}

/** Nobody knows whether it is out: the place stays taken. */
export const doubt = (gate: Gate, now: Date): Gate =>
  next(gate, {
    circuit: afterSilence(gate.circuit, now, ACCOUNT_CIRCUIT),
    successRate: rated(gate, false),
  });

/** It may be out, and nobody looks any more: it counts as posted, also for the interval. */
export function writeOff(gate: Gate, taskId: TaskId): Gate {
  const held = reservationOf(gate, taskId);
  const isNewest = held && (!gate.lastPostAt || held.at > gate.lastPostAt);
  return next(gate, { reservations: others(gate, taskId), ...(isNewest && { lastPostAt: held.at }) });
}

/** When the account may post next as far as its gate knows: sorts the accounts of an owner. */
export function nextInstant(gate: Gate): Date {
  const ends = [gate.closedUntil, gate.circuit.openUntil, intervalEnd(gate, gate.intervalMs)];
  return new Date(Math.max(0, ...ends.map((end) => end?.getTime() ?? 0)));
}

/** Posts counted in a window, reserved ones included. */
export interface UsedWindow {
  readonly used: number;
  /** Absent: nothing is counted. */
  readonly resetAt?: Date;
}

/** What is counted in the windows that are current at `now`. */
export function usedWindows(
  { quarter, day }: Pick<Gate, "quarter" | "day">,
  now: Date,
): { readonly quarter: UsedWindow; readonly day: UsedWindow } {
  const usedIn = (window: GateWindow | undefined, lengthMs: number): UsedWindow => {
    const counted = current(window, now, lengthMs);
    return counted
      ? { used: counted.used, resetAt: new Date(counted.startAt.getTime() + lengthMs) }
      : { used: 0 };
  };
  return { quarter: usedIn(quarter, QUARTER_MS), day: usedIn(day, DAY_MS) };
}
