import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decidePublishTime } from "#shared/domain/publish-time.ts";
import { DEFAULT_LATE_POLICY, type LatePolicy } from "#shared/domain/task.ts";

const decide = (
  wanted: string | undefined,
  now = "2026-02-01T00:00:00.250Z",
  timeZone = "Asia/Shanghai",
  latePolicy: LatePolicy = DEFAULT_LATE_POLICY,
) => decidePublishTime(wanted, { now: new Date(now), timeZone, latePolicy });

const slotOf = (...args: Parameters<typeof decide>) => {
  const decided = decide(...args);
  return decided.ok ? decided.value.slotAt.toISOString() : decided.error.code;
};

describe("decidePublishTime", () => {
  it.each([undefined, "now", "NOW", " now "])("takes %j as this very instant", (wanted) => {
    const now = new Date("2026-02-01T00:00:00.250Z");
    expect(decide(wanted)).toEqual({ ok: true, value: { publishAt: now, slotAt: now } });
  });

  it.each([
    ["2026-12-01T09:00:00+08:00", "2026-12-01T01:00:00.000Z"],
    ["2026-12-01 09:00 +0800", "2026-12-01T01:00:00.000Z"],
    ["2026-12-01T01:00Z", "2026-12-01T01:00:00.000Z"],
    ["2026-12-01t01:00z", "2026-12-01T01:00:00.000Z"],
    ["2026-12-01 09:00", "2026-12-01T01:00:00.000Z"],
    ["2026-12-01T09:00:30", "2026-12-01T01:00:30.000Z"],
    ["2026-12-01T09:00:00.001", "2026-12-01T01:00:01.000Z"],
    ["2026-12-01T01:00:00.999Z", "2026-12-01T01:00:01.000Z"],
  ])("reads %s", (wanted, slot) => {
    expect(slotOf(wanted)).toBe(slot);
  });

  it("keeps what was asked for beside the whole second", () => {
    expect(decide("2026-12-01T01:00:00.400Z")).toMatchObject({
      value: { publishAt: new Date("2026-12-01T01:00:00.400Z"), slotAt: new Date("2026-12-01T01:00:01Z") },
    });
  });

  it.each([
    "2026-02-30 09:00",
    "2026-12-01",
    "2026-12-01 25:00",
    "2026-13-01T00:00Z",
    "tomorrow",
    "1764550800",
    "09:00",
    "2026-12-01T09:00:00+99:00",
    "2026-12-01 09:00 PST",
    "",
  ])("refuses %j", (wanted) => {
    expect(slotOf(wanted)).toBe("bad-time");
  });

  describe("where clocks change", () => {
    it.each([
      // Berlin, 29 March 2026: 02:00 → 03:00
      ["Europe/Berlin", "2026-03-29 01:59", "2026-03-29T00:59:00.000Z", undefined],
      ["Europe/Berlin", "2026-03-29 02:00", "2026-03-29T01:00:00.000Z", "local-time-skipped"],
      ["Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:30:00.000Z", "local-time-skipped"],
      ["Europe/Berlin", "2026-03-29 03:00", "2026-03-29T01:00:00.000Z", undefined],
      // Berlin, 25 October 2026: 03:00 → 02:00
      ["Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30:00.000Z", "local-time-repeats"],
      ["Europe/Berlin", "2026-10-25 03:00", "2026-10-25T02:00:00.000Z", undefined],
      // Lord Howe Island moves by half an hour
      ["Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03T15:45:00.000Z", "local-time-skipped"],
      ["Asia/Shanghai", "2026-03-29 02:30", "2026-03-28T18:30:00.000Z", undefined],
    ])("%s: %s is %s (%s)", (timeZone, wanted, slot, code) => {
      const decided = decide(wanted, "2026-02-01T00:00:00Z", timeZone);
      if (!decided.ok) throw new Error(decided.error.message);
      expect(decided.value.slotAt.toISOString()).toBe(slot);
      expect(decided.value.note?.code).toBe(code);
    });

    it("says which time was taken", () => {
      expect(decide("2026-03-29 02:30", "2026-02-01T00:00:00Z", "Europe/Berlin")).toMatchObject({
        value: {
          note: { message: expect.stringContaining("2026-03-29 03:30:00 is taken, 2026-03-29T01:30:00Z") },
        },
      });
    });
  });

  describe("a time that is over", () => {
    const now = "2026-02-01T01:30:00Z";

    it("is still taken within the late policy, at its own slot", () => {
      expect(slotOf("2026-02-01T01:00:00Z", now)).toBe("2026-02-01T01:00:00.000Z");
    });

    it("is refused a moment later, with what to do", () => {
      expect(decide("2026-02-01T01:00:00Z", "2026-02-01T01:30:00.001Z")).toMatchObject({
        ok: false,
        error: { code: "slot-passed", message: expect.stringContaining("30 minutes") },
      });
    });

    it("is refused by its own policy, and never by “forever”", () => {
      const wanted = "2026-02-01T01:29:00Z";
      expect(slotOf(wanted, now, "UTC", { postWithinMs: 0, then: "hold" })).toBe("slot-passed");
      expect(slotOf("2020-01-01T00:00:00Z", now, "UTC", { then: "missed" })).toBe("2020-01-01T00:00:00.000Z");
    });
  });

  it("refuses what is more than a year ahead", () => {
    expect(slotOf("2027-02-01T00:00:00Z")).toBe("2027-02-01T00:00:00.000Z");
    expect(slotOf("2027-02-03T00:00:00Z")).toBe("too-far-ahead");
    expect(slotOf("9999-12-31T23:59:59Z")).toBe("too-far-ahead");
  });

  it("gives a slot that is a whole second and not before what was asked for, or a reason", () => {
    const zones = ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "UTC"];
    const pad = (value: number, size = 2) => String(value).padStart(size, "0");
    const local = fc
      .tuple(fc.nat(99), fc.nat(13), fc.nat(32), fc.nat(25), fc.nat(61))
      .map(([y, mo, d, h, mi]) => `20${pad(y)}-${pad(mo)}-${pad(d)} ${pad(h)}:${pad(mi)}`);
    fc.assert(
      fc.property(fc.oneof(local, fc.string()), fc.constantFrom(...zones), (wanted, zone) => {
        const decided = decide(wanted, "2026-02-01T00:00:00Z", zone);
        if (!decided.ok) {
          expect(decided.error.code).toMatch(/^(bad-time|slot-passed|too-far-ahead)$/);
          return;
        }
        const { publishAt, slotAt } = decided.value;
        expect(slotAt.getTime() % 1_000).toBe(0);
        expect(slotAt.getTime() - publishAt.getTime()).toBeGreaterThanOrEqual(0);
        expect(slotAt.getTime() - publishAt.getTime()).toBeLessThan(1_000);
      }),
      { numRuns: 300 },
    );
  });
});
