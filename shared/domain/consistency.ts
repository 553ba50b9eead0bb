/**
 * What the parts of Punctual must say about each other: tasks, their schedules, logs, posts and batches. The account's gate
 * and the shared counters have files of their own.
 *
 * The rules take what was read and answer what disagrees. They believe nothing that can be explained by the order in
 * which it was read; where that takes a second look, the use case takes it.
 */
import { type Batch, type BatchCounts, bucketOf, type CountedTask, NO_COUNTS } from "./batch.ts";
import type { AccountId, TaskId } from "./ids.ts";
import type { LogEntry } from "./log-entry.ts";
import { markArranged, wakeBySweeper } from "./moves.ts";
import { WITHOUT_PROGRESS_MS } from "./progress.ts";
import { isWrittenOff } from "./reconcile.ts";
import {
  dueAt,
  isActive,
  isFinal,
  isInFlight,
  needsPreparation,
  type Task,
  type TaskStatus,
  type TaskStep,
} from "./task.ts";
import { TIMING } from "./timing.ts";

/**
 * - `severe`: a promise is at stake (a post lost, sent twice, or against a limit).
 * - `degraded`: something is late, wasted or unexplained.
 * - `harmless`: left over; it can do nothing any more.
 */
export type Severity = "severe" | "degraded" | "harmless";

export interface Disagreement {
  /** A row of `docs/errors.md`. */
  readonly code: string;
  readonly severity: Severity;
  readonly about: {
    readonly kind: "task" | "schedule" | "post" | "account" | "counter" | "batch" | "record";
    readonly id: string;
  };
  readonly message: string;
  /** What a person does when it is not repaired. */
  readonly remedy: string;
  /** What a repair does. Absent: nothing is safe without a person. */
  readonly repair?: string;
}

/** A schedule by its name, `t-<task>-<arm>-<step>`. */
export interface ListedSchedule {
  readonly name: string;
  readonly taskId: TaskId;
  readonly arm: number;
  readonly step: TaskStep;
}

/** What the log of a task comes to: the newest entry of each status. */
export interface LogSummary {
  readonly newest: ReadonlyMap<TaskStatus, Date>;
  /** When a lost answer was given up on: what it took of the shared counters stays taken. */
  readonly writtenOff: readonly Date[];
}

/** An entry of a task's log, as far as it matters here. */
export type LoggedState = Pick<LogEntry, "at" | "status" | "code">;

export function summarizeLog(entries: Iterable<LoggedState>): LogSummary {
  const newest = new Map<TaskStatus, Date>();
  const writtenOff: Date[] = [];
  for (const { at, status, code } of entries) {
    const known = newest.get(status);
    if (!known || at > known) newest.set(status, at);
    if (isWrittenOff(code)) writtenOff.push(at);
  }
  return { newest, writtenOff };
}

/** What is younger than this may be in the middle of a step whose second half follows. */
export const FRESH_MS = 120_000;
/** SQS holds a message back for this long at most: whatever is due later is in the hands of Scheduler. */
const LONGEST_QUEUED_MS = 900_000;
/** Clocks of two workers differ by less. */
const SKEW_MS = 60_000;
/** The log is kept for 90 days: what changed before may have none any more. */
const LOG_KEPT_MS = TIMING.logRetentionMs - 86_400_000;

const aboutTask = ({ id }: Pick<Task, "id">) => ({ kind: "task", id }) as const;

/**
 * Steps that Scheduler must know of for the task's arm; `any`: one of them will do.
 *
 * Only where no queue can hold the call: what is due within a quarter of an hour is not judged, the sweeper has it.
 */
