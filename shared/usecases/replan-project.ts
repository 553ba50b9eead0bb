import type { Project } from "#shared/domain/account.ts";
import type { AccountId, OwnerId, TaskId } from "#shared/domain/ids.ts";
import type { PlanContext, Quota } from "#shared/domain/planning/plan.ts";
import { quotaOf } from "#shared/domain/planning/quota.ts";
import { type Replanned, replan } from "#shared/domain/planning/replan.ts";
import { isFlexible } from "#shared/domain/planning/strategy.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { type Worked, workOff } from "./dispatch-fairly.ts";
import { findProject, type UnknownProject } from "./find-project.ts";
import {
  type AccountPlan,
  type MoveOutcome,
  type MovePlanned,
  type PlannedTask,
  readAccountPlan,
  toPlannedPost,
} from "./move-planned.ts";

const DAY_MS = 86_400_000;
/** Tasks that are planned anew together. */
const MAX_REPLANNED = 500;
/** As far as slots are searched for. */
const HORIZON_MS = 367 * DAY_MS;
const PAGE = 500;
/** Accounts of the project that are looked at even if no list shows a task of theirs yet. */
const ALWAYS_READ = 20;
/** Accounts that are read or written at the same time. */
const CONCURRENCY = 10;
/** A request has 25 s. Moves begin in the first of them. */
const APPLY_MS = 16_000;
/** Whoever cannot be read fails the request: half a calendar would be a wrong one. */
const NO_DEADLINE = new Date(8.64e15);
/** Policies that are looked back at: the posts were planned by one of them. */
const MAX_VERSIONS = 100;

export interface ReplanProjectDeps {
  readonly tasks: Pick<TaskStore, "list" | "get" | "getBoard" | "getGate">;
  readonly accounts: Pick<
    AccountStore,
    "getProjectByFolder" | "listProjects" | "getAccount" | "listPolicyVersions"
  >;
  readonly movePlanned: MovePlanned;
  readonly clock: Pick<Clock, "now">;
}

export interface ReplanWish {
  /** False: it is only told what would move. */
  readonly apply: boolean;
  /** The version of the policy that the preview was of. Absent: whichever is in force. */
  readonly version?: number | undefined;
  /** Only tasks whose slots are not before it: `nextAt` of the answer before. */
  readonly fromAt?: Date | undefined;
}

/** What becomes of one task. */
export type ReplannedTask = { readonly task: PlannedTask; readonly account: string } & (
  | { readonly kind: "keeps" }
  | (Omit<Extract<Replanned, { kind: "moves" }>, "post"> & {
      /** Absent: nothing was to be written. */
      readonly outcome?: MoveOutcome;
    })
  | Omit<Extract<Replanned, { kind: "no-place" }>, "post">
);

export interface ReplannedProject {
  readonly project: Project;
  /** The policy that they were planned by. Absent: the one in force has no other before it. */
  readonly comparedWith?: number;
  /** By slot, at most 500. */
  readonly tasks: readonly ReplannedTask[];
  /** The slot of the first that was not looked at. */
  readonly nextAt?: Date;
}

export type ReplanRefusal =
  | UnknownProject
  /** Somebody changed the policy since. @see version - the one in force */
  | { readonly reason: "stale"; readonly version: number };

/**
 * What the policy and the zone in force do to slots that were chosen before them. Tasks whose instant was given, and those
 * that somebody is at work on, stay as they are, and every task stays with its account.
 */
export type ReplanProject = (
  ownerId: OwnerId,
  project: string,
  wish: ReplanWish,
) => Promise<Result<ReplannedProject, ReplanRefusal>>;

