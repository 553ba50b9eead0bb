/** Times as clocks on walls show them, and what they are in a zone. */
import { Temporal } from "temporal-polyfill";

declare const brand: unique symbol;
/** `2026-12-01`. */
export type LocalDay = string & { readonly [brand]: "LocalDay" };
/** `2026-12-01T09:00:00`. Sorts by time; says nothing of a zone. */
export type LocalTime = string & { readonly [brand]: "LocalTime" };

const asLocalTime = (text: string): LocalTime => text as LocalTime;

/** Occurrences are looked for in these years. */
export const FIRST_YEAR = 2020;
export const LAST_YEAR = 2099;

const SPELLING = /^(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d)(?::?(\d\d))?$/i;

/** `2026-12-01 09:00`, `2026-12-01T09:00:00` and `20261201T090000`; undefined: it is no time of the years in question. */
export function readLocalTime(text: string): LocalTime | undefined {
  const [, year = "", month, day, hour, minute, second = "00"] = SPELLING.exec(text.trim()) ?? [];
  if (Number(year) < FIRST_YEAR || Number(year) > LAST_YEAR || second === "60") return undefined;
  try {
    const local = Temporal.PlainDateTime.from(`${year}-${month}-${day}T${hour}:${minute}:${second}`, {
      overflow: "reject",
    });
    return asLocalTime(local.toString({ smallestUnit: "second" }));
  } catch (error) {
    // How Temporal reports a date that does not exist.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const DAY = /^(\d{4})-?(\d\d)-?(\d\d)$/;

/** `2026-12-01` and `20261201`. */
export function readLocalDay(text: string): LocalDay | undefined {
  const [, year, month, day] = DAY.exec(text.trim()) ?? [];
  return readLocalTime(`${year}-${month}-${day}T00:00`)?.slice(0, 10) as LocalDay | undefined;
}

const CANONICAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;
export const isLocalTime = (text: string): text is LocalTime => CANONICAL.test(text);

/** Whether a zone of this IANA name is known. */
export function isTimeZone(name: string): boolean {
  // Offsets such as +08:00 are zones for Temporal, and none whose clocks anybody sets.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export interface LocalInstant {
  readonly at: Date;
  /** The zone's clocks skip the time: it was moved forward by as much. */
  readonly isShifted: boolean;
}

/**
 * The instant of a local time. One that the spring change skips is moved forward by the length of the gap, so that 02:30
 * becomes 03:30; of one that the autumn change repeats the first is meant (RFC 5545, section 3.3.5).
 */
export function instantOf(local: LocalTime, timeZone: string): LocalInstant {
  const plain = Temporal.PlainDateTime.from(local);
  const zoned = plain.toZonedDateTime(timeZone, { disambiguation: "compatible" });
  return { at: new Date(zoned.epochMilliseconds), isShifted: !zoned.toPlainDateTime().equals(plain) };
}

/** What the clocks of a zone show, without fractions of a second. */
export const localTimeOf = (at: Date, timeZone: string): LocalTime =>
  asLocalTime(
    Temporal.Instant.fromEpochMilliseconds(at.getTime())
      .toZonedDateTimeISO(timeZone)
      .toPlainDateTime()
      .toString({ smallestUnit: "second", roundingMode: "floor" }),
  );

/** A local time as if it were one of UTC, in ms: arithmetic without any zone's changes. */
export const wallMs = (local: LocalTime): number => Date.parse(`${local}Z`);

export const fromWallMs = (ms: number): LocalTime => asLocalTime(new Date(ms).toISOString().slice(0, 19));
