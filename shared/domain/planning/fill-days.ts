/** Keeps an account from falling silent: posts that can wait for any day are pulled forward into days with too few. */
import type { AccountId } from "../ids.ts";
import { blackoutUntil } from "../policy.ts";
import type { Reason } from "../reason.ts";
import { type Calendar, type OccupiedSlots, openTimetable, type Timetable } from "./calendar.ts";
import { findSlotIn } from "./find-slot.ts";
import { dateOf, dayInWords } from "./hours.ts";
import { isDeferrable, type PlanContext, type PlannedPost, type SlotReason, slotReason } from "./plan.ts";
import { takeSlot } from "./plan-batch.ts";
import { isFlexible } from "./strategy.ts";

/** Tomorrow is the first of them. */
const FILLED_DAYS = 7;

export interface ForwardMove {
  readonly id: string;
  readonly accountId: AccountId;
  readonly fromAt: Date;
  readonly toAt: Date;
  readonly reasons: readonly SlotReason[];
}

/** A day that keeps too few posts. */
export interface Shortfall {
  readonly accountId: AccountId;
  /** `YYYY-MM-DD` of the project. */
  readonly date: string;
  readonly planned: number;
  readonly missing: number;
  readonly reason: Reason & { readonly code: "below-daily-min" };
}

export interface FilledDays {
  readonly moves: readonly ForwardMove[];
  readonly shortfalls: readonly Shortfall[];
}

export interface DaysToFill {
  readonly accountIds: readonly AccountId[];
  /** Planned posts of these accounts; only those that are flexible and of priority 7 to 10 are moved. */
  readonly posts: readonly PlannedPost[];
  /** Everything that is taken, these posts included. */
  readonly occupied: OccupiedSlots;
  /** @default 7 */
  readonly days?: number;
}

/**
 * Which posts go where, and what stays missing. Days are filled in their order; a day that is looked at never gives a post
 * that it needs itself. Of the posts that may be moved, the more urgent come first, then the earlier planned. Each stays
 * with its account and is not moved before its own `from`. A day that is black altogether needs no posts.
 *
 * A thread may give a day more than it needs, which an earlier day may need: so it begins anew until nothing moves. Every
 * move is to an earlier day, so it ends.
 */
export function fillDays(
  { accountIds, posts, occupied, days = FILLED_DAYS }: DaysToFill,
  context: PlanContext,
): FilledDays {
  const timetable = openTimetable(occupied, context);
  const today = timetable.days.dayOf(context.now.getTime());
  const filled = accountIds.map((accountId) => {
    const calendar = timetable.calendar(accountId);
    let movable = posts.filter((post) => post.accountId === accountId && isMovable(post));
    const moves = new Map<string, ForwardMove>();
    for (;;) {
      const { pulled, shortfalls } = fillOnce(timetable, movable, {
        accountId,
        calendar,
        firstDay: today + 1,
        lastDay: today + days,
      });
      if (pulled.length === 0) return { moves: [...moves.values()], shortfalls };
      for (const move of pulled) {
        const { fromAt } = moves.get(move.id) ?? move;
        const why = slotReason(
          "moved-forward",
          `${dayInWords(move.day)} had fewer than ${timetable.rules.dailyMin} posts, so this one was pulled forward from ${dayInWords(timetable.days.dayOf(fromAt.getTime()))}.`,
        );
        const { day: _, reasons, ...to } = move;
        moves.set(move.id, { ...to, fromAt, reasons: [why, ...reasons] });
      }
      movable = movable.map((post) => {
        const at = pulled.findLast(({ id }) => id === post.wish.id)?.toAt;
        return at ? { ...post, at } : post;
      });
    }
  });
  return {
    moves: filled.flatMap(({ moves }) => moves),
    shortfalls: filled.flatMap(({ shortfalls }) => shortfalls),
  };
}

/** Within one pass. */
interface Pulled extends ForwardMove {
  readonly day: number;
}

interface DaysOfAccount {
  readonly accountId: AccountId;
  readonly calendar: Calendar;
  readonly firstDay: number;
  readonly lastDay: number;
}

function fillOnce(
  timetable: Timetable,
  posts: readonly PlannedPost[],
  { accountId, calendar, firstDay, lastDay }: DaysOfAccount,
): { readonly pulled: readonly Pulled[]; readonly shortfalls: readonly Shortfall[] } {
  const { dailyMin } = timetable.rules;
  const movable = posts.toSorted(inTurn);
  const pulled: Pulled[] = [];
  const shortfalls: Shortfall[] = [];
  for (let day = firstDay; day <= lastDay; day++) {
    if (isBlackDay(timetable, day)) continue;
    while (calendar.partsOn(day) < dailyMin) {
      const move = pullForward(timetable, movable, { calendar, day, lastDay });
      if (!move) break;
      pulled.push(move);
    }
    const planned = calendar.partsOn(day);
    if (planned < dailyMin) shortfalls.push(shortfall(accountId, day, planned, dailyMin));
  }
  return { pulled, shortfalls };
}

const isMovable = ({ wish }: PlannedPost): boolean =>
  isFlexible(wish.strategy) && isDeferrable(wish.priority);

const inTurn = (a: PlannedPost, b: PlannedPost): number =>
  a.wish.priority - b.wish.priority || a.at.getTime() - b.at.getTime() || (a.wish.id < b.wish.id ? -1 : 1);

function isBlackDay({ context, days }: Timetable, day: number): boolean {
  const start = new Date(days.startOf(day));
  const until = blackoutUntil(context.policy, context.timeZone, start);
  return until !== undefined && until.getTime() >= days.startOf(day + 1);
}

interface Place {
  readonly calendar: Calendar;
  readonly day: number;
  /** Days after it may give whatever they have. */
  readonly lastDay: number;
}

/** The first post in turn that fits; it leaves the list. Its reasons are those of its new slot. */
function pullForward(
  timetable: Timetable,
  movable: PlannedPost[],
  { calendar, day, lastDay }: Place,
): Pulled | undefined {
  const { days, rules } = timetable;
  const [startMs, endMs] = [days.startOf(day), days.startOf(day + 1)];
  for (const [index, { wish, accountId, at }] of movable.entries()) {
    const ownDay = days.dayOf(at.getTime());
    const canGive = ownDay > lastDay || calendar.partsOn(ownDay) - wish.parts >= rules.dailyMin;
    if (ownDay <= day || !canGive || wish.from.getTime() >= endMs) continue;
    calendar.remove({ id: wish.id, at });
    const found = findSlotIn(timetable, {
      ...wish,
      accountIds: [accountId],
      from: new Date(Math.max(startMs, wish.from.getTime())),
      until: new Date(endMs - 1),
    });
    if (!found.ok) {
      takeSlot(timetable, wish, { accountId, at });
      continue;
    }
    const { at: toAt, reasons } = found.value;
    takeSlot(timetable, wish, found.value);
    movable.splice(index, 1);
    return { id: wish.id, accountId, day, fromAt: at, toAt, reasons };
  }
  return undefined;
}

function shortfall(accountId: AccountId, day: number, planned: number, dailyMin: number): Shortfall {
  const missing = dailyMin - planned;
  return {
    accountId,
    date: dateOf(day),
    planned,
    missing,
    reason: {
      code: "below-daily-min",
      message: `${dayInWords(day)} has ${planned} of at least ${dailyMin} posts, and no post that can wait (priority 7 to 10) fits there.`,
      remedy: `Add ${missing} post${missing === 1 ? "" : "s"} for that day, or lower the project's daily minimum.`,
    },
  };
}