export function createReplanProject({
  tasks,
  accounts,
  movePlanned,
  clock,
}: ReplanProjectDeps): ReplanProject {
  /** Accounts with planned tasks; the lists may lag behind, so those of a small project are all looked at. */
  async function findAccounts({ id, accountIds }: Project, fromAt: Date): Promise<readonly AccountId[]> {
    const found = new Set(accountIds.slice(0, ALWAYS_READ));
    let planned = 0;
    for (let after: string | undefined; planned <= MAX_REPLANNED; ) {
      const { items, next } = await tasks.list({
        by: "project",
        projectId: id,
        status: "pending",
        limit: PAGE,
        ...(after !== undefined && { after }),
      });
      for (const { accountId, strategy, slotAt } of items) {
        if (!strategy || !isFlexible(strategy) || slotAt < fromAt) continue;
        found.add(accountId);
        planned += 1;
      }
      if (next === undefined) break;
      after = next;
    }
    return [...found];
  }

  /** The oldest policy that one of the tasks may have been planned by, if it is not the one in force. */
  async function findBefore({ id, policyVersion = 0 }: Project, planned: readonly PlannedTask[]) {
    if (policyVersion < 2 || planned.length === 0) return undefined;
    const since = Math.min(...planned.map(({ createdAt }) => createdAt.getTime()));
    const versions = await accounts.listPolicyVersions(id, MAX_VERSIONS, policyVersion + 1);
    const before = versions.find(({ savedAt }) => savedAt.getTime() < since) ?? versions.at(-1);
    return before && before.version < policyVersion ? before : undefined;
  }

  async function apply(
    plans: readonly AccountPlan[],
    replanned: readonly Replanned[],
    context: PlanContext,
  ): Promise<ReadonlyMap<TaskId, MoveOutcome>> {
    const deadline = new Date(context.now.getTime() + APPLY_MS);
    const written = await workOff(
      plans,
      (plan) => {
        const moves = replanned.flatMap((one) => {
          const task = one.kind === "moves" && plan.planned.find(({ id }) => id === one.post.wish.id);
          return task ? [{ task, toAt: one.plan.at, reasons: one.plan.reasons }] : [];
        });
        return movePlanned(plan, moves, { context, deadline });
      },
      { concurrency: CONCURRENCY, deadline, clock },
    );
    return new Map(valuesOf(written).flatMap((outcomes) => [...outcomes]));
  }

  return async (ownerId, name, wish) => {
    const found = await findProject(accounts, ownerId, name);
    if (!found.ok) return found;
    const project = found.value;
    const { policy = {}, timeZone, policyVersion = 0 } = project;
    if (wish.version !== undefined && wish.version !== policyVersion)
      return err({ reason: "stale", version: policyVersion });

    const now = clock.now();
    const fromAt = wish.fromAt ?? now;
    const read = await workOff(
      await findAccounts(project, fromAt),
      async (accountId) => {
        const until = new Date(Math.max(now.getTime(), fromAt.getTime()) + HORIZON_MS);
        const plan = await readAccountPlan(tasks, accountId, { projectId: project.id, now, until });
        const [gate, account] = await Promise.all([tasks.getGate(accountId), accounts.getAccount(accountId)]);
        return { plan, quota: quotaOf(gate, policy, now), name: account?.name ?? accountId };
      },
      { concurrency: CONCURRENCY, deadline: NO_DEADLINE, clock },
    );
    const looked = valuesOf(read);
    const plans = looked.map(({ plan }) => plan);
    const names = new Map(looked.map((one) => [one.plan.accountId, one.name]));
    const quotas = new Map<AccountId, Quota>(
      looked.flatMap(({ plan, quota }) => (quota ? [[plan.accountId, quota] as const] : [])),
    );

    const all = plans
      .flatMap(({ planned }) => planned)
      .filter(({ slotAt }) => slotAt >= fromAt)
      .toSorted((a, b) => a.slotAt.getTime() - b.slotAt.getTime() || (a.id < b.id ? -1 : 1));
    const planned = all.slice(0, MAX_REPLANNED);
    const nextAt = all[MAX_REPLANNED]?.slotAt;
    const version = await findBefore(project, planned);
    const after: PlanContext = { now, policy, timeZone, quotas };
    const before = version ? { now, policy: version.policy, timeZone: version.timeZone } : after;
    const occupied = new Map(plans.map((plan) => [plan.accountId, plan.occupied]));
    const replanned = replan(planned.map(toPlannedPost), occupied, { before, after });

    const outcomes = wish.apply ? await apply(plans, replanned, after) : undefined;
    const byId = new Map<string, PlannedTask>(planned.map((task) => [task.id, task]));
    return ok({
      project,
      ...(version && { comparedWith: version.version }),
      ...(nextAt && { nextAt }),
      tasks: replanned.flatMap(({ post, ...change }): ReplannedTask[] => {
        const task = byId.get(post.wish.id);
        if (!task) return [];
        const shown = { task, account: names.get(task.accountId) ?? task.accountId };
        if (change.kind !== "moves" || !outcomes) return [{ ...shown, ...change }];
        return [{ ...shown, ...change, outcome: outcomes.get(task.id) ?? "left" }];
      }),
    });
  };
}

/** What was done. @throws the first fault: whatever was done before it stays done, and is kept by the next call */
function valuesOf<Item, Value>(worked: readonly Worked<Item, Value>[]): readonly Value[] {
  return worked.flatMap((one) => {
    if (one.kind === "failed") throw one.error;
    return one.kind === "done" ? [one.value] : [];
  });
}
