import fc from "fast-check";
import {
  asAccountId,
  asOwnerId,
  asProjectId,
  asRecurrenceId,
  type RecurrenceId,
} from "#shared/domain/ids.ts";
import { type LocalTime, readLocalTime } from "#shared/domain/recurrence/local-time.ts";
import { readSchedule, type ScheduleText } from "#shared/domain/recurrence/read-recurrence.ts";
import type { Recurrence, RecurrenceContent } from "#shared/domain/recurrence/recurrence.ts";
import { FREQUENCIES, WEEKDAYS } from "#shared/domain/recurrence/rule.ts";
import type { Schedule } from "#shared/domain/recurrence/schedule.ts";
import { DEFAULT_LATE_POLICY } from "#shared/domain/task.ts";

/** A schedule that is known to be right. */
export function aSchedule(over: Partial<ScheduleText> = {}): Schedule {
  const read = readSchedule({
    rule: "FREQ=DAILY",
    dtStart: "2026-12-01 09:00",
    timeZone: "UTC",
    ...over,
  });
  if (!read.ok) throw new Error(read.error.why.message);
  return read.value;
}

const numbers = (min: number, max: number, most: number) =>
  fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: most });
const signed = (max: number, most: number) =>
  fc.uniqueArray(
    fc.integer({ min: -max, max }).filter((value) => value !== 0),
    { minLength: 1, maxLength: most },
  );

/** Any rule that the grammar takes, as text. @param ends - with COUNT or UNTIL, sometimes */
export function aRuleText({ ends }: { readonly ends: boolean }): fc.Arbitrary<string> {
  return fc.constantFrom(...FREQUENCIES).chain((freq) => {
    const mayOrdinal = freq === "MONTHLY" || freq === "YEARLY";
    const part = <Value>(name: string, values: fc.Arbitrary<readonly Value[]>, likely: number) =>
      fc.option(values, { freq: likely }).map((list) => (list === null ? [] : [`${name}=${list.join(",")}`]));
    const days = fc
      .uniqueArray(
        fc.tuple(
          fc.constantFrom(...WEEKDAYS),
          mayOrdinal ? fc.constantFrom("", "", "1", "2", "-1", "-2", "5") : fc.constant(""),
        ),
        { minLength: 1, maxLength: 4, selector: (pair) => pair.join() },
      )
      .map((list) => list.map(([day, ordinal]) => `${ordinal}${day}`));
    return fc
      .tuple(
        fc.option(fc.integer({ min: 1, max: 5 })).map((value) => (value ? [`INTERVAL=${value}`] : [])),
        part("BYMONTH", numbers(1, 12, 4), 1),
        freq === "WEEKLY" ? fc.constant([]) : part("BYMONTHDAY", signed(31, 4), 1),
        part("BYDAY", days, 1),
        part("BYHOUR", numbers(0, 23, 3), 1),
        part("BYMINUTE", numbers(0, 59, 3), 1),
        part("BYSETPOS", freq === "DAILY" ? fc.constantFrom([1], [-1]) : signed(5, 3), 1),
        fc.option(fc.constantFrom(...WEEKDAYS)).map((value) => (value ? [`WKST=${value}`] : [])),
        ends
          ? fc.oneof(
              fc.constant([]),
              fc.integer({ min: 1, max: 60 }).map((value) => [`COUNT=${value}`]),
              fc
                .integer({ min: 0, max: 1_500 })
                .map((days) => [
                  `UNTIL=${new Date(Date.UTC(2026, 0, 1 + days, 12)).toISOString().slice(0, 10).replaceAll("-", "")}T120000Z`,
                ]),
            )
          : fc.constant([]),
      )
      .map((parts) => {
        const named = parts.flat();
        const isChosenFrom = named.some((one) => /^BY(?!SETPOS)/.test(one));
        return [`FREQ=${freq}`, ...named.filter((one) => isChosenFrom || !one.startsWith("BYSETPOS"))].join(
          ";",
        );
      });
  });
}

let serial = 0;
/** An id that no other test of this process has. */
export const freshRecurrenceId = (): RecurrenceId =>
  asRecurrenceId(`01KR${(++serial).toString().padStart(22, "0")}`);

/** A recurrence at nine o'clock UTC, just created; a test names only the fields it is about. */
export function aRecurrence(over: Partial<Recurrence> = {}): Recurrence {
  const createdAt = new Date("2026-11-30T10:00:00.000Z");
  return {
    id: freshRecurrenceId(),
    ownerId: asOwnerId("owner-1"),
    projectId: asProjectId("project-1"),
    accountId: asAccountId("account-1"),
    isAny: false,
    name: "Good morning",
    schedule: aSchedule(),
    skips: [],
    status: "active",
    version: 1,
    rev: 1,
    contentRev: 1,
    strategy: "fixed",
    priority: 5,
    language: "en",
    latePolicy: DEFAULT_LATE_POLICY,
    maxRetries: 3,
    createdAt,
    updatedAt: createdAt,
    wakeAt: createdAt,
    ...over,
  };
}

/** What it says: three texts in rotation. */
export const aRecurrenceContent = (
  recurrence: Recurrence,
  over: Partial<RecurrenceContent> = {},
): RecurrenceContent => ({
  recurrenceId: recurrence.id,
  rev: recurrence.contentRev,
  variants: ["one", "two", "three"].map((text) => [{ text }]),
  media: [],
  overrides: {},
  ...over,
});

export const local = (text: string): LocalTime => {
  const time = readLocalTime(text);
  if (!time) throw new Error(`${text} is no time`);
  return time;
};
