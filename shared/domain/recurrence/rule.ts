/**
 * The rules of recurrences: a part of RFC 5545's RRULE, read by a grammar of its own, because the library that expands
 * them takes `BYHOUR=25` and parts that it does not know in silence.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10
 */
import { err, ok, type Result } from "#shared/result.ts";
import type { Reason } from "../reason.ts";
import { nearest, quote } from "../words.ts";
import { isLocalTime, type LocalTime, readLocalTime } from "./local-time.ts";

export const FREQUENCIES = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"] as const;
export type Frequency = (typeof FREQUENCIES)[number];

export const WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** A weekday; with an ordinal the n-th of the month or year, from the end if negative. */
export interface ByDay {
  readonly weekday: Weekday;
  readonly ordinal?: number;
}

/** The last occurrence is not after it: an instant, or a local time of the recurrence's zone. */
export type Until =
  | { readonly kind: "instant"; readonly at: Date }
  | { readonly kind: "local"; readonly at: LocalTime };

/** A rule whose every part is in range. Lists have no doubles and are in order. */
export interface Rule {
  readonly freq: Frequency;
  readonly interval: number;
  /** Occurrences of the rule, counted from its start, whether or not they are posted. */
  readonly count?: number;
  readonly until?: Until;
  readonly byMonth?: readonly number[];
  readonly byMonthDay?: readonly number[];
  readonly byDay?: readonly ByDay[];
  readonly byHour?: readonly number[];
  readonly byMinute?: readonly number[];
  readonly bySetPos?: readonly number[];
  readonly weekStart?: Weekday;
}

/** Times of day that BYHOUR and BYMINUTE may name together. */
const MAX_TIMES_A_DAY = 24;
const MAX_INTERVAL = 1_000;
const MAX_COUNT = 10_000;
const MAX_LENGTH = 1_000;

const PARTS = [
  "FREQ",
  "INTERVAL",
  "COUNT",
  "UNTIL",
  "BYMONTH",
  "BYMONTHDAY",
  "BYDAY",
  "BYHOUR",
  "BYMINUTE",
  "BYSETPOS",
  "WKST",
] as const;
type Part = (typeof PARTS)[number];
type Parts = ReadonlyMap<Part, string>;

export type BadRule = Reason & { readonly code: "bad-rule" };

/** Thrown inside this file only: every refusal leaves it as a result. */
class Refused extends Error {}

const refuse = (message: string): never => {
  throw new Refused(message);
};

const REMEDY =
  "Write parts of RFC 5545 such as FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=9;BYMINUTE=30. FREQ is DAILY, WEEKLY, MONTHLY or YEARLY.";

/**
 * Reads a rule, with or without `RRULE:` before it.
 *
 * Refusals: `bad-rule`, which names the part and what it takes.
 */
export function readRule(text: string): Result<Rule, BadRule> {
  try {
    return ok(readParts(splitParts(text)));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return err({ code: "bad-rule", message: error.message, remedy: REMEDY });
  }
}

function splitParts(text: string): Parts {
  const bare = text.trim().replace(/^RRULE:/i, "");
  if (bare === "") refuse("The rule is empty.");
  if (bare.length > MAX_LENGTH)
    refuse(`The rule has ${bare.length} characters; at most ${MAX_LENGTH} are taken.`);
  const parts = new Map<Part, string>();
  for (const piece of bare.split(";")) {
    const [, written = "", value = ""] = /^([^=]*)=(.*)$/s.exec(piece) ?? [];
    const name = written.trim().toUpperCase();
    const part = PARTS.find((known) => known === name);
    if (!part) {
      const meant = name && nearest(name, PARTS);
      return refuse(
        `A rule has no part ${quote(name || piece)}${meant ? `. Did you mean ${meant}?` : `: it has ${PARTS.join(", ")}.`}`,
      );
    }
    if (parts.has(part)) refuse(`${part} is given twice.`);
    parts.set(part, value.trim().toUpperCase());
  }
  return parts;
}

