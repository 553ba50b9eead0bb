/** Gives many posts their slots together, so that none gets in another's way. */
import type { Result } from "#shared/result.ts";
import type { AccountId } from "../ids.ts";
import type { OccupiedSlots, Timetable } from "./calendar.ts";
import { openTimetable } from "./calendar.ts";
import { findAlternatives, findSlotIn, MAX_ALTERNATIVES } from "./find-slot.ts";
import type { Plan, PlanContext, PlanRefusal, PlanWish, ScoredSlot } from "./plan.ts";
import { demandOf } from "./slot-search.ts";
import { isFlexible } from "./strategy.ts";

export type BatchPlan = Result<Plan, PlanRefusal>;

/**
 * Plans wishes together. Those whose instant is given come first, since they do not move; then the most urgent, and of the
 * same priority in the order of the list. Alternatives are free beside the whole batch.
 *
 * @param occupied - slots of the wishes themselves are free: they are planned anew
 * @returns one answer for each wish, in the order of the list
 */
export function planBatch(
  wishes: readonly PlanWish[],
  occupied: OccupiedSlots,
  context: PlanContext,
): readonly BatchPlan[] {
  const own = new Set(wishes.map(({ id }) => id));
  const answers = new Map<PlanWish, BatchPlan>();
  for (const group of independentGroups(wishes)) {
    const timetable = openTimetable(occupied, context, own);
    for (const wish of inOrder(group)) {
      const answer = findSlotIn(timetable, wish);
      answers.set(wish, answer);
      if (answer.ok) takeSlot(timetable, wish, answer.value);
    }
    for (const wish of group) {
      const answer = answers.get(wish);
      if (!answer?.ok) continue;
      const alternatives = stillFree(timetable, wish, answer.value);
      answers.set(wish, { ok: true, value: { ...answer.value, alternatives } });
    }
  }
  return wishes.flatMap((wish) => answers.get(wish) ?? []);
}

/**
 * Wishes that cannot meet: no account of the one group is one of another's. The calendars of a group are used and left before the next
 * ones are opened, so that a thousand accounts take no longer each than one.
 */
function independentGroups(wishes: readonly PlanWish[]): Iterable<readonly PlanWish[]> {
  const leaders = new Map<AccountId, AccountId>();
  const leaderOf = (accountId: AccountId): AccountId => {
    let leader = accountId;
    for (let next = leaders.get(leader); next !== undefined; next = leaders.get(leader)) leader = next;
    if (leader !== accountId) leaders.set(accountId, leader);
    return leader;
  };
  for (const { accountIds } of wishes) {
    const [first, ...others] = accountIds.map(leaderOf);
    for (const other of others) if (first !== undefined && other !== first) leaders.set(other, first);
  }
  return Map.groupBy(wishes, ({ accountIds: [first] }) => first && leaderOf(first)).values();
}

/** The order in which they are served. */
const inOrder = (wishes: readonly PlanWish[]): readonly PlanWish[] =>
  wishes.toSorted(
    (a, b) => Number(isFlexible(a.strategy)) - Number(isFlexible(b.strategy)) || a.priority - b.priority,
  );

export function takeSlot(
  timetable: Timetable,
  { id, parts, priority }: Pick<PlanWish, "id" | "parts" | "priority">,
  { accountId, at }: Pick<Plan, "accountId" | "at">,
): void {
  timetable.calendar(accountId).add({ id, at, parts, priority });
}

/** Alternatives that nobody after it took; others in the place of those. */
function stillFree(timetable: Timetable, wish: PlanWish, plan: Plan): readonly ScoredSlot[] {
  const demand = demandOf(wish);
  const kept = plan.alternatives.filter(({ accountId, at }) =>
    timetable.calendar(accountId).isFree(at, demand, plan.accountId === accountId ? plan : undefined),
  );
  if (kept.length === plan.alternatives.length) return kept;
  const isNew = (slot: ScoredSlot): boolean =>
    !kept.some(({ accountId, at }) => accountId === slot.accountId && at.getTime() === slot.at.getTime());
  return [...kept, ...findAlternatives(timetable, wish, MAX_ALTERNATIVES).filter(isNew)]
    .sort((a, b) => b.score - a.score)
    .slice(0, MAX_ALTERNATIVES);
}
