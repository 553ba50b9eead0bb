import fc from "fast-check";
import { decodeTime } from "ulid";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { instanceTaskId, isLeftAlone, isLeftOut, leaveOut } from "#shared/domain/recurrence/instance.ts";
import { isTimeZone, localTimeOf, readLocalTime } from "#shared/domain/recurrence/local-time.ts";
import { readRecurrence } from "#shared/domain/recurrence/read-recurrence.ts";
import { findRepeat, listWishes, type Wish } from "#shared/domain/recurrence/recurrence.ts";
import { aTask } from "#test/support/builders.ts";
import {
  aRecurrence,
  aRecurrenceContent,
  aSchedule,
  freshRecurrenceId,
  local,
} from "#test/support/recurrences.ts";

const DAY_MS = 86_400_000;
const CONTEXT = { timeZone: "Asia/Shanghai", dtStart: "2026-12-01 09:00" };

describe("a local time", () => {
  it.each([
    ["2026-12-01 09:00", "2026-12-01T09:00:00"],
    ["2026-12-01T09:00:30", "2026-12-01T09:00:30"],
    ["20261201T090000", "2026-12-01T09:00:00"],
    [" 2026-12-01t09:00 ", "2026-12-01T09:00:00"],
    ["2028-02-29 09:00", "2028-02-29T09:00:00"],
  ])("is read from %s", (text, time) => {
    expect(readLocalTime(text)).toBe(time);
  });

  it.each([
    "2026-02-29 09:00",
    "2026-12-01 24:00",
    "2026-12-01 09:60",
    "2026-12-01 09:00:60",
    "2026-12-01",
    "2019-12-31 09:00",
    "2100-01-01 09:00",
    "2026-12-01 09:00Z",
    "",
  ])("is not read from “%s”", (text) => {
    expect(readLocalTime(text)).toBeUndefined();
  });

  it("is what the clocks show, without fractions", () => {
    expect(localTimeOf(new Date("2026-12-01T01:00:00.999Z"), "Asia/Shanghai")).toBe("2026-12-01T09:00:00");
  });

  it.each([
    ["Europe/Berlin", true],
    ["UTC", true],
    ["Mars/Olympus", false],
    ["+08:00", false],
    ["", false],
  ])("knows the zone “%s”: %s", (name, isKnown) => {
    expect(isTimeZone(name)).toBe(isKnown);
  });
});

