import { asAttemptId, type OwnerId, type TaskId } from "#shared/domain/ids.ts";
import { reschedule, resume } from "#shared/domain/moves.ts";
import { isFinal, isInFlight, type TaskStatus } from "#shared/domain/task.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { ArrangeTask } from "./arrange-task.ts";
import { type ChangeRefusal, changeOwnTask } from "./change-own-task.ts";
import { type ShownTask, type ShowTasks, showTask } from "./show-tasks.ts";

export interface PublishNowDeps {
  readonly tasks: Pick<TaskStore, "get" | "save">;
  readonly dispatch: Pick<TaskDispatch, "unschedule">;
  readonly arrange: ArrangeTask;
  readonly show: ShowTasks;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
  /** Told why a task could not be arranged at once; the sweeper then does it. */
  readonly report: (error: unknown) => void;
}

export type PublishNowRefusal =
  | ChangeRefusal
  | { readonly reason: "in-flight" | "final"; readonly status: TaskStatus }
  /** A thread that is on its way: its next part is due in seconds anyway. */
  | { readonly reason: "parts-posted"; readonly posted: number; readonly partCount: number };

export interface PublishNowOptions {
  /** It goes out in a blackout too; the caller has checked that this person may say so. @default false */
  readonly override?: boolean | undefined;
}

/**
 * Moves the slot to now, also of a held task, and arranges it anew: whatever waited for the old slot does nothing. A
 * thread that was held goes on where it stopped.
 */
export type PublishNow = (
  ownerId: OwnerId,
  id: TaskId,
  how?: PublishNowOptions,
) => Promise<Result<ShownTask, PublishNowRefusal>>;

export function createPublishNow({
  tasks,
  dispatch,
  arrange,
  show,
  clock,
  entropy,
  report,
}: PublishNowDeps): PublishNow {
  return async (ownerId, id, { override = false } = {}) => {
    const changed = await changeOwnTask<PublishNowRefusal>(tasks, ownerId, id, (task) => {
      const { status, posted, partCount } = task;
      if (isFinal(status)) return err({ reason: "final", status });
      if (isInFlight(status)) return err({ reason: "in-flight", status });
      // What is out stays out: a thread that was held goes on with its next part, one that is on its way needs no help.
      const isBegun = posted.length > 0;
      if (isBegun && status !== "held")
        return err({ reason: "parts-posted", posted: posted.length, partCount });
      const now = clock.now();
      const next = isBegun ? resume(task, now, override) : reschedule(task, now, now, override);
      const log = {
        at: now,
        attemptId: asAttemptId(entropy.newId()),
        step: "change" as const,
        status: next.status,
        code: "publish-now",
        ...(override && { message: "A blackout does not bind it." }),
      };
      return ok({ next, together: { log } });
    });
    if (!changed.ok) return changed;
    const { before, after } = changed.value;
    for (const step of ["prepare", "publish"] as const)
      await dispatch.unschedule({ taskId: id, rev: before.rev, arm: before.arm, step }).catch(report);
    const shown = await showTask(show, after);
    await arrange(shown.task, shown.content.media).catch(report);
    return ok(shown);
  };
}
