/**
 * Every way a task can change. A move takes the task as it was read and answers the task to be written; the store
 * writes it only if nobody was faster. Nothing else builds a next task.
 */
import type { AttemptId } from "./ids.ts";
import type { Reason } from "./reason.ts";
import { canBecome, type PostedPart, type Task, type TaskStatus } from "./task.ts";
import { TIMING } from "./timing.ts";

type Optional = {
  [Key in keyof Task as undefined extends Task[Key] ? Key : never]-?: Task[Key];
};
type Change = Partial<Omit<Task, "id" | "version" | "updatedAt" | keyof Optional>> & {
  /** `undefined` removes the field. */
  readonly [Key in keyof Optional]?: Optional[Key] | undefined;
};

const after = (at: Date, ms: number): Date => new Date(at.getTime() + ms);

/** @throws RangeError when the life cycle does not allow the step: a bug, not a refusal. */
function change(task: Task, now: Date, over: Change): Task {
  const to: TaskStatus = over.status ?? task.status;
  if (!canBecome(task.status, to)) throw new RangeError(`a ${task.status} task cannot become ${to}`);
  const next: Record<string, unknown> = { ...task, ...over, version: task.version + 1, updatedAt: now };
  for (const [key, value] of Object.entries(next)) if (value === undefined) delete next[key];
  return next as unknown as Task;
}

const RELEASED = { attemptId: undefined, leaseUntil: undefined } as const;

/** A new arm: whatever was arranged before can do nothing any more. */
export const rearm = (task: Task, now: Date): Task =>
  change(task, now, { arm: task.arm + 1, wakeAt: after(now, TIMING.wake.unarrangedMs) });

/** The task's wake-up calls are out. Later than `at` by the tolerance, something went wrong. */
export const markArranged = (task: Task, now: Date, at: Date): Task =>
  change(task, now, { wakeAt: after(at > now ? at : now, TIMING.wake.arrangedMs) });

/** The sweeper took it and gives it a new arm. An uploader that died loses its lease: its task starts from what it saved. */
export const claimForSweep = (task: Task, now: Date): Task =>
  change(task, now, {
    ...(task.status === "preparing" && { status: "pending", ...RELEASED }),
    arm: task.arm + 1,
    recoveries: task.recoveries + 1,
    wakeAt: after(now, TIMING.sweep.claimMs),
  });

/** Uploads start or go on. */
export const claimForPrepare = (task: Task, now: Date, attemptId: AttemptId): Task =>
  change(task, now, {
    status: "preparing",
    attemptId,
    leaseUntil: after(now, TIMING.prepare.leaseMs),
    wakeAt: after(now, TIMING.prepare.leaseMs),
    reason: undefined,
  });

/** One slice of uploads is done; a message continues it at `nextAt`. */
export const pausePrepare = (task: Task, now: Date, nextAt: Date): Task =>
  change(task, now, {
    ...RELEASED,
    recoveries: 0,
    wakeAt: after(nextAt, TIMING.wake.retryMs),
  });

/** Everything is uploaded; the publisher is already arranged. */
export const markReady = (task: Task, now: Date): Task =>
  change(task, now, {
    status: "ready",
    ...RELEASED,
    retries: 0,
    recoveries: 0,
    wakeAt: after(task.slotAt > now ? task.slotAt : now, TIMING.wake.arrangedMs),
  });

export interface Intent {
  readonly attemptId: AttemptId;
  readonly requestHash: string;
  readonly sinceId?: string | undefined;
}

/** The intent to post: written before the call to X, never after. */
export const startPosting = (task: Task, now: Date, { attemptId, requestHash, sinceId }: Intent): Task =>
  change(task, now, {
    status: "posting",
    attemptId,
    requestHash,
    sinceId,
    startedAt: now,
    leaseUntil: after(now, TIMING.publish.leaseMs),
    wakeAt: after(now, TIMING.publish.leaseMs),
    notBeforeAt: undefined,
    reason: undefined,
  });

const SETTLED = { ...RELEASED, startedAt: undefined, requestHash: undefined, sinceId: undefined } as const;

