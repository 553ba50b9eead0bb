/** Looks for the free slots that are worth most to a wish. */
import type { AccountId } from "../ids.ts";
import { TIMING } from "../timing.ts";
import type { Calendar, Demand, OpenHour, Timetable } from "./calendar.ts";
import { type JitterOf, jitterFor, type WorthOf, worthFor } from "./hour-worth.ts";
import { isUrgent, type PlanWish } from "./plan.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Nothing is planned further ahead. */
const HORIZON_DAYS = 366;
/**
 * What a day's delay leaves of a slot's worth. With the worth of hours it says how long a good one is waited for: three days
 * for an optimal hour instead of the one beside it.
 */
const FRESHNESS_PER_DAY = 0.93;
/** `balanced` looks at so many days at a time. */
export const BALANCED_DAYS = 7;
/** Gaps above this are as good as each other. */
export const LARGE_GAP_MS = 12 * HOUR_MS;
/** Posts leave up to this after their slot: it is added to intervals where there is room, so that the gate need not send any away. */
const ROOM_MS = TIMING.publish.intentFreshMs;

export const demandOf = ({
  parts,
  priority,
  strategy,
}: Pick<PlanWish, "parts" | "priority" | "strategy">): Demand => ({
  parts,
  isUrgent: isUrgent(priority),
  within: strategy === "next-free" ? "hour" : "jitter",
});

