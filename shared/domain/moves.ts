/**
 * Every way a task can change. A move takes the task as it was read and answers the task to be written; the store
 * writes it only if nobody was faster. Nothing else builds a next task.
 */
import type { AccountId, AttemptId } from "./ids.ts";
import type { PostFacts } from "./new-task.ts";
import { MAX_PARKINGS, type Parking, TOO_MANY_PARKINGS } from "./policy.ts";
import type { Reason } from "./reason.ts";
import { ABSENT_HELD, nextReading, type ReconcileTiming } from "./reconcile.ts";
import { canBecome, dueAt, mayChooseAgain, type PostedPart, type Task, type TaskStatus } from "./task.ts";
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
  const changes: Readonly<Record<string, unknown>> = {
    // Progress: whatever stood still does not any more.
    ...(over.recoveries === 0 && { stalledSince: undefined }),
    ...over,
    version: task.version + 1,
    updatedAt: now,
  };
  // Built up, not deleted from: an object that loses a field is a slow one ever after.
  const next: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(task)) if (!(key in changes)) next[key] = value;
  for (const key in changes) if (changes[key] !== undefined) next[key] = changes[key];
  return next as unknown as Task;
}

const RELEASED = { attemptId: undefined, leaseUntil: undefined } as const;

/** A new arm: whatever was arranged before can do nothing any more. */
export const rearm = (task: Task, now: Date): Task =>
  change(task, now, { arm: task.arm + 1, wakeAt: after(now, TIMING.wake.unarrangedMs) });

/** When the sweeper looks next at a task whose first wake-up call is due at `at`: to verify its account, or because it is overdue. */
function nextLook(at: Date, now: Date): Date {
  const ahead = TIMING.verifyAheadMs.map((ms) => after(at, -ms)).filter((instant) => instant > now);
  return ahead[0] ?? after(at > now ? at : now, TIMING.wake.arrangedMs);
}

/** The task's wake-up calls are out. Later than `at` by the tolerance, something went wrong. */
export const markArranged = (task: Task, now: Date, at: Date): Task =>
  change(task, now, { arrangedFor: at, wakeAt: nextLook(at, now) });

/** Its account was looked at ahead of time; the next look is nearer to its slot. */
export const markVerified = (task: Task, now: Date): Task =>
  change(task, now, { wakeAt: nextLook(task.arrangedFor ?? now, now) });

/** Nobody came in time: how often since the last progress, and since when. */
const stepIn = ({ recoveries, stalledSince, wakeAt }: Task) => ({
  recoveries: recoveries + 1,
  stalledSince: stalledSince ?? wakeAt,
});

/**
 * The sweeper took it and gives it a new arm. An uploader that died loses its lease: its task starts from what it saved.
 *
 * @param claimMs - the next one is sent after this, if this one did nothing
 */
export const claimForSweep = (task: Task, now: Date, claimMs: number = TIMING.sweep.claimMs): Task =>
  change(task, now, {
    ...(task.status === "preparing" && { status: "pending", ...RELEASED }),
    arm: task.arm + 1,
    ...stepIn(task),
    wakeAt: after(now, claimMs),
    arrangedFor: undefined,
  });