export function expectedSchedules(
  task: Task,
  now: Date,
): { readonly steps: readonly TaskStep[]; readonly any: boolean } {
  const { status, arrangedFor, notBeforeAt, updatedAt } = task;
  const beyondQueue = (at: Date, from: Date) => at.getTime() - from.getTime() > LONGEST_QUEUED_MS;
  const isFresh = now.getTime() - updatedAt.getTime() < FRESH_MS;
  if (isFresh) return { steps: [], any: false };
  switch (status) {
    case "pending":
    case "preparing":
    case "ready": {
      // After a retry of the uploads a chain of messages stands in for the publisher's schedule.
      if (!arrangedFor || notBeforeAt) return { steps: [], any: false };
      const preparesLater = status === "pending" && needsPreparation(task);
      const steps: TaskStep[] = [];
      if (preparesLater && arrangedFor > now && beyondQueue(arrangedFor, updatedAt)) steps.push("prepare");
      if (beyondQueue(dueAt(task), now)) steps.push("publish");
      return { steps, any: false };
    }
    case "retrying":
      return notBeforeAt && beyondQueue(notBeforeAt, now)
        ? { steps: ["prepare", "publish"], any: true }
        : { steps: [], any: false };
    default:
      return { steps: [], any: false };
  }
}

const lacksSchedule = (task: Task, scheduled: ReadonlySet<TaskStep>, now: Date): boolean => {
  const { steps, any } = expectedSchedules(task, now);
  if (any) return !steps.some((step) => scheduled.has(step));
  return steps.some((step) => !scheduled.has(step));
};

export interface TaskEvidence {
  readonly task: Task;
  /** The attributes by which indexes find it say what the task says. */
  readonly isIndexed: boolean;
  readonly log: LogSummary;
  /** Steps of its own arm that Scheduler knows of. */
  readonly scheduled: ReadonlySet<TaskStep>;
}

export function checkTask(
  { task, isIndexed, log, scheduled }: TaskEvidence,
  now: Date,
): readonly Disagreement[] {
  const found: Disagreement[] = [];
  const about = aboutTask(task);
  const { status, wakeAt, posted, partCount, reason } = task;

  if (!isIndexed)
    found.push({
      code: "task-not-indexed",
      severity: "severe",
      about,
      message: "The index does not list it as it is: the sweeper and the lists look past it.",
      remedy: "Let it be repaired: npm run admin -- check --repair.",
      repair: "write it again, with the right keys",
    });
  if (isActive(status) && !wakeAt)
    found.push({
      code: "task-not-woken",
      severity: "severe",
      about,
      message: `It is ${status} and has no instant at which the sweeper would look at it.`,
      remedy: "Let it be repaired: npm run admin -- check --repair.",
      repair: "hand it to the sweeper",
    });
  else if (lacksSchedule(task, scheduled, now))
    found.push({
      code: "task-without-schedule",
      severity: "degraded",
      about,
      message: `It is arranged for ${dueAt(task).toISOString()}, and Scheduler does not know of it: the sweeper would find it two minutes late.`,
      remedy: "Let it be repaired: npm run admin -- check --repair.",
      repair: "hand it to the sweeper, which arranges it anew",
    });
  if (isActive(status) && wakeAt && now.getTime() - wakeAt.getTime() > WITHOUT_PROGRESS_MS)
    found.push({
      code: "task-overdue",
      severity: "severe",
      about,
      message: `The sweeper should have moved it at ${wakeAt.toISOString()}.`,
      remedy: "Look at the sweeper: its log, its dead letters, its alarm.",
    });
  if (status === "published" && posted.length !== partCount)
    found.push({
      code: "posts-missing",
      severity: "severe",
      about,
      message: `It is published, and has ${posted.length} posts for ${partCount} parts.`,
      remedy: "Look at the account's timeline and the task's log.",
    });
  if (!reason && (status === "failed" || status === "missed" || status === "cancelled" || status === "held"))
    found.push({
      code: "reason-missing",
      severity: "degraded",
      about,
      message: `It is ${status} and does not say why.`,
      remedy: "Look at its log.",
    });
  return [...found, ...checkLog(task, log, now)];
}

/** Every step into one of these states is written together with its entry in the log. */
const isExplained = (status: TaskStatus): boolean =>
  isFinal(status) || status === "held" || status === "unknown";

