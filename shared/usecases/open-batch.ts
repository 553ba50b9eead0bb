import { batchIdFor } from "#shared/domain/batch-id.ts";
import type { BatchId, OwnerId } from "#shared/domain/ids.ts";
import type { BatchStore } from "#shared/ports/batch-store.ts";

/**
 * The owner's batch of that name; the first task that names it makes it. Called once the task is known to be good, and
 * before it is stored: an empty batch does no harm, a task without its batch could not be counted.
 *
 * @param name - as `batchName` gives it
 */
export async function openBatch(
  batches: Pick<BatchStore, "open">,
  ownerId: OwnerId,
  name: string,
  now: Date,
): Promise<BatchId> {
  const id = batchIdFor(ownerId, name);
  await batches.open({ id, ownerId, name, createdAt: now });
  return id;
}
