import type { OwnerId, TaskId } from "#shared/domain/ids.ts";
import { type RealtimeStatus, statusOfTask } from "#shared/domain/realtime-status.ts";
import type { Task } from "#shared/domain/task.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { readOwnTask } from "./show-tasks.ts";

export interface ReadTaskStatusDeps {
  readonly tasks: Pick<TaskStore, "get">;
  readonly clock: Pick<Clock, "now">;
}

/** How far a task is, by one read: it may be asked every second. */
export type ReadTaskStatus = (
  ownerId: OwnerId,
  id: TaskId,
) => Promise<
  Result<{ readonly task: Task; readonly status: RealtimeStatus }, { readonly reason: "not-found" }>
>;

export function createReadTaskStatus({ tasks, clock }: ReadTaskStatusDeps): ReadTaskStatus {
  return async (ownerId, id) => {
    const task = await readOwnTask(tasks, ownerId, id);
    return task ? ok({ task, status: statusOfTask(task, clock.now()) }) : err({ reason: "not-found" });
  };
}
