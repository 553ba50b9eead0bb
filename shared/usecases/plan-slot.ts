import { createHash } from "node:crypto";
import type { Project } from "#shared/domain/account.ts";
import { type AccountId, asTaskId } from "#shared/domain/ids.ts";
import { type Board, mergeOccupied } from "#shared/domain/planning/board.ts";
import { openTimetable } from "#shared/domain/planning/calendar.ts";
import { findSlotIn } from "#shared/domain/planning/find-slot.ts";
import type { Plan, PlanRefusal, PlanWish, Quota } from "#shared/domain/planning/plan.ts";
import { quotaOf } from "#shared/domain/planning/quota.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { readCalendar } from "./read-calendar.ts";

const DAY_MS = 86_400_000;
/** A calendar is read as far as it takes: most posts find room in two weeks. */
const HORIZONS_DAYS = [14, 60, 366];
/** Accounts of a pool that are compared for one post: others for the next, so that all of them get their share. */
const COMPARED = 20;

export interface PlanSlotDeps {
  readonly tasks: Pick<TaskStore, "list" | "getBoard" | "getGate">;
  readonly accounts: Pick<AccountStore, "getAccount">;
  readonly clock: Pick<Clock, "now">;
}

export interface PlannedSlot {
  readonly plan: Plan;
  /** Of the account, as it was when the slot was chosen: the task is stored with its next version. */
  readonly board: Board;
}

/** Chooses a slot, and the account, for a post whose time is left to us. Writes nothing. */
export type PlanSlot = (project: Project, wish: PlanWish) => Promise<Result<PlannedSlot, PlanRefusal>>;

export function createPlanSlot({ tasks, accounts, clock }: PlanSlotDeps): PlanSlot {
  /** Of a pool, the accounts that post. If none does now, one may by then. */
  async function activeOf(ids: readonly AccountId[]): Promise<readonly AccountId[]> {
    if (ids.length === 1) return ids;
    const found = await Promise.all(ids.map((id) => accounts.getAccount(id)));
    const active = ids.filter((_, place) => found[place]?.status === "active");
    return active.length > 0 ? active : ids;
  }

  return async (project, wish) => {
    const now = clock.now();
    const policy = project.policy ?? {};
    const accountIds = await activeOf(compared(wish));
    // The boards first: what is stored after they were read makes them stale.
    const boards = new Map(
      await Promise.all(accountIds.map(async (id) => [id, await tasks.getBoard(id)] as const)),
    );
    const quotas = new Map<AccountId, Quota>();
    for (const gate of await Promise.all(accountIds.map((id) => tasks.getGate(id)))) {
      const quota = quotaOf(gate, policy, now);
      if (quota) quotas.set(gate.accountId, quota);
    }
    const startMs = Math.max(now.getTime(), wish.from.getTime());
    const context = { now, policy, timeZone: project.timeZone, quotas };
    const from = new Date(now.getTime() - DAY_MS);
    const itself = new Set<string>([asTaskId(wish.id)]);

    let refusal: PlanRefusal | undefined;
    for (const days of HORIZONS_DAYS) {
      const horizon = new Date(startMs + days * DAY_MS);
      const occupied = new Map(
        await Promise.all(
          [...boards].map(async ([id, board]) => {
            const listed = await readCalendar(tasks, id, { from, until: horizon });
            return [id, mergeOccupied(listed, board, now)] as const;
          }),
        ),
      );
      const until = wish.until && wish.until < horizon ? wish.until : horizon;
      const found = findSlotIn(openTimetable(occupied, context, itself), { ...wish, accountIds, until });
      if (found.ok) {
        const board = boards.get(found.value.accountId);
        if (!board)
          throw new RangeError(`a slot of the account ${found.value.accountId}, which was not asked`);
        return ok({ plan: found.value, board });
      }
      refusal = found.error;
      if (wish.until && wish.until <= horizon) break;
    }
    if (!refusal) throw new RangeError("no horizon was looked at");
    return err(refusal);
  };
}

/** All accounts of a small pool; of a large one some, and for each post others. */
function compared({ id, accountIds }: PlanWish): readonly AccountId[] {
  if (accountIds.length <= COMPARED) return accountIds;
  const start = createHash("sha256").update(id).digest().readUInt32BE() % accountIds.length;
  return [...accountIds, ...accountIds].slice(start, start + COMPARED);
}
