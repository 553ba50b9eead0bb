import { type AccountId, asAttemptId } from "#shared/domain/ids.ts";
import { resume } from "#shared/domain/moves.ts";
import type { Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import type { ArrangeTask } from "./arrange-task.ts";

/** Held tasks that are read at once. */
const PAGE = 50;

export interface ResumeAccountDeps {
  readonly tasks: Pick<TaskStore, "get" | "getContent" | "save" | "list">;
  readonly accounts: Pick<AccountStore, "getAccount" | "saveAccount" | "listProjects">;
  readonly arrange: ArrangeTask;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

/** @returns whether there was something to do */
export type ResumeAccount = (id: AccountId) => Promise<boolean>;

/**
 * Ends a pause whose date has come, and lets the tasks go on that were held because of the account. A task whose late
 * policy says so is then missed or held by its publisher, as if it had waited for anything else.
 *
 * The account keeps its `wakeAt` until all of them are on their way, so whoever dies half-way is followed by another.
 */
export function createResumeAccount({
  tasks,
  accounts,
  arrange,
  clock,
  entropy,
}: ResumeAccountDeps): ResumeAccount {
  async function goOn(id: Task["id"], accountId: AccountId): Promise<void> {
    const task = await tasks.get(id);
    if (task?.status !== "held" || task.heldFor !== "account" || task.accountId !== accountId) return;
    const now = clock.now();
    const next = resume(task, now);
    const log = {
      at: now,
      attemptId: asAttemptId(entropy.newId()),
      step: "change",
      status: next.status,
    } as const;
    const saved = await tasks.save(next, { log: { ...log, code: "account-resumed" } });
    if (!saved.ok) return;
    const content = await tasks.getContent(task);
    await arrange(next, content?.media ?? []);
  }

  return async (id) => {
    const account = await accounts.getAccount(id);
    const now = clock.now();
    if (!account?.wakeAt || account.wakeAt > now) return false;
    const isOver =
      account.status === "active" ||
      (account.status === "paused" && account.pausedUntil !== undefined && account.pausedUntil <= now);
    if (!isOver) {
      const { wakeAt: _wakeAt, ...rest } = account;
      const pausedUntil = account.status === "paused" ? account.pausedUntil : undefined;
      await accounts.saveAccount({
        ...rest,
        ...(pausedUntil && { wakeAt: pausedUntil }),
        version: account.version + 1,
      });
      return false;
    }
    const { reason: _reason, pausedUntil: _pausedUntil, ...kept } = account;
    const claimed = {
      ...kept,
      status: "active" as const,
      wakeAt: new Date(now.getTime() + TIMING.sweep.claimMs),
      version: account.version + 1,
    };
    if (!(await accounts.saveAccount(claimed)).ok) return false;

    for (const project of await accounts.listProjects(account.ownerId)) {
      if (!project.accountIds.includes(id)) continue;
      let after: string | undefined;
      do {
        const page = await tasks.list({
          by: "project",
          projectId: project.id,
          status: "held",
          limit: PAGE,
          ...(after !== undefined && { after }),
        });
        for (const task of page.items) await goOn(task.id, id);
        after = page.next;
      } while (after !== undefined);
    }
    const { wakeAt: _done, ...settled } = claimed;
    await accounts.saveAccount({ ...settled, version: claimed.version + 1 });
    return true;
  };
}