function checkLog(task: Task, { newest }: LogSummary, now: Date): readonly Disagreement[] {
  const { status, updatedAt } = task;
  if (!isExplained(status) || now.getTime() - updatedAt.getTime() > LOG_KEPT_MS) return [];
  const own = newest.get(status)?.getTime();
  const last = Math.max(...[...newest.values()].map((at) => at.getTime()));
  if (own !== undefined && own >= last - SKEW_MS) return [];
  const other = [...newest].find(([, at]) => at.getTime() === last)?.[0];
  const repair = "add an entry that says how it was found";
  return [
    other === undefined
      ? {
          code: "log-missing",
          severity: "degraded",
          about: aboutTask(task),
          message: `It is ${status}, and its log is empty.`,
          remedy: "Look at the functions' logs by its id.",
          repair,
        }
      : {
          code: "log-differs",
          severity: "degraded",
          about: aboutTask(task),
          message: `It is ${status}, and its log ends with ${other}.`,
          remedy: "Look at the functions' logs by its id.",
          repair,
        },
  ];
}

/**
 * The sweeper looks at it: at once, or when an arrangement that still stands should have come true. What may be with X
 * keeps its lease.
 *
 * @param scheduled - steps of its own arm that Scheduler knows of
 */
export function wakeAnew(task: Task, scheduled: ReadonlySet<TaskStep>, now: Date): Task {
  if (isInFlight(task.status)) return wakeBySweeper(task, now, task.leaseUntil ?? now);
  const { arrangedFor } = task;
  if (arrangedFor && arrangedFor > now && scheduled.size > 0 && !lacksSchedule(task, scheduled, now))
    return markArranged(task, now, arrangedFor);
  return wakeBySweeper(task, now, now);
}

/** @param task - read after the schedule was listed: the task is stored first, and arms only grow */
export function checkSchedule(schedule: ListedSchedule, task: Task | undefined): Disagreement | undefined {
  const why = strayBecause(schedule, task);
  return why === undefined
    ? undefined
    : {
        code: "schedule-stray",
        severity: "harmless",
        about: { kind: "schedule", id: schedule.name },
        message: `${why}: it would wake a function for nothing.`,
        remedy: "Nothing to do: it deletes itself when it has fired.",
        repair: "delete it",
      };
}

function strayBecause({ arm }: ListedSchedule, task: Task | undefined): string | undefined {
  if (!task) return "Its task does not exist";
  if (!isActive(task.status)) return `Its task is ${task.status}`;
  if (arm !== task.arm) return `Its task has arm ${task.arm} by now`;
  return undefined;
}

export interface PostEvidence {
  readonly accountId: AccountId;
  readonly postId: string;
  /** Tasks that say the post is theirs. */
  readonly claimedBy: readonly TaskId[];
  /** The task that the marker `XPOST#…` names. */
  readonly markedFor?: TaskId;
}

/** @param exists - whether there is a task of this id */
export function checkPost(
  { accountId, postId, claimedBy, markedFor }: PostEvidence,
  exists: (id: TaskId) => boolean,
): Disagreement | undefined {
  const about = { kind: "post", id: `${accountId}#${postId}` } as const;
  const [claimant] = claimedBy;
  if (claimedBy.length > 1)
    return {
      code: "post-shared",
      severity: "severe",
      about,
      message: `The tasks ${claimedBy.join(" and ")} say that it is theirs.`,
      remedy: "Look at the account's timeline: one of them may not be out.",
    };
  if (claimant === undefined)
    return markedFor !== undefined && exists(markedFor)
      ? {
          code: "post-unclaimed",
          severity: "severe",
          about,
          message: `It is marked as the post of task ${markedFor}, which does not know of it.`,
          remedy: "Look at the account's timeline before the task is published again.",
        }
      : undefined;
  if (markedFor === undefined)
    return {
      code: "post-unmarked",
      severity: "severe",
      about,
      message: `Task ${claimant} has it, and no marker keeps another task from adopting it.`,
      remedy: "Let it be repaired: npm run admin -- check --repair.",
      repair: "mark it",
    };
  if (markedFor === claimant) return undefined;
  return {
    code: "post-shared",
    severity: "severe",
    about,
    message: `Task ${claimant} says that it is its own, and it is marked as the post of task ${markedFor}.`,
    remedy: "Look at the account's timeline: one of them may not be out.",
  };
}

