import type { BatchId, OwnerId, TaskId } from "./ids.ts";
import type { TaskStatus } from "./task.ts";

/** Where the tasks of a batch stand. */
export const BATCH_BUCKETS = ["pending", "processing", "done"] as const;
export type BatchBucket = (typeof BATCH_BUCKETS)[number];
export type BatchCounts = Readonly<Record<BatchBucket, number>>;

export const NO_COUNTS: BatchCounts = { pending: 0, processing: 0, done: 0 };

/** Parent of up to thousands of tasks, one for each name of an owner. Its counts follow the tasks by seconds. */
export interface Batch {
  readonly id: BatchId;
  readonly ownerId: OwnerId;
  /** As its tasks name it. */
  readonly name: string;
  readonly createdAt: Date;
  readonly counts: BatchCounts;
}

/** How one task of a batch is counted. A later version of the task replaces an earlier one, never the reverse. */
export interface CountedTask {
  readonly taskId: TaskId;
  readonly bucket: BatchBucket;
  /** Of the task. */
  readonly version: number;
}

/** The same name however it is typed: é as one character or as two, with a space behind it or not. */
export const batchName = (written: string): string => written.normalize("NFC").trim();

/** A held task waits for a person: nobody works on it, and it has not ended, so it is pending. */
export function bucketOf(status: TaskStatus): BatchBucket {
  switch (status) {
    case "draft":
    case "pending":
    case "held":
      return "pending";
    case "preparing":
    case "ready":
    case "posting":
    case "retrying":
    case "unknown":
      return "processing";
    case "published":
    case "failed":
    case "missed":
    case "cancelled":
      return "done";
  }
}

export const totalOf = ({ pending, processing, done }: BatchCounts): number => pending + processing + done;

/** Whole percent that has ended, rounded down: 100 only when nothing is left. An empty batch has 0. */
export const percentDone = (counts: BatchCounts): number =>
  Math.floor((100 * counts.done) / Math.max(1, totalOf(counts)));

export interface CountChange {
  /** What is to be noted of the tasks that have news. */
  readonly news: readonly CountedTask[];
  /** What is to be added to each count. */
  readonly added: BatchCounts;
}

/**
 * What tasks mean for the counts of their batch. Whatever comes twice, late or in the wrong order changes nothing:
 * only a version above the one that is counted is news.
 *
 * @param told - in any order; of one task the highest version is taken
 * @param counted - how these tasks are counted so far
 */
export function planCount(
  told: readonly CountedTask[],
  counted: ReadonlyMap<TaskId, CountedTask>,
): CountChange {
  const newest = new Map<TaskId, CountedTask>();
  for (const task of told) {
    const version = (newest.get(task.taskId) ?? counted.get(task.taskId))?.version ?? 0;
    if (task.version > version) newest.set(task.taskId, task);
  }
  const added = { ...NO_COUNTS };
  for (const { taskId, bucket } of newest.values()) {
    const before = counted.get(taskId)?.bucket;
    if (before !== undefined) added[before]--;
    added[bucket]++;
  }
  return { news: [...newest.values()], added };
}
