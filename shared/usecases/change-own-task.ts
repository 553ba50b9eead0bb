import type { OwnerId, TaskId } from "#shared/domain/ids.ts";
import { isInDoubt } from "#shared/domain/moves.ts";
import { isFinal, isInFlight, type Task, type TaskStatus } from "#shared/domain/task.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { TaskStore, Together } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { ArrangeTask } from "./arrange-task.ts";
import { readOwnTask, type ShownTask, type ShowTasks, showStored } from "./show-tasks.ts";

/** A busy task is written by its uploader every few seconds, so one of these gets through. */
const MAX_RACES = 5;

export type ChangeRefusal =
  | { readonly reason: "not-found" }
  /** It is not the version any more that the caller has seen. */
  | { readonly reason: "stale"; readonly version: number }
  /** Somebody else was faster every time. */
  | { readonly reason: "conflict" };

export interface ChangeOptions {
  /** The version that the caller has seen; absent: whatever there is. */
  readonly ifVersion?: number | undefined;
}

/** What to write, or that nothing has to be; refused with the caller's own reasons. */
export type Decided<Refusal> = Result<
  { readonly next: Task; readonly together: Together } | "unchanged",
  Refusal
>;
export type Change<Refusal> = (task: Task) => Decided<Refusal> | Promise<Decided<Refusal>>;

export interface ChangedTask {
  /** As it was read. */
  readonly before: Task;
  /** As it was written; the same as `before` when nothing had to be. */
  readonly after: Task;
}

/**
 * Tries something with the task as it is now, and again when somebody else wrote it in between.
 *
 * @param attempt - `overtaken`: somebody was faster. What it writes is on the condition that the task is as it was read
 */
export async function tryOwnTask<Done, Refusal>(
  tasks: Pick<TaskStore, "get">,
  ownerId: OwnerId,
  id: TaskId,
  { ifVersion }: ChangeOptions,
  attempt: (task: Task) => Promise<Result<Done, Refusal> | "overtaken">,
): Promise<Result<Done, Refusal | ChangeRefusal>> {
  for (let race = 0; race < MAX_RACES; race++) {
    const task = await readOwnTask(tasks, ownerId, id);
    if (!task) return err({ reason: "not-found" });
    if (ifVersion !== undefined && task.version !== ifVersion)
      return err({ reason: "stale", version: task.version });
    const done = await attempt(task);
    if (done !== "overtaken") return done;
  }
  return err({ reason: "conflict" });
}

/**
 * Decides by the task as it is now and writes what was decided; when somebody else wrote it or its account's gate or
 * board in between, it is read and decided again.
 *
 * @param taken - the refusal when a post that is to be adopted is another task's; a change that adopts none has none
 */
export const changeOwnTask = <Refusal>(
  tasks: Pick<TaskStore, "get" | "save">,
  ownerId: OwnerId,
  id: TaskId,
  decide: Change<Refusal>,
  { taken, ...options }: ChangeOptions & { readonly taken?: Refusal } = {},
): Promise<Result<ChangedTask, Refusal | ChangeRefusal>> =>
  tryOwnTask<ChangedTask, Refusal>(tasks, ownerId, id, options, async (before) => {
    const decided = await decide(before);
    if (!decided.ok) return decided;
    if (decided.value === "unchanged") return ok({ before, after: before });
    const { next, together } = decided.value;
    const saved = await tasks.save(next, together);
    if (saved.ok) return ok({ before, after: next });
    if (saved.error.reason !== "post-taken") return "overtaken";
    if (taken === undefined) throw new RangeError("a change adopts no post");
    return err(taken);
  });

export type StandsAgainst =
  /** X may have the post, and nobody looks any more: a person has to say what is so. */
  | { readonly reason: "in-flight" | "final" | "in-doubt"; readonly status: TaskStatus }
  /** What is out stays out. */
  | {
      readonly reason: "parts-posted";
      readonly status: TaskStatus;
      readonly posted: number;
      readonly partCount: number;
    };

/** Why neither the words nor the slot of a task can be changed. */
export function whatStandsAgainst(task: Task): StandsAgainst | undefined {
  const { status, posted, partCount } = task;
  if (isFinal(status)) return { reason: "final", status };
  if (isInFlight(status)) return { reason: "in-flight", status };
  if (posted.length > 0) return { reason: "parts-posted", status, posted: posted.length, partCount };
  // It was proven not to be out, and is being sent once more: by another revision nobody would look for the first.
  if (status !== "held" && task.inDoubtSince) return { reason: "in-flight", status };
  return isInDoubt(task) ? { reason: "in-doubt", status } : undefined;
}

export interface RearrangeDeps {
  readonly tasks: Pick<TaskStore, "get" | "getContent">;
  readonly dispatch: Pick<TaskDispatch, "unschedule">;
  readonly arrange: ArrangeTask;
  readonly show: ShowTasks;
  /** Told why a task could not be arranged at once; the sweeper then does it. */
  readonly report: (error: unknown) => void;
}

/** Takes the calls of an arm back that is replaced: they would wake workers that find nothing to do. */
export async function takeBackCalls(
  dispatch: Pick<TaskDispatch, "unschedule">,
  { id: taskId, rev, arm }: Task,
  report: (error: unknown) => void,
): Promise<void> {
  for (const step of ["prepare", "publish"] as const)
    await dispatch.unschedule({ taskId, rev, arm, step }).catch(report);
}

/**
 * Arranges a task anew that has another arm now.
 *
 * @returns the task as it is stored by then
 */
export async function rearrange(
  { tasks, dispatch, arrange, show, report }: RearrangeDeps,
  before: Task,
  after: Task,
): Promise<ShownTask> {
  await takeBackCalls(dispatch, before, report);
  const content = await tasks.getContent(after);
  if (!content) throw new RangeError(`task ${after.id} has no content of revision ${after.contentRev}`);
  await arrange(after, content.media).catch(report);
  return showStored(tasks, show, after);
}