function readParts(parts: Parts): Rule {
  const freq = oneOf(parts, "FREQ", FREQUENCIES) ?? refuse("FREQ is missing.");
  const interval = one(parts, "INTERVAL", 1, MAX_INTERVAL) ?? 1;
  const count = one(parts, "COUNT", 1, MAX_COUNT);
  const until = readUntil(parts);
  if (count !== undefined && until) refuse("COUNT and UNTIL are both given; a rule takes one of them.");
  const byMonth = list(parts, "BYMONTH", 1, 12);
  const byMonthDay = list(parts, "BYMONTHDAY", 1, 31, "signed");
  const byDay = readByDay(parts, freq);
  const byHour = list(parts, "BYHOUR", 0, 23);
  const byMinute = list(parts, "BYMINUTE", 0, 59);
  const bySetPos = list(parts, "BYSETPOS", 1, 366, "signed");
  const weekStart = oneOf(parts, "WKST", WEEKDAYS);
  if (byMonthDay && freq === "WEEKLY")
    refuse("BYMONTHDAY does not go with FREQ=WEEKLY: use BYDAY, or FREQ=MONTHLY.");
  if (bySetPos && !byMonth && !byMonthDay && !byDay && !byHour && !byMinute)
    refuse("BYSETPOS chooses among what another BY part names, and there is none.");
  const times = (byHour?.length ?? 1) * (byMinute?.length ?? 1);
  if (times > MAX_TIMES_A_DAY)
    refuse(
      `BYHOUR and BYMINUTE name ${byHour?.length ?? 1} × ${byMinute?.length ?? 1} = ${times} times a day; ` +
        `at most ${MAX_TIMES_A_DAY} are taken.`,
    );
  const farthest = Math.max(...(bySetPos ?? []).map(Math.abs));
  if (freq === "DAILY" && farthest > times)
    refuse(`BYSETPOS has “${farthest}”, and only ${times} of a day can be chosen from.`);
  return {
    freq,
    interval,
    ...(count !== undefined && { count }),
    ...(until && { until }),
    ...(byMonth && { byMonth }),
    ...(byMonthDay && { byMonthDay }),
    ...(byDay && { byDay }),
    ...(byHour && { byHour }),
    ...(byMinute && { byMinute }),
    ...(bySetPos && { bySetPos }),
    ...(weekStart && { weekStart }),
  };
}

function oneOf<Value extends string>(parts: Parts, part: Part, allowed: readonly Value[]): Value | undefined {
  const text = parts.get(part);
  if (text === undefined) return undefined;
  return (
    allowed.find((value) => value === text) ??
    refuse(`${part} is ${quote(text)}; it takes ${allowed.slice(0, -1).join(", ")} or ${allowed.at(-1)}.`)
  );
}

/** A whole number, written as people write it. */
function numberOf(part: Part, text: string, min: number, max: number, signed: boolean): number {
  const value = /^[+-]?\d{1,6}$/.test(text) && (signed || /^\d/.test(text)) ? Number(text) : Number.NaN;
  if (Math.abs(value) >= min && Math.abs(value) <= max) return value;
  return refuse(
    `${part} has ${quote(text)}; it takes ${min} to ${max}${signed ? `, or -${max} to -${min} from the end` : ""}.`,
  );
}

function one(parts: Parts, part: Part, min: number, max: number): number | undefined {
  const text = parts.get(part);
  return text === undefined ? undefined : numberOf(part, text, min, max, false);
}

function list(
  parts: Parts,
  part: Part,
  min: number,
  max: number,
  signed?: "signed",
): readonly number[] | undefined {
  const text = parts.get(part);
  if (text === undefined) return undefined;
  const values = text.split(",").map((each) => numberOf(part, each.trim(), min, max, signed !== undefined));
  return [...new Set(values)].toSorted((a, b) => a - b);
}

