import type { Project } from "#shared/domain/account.ts";
import { poolWait, rankAccounts } from "#shared/domain/account-pool.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { Parking } from "#shared/domain/policy.ts";
import type { Task } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

/** Accounts that are compared for one post. Those longest idle come first, so more would hardly score better. */
const COMPARED = 20;

export interface ChooseAccountDeps {
  readonly tasks: Pick<TaskStore, "getGate" | "listAvailable">;
  readonly accounts: Pick<AccountStore, "getAccount">;
}

/**
 * Chooses an account of the project for a task that leaves it open: among those whose next instant has come, by what is
 * left of their quota, how long they were idle, and how often they succeed. The gate has the last word: whoever comes
 * second into the same gap of an account is refused there and chooses again.
 *
 * @param at - when the post is due
 * @returns `no-service` when no account may post now
 */
export async function chooseAccount(
  { tasks, accounts }: ChooseAccountDeps,
  task: Task,
  project: Project,
  at: Date,
): Promise<Result<AccountId, Parking>> {
  const listed = await tasks.listAvailable(task.ownerId, at, COMPARED);
  const own = listed.filter((id) => project.accountIds.includes(id));
  // What never posted, or is listed late, is found by the project.
  const ids = [...new Set([...own, ...project.accountIds])].slice(0, COMPARED);
  const found = await Promise.all(
    ids.map(async (id) => {
      const [account, gate] = await Promise.all([accounts.getAccount(id), tasks.getGate(id)]);
      return account ? [{ account, gate }] : [];
    }),
  );
  const units = task.partCount - task.posted.length;
  const wish = { taskId: task.id, units, now: at, policy: project.policy ?? {} };
  const candidates = found.flat();
  const [best] = rankAccounts(candidates, wish);
  return best ? ok(best.accountId) : err(poolWait(candidates, wish));
}
