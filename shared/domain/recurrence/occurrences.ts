/** What a schedule means: which instants, in which order, and the how manieth each is. */
import { RRuleTemporal } from "rrule-temporal";
import { Temporal } from "temporal-polyfill";
import { fromWallMs, instantOf, LAST_YEAR, type LocalTime, localTimeOf, wallMs } from "./local-time.ts";
import type { Rule } from "./rule.ts";
import type { Schedule } from "./schedule.ts";

/** One time at which something recurs. */
export interface Occurrence {
  /** As the rule names it: what tells it from all others, whatever becomes of its slot. */
  readonly local: LocalTime;
  readonly at: Date;
  /** From 0, among all that rule and added dates name, the taken out ones too: nothing that is skipped moves another. */
  readonly index: number;
  /** The clocks skip its local time that day: it takes place as much later as they skip. */
  readonly isShifted: boolean;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Clocks of a zone may be put by a whole day (Apia in 2011): so far an instant may lie from where its local time says. */
const ZONE_SLACK_MS = 2 * DAY_MS;
const END_MS = Date.parse(`${LAST_YEAR + 1}-01-01T00:00:00Z`);
/** Periods and candidates that the library may look through: more than every day of all years, with all times of a day. */
const MAX_ITERATIONS = 1_000_000;

const zoned = (ms: number): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO("UTC");

/**
 * The library's own rule, in UTC: it is asked for local times only. Its zones would drop what the spring change skips,
 * and COUNT would then count other days than the owner's calendar shows.
 */
function libraryRule({ freq, interval, count, until, byDay, weekStart, ...lists }: Rule, dtStart: LocalTime) {
  return new RRuleTemporal({
    freq,
    interval,
    dtstart: zoned(wallMs(dtStart)),
    tzid: "UTC",
    maxIterations: MAX_ITERATIONS,
    maxCandidateEvaluations: MAX_ITERATIONS,
    cache: false,
    ...(count !== undefined && { count }),
    ...(until?.kind === "local" && { until: zoned(wallMs(until.at)) }),
    ...(byDay && { byDay: byDay.map(({ ordinal, weekday }) => `${ordinal ?? ""}${weekday}`) }),
    ...(weekStart && { wkst: weekStart }),
    ...(lists.byMonth && { byMonth: [...lists.byMonth] }),
    ...(lists.byMonthDay && { byMonthDay: [...lists.byMonthDay] }),
    ...(lists.byHour && { byHour: [...lists.byHour] }),
    ...(lists.byMinute && { byMinute: [...lists.byMinute] }),
    ...(lists.bySetPos && { bySetPos: [...lists.bySetPos] }),
  });
}

/** Local times of rule and added dates from the start to `lastMs`, in order, each once; as if they were of UTC, in ms. */
function listWall({ rule, dtStart, timeZone, rDates }: Schedule, lastMs: number): readonly number[] {
  const { until } = rule;
  const end = Math.min(lastMs, END_MS - 1);
  const startMs = wallMs(dtStart);
  const named =
    end < startMs
      ? []
      : libraryRule(rule, dtStart)
          .between(zoned(startMs), zoned(end), true)
          .map(({ epochMilliseconds }) => epochMilliseconds);
  // An end that is an instant is compared with instants; only the last two days can be in question.
  const within =
    until?.kind === "instant"
      ? named.filter(
          (ms) =>
            ms < until.at.getTime() - ZONE_SLACK_MS ||
            (ms < until.at.getTime() + ZONE_SLACK_MS && instantOf(fromWallMs(ms), timeZone).at <= until.at),
        )
      : named;
  const added = rDates.map(wallMs).filter((ms) => ms <= end);
  return added.length === 0 ? within : [...new Set([...within, ...added])].toSorted((a, b) => a - b);
}

/**
 * Everything that recurs after `after` and until `until`, by time.
 *
 * A local time that the clocks skip takes place as much later; if another occurrence is due at that instant anyway, it is
 * that one. A local time that the clocks repeat takes place once, the first time.
 */
export function listOccurrences(
  schedule: Schedule,
  { after, until }: { readonly after: Date; readonly until: Date },
): readonly Occurrence[] {
  const { timeZone } = schedule;
  const firstMs = wallMs(localTimeOf(after, timeZone)) - ZONE_SLACK_MS;
  const lastMs = wallMs(localTimeOf(until, timeZone)) + ZONE_SLACK_MS;
  const excluded = new Set<string>(schedule.exDates);

  const wall = listWall(schedule, lastMs);
  const from = lowerBound(wall, firstMs);
  const all = wall.slice(from).map((ms, place): Occurrence => {
    const local = fromWallMs(ms);
    return { local, index: from + place, ...instantOf(local, timeZone) };
  });
  const left = all.filter(({ local }) => !excluded.has(local) && !excluded.has(local.slice(0, 10)));
  const taken = new Set(left.filter(({ isShifted }) => !isShifted).map(({ at }) => at.getTime()));
  return left
    .filter(({ at, isShifted }) => at > after && at <= until && !(isShifted && taken.has(at.getTime())))
    .toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

/** The first place whose value is at least `value`. */
function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Looked through one after the other: most rules name something within a month, and few take long to. */
const WINDOWS_MS = [32 * DAY_MS, 400 * DAY_MS, 10 * 366 * DAY_MS, END_MS];

/** The first occurrence after an instant. @param after - absent: of all */
export function nextOccurrence(schedule: Schedule, after?: Date): Occurrence | undefined {
  const earliest = Math.min(wallMs(schedule.dtStart), ...schedule.rDates.map(wallMs)) - ZONE_SLACK_MS;
  const start = new Date(Math.max(after?.getTime() ?? 0, earliest));
  for (const windowMs of WINDOWS_MS) {
    const until = new Date(Math.min(start.getTime() + windowMs, END_MS));
    const [first] = listOccurrences(schedule, { after: start, until });
    if (first) return first;
  }
  return undefined;
}
