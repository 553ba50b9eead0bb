import { Cron } from "croner";
import { err, ok, type Result } from "#shared/result.ts";
import type { Reason } from "./reason.ts";
import { quote } from "./words.ts";

const DAY_MS = 86_400_000;
/** The sweeper comes once a minute: nothing can be done more often. */
export const MIN_INTERVAL_MS = 60_000;
export const MAX_INTERVAL_MS = 30 * DAY_MS;

export type JobSchedule =
  /** Counted from the planned instant before, so that a late sweep does not shift those after it. */
  | { readonly kind: "interval"; readonly everyMs: number }
  /** Local times of the zone, by `parseCron`. */
  | { readonly kind: "cron"; readonly cron: string; readonly timeZone: string };

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Spelled in three letters, from `min` on. */
  readonly names: readonly string[];
}

const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

const FIELDS: readonly Field[] = [
  { name: "minute", min: 0, max: 59, names: [] },
  { name: "hour", min: 0, max: 23, names: [] },
  { name: "day of the month", min: 1, max: 31, names: [] },
  { name: "month", min: 1, max: 12, names: MONTHS },
  // Both 0 and 7 are Sunday.
  { name: "weekday", min: 0, max: 7, names: DAYS },
];

const REMEDY =
  "Write five fields (minute, hour, day of the month, month, weekday) of numbers, names, *, lists, ranges and steps, such as 30 9 * * MON-FRI.";

export interface BadSchedule extends Reason {
  /** Which of the two is wrong. */
  readonly field: "cron" | "timeZone";
}

const bad = (message: string, remedy = REMEDY): Result<never, BadSchedule> =>
  err({ code: "bad-schedule", field: "cron", message, remedy });

function numberOf(text: string, { min, max, names }: Field, isEnd: boolean): number | undefined {
  const named = names.indexOf(text.toUpperCase());
  // FRI-SUN ends with the Sunday after Friday, not with the one before.
  if (named >= 0) return names === DAYS && isEnd && named === 0 ? 7 : named + min;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

function isEntry(entry: string, field: Field): boolean {
  const [, from = "", to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d{1,2}))?$/.exec(entry) ?? [];
  if (step !== undefined && (Number(step) < 1 || Number(step) > field.max)) return false;
  if (from === "*") return to === undefined;
  const first = numberOf(from, field, false);
  if (to === undefined) return first !== undefined && step === undefined;
  const last = numberOf(to, field, true);
  return first !== undefined && last !== undefined && first <= last;
}

/** An IANA name, such as `Europe/Berlin` or `UTC`; no offset, since that would ignore the clock changes. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * Reads a cron rule of five fields. Our own grammar comes before the library, which also takes seconds, years, dates,
 * `@daily`, `L`, `W`, `#`, `?` and `+`. When both days are restricted, either is enough, as in every cron.
 *
 * Refused with `bad-schedule`: anything else, a zone that does not exist, and a rule whose day never comes.
 *
 * @param now - a rule that has no instant after it never runs
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/crontab.html
 */
export function parseCron(
  { cron: written, timeZone }: { readonly cron: string; readonly timeZone: string },
  now: Date,
): Result<JobSchedule, BadSchedule> {
  if (!isTimeZone(timeZone))
    return err({
      code: "bad-schedule",
      field: "timeZone",
      message: `There is no time zone ${quote(timeZone)}.`,
      remedy: "Write an IANA name, such as Europe/Berlin or UTC.",
    });
  const texts = written.trim().split(/\s+/);
  if (texts.length !== FIELDS.length)
    return bad(`${quote(written)} has ${texts.length} fields, and a rule has five.`);
  for (const [place, field] of FIELDS.entries())
    for (const entry of (texts[place] ?? "").split(","))
      if (!isEntry(entry, field))
        return bad(
          `${quote(entry)} is no ${field.name}: ${field.min} to ${field.max}, * or a range, the last two with a step.`,
        );
  const schedule: JobSchedule = { kind: "cron", cron: texts.join(" "), timeZone };
  return nextPlannedAt(schedule, now, now)
    ? ok(schedule)
    : bad(`${quote(schedule.cron)} never comes: no such day exists.`, "Choose a day that the month has.");
}

/**
 * The first instant of the schedule after both `plannedAt` and `now`, so that any number of missed ones are one.
 *
 * Clock changes: a rule whose minute and hour are plain numbers, lists or ranges runs once at a time that comes twice,
 * and right after the gap when its time is skipped. A rule with `*` or a step in either counts what the clock on the
 * wall shows: both of a time that comes twice, and none that is skipped.
 *
 * @param plannedAt - the planned instant before, or that from which an interval counts
 * @returns undefined: never again
 */
export function nextPlannedAt(schedule: JobSchedule, plannedAt: Date, now: Date): Date | undefined {
  const after = Math.max(plannedAt.getTime(), now.getTime());
  switch (schedule.kind) {
    case "interval": {
      const passed = Math.floor((after - plannedAt.getTime()) / schedule.everyMs);
      return new Date(plannedAt.getTime() + (passed + 1) * schedule.everyMs);
    }
    case "cron": {
      const options = {
        timezone: schedule.timeZone,
        mode: "5-part",
        fixedTimeRule: "no-wildcard",
      } as const;
      return new Cron(schedule.cron, options).nextRun(new Date(after)) ?? undefined;
    }
  }
}