describe("a recurrence as one text", () => {
  const read = (text: string, context = CONTEXT) => {
    const schedule = readRecurrence(text, context);
    return schedule.ok ? schedule.value : schedule.error;
  };

  it("is a rule that begins when its context says", () => {
    for (const text of ["FREQ=DAILY;COUNT=2", "RRULE:FREQ=DAILY;COUNT=2", "\n rrule:freq=daily;count=2 \n"])
      expect(read(text)).toEqual({
        rule: { freq: "DAILY", interval: 1, count: 2 },
        dtStart: "2026-12-01T09:00:00",
        timeZone: "Asia/Shanghai",
        exDates: [],
        rDates: [],
      });
  });

  it("begins at an instant by the clocks of its zone", () => {
    const context = { ...CONTEXT, dtStart: "2026-12-01T09:00:00.5+01:00" };
    expect(read("FREQ=DAILY", context)).toMatchObject({ dtStart: "2026-12-01T16:00:00" });
  });

  it("is read from lines of iCalendar, which may bring their own start and zone", () => {
    expect(
      read(
        [
          "DTSTART;TZID=Europe/Berlin:20261203T090000",
          "RRULE:FREQ=WEEKLY;BYDAY=MO,TH",
          "EXDATE;TZID=Europe/Berlin:20261224T090000,20261231T090000",
          "EXDATE;VALUE=DATE:20261207",
          "RDATE:20261225T110000Z",
        ].join("\r\n"),
      ),
    ).toMatchObject({
      dtStart: "2026-12-03T09:00:00",
      timeZone: "Europe/Berlin",
      exDates: ["2026-12-07", "2026-12-24T09:00:00", "2026-12-31T09:00:00"],
      rDates: ["2026-12-25T12:00:00"],
    });
  });

  it.each([
    ["", "rule", "bad-rule"],
    ["every day", "rule", "bad-rule"],
    ["FREQ=DAILY\nRRULE:FREQ=WEEKLY", "rule", "bad-rule"],
    ["FREQ=DAILY;UNTIL=20261130", "rule", "never-occurs"],
    ["FREQ=DAILY;COUNT=1\nEXDATE:20261201", "rule", "never-occurs"],
    ["DTSTART;TZID=Nowhere:20261203T090000\nFREQ=DAILY", "timeZone", "bad-zone"],
    [
      "DTSTART;TZID=Europe/Berlin:20261203T090000\nFREQ=DAILY\nEXDATE;TZID=Asia/Tokyo:20261204T090000",
      "timeZone",
      "bad-zone",
    ],
    ["DTSTART:soon\nFREQ=DAILY", "dtStart", "bad-time"],
    ["FREQ=DAILY\nRDATE:20261201", "rDates", "bad-time"],
    [`FREQ=DAILY\nEXDATE:${"20261224,".repeat(366)}20261225`, "exDates", "bad-time"],
  ])("is refused: %j", (text, field, code) => {
    expect(read(text)).toMatchObject({ field, why: { code, remedy: expect.stringMatching(/\.$/) } });
  });

  it("does nothing but answer, whatever is written", () => {
    fc.assert(
      fc.property(fc.string({ size: "max", maxLength: 500 }), fc.string(), (text, dtStart) => {
        const schedule = readRecurrence(text, { ...CONTEXT, dtStart });
        if (!schedule.ok) expect(schedule.error.why.message).not.toBe("");
      }),
    );
  });
});

describe("what is to be posted", () => {
  const recurrence = aRecurrence({ schedule: aSchedule({ rule: "FREQ=DAILY;COUNT=6" }) });
  const content = aRecurrenceContent(recurrence);
  const window = { after: new Date("2026-12-01T00:00:00Z"), until: new Date("2026-12-31T00:00:00Z") };
  const texts = (over: Partial<typeof recurrence>, said: Partial<typeof content> = {}, within = window) =>
    listWishes({ ...recurrence, ...over }, { ...content, ...said }, within).map(({ publishAt, parts }) =>
      [publishAt.toISOString().slice(8, 16), ...parts.map(({ text }) => text)].join(" "),
    );

  it("goes round the texts", () => {
    expect(texts({})).toEqual([
      "01T09:00 one",
      "02T09:00 two",
      "03T09:00 three",
      "04T09:00 one",
      "05T09:00 two",
      "06T09:00 three",
    ]);
  });

  it("keeps the text of each, whatever else is skipped, excluded, past, or moved", () => {
    const schedule = aSchedule({ rule: "FREQ=DAILY;COUNT=6", exDates: ["2026-12-02"] });
    const overrides = { [local("2026-12-04 09:00")]: { at: local("2026-12-06 12:00") } };
    const within = { ...window, after: new Date("2026-12-01T09:00:00Z") };
    expect(texts({ schedule, skips: [local("2026-12-03 09:00")] }, { overrides }, within)).toEqual([
      "05T09:00 two",
      "06T09:00 three",
      "06T12:00 one",
    ]);
  });

  it("finds one that was moved in from outside, and not one that was moved out", () => {
    const overrides = {
      [local("2026-12-03 09:00")]: { at: local("2026-12-05 10:00"), parts: [{ text: "late" }] },
      [local("2026-12-05 09:00")]: { at: local("2026-12-02 10:00") },
    };
    const within = { after: new Date("2026-12-05T00:00:00Z"), until: new Date("2026-12-05T23:00:00Z") };
    expect(texts({}, { overrides }, within)).toEqual(["05T10:00 late"]);
  });
});

