import type { Batch } from "#shared/domain/batch.ts";
import type { BatchId, OwnerId } from "#shared/domain/ids.ts";
import type { BatchStore } from "#shared/ports/batch-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface ReadBatchDeps {
  readonly batches: Pick<BatchStore, "get">;
}

/** Another owner's batch is refused like one that does not exist. */
export type ReadBatch = (
  ownerId: OwnerId,
  id: BatchId,
) => Promise<Result<Batch, { readonly reason: "not-found" }>>;

export function createReadBatch({ batches }: ReadBatchDeps): ReadBatch {
  return async (ownerId, id) => {
    const batch = await batches.get(id);
    return batch?.ownerId === ownerId ? ok(batch) : err({ reason: "not-found" });
  };
}
