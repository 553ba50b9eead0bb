import type { NearPost, NearWish, Print } from "#shared/domain/duplicates/fingerprint.ts";
import type { TaskId } from "#shared/domain/ids.ts";

/**
 * What the posts of an account say, so that something similar is found however many there are. A help for people: what
 * must never be posted twice is a claim of its task. So a put that failed in its middle, or a post that was lost in a
 * crowd (see `MAX_PER_BUCKET`), costs a warning and no more; what is found is as it was put last, so re-read the task.
 * Passes `test/contracts/fingerprint-store.ts`.
 */
export interface FingerprintStore {
  /** Replaces the print of the same task. Repeatable. @param keptUntil - it is found until then */
  put(print: Print, keptUntil: Date): Promise<void>;
  /** Repeatable. */
  remove(taskId: TaskId): Promise<void>;
  /** Consistent; at most `MAX_NEAR`, those that say the same first, then the most similar. */
  findNear(wish: NearWish): Promise<readonly NearPost[]>;
}
