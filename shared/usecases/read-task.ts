import type { OwnerId, TaskId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { readOwnTask, type ShownTask, type ShowTasks, showTask } from "./show-tasks.ts";

export interface ReadTaskDeps {
  readonly tasks: Pick<TaskStore, "get" | "getLog">;
  readonly show: ShowTasks;
}

export interface TaskWithLog extends ShownTask {
  /** Oldest first. */
  readonly log: readonly LogEntry[];
}

/** Another owner's task is refused like one that does not exist. */
export type ReadTask = (
  ownerId: OwnerId,
  id: TaskId,
) => Promise<Result<TaskWithLog, { readonly reason: "not-found" }>>;

export function createReadTask({ tasks, show }: ReadTaskDeps): ReadTask {
  return async (ownerId, id) => {
    const task = await readOwnTask(tasks, ownerId, id);
    if (!task) return err({ reason: "not-found" });
    const [shown, log] = await Promise.all([showTask(show, task), tasks.getLog(id)]);
    return ok({ ...shown, log });
  };
}
