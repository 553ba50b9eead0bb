/**
 * Hours of a project's day as instants. Days are numbered from 1970-01-01 as calendars of the zone name them, so that
 * day + 1 is the next date whatever the clocks do.
 */
import { localTime, OFFSET_STEP_MS, offsetMs } from "../local-clock.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** No zone is further ahead of UTC. */
const MAX_OFFSET_MS = 14 * HOUR_MS;
/** A worker that lives for long must not remember every day of every zone. Far above a horizon of a year. */
const REMEMBERED_DAYS = 4_000;

/** From `startMs`, not including `endMs`. */
export interface HourSpan {
  readonly startMs: number;
  readonly endMs: number;
}

/** What the clocks of a zone show. */
export interface Clock {
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
}

export interface LocalDays {
  /** The day that an instant lies in. */
  dayOf(atMs: number): number;
  /** First instant of a day; of a day that the zone left out, the same as of the next. */
  startOf(day: number): number;
  /**
   * The hours 0 to 23 of a day. Undefined: the clocks skip it. One that they repeat is there once, the first time; one that
   * they skip in part is shorter.
   */
  hoursOn(day: number): readonly (HourSpan | undefined)[];
  clockAt(atMs: number): Clock;
}

const zones = new Map<string, LocalDays>();

/** @param timeZone - IANA name */
export function localDays(timeZone: string): LocalDays {
  const known = zones.get(timeZone);
  if (known) return known;
  const days = createLocalDays(timeZone);
  zones.set(timeZone, days);
  return days;
}

function createLocalDays(timeZone: string): LocalDays {
  const starts = new Map<number, number>();
  const hours = new Map<number, readonly (HourSpan | undefined)[]>();

  const shownDay = (atMs: number): number => localTime(atMs, timeZone).day;

  function findStart(day: number): number {
    const guess = day * DAY_MS - offsetMs(day * DAY_MS, timeZone);
    if (shownDay(guess) === day && shownDay(guess - 1) < day) return guess;
    let atMs = day * DAY_MS - MAX_OFFSET_MS;
    while (shownDay(atMs) < day) atMs += OFFSET_STEP_MS;
    return atMs;
  }

  function startOf(day: number): number {
    const known = starts.get(day);
    if (known !== undefined) return known;
    if (starts.size >= REMEMBERED_DAYS) {
      starts.clear();
      hours.clear();
    }
    const startMs = findStart(day);
    starts.set(day, startMs);
    return startMs;
  }

  function dayOf(atMs: number): number {
    let day = Math.floor(atMs / DAY_MS);
    while (atMs < startOf(day)) day -= 1;
    while (atMs >= startOf(day + 1)) day += 1;
    return day;
  }

  function plainHours(day: number): readonly HourSpan[] {
    return Array.from({ length: 24 }, (_, hour) => {
      const startMs = startOf(day) + hour * HOUR_MS;
      return { startMs, endMs: startMs + HOUR_MS };
    });
  }

  /** Of a day on which the clocks are changed, read off step by step. */
  function oddHours(day: number): readonly (HourSpan | undefined)[] {
    const found: (HourSpan | undefined)[] = Array.from({ length: 24 });
    const endMs = startOf(day + 1);
    let lastMs = -1;
    for (let atMs = startOf(day); atMs < endMs; atMs += OFFSET_STEP_MS) {
      const { timeMs } = localTime(atMs, timeZone);
      // After the clocks went back, only what they did not show yet is new.
      if (timeMs <= lastMs) continue;
      const hour = Math.floor(timeMs / HOUR_MS);
      const { startMs } = found[hour] ?? { startMs: atMs };
      found[hour] = { startMs, endMs: Math.min(atMs + OFFSET_STEP_MS, endMs) };
      lastMs = timeMs;
    }
    return found;
  }

  return {
    dayOf,
    startOf,
    hoursOn(day) {
      let known = hours.get(day);
      if (!known) {
        known = startOf(day + 1) - startOf(day) === DAY_MS ? plainHours(day) : oddHours(day);
        hours.set(day, known);
      }
      return known;
    },
    clockAt(atMs) {
      const { day, timeMs } = localTime(atMs, timeZone);
      return {
        day,
        hour: Math.floor(timeMs / HOUR_MS),
        minute: Math.floor((timeMs % HOUR_MS) / MINUTE_MS),
      };
    },
  };
}

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] as const;
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

/** 0 is Monday. 1970-01-01 was a Thursday. */
export const weekdayOf = (day: number): number => (((day + 3) % 7) + 7) % 7;

/** `2026-12-01`. */
export const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** `Tuesday 1 December`. */
export function dayInWords(day: number): string {
  const date = new Date(day * DAY_MS);
  return `${WEEKDAYS[weekdayOf(day)]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/** `9:24`. */
export const clockInWords = ({ hour, minute }: Pick<Clock, "hour" | "minute">): string =>
  `${hour}:${String(minute).padStart(2, "0")}`;

/** `9:24 on Tuesday 1 December`. */
export function localTimeInWords(days: LocalDays, atMs: number): string {
  const clock = days.clockAt(atMs);
  return `${clockInWords(clock)} on ${dayInWords(clock.day)}`;
}
