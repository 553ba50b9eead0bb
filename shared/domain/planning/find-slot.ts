/** Gives one post its slot, and says why. */
import { err, ok, type Result } from "#shared/result.ts";
import { type OccupiedSlots, openTimetable, type Timetable } from "./calendar.ts";
import { explained, refusal } from "./explain-slot.ts";
import { localTimeInWords } from "./hours.ts";
import {
  type Plan,
  type PlanContext,
  type PlanRefusal,
  type PlanWish,
  type ScoredSlot,
  slotReason,
} from "./plan.ts";
import { demandOf, openSearch, rank } from "./slot-search.ts";
import { isFlexible } from "./strategy.ts";

export const MAX_ALTERNATIVES = 3;

/**
 * Chooses a slot for a post.
 *
 * - `immediate`, `fixed`: now, or the instant that is asked for; what is in the way is told, not obeyed.
 * - `optimal`: each free hour is worth 1 if it is an optimal one and less the further it is from one (or what the curve
 *   says), and loses 7 % a day; the best is taken. So the earliest free optimal hour, unless none is free for three days.
 * - `preferred`: the same with the owner's hours before the optimal ones.
 * - `balanced`: of the next seven days and of the accounts, the day and account with the fewest posts; in it the hour
 *   furthest from others.
 * - `next-free`: the earliest instant that is free.
 *
 * A flexible slot keeps what the policy asks for: blackouts (for the whole thread), the interval to both sides, the daily
 * maximum in a day of the project and in any 24 hours, the urgent posts' share, the lead; and what the quotas leave.
 *
 * Refusals (`code`): `no-free-slot`, with what was in the way.
 *
 * @param occupied - what the accounts have planned; a slot of the wish's own id is free
 */
export const findSlot = (
  wish: PlanWish,
  occupied: OccupiedSlots,
  context: PlanContext,
): Result<Plan, PlanRefusal> => findSlotIn(openTimetable(occupied, context, new Set([wish.id])), wish);

/** `findSlot` for many wishes: calendars and what they learned are kept. The slot is not taken by this. */
export function findSlotIn(timetable: Timetable, wish: PlanWish): Result<Plan, PlanRefusal> {
  if (!isFlexible(wish.strategy)) return ok(asAsked(timetable, wish));
  const search = openSearch(timetable, wish);
  const [best, ...others] = rank(search, MAX_ALTERNATIVES + 1);
  if (!best) return err(refusal(search));
  return ok({
    id: wish.id,
    strategy: wish.strategy,
    ...explained(search, best, true),
    alternatives: others.map((found) => explained(search, found, false)),
  });
}

/** Free slots for a wish, best first, whatever it has now. */
export function findAlternatives(timetable: Timetable, wish: PlanWish, count: number): readonly ScoredSlot[] {
  const strategy = isFlexible(wish.strategy) ? wish.strategy : "next-free";
  const search = openSearch(timetable, { ...wish, strategy });
  return rank(search, count).map((found) => explained(search, found, false));
}

/** Takes the instant as it is, and of a pool the account that it suits best. */
function asAsked(timetable: Timetable, wish: PlanWish): Plan {
  const { context, days } = timetable;
  const at = wish.strategy === "immediate" ? context.now : wish.from;
  const day = days.dayOf(at.getTime());
  const demand = demandOf(wish);
  const [best] = wish.accountIds
    .map((accountId) => {
      const calendar = timetable.calendar(accountId);
      return { accountId, calendar, isFree: calendar.isFree(at, demand), load: calendar.partsOn(day) };
    })
    .sort(
      (a, b) =>
        Number(b.isFree) - Number(a.isFree) || a.load - b.load || (a.accountId < b.accountId ? -1 : 1),
    );
  if (!best) throw new RangeError(`the wish ${wish.id} names no account`);
  const what = localTimeInWords(days, at.getTime());
  const obstacle = best.calendar.obstacle(at.getTime(), demand, what);
  const asked =
    wish.strategy === "immediate" ? "It is to go out now." : `${what} is the time that was asked for.`;
  return {
    id: wish.id,
    strategy: wish.strategy,
    accountId: best.accountId,
    at,
    score: best.isFree ? 1 : 0,
    reasons: [slotReason("as-asked", asked), ...(obstacle ? [obstacle] : [])],
    alternatives: findAlternatives(timetable, { ...wish, from: at }, MAX_ALTERNATIVES),
  };
}
