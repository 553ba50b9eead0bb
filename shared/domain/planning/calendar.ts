/**
 * What an account has planned, and where there is room. Answers do not get slower with the number of slots: a day looks
 * at its neighbourhood only, is computed again only when something near it changed, and days without room are skipped by
 * pointers that grow shorter with use (path compression), so that a full year costs nothing the second time.
 */

import { QUARTER_LIMIT } from "../gate.ts";
import type { AccountId } from "../ids.ts";
import { OFFSET_STEP_MS } from "../local-clock.ts";
import { blackoutUntil, threadMs } from "../policy.ts";
import { durationInWords } from "../words.ts";
import {
  clockInWords,
  dayInWords,
  type HourSpan,
  type LocalDays,
  localDays,
  localTimeInWords,
} from "./hours.ts";
import { adaptInterval, type Pace } from "./interval.ts";
import { type Occupied, type PlanContext, type SlotReason, slotReason } from "./plan.ts";
import { type PlanningRules, type Policy, rulesOf } from "./rules.ts";
import { createSlotList, type Slot, type SlotKey, type SlotList } from "./slot-list.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const QUARTER_MS = 15 * MINUTE_MS;
/** Of a thread. */
const MAX_PARTS = 25;
/** With this interval even threads of 25 parts cannot reach X's 100 posts in 15 minutes. */
const QUARTER_IS_SAFE_MS = QUARTER_MS / (QUARTER_LIMIT / MAX_PARTS - 1);
/** Without an interval, an account's posts still have an order. */
const LEAST_INTERVAL_MS = SECOND_MS;

/** From `fromMs`, not including `toMs`. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What is asked of a calendar. */
export interface Demand {
  readonly parts: number;
  /** May use the share of a day that is kept for urgent posts. */
  readonly isUrgent: boolean;
  /** Where in an hour: in the jitter after its start, or anywhere. */
  readonly within: "jitter" | "hour";
}

/** An hour with room. */
export interface OpenHour extends HourSpan {
  readonly hour: number;
  /** Instants at which the post may begin, in order, at least a whole second each. */
  readonly spans: readonly Span[];
}

export interface Calendar {
  readonly accountId: AccountId;
  add(slot: Occupied): void;
  /** Slots that are not there are no error. */
  remove(slot: SlotKey): void;
  /** Parts that are posted on a day of the project. */
  partsOn(day: number): number;
  /** In order. */
  openHours(day: number, demand: Demand): readonly OpenHour[];
  /** The first day from `day` to `lastDay` that has open hours. */
  nextOpenDay(day: number, lastDay: number, demand: Demand): number | undefined;
  /** Whether a post may begin then, in whatever minute of an hour. @param except - is left out of account: it is to be moved */
  isFree(at: Date, demand: Omit<Demand, "within">, except?: SlotKey): boolean;
  /** Whether it is other posts that keep a post of so many parts from an instant. */
  isTooClose(atMs: number, parts: number): boolean;
  /** To the nearest other post, in ms, from end to beginning; negative if they overlap. */
  gapMs(atMs: number, parts: number): number;
  /** Why a post may not begin then; undefined: it may. @param what - the time or the hour as people are told about it */
  obstacle(atMs: number, demand: Omit<Demand, "within">, what: string): SlotReason | undefined;
  /** The pace that the quota asks for, if that is slower than the policy's. */
  readonly slowPace?: Required<Pace>;
}

/** The calendars of a project's accounts, and the rules that they share. */
export interface Timetable {
  readonly context: PlanContext;
  readonly rules: PlanningRules;
  readonly days: LocalDays;
  /** Nothing flexible is planned before it. A whole second. */
  readonly earliestMs: number;
  calendar(accountId: AccountId): Calendar;
}

/** Taken slots by account; an account that is not there has none. Include the posts of the last 24 hours. */
export type OccupiedSlots = ReadonlyMap<AccountId, readonly Occupied[]>;

/** @param except - tasks that are to be planned anew: their slots are free */
export function openTimetable(
  occupied: OccupiedSlots,
  context: PlanContext,
  except: ReadonlySet<string> = new Set(),
): Timetable {
  const rules = rulesOf(context.policy);
  const days = localDays(context.timeZone);
  const calendars = new Map<AccountId, Calendar>();
  const earliestMs = Math.ceil((context.now.getTime() + rules.leadMs) / SECOND_MS) * SECOND_MS;
  return {
    context,
    rules,
    days,
    earliestMs,
    calendar(accountId) {
      let calendar = calendars.get(accountId);
      if (!calendar) {
        const slots = createSlotList(occupied.get(accountId) ?? [], days, except);
        calendar = createCalendar(accountId, slots, { context, rules, days });
        calendars.set(accountId, calendar);
      }
      return calendar;
    },
  };
}

