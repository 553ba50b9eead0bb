import type { PoolCounts } from "#shared/ports/pool-counts.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";

/** The same promises as the DynamoDB counts, kept honest by the contract that both run. @param max - where a count stops */
export const createInMemoryPoolCounts = (
  tasks: Pick<TaskStore, "list">,
  max = Number.POSITIVE_INFINITY,
): PoolCounts => ({
  async count(projectId, status) {
    const { items } = await tasks.list({
      by: "project",
      projectId,
      status,
      limit: Number.MAX_SAFE_INTEGER,
    });
    return { status, count: Math.min(items.length, max), complete: items.length <= max };
  },
});
