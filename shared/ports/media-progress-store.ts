import type { TaskId } from "#shared/domain/ids.ts";
import type { MediaProgress } from "#shared/domain/media-progress.ts";

/** What was uploaded so far. Passes `test/contracts/media-progress-store.ts`. */
export interface MediaProgressStore {
  /** In the order of the post. */
  list(taskId: TaskId): Promise<readonly MediaProgress[]>;
  /** Last write wins: only the holder of the task's lease writes. */
  save(progress: MediaProgress): Promise<void>;
}
