import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import { dayOf, isTimeZone, localTime, offsetMs } from "#shared/domain/local-clock.ts";

const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone")];
const shown = (at: number, zone: string) =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);

describe("the clocks of a zone", () => {
  it("are right around the changes of every zone", { timeout: 60_000 }, () => {
    for (const zone of ZONES) {
      let change = shown(Date.parse("2024-01-01T00:00:00Z"), zone).getTimeZoneTransition("next");
      for (let count = 0; change && count < 6; count++) {
        const at = change.epochMilliseconds;
        for (const ms of [at - 1, at, at + 1, at - 86_400_000, at + 86_400_000])
          expect([zone, ms, offsetMs(ms, zone)]).toEqual([zone, ms, shown(ms, zone).offsetNanoseconds / 1e6]);
        change = change.getTimeZoneTransition("next");
      }
    }
  });

  it("agree with Temporal at any instant of any zone", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.integer({ min: Date.parse("1973-01-01T00:00:00Z"), max: Date.parse("2099-01-01T00:00:00Z") }),
        (zone, at) => {
          const { day, timeMs } = localTime(at, zone);
          const clock = shown(at, zone);
          const [date, hours, minutes] = [
            new Date(day * 86_400_000).toISOString().slice(0, 10),
            Math.floor(timeMs / 3_600_000),
            Math.floor(timeMs / 60_000) % 60,
          ];
          expect([date, hours, minutes]).toEqual([clock.toPlainDate().toString(), clock.hour, clock.minute]);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("stay right when more days were asked for than are remembered", () => {
    const at = Date.parse("2026-07-01T12:00:00Z");
    for (let day = 0; day < 4_100; day++) offsetMs(at + day * 86_400_000, "Europe/Vienna");
    expect(offsetMs(at, "Europe/Vienna")).toBe(7_200_000);
  });

  it("know which zones there are", () => {
    expect(["UTC", "Asia/Kathmandu", "Europe/Kiev"].map(isTimeZone)).toEqual([true, true, true]);
    expect(["", "Berlin", "Mars/Base"].map(isTimeZone)).toEqual([false, false, false]);
    expect(() => offsetMs(0, "Mars/Base")).toThrow(RangeError);
  });
});

describe("dayOf", () => {
  it("counts the days of dates that exist", () => {
    expect([dayOf("1970-01-01"), dayOf("1970-02-01"), dayOf("2024-02-29")]).toEqual([0, 31, 19_782]);
  });

  it.each([
    "2026-02-29",
    "2026-13-01",
    "2026-00-10",
    "2026-1-1",
    "26-01-01",
    "2026-01-01T00:00",
    "",
    "today",
  ])("knows that %j is none", (text) => expect(dayOf(text)).toBeUndefined());
});
