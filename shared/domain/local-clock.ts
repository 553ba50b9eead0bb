/**
 * What the clocks of a zone show, cheap enough for loops over quarters of hours, and without a library: the publisher is
 * loaded for posts that are due.
 */

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Every offset from UTC, of zones and of their changes, is a multiple of this since 1972. */
export const OFFSET_STEP_MS = 15 * 60_000;
/** Days of a zone that are remembered: more than any plan looks at. */
const REMEMBERED_DAYS = 4_000;

/** Of a day in UTC: one offset, or another one from `changeAt` on. No zone changed its clocks twice within a day. */
interface DayOffsets {
  readonly firstMs: number;
  readonly changeAt: number;
  readonly lastMs: number;
}

interface Zone {
  readonly format: Intl.DateTimeFormat;
  readonly days: Map<number, DayOffsets>;
}

const zones = new Map<string, Zone>();

/** @throws RangeError when there is no such zone */
function zoneOf(timeZone: string): Zone {
  const known = zones.get(timeZone);
  if (known) return known;
  const zone = {
    format: new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" }),
    days: new Map(),
  };
  zones.set(timeZone, zone);
  return zone;
}

/** `12/1/2026, GMT-03:30` */
function readOffset({ format }: Zone, at: number): number {
  const [, sign, hours = 0, minutes = 0] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(format.format(at)) ?? [];
  const size = Number(hours) * HOUR_MS + Number(minutes) * 60_000;
  return sign === "-" ? -size : size;
}

function readDay(zone: Zone, day: number): DayOffsets {
  const startAt = day * DAY_MS;
  const firstMs = readOffset(zone, startAt);
  const lastMs = readOffset(zone, startAt + DAY_MS);
  if (firstMs === lastMs) return { firstMs, lastMs, changeAt: startAt };
  let [before, after] = [0, DAY_MS / OFFSET_STEP_MS];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (readOffset(zone, startAt + middle * OFFSET_STEP_MS) === firstMs) before = middle;
    else after = middle;
  }
  return { firstMs, lastMs, changeAt: startAt + after * OFFSET_STEP_MS };
}

/** How far the clocks of a zone are ahead of UTC at an instant, in ms. Since 1972. */
export function offsetMs(at: number, timeZone: string): number {
  if (timeZone === "UTC") return 0;
  const zone = zoneOf(timeZone);
  const day = Math.floor(at / DAY_MS);
  let offsets = zone.days.get(day);
  if (!offsets) {
    offsets = readDay(zone, day);
    if (zone.days.size >= REMEMBERED_DAYS) zone.days.clear();
    zone.days.set(day, offsets);
  }
  return at < offsets.changeAt ? offsets.firstMs : offsets.lastMs;
}

export interface LocalTime {
  /** Days since 1970-01-01, by the date that the clocks show. */
  readonly day: number;
  /** Since the clocks showed midnight, in ms: an hour that was skipped counts, one that is repeated does not. */
  readonly timeMs: number;
}

export function localTime(at: number, timeZone: string): LocalTime {
  const shown = at + offsetMs(at, timeZone);
  const day = Math.floor(shown / DAY_MS);
  return { day, timeMs: shown - day * DAY_MS };
}

/** What the clocks of a zone show, as people write it: `2026-12-01 09:00:00`. */
export const localTimeText = (at: Date, timeZone: string): string =>
  new Date(at.getTime() + offsetMs(at.getTime(), timeZone)).toISOString().slice(0, 19).replace("T", " ");

/** The number of a date `YYYY-MM-DD`; undefined: there is no such date. */
export function dayOf(date: string): number | undefined {
  const at = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  // What is too large for its month is moved into the next one by `Date.parse`.
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date) ? at / DAY_MS : undefined;
}

export function isTimeZone(name: string): boolean {
  try {
    return zoneOf(name) !== undefined;
  } catch {
    return false;
  }
}
