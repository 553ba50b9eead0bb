import { bucketOf, type CountedTask } from "#shared/domain/batch.ts";
import type { BatchId, TaskId } from "#shared/domain/ids.ts";
import type { TaskStatus } from "#shared/domain/task.ts";
import { type BatchStore, MAX_COUNTED } from "#shared/ports/batch-store.ts";

export interface CountBatchDeps {
  readonly batches: Pick<BatchStore, "count">;
}

/** A task of a batch as it was written, now or some time ago. */
export interface ChangedTask {
  readonly taskId: TaskId;
  readonly status: TaskStatus;
  readonly version: number;
}

export interface CountReport {
  /** Tasks that had news. */
  readonly counted: number;
  /** Told twice, late, or overtaken by a later change of the same call. */
  readonly unchanged: number;
}

/**
 * Brings the counts of a batch up to date with changes of its tasks. Repeatable, in any order: call it with everything
 * that the stream tells, together where it can be, since all tasks of a batch share one item of counts.
 *
 * @throws DependencyFault when others count the same tasks at the same time, too often: tell it again
 */
export type CountBatch = (id: BatchId, changes: readonly ChangedTask[]) => Promise<CountReport>;

export function createCountBatch({ batches }: CountBatchDeps): CountBatch {
  return async (id, changes) => {
    const newest = new Map<TaskId, CountedTask>();
    for (const { taskId, status, version } of changes)
      if (version > (newest.get(taskId)?.version ?? 0))
        newest.set(taskId, { taskId, version, bucket: bucketOf(status) });
    const told = [...newest.values()];
    let counted = 0;
    for (let start = 0; start < told.length; start += MAX_COUNTED) {
      const news = await batches.count(id, told.slice(start, start + MAX_COUNTED));
      // A batch is stored before its first task and never deleted.
      if (news === undefined) throw new RangeError(`there are tasks of a batch ${id}, and no batch`);
      counted += news;
    }
    return { counted, unchanged: changes.length - counted };
  };
}
