import { inactiveAccount } from "#shared/domain/account.ts";
import type { Failure } from "#shared/domain/failure.ts";
import type { AttemptId } from "#shared/domain/ids.ts";
import { stop } from "#shared/domain/moves.ts";
import type { Task } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { PostPublisher } from "#shared/ports/post-publisher.ts";
import type { ReceivedTaskMessage } from "#shared/ports/task-dispatch.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { deactivateAfter, resumeIfActive } from "./settle-attempt.ts";

export interface VerifyAccountDeps {
  readonly tasks: Pick<TaskStore, "get" | "save">;
  readonly accounts: Pick<AccountStore, "getAccount" | "saveAccount" | "deactivateAccount">;
  readonly publisher: Pick<PostPublisher, "warmUp">;
  readonly clock: Pick<Clock, "now">;
}

export type VerifyReport =
  | { readonly kind: "stale-message" }
  | { readonly kind: "works" }
  /** Nothing certain: it is looked at again nearer to the slot. */
  | { readonly kind: "unclear"; readonly code: string }
  | { readonly kind: "held"; readonly code: string };

export type VerifyAccount = (
  message: ReceivedTaskMessage,
  invocation: { readonly attemptId: AttemptId },
) => Promise<VerifyReport>;

/**
 * Looks a day and an hour ahead whether the account of a task can still post, by what costs nothing: its state, its
 * stored credentials, and the renewal of its token. If it cannot, the task is held now, so that its owner hears of it in
 * time; it goes on by itself when the account does.
 */
export function createVerifyAccount(deps: VerifyAccountDeps): VerifyAccount {
  const { tasks, accounts, publisher, clock } = deps;

  return async (message, { attemptId }) => {
    const task = await tasks.get(message.taskId);
    if (!task || !isMeantFor(message, task)) return { kind: "stale-message" };
    // Any account of the project will do: that one of them cannot post says nothing.
    if (task.pool === "open") return { kind: "works" };

    const hold = async (failure: Failure): Promise<VerifyReport> => {
      const { code, message: text } = failure.reason;
      const next = stop(task, clock.now(), "held", failure.reason, "account");
      const saved = await tasks.save(next, {
        log: {
          at: clock.now(),
          attemptId,
          step: "verify",
          via: message.via,
          status: "held",
          code,
          message: text,
        },
      });
      if (!saved.ok) return { kind: "stale-message" };
      await resumeIfActive(deps, next);
      return { kind: "held", code };
    };

    const account = await accounts.getAccount(task.accountId);
    if (account?.status !== "active") return hold(inactiveAccount(account));
    const warm = await publisher.warmUp(task.accountId);
    if (warm.ok) return { kind: "works" };
    const { failure } = warm;
    if (failure.class !== "credentials" && failure.class !== "billing")
      return { kind: "unclear", code: failure.reason.code };
    await deactivateAfter(deps, task.accountId, failure);
    return hold(failure);
  };
}

/** Uploads in progress find out by themselves. */
const isMeantFor = ({ rev, arm }: ReceivedTaskMessage, task: Task): boolean =>
  task.rev === rev &&
  task.arm === arm &&
  (task.status === "pending" || task.status === "ready") &&
  task.posted.length === 0;