/** X accepted a part. The last one ends the task; a cancellation asked for meanwhile ends a thread where it is. */
export function recordPosted(task: Task, now: Date, part: PostedPart): Task {
  const posted = [...task.posted, part];
  const common = { ...SETTLED, posted, sentAt: task.sentAt ?? part.sentAt, retries: 0, recoveries: 0 };
  if (posted.length >= task.partCount)
    return change(task, now, { ...common, status: "published", wakeAt: undefined, reason: undefined });
  if (task.cancelAskedAt)
    return change(task, now, {
      ...common,
      status: "cancelled",
      wakeAt: undefined,
      reason: cancelledReason(posted.length, task.partCount),
    });
  const notBeforeAt = after(now, TIMING.publish.betweenPartsMs);
  return change(task, now, {
    ...common,
    status: "ready",
    notBeforeAt,
    wakeAt: after(notBeforeAt, TIMING.wake.retryMs),
  });
}

/** Nothing was posted; another try follows at `retryAt` under a new arm. `counted`: the task's own fault, so it uses up a retry. */
export const scheduleRetry = (
  task: Task,
  now: Date,
  {
    retryAt,
    reason,
    counted,
  }: { readonly retryAt: Date; readonly reason: Reason; readonly counted: boolean },
): Task =>
  change(task, now, {
    ...SETTLED,
    status: "retrying",
    arm: task.arm + 1,
    retries: task.retries + (counted ? 1 : 0),
    notBeforeAt: retryAt,
    wakeAt: after(retryAt, TIMING.wake.retryMs),
    reason,
  });

/**
 * The answer of X was lost. Only reading back can tell; nothing here ever posts it again. The attempt stays: if its
 * worker was only slow, it may still settle what it knows.
 */
export const markUnknown = (task: Task, now: Date, reason: Reason): Task =>
  change(task, now, { status: "unknown", leaseUntil: undefined, wakeAt: undefined, reason });

/** The uploaded media were forgotten by the platform before their slot: they are uploaded again under a new arm. */
export const prepareAgain = (task: Task, now: Date): Task =>
  change(task, now, {
    status: "pending",
    ...RELEASED,
    arm: task.arm + 1,
    recoveries: task.recoveries + 1,
    wakeAt: after(now, TIMING.wake.unarrangedMs),
  });

/** Ends or stops a task without a post. A cancellation that was asked for wins over a hold or a failure. */
export const stop = (task: Task, now: Date, to: "held" | "failed" | "missed", reason: Reason): Task =>
  change(task, now, { ...SETTLED, status: to, wakeAt: undefined, notBeforeAt: undefined, reason });

const cancelledReason = (sent: number, parts: number): Reason =>
  sent === 0
    ? {
        code: "cancelled",
        message: "Cancelled before anything was posted.",
        remedy: "Create it again if you changed your mind.",
      }
    : {
        code: "cancelled-in-thread",
        message: `The thread was cancelled after ${sent} of ${parts} parts.`,
        remedy: "Delete the posted parts on X if they should not stand alone.",
      };

/** Cancelling raises `rev`: no message arranged before can act on it. */
export const cancel = (task: Task, now: Date): Task =>
  change(task, now, {
    ...SETTLED,
    status: "cancelled",
    rev: task.rev + 1,
    wakeAt: undefined,
    notBeforeAt: undefined,
    reason: cancelledReason(task.posted.length, task.partCount),
  });

/** While X may be answering, a cancellation is only remembered: it is honoured at a definite no or before the next part. */
export const askToCancel = (task: Task, now: Date): Task => change(task, now, { cancelAskedAt: now });

/** New content: a new revision, arranged anew. The caller stores the content in the same transaction. */
export const revise = (
  task: Task,
  now: Date,
  over: Pick<
    Task,
    | "accountId"
    | "publishAt"
    | "slotAt"
    | "priority"
    | "language"
    | "latePolicy"
    | "partCount"
    | "mediaCount"
    | "source"
  >,
): Task =>
  change(task, now, {
    ...over,
    ...RELEASED,
    status: "pending",
    rev: task.rev + 1,
    contentRev: task.rev + 1,
    arm: task.arm + 1,
    retries: 0,
    recoveries: 0,
    notBeforeAt: undefined,
    reason: undefined,
    wakeAt: after(now, TIMING.wake.unarrangedMs),
  });

/** Publish now: the same content under a new arm. Media that are not uploaded yet are prepared at once. */
export const reschedule = (task: Task, now: Date, slotAt: Date): Task =>
  change(task, now, {
    status: task.status === "ready" ? "ready" : "pending",
    ...RELEASED,
    rev: task.rev + 1,
    arm: task.arm + 1,
    slotAt,
    retries: 0,
    recoveries: 0,
    notBeforeAt: undefined,
    reason: undefined,
    wakeAt: after(now, TIMING.wake.unarrangedMs),
  });
