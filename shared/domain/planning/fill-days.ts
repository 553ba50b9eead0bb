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
 */
export function fillDays(
  { accountIds, posts, occupied, days = FILLED_DAYS }: DaysToFill,
  context: PlanContext,
): FilledDays {
  const timetable = openTimetable(occupied, context);
  const { dailyMin } = timetable.rules;
  const today = timetable.days.dayOf(context.now.getTime());
  const moves: ForwardMove[] = [];
  const shortfalls: Shortfall[] = [];
  for (const accountId of accountIds) {
    const calendar = timetable.calendar(accountId);
    const movable = posts.filter((post) => post.accountId === accountId && isMovable(post)).toSorted(inTurn);
    for (let day = today + 1; day <= today + days; day++) {
      if (isBlackDay(timetable, day)) continue;
      while (calendar.partsOn(day) < dailyMin) {
        const move = pullForward(timetable, movable, { calendar, day, lastDay: today + days });
        if (!move) break;
        moves.push(move);
      }
      const planned = calendar.partsOn(day);
      if (planned < dailyMin) shortfalls.push(shortfall(accountId, day, planned, dailyMin));
    }
  }
  return { moves, shortfalls };
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

/** The first post in turn that fits; it leaves the list. */
function pullForward(
  timetable: Timetable,
  movable: PlannedPost[],
  { calendar, day, lastDay }: Place,
): ForwardMove | undefined {
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
    const pulled = slotReason(
      "moved-forward",
      `${dayInWords(day)} had fewer than ${rules.dailyMin} posts, so this one was pulled forward from ${dayInWords(ownDay)}.`,
    );
    takeSlot(timetable, wish, found.value);
    movable.splice(index, 1);
    return { id: wish.id, accountId, fromAt: at, toAt, reasons: [pulled, ...reasons] };
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