export interface Search {
  readonly timetable: Timetable;
  readonly wish: PlanWish;
  readonly demand: Demand;
  /** Both included. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly firstDay: number;
  readonly lastDay: number;
  readonly worthOf: WorthOf;
  readonly jitterOf: JitterOf;
}

export function openSearch(timetable: Timetable, wish: PlanWish): Search {
  const { context, days, earliestMs } = timetable;
  const horizonMs = context.now.getTime() + HORIZON_DAYS * DAY_MS;
  const fromMs = Math.max(earliestMs, Math.ceil(wish.from.getTime() / SECOND_MS) * SECOND_MS);
  const toMs = Math.min(horizonMs, wish.until?.getTime() ?? horizonMs);
  return {
    timetable,
    wish,
    demand: demandOf(wish),
    fromMs,
    toMs,
    firstDay: days.dayOf(fromMs),
    lastDay: days.dayOf(toMs),
    worthOf: worthFor(wish.strategy, timetable),
    jitterOf: jitterFor(wish.seed ?? wish.id),
  };
}

/** A free slot, before it is put into words. */
export interface Found {
  readonly accountId: AccountId;
  readonly day: number;
  readonly hour: number;
  readonly atMs: number;
  readonly score: number;
  /** Parts that the account posts on that day. */
  readonly load: number;
}

const isBetter = (a: Found, b: Found): boolean => {
  if (a.score !== b.score) return a.score > b.score;
  if (a.load !== b.load) return a.load < b.load;
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.accountId < b.accountId;
};

/** The best few, best first. */
interface Ranking {
  readonly found: readonly Found[];
  /** What is worth less than this has no place any more. */
  least(): number;
  offer(found: Found): void;
}

function openRanking(places: number): Ranking {
  const found: Found[] = [];
  return {
    found,
    least: () => (found.length < places ? 0 : (found.at(-1)?.score ?? 0)),
    offer(one) {
      const place = found.findIndex((other) => isBetter(one, other));
      found.splice(place < 0 ? found.length : place, 0, one);
      if (found.length > places) found.pop();
    },
  };
}

export function rank(search: Search, places: number): readonly Found[] {
  const { wish, fromMs, toMs } = search;
  const ranking = openRanking(places);
  if (fromMs > toMs) return ranking.found;
  if (wish.strategy === "balanced") rankBalanced(search, ranking);
  else for (const accountId of wish.accountIds) rankByValue(search, accountId, ranking);
  return ranking.found;
}

const freshness = ({ fromMs }: Search, atMs: number): number =>
  FRESHNESS_PER_DAY ** (Math.max(0, atMs - fromMs) / DAY_MS);

/** Days in order, until nothing later can be better. */
function rankByValue(search: Search, accountId: AccountId, ranking: Ranking): void {
  const { timetable, wish, demand, firstDay, lastDay, worthOf } = search;
  const calendar = timetable.calendar(accountId);
  const bySlot = wish.strategy === "next-free";
  for (const day of openDays(calendar, search, firstDay, lastDay)) {
    if (freshness(search, timetable.days.startOf(day)) < ranking.least()) return;
    const load = calendar.partsOn(day);
    for (const open of calendar.openHours(day, demand)) {
      const { hour, startMs } = open;
      const score = worthOf(accountId, day, hour) * freshness(search, startMs);
      // An hour is worth the same in each of its minutes, except where every minute counts.
      if (score < ranking.least()) continue;
      const atMs = pick(search, calendar, day, open);
      if (atMs === undefined) continue;
      ranking.offer({ accountId, day, hour, atMs, load, score: bySlot ? freshness(search, atMs) : score });
    }
  }
}

function* openDays(
  calendar: Calendar,
  { demand }: Search,
  firstDay: number,
  lastDay: number,
): Generator<number> {
  let day = calendar.nextOpenDay(firstDay, lastDay, demand);
  while (day !== undefined) {
    yield day;
    day = calendar.nextOpenDay(day + 1, lastDay, demand);
  }
}

/**
 * Seven days at a time. A day with one post more than another is worth half as much, and inside a day the hours differ by
 * less than that: the number of posts decides, then the gap, then how good the hour is.
 */
function rankBalanced(search: Search, ranking: Ranking): void {
  const { timetable, wish, demand, lastDay } = search;
  const calendars = wish.accountIds.map((accountId) => timetable.calendar(accountId));
  const nextOpen = (day: number): number =>
    Math.min(...calendars.map((one) => one.nextOpenDay(day, lastDay, demand) ?? Number.POSITIVE_INFINITY));
  let first = nextOpen(search.firstDay);
  while (first <= lastDay && ranking.found.length === 0) {
    const last = Math.min(first + BALANCED_DAYS - 1, lastDay);
    const candidates = calendars
      .flatMap((calendar) =>
        [...openDays(calendar, search, first, last)].map((day) => ({
          calendar,
          day,
          load: calendar.partsOn(day),
        })),
      )
      .sort((a, b) => a.load - b.load);
    for (const { calendar, day, load } of candidates) {
      const dayWorth = 0.5 ** load;
      if (dayWorth < ranking.least()) break;
      for (const open of calendar.openHours(day, demand)) {
        const { accountId } = calendar;
        const atMs = pick(search, calendar, day, open);
        if (atMs === undefined) continue;
        const gap = Math.min(1, calendar.gapMs(atMs, demand.parts) / LARGE_GAP_MS);
        const score = dayWorth * (0.55 + 0.35 * gap + 0.1 * search.worthOf(accountId, day, open.hour));
        ranking.offer({ accountId, day, hour: open.hour, atMs, load, score });
      }
    }
    first = nextOpen(last + 1);
  }
}

/**
 * The instant in an open hour: the first that is free from the jitter's on, else the last before it. It stays some seconds
 * away from other posts, if there is room; `next-free` is in no hurry to squeeze in.
 */
function pick(search: Search, calendar: Calendar, day: number, open: OpenHour): number | undefined {
  const { wish, timetable, jitterOf } = search;
  const isNextFree = wish.strategy === "next-free";
  const share = isNextFree ? 0 : jitterOf(calendar.accountId, day, open.hour);
  const seconds = Math.floor((share * (timetable.rules.jitterMs + SECOND_MS)) / SECOND_MS);
  const targetMs = Math.ceil(open.startMs / SECOND_MS) * SECOND_MS + seconds * SECOND_MS;
  const roomy = pickNear(search, calendar, open, { targetMs, roomMs: ROOM_MS });
  return roomy ?? (isNextFree ? undefined : pickNear(search, calendar, open, { targetMs, roomMs: 0 }));
}

function pickNear(
  { fromMs, toMs, wish }: Search,
  calendar: Calendar,
  { endMs, spans }: OpenHour,
  { targetMs, roomMs }: { readonly targetMs: number; readonly roomMs: number },
): number | undefined {
  let before: number | undefined;
  for (const span of spans) {
    const end = Math.min(span.toMs < endMs ? span.toMs - roomMs : span.toMs, toMs + 1);
    const last = Math.ceil(end / SECOND_MS) * SECOND_MS - SECOND_MS;
    let first = Math.max(span.fromMs, fromMs);
    const needsRoom = roomMs > 0 && first <= last && targetMs < first + roomMs;
    if (needsRoom && calendar.isTooClose(first - roomMs, wish.parts)) first += roomMs;
    if (first > last) continue;
    if (targetMs <= last) return Math.max(first, targetMs);
    before = last;
  }
  return before;
}
