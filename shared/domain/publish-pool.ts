import { TASK_STATUSES, type TaskStatus } from "./task.ts";

/** How the pool counts: every task that was not withdrawn is in exactly one. */
export const POOL_BUCKETS = ["pending", "publishing", "published", "failed"] as const;
export type PoolBucket = (typeof POOL_BUCKETS)[number];

/**
 * Where a task counts; undefined: nowhere, since it was cancelled.
 *
 * A held one waits for a person, so it is still to be published. One whose answer was lost may be on X already: it is
 * being published until that is known. A missed one was not published, and will not be.
 */
export function poolBucketOf(status: TaskStatus): PoolBucket | undefined {
  switch (status) {
    case "draft":
    case "pending":
    case "preparing":
    case "ready":
    case "retrying":
    case "held":
      return "pending";
    case "posting":
    case "unknown":
      return "publishing";
    case "published":
      return "published";
    case "failed":
    case "missed":
      return "failed";
    case "cancelled":
      return undefined;
  }
}

/** What is in the pool: it is still to be published. */
export const POOL_STATUSES: readonly TaskStatus[] = TASK_STATUSES.filter(
  (status) => poolBucketOf(status) === "pending",
);

/** What counts at all. */
export const COUNTED_STATUSES: readonly TaskStatus[] = TASK_STATUSES.filter(
  (status) => poolBucketOf(status) !== undefined,
);

export interface PoolStats extends Readonly<Record<PoolBucket, number>> {
  /** The sum of the others. */
  readonly total: number;
  /** False: one of the counts stopped at its limit, and there may be more. */
  readonly complete: boolean;
}

/** A count of one status. */
export interface StatusCount {
  readonly status: TaskStatus;
  readonly count: number;
  readonly complete: boolean;
}

export function sumPool(counts: readonly StatusCount[]): PoolStats {
  const sums = { pending: 0, publishing: 0, published: 0, failed: 0 };
  for (const { status, count } of counts) {
    const bucket = poolBucketOf(status);
    if (bucket) sums[bucket] += count;
  }
  const total = POOL_BUCKETS.reduce((sum, bucket) => sum + sums[bucket], 0);
  return { total, ...sums, complete: counts.every(({ complete }) => complete) };
}
