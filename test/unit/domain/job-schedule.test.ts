import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import {
  type JobSchedule,
  MAX_INTERVAL_MS,
  MIN_INTERVAL_MS,
  nextPlannedAt,
  parseCron,
} from "#shared/domain/job-schedule.ts";

const MINUTE_MS = 60_000;
const now = new Date("2026-12-01T01:00:00.000Z");

const read = (cron: string, timeZone = "UTC") => parseCron({ cron, timeZone }, now);

/** The next `count` instants of a rule after `after`. */
function instantsOf(cron: string, timeZone: string, after: string, count: number): string[] {
  const parsed = read(cron, timeZone);
  if (!parsed.ok) throw new Error(parsed.error.message);
  const found: string[] = [];
  let at = new Date(after);
  for (let index = 0; index < count; index++) {
    const next = nextPlannedAt(parsed.value, at, at);
    if (!next) break;
    found.push(next.toISOString());
    at = next;
  }
  return found;
}

describe("a rule of five fields", () => {
  it.each([
    ["0 9 * * *", "2026-12-01T09:00:00.000Z"],
    ["  5   0 1  1 *  ", "2027-01-01T00:05:00.000Z"],
    ["*/15 * * * *", "2026-12-01T01:15:00.000Z"],
    ["10-30/10,45 8,20 * * *", "2026-12-01T08:10:00.000Z"],
    ["0 0 * * 0", "2026-12-06T00:00:00.000Z"],
    ["0 0 * * 7", "2026-12-06T00:00:00.000Z"],
    ["0 0 * * sun", "2026-12-06T00:00:00.000Z"],
    ["0 0 * * FRI-SUN", "2026-12-04T00:00:00.000Z"],
    ["0 0 1 feb,MAR *", "2027-02-01T00:00:00.000Z"],
    ["0 0 29 2 *", "2028-02-29T00:00:00.000Z"],
    ["00 09 * * *", "2026-12-01T09:00:00.000Z"],
  ])("%j comes next at %s", (cron, next) => {
    expect(instantsOf(cron, "UTC", now.toISOString(), 1)).toEqual([next]);
  });

  it("is kept with single spaces and otherwise as it was written", () => {
    expect(read("  0  9 * *   MON-FRI ", "Asia/Shanghai")).toEqual({
      ok: true,
      value: { kind: "cron", cron: "0 9 * * MON-FRI", timeZone: "Asia/Shanghai" },
    });
  });

  it("comes on either day when both are restricted, as in every cron", () => {
    expect(instantsOf("0 0 13 * FRI", "UTC", "2026-12-01T00:00:00Z", 4)).toEqual([
      "2026-12-04T00:00:00.000Z",
      "2026-12-11T00:00:00.000Z",
      "2026-12-13T00:00:00.000Z",
      "2026-12-18T00:00:00.000Z",
    ]);
  });

  // What the library takes beyond five fields, and what it would read in its own way.
  it.each([
    "0 0 9 * * *",
    "0 9 * * * * 2027",
    "0 9 * *",
    "",
    "@daily",
    "@reboot",
    "2026-12-24T18:00:00",
    "0 0 L * *",
    "0 0 15W * *",
    "0 0 ? * *",
    "0 0 * * MON#1",
    "0 0 * * FRIL",
    "0 0 1 * +1",
    "5/15 * * * *",
    "*/0 * * * *",
    "*/60 * * * *",
    "0 */24 * * *",
    "60 * * * *",
    "0 24 * * *",
    "0 0 0 * *",
    "0 0 32 * *",
    "0 0 * 13 *",
    "0 0 * 0 *",
    "0 0 * * 8",
    "0 22-2 * * *",
    "0 0 * * 5-1",
    "0 0 * * SUNDAY",
    "0 0 * jan-mon *",
    "1,,2 * * * *",
    "-1 * * * *",
    "1.5 * * * *",
    "*-5 * * * *",
    "* * * * * ; ls",
    "٣ * * * *",
  ])("is not %j", (cron) => {
    expect(read(cron)).toMatchObject({ ok: false, error: { code: "bad-schedule" } });
  });

  it("says which field is wrong", () => {
    expect(read("0 25 * * *")).toMatchObject({
      error: { field: "cron", message: "“25” is no hour: 0 to 23, * or a range, the last two with a step." },
    });
    expect(read("0 9 * * *", "Mars/Olympus")).toMatchObject({
      error: { field: "timeZone", message: "There is no time zone “Mars/Olympus”." },
    });
  });

  it.each(["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30-31 FEB *"])("is not %j, which never comes", (cron) => {
    expect(read(cron)).toMatchObject({
      error: { code: "bad-schedule", message: expect.stringContaining("never comes") },
    });
  });

  it.each(["Nowhere", "+08:00", "", "UTC+8", "Europe/Berlin\n"])("has no zone %j", (timeZone) => {
    expect(read("0 9 * * *", timeZone)).toMatchObject({ ok: false, error: { code: "bad-schedule" } });
  });
});