/** The highest ordinal of a weekday that there can be. */
const ordinalLimit = (freq: Frequency, parts: Parts): number =>
  freq === "MONTHLY" || parts.has("BYMONTH") ? 5 : 53;

function readByDay(parts: Parts, freq: Frequency): readonly ByDay[] | undefined {
  const text = parts.get("BYDAY");
  if (text === undefined) return undefined;
  const days = new Map<string, ByDay>();
  for (const each of text.split(",")) {
    const [, ordinalText, name] = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(each.trim()) ?? [];
    const weekday = WEEKDAYS.find((known) => known === name);
    if (!weekday)
      return refuse(
        `BYDAY has ${quote(each)}; it takes MO, TU, WE, TH, FR, SA and SU, with FREQ=MONTHLY or YEARLY also 1MO or -1FR.`,
      );
    const ordinal = ordinalText === undefined ? undefined : Number(ordinalText);
    const limit = ordinalLimit(freq, parts);
    if (ordinal !== undefined && (freq === "DAILY" || freq === "WEEKLY"))
      refuse(`BYDAY has ${quote(each)}; a number before the day goes with FREQ=MONTHLY or YEARLY only.`);
    if (ordinal !== undefined && (ordinal === 0 || Math.abs(ordinal) > limit))
      refuse(
        `BYDAY has ${quote(each)}; the number before the day is 1 to ${limit}, or -${limit} to -1 from the end.`,
      );
    days.set(`${ordinal ?? ""}${weekday}`, { weekday, ...(ordinal !== undefined && { ordinal }) });
  }
  return [...days.values()].toSorted(
    (a, b) =>
      (a.ordinal ?? 0) - (b.ordinal ?? 0) || WEEKDAYS.indexOf(a.weekday) - WEEKDAYS.indexOf(b.weekday),
  );
}

function readUntil(parts: Parts): Until | undefined {
  const text = parts.get("UNTIL");
  if (text === undefined) return undefined;
  // A date alone means all of that day.
  const at = readLocalTime(
    /^\d{8}$|^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T235959` : text.replace(/Z$/, ""),
  );
  if (at && isLocalTime(at))
    return text.endsWith("Z") ? { kind: "instant", at: new Date(`${at}Z`) } : { kind: "local", at };
  return refuse(
    `UNTIL is ${quote(text)}, which is no time; it takes 20261231, 20261231T090000 of the recurrence's zone, or 20261231T090000Z.`,
  );
}

const compact = (local: string): string => local.replaceAll(/[-:]/g, "");

/** The same rule as text. Reading it gives the same rule. */
export function formatRule(rule: Rule): string {
  const { freq, interval, count, until, weekStart } = rule;
  const lists: readonly (readonly [Part, readonly (number | string)[] | undefined])[] = [
    ["BYMONTH", rule.byMonth],
    ["BYMONTHDAY", rule.byMonthDay],
    ["BYDAY", rule.byDay?.map(({ ordinal, weekday }) => `${ordinal ?? ""}${weekday}`)],
    ["BYHOUR", rule.byHour],
    ["BYMINUTE", rule.byMinute],
    ["BYSETPOS", rule.bySetPos],
  ];
  return [
    `FREQ=${freq}`,
    ...(interval === 1 ? [] : [`INTERVAL=${interval}`]),
    ...(count === undefined ? [] : [`COUNT=${count}`]),
    ...(until ? [`UNTIL=${formatUntil(until)}`] : []),
    ...lists.flatMap(([part, values]) => (values ? [`${part}=${values.join(",")}`] : [])),
    ...(weekStart ? [`WKST=${weekStart}`] : []),
  ].join(";");
}

const formatUntil = (until: Until): string =>
  until.kind === "local" ? compact(until.at) : `${compact(until.at.toISOString().slice(0, 19))}Z`;
