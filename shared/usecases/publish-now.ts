import { asAttemptId, type OwnerId, type TaskId } from "#shared/domain/ids.ts";
import { reschedule, resume } from "#shared/domain/moves.ts";
import { isFinal, isInFlight, type Task, type TaskStatus } from "#shared/domain/task.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import {
  type ChangeOptions,
  type ChangeRefusal,
  changeOwnTask,
  type Decided,
  type RearrangeDeps,
  rearrange,
} from "./change-own-task.ts";
import type { ShownTask } from "./show-tasks.ts";

export interface PublishNowDeps extends RearrangeDeps {
  readonly tasks: Pick<TaskStore, "get" | "getContent" | "save">;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
}

export type PublishNowRefusal =
  | ChangeRefusal
  | { readonly reason: "in-flight" | "final"; readonly status: TaskStatus }
  /** A thread that is on its way: its next part is due in seconds anyway. */
  | { readonly reason: "parts-posted"; readonly posted: number; readonly partCount: number };

export interface PublishNowOptions extends ChangeOptions {
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

export function createPublishNow(deps: PublishNowDeps): PublishNow {
  const { tasks, clock, entropy } = deps;
  return async (ownerId, id, { override = false, ifVersion } = {}) => {
    const decide = (task: Task): Decided<PublishNowRefusal> => {
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
    };
    const changed = await changeOwnTask(tasks, ownerId, id, decide, { ifVersion });
    if (!changed.ok) return changed;
    const { before, after } = changed.value;
    return ok(await rearrange(deps, before, after));
  };
}