describe("clock changes", () => {
  // Berlin skips 02:00–03:00 on 29 March and repeats it on 25 October; New York skips 02:00–03:00 on 8 March and
  // repeats 01:00–02:00 on 1 November. https://www.iana.org/time-zones
  it.each([
    [
      "a time that is skipped comes right after the gap",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-03-28T12:00:00Z",
      ["2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"],
    ],
    [
      "a time that is skipped comes right after the gap",
      "30 2 * * *",
      "America/New_York",
      "2026-03-07T12:00:00Z",
      ["2026-03-08T07:00:00.000Z", "2026-03-09T06:30:00.000Z"],
    ],
    [
      "so does one of a list",
      "30 2,14 * * *",
      "Europe/Berlin",
      "2026-03-28T14:00:00Z",
      ["2026-03-29T01:00:00.000Z", "2026-03-29T12:30:00.000Z"],
    ],
    [
      "a time that comes twice is taken once, the first",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-24T12:00:00Z",
      ["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"],
    ],
    [
      "a time that comes twice is taken once, the first",
      "30 1 * * *",
      "America/New_York",
      "2026-10-31T12:00:00Z",
      ["2026-11-01T05:30:00.000Z", "2026-11-02T06:30:00.000Z"],
    ],
    [
      "a rule with a step counts what the wall shows: none in the gap",
      "*/30 2 * * *",
      "Europe/Berlin",
      "2026-03-28T12:00:00Z",
      ["2026-03-30T00:00:00.000Z", "2026-03-30T00:30:00.000Z"],
    ],
    [
      "a rule with * has no hole in the gap",
      "*/30 * * * *",
      "America/New_York",
      "2026-03-08T06:15:00Z",
      ["2026-03-08T06:30:00.000Z", "2026-03-08T07:00:00.000Z", "2026-03-08T07:30:00.000Z"],
    ],
    [
      "a rule with * comes in both hours of the fold",
      "30 * * * *",
      "Europe/Berlin",
      "2026-10-24T23:45:00Z",
      ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z", "2026-10-25T02:30:00.000Z"],
    ],
    [
      "a rule with * comes in both hours of the fold",
      "0 * * * *",
      "America/New_York",
      "2026-11-01T04:30:00Z",
      ["2026-11-01T05:00:00.000Z", "2026-11-01T06:00:00.000Z", "2026-11-01T07:00:00.000Z"],
    ],
  ])("%s: %s in %s", (_, cron, timeZone, after, expected) => {
    expect(instantsOf(cron, timeZone, after, expected.length)).toEqual(expected);
  });
});

describe("the next instant of a rule", () => {
  const numbers = (min: number, max: number) =>
    fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 4 });
  const zones = fc.constantFrom("UTC", "Asia/Shanghai", "Asia/Kathmandu", "America/Sao_Paulo");

  it("is the first minute that the wall shows, as a second reading finds it minute by minute", () => {
    fc.assert(
      fc.property(
        numbers(0, 59),
        numbers(0, 23),
        fc.option(numbers(0, 6), { nil: undefined }),
        // These zones have no clock changes in these years.
        zones,
        fc.date({ min: new Date("2024-01-01"), max: new Date("2029-01-01"), noInvalidDate: true }),
        (minutes, hours, weekdays, timeZone, after) => {
          const cron = `${minutes.join()} ${hours.join()} * * ${weekdays?.join() ?? "*"}`;
          const parsed = parseCron({ cron, timeZone }, after);
          if (!parsed.ok) throw new Error(parsed.error.message);
          const next = nextPlannedAt(parsed.value, after, after);

          let wall = Temporal.Instant.fromEpochMilliseconds(
            (Math.floor(after.getTime() / MINUTE_MS) + 1) * MINUTE_MS,
          ).toZonedDateTimeISO(timeZone);
          const isHour = () =>
            (weekdays === undefined || weekdays.includes(wall.dayOfWeek % 7)) && hours.includes(wall.hour);
          while (!(isHour() && minutes.includes(wall.minute)))
            wall = isHour() ? wall.add({ minutes: 1 }) : wall.add({ hours: 1 }).with({ minute: 0 });
          expect(next?.getTime()).toBe(wall.epochMilliseconds);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is after the one before in every zone, at a whole minute, and never two in one", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("*/7 * * * *", "30 2 * * *", "15 1,2 * * 0", "0 0 1 */3 *", "*/20 1-3 * * *"),
        fc.constantFrom("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"),
        fc.date({ min: new Date("2024-01-01"), max: new Date("2029-01-01"), noInvalidDate: true }),
        (cron, timeZone, after) => {
          const found = [after.toISOString(), ...instantsOf(cron, timeZone, after.toISOString(), 6)];
          expect(found).toHaveLength(7);
          for (const [index, instant] of found.entries()) {
            if (index === 0) continue;
            expect(Date.parse(instant) % MINUTE_MS).toBe(0);
            expect(instant > (found[index - 1] ?? "")).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("an interval", () => {
  const every = (everyMs: number): JobSchedule => ({ kind: "interval", everyMs });

  it("counts from the planned instant, however late it was noticed", () => {
    const planned = new Date("2026-12-01T01:00:00.000Z");
    const late = (ms: number) => new Date(planned.getTime() + ms);
    expect(nextPlannedAt(every(90_000), planned, late(30_000))).toEqual(late(90_000));
    expect(nextPlannedAt(every(90_000), planned, late(89_999))).toEqual(late(90_000));
    expect(nextPlannedAt(every(90_000), planned, late(90_000))).toEqual(late(180_000));
  });

  it("never drifts, and skips what was missed", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: MIN_INTERVAL_MS, max: MAX_INTERVAL_MS }),
        fc.integer({ min: -MAX_INTERVAL_MS, max: 400 * MAX_INTERVAL_MS }),
        (everyMs, lateMs) => {
          const at = new Date(now.getTime() + lateMs);
          const next = nextPlannedAt(every(everyMs), now, at)?.getTime() ?? 0;
          expect((next - now.getTime()) % everyMs).toBe(0);
          expect(next).toBeGreaterThan(Math.max(now.getTime(), at.getTime()));
          expect(next - everyMs).toBeLessThanOrEqual(Math.max(now.getTime(), at.getTime()));
        },
      ),
    );
  });
});
