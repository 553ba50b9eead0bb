/** What a change of the policy or of the zone does to posts that are planned already: a preview. */
import { type OccupiedSlots, openTimetable, type Timetable } from "./calendar.ts";
import { findSlotIn } from "./find-slot.ts";
import { worthFor } from "./hour-worth.ts";
import type { Plan, PlanContext, PlannedPost, PlanRefusal } from "./plan.ts";
import { takeSlot } from "./plan-batch.ts";
import { demandOf } from "./slot-search.ts";
import { isFlexible } from "./strategy.ts";

export type Replanned = { readonly post: PlannedPost } & (
  | { readonly kind: "keeps" }
  | { readonly kind: "moves"; readonly plan: Plan }
  | { readonly kind: "no-place"; readonly reason: PlanRefusal }
);

export interface PlanChange {
  /** The policy and the zone that the posts were planned with. */
  readonly before: PlanContext;
  readonly after: PlanContext;
}

/**
 * A post keeps its slot if the new rules allow it and its hour is worth as much to its strategy as before, or if nothing
 * better is free; who is more urgent keeps first. The others are planned anew around those, the most urgent first. Posts
 * whose instant was given, and those nearer than the lead, stay where they are.
 *
 * Doing it again with the outcome changes nothing.
 *
 * @param occupied - everything that is taken, these posts included
 * @returns in the order of the posts
 */
export function replan(
  posts: readonly PlannedPost[],
  occupied: OccupiedSlots,
  { before, after }: PlanChange,
): readonly Replanned[] {
  const timetable = openTimetable(occupied, after, new Set(posts.map(({ wish }) => wish.id)));
  const old = openTimetable(new Map(), before);
  const outcomes = new Map<PlannedPost, Replanned>();
  const keep = (post: PlannedPost): void => {
    takeSlot(timetable, post.wish, post);
    outcomes.set(post, { post, kind: "keeps" });
  };
  const isFixed = ({ wish, at }: PlannedPost): boolean =>
    !isFlexible(wish.strategy) || at.getTime() < timetable.earliestMs;
  const moving = posts.filter((post) => !isFixed(post)).toSorted(inTurn);

  for (const post of posts) if (isFixed(post)) keep(post);
  for (const post of moving)
    if (isAllowed(timetable, post) && worthNow(timetable, post) >= worthNow(old, post)) keep(post);
  for (const post of moving) {
    if (outcomes.has(post)) continue;
    const found = findSlotIn(timetable, post.wish);
    const isBetter = found.ok && worthNow(timetable, { ...post, ...found.value }) > worthNow(timetable, post);
    if (isAllowed(timetable, post) && !isBetter) keep(post);
    else if (found.ok) {
      takeSlot(timetable, post.wish, found.value);
      outcomes.set(post, { post, kind: "moves", plan: found.value });
    } else outcomes.set(post, { post, kind: "no-place", reason: found.error });
  }
  return posts.flatMap((post) => outcomes.get(post) ?? []);
}

const inTurn = (a: PlannedPost, b: PlannedPost): number =>
  a.wish.priority - b.wish.priority || a.at.getTime() - b.at.getTime() || (a.wish.id < b.wish.id ? -1 : 1);

const isAllowed = (timetable: Timetable, { wish, accountId, at }: PlannedPost): boolean =>
  timetable.calendar(accountId).isFree(at, demandOf(wish));

/** What the hour that a post has is worth to its strategy. */
function worthNow(timetable: Timetable, { wish, accountId, at }: PlannedPost): number {
  const { day, hour } = timetable.days.clockAt(at.getTime());
  return worthFor(wish.strategy, timetable)(accountId, day, hour);
}
