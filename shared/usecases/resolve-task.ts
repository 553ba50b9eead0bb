import { confirm, type Gate, giveBack, hasPlace, reserve } from "#shared/domain/gate.ts";
import { asAttemptId, type OwnerId, type TaskId } from "#shared/domain/ids.ts";
import { adoptSeen, cancel, reschedule, resume } from "#shared/domain/moves.ts";
import { postedAt } from "#shared/domain/post-id.ts";
import { isWrittenOff } from "#shared/domain/reconcile.ts";
import { isFinal, isInFlight, type Task, type TaskStatus } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { SharedCounters } from "#shared/ports/shared-counters.ts";
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
import { type ShownTask, showTask } from "./show-tasks.ts";
import { sharesOf } from "./take-shares.ts";

export interface ResolveTaskDeps extends RearrangeDeps {
  readonly tasks: Pick<TaskStore, "get" | "getContent" | "getGate" | "save">;
  readonly accounts: Pick<AccountStore, "getProject">;
  readonly counters: Pick<SharedCounters, "take">;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
}

/** What a person found on the account's timeline. */
export type Resolution =
  /** The post is there: it is the task's. */
  | { readonly as: "posted"; readonly postId: string }
  /** It is not there: it is sent again, now. */
  | { readonly as: "repost" }
  /** Whatever is there: nothing more happens. */
  | { readonly as: "drop" };

export type ResolveRefusal =
  /** Its answer was not lost; `status` says what else can be done. */
  | { readonly reason: "not-in-doubt"; readonly status: TaskStatus }
  /** The timeline is being read. */
  | { readonly reason: "in-flight"; readonly status: TaskStatus }
  | { readonly reason: "final"; readonly status: TaskStatus }
  /** The post is another task's. */
  | { readonly reason: "post-taken"; readonly postId: string }
  /** It was made before the task was sent, or is none of X's. */
  | {
      readonly reason: "wrong-post";
      readonly postId: string;
      readonly sentFrom: Date;
      readonly madeAt?: Date;
    };

/**
 * Says what became of a held task whose answer was lost. A post that was seen is adopted, and no other task can adopt it;
 * a thread then goes on with its next part. Repeating it changes nothing more.
 */
export type ResolveTask = (
  ownerId: OwnerId,
  id: TaskId,
  resolution: Resolution,
  options?: ChangeOptions,
) => Promise<Result<ShownTask, ResolveRefusal | ChangeRefusal>>;

export function createResolveTask(deps: ResolveTaskDeps): ResolveTask {
  const { tasks, accounts, counters, show, clock, entropy, report } = deps;

  async function adopt(task: Task, postId: string): Promise<Decided<ResolveRefusal>> {
    const now = clock.now();
    const sentFrom = task.inDoubtSince ?? now;
    const madeAt = postedAt(postId);
    const toleranceMs = TIMING.reconcile.clockToleranceMs;
    if (
      !madeAt ||
      task.posted.some((part) => part.postId === postId) ||
      madeAt.getTime() < sentFrom.getTime() - toleranceMs ||
      madeAt.getTime() > now.getTime() + toleranceMs
    )
      return err({ reason: "wrong-post", postId, sentFrom, ...(madeAt && { madeAt }) });
    // Nothing was sent before it was asked for, whatever X's clock says.
    const sentAt = madeAt > sentFrom ? madeAt : sentFrom;
    const next = adoptSeen(task, now, { postId, sentAt });
    const attemptId = asAttemptId(entropy.newId());
    const seen = await tasks.getGate(task.accountId);
    const policy = (await accounts.getProject(task.projectId))?.policy ?? {};
    const { id: taskId, ownerId, accountId } = task;
    const counted = isCounted(task)
      ? seen
      : reserve(seen, { taskId, now, units: 1, policy, attemptId, ownerId });
    const confirmed = confirm(counted, { taskId, at: sentAt, postId, isLast: next.status !== "pending" });
    // A place that only this part needed; what follows takes its own.
    const left = hasPlace(confirmed, taskId) ? giveBack(confirmed, taskId) : confirmed;
    const gate: Gate = { ...left, ownerId, version: seen.version + 1 };
    const log = logOf(next, "resolved-posted");
    return ok({
      next,
      together: { gate, adopt: { accountId, postId }, log: { ...log, attemptId, externalId: postId } },
    });
  }

  function logOf({ status }: Task, code: string) {
    return {
      at: clock.now(),
      attemptId: asAttemptId(entropy.newId()),
      step: "change" as const,
      status,
      code,
    };
  }

  return async (ownerId, id, resolution, options) => {
    async function decide(task: Task): Promise<Decided<ResolveRefusal>> {
      const { status } = task;
      if (isRepeated(task, resolution)) return ok("unchanged");
      if (isFinal(status)) return err({ reason: "final", status });
      if (isInFlight(status)) return err({ reason: "in-flight", status });
      if (status !== "held" || !task.inDoubtSince) return err({ reason: "not-in-doubt", status });
      switch (resolution.as) {
        case "posted":
          return adopt(task, resolution.postId);
        case "repost": {
          const now = clock.now();
          const next = task.posted.length > 0 ? resume(task, now) : reschedule(task, now, now);
          return ok({ next, together: { log: logOf(next, "resolved-repost") } });
        }
        case "drop": {
          const next = cancel(task, clock.now());
          return ok({ next, together: { log: logOf(next, "resolved-drop") } });
        }
      }
    }

    const changed = await changeOwnTask(tasks, ownerId, id, decide, {
      ...options,
      ...(resolution.as === "posted" && {
        taken: { reason: "post-taken", postId: resolution.postId } as ResolveRefusal,
      }),
    });
    if (!changed.ok) return changed;
    const { before, after } = changed.value;
    if (before === after) return ok(await showTask(show, after));
    if (resolution.as === "posted" && !isCounted(before))
      // It has happened: no limit can keep it from being counted.
      for (const { counter, units } of sharesOf(before, before.inDoubtSince ?? clock.now()))
        await counters.take(counter, units, Number.MAX_SAFE_INTEGER).catch(report);
    return ok(
      after.status === "pending" ? await rearrange(deps, before, after) : await showTask(show, after),
    );
  };
}

/** What was given up as lost counts as posted, at the gate and in the shared counters; what was proven absent does not. */
const isCounted = ({ reason }: Task): boolean => isWrittenOff(reason?.code);

/** The same was said before, and its answer was lost. */
function isRepeated({ status, posted }: Task, resolution: Resolution): boolean {
  // While it is held, a later part is in doubt, and the post of an earlier one does not answer for it.
  if (resolution.as === "posted")
    return status !== "held" && posted.some(({ postId }) => postId === resolution.postId);
  return resolution.as === "drop" && status === "cancelled";
}
