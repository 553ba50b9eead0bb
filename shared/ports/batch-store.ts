import type { Batch, CountedTask } from "#shared/domain/batch.ts";
import type { BatchId } from "#shared/domain/ids.ts";

/** Tasks that are counted together, at most: DynamoDB writes up to 100 items at once, and one of them is the batch. */
export const MAX_COUNTED = 50;

/** Parents of tasks, and how many of these stand where. Passes `test/contracts/batch-store.ts`. */
export interface BatchStore {
  get(id: BatchId): Promise<Batch | undefined>;
  /** Stores a new batch unless there is one of this id already. Repeatable. */
  open(batch: Omit<Batch, "counts">): Promise<void>;
  /**
   * Counts tasks where they stand now: each version of a task once, whatever is told twice, late or in the wrong
   * order. All of them or, when it throws, none.
   *
   * @param told - tasks of this batch, 1 to `MAX_COUNTED`
   * @returns how many had news; `undefined`: there is no such batch
   */
  count(id: BatchId, told: readonly CountedTask[]): Promise<number | undefined>;
  /** How the tasks of a batch are counted, by task id. */
  listCounted(
    id: BatchId,
    page: { readonly limit: number; readonly after?: CountedTask["taskId"] },
  ): Promise<readonly CountedTask[]>;
}
