import fc from "fast-check";
import rrule from "rrule";
import { describe, expect, it } from "vitest";
import { listOccurrences, nextOccurrence } from "#shared/domain/recurrence/occurrences.ts";
import { readSchedule, type ScheduleText } from "#shared/domain/recurrence/read-recurrence.ts";
import { formatRule } from "#shared/domain/recurrence/rule.ts";
import type { Schedule } from "#shared/domain/recurrence/schedule.ts";
import { aRuleText, aSchedule } from "#test/support/recurrences.ts";

const instant = (text: string): Date => new Date(text);

/** Local times and instants between two instants. */
const list = (over: Partial<ScheduleText>, after: string, until: string) =>
  listOccurrences(aSchedule(over), { after: instant(after), until: instant(until) });
const instants = (over: Partial<ScheduleText>, after: string, until: string) =>
  list(over, after, until).map(({ at }) => at.toISOString().replace(":00.000Z", "Z"));

describe("the clocks of four zones", () => {
  // zone, rule, first day before the change, last day after it, instants
  it.each([
    // New York goes from 02:00 to 03:00 on 8 March 2026, and back from 02:00 to 01:00 on 1 November.
    [
      "America/New_York",
      "2026-03-07 02:30",
      "skips 02:30, so 03:30 is taken",
      ["2026-03-07T07:30Z", "2026-03-08T07:30Z", "2026-03-09T06:30Z"],
    ],
    [
      "America/New_York",
      "2026-03-07 02:00",
      "skips the first instant of the gap too",
      ["2026-03-07T07:00Z", "2026-03-08T07:00Z", "2026-03-09T06:00Z"],
    ],
    [
      "America/New_York",
      "2026-03-07 03:00",
      "has 03:00, the end of the gap",
      ["2026-03-07T08:00Z", "2026-03-08T07:00Z", "2026-03-09T07:00Z"],
    ],
    [
      "America/New_York",
      "2026-10-31 01:30",
      "repeats 01:30, and the first is taken",
      ["2026-10-31T05:30Z", "2026-11-01T05:30Z", "2026-11-02T06:30Z"],
    ],
    // Berlin goes from 02:00 to 03:00 on 29 March 2026, and back from 03:00 to 02:00 on 25 October.
    [
      "Europe/Berlin",
      "2026-03-28 02:15",
      "skips 02:15, so 03:15 is taken",
      ["2026-03-28T01:15Z", "2026-03-29T01:15Z", "2026-03-30T00:15Z"],
    ],
    [
      "Europe/Berlin",
      "2026-10-24 02:15",
      "repeats 02:15, and the first is taken",
      ["2026-10-24T00:15Z", "2026-10-25T00:15Z", "2026-10-26T01:15Z"],
    ],
    [
      "Europe/Berlin",
      "2026-10-24 09:00",
      "stays at nine by its own clocks",
      ["2026-10-24T07:00Z", "2026-10-25T08:00Z", "2026-10-26T08:00Z"],
    ],
    // Lord Howe goes by half an hour: from 02:00 to 02:30 on 4 October 2026, and back from 02:00 to 01:30 on 5 April.
    [
      "Australia/Lord_Howe",
      "2026-10-03 02:15",
      "skips 02:15, so 02:45 is taken",
      ["2026-10-02T15:45Z", "2026-10-03T15:45Z", "2026-10-04T15:15Z"],
    ],
    [
      "Australia/Lord_Howe",
      "2026-04-04 01:45",
      "repeats 01:45, and the first is taken",
      ["2026-04-03T14:45Z", "2026-04-04T14:45Z", "2026-04-05T15:15Z"],
    ],
    // Shanghai has had no change since 1991.
    [
      "Asia/Shanghai",
      "2026-03-28 02:30",
      "has every time once",
      ["2026-03-27T18:30Z", "2026-03-28T18:30Z", "2026-03-29T18:30Z"],
    ],
  ])("%s, daily from %s: %s", (timeZone, dtStart, _, expected) => {
    expect(instants({ rule: "FREQ=DAILY;COUNT=3", dtStart, timeZone }, "2026-01-01", "2027-01-01")).toEqual(
      expected,
    );
  });

  it("says which one was moved, and keeps the time that the rule names", () => {
    const named = list(
      { rule: "FREQ=DAILY;COUNT=3", dtStart: "2026-03-07 02:30", timeZone: "America/New_York" },
      "2026-01-01",
      "2027-01-01",
    );
    expect(named.map(({ local, isShifted, index }) => [local, isShifted, index])).toEqual([
      ["2026-03-07T02:30:00", false, 0],
      ["2026-03-08T02:30:00", true, 1],
      ["2026-03-09T02:30:00", false, 2],
    ]);
  });

  it("posts once where a moved one meets the next", () => {
    const rule = "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=30;COUNT=6";
    expect(
      instants(
        { rule, dtStart: "2026-03-07 00:00", timeZone: "America/New_York" },
        "2026-01-01",
        "2027-01-01",
      ),
    ).toEqual([
      "2026-03-07T07:30Z",
      "2026-03-07T08:30Z",
      // 02:30 does not exist and would be 03:30, which is due anyway.
      "2026-03-08T07:30Z",
      "2026-03-09T06:30Z",
      "2026-03-09T07:30Z",
    ]);
  });

  it("posts the moved one when the next is excluded", () => {
    const rule = "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=30;COUNT=4";
    const over = { rule, dtStart: "2026-03-08 00:00", timeZone: "America/New_York" };
    expect(
      instants({ ...over, exDates: ["2026-03-08 03:30"] }, "2026-03-08T05:00Z", "2026-03-09T04:00Z"),
    ).toEqual(["2026-03-08T07:30Z"]);
  });

  it("keeps the order of instants where a moved one is overtaken", () => {
    const found = list(
      {
        rule: "FREQ=DAILY;BYHOUR=2;BYMINUTE=15,30;COUNT=2",
        dtStart: "2026-10-04 00:00",
        timeZone: "Australia/Lord_Howe",
      },
      "2026-10-03",
      "2026-10-05",
    );
    // 02:15 becomes 02:45, and 02:30 is the end of the gap.
    expect(found.map(({ local }) => local.slice(11, 16))).toEqual(["02:30", "02:15"]);
  });
});

