/** How far a post, a thread or a batch has come, for somebody who watches it. */
import { threadMs } from "./policy.ts";
import { dueAt, isActive, isFinal, type Task } from "./task.ts";

const MINUTE_MS = 60_000;

export interface RealtimeStatus {
  /** Parts of a post, or posts of a batch. */
  readonly total: number;
  readonly sent: number;
  /** Still to be sent, held ones among them. */
  readonly pending: number;
  /** Will not be sent any more: failed, missed or cancelled. */
  readonly failed: number;
  /** Until the next one is due, in ms; 0: it is due. Absent: nothing is due by itself. */
  readonly waitMs?: number;
  /** Sent since the first one. Absent: too few were sent to tell. */
  readonly perMinute?: number;
  /** When the last one will be out, or was. Absent: nobody can tell, or none will be. */
  readonly completionAt?: Date;
  /** When something changed last. */
  readonly lastActivityAt: Date;
}

/** What of a task its status is about. */
export type WatchedTask = Pick<
  Task,
  "status" | "partCount" | "posted" | "slotAt" | "notBeforeAt" | "updatedAt" | "sentAt"
>;

/**
 * Sent in a minute, from the first to the last, or to now as long as more follow. One alone has no rate, nor has what went
 * out at one instant.
 *
 * @param isOver - nothing more follows
 */
function rateOf(sentAt: readonly Date[], isOver: boolean, now: Date): number | undefined {
  const instants = sentAt.map((at) => at.getTime());
  const firstMs = Math.min(...instants);
  const spanMs = (isOver ? Math.max(...instants) : now.getTime()) - firstMs;
  // To the end of a span belongs one more than to its inside.
  const sent = isOver ? instants.length - 1 : instants.length;
  return sent > 0 && spanMs > 0 ? (sent * MINUTE_MS) / spanMs : undefined;
}

/** When its last part will be out, if nothing comes in between. */
const endOf = (task: WatchedTask, now: Date): number =>
  Math.max(dueAt(task).getTime(), now.getTime()) + threadMs(task.partCount - task.posted.length);

/** How far a post or a thread is. */
export function statusOfTask(task: WatchedTask, now: Date): RealtimeStatus {
  const { status, partCount: total, posted } = task;
  const sent = posted.length;
  const isOver = isFinal(status);
  const failed = isOver ? total - sent : 0;
  const pending = total - sent - failed;
  const perMinute = rateOf(
    posted.map(({ sentAt }) => sentAt),
    isOver,
    now,
  );
  const last = posted.at(-1);
  const completionAt = isActive(status)
    ? new Date(endOf(task, now))
    : status === "published"
      ? last?.sentAt
      : undefined;
  return {
    total,
    sent,
    pending,
    failed,
    ...(isActive(status) && { waitMs: Math.max(0, dueAt(task).getTime() - now.getTime()) }),
    ...(perMinute !== undefined && { perMinute }),
    ...(completionAt && { completionAt }),
    lastActivityAt: task.updatedAt,
  };
}

export interface BatchSample {
  /** Posts of the batch. */
  readonly total: number;
  /** Those that were looked at: all, or some that are spread evenly. */
  readonly tasks: readonly WatchedTask[];
  /** What is told when none has changed yet. */
  readonly createdAt: Date;
}

/**
 * How far a batch is. Of a sample, the figures of the whole are in proportion, and the completion is that of the last one in the
 * sample.
 */
export function statusOfBatch({ total, tasks, createdAt }: BatchSample, now: Date): RealtimeStatus {
  const published = tasks.filter(({ status }) => status === "published");
  const failures = tasks.filter(({ status }) => isFinal(status) && status !== "published");
  const active = tasks.filter(({ status }) => isActive(status));
  const scale = tasks.length === 0 ? 0 : total / tasks.length;
  const sent = Math.round(published.length * scale);
  const failed = Math.min(total - sent, Math.round(failures.length * scale));
  const isOver = published.length + failures.length === tasks.length;
  const instants = published.flatMap(({ sentAt }) => sentAt ?? []);
  const perMinute = rateOf(instants, isOver, now);
  const dues = active.map((task) => dueAt(task).getTime());
  const latest = (times: readonly number[]) => new Date(Math.max(...times));
  const completionAt =
    active.length > 0
      ? latest(active.map((task) => endOf(task, now)))
      : isOver && instants.length > 0
        ? latest(instants.map((at) => at.getTime()))
        : undefined;
  return {
    total,
    sent,
    pending: total - sent - failed,
    failed,
    ...(dues.length > 0 && { waitMs: Math.max(0, Math.min(...dues) - now.getTime()) }),
    ...(perMinute !== undefined && { perMinute: perMinute * scale }),
    ...(completionAt && { completionAt }),
    lastActivityAt: latest([createdAt.getTime(), ...tasks.map(({ updatedAt }) => updatedAt.getTime())]),
  };
}
