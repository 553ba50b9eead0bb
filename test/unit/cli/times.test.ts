import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CliError } from "#cli/failures.ts";
import { checkZone, readTime, showDuration, showTime } from "#cli/times.ts";

const NOW = new Date("2026-12-01T01:00:00Z");
const read = (text: string, zone = "Asia/Shanghai", now = NOW) => readTime(text, zone, now).value;

function refusalOf(text: string, zone: string): CliError {
  try {
    readTime(text, zone, NOW);
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error(`${text} was read`);
}

describe("a time that people write", () => {
  it.each([
    ["2026-02-06 12:00:00", "2026-02-06T04:00:00Z"],
    ["2026-02-06 12:00", "2026-02-06T04:00:00Z"],
    ["2026-02-06T12:00", "2026-02-06T04:00:00Z"],
    ["2026-02-06 9:05", "2026-02-06T01:05:00Z"],
    ["2026-02-06 12:00 Europe/Berlin", "2026-02-06T11:00:00Z"],
    ["2026-02-06 12:00 UTC", "2026-02-06T12:00:00Z"],
    ["2026-02-06T12:00:00Z", "2026-02-06T12:00:00Z"],
    ["2026-02-06 12:00 +01:00", "2026-02-06T11:00:00Z"],
    ["2026-02-06T12:00:00+0530", "2026-02-06T06:30:00Z"],
    ["now", "now"],
    ["+90m", "2026-12-01T02:30:00Z"],
    ["+2d", "2026-12-03T01:00:00Z"],
    ["today 18:30", "2026-12-01T10:30:00Z"],
    ["tomorrow 09:00", "2026-12-02T01:00:00Z"],
  ])("reads %s", (text, instant) => {
    expect(read(text)).toBe(instant);
  });

  it("takes today's date from the zone, not from UTC", () => {
    const lateEvening = new Date("2026-12-01T20:00:00Z");
    expect(read("today 09:00", "Asia/Shanghai", lateEvening)).toBe("2026-12-02T01:00:00Z");
    expect(read("today 09:00", "America/New_York", lateEvening)).toBe("2026-12-01T14:00:00Z");
  });

  it("refuses a time that the clocks skip, and names those on either side", () => {
    const refusal = refusalOf("2026-03-29 02:30", "Europe/Berlin");
    expect(refusal).toMatchObject({ code: "skipped-time", exitCode: 2 });
    expect(refusal.message).toContain("does not exist in Europe/Berlin");
    expect(refusal.remedy).toContain("2026-03-29 01:30:00+01:00");
    expect(refusal.remedy).toContain("2026-03-29 03:30:00+02:00");
  });

  it("takes the earlier of two equal times, and says so", () => {
    const { value, note } = readTime("2026-10-25 02:30", "Europe/Berlin", NOW);
    expect(value).toBe("2026-10-25T00:30:00Z");
    expect(note).toContain("exists twice");
    expect(note).toContain("2026-10-25 02:30:00+01:00");
  });

  it("reads both of the two when the offset says which", () => {
    expect(read("2026-10-25 02:30:00+02:00")).toBe("2026-10-25T00:30:00Z");
    expect(read("2026-10-25 02:30:00+01:00")).toBe("2026-10-25T01:30:00Z");
  });

  it.each([
    "",
    "soon",
    "2026-02-30 09:00",
    "2026-02-06 25:00",
    "2026-02-06 12:60",
    "2026-02-06",
    "12:00",
    "+5",
    "2026-02-06 12:00 Mars/Olympus",
    "2026-02-30T12:00:00Z",
  ])("refuses “%s” with what can be written", (text) => {
    const { exitCode, remedy } = refusalOf(text, "UTC");
    expect(exitCode).toBe(2);
    expect(remedy).not.toBe("");
  });

  it("shows what it reads: there and back is the same, wherever the clocks are not changed", () => {
    const zones = fc.constantFrom(
      "UTC",
      "Asia/Shanghai",
      "Europe/Berlin",
      "America/St_Johns",
      "Asia/Kathmandu",
    );
    const instants = fc.date({
      min: new Date("2000-01-01"),
      max: new Date("2100-01-01"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(instants, zones, (date, zone) => {
        const instant = `${date.toISOString().slice(0, 19)}Z`;
        const shown = showTime(instant, zone);
        const { value, note } = readTime(shown, zone, NOW);
        // Of two equal times the earlier is taken.
        if (note === undefined) expect(value).toBe(instant);
        else expect(Date.parse(instant) - Date.parse(value)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

it("knows zones by name only", () => {
  expect(checkZone("Europe/Berlin")).toBe("Europe/Berlin");
  expect(() => checkZone("Berlin")).toThrow(CliError);
});

it.each([
  [41, "41 ms"],
  [1_240, "1.2 s"],
  [60_000, "1 min"],
  [200_000, "3 min 20 s"],
  [7_500_000, "2 h 5 min"],
  [90_000_000, "1 d 1 h"],
])("shows %i ms as %s", (ms, shown) => {
  expect(showDuration(ms)).toBe(shown);
});
