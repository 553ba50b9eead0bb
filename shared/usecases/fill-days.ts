import type { Project } from "#shared/domain/account.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { DayShortfall, FillReport } from "#shared/domain/job.ts";
import { fillDays } from "#shared/domain/planning/fill-days.ts";
import { quotaOf } from "#shared/domain/planning/quota.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { type MovePlanned, type PlannedMove, readAccountPlan, toPlannedPost } from "./move-planned.ts";

const DAY_MS = 86_400_000;
/** Posts that are planned within this may be pulled forward. */
const POOL_DAYS = 60;
/** Of a report: a person reads no more. */
const MAX_TOLD = 50;

export interface FillDaysDeps {
  readonly tasks: Pick<TaskStore, "list" | "get" | "getBoard" | "getGate">;
  readonly accounts: Pick<AccountStore, "getAccount">;
  readonly movePlanned: MovePlanned;
  readonly clock: Pick<Clock, "now">;
}

export interface FillOptions {
  /** Nothing is begun after it. */
  readonly deadline: Date;
  /** The number of the run: each begins with another account, so that none is always left. */
  readonly turn: number;
}

/**
 * Pulls posts that can wait into the coming seven days of a project's accounts that have fewer than the daily minimum, and
 * tells which days still have too few. An account that may not post now is left out. Doing it again moves nothing more.
 */
export type FillDays = (project: Project, options: FillOptions) => Promise<FillReport>;

export function createFillDays({ tasks, accounts, movePlanned, clock }: FillDaysDeps): FillDays {
  return async (project, { deadline, turn }) => {
    const policy = project.policy ?? {};
    const shortfalls: DayShortfall[] = [];
    let [moved, skipped, complete] = [0, 0, true];

    async function fillAccount(accountId: AccountId): Promise<void> {
      const account = await accounts.getAccount(accountId);
      if (account?.status !== "active") return;
      const now = clock.now();
      const until = new Date(now.getTime() + POOL_DAYS * DAY_MS);
      const plan = await readAccountPlan(tasks, accountId, { projectId: project.id, now, until });
      const quota = quotaOf(await tasks.getGate(accountId), policy, now);
      const context = {
        now,
        policy,
        timeZone: project.timeZone,
        quotas: new Map(quota ? [[accountId, quota]] : []),
      };
      const posts = plan.planned.map(toPlannedPost);
      const occupied = new Map([[accountId, plan.occupied]]);
      const filled = fillDays({ accountIds: [accountId], posts, occupied }, context);

      const moves = filled.moves.flatMap(({ id, toAt, reasons }): PlannedMove[] => {
        const task = plan.planned.find((one) => one.id === id);
        return task ? [{ task, toAt, reasons }] : [];
      });
      for (const outcome of (await movePlanned(plan, moves, { context, deadline })).values()) {
        if (outcome === "moved") moved += 1;
        else if (outcome === "left") complete = false;
        else skipped += 1;
      }
      for (const { date, planned, missing, reason } of filled.shortfalls)
        shortfalls.push({ account: account.name, date, planned, missing, message: reason.message });
    }

    const { accountIds } = project;
    const first = turn % Math.max(1, accountIds.length);
    for (const accountId of [...accountIds.slice(first), ...accountIds.slice(0, first)]) {
      if (clock.now() < deadline) await fillAccount(accountId);
      else complete = false;
    }
    return {
      moved,
      skipped,
      complete,
      shortDays: shortfalls.length,
      shortfalls: shortfalls.slice(0, MAX_TOLD),
    };
  };
}
