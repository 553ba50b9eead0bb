/** Reads when something recurs, however it is written. */
import { Temporal } from "temporal-polyfill";
import { err, ok, type Result } from "#shared/result.ts";
import type { Reason } from "../reason.ts";
import { quote } from "../words.ts";
import {
  FIRST_YEAR,
  isTimeZone,
  LAST_YEAR,
  type LocalTime,
  localTimeOf,
  readLocalDay,
  readLocalTime,
} from "./local-time.ts";
import { nextOccurrence } from "./occurrences.ts";
import { readRule } from "./rule.ts";
import type { ExDate, Schedule } from "./schedule.ts";

/** Dates of one kind that a schedule takes: an exception is no rule. */
export const MAX_DATES = 366;

export interface BadSchedule {
  readonly field: keyof Schedule;
  /** Place in a list, from 0. */
  readonly index?: number;
  readonly why: Reason & { readonly code: "bad-rule" | "bad-zone" | "bad-time" | "never-occurs" };
}

export interface ScheduleText {
  readonly rule: string;
  /** A local time, or an instant, which is then read by the zone's clocks. */
  readonly dtStart: string;
  readonly timeZone: string;
  readonly exDates?: readonly string[] | undefined;
  readonly rDates?: readonly string[] | undefined;
}

const INSTANT =
  /^(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d)(?::?(\d\d)(?:\.\d{1,9})?)? ?(Z|[+-]\d\d(?::?\d\d)?)$/i;

const badTime = (field: BadSchedule["field"], text: string, index?: number): BadSchedule => ({
  field,
  ...(index !== undefined && { index }),
  why: {
    code: "bad-time",
    message: `${field} has ${quote(text)}, which is no time of the years ${FIRST_YEAR} to ${LAST_YEAR}.`,
    remedy: "Write a local time such as 2026-12-01 09:00, or an instant such as 2026-12-01T09:00:00+08:00.",
  },
});

/** A local time as written, or what the zone's clocks show at an instant as written. */
export function readTime(text: string, timeZone: string): LocalTime | undefined {
  const [, year, month, day, hour, minute, second = "00", offset] = INSTANT.exec(text.trim()) ?? [];
  if (!offset) return readLocalTime(text);
  try {
    const instant = Temporal.Instant.from(
      `${year}-${month}-${day}T${hour}:${minute}:${second}${offset.toUpperCase()}`,
    );
    return readLocalTime(localTimeOf(new Date(instant.epochMilliseconds), timeZone));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readDates<Value extends string>(
  field: "exDates" | "rDates",
  texts: readonly string[],
  read: (text: string) => Value | undefined,
): Result<readonly Value[], BadSchedule> {
  if (texts.length > MAX_DATES)
    return err({
      field,
      why: {
        code: "bad-time",
        message: `${field} has ${texts.length} dates; at most ${MAX_DATES} are taken.`,
        remedy: "Change the rule instead, or make several recurrences.",
      },
    });
  const values: Value[] = [];
  for (const [index, text] of texts.entries()) {
    const value = read(text);
    if (value === undefined) return err(badTime(field, text, index));
    values.push(value);
  }
  return ok([...new Set(values)].toSorted());
}

/**
 * Reads a schedule.
 *
 * Refusals (`code`): `bad-rule`, `bad-zone`, `bad-time`, `never-occurs`.
 */
export function readSchedule(text: ScheduleText): Result<Schedule, BadSchedule> {
  const { timeZone } = text;
  if (!isTimeZone(timeZone))
    return err({
      field: "timeZone",
      why: {
        code: "bad-zone",
        message: `There is no time zone ${quote(timeZone)}.`,
        remedy: "Write an IANA name such as Europe/Berlin or Asia/Shanghai.",
      },
    });
  const rule = readRule(text.rule);
  if (!rule.ok) return err({ field: "rule", why: rule.error });
  const dtStart = readTime(text.dtStart, timeZone);
  if (!dtStart) return err(badTime("dtStart", text.dtStart));
  const exDates = readDates(
    "exDates",
    text.exDates ?? [],
    (each): ExDate | undefined => readLocalDay(each) ?? readTime(each, timeZone),
  );
  if (!exDates.ok) return exDates;
  const rDates = readDates("rDates", text.rDates ?? [], (each) => readTime(each, timeZone));
  if (!rDates.ok) return rDates;

  const schedule: Schedule = {
    rule: rule.value,
    dtStart,
    timeZone,
    exDates: exDates.value,
    rDates: rDates.value,
  };
  if (!nextOccurrence(schedule))
    return err({
      field: "rule",
      why: {
        code: "never-occurs",
        message: `The rule names no time from ${dtStart.replace("T", " ")} to the end of ${LAST_YEAR}.`,
        remedy: "Look at its end, at its exceptions, and for days that no month has.",
      },
    });
  return ok(schedule);
}

export interface RecurrenceContext {
  /** Of the project, unless the text names another. */
  readonly timeZone: string;
  /** When the text has no DTSTART: a local time or an instant. */
  readonly dtStart: string;
}

/**
 * Reads a recurrence as one text, as a file's `recurrence:` has it: a rule (`FREQ=DAILY;BYHOUR=9`), or lines of iCalendar.
 *
 * ```
 * DTSTART;TZID=Europe/Berlin:20261201T090000
 * RRULE:FREQ=WEEKLY;BYDAY=MO,TH
 * EXDATE:20261224T090000,20261231T090000
 * RDATE:20261225T120000
 * ```
 *
 * Refusals: those of `readSchedule`.
 */
export function readRecurrence(text: string, context: RecurrenceContext): Result<Schedule, BadSchedule> {
  let { timeZone, dtStart } = context;
  const rules: string[] = [];
  const exDates: string[] = [];
  const rDates: string[] = [];
  const zones: string[] = [];
  for (const line of text.split(/\r?\n/).map((each) => each.trim())) {
    if (line === "") continue;
    const [, name = "RRULE", parameters = "", value = line] =
      /^(DTSTART|RRULE|EXDATE|RDATE)((?:;[^:]*)?):(.*)$/i.exec(line) ?? [];
    const [, zone] = /;TZID=([^;]+)/i.exec(parameters) ?? [];
    if (zone !== undefined) zones.push(zone);
    switch (name.toUpperCase()) {
      case "DTSTART":
        dtStart = value;
        timeZone = zone ?? timeZone;
        break;
      case "EXDATE":
        exDates.push(...value.split(","));
        break;
      case "RDATE":
        rDates.push(...value.split(","));
        break;
      default:
        rules.push(value);
    }
  }
  const foreign = zones.find((zone) => zone !== timeZone);
  if (foreign !== undefined)
    return err({
      field: "timeZone",
      why: {
        code: "bad-zone",
        message: `Its dates are of two time zones: ${quote(timeZone)} and ${quote(foreign)}.`,
        remedy: "Write all dates in the zone of DTSTART, or as instants with Z.",
      },
    });
  const [rule = "", second] = rules;
  if (second !== undefined)
    return err({
      field: "rule",
      why: {
        code: "bad-rule",
        message: `There is a second rule: ${quote(second)}.`,
        remedy: "Make two recurrences of them.",
      },
    });
  return readSchedule({ rule, dtStart, timeZone, exDates, rDates });
}