/** How many parts a day of an account may have. */
export interface Places {
  readonly most: number;
  /** Of them, those that are for everybody. Of a small maximum, one at least. */
  readonly notUrgent: number;
}

export function placesPerDay(policy: Policy): Places {
  const { dailyMax: most = Number.POSITIVE_INFINITY } = policy;
  // Binary fractions must not cost a place: 10 × 0.8 are 8.
  const notUrgent = Math.max(1, Math.floor(most * (1 - rulesOf(policy).urgentShare) + 1e-9));
  return { most, notUrgent };
}

/** Hours of a day in which nothing is posted, whatever the reason. */
type BlackSpans = (day: number) => readonly Span[];

/** By the policy itself: it is never changed, and asked thousands of times. */
const blackSpansOf = new WeakMap<Policy, Map<string, BlackSpans>>();

function blackSpans(policy: Policy, timeZone: string): BlackSpans {
  const byZone = blackSpansOf.get(policy) ?? new Map<string, BlackSpans>();
  blackSpansOf.set(policy, byZone);
  let spans = byZone.get(timeZone);
  if (!spans) {
    spans = createBlackSpans(policy, timeZone);
    byZone.set(timeZone, spans);
  }
  return spans;
}

function createBlackSpans(policy: Policy, timeZone: string): BlackSpans {
  const days = localDays(timeZone);
  const known = new Map<number, readonly Span[]>();
  return (day) => {
    let spans = known.get(day);
    if (!spans) {
      spans = findBlackSpans(policy, timeZone, days.startOf(day), days.startOf(day + 1));
      known.set(day, spans);
    }
    return spans;
  };
}

function findBlackSpans(policy: Policy, timeZone: string, startMs: number, endMs: number): readonly Span[] {
  const spans: Span[] = [];
  for (let atMs = startMs; atMs < endMs; ) {
    const until = blackoutUntil(policy, timeZone, new Date(atMs))?.getTime();
    if (until !== undefined) spans.push({ fromMs: atMs, toMs: until });
    atMs = until ?? (Math.floor(atMs / OFFSET_STEP_MS) + 1) * OFFSET_STEP_MS;
  }
  return spans;
}

/** At most so many parts in any stretch of this length. */
interface Limit {
  readonly name: string;
  readonly lengthMs: number;
  readonly parts: number;
}

/** What is in the way of a post. */
type Obstacle =
  | { readonly kind: "blackout" | "closed" | "quota" }
  | { readonly kind: "day-full"; readonly day: number }
  | { readonly kind: "slot"; readonly slot: Slot }
  | { readonly kind: "limit"; readonly limit: Limit };

/** What is known about the days for one kind of demand. */
interface Memory {
  /** As if every day had places left: shared by urgent ones and others. */
  readonly openHours: Map<number, readonly OpenHour[]>;
  /** From a day without room to a later one, before which there is none either; counted from today. */
  readonly next: { readonly urgent: number[]; readonly notUrgent: number[] };
}

const memoryKey = ({ parts, within }: Demand): number => 2 * parts + (within === "hour" ? 1 : 0);

const NO_HOURS: readonly OpenHour[] = [];

const partsOf = (slots: readonly Slot[]): number => slots.reduce((sum, { parts }) => sum + parts, 0);