describe("what a schedule means", () => {
  it("counts what is taken out, and numbers each by what the rule and added dates name", () => {
    const over = {
      rule: "FREQ=DAILY;COUNT=5",
      exDates: ["2026-12-02 09:00", "20261204"],
      rDates: ["2026-12-03 12:00", "2026-12-01 09:00"],
    };
    expect(
      list(over, "2026-11-01", "2027-01-01").map(({ local, index }) => [local.slice(5, 16), index]),
    ).toEqual([
      ["12-01T09:00", 0],
      ["12-03T09:00", 2],
      ["12-03T12:00", 3],
      ["12-05T09:00", 5],
    ]);
  });

  it("looks after an instant and until another, which belongs to it", () => {
    expect(instants({}, "2026-12-02T09:00Z", "2026-12-04T09:00Z")).toEqual([
      "2026-12-03T09:00Z",
      "2026-12-04T09:00Z",
    ]);
  });

  it("numbers the same occurrence the same, wherever the look begins", () => {
    const late = list({}, "2028-06-01", "2028-06-02");
    expect(late.map(({ index }) => index)).toEqual([548]);
  });

  it.each([
    ["UNTIL=20261203", ["2026-12-01T08:00Z", "2026-12-02T08:00Z", "2026-12-03T08:00Z"]],
    ["UNTIL=20261203T090000", ["2026-12-01T08:00Z", "2026-12-02T08:00Z", "2026-12-03T08:00Z"]],
    ["UNTIL=20261203T085959", ["2026-12-01T08:00Z", "2026-12-02T08:00Z"]],
    ["UNTIL=20261203T080000Z", ["2026-12-01T08:00Z", "2026-12-02T08:00Z", "2026-12-03T08:00Z"]],
    ["UNTIL=20261203T075959Z", ["2026-12-01T08:00Z", "2026-12-02T08:00Z"]],
  ])("ends with %s", (until, expected) => {
    expect(
      instants({ rule: `FREQ=DAILY;${until}`, timeZone: "Europe/Berlin" }, "2026-11-01", "2027-01-01"),
    ).toEqual(expected);
  });

  it("begins with its start only if the rule names it", () => {
    expect(instants({ rule: "FREQ=WEEKLY;BYDAY=TH;COUNT=2" }, "2026-11-01", "2027-01-01")).toEqual([
      "2026-12-03T09:00Z",
      "2026-12-10T09:00Z",
    ]);
  });

  it("leaves out days that a month does not have", () => {
    const found = list({ rule: "FREQ=MONTHLY", dtStart: "2027-01-31 09:00" }, "2027-01-01", "2027-09-01");
    expect(found.map(({ local }) => local.slice(5, 10))).toEqual([
      "01-31",
      "03-31",
      "05-31",
      "07-31",
      "08-31",
    ]);
  });

  it("keeps 29 February to leap years", () => {
    expect(nextOccurrence(aSchedule({ rule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29" }))?.local).toBe(
      "2028-02-29T09:00:00",
    );
  });

  it("finds the next one, however far it is, and none after the last", () => {
    const fridays = aSchedule({ rule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO" });
    expect(nextOccurrence(fridays, instant("2026-12-01"))?.local).toBe("2044-02-29T09:00:00");
    const three = aSchedule({ rule: "FREQ=DAILY;COUNT=3" });
    expect(nextOccurrence(three, instant("2026-12-02T09:00Z"))?.at).toEqual(instant("2026-12-03T09:00Z"));
    expect(nextOccurrence(three, instant("2026-12-03T09:00Z"))).toBeUndefined();
  });

  it("finds an added date that is before the start", () => {
    const early = aSchedule({ rDates: ["2026-11-01 12:00"] });
    expect(nextOccurrence(early)?.local).toBe("2026-11-01T12:00:00");
  });
});

const WINDOW = { after: instant("2026-01-01T00:00:00Z"), until: instant("2028-03-02T00:00:00Z") };

/** The same by another library. @see https://www.npmjs.com/package/rrule */
function listByAnother({ rule, dtStart }: Schedule): readonly string[] {
  const start = dtStart.replaceAll(/[-:]/g, "");
  const other = rrule.rrulestr(`DTSTART:${start}Z\nRRULE:${formatRule(rule)}`);
  return other
    .between(WINDOW.after, WINDOW.until, true)
    .filter((at) => at > WINDOW.after)
    .map((at) => at.toISOString());
}

describe("a second implementation", () => {
  it("agrees on thousands of rules, where no clocks change", () => {
    let compared = 0;
    let named = 0;
    fc.assert(
      fc.property(
        aRuleText({ ends: true }),
        fc.integer({ min: 0, max: 700 }),
        fc.integer({ min: 0, max: 1_439 }),
        (rule, day, minute) => {
          const dtStart = new Date(Date.UTC(2026, 0, 1 + day, 0, minute)).toISOString().slice(0, 16);
          const read = readSchedule({ rule, dtStart, timeZone: "UTC" });
          // The other library would look until the year 9999.
          if (!read.ok) {
            expect(read.error.why.code).toBe("never-occurs");
            return;
          }
          const schedule = read.value;
          const ours = listOccurrences(schedule, WINDOW).map(({ at }) => at.toISOString());
          expect(ours).toEqual(listByAnother(schedule));
          compared++;
          named += ours.length;
        },
      ),
      { numRuns: 2_500 },
    );
    expect(compared).toBeGreaterThan(2_000);
    expect(named).toBeGreaterThan(50_000);
  }, 60_000);
});

describe("properties", () => {
  it("a look in two parts finds what one look finds", () => {
    fc.assert(
      fc.property(
        aRuleText({ ends: false }),
        fc.constantFrom("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Shanghai"),
        fc.integer({ min: 1, max: 399 }),
        (rule, timeZone, day) => {
          const read = readSchedule({ rule, timeZone, dtStart: "2026-01-01 02:15" });
          if (!read.ok) {
            expect(read.error.why.code).toBe("never-occurs");
            return;
          }
          const schedule = read.value;
          const all = { after: instant("2026-01-01"), until: instant("2027-02-05") };
          const middle = new Date(all.after.getTime() + day * 86_400_000);
          const whole = listOccurrences(schedule, all);
          expect([
            ...listOccurrences(schedule, { ...all, until: middle }),
            ...listOccurrences(schedule, { ...all, after: middle }),
          ]).toEqual(whole);
          const times = whole.map(({ at }) => at.getTime());
          expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
        },
      ),
      { numRuns: 300 },
    );
  });
});
