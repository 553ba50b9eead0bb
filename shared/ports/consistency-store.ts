import type { BatchCounts } from "#shared/domain/batch.ts";
import type { LoggedState } from "#shared/domain/consistency.ts";
import type { Gate } from "#shared/domain/gate.ts";
import type { AccountId, BatchId, ProjectId, TaskId } from "#shared/domain/ids.ts";
import type { Task } from "#shared/domain/task.ts";
import type { Result } from "#shared/result.ts";

export interface ReadTask {
  readonly task: Task;
  /** The attributes by which indexes find it say what the task says. */
  readonly isIndexed: boolean;
}

export type StoredRecord =
  | ({ readonly kind: "task" } & ReadTask)
  | {
      readonly kind: "log";
      readonly taskId: TaskId;
      readonly entry: LoggedState;
    }
  | { readonly kind: "gate"; readonly accountId: AccountId }
  | {
      readonly kind: "posted-id";
      readonly accountId: AccountId;
      readonly postId: string;
      readonly taskId: TaskId;
    }
  | { readonly kind: "app-day"; readonly day: string }
  | { readonly kind: "project-spend"; readonly projectId: ProjectId; readonly month: string }
  | { readonly kind: "batch"; readonly id: BatchId }
  /** It does not fit its own schema; the problem quotes no values. */
  | { readonly kind: "damaged"; readonly key: string; readonly problem: string };

/**
 * All that is stored, and the few writes that mend it without a task that moves. For an operator: no function may read a whole
 * table. Passes `test/contracts/consistency-store.ts`.
 */
export interface ConsistencyStore {
  /**
   * Every record that can disagree with another, page by page and in no order, each as it was when it was read. Neither
   * texts nor credentials are read.
   */
  readAll(): AsyncIterable<readonly StoredRecord[]>;
  readTask(id: TaskId): Promise<ReadTask | undefined>;
  /** The task that the marker of a post names. */
  readMarker(accountId: AccountId, postId: string): Promise<TaskId | undefined>;
  /** Replaces the gate whose version is one less (version 1: none), without a task. */
  saveGate(next: Gate): Promise<Result<void, { readonly reason: "stale" }>>;
  /** Marks a post as a task's, unless it is marked. */
  markPost(
    accountId: AccountId,
    postId: string,
    taskId: TaskId,
  ): Promise<Result<void, { readonly reason: "post-taken" }>>;
  /** Replaces the counts of a batch if they are still what was seen. */
  saveCounts(
    id: BatchId,
    seen: BatchCounts,
    next: BatchCounts,
  ): Promise<Result<void, { readonly reason: "stale" }>>;
}