function createCalendar(
  accountId: AccountId,
  slots: SlotList,
  { context, rules, days }: Pick<Timetable, "context" | "rules" | "days">,
): Calendar {
  const { now, policy, timeZone } = context;
  const quota = context.quotas?.get(accountId);
  const nowMs = now.getTime();
  const today = days.dayOf(nowMs);
  const minIntervalMs = Math.max(LEAST_INTERVAL_MS, policy.minIntervalMs ?? 0);
  const pace = adaptInterval(quota, { minIntervalMs, buffer: rules.quotaBuffer }, now);
  const paceEndMs = pace.until?.getTime() ?? Number.NEGATIVE_INFINITY;
  const quotaEndMs = quota?.window?.resetAt.getTime() ?? Number.NEGATIVE_INFINITY;
  const closedUntilMs = quota?.closedUntil?.getTime() ?? Number.NEGATIVE_INFINITY;
  const limits: readonly Limit[] = [
    ...(policy.dailyMax === undefined
      ? []
      : [{ name: "24 hours", lengthMs: DAY_MS, parts: policy.dailyMax }]),
    ...(minIntervalMs < QUARTER_IS_SAFE_MS
      ? [{ name: "15 minutes", lengthMs: QUARTER_MS, parts: QUARTER_LIMIT }]
      : []),
  ];
  const reachMs = Math.max(pace.intervalMs, ...limits.map(({ lengthMs }) => lengthMs)) + threadMs(MAX_PARTS);
  const blackOn = blackSpans(policy, timeZone);
  const places = placesPerDay(policy);

  const memories = new Map<number, Memory>();

  let partsInQuota = partsOf(slots.between(nowMs, quotaEndMs));
  const isInQuota = ({ startMs }: Slot): boolean => startMs >= nowMs && startMs < quotaEndMs;

  /** Least time to the post before it. */
  const intervalAt = (startMs: number): number => (startMs < paceEndMs ? pace.intervalMs : minIntervalMs);

  /** Nothing may begin after this instant because of a slot … @param lastMs - from the first part to the last */
  const tooCloseBefore = ({ startMs }: Slot, lastMs: number): number =>
    startMs - lastMs - intervalAt(startMs);
  /** … and before this one. */
  const tooCloseUntil = ({ endMs }: Slot): number =>
    Math.max(endMs + minIntervalMs, Math.min(endMs + pace.intervalMs, paceEndMs));

  function isDayFull(day: number, demand: Pick<Demand, "parts" | "isUrgent">, except?: Slot): boolean {
    const { all, notUrgent } = slots.countOn(day);
    const own = except && days.dayOf(except.startMs) === day ? except.parts : 0;
    const ownNotUrgent = except?.isUrgent ? 0 : own;
    const { most, notUrgent: mostNotUrgent } = places;
    return (
      all - own + demand.parts > most ||
      (!demand.isUrgent && notUrgent - ownNotUrgent + demand.parts > mostNotUrgent)
    );
  }
  const isQuotaFull = (parts: number, except?: Slot): boolean => {
    if (!quota) return false;
    const others = partsInQuota - (except && isInQuota(except) ? except.parts : 0);
    return quota.used + others + parts > quota.limit;
  };

  /** Where a post may begin on a day that has places left, in order and without overlaps. */
  function freeSpans(day: number, parts: number): readonly Span[] {
    if (limits.some((limit) => parts > limit.parts)) return [];
    const [startMs, endMs] = [days.startOf(day), days.startOf(day + 1)];
    const lastMs = threadMs(parts);
    const blocked: Span[] = [];
    const block = (fromMs: number, toMs: number): void => {
      if (fromMs < endMs && toMs > startMs) blocked.push({ fromMs, toMs });
    };
    block(Number.NEGATIVE_INFINITY, closedUntilMs);
    if (isQuotaFull(parts)) block(nowMs - 1, quotaEndMs);
    for (const { fromMs, toMs } of blackOn(day)) block(fromMs - lastMs - 1, toMs);
    // A thread that begins late on this day may end on the next.
    if (lastMs > 0) for (const { fromMs, toMs } of blackOn(day + 1)) block(fromMs - lastMs - 1, toMs);
    const near = slots.between(startMs - reachMs, endMs + reachMs);
    for (const slot of near) block(tooCloseBefore(slot, lastMs), tooCloseUntil(slot));
    for (const limit of limits)
      for (const { fromMs, toMs } of fullSpans(near, parts, limit)) block(fromMs, toMs);
    return spansBetween(
      blocked.sort((a, b) => a.fromMs - b.fromMs),
      startMs,
      endMs,
    );
  }

  function findOpenHours(day: number, demand: Demand): readonly OpenHour[] {
    const free = freeSpans(day, demand.parts);
    const open: OpenHour[] = [];
    if (free.length === 0) return open;
    const hours = days.hoursOn(day);
    let first = 0;
    for (let hour = 0; hour < 24; hour++) {
      const span = hours[hour];
      if (!span) continue;
      const { startMs } = span;
      const endMs =
        demand.within === "hour" ? span.endMs : Math.min(startMs + rules.jitterMs + 1, span.endMs);
      while ((free[first]?.toMs ?? Number.POSITIVE_INFINITY) <= startMs) first += 1;
      if ((free[first]?.fromMs ?? endMs) >= endMs) continue;
      const spans = clip(free, first, startMs, endMs);
      if (spans.length > 0) open.push({ hour, startMs, endMs, spans });
    }
    return open;
  }

  function memoryFor(demand: Demand): Memory {
    const key = memoryKey(demand);
    let memory = memories.get(key);
    if (!memory) {
      memory = { openHours: new Map(), next: { urgent: [], notUrgent: [] } };
      memories.set(key, memory);
    }
    return memory;
  }

  function openHoursOf({ openHours }: Memory, day: number, demand: Demand): readonly OpenHour[] {
    if (isDayFull(day, demand)) return NO_HOURS;
    let hours = openHours.get(day);
    if (!hours) {
      hours = findOpenHours(day, demand);
      openHours.set(day, hours);
    }
    return hours;
  }

  /** A slot came or went: what was known around it is forgotten. */
  function note(slot: Slot, parts: number): void {
    const ranges = [[slot.startMs - reachMs, slot.endMs + reachMs]];
    if (isInQuota(slot)) {
      partsInQuota += parts;
      ranges.push([nowMs, quotaEndMs]);
    }
    for (const [fromMs = 0, toMs = 0] of ranges) {
      const [first, last] = [days.dayOf(fromMs), days.dayOf(toMs)];
      for (const { openHours } of memories.values())
        for (let day = first; day <= last; day++) openHours.delete(day);
    }
  }

  /** The first thing that is in the way of a post at an instant. */
  function findObstacle(atMs: number, demand: Omit<Demand, "within">, except?: Slot): Obstacle | undefined {
    const { parts } = demand;
    const day = days.dayOf(atMs);
    const lastMs = threadMs(parts);
    const meets = ({ fromMs, toMs }: Span): boolean => atMs + lastMs >= fromMs && atMs < toMs;
    if (blackOn(day).some(meets) || (lastMs > 0 && blackOn(day + 1).some(meets))) return { kind: "blackout" };
    if (atMs < closedUntilMs) return { kind: "closed" };
    if (isDayFull(day, demand, except)) return { kind: "day-full", day };
    const post = findPostInTheWay(atMs, parts, except);
    if (post?.kind === "slot") return post;
    if (atMs >= nowMs && atMs < quotaEndMs && isQuotaFull(parts, except)) return { kind: "quota" };
    return post;
  }

  function findPostInTheWay(atMs: number, parts: number, except?: Slot): Obstacle | undefined {
    const lastMs = threadMs(parts);
    const near = slots.between(atMs - reachMs, atMs + reachMs, except);
    const slot = near.find((one) => atMs > tooCloseBefore(one, lastMs) && atMs < tooCloseUntil(one));
    if (slot) return { kind: "slot", slot };
    const isFull = (limit: Limit): boolean =>
      parts > limit.parts ||
      fullSpans(near, parts, limit).some(({ fromMs, toMs }) => atMs > fromMs && atMs < toMs);
    const limit = limits.find(isFull);
    return limit && { kind: "limit", limit };
  }

  function inWords(
    obstacle: Obstacle,
    atMs: number,
    demand: Omit<Demand, "within">,
    what: string,
  ): SlotReason {
    switch (obstacle.kind) {
      case "blackout":
        return slotReason("blackout", `${what} is in a blackout of the project.`);
      case "closed":
        return slotReason(
          "rate-limited",
          `${what} is too early: X takes no post of the account before ${localTimeInWords(days, closedUntilMs)}.`,
        );
      case "day-full":
        return slotReason("day-full", dayFullInWords(obstacle.day, demand));
      case "slot":
        return tooCloseInWords(atMs, obstacle.slot, what);
      case "quota":
        return slotReason(
          "no-quota",
          `${what} is too early: the account's ${quota?.limit} posts are used or planned until ${localTimeInWords(days, quotaEndMs)}.`,
        );
      case "limit":
        return slotReason(
          "no-quota",
          `${what} is not possible: within ${obstacle.limit.name} the account would have more than ${obstacle.limit.parts} posts.`,
        );
    }
  }

  function dayFullInWords(day: number, { parts, isUrgent }: Pick<Demand, "parts" | "isUrgent">): string {
    const { all, notUrgent } = slots.countOn(day);
    const thread = parts > 1 ? `; ${parts} more are too many` : "";
    return isUrgent || all + parts > places.most
      ? `${dayInWords(day)} is full: it has ${all} of at most ${places.most} posts${thread}.`
      : `${dayInWords(day)} is full: it has ${notUrgent} of ${places.notUrgent} posts, and the other ${places.most - places.notUrgent} are kept for urgent ones${thread}.`;
  }

  function tooCloseInWords(atMs: number, { startMs }: Slot, what: string): SlotReason {
    const [clock, other] = [days.clockAt(atMs), days.clockAt(startMs)];
    const isSameHour = other.day === clock.day && other.hour === clock.hour;
    if (isSameHour)
      return slotReason("hour-taken", `${what} is taken: a post is planned for ${clockInWords(other)}.`);
    const intervalMs = Math.ceil(intervalAt(Math.max(atMs, startMs)) / SECOND_MS) * SECOND_MS;
    const when = other.day === clock.day ? clockInWords(other) : localTimeInWords(days, startMs);
    return slotReason(
      "too-close",
      `${what} is closer than ${durationInWords(intervalMs)} to the post at ${when}.`,
    );
  }

  return {
    accountId,
    partsOn: (day) => slots.countOn(day).all,
    add(occupied) {
      // Days without room get none by this, so the pointers over them stay.
      note(slots.add(occupied), occupied.parts);
    },
    remove(key) {
      const slot = slots.remove(key);
      if (!slot) return;
      note(slot, -slot.parts);
      for (const { next } of memories.values()) {
        next.urgent.length = 0;
        next.notUrgent.length = 0;
      }
    },
    openHours: (day, demand) => openHoursOf(memoryFor(demand), day, demand),
    nextOpenDay(day, lastDay, demand) {
      const memory = memoryFor(demand);
      const next = demand.isUrgent ? memory.next.urgent : memory.next.notUrgent;
      let ahead = follow(next, Math.max(0, day - today));
      while (today + ahead <= lastDay && openHoursOf(memory, today + ahead, demand).length === 0) {
        next[ahead] = ahead + 1;
        ahead = follow(next, ahead + 1);
      }
      return today + ahead <= lastDay ? today + ahead : undefined;
    },
    isFree: (at, demand, except) => !findObstacle(at.getTime(), demand, except && slots.find(except)),
    isTooClose: (atMs, parts) => findPostInTheWay(atMs, parts) !== undefined,
    gapMs(atMs, parts) {
      const [previous, next] = slots.around(atMs);
      return Math.min(
        previous ? atMs - previous.endMs : Number.POSITIVE_INFINITY,
        next ? next.startMs - atMs - threadMs(parts) : Number.POSITIVE_INFINITY,
      );
    },
    obstacle(atMs, demand, what) {
      const found = findObstacle(atMs, demand);
      return found && inWords(found, atMs, demand, what);
    },
    ...(pace.until && pace.intervalMs > minIntervalMs && { slowPace: { ...pace, until: pace.until } }),
  };
}

