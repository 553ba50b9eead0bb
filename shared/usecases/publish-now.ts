import { asAttemptId, type OwnerId, type TaskId } from "#shared/domain/ids.ts";
import { reschedule } from "#shared/domain/moves.ts";
import { isFinal, isInFlight, type TaskStatus } from "#shared/domain/task.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { ArrangeTask } from "./arrange-task.ts";
import { type ChangeRefusal, changeOwnTask } from "./change-own-task.ts";
import { type ShownTask, type ShowTasks, showTask } from "./show-tasks.ts";

export interface PublishNowDeps {
  readonly tasks: Pick<TaskStore, "get" | "save">;
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
  /** A thread that stopped half way: starting it again would post its beginning twice, going on is another wish. */
  | { readonly reason: "parts-posted"; readonly posted: number; readonly partCount: number };

/** Moves the slot to now, also of a held task, and arranges it anew: whatever waited for the old slot does nothing. */
export type PublishNow = (ownerId: OwnerId, id: TaskId) => Promise<Result<ShownTask, PublishNowRefusal>>;

export function createPublishNow({
  tasks,
  arrange,
  show,
  clock,
  entropy,
  report,
}: PublishNowDeps): PublishNow {
  return async (ownerId, id) => {
    const changed = await changeOwnTask<PublishNowRefusal>(tasks, ownerId, id, (task) => {
      const { status, posted, partCount } = task;
      if (isFinal(status)) return err({ reason: "final", status });
      if (isInFlight(status)) return err({ reason: "in-flight", status });
      if (posted.length > 0) return err({ reason: "parts-posted", posted: posted.length, partCount });
      const now = clock.now();
      const next = reschedule(task, now, now);
      const log = {
        at: now,
        attemptId: asAttemptId(entropy.newId()),
        step: "change" as const,
        status: next.status,
        code: "publish-now",
      };
      return ok({ next, together: { log } });
    });
    if (!changed.ok) return changed;
    const shown = await showTask(show, changed.value.after);
    await arrange(shown.task, shown.content.media).catch(report);
    return ok(shown);
  };
}
