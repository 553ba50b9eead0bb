import { giveBack, hasPlace } from "#shared/domain/gate.ts";
import { asAttemptId, type OwnerId, type TaskId } from "#shared/domain/ids.ts";
import { askToCancel, cancel } from "#shared/domain/moves.ts";
import { arrangedSteps, isFinal, isInFlight, type Task, type TaskStatus } from "#shared/domain/task.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { type ChangeOptions, type ChangeRefusal, changeOwnTask, type Decided } from "./change-own-task.ts";
import { type ShownTask, type ShowTasks, showTask } from "./show-tasks.ts";

export interface CancelTaskDeps {
  readonly tasks: Pick<TaskStore, "get" | "getGate" | "save">;
  readonly dispatch: Pick<TaskDispatch, "unschedule">;
  readonly show: ShowTasks;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
  /** Told why a schedule could not be taken back: it wakes a worker that finds nothing to do. */
  readonly report: (error: unknown) => void;
}

export interface Cancellation extends ShownTask {
  /** `asked`: X may be answering right now, so the wish is remembered and honoured as soon as it can be. */
  readonly outcome: "cancelled" | "asked";
}

export type CancelRefusal = ChangeRefusal | { readonly reason: "final"; readonly status: TaskStatus };

/**
 * Cancels a task. Repeating it changes nothing more. A thread that is cancelled between two parts leaves its place at the
 * account's gate.
 */
export type CancelTask = (
  ownerId: OwnerId,
  id: TaskId,
  options?: ChangeOptions,
) => Promise<Result<Cancellation, CancelRefusal>>;

export function createCancelTask({
  tasks,
  dispatch,
  show,
  clock,
  entropy,
  report,
}: CancelTaskDeps): CancelTask {
  return async (ownerId, id, options) => {
    const decide = async (task: Task): Promise<Decided<CancelRefusal>> => {
      const { status } = task;
      if (status === "cancelled" || (isInFlight(status) && task.cancelAskedAt)) return ok("unchanged");
      if (isFinal(status)) return err({ reason: "final", status });
      const now = clock.now();
      const next = isInFlight(status) ? askToCancel(task, now) : cancel(task, now);
      const log = {
        at: now,
        attemptId: asAttemptId(entropy.newId()),
        step: "change" as const,
        status: next.status,
        code: next.status === "cancelled" ? "cancelled" : "cancel-asked",
      };
      // Before its first part a task has no place, and while one is in flight it keeps it.
      const gate =
        next.status === "cancelled" && task.posted.length > 0
          ? await tasks.getGate(task.accountId)
          : undefined;
      const left = gate && hasPlace(gate, id) && { gate: giveBack(gate, id) };
      return ok({ next, together: { log, ...left } });
    };
    const changed = await changeOwnTask(tasks, ownerId, id, decide, options);
    if (!changed.ok) return changed;
    const { before, after } = changed.value;
    if (after.status === "cancelled" && before.status !== "cancelled") {
      const { rev, arm } = before;
      for (const step of arrangedSteps(before))
        await dispatch.unschedule({ taskId: id, rev, arm, step }).catch(report);
    }
    const shown = await showTask(show, after);
    return ok({ ...shown, outcome: after.status === "cancelled" ? "cancelled" : "asked" });
  };
}
