import type { OwnerId, TaskId } from "./ids.ts";
import type { LogEntry } from "./log-entry.ts";
import { PARKING_CODES } from "./policy.ts";
import { dueAt, type Task, type TaskStatus } from "./task.ts";

declare const brand: unique symbol;
/** ULID: sorts by creation. */
export type RunId = string & { readonly [brand]: "RunId" };
export const asRunId = (id: string): RunId => id as RunId;

/** Items of a run that are stored together: an item of the table may have 400 kB, one of these has up to 1 kB. */
export const RUN_PAGE_SIZE = 100;
/** More than this is for the next run. */
export const MAX_RUN_ITEMS = 10_000;
/** Items of one run that are handed on and have not ended: what the publishers work off in a minute or two. */
export const RUN_CAPACITY = 500;
/** A run that is open for longer is closed, whatever its items are doing. */
export const MAX_RUN_MS = 30 * 60_000;
/** Nobody else takes a run while one step is at work: longer than a sweep lives. */
export const RUN_CLAIM_MS = 60_000;
/** Between two steps at least, so that the next sweep, a minute later, takes the next one. */
export const RUN_PAUSE_MS = 10_000;
/**
 * A task is left to whoever has it for this long after it was due or written: its publisher holds to the second, or its
 * message is on the way. Taking it away would make it later, not earlier.
 */
export const RUN_GRACE_MS = 60_000;

export type RunOutcome =
  /** Published. */
  | "succeeded"
  /** A rule, the platform or a person has to be heard: failed, missed, held. */
  | "failed"
  /** Our own fault. */
  | "errored"
  /** Nothing was tried, or nothing came of it yet, for the reason given. */
  | "skipped";

export interface RunError {
  /** The task's own reason, or one of `not-due`, `taken`, `parked`, `run-closed`, `no-progress`, `internal`. */
  readonly code: string;
  readonly message: string;
}

/** One task of a run. */
export interface RunItem {
  readonly taskId: TaskId;
  /** `waiting`: for capacity. `open`: it was handed to the publishers. */
  readonly state: "waiting" | "open" | "ended";
  /** As it was read last. */
  readonly status: TaskStatus;
  readonly handedAt?: Date;
  readonly outcome?: RunOutcome;
  /** Why it did not succeed. */
  readonly error?: RunError;
  /** Newest entry of the task's log when the item ended: `<at>#<attempt>`. */
  readonly logId?: string;
  /** The platform's ids of the uploaded media. */
  readonly mediaIds: readonly string[];
  /** From handing it on to its last change. */
  readonly durationMs?: number;
}

/** Up to `RUN_PAGE_SIZE` items of a run, in the order in which they were found. */
export interface RunPage {
  readonly runId: RunId;
  /** From 0. */
  readonly index: number;
  readonly items: readonly RunItem[];
  /** Grows by one with every write. */
  readonly version: number;
}

export type RunCounts = Readonly<Record<RunOutcome, number>>;
const NO_OUTCOMES: RunCounts = { succeeded: 0, failed: 0, errored: 0, skipped: 0 };

/** One wish to publish everything of an owner that is due. Its items are kept apart, in pages. */
export interface Run {
  readonly id: RunId;
  readonly ownerId: OwnerId;
  readonly status: "queued" | "running" | "ended";
  readonly createdAt: Date;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  /** When the sweeper goes on with it; absent once it has ended. */
  readonly wakeAt?: Date;
  readonly total: number;
  readonly pages: number;
  /** There were more due tasks than one run takes. */
  readonly more: boolean;
  /** Of the items that have ended. */
  readonly counts: RunCounts;
  /** Sum of the durations of `timed` items, in ms. */
  readonly workedMs: number;
  readonly timed: number;
  /** Grows by one with every write. */
  readonly version: number;
}

export const newRun = (id: RunId, ownerId: OwnerId, now: Date): Run => ({
  id,
  ownerId,
  status: "queued",
  createdAt: now,
  wakeAt: now,
  total: 0,
  pages: 0,
  more: false,
  counts: NO_OUTCOMES,
  workedMs: 0,
  timed: 0,
  version: 1,
});

export const logIdOf = ({ at, attemptId }: Pick<LogEntry, "at" | "attemptId">): string =>
  `${at.toISOString()}#${attemptId}`;

const isParked = ({ status, reason }: Task): boolean =>
  status === "retrying" && PARKING_CODES.some((code) => code === reason?.code);

const notDue = (message: string): RunError => ({ code: "not-due", message });
const parked = (task: Task): RunError => ({
  code: "parked",
  message: task.reason?.message ?? `It waits until ${task.notBeforeAt?.toISOString()}.`,
});
const taken = (message: string): RunError => ({ code: "taken", message });

