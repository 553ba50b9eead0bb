/** Times as people write and read them: in their own zone, with the zone shown. */
import { Temporal } from "temporal-polyfill";
import { CliError, EXIT, usageError } from "./failures.ts";

const EXAMPLES =
  'now, +90m, "tomorrow 09:00", "2026-02-06 12:00:00", "2026-02-06 12:00 Asia/Shanghai", 2026-02-06T12:00:00+08:00';
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

const OFFSET = /(?:z|[+-]\d\d:?\d\d)$/i;
const RELATIVE = /^\+ ?(\d{1,6}) ?([smhd])$/;
const LOCAL =
  /^(?:(today|tomorrow)|(\d{4}-\d\d-\d\d))[ tT]+(\d{1,2}):(\d\d)(?::(\d\d))?(?:\s+([A-Za-z][\w+-]*(?:\/[\w+-]+)*))?$/;

export interface ReadTime {
  /** UTC, as the API takes it; or `now`. */
  readonly value: string;
  /** What the writer may not know: the clocks show the time twice. */
  readonly note?: string;
}

function isZone(name: string): boolean {
  try {
    return Temporal.Instant.from("2026-01-01T00:00:00Z").toZonedDateTimeISO(name).timeZoneId !== "";
  } catch {
    return false;
  }
}

export function checkZone(name: string): string {
  if (isZone(name)) return name;
  throw usageError(
    `There is no time zone “${name}”.`,
    "Give a name such as Asia/Shanghai, Europe/Berlin or UTC.",
  );
}

const badTime = (text: string, why: string): CliError =>
  new CliError(`“${text}” ${why}`, {
    code: "bad-time",
    exitCode: EXIT.usage,
    remedy: `Write one of: ${EXAMPLES}.`,
  });

const seconds = (instant: Temporal.Instant): string => instant.round("second").toString();

/** `12:00:00+01:00` */
const withOffset = (time: Temporal.ZonedDateTime): string =>
  `${time.toPlainDate()} ${time.toPlainTime().toString({ smallestUnit: "second" })}${time.offset}`;

/**
 * Reads a time. Without a zone it is one of `timeZone`.
 *
 * A local time that the clocks skip is refused, with what they show instead. One that they show twice is taken as the
 * earlier of the two, and the note says so.
 */
export function readTime(text: string, timeZone: string, now: Date): ReadTime {
  const written = text.trim();
  if (written === "now") return { value: "now" };

  const [, amount, unit = ""] = RELATIVE.exec(written) ?? [];
  if (amount !== undefined) {
    const at = Temporal.Instant.fromEpochMilliseconds(now.getTime()).add({
      seconds: Number(amount) * (UNIT_SECONDS[unit] ?? 0),
    });
    return { value: seconds(at) };
  }
  const local = LOCAL.exec(written);
  if (local) return readLocal(written, local, timeZone, now);

  if (!/^\d{4}-\d\d-\d\d[ tT]/.test(written) || !OFFSET.test(written))
    throw badTime(text, "is no time that is understood.");
  try {
    return { value: seconds(Temporal.Instant.from(written.replace(/^(\S+) +/, "$1T").replaceAll(" ", ""))) };
  } catch {
    throw badTime(text, "is no instant: no calendar or clock has it.");
  }
}

function readLocal(text: string, match: RegExpExecArray, ownZone: string, now: Date): ReadTime {
  const [, word, date, hour, minute, second = "0", namedZone] = match;
  const timeZone = namedZone === undefined ? ownZone : checkZone(namedZone);
  const today = Temporal.Instant.fromEpochMilliseconds(now.getTime())
    .toZonedDateTimeISO(timeZone)
    .toPlainDate();
  let wanted: Temporal.PlainDateTime;
  try {
    const day =
      date === undefined ? today.add({ days: word === "tomorrow" ? 1 : 0 }) : Temporal.PlainDate.from(date);
    const time = { hour: Number(hour), minute: Number(minute), second: Number(second) };
    wanted = day.toPlainDateTime(Temporal.PlainTime.from(time, { overflow: "reject" }));
  } catch {
    throw badTime(text, "does not exist: no calendar or clock has it.");
  }
  const earlier = wanted.toZonedDateTime(timeZone, { disambiguation: "earlier" });
  const later = wanted.toZonedDateTime(timeZone, { disambiguation: "later" });
  if (earlier.epochMilliseconds === later.epochMilliseconds) return { value: seconds(earlier.toInstant()) };
  if (!earlier.toPlainDateTime().equals(wanted))
    throw new CliError(`“${text}” does not exist in ${timeZone}: the clocks are put forward and skip it.`, {
      code: "skipped-time",
      exitCode: EXIT.usage,
      remedy: `Give ${withOffset(earlier)} or ${withOffset(later)}, on either side of the gap.`,
    });
  return {
    value: seconds(earlier.toInstant()),
    note: `“${text}” exists twice in ${timeZone}, since the clocks are put back. The earlier is taken: ${withOffset(earlier)}; the later is ${withOffset(later)}.`,
  };
}

/** `2026-02-06 12:00:00`, by the clocks of a zone; the caller shows which. */
export function showTime(instant: string, timeZone: string): string {
  const at = Temporal.Instant.from(instant)
    .toZonedDateTimeISO(timeZone)
    .round({ smallestUnit: "second", roundingMode: "floor" });
  return `${at.toPlainDate()} ${at.toPlainTime().toString({ smallestUnit: "second" })}`;
}

/** `1.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h` */
export function showDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  const units = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ] as const;
  let left = Math.round(ms / 1_000);
  const parts: string[] = [];
  for (const [unit, size] of units) {
    if (left >= size && parts.length < 2) {
      parts.push(`${Math.floor(left / size)} ${unit}`);
      left %= size;
    } else if (parts.length > 0) break;
  }
  return parts.join(" ");
}