/** Uploads start or go on. */
export const claimForPrepare = (task: Task, now: Date, attemptId: AttemptId): Task =>
  change(task, now, {
    status: "preparing",
    attemptId,
    arrangedFor: undefined,
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

/**
 * Everything is uploaded and written; the publisher is already arranged. What it says does not change any more.
 *
 * @param written - what the written text comes to; the caller stores it in the same transaction. Absent: the text as it
 *   was is in force
 */
export const markReady = (task: Task, now: Date, written?: Pick<Task, "partCount" | "costMicros">): Task =>
  change(task, now, {
    status: "ready",
    ...RELEASED,
    toWrite: undefined,
    ...(written && { ...written, written: true }),
    retries: 0,
    recoveries: 0,
    wakeAt: after(dueAt(task) > now ? dueAt(task) : now, TIMING.wake.arrangedMs),
  });

/** One account of the pool takes it. */
export const chooseAccount = (task: Task, now: Date, accountId: AccountId): Task =>
  change(task, now, { accountId, pool: "chosen" });

export interface Intent {
  readonly attemptId: AttemptId;
  readonly requestHash: string;
  /** Of the request. */
  readonly mediaIds?: readonly string[];
  /** When shared counters were taken from, if they were. */
  readonly sharesAt?: Date | undefined;
  readonly sinceId?: string | undefined;
}

/** The intent to post: written before the call to X, never after. A part that is in doubt keeps where its reading starts. */
export const startPosting = (
  task: Task,
  now: Date,
  { attemptId, requestHash, mediaIds = [], sharesAt, sinceId }: Intent,
): Task =>
  change(task, now, {
    status: "posting",
    attemptId,
    sharesAt,
    requestHash,
    mediaIds: mediaIds.length > 0 ? mediaIds : undefined,
    sinceId: task.inDoubtSince ? task.sinceId : sinceId,
    startedAt: now,
    stalledSince: undefined,
    leaseUntil: after(now, TIMING.publish.leaseMs),
    wakeAt: after(now, TIMING.publish.leaseMs),
    arrangedFor: undefined,
    notBeforeAt: undefined,
    reason: undefined,
  });

/** The attempt is over. What reading back needs stays as long as an earlier request of the part is in doubt. */
const settled = (task: Task) =>
  ({
    ...RELEASED,
    startedAt: undefined,
    sharesAt: undefined,
    readAt: undefined,
    absentAt: undefined,
    ...(!task.inDoubtSince && { requestHash: undefined, mediaIds: undefined, sinceId: undefined }),
  }) as const;

const CERTAIN = {
  ...RELEASED,
  startedAt: undefined,
  sharesAt: undefined,
  readAt: undefined,
  absentAt: undefined,
  requestHash: undefined,
  mediaIds: undefined,
  sinceId: undefined,
  inDoubtSince: undefined,
  reposts: 0,
} as const;

/** X accepted a part. The last one ends the task; a cancellation asked for meanwhile ends a thread where it is. */
export function recordPosted(task: Task, now: Date, part: PostedPart): Task {
  const posted = [...task.posted, part];
  const common = {
    ...CERTAIN,
    posted,
    sentAt: task.sentAt ?? part.sentAt,
    retries: 0,
    recoveries: 0,
    parkings: 0,
  };
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
    reason: undefined,
  });
}

export interface Retry {
  readonly retryAt: Date;
  readonly reason: Reason;
  /** The task's own fault, so it uses up a retry. */
  readonly counted: boolean;
  /** The instant was named by the platform: the wait does not count as late. */
  readonly known: boolean;
}

const excused = (task: Task, until: Date, known: boolean): Date | undefined =>
  known && (!task.excusedUntil || until > task.excusedUntil) ? until : task.excusedUntil;

/** Nothing was posted; another try follows at `retryAt` under a new arm. */
export const scheduleRetry = (task: Task, now: Date, { retryAt, reason, counted, known }: Retry): Task =>
  change(task, now, {
    ...settled(task),
    status: "retrying",
    arm: task.arm + 1,
    retries: task.retries + (counted ? 1 : 0),
    // Whoever decides this is alive.
    recoveries: 0,
    notBeforeAt: retryAt,
    excusedUntil: excused(task, retryAt, known),
    wakeAt: after(retryAt, TIMING.wake.retryMs),
    arrangedFor: undefined,
    reason,
  });

/** It may not be posted now, by a rule: it waits under a new arm. Too many waits of unknown length hold it for a person. */
export function park(task: Task, now: Date, { until, known, reason }: Omit<Parking, "code">): Task {
  // Our own crowd clears by itself, however long the burst; but nobody asked for it, so it excuses no lateness.
  const counts = !known && reason.code !== "publishers-busy";
  if (counts && task.parkings >= MAX_PARKINGS) return stop(task, now, "held", TOO_MANY_PARKINGS);
  return {
    ...scheduleRetry(task, now, { retryAt: until, reason, counted: false, known }),
    parkings: task.parkings + (counts ? 1 : 0),
    ...(mayChooseAgain(task) && { pool: "open" as const }),
  };
}

/**
 * The answer of X was lost. Only reading back can tell; nothing posts it again before. The attempt stays: if its worker
 * was only slow, it may still settle what it knows.
 */
export function markUnknown(task: Task, now: Date, reason: Reason): Task {
  const readAt = nextReading(task);
  return change(task, now, {
    status: "unknown",
    leaseUntil: undefined,
    inDoubtSince: task.inDoubtSince ?? task.startedAt ?? now,
    readAt,
    wakeAt: after(readAt > now ? readAt : now, TIMING.wake.unsettledMs),
    reason,
  });
}

/** A complete reading did not show the post. The first one only counts as a beginning. */
export function noteAbsence(task: Task, now: Date, timing?: ReconcileTiming): Task {
  const noted = { ...task, absentAt: task.absentAt ?? now };
  const readAt = nextReading(noted, timing);
  return change(noted, now, {
    recoveries: 0,
    readAt,
    wakeAt: after(readAt, TIMING.wake.unsettledMs),
  });
}

