/** Says in words why a slot was chosen, or why there is none. */
import type { AccountId } from "../ids.ts";
import { durationInWords } from "../words.ts";
import { placesPerDay } from "./calendar.ts";
import { hourOfWeek, learnsFor } from "./hour-worth.ts";
import { clockInWords, dayInWords, localTimeInWords } from "./hours.ts";
import { type PlanRefusal, type ScoredSlot, type SlotReason, slotReason } from "./plan.ts";
import { BALANCED_DAYS, type Found, LARGE_GAP_MS, type Search } from "./slot-search.ts";

const MINUTE_MS = 60_000;
/** Reasons of one slot that tell what was in the way. */
const MAX_OBSTACLES = 3;

/** A slot with what speaks for it and, of the best, what was in the way of a better one. */
export function explained(search: Search, found: Found, isBest: boolean): ScoredSlot {
  const { wish, timetable } = search;
  const { accountId, atMs, score } = found;
  const { slowPace } = timetable.calendar(accountId);
  const reasons = [mainReason(search, found, isBest)];
  if (wish.accountIds.length > 1) {
    const posts = found.load === 1 ? "1 post" : `${found.load} posts`;
    reasons.push(
      slotReason(
        "chosen-account",
        `Of ${wish.accountIds.length} accounts this one was chosen: it has ${posts} on that day.`,
      ),
    );
  }
  if (slowPace && atMs < slowPace.until.getTime())
    reasons.push(
      slotReason(
        "interval-stretched",
        `Little of the account's quota is left: its posts are ${minutesInWords(slowPace.intervalMs)} apart until ${localTimeInWords(timetable.days, slowPace.until.getTime())}.`,
      ),
    );
  if (isBest && wish.strategy !== "balanced") reasons.push(...obstaclesBefore(search, found));
  return { accountId, at: new Date(atMs), score, reasons };
}

const minutesInWords = (ms: number): string =>
  durationInWords(Math.max(1, Math.round(ms / MINUTE_MS)) * MINUTE_MS);

function mainReason(
  search: Search,
  { accountId, atMs, day, hour, load }: Found,
  isBest: boolean,
): SlotReason {
  const { timetable, wish, demand, worthOf } = search;
  const { days, rules, context } = timetable;
  const when = localTimeInWords(days, atMs);
  const which = isBest ? "the earliest" : "another";
  switch (wish.strategy) {
    case "next-free":
      return slotReason(
        "next-free",
        isBest ? `${when} is the earliest free time.` : `${when} is free as well.`,
      );
    case "balanced": {
      const gapMs = timetable.calendar(accountId).gapMs(atMs, demand.parts);
      const gap = gapMs < LARGE_GAP_MS ? minutesInWords(gapMs) : `more than ${durationInWords(LARGE_GAP_MS)}`;
      const posts = load === 0 ? "no post yet" : `${load} post${load === 1 ? "" : "s"}`;
      return slotReason(
        "quiet-day",
        `${dayInWords(day)} has ${posts}, and ${when} is ${gap} from the next one.`,
      );
    }
    case "preferred":
      if (rules.preferredHours.includes(hour))
        return slotReason("preferred-hour", `${when} is ${which} free hour of yours.`);
      break;
    case "optimal":
    case "fixed":
    case "immediate":
      break;
  }
  const learned = learnsFor(wish.strategy) && context.curve?.(accountId, hourOfWeek(day, hour));
  if (typeof learned === "number")
    return slotReason(
      "learned-hour",
      `${when} is a free hour in which the account's posts do well (${learned.toFixed(2)} of 1).`,
    );
  if (rules.optimalHours.includes(hour))
    return slotReason("optimal-hour", `${when} is ${which} free optimal hour.`);
  const value = worthOf(accountId, day, hour);
  return slotReason(
    "next-best-hour",
    `${when} is a free hour near the best ones (${value.toFixed(2)} of 1); no better one is free soon enough.`,
  );
}

/** Hours that would have come first, and what was in their way. */
function obstaclesBefore(search: Search, { accountId, day, hour }: Found): readonly SlotReason[] {
  const { worthOf, firstDay } = search;
  const value = worthOf(accountId, day, hour);
  const wanted = (oneDay: number, oneHour: number): boolean => {
    const one = worthOf(accountId, oneDay, oneHour);
    return oneDay < day || oneHour < hour ? one >= value : one > value;
  };
  return obstacles(search, accountId, Math.min(day, firstDay + BALANCED_DAYS), wanted);
}

/** The first ones from the beginning to the end of a day: each hour's own, and what holds for a whole day once. */
function obstacles(
  { timetable, demand, fromMs, toMs, firstDay, jitterOf }: Search,
  accountId: AccountId,
  lastDay: number,
  isWanted: (day: number, hour: number) => boolean,
): readonly SlotReason[] {
  const { days, rules } = timetable;
  const calendar = timetable.calendar(accountId);
  const reasons: SlotReason[] = [];
  const seen = new Set<string>();
  for (let day = firstDay; day <= lastDay; day++)
    for (const [hour, span] of days.hoursOn(day).entries()) {
      if (!span || !isWanted(day, hour)) continue;
      const jitterMs = demand.within === "hour" ? 0 : jitterOf(accountId, day, hour) * rules.jitterMs;
      const atMs = Math.max(fromMs, span.startMs + jitterMs);
      if (atMs >= span.endMs || atMs > toMs) continue;
      const clock = clockInWords({ hour, minute: 0 });
      const reason = calendar.obstacle(
        atMs,
        demand,
        day === firstDay ? clock : `${clock} on ${dayInWords(day)}`,
      );
      if (!reason) continue;
      const once =
        reason.code === "hour-taken" || reason.code === "too-close"
          ? reason.message
          : `${reason.code} ${day}`;
      if (seen.has(once)) continue;
      seen.add(once);
      reasons.push(reason);
      if (reasons.length === MAX_OBSTACLES) return reasons;
    }
  return reasons;
}

/** Why there is no slot at all. */
export function refusal(search: Search): PlanRefusal {
  const { timetable, wish, fromMs, toMs, firstDay, lastDay } = search;
  const { days, context } = timetable;
  const refused = (message: string, remedy: string): PlanRefusal => ({
    code: "no-free-slot",
    message,
    remedy,
  });
  const from = localTimeInWords(days, fromMs);
  if (fromMs > toMs)
    return refused(
      `The earliest slot would be ${from}, and nothing may be later than ${localTimeInWords(days, toMs)}.`,
      "Give a later end, or publish it now.",
    );
  const { most, notUrgent } = placesPerDay(context.policy);
  const places = search.demand.isUrgent ? most : notUrgent;
  if (wish.parts > places)
    return refused(
      `The thread has ${wish.parts} parts, and an account has ${places} places for it in a day.`,
      "Make the thread shorter, give it a priority from 1 to 3, or raise the project's daily maximum.",
    );
  const [accountId] = wish.accountIds;
  const why = accountId
    ? obstacles(search, accountId, Math.min(lastDay, firstDay + BALANCED_DAYS), () => true)
    : [];
  return refused(
    [
      `No slot is free from ${from} to ${localTimeInWords(days, toMs)}.`,
      ...why.map(({ message }) => message),
    ].join(" "),
    "Give a later end or another account, or change the project's daily maximum, interval or blackouts.",
  );
}
