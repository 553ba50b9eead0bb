import { Temporal } from "temporal-polyfill";
import { err, ok, type Result } from "#shared/result.ts";
import type { Reason } from "./reason.ts";
import type { LatePolicy } from "./task.ts";
import { durationInWords, instantInWords, quote } from "./words.ts";

/** EventBridge Scheduler would take more; a post that far ahead is a typing error. */
const MAX_AHEAD_MS = 366 * 86_400_000;

export interface PublishTime {
  /** What was asked for. */
  readonly publishAt: Date;
  /** When the post is due: the next whole second, since nothing wakes up more precisely. `now` is due at once. */
  readonly slotAt: Date;
  /** The local time happens twice or not at all: which instant was taken. */
  readonly note?: Reason;
}

export interface PublishTimeContext {
  readonly now: Date;
  /** IANA name of the project's zone. */
  readonly timeZone: string;
  readonly latePolicy: LatePolicy;
}

const LOCAL = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)$/i;
const INSTANT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(Z|[+-]\d\d(?::?\d\d)?)$/i;

const SPELLINGS =
  "Write now, an instant such as 2026-12-01T09:00:00+08:00, or a time of the project's zone such as 2026-12-01 09:00.";

/**
 * Decides when a post is due.
 *
 * A local time that the spring change skips is read with the offset before the change, so 02:30 becomes 03:30
 * (RFC 5545, section 3.3.5); of a local time that the autumn change repeats, the first is taken. Both are told in `note`.
 *
 * Refusals (`code`): `bad-time`, `slot-passed`, `too-far-ahead`.
 *
 * @param wanted - `publishAt` as written; absent means now
 */
export function decidePublishTime(
  wanted: string | undefined,
  { now, timeZone, latePolicy }: PublishTimeContext,
): Result<PublishTime, Reason> {
  const text = wanted?.trim() ?? "now";
  if (text.toLowerCase() === "now") return ok({ publishAt: now, slotAt: now });

  const read = readInstant(text, timeZone);
  if (!read)
    return err({
      code: "bad-time",
      message: `publishAt ${quote(text)} is no time that exists.`,
      remedy: SPELLINGS,
    });
  const { publishAt, note } = read;
  const lateMs = now.getTime() - publishAt.getTime();
  if (latePolicy.postWithinMs !== undefined && lateMs > latePolicy.postWithinMs)
    return err({
      code: "slot-passed",
      message:
        `publishAt ${quote(text)} (${instantInWords(publishAt)}) was over by more than ` +
        `${durationInWords(latePolicy.postWithinMs)} at ${instantInWords(now)}.`,
      remedy: "Give a later publishAt, or now; or allow it to be later with latePolicy: { postWithin: 2h }.",
    });
  if (-lateMs > MAX_AHEAD_MS)
    return err({
      code: "too-far-ahead",
      message: `publishAt ${quote(text)} is more than a year ahead.`,
      remedy: "Check the year, or drop the file again later.",
    });
  const slotAt = new Date(Math.ceil(publishAt.getTime() / 1_000) * 1_000);
  return ok({ publishAt, slotAt, ...(note && { note }) });
}

function readInstant(
  text: string,
  timeZone: string,
): { readonly publishAt: Date; readonly note?: Reason } | undefined {
  const [, day, time, offset] = INSTANT.exec(text) ?? [];
  if (day && time && offset) {
    const instant = attempt(() => Temporal.Instant.from(`${day}T${time}${offset.toUpperCase()}`));
    return instant && { publishAt: new Date(instant.epochMilliseconds) };
  }
  const [, localDay, localTime] = LOCAL.exec(text) ?? [];
  if (!localDay || !localTime) return undefined;
  const local = attempt(() =>
    Temporal.PlainDateTime.from(`${localDay}T${localTime}`, { overflow: "reject" }),
  );
  if (!local) return undefined;

  const first = local.toZonedDateTime(timeZone, { disambiguation: "earlier" });
  const second = local.toZonedDateTime(timeZone, { disambiguation: "later" });
  if (first.epochMilliseconds === second.epochMilliseconds)
    return { publishAt: new Date(first.epochMilliseconds) };

  const repeats = first.toPlainDateTime().equals(local);
  const taken = repeats ? first : second;
  const clock = `${taken.toPlainDate()} ${taken.toPlainTime().toString({ smallestUnit: "second" })}`;
  const publishAt = new Date(taken.epochMilliseconds);
  return {
    publishAt,
    note: {
      code: repeats ? "local-time-repeats" : "local-time-skipped",
      message: repeats
        ? `${quote(text)} happens twice in ${timeZone}: the first is taken, ${instantInWords(publishAt)}.`
        : `${quote(text)} does not happen in ${timeZone}, where the clocks go forward: ${clock} is taken, ${instantInWords(publishAt)}.`,
      remedy: "Nothing to do; give an instant with its offset if you mean another one.",
    },
  };
}

/** Temporal reports a date that does not exist by a RangeError. */
function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