/** Nothing could be read; it is tried again at `at`. */
export const awaitReading = (task: Task, now: Date, at: Date): Task =>
  change(task, now, { recoveries: 0, readAt: at, wakeAt: after(at, TIMING.wake.unsettledMs) });

/** The sweeper sends the reading again: its message was lost, or whoever read has died. */
export const claimForReading = (task: Task, now: Date, claimMs: number = TIMING.sweep.claimMs): Task =>
  change(task, now, { ...stepIn(task), readAt: now, wakeAt: after(now, claimMs) });

/** Proven not to be out: the same request is sent once more, now. */
export const repost = (task: Task, now: Date, reason: Reason): Task => ({
  ...scheduleRetry(task, now, { retryAt: now, reason, counted: false, known: false }),
  reposts: task.reposts + 1,
});

/** The uploaded media were forgotten by the platform before their slot: they are uploaded again under a new arm. */
export const prepareAgain = (task: Task, now: Date): Task =>
  change(task, now, {
    status: "pending",
    ...RELEASED,
    arm: task.arm + 1,
    recoveries: task.recoveries + 1,
    wakeAt: after(now, TIMING.wake.unarrangedMs),
    arrangedFor: undefined,
  });

/** Ends or stops a task without a post, or a thread before its end. */
export const stop = (
  task: Task,
  now: Date,
  to: "held" | "failed" | "missed",
  reason: Reason,
  heldFor?: "account",
): Task =>
  change(task, now, {
    ...settled(task),
    status: to,
    heldFor,
    wakeAt: undefined,
    arrangedFor: undefined,
    notBeforeAt: undefined,
    reason: tellingParts(task, reason),
  });

/** A thread that stops says where. */
const tellingParts = ({ posted, partCount }: Task, reason: Reason): Reason =>
  posted.length === 0
    ? reason
    : { ...reason, message: `${reason.message} ${posted.length} of ${partCount} parts are out.` };

const CANCELLED_IN_DOUBT: Reason = {
  code: "cancelled-in-doubt",
  message:
    "Cancelled while nobody knows whether it is out: X's answer was lost, and the timeline did not tell.",
  remedy: "Look at the account's timeline, and delete the post there if it should not stand.",
};

/** Held although an earlier request may have taken effect; a proven absence is no doubt. */
export const isInDoubt = ({ status, inDoubtSince, reason }: Task): boolean =>
  status === "held" && inDoubtSince !== undefined && reason?.code !== ABSENT_HELD.code;

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
    ...settled(task),
    status: "cancelled",
    heldFor: undefined,
    rev: task.rev + 1,
    wakeAt: undefined,
    arrangedFor: undefined,
    notBeforeAt: undefined,
    reason: isInDoubt(task)
      ? tellingParts(task, CANCELLED_IN_DOUBT)
      : cancelledReason(task.posted.length, task.partCount),
  });

/** While X may be answering, a cancellation is only remembered: it is honoured at a definite no or before the next part. */
export const askToCancel = (task: Task, now: Date): Task => change(task, now, { cancelAskedAt: now });

/** New content: a new revision, arranged anew. The caller stores the content in the same transaction. */
export const revise = (task: Task, now: Date, facts: PostFacts): Task =>
  change(task, now, {
    cancelAskedAt: undefined,
    ...facts,
    toWrite: facts.toWrite,
    written: undefined,
    override: undefined,
    ...CERTAIN,
    status: "pending",
    heldFor: undefined,
    rev: task.rev + 1,
    contentRev: task.rev + 1,
    arm: task.arm + 1,
    retries: 0,
    recoveries: 0,
    parkings: 0,
    arrangedFor: undefined,
    notBeforeAt: undefined,
    excusedUntil: undefined,
    reason: undefined,
    wakeAt: after(now, TIMING.wake.unarrangedMs),
  });

/**
 * Publish now: the same content under a new arm. Media that are not uploaded yet are prepared at once.
 *
 * @param override - a blackout does not bind the new slot; what was said for the old one is over
 */
export const reschedule = (task: Task, now: Date, slotAt: Date, override = false): Task =>
  change(task, now, {
    cancelAskedAt: undefined,
    override: override ? true : undefined,
    status: task.status === "ready" ? "ready" : "pending",
    // A person decided: whatever was in doubt before is theirs to know.
    ...CERTAIN,
    heldFor: undefined,
    rev: task.rev + 1,
    arm: task.arm + 1,
    slotAt,
    retries: 0,
    recoveries: 0,
    parkings: 0,
    arrangedFor: undefined,
    notBeforeAt: undefined,
    excusedUntil: undefined,
    reason: undefined,
    wakeAt: after(now, TIMING.wake.unarrangedMs),
  });