/** Tasks that wait for an account that waits for nothing. */
export function checkHeldFor(
  accountId: AccountId,
  { status, wakeAt }: { readonly status: string; readonly wakeAt?: Date },
  held: readonly TaskId[],
): Disagreement | undefined {
  if (status !== "active" || wakeAt || held.length === 0) return undefined;
  return {
    code: "held-for-nothing",
    severity: "severe",
    about: { kind: "account", id: accountId },
    message: `It may post, and ${held.length} of its tasks wait for that: ${held.slice(0, 3).join(", ")}${held.length > 3 ? ", …" : ""}.`,
    remedy: "Resume it once more: npm run admin -- accounts resume.",
    repair: "let the sweeper send them on",
  };
}

export interface BatchComparison {
  readonly disagreements: readonly Disagreement[];
  /** Tasks whose marker is behind. */
  readonly behind: readonly CountedTask[];
  /** What the markers add up to, where the counts do not. */
  readonly counts?: BatchCounts;
}

/** @param tasks - all tasks that name the batch; the stream may be some seconds behind the newest of them */
export function compareBatch(
  batch: Batch,
  counted: readonly CountedTask[],
  tasks: readonly Task[],
  now: Date,
): BatchComparison {
  const about = { kind: "batch", id: batch.id } as const;
  const disagreements: Disagreement[] = [];
  const sum = { ...NO_COUNTS };
  for (const { bucket } of counted) sum[bucket]++;
  const differs = (Object.keys(sum) as (keyof BatchCounts)[]).some((key) => sum[key] !== batch.counts[key]);
  if (differs)
    disagreements.push({
      code: "batch-sum-differs",
      severity: "degraded",
      about,
      message: `The batch ${batch.name} counts ${inWords(batch.counts)}; its tasks add up to ${inWords(sum)}.`,
      remedy: "Let it be repaired: npm run admin -- check --repair.",
      repair: "set the counts to what they add up to",
    });

  const seen = new Map(counted.map((one) => [one.taskId, one]));
  const behind = tasks.flatMap(({ id, version, status, updatedAt }): CountedTask[] => {
    const one = seen.get(id);
    const bucket = bucketOf(status);
    if (one && (one.version >= version || one.bucket === bucket)) return [];
    return now.getTime() - updatedAt.getTime() < FRESH_MS ? [] : [{ taskId: id, bucket, version }];
  });
  if (behind.length > 0)
    disagreements.push({
      code: "batch-behind",
      severity: "degraded",
      about,
      message: `The batch ${batch.name} counts ${behind.length} of ${tasks.length} tasks where they no longer stand.`,
      remedy: "Look at relay-events: its log, its dead letters, how old the stream is.",
      repair: "count them",
    });
  return { disagreements, behind, ...(differs && { counts: sum }) };
}

const inWords = ({ pending, processing, done }: BatchCounts): string =>
  `${pending} pending, ${processing} processing, ${done} done`;

export const batchMissing = (id: string, tasks: number): Disagreement => ({
  code: "batch-missing",
  severity: "degraded",
  about: { kind: "batch", id },
  message: `${tasks} tasks belong to a batch that does not exist.`,
  remedy: "Create a task with the batch's name: that opens it again.",
});

/** @param problem - where it does not fit, without values */
export const damagedRecord = (key: string, problem: string): Disagreement => ({
  code: "record-damaged",
  severity: "severe",
  about: { kind: "record", id: key },
  message: `It cannot be read: ${problem}.`,
  remedy: "Restore it from a backup of the table; see docs/operations.md.",
});
