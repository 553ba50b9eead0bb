import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import {
  blackoutUntil,
  checkThreadSpan,
  decidePolicy,
  PARKING_CODES,
  parking,
  threadMs,
} from "#shared/domain/policy.ts";
import { MAX_PARTS } from "#shared/domain/task.ts";

const instant = (iso: string) => new Date(iso);
const night = { fromHour: 22, toHour: 6 };

describe("checkThreadSpan", () => {
  const check = (slot: string, parts: number, blackout: typeof night | undefined = night) =>
    checkThreadSpan({ ...(blackout && { blackout }) }, "UTC", instant(slot), parts)?.code;

  it("refuses a thread whose last part would be due in a blackout, and no other", () => {
    // Four parts take 18 s.
    expect(check("2026-12-01T21:59:42.000Z", 4)).toBe("thread-meets-blackout");
    expect(check("2026-12-01T21:59:41.999Z", 4)).toBeUndefined();
    expect(check("2026-12-01T21:59:59.999Z", 1)).toBeUndefined();
  });

  it("leaves alone what begins in a blackout, since it waits for the end, and what knows none", () => {
    expect(check("2026-12-01T23:00:00.000Z", 4)).toBeUndefined();
    expect(checkThreadSpan(undefined, "UTC", instant("2026-12-01T21:59:59Z"), 4)).toBeUndefined();
  });
});