export interface Retiming {
  /** What was asked for. */
  readonly publishAt: Date;
  readonly slotAt: Date;
  /** Absent: the slot was given. */
  readonly strategy?: Task["strategy"] | undefined;
  /** Of an open pool: the account that the slot belongs to. */
  readonly chosen?: AccountId | undefined;
}

/** Another time was asked for: the same content at another slot, under a new arm. */
export function retime(task: Task, now: Date, { publishAt, slotAt, strategy, chosen }: Retiming): Task {
  const { strategy: _, ...moved } = reschedule(task, now, slotAt);
  return {
    ...moved,
    publishAt,
    ...(strategy && { strategy }),
    ...(chosen && { accountId: chosen, pool: "chosen" as const }),
  };
}

/** How a task is treated on its way: not what it says, nor when it goes out. */
export type Treatment = Pick<Task, "priority" | "language" | "latePolicy" | "maxRetries"> & {
  readonly reconcile: Task["reconcile"] | undefined;
};

/** Its calls and whoever works on it stay: they read the task again before they act. */
export const treat = (task: Task, now: Date, treatment: Treatment): Task => change(task, now, treatment);

/**
 * A person changed what it says. That is a new revision and nothing more: how its slot was chosen stays, and what is held
 * stays held, for the same reason.
 *
 * @param revised - the new revision, as `revise` made it
 * @param keepsPool - its account was not changed
 */
export function edit(
  task: Task,
  revised: Task,
  { maxRetries, keepsPool }: { readonly maxRetries: number; readonly keepsPool: boolean },
): Task {
  const { wakeAt, ...rest } = revised;
  const edited: Task = {
    ...rest,
    maxRetries,
    ...(task.strategy && !revised.strategy && { strategy: task.strategy }),
    ...(keepsPool && task.pool && { pool: task.pool }),
  };
  if (task.status !== "held") return { ...edited, ...(wakeAt && { wakeAt }) };
  return {
    ...edited,
    status: "held",
    ...(task.reason && { reason: task.reason }),
    ...(task.heldFor && keepsPool && { heldFor: task.heldFor }),
  };
}

/** A person has seen the post whose answer was lost. A thread goes on with its next part, unless it was to be cancelled. */
export function adoptSeen(task: Task, now: Date, part: PostedPart): Task {
  const posted = [...task.posted, part];
  const common = {
    ...CERTAIN,
    posted,
    sentAt: task.sentAt ?? part.sentAt,
    heldFor: undefined,
    retries: 0,
    recoveries: 0,
    parkings: 0,
    arrangedFor: undefined,
    notBeforeAt: undefined,
    reason: undefined,
    wakeAt: undefined,
  };
  if (posted.length >= task.partCount) return change(task, now, { ...common, status: "published" });
  if (task.cancelAskedAt)
    return change(task, now, {
      ...common,
      status: "cancelled",
      reason: cancelledReason(posted.length, task.partCount),
    });
  return change(task, now, {
    ...common,
    status: "pending",
    arm: task.arm + 1,
    wakeAt: after(now, TIMING.wake.unarrangedMs),
  });
}

/** The planner found another slot: what was arranged for the old one does nothing, and all else stays as it is. */
export const moveSlot = (task: Task, now: Date, slotAt: Date): Task =>
  change(task, now, {
    rev: task.rev + 1,
    arm: task.arm + 1,
    slotAt,
    recoveries: 0,
    arrangedFor: undefined,
    wakeAt: after(now, TIMING.wake.unarrangedMs),
  });

/**
 * What held it is over (its account was connected again): it goes on by itself, under a new arm.
 *
 * @param override - a blackout does not bind it. @default - as before
 */
export const resume = (task: Task, now: Date, override: boolean = task.override ?? false): Task =>
  change(task, now, {
    cancelAskedAt: undefined,
    override: override ? true : undefined,
    ...settled(task),
    status: "pending",
    heldFor: undefined,
    arm: task.arm + 1,
    retries: 0,
    recoveries: 0,
    parkings: 0,
    notBeforeAt: undefined,
    reason: undefined,
    wakeAt: after(now, TIMING.wake.unarrangedMs),
  });

/** The same task once more: whatever is derived from it is written anew. */
export const rewrite = (task: Task, now: Date): Task => ({
  ...task,
  version: task.version + 1,
  updatedAt: now,
});

/** Whatever it was arranged for counts no more: the sweeper looks at it at `at`. */
export const wakeBySweeper = (task: Task, now: Date, at: Date): Task =>
  change(task, now, { arrangedFor: undefined, wakeAt: at });
