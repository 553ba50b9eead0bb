import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatRule, readRule } from "#shared/domain/recurrence/rule.ts";
import { aRuleText } from "#test/support/recurrences.ts";

const read = (text: string) => {
  const rule = readRule(text);
  if (!rule.ok) throw new Error(rule.error.message);
  return rule.value;
};

describe("the grammar of rules", () => {
  it("reads every part, in any order and case, with RRULE: or without", () => {
    expect(
      read(
        "RRULE:interval=2; FREQ=monthly;BYDAY=-1FR,1mo;BYMONTH=12,3,3;BYSETPOS=-1,1;BYHOUR=18,9;BYMINUTE=30;WKST=SU;COUNT=10",
      ),
    ).toEqual({
      freq: "MONTHLY",
      interval: 2,
      count: 10,
      byMonth: [3, 12],
      byDay: [
        { weekday: "FR", ordinal: -1 },
        { weekday: "MO", ordinal: 1 },
      ],
      byHour: [9, 18],
      byMinute: [30],
      bySetPos: [-1, 1],
      weekStart: "SU",
    });
    expect(read("FREQ=DAILY")).toEqual({ freq: "DAILY", interval: 1 });
  });

  it.each([
    ["20261231", { kind: "local", at: "2026-12-31T23:59:59" }],
    ["2026-12-31", { kind: "local", at: "2026-12-31T23:59:59" }],
    ["20261231T090000", { kind: "local", at: "2026-12-31T09:00:00" }],
    ["20261231T090000Z", { kind: "instant", at: new Date("2026-12-31T09:00:00Z") }],
  ])("reads UNTIL=%s", (text, until) => {
    expect(read(`FREQ=DAILY;UNTIL=${text}`).until).toEqual(until);
  });

  it.each([
    ["", /empty/],
    ["DAILY", /no part “DAILY”/],
    ["FREQ=HOURLY", /FREQ is “HOURLY”; it takes DAILY, WEEKLY, MONTHLY or YEARLY/],
    ["BYHOUR=9", /FREQ is missing/],
    ["FREQ=DAILY;FREQ=DAILY", /FREQ is given twice/],
    ["FREQ=DAILY;BYHOURS=9", /no part “BYHOURS”\. Did you mean BYHOUR\?/],
    ["FREQ=DAILY;BYSECOND=9", /no part “BYSECOND”/],
    ["FREQ=YEARLY;BYWEEKNO=20", /no part “BYWEEKNO”/],
    ["FREQ=DAILY;", /no part/],
    ["FREQ=DAILY;BYHOUR=25", /BYHOUR has “25”; it takes 0 to 23/],
    ["FREQ=DAILY;BYHOUR=24", /BYHOUR has “24”/],
    ["FREQ=DAILY;BYHOUR=-1", /BYHOUR has “-1”/],
    ["FREQ=DAILY;BYHOUR=9.5", /BYHOUR has “9\.5”/],
    ["FREQ=DAILY;BYHOUR=9,,10", /BYHOUR has “”/],
    ["FREQ=DAILY;BYMINUTE=60", /BYMINUTE has “60”; it takes 0 to 59/],
    ["FREQ=MONTHLY;BYMONTHDAY=0", /BYMONTHDAY has “0”; it takes 1 to 31, or -31 to -1 from the end/],
    ["FREQ=MONTHLY;BYMONTHDAY=32", /BYMONTHDAY has “32”/],
    ["FREQ=MONTHLY;BYMONTHDAY=-32", /BYMONTHDAY has “-32”/],
    ["FREQ=WEEKLY;BYMONTHDAY=1", /BYMONTHDAY does not go with FREQ=WEEKLY/],
    ["FREQ=YEARLY;BYMONTH=13", /BYMONTH has “13”; it takes 1 to 12/],
    ["FREQ=YEARLY;BYMONTH=0", /BYMONTH has “0”/],
    ["FREQ=DAILY;INTERVAL=0", /INTERVAL has “0”; it takes 1 to 1000/],
    ["FREQ=DAILY;INTERVAL=1001", /INTERVAL has “1001”/],
    ["FREQ=DAILY;COUNT=0", /COUNT has “0”; it takes 1 to 10000/],
    ["FREQ=DAILY;COUNT=10001", /COUNT has “10001”/],
    ["FREQ=DAILY;COUNT=2;UNTIL=20261231", /COUNT and UNTIL are both given/],
    ["FREQ=DAILY;UNTIL=20260230", /UNTIL is “20260230”, which is no time/],
    ["FREQ=DAILY;UNTIL=tomorrow", /UNTIL is “TOMORROW”/],
    ["FREQ=WEEKLY;BYDAY=XX", /BYDAY has “XX”; it takes MO, TU/],
    ["FREQ=WEEKLY;BYDAY=1MO", /a number before the day goes with FREQ=MONTHLY or YEARLY only/],
    ["FREQ=DAILY;BYDAY=1MO", /a number before the day/],
    ["FREQ=MONTHLY;BYDAY=6MO", /the number before the day is 1 to 5/],
    ["FREQ=MONTHLY;BYDAY=0MO", /the number before the day is 1 to 5/],
    ["FREQ=YEARLY;BYMONTH=3;BYDAY=-6MO", /the number before the day is 1 to 5/],
    ["FREQ=YEARLY;BYDAY=54MO", /the number before the day is 1 to 53/],
    ["FREQ=MONTHLY;BYSETPOS=1", /BYSETPOS chooses among what another BY part names/],
    ["FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", /BYSETPOS has “0”/],
    ["FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", /BYSETPOS has “367”; it takes 1 to 366/],
    ["FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=0,10,20,30,40", /5 × 5 = 25 times a day; at most 24/],
    ["FREQ=DAILY;BYHOUR=1,2;BYSETPOS=-3", /BYSETPOS has “3”, and only 2 of a day/],
    ["FREQ=WEEKLY;WKST=MONDAY", /WKST is “MONDAY”/],
    [`FREQ=DAILY;BYHOUR=${"9,".repeat(600)}9`, /at most 1000/],
  ])("refuses %s", (text, message) => {
    expect(readRule(text)).toEqual({
      ok: false,
      error: {
        code: "bad-rule",
        message: expect.stringMatching(message),
        remedy: expect.stringContaining("FREQ"),
      },
    });
  });

  it("takes exactly 24 times a day", () => {
    expect(read("FREQ=DAILY;BYHOUR=1,2,3,4,5,6;BYMINUTE=0,10,20,30").byHour).toHaveLength(6);
  });

  it("writes a rule so that it is read as the same", () => {
    fc.assert(
      fc.property(aRuleText({ ends: true }), (text) => {
        const rule = read(text);
        expect(read(formatRule(rule))).toEqual(rule);
        expect(formatRule(read(formatRule(rule)))).toBe(formatRule(rule));
      }),
      { numRuns: 500 },
    );
  });

  it("never does anything but answer, whatever is written", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ size: "max", maxLength: 2_000 }),
          aRuleText({ ends: true }).chain((text) => fc.string().map((junk) => `${text};${junk}`)),
        ),
        (text) => {
          const rule = readRule(text);
          if (!rule.ok) expect(rule.error.code).toBe("bad-rule");
        },
      ),
    );
  });
});
