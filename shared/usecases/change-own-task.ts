import type { OwnerId, TaskId } from "#shared/domain/ids.ts";
import type { Task } from "#shared/domain/task.ts";
import type { TaskStore, Together } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { readOwnTask } from "./show-tasks.ts";

/** A busy task is written by its uploader every few seconds, so one of these gets through. */
const MAX_RACES = 5;

export type ChangeRefusal =
  | { readonly reason: "not-found" }
  /** Somebody else was faster every time. */
  | { readonly reason: "conflict" };

type Decided<Refusal> = Result<{ readonly next: Task; readonly together: Together } | "unchanged", Refusal>;

/** What to write, or that nothing has to be; refused with the caller's own reasons. */
export type Change<Refusal> = (task: Task) => Decided<Refusal> | Promise<Decided<Refusal>>;

export interface ChangedTask {
  /** As it was read. */
  readonly before: Task;
  /** As it was written; the same as `before` when nothing had to be. */
  readonly after: Task;
}

/**
 * Decides by the task as it is now and writes what was decided; when somebody else wrote it or its account's gate in
 * between, it is read and decided again.
 */
export async function changeOwnTask<Refusal>(
  tasks: Pick<TaskStore, "get" | "save">,
  ownerId: OwnerId,
  id: TaskId,
  decide: Change<Refusal>,
): Promise<Result<ChangedTask, Refusal | ChangeRefusal>> {
  for (let race = 0; race < MAX_RACES; race++) {
    const before = await readOwnTask(tasks, ownerId, id);
    if (!before) return err({ reason: "not-found" });
    const decided = await decide(before);
    if (!decided.ok) return decided;
    if (decided.value === "unchanged") return ok({ before, after: before });
    const { next, together } = decided.value;
    const saved = await tasks.save(next, together);
    if (saved.ok) return ok({ before, after: next });
    if (saved.error.reason === "post-taken") throw new RangeError("a change adopts no post");
  }
  return err({ reason: "conflict" });
}
