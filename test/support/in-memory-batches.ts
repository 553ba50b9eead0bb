import { type Batch, type CountedTask, NO_COUNTS, planCount } from "#shared/domain/batch.ts";
import type { BatchId, TaskId } from "#shared/domain/ids.ts";
import type { BatchStore } from "#shared/ports/batch-store.ts";

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryBatches(): BatchStore {
  const batches = new Map<BatchId, Batch>();
  const counted = new Map<BatchId, Map<TaskId, CountedTask>>();
  return {
    async get(id) {
      return batches.get(id);
    },
    async open(batch) {
      if (!batches.has(batch.id)) batches.set(batch.id, { ...batch, counts: NO_COUNTS });
    },
    async count(id, told) {
      const batch = batches.get(id);
      if (!batch) return undefined;
      const tasks = counted.get(id) ?? new Map<TaskId, CountedTask>();
      const { news, added } = planCount(told, tasks);
      counted.set(id, tasks);
      for (const task of news) tasks.set(task.taskId, task);
      const { pending, processing, done } = batch.counts;
      const counts = {
        pending: pending + added.pending,
        processing: processing + added.processing,
        done: done + added.done,
      };
      batches.set(id, { ...batch, counts });
      return news.length;
    },
    async listCounted(id, { limit, after }) {
      return [...(counted.get(id)?.values() ?? [])]
        .toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1))
        .filter(({ taskId }) => after === undefined || taskId > after)
        .slice(0, limit);
    },
  };
}