/** Why a task is not to be handed on now; undefined: it is due, and nobody is at work on it. */
export function whyNotDue(task: Task, now: Date): RunError | undefined {
  switch (task.status) {
    case "draft":
    case "held":
    case "published":
    case "failed":
    case "missed":
    case "cancelled":
      return notDue(`It is ${task.status}.`);
    case "preparing":
    case "posting":
    case "unknown":
      return taken(`It is ${task.status}: somebody is at work on it.`);
    case "pending":
    case "ready":
    case "retrying": {
      if (task.slotAt > now) return notDue(`It is due at ${task.slotAt.toISOString()}.`);
      const waits = task.notBeforeAt && task.notBeforeAt > now;
      if (waits) return parked(task);
      const handled = Math.max(dueAt(task).getTime(), task.updatedAt.getTime()) + RUN_GRACE_MS;
      return handled > now.getTime()
        ? taken("It is on its way: it has just become due, or was just arranged.")
        : undefined;
    }
  }
}

/** What one look at a task that was handed on says about its item. */
export type ItemDecision =
  | { readonly kind: "open" }
  /** Whoever was to hand it on died before: it is to be done again. */
  | { readonly kind: "waiting" }
  | { readonly kind: "ended"; readonly outcome: RunOutcome; readonly error?: RunError };

const ended = (outcome: RunOutcome, error?: RunError): ItemDecision => ({
  kind: "ended",
  outcome,
  ...(error && { error: { code: error.code, message: error.message } }),
});

const UNEXPLAINED: RunError = { code: "internal", message: "It ended without saying why." };

/** A failure of ours: of the class `system`, or what the sweeper gave up on after its messages were lost or died. */
const isOurs = ({ reason }: Task, newest: LogEntry | undefined): boolean =>
  newest?.class === "system" || reason?.code === "stuck" || reason === undefined;

/**
 * Whether an item has ended, by its task and the newest entry of the task's log.
 *
 * @param closing - nobody looks again: whatever has not ended is given the outcome that it has now
 */
export function decideItem(
  item: Pick<RunItem, "handedAt">,
  task: Task,
  newest: LogEntry | undefined,
  now: Date,
  closing: boolean,
): ItemDecision {
  const untouched = item.handedAt !== undefined && task.updatedAt < item.handedAt;
  switch (task.status) {
    case "published":
      return ended("succeeded");
    case "failed":
    case "missed":
    case "held":
      return ended(isOurs(task, newest) ? "errored" : "failed", task.reason ?? UNEXPLAINED);
    case "cancelled":
      return ended("skipped", task.reason ?? UNEXPLAINED);
    case "draft":
      return ended("skipped", notDue("It is a draft."));
    case "pending":
    case "preparing":
    case "ready":
    case "posting":
    case "retrying":
    case "unknown":
      if (isParked(task)) return ended("skipped", parked(task));
      if (task.slotAt > now) return ended("skipped", notDue(`It was moved to ${task.slotAt.toISOString()}.`));
      if (untouched && !closing) return { kind: "waiting" };
      if (!closing) return { kind: "open" };
      // Nobody took what was handed on: neither its publisher nor the sweeper.
      if (task.status === "pending" || untouched)
        return ended("errored", {
          code: "no-progress",
          message: `Nobody has taken it: it is ${task.status}.`,
        });
      return ended("skipped", {
        code: "run-closed",
        message: `It is ${task.status} and goes on by itself; the run does not wait any longer.`,
      });
  }
}

/** Counts a run from its pages, so that repeating a step can never count an item twice. */
export function summarize(
  pages: readonly Pick<RunPage, "items">[],
): Pick<Run, "counts" | "workedMs" | "timed"> & { readonly left: number } {
  const counts = { ...NO_OUTCOMES };
  let workedMs = 0;
  let timed = 0;
  let left = 0;
  for (const { outcome, durationMs } of pages.flatMap(({ items }) => items)) {
    if (outcome) counts[outcome]++;
    else left++;
    if (durationMs === undefined) continue;
    workedMs += durationMs;
    timed++;
  }
  return { counts, workedMs, timed, left };
}

/** What a run says in the end, and until then. */
export interface RunSummary {
  /** Absent while it is open. True: nothing failed and nothing errored. */
  readonly success?: boolean;
  readonly message: string;
  /** From its start to its end. */
  readonly durationMs?: number;
  /** Mean time of the items that were handed on, from there to their last change. */
  readonly averageMs?: number;
}

export function sumUp(run: Run): RunSummary {
  const { status, total, counts, startedAt, endedAt, timed, workedMs, more } = run;
  const averageMs = timed > 0 ? { averageMs: Math.round(workedMs / timed) } : {};
  if (status === "queued") return { message: "It starts within a minute." };
  const endedCount = counts.succeeded + counts.failed + counts.errored + counts.skipped;
  if (status === "running") return { message: `${endedCount} of ${total} have ended.`, ...averageMs };
  const parts = [
    `${counts.succeeded} of ${total} published`,
    `${counts.failed} failed`,
    `${counts.errored} errored`,
    `${counts.skipped} skipped`,
  ];
  const rest = more ? " More is due: start another run." : "";
  return {
    success: counts.failed === 0 && counts.errored === 0,
    message: total === 0 ? "Nothing was due." : `${parts.join(", ")}.${rest}`,
    ...(startedAt && endedAt && { durationMs: endedAt.getTime() - startedAt.getTime() }),
    ...averageMs,
  };
}
