import { type Batch, type CountedTask, totalOf } from "#shared/domain/batch.ts";
import type { BatchId, OwnerId } from "#shared/domain/ids.ts";
import { type RealtimeStatus, statusOfBatch } from "#shared/domain/realtime-status.ts";
import type { Task } from "#shared/domain/task.ts";
import type { BatchStore } from "#shared/ports/batch-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

/** Tasks that are looked at; of a larger batch as many that are spread evenly. */
const MAX_LOOKED = 500;
/** Counted tasks are small: of these a batch of thousands is listed. */
const LIST_PAGE = 1_000;
const MAX_LISTED = 20_000;
/** Tasks read at the same time. */
const CONCURRENCY = 25;

export interface ReadBatchStatusDeps {
  readonly batches: Pick<BatchStore, "get" | "listCounted">;
  readonly tasks: Pick<TaskStore, "get">;
  readonly clock: Pick<Clock, "now">;
}

export interface BatchStatus {
  readonly batch: Batch;
  readonly status: RealtimeStatus;
  /** Tasks that the figures come from; fewer than there are: they are estimates. */
  readonly looked: number;
}

/** How far a batch is. Another owner's batch is refused like one that does not exist. */
export type ReadBatchStatus = (
  ownerId: OwnerId,
  id: BatchId,
) => Promise<Result<BatchStatus, { readonly reason: "not-found" }>>;

export function createReadBatchStatus({ batches, tasks, clock }: ReadBatchStatusDeps): ReadBatchStatus {
  async function listCounted(id: BatchId): Promise<readonly CountedTask[]> {
    const listed: CountedTask[] = [];
    while (listed.length < MAX_LISTED) {
      const after = listed.at(-1)?.taskId;
      const page = await batches.listCounted(id, { limit: LIST_PAGE, ...(after && { after }) });
      listed.push(...page);
      if (page.length < LIST_PAGE) break;
    }
    return listed;
  }

  return async (ownerId, id) => {
    const batch = await batches.get(id);
    if (batch?.ownerId !== ownerId) return err({ reason: "not-found" });
    const chosen = spread(await listCounted(id), MAX_LOOKED);
    const found: Task[] = [];
    for (let start = 0; start < chosen.length; start += CONCURRENCY) {
      const some = chosen.slice(start, start + CONCURRENCY);
      const read = await Promise.all(some.map(({ taskId }) => tasks.get(taskId)));
      found.push(...read.filter((task) => task !== undefined));
    }
    const sample = { total: totalOf(batch.counts), tasks: found, createdAt: batch.createdAt };
    return ok({ batch, status: statusOfBatch(sample, clock.now()), looked: found.length });
  };
}

/** At most so many of them, evenly spread, the first and the last among them. */
function spread<Item>(items: readonly Item[], max: number): readonly Item[] {
  if (items.length <= max) return items;
  const step = (items.length - 1) / (max - 1);
  return Array.from({ length: max }, (_, index) => items[Math.round(index * step)]).filter(
    (item) => item !== undefined,
  );
}