describe("texts that come again too soon", () => {
  const wishes = (rule: string, count: number): readonly Wish[] => {
    const recurrence = aRecurrence({ schedule: aSchedule({ rule }) });
    const variants = Array.from({ length: count }, (_, index) => [{ text: `text ${index}` }]);
    return listWishes(
      recurrence,
      { ...aRecurrenceContent(recurrence), variants },
      { after: new Date("2026-11-30T00:00:00Z"), until: new Date("2027-03-01T00:00:00Z") },
    );
  };

  it.each([
    ["FREQ=DAILY", 29, 30, "30 would do"],
    ["FREQ=DAILY;BYHOUR=9,21", 3, 2, "4 would do"],
    ["FREQ=WEEKLY", 1, 30, "5 would do"],
  ])("%s with %i texts in a window of %i days", (rule, count, days, told) => {
    expect(findRepeat(wishes(rule, count), days * DAY_MS)).toMatchObject({
      code: "repeats-too-soon",
      remedy: expect.stringContaining(told),
    });
  });

  it.each([
    ["FREQ=DAILY", 30, 30],
    ["FREQ=DAILY;BYHOUR=9,21", 4, 2],
    ["FREQ=WEEKLY", 5, 30],
    ["FREQ=MONTHLY", 1, 28],
    ["FREQ=DAILY", 1, 0],
  ])("none: %s with %i texts in a window of %i days", (rule, count, days) => {
    expect(findRepeat(wishes(rule, count), days * DAY_MS)).toBeUndefined();
  });
});

describe("the task of an occurrence", () => {
  it("has one ULID of its own for each occurrence and generation", () => {
    const id = freshRecurrenceId();
    const ids = [
      instanceTaskId(id, local("2026-12-01 09:00"), 0),
      instanceTaskId(id, local("2026-12-01 09:00"), 1),
      instanceTaskId(id, local("2026-12-01 09:01"), 0),
      instanceTaskId(freshRecurrenceId(), local("2026-12-01 09:00"), 0),
    ];
    expect(new Set(ids).size).toBe(4);
    for (const each of ids) expect(z.ulid().safeParse(each).success).toBe(true);
    expect(decodeTime(ids[0] ?? "")).toBe(Date.parse("2026-12-01T09:00:00Z"));
    expect(instanceTaskId(id, local("2026-12-01 09:00"), 0)).toBe(ids[0]);
    // Kept for good: another id for the same occurrence would be a second post.
    expect(instanceTaskId("01KRRRRRRRRRRRRRRRRRRRRRRR" as never, local("2026-12-01 09:00"), 0)).toBe(
      "01M8RDA4M0682PZJM2RP48XB2H",
    );
  });

  it("is left alone when X may have it, or a person decided", () => {
    const now = new Date("2026-12-01T01:00:00.000Z");
    const out = { postId: "1", sentAt: now };
    for (const over of [
      { status: "posting" },
      { status: "unknown" },
      { status: "published" },
      { status: "missed" },
      { status: "held", posted: [out] },
      { status: "retrying", cancelAskedAt: now },
      { status: "held", inDoubtSince: now },
    ] as const)
      expect(isLeftAlone(aTask(over)), JSON.stringify(over)).toBe(true);
    for (const status of ["pending", "preparing", "ready", "retrying", "held"] as const)
      expect(isLeftAlone(aTask({ status }))).toBe(false);
  });

  it("knows by whom it was cancelled, and never replaces one that is in doubt", () => {
    const now = new Date("2026-12-01T01:00:00.000Z");
    expect(isLeftOut(leaveOut(aTask(), now))).toBe(true);
    expect(isLeftOut(aTask({ status: "cancelled" }))).toBe(false);
    const doubtful = aTask({ status: "held", inDoubtSince: now });
    expect(isLeftOut(leaveOut(doubtful, now))).toBe(false);
  });
});