describe("blackoutUntil", () => {
  it.each([
    ["the minute before it", "2026-12-01T21:59:59.999Z", undefined],
    ["its first instant", "2026-12-01T22:00:00.000Z", "2026-12-02T06:00:00.000Z"],
    ["before midnight", "2026-12-01T23:59:59.999Z", "2026-12-02T06:00:00.000Z"],
    ["after midnight", "2026-12-02T00:00:00.000Z", "2026-12-02T06:00:00.000Z"],
    ["its last millisecond", "2026-12-02T05:59:59.999Z", "2026-12-02T06:00:00.000Z"],
    ["its end", "2026-12-02T06:00:00.000Z", undefined],
  ])("over midnight: %s", (_, now, until) => {
    expect(blackoutUntil({ blackout: night }, "UTC", instant(now))).toEqual(until && instant(until));
  });

  it("within a day, and up to midnight", () => {
    const noon = { fromHour: 12, toHour: 14 };
    expect(blackoutUntil({ blackout: noon }, "Asia/Shanghai", instant("2026-12-01T04:00:00Z"))).toEqual(
      instant("2026-12-01T06:00:00Z"),
    );
    expect(
      blackoutUntil({ blackout: noon }, "Asia/Shanghai", instant("2026-12-01T12:00:00Z")),
    ).toBeUndefined();
    expect(
      blackoutUntil({ blackout: { fromHour: 22, toHour: 24 } }, "UTC", instant("2026-12-01T23:00:00Z")),
    ).toEqual(instant("2026-12-02T00:00:00Z"));
  });

  it("is none without hours", () => {
    expect(blackoutUntil(undefined, "UTC", instant("2026-12-01T23:00:00Z"))).toBeUndefined();
    expect(blackoutUntil({ blackoutDates: [] }, "UTC", instant("2026-12-01T23:00:00Z"))).toBeUndefined();
    expect(
      blackoutUntil({ blackout: { fromHour: 7, toHour: 7 } }, "UTC", instant("2026-12-01T07:00:00Z")),
    ).toBeUndefined();
  });

  it("is a bug when it would last for ever: freeze the project instead", () => {
    const always = { blackout: { fromHour: 0, toHour: 24 }, blackoutDates: ["2026-12-03"] };
    expect(() => blackoutUntil(always, "UTC", instant("2026-12-01T07:00:00Z"))).toThrow(RangeError);
  });

  it("knows zones that are off by quarters of an hour", () => {
    const now = instant("2026-12-01T16:15:00Z");
    expect(blackoutUntil({ blackout: night }, "Asia/Kathmandu", now)).toEqual(
      instant("2026-12-02T00:15:00Z"),
    );
    expect(blackoutUntil({ blackout: night }, "Asia/Kathmandu", new Date(now.getTime() - 1))).toBeUndefined();
  });

  // The clocks as they stand: an hour that is skipped is no blackout, one that is repeated is one twice.
  it.each([
    ["New York, gap", "America/New_York", "2026-03-08T06:30:00Z", 1, 3, "2026-03-08T07:00:00Z"],
    ["New York, gap only", "America/New_York", "2026-03-08T07:00:00Z", 2, 3, undefined],
    ["New York, fold, first", "America/New_York", "2026-11-01T05:30:00Z", 1, 2, "2026-11-01T07:00:00Z"],
    ["New York, fold, second", "America/New_York", "2026-11-01T06:30:00Z", 1, 2, "2026-11-01T07:00:00Z"],
    ["Vienna, gap in the night", "Europe/Vienna", "2026-03-28T22:00:00Z", 22, 6, "2026-03-29T04:00:00Z"],
    ["Vienna, fold in the night", "Europe/Vienna", "2026-10-24T21:00:00Z", 22, 6, "2026-10-25T05:00:00Z"],
    [
      "Lord Howe, gap of half an hour",
      "Australia/Lord_Howe",
      "2026-10-03T15:00:00Z",
      1,
      3,
      "2026-10-03T16:00:00Z",
    ],
    [
      "Lord Howe, fold of half an hour",
      "Australia/Lord_Howe",
      "2026-04-04T14:30:00Z",
      1,
      2,
      "2026-04-04T15:30:00Z",
    ],
    ["Santiago, gap at midnight", "America/Santiago", "2026-09-06T03:00:00Z", 23, 1, "2026-09-06T04:00:00Z"],
    ["Santiago, fold at midnight", "America/Santiago", "2026-04-05T02:30:00Z", 23, 0, "2026-04-05T04:00:00Z"],
  ])("%s", (_, zone, now, fromHour, toHour, until) => {
    const blackout = { fromHour, toHour };
    expect(blackoutUntil({ blackout }, zone, instant(now))).toEqual(until && instant(until));
  });

  it("ends at the first minute that is not black by the clocks, in every zone and around every change", () => {
    const zones = [
      "America/New_York",
      "Europe/Vienna",
      "Australia/Lord_Howe",
      "America/Santiago",
      "Asia/Kathmandu",
    ];
    const changes = [
      "2026-03-08T07:00:00Z",
      "2026-11-01T06:00:00Z",
      "2026-03-29T01:00:00Z",
      "2026-10-25T01:00:00Z",
      "2026-04-04T15:00:00Z",
      "2026-10-03T15:30:00Z",
      "2026-04-05T03:00:00Z",
      "2026-09-06T04:00:00Z",
      "2026-07-01T00:00:00Z",
    ];
    const hours = fc.integer({ min: 0, max: 23 });
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(...changes),
        fc.integer({ min: -30 * 60, max: 30 * 60 }),
        fc.nat(3),
        hours,
        hours,
        fc.uniqueArray(fc.integer({ min: -2, max: 2 }), { maxLength: 3 }),
        (zone, change, minutes, lengthMinutes, fromHour, toHour, blackDays) => {
          const from = Date.parse(change) + minutes * 60_000;
          const at = (ms: number) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
          const dates = blackDays.map((days) => at(from).toPlainDate().add({ days }).toString());
          const isBlackHour = (hour: number) =>
            fromHour <= toHour ? hour >= fromHour && hour < toHour : hour >= fromHour || hour < toHour;
          const isBlack = (ms: number) =>
            isBlackHour(at(ms).hour) || dates.includes(at(ms).toPlainDate().toString());
          let begin: number | undefined;
          for (let ms = from; ms <= from + lengthMinutes * 60_000; ms += 60_000)
            if (isBlack(ms)) {
              begin = ms;
              break;
            }
          let end = begin;
          while (end !== undefined && isBlack(end)) end += 60_000;
          const to = new Date(from + lengthMinutes * 60_000);
          const rules = {
            blackout: { fromHour, toHour },
            blackoutDates: dates.slice(0, 1),
            holidays: [{ name: "rest", dates: dates.slice(1) }],
          };
          expect(blackoutUntil(rules, zone, new Date(from), to)).toEqual(
            end === undefined ? undefined : new Date(end),
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("days without posts", () => {
  const christmas = { blackoutDates: ["2026-12-25"] };

  it.each([
    ["the evening before", christmas, "Europe/Vienna", "2026-12-24T22:59:59.999Z", undefined],
    [
      "its first instant by the project's clocks",
      christmas,
      "Europe/Vienna",
      "2026-12-24T23:00:00Z",
      "2026-12-25T23:00:00Z",
    ],
    ["its last one", christmas, "Europe/Vienna", "2026-12-25T22:59:59.999Z", "2026-12-25T23:00:00Z"],
    ["the day after", christmas, "Europe/Vienna", "2026-12-25T23:00:00Z", undefined],
    [
      "one of two lists, and the hours that follow",
      {
        blackout: { fromHour: 0, toHour: 7 },
        holidays: [
          { name: "a", dates: ["2026-01-01"] },
          { name: "b", dates: ["2026-12-25", "2026-12-26"] },
        ],
      },
      "UTC",
      "2026-12-25T00:30:00Z",
      "2026-12-27T07:00:00Z",
    ],
    [
      "hours that lead into it",
      { blackout: { fromHour: 22, toHour: 24 }, ...christmas },
      "UTC",
      "2026-12-24T22:00:00Z",
      "2026-12-26T00:00:00Z",
    ],
    [
      "a day of 23 hours",
      { blackoutDates: ["2026-03-29"] },
      "Europe/Vienna",
      "2026-03-28T23:30:00Z",
      "2026-03-29T22:00:00Z",
    ],
    [
      "a day of 25 hours",
      { blackoutDates: ["2026-10-25"] },
      "Europe/Vienna",
      "2026-10-24T22:00:00Z",
      "2026-10-25T23:00:00Z",
    ],
    [
      "a day that begins at 1:00",
      { blackoutDates: ["2026-09-06"] },
      "America/Santiago",
      "2026-09-06T04:00:00Z",
      "2026-09-07T03:00:00Z",
    ],
    [
      "a day whose last hour is repeated",
      { blackoutDates: ["2026-04-04"] },
      "America/Santiago",
      "2026-04-05T02:30:00Z",
      "2026-04-05T04:00:00Z",
    ],
    [
      "a date that does not exist",
      { blackoutDates: ["2026-02-30"] },
      "UTC",
      "2026-03-02T01:00:00Z",
      undefined,
    ],
  ])("%s", (_, rules, zone, now, until) => {
    expect(blackoutUntil(rules, zone, instant(now))).toEqual(until && instant(until));
  });

  it("follow each other for a year, and still end", () => {
    const first = Date.parse("2026-01-01T00:00:00Z");
    const blackoutDates = Array.from({ length: 365 }, (__, day) =>
      new Date(first + day * 86_400_000).toISOString().slice(0, 10),
    );
    const rules = { blackoutDates, blackout: { fromHour: 1, toHour: 0 } };
    expect(blackoutUntil(rules, "Asia/Shanghai", instant("2025-12-31T16:00:00Z"))).toEqual(
      instant("2026-12-31T16:00:00Z"),
    );
  });

  it("park a post, and cut no thread", () => {
    const parked = decidePolicy(christmas, "UTC", instant("2026-12-24T23:59:55Z"), 2);
    expect(parked).toMatchObject({ code: "blackout", known: true, until: instant("2026-12-26T00:00:00Z") });
    expect(checkThreadSpan(christmas, "UTC", instant("2026-12-24T23:59:55Z"), 2)?.code).toBe(
      "thread-meets-blackout",
    );
  });
});

describe("decidePolicy", () => {
  const now = instant("2026-12-01T12:00:00Z");

  it("lets everything pass that the project allows", () => {
    expect(decidePolicy({}, "UTC", now, 25)).toBeUndefined();
    expect(decidePolicy({ frozen: false, blackout: night }, "UTC", now, 25)).toBeUndefined();
  });

  it("lets nothing pass while the project is frozen, and does not know for how long", () => {
    expect(decidePolicy({ frozen: true, blackout: night }, "UTC", now, 1)).toMatchObject({
      code: "frozen",
      known: false,
      until: instant("2026-12-01T12:15:00Z"),
      reason: { code: "frozen" },
    });
  });

  it("names the end of a blackout beforehand", () => {
    const parked = decidePolicy({ blackout: night }, "Asia/Shanghai", instant("2026-12-01T15:00:00Z"), 1);
    expect(parked).toMatchObject({ code: "blackout", known: true, until: instant("2026-12-01T22:00:00Z") });
    expect(parked?.reason.message).toContain("7 h");
    expect(parked?.reason.remedy).toContain("2026-12-01T22:00:00Z");
  });

  it("is overridden in a blackout, and not in a freeze", () => {
    const midnight = instant("2026-12-01T00:00:00Z");
    const dates = { blackout: night, blackoutDates: ["2026-12-01"] };
    expect(decidePolicy(dates, "UTC", midnight, 1)?.code).toBe("blackout");
    expect(decidePolicy(dates, "UTC", midnight, 1, true)).toBeUndefined();
    expect(decidePolicy({ ...dates, frozen: true }, "UTC", midnight, 1, true)?.code).toBe("frozen");
  });

  it("does not begin a thread that a blackout would cut, and a shorter one it does", () => {
    const evening = instant("2026-12-01T21:58:00Z");
    expect(threadMs(1)).toBe(0);
    expect(threadMs(MAX_PARTS)).toBe(144_000);
    expect(decidePolicy({ blackout: night }, "UTC", evening, 20)).toBeUndefined();
    expect(decidePolicy({ blackout: night }, "UTC", evening, 21)).toMatchObject({
      code: "blackout",
      until: instant("2026-12-02T06:00:00Z"),
    });
  });
});

describe("parking", () => {
  it.each(PARKING_CODES)("says for %s what was in the way, and when it is tried again", (code) => {
    const until = instant("2026-12-01T12:00:00Z");
    const parked = parking(code, until, true, "Something was in the way.");
    expect(parked).toMatchObject({ code, until, known: true });
    expect(parked.reason).toMatchObject({ code, message: "Something was in the way." });
    expect(parked.reason.remedy).toMatch(/^Nothing to do: .*2026-12-01T12:00:00Z/);
  });
});
