import type { ProjectId } from "#shared/domain/ids.ts";
import type { StatusCount } from "#shared/domain/publish-pool.ts";
import type { TaskStatus } from "#shared/domain/task.ts";

/** How many tasks a project has. Passes `test/contracts/pool-counts.ts`. */
export interface PoolCounts {
  /** May lag. It stops at a limit of the implementation: then `complete` is false, and there may be more. */
  count(projectId: ProjectId, status: TaskStatus): Promise<StatusCount>;
}