/** Where a limit is full: as near to both ends of a run of slots, which has no room left, as the limit is long. */
function fullSpans(near: readonly Slot[], parts: number, { lengthMs, parts: most }: Limit): readonly Span[] {
  const spans: Span[] = [];
  let [first, sum] = [0, 0];
  for (const last of near) {
    sum += last.parts;
    let start = near[first];
    while (start && start !== last && sum - start.parts > most - parts) {
      sum -= start.parts;
      start = near[++first];
    }
    if (start && sum > most - parts && last.startMs - start.endMs < lengthMs)
      spans.push({ fromMs: last.startMs - lengthMs - threadMs(parts), toMs: start.endMs + lengthMs });
  }
  return spans;
}

/** What is left of a day. @param blocked - ordered by their beginnings; both ends of each are free themselves */
function spansBetween(blocked: readonly Span[], startMs: number, endMs: number): readonly Span[] {
  const free: Span[] = [];
  let fromMs = startMs;
  for (const span of blocked) {
    if (span.fromMs >= fromMs) free.push({ fromMs, toMs: Math.min(span.fromMs + 1, endMs) });
    fromMs = Math.max(fromMs, span.toMs);
  }
  if (fromMs < endMs) free.push({ fromMs, toMs: endMs });
  return free;
}

/** What lies between two instants of the spans from an index on, at least a whole second each. */
function clip(spans: readonly Span[], first: number, startMs: number, endMs: number): readonly Span[] {
  const clipped: Span[] = [];
  for (let index = first; index < spans.length; index++) {
    const { fromMs, toMs } = spans[index] ?? { fromMs: endMs, toMs: endMs };
    if (fromMs >= endMs) break;
    const wholeMs = Math.ceil(Math.max(fromMs, startMs) / SECOND_MS) * SECOND_MS;
    const span = { fromMs: wholeMs, toMs: Math.min(toMs, endMs) };
    if (span.fromMs < span.toMs) clipped.push(span);
  }
  return clipped;
}

/** The end of a chain of pointers; all on the way point to it afterwards. */
function follow(next: number[], start: number): number {
  let end = start;
  for (let to = next[end]; to !== undefined; to = next[end]) end = to;
  for (let at = start; at !== end; ) {
    const to = next[at] ?? end;
    next[at] = end;
    at = to;
  }
  return end;
}
