import type { BatchId, OwnerId, ProjectId, TaskId } from "./ids.ts";
import type { Task } from "./task.ts";
import { TIMING } from "./timing.ts";

/** What a post says about itself: of a new task, and of a new revision. */
export type PostFacts = Pick<
  Task,
  | "accountId"
  | "publishAt"
  | "slotAt"
  | "priority"
  | "language"
  | "latePolicy"
  | "partCount"
  | "mediaCount"
  | "costMicros"
  | "source"
> & {
  readonly toWrite?: Task["toWrite"] | undefined;
  readonly pool?: Task["pool"] | undefined;
  readonly strategy?: Task["strategy"] | undefined;
  readonly reconcile?: Task["reconcile"] | undefined;
};

export interface TaskOrigin {
  readonly id: TaskId;
  readonly ownerId: OwnerId;
  readonly projectId: ProjectId;
  readonly batchId?: BatchId | undefined;
  readonly maxRetries: number;
  readonly now: Date;
  readonly reason?: Task["reason"];
}

/** A task that nobody has arranged yet: the sweeper does, if its maker does not live to do it. */
export function newTask(
  { toWrite, pool, strategy, reconcile, ...facts }: PostFacts,
  { now, batchId, reason, ...origin }: TaskOrigin,
): Task {
  return {
    ...facts,
    ...origin,
    ...(toWrite && { toWrite }),
    ...(pool && { pool }),
    ...(strategy && { strategy }),
    ...(reconcile && { reconcile }),
    ...(batchId && { batchId }),
    ...(reason && { reason }),
    status: "pending",
    version: 1,
    rev: 1,
    contentRev: 1,
    arm: 1,
    wakeAt: new Date(now.getTime() + TIMING.wake.unarrangedMs),
    retries: 0,
    recoveries: 0,
    parkings: 0,
    reposts: 0,
    createdAt: now,
    updatedAt: now,
    posted: [],
  };
}
