import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forecastQuota } from "#shared/domain/planning/forecast.ts";
import { adaptInterval } from "#shared/domain/planning/interval.ts";
import type { Quota } from "#shared/domain/planning/plan.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = new Date("2026-12-01T12:00:00Z");
const at = (hours: number): Date => new Date(NOW.getTime() + hours * HOUR);
const quota = (used: number, over: Partial<Quota> = {}): Quota => ({
  limit: 100,
  used,
  window: { startAt: at(-12), resetAt: at(12) },
  ...over,
});
const rules = { minIntervalMs: 10 * MINUTE, buffer: 0.2 };

describe("adaptInterval", () => {
  it("is the policy's above the buffer, without a quota, and when the window is over", () => {
    const normal = { intervalMs: 10 * MINUTE };
    expect(adaptInterval(undefined, rules, NOW)).toEqual(normal);
    expect(adaptInterval({ limit: 100, used: 99 }, rules, NOW)).toEqual(normal);
    expect(adaptInterval(quota(80), rules, NOW)).toEqual(normal);
    expect(adaptInterval(quota(99), rules, at(12))).toEqual(normal);
    expect(adaptInterval(quota(99), { ...rules, buffer: 0 }, NOW)).toEqual(normal);
  });

  it("stretches below it, until what is left lasts to the end of the window", () => {
    const minutes = [81, 90, 95, 99, 100].map((used) =>
      Math.round(adaptInterval(quota(used), rules, NOW).intervalMs / MINUTE),
    );
    // Half of the buffer left: half way from 10 minutes to 12 h / 10 posts.
    expect(minutes[1]).toBe((10 + 72) / 2);
    expect(minutes[4]).toBe(720);
    expect(minutes).toEqual(minutes.toSorted((a, b) => a - b));
    expect(adaptInterval(quota(90), rules, NOW).until).toEqual(at(12));
  });

  it("begins and ends without a jump", () => {
    const limit = 1_000_000;
    const interval = (used: number) => adaptInterval(quota(used, { limit }), rules, NOW).intervalMs;
    expect(interval(800_001) - interval(800_000)).toBeLessThan(10);
    expect(interval(200_000)).toBe(10 * MINUTE);
  });

  const cases = fc.record({
    limit: fc.nat(500),
    used: fc.tuple(fc.nat(600), fc.nat(600)),
    minIntervalMs: fc.nat(4 * HOUR),
    buffer: fc.double({ min: 0, max: 0.99, noNaN: true }),
    resetMs: fc.integer({ min: -HOUR, max: 30 * HOUR }),
  });

  it("never falls below the policy's, never grows with more quota, and never outlasts what it spreads", () => {
    let stretched = 0;
    fc.assert(
      fc.property(cases, ({ limit, used, minIntervalMs, buffer, resetMs }) => {
        const window = { startAt: at(-1), resetAt: new Date(NOW.getTime() + resetMs) };
        const [few, more] = used
          .toSorted((a, b) => b - a)
          .map((one) => adaptInterval({ limit, used: one, window }, { minIntervalMs, buffer }, NOW));
        expect(more?.intervalMs).toBeGreaterThanOrEqual(minIntervalMs);
        expect(few?.intervalMs).toBeGreaterThanOrEqual(more?.intervalMs ?? Number.NaN);
        expect(few?.intervalMs).toBeLessThanOrEqual(Math.max(minIntervalMs, resetMs));
        if ((few?.intervalMs ?? 0) > minIntervalMs) stretched += 1;
      }),
      { numRuns: 500 },
    );
    expect(stretched).toBeGreaterThan(100);
  });

  it("never grows with a larger limit either", () => {
    fc.assert(
      fc.property(cases, fc.nat(100), ({ limit, used: [used], minIntervalMs, buffer, resetMs }, extra) => {
        const window = { startAt: at(-1), resetAt: new Date(NOW.getTime() + resetMs) };
        const interval = (most: number) =>
          adaptInterval({ limit: most, used, window }, { minIntervalMs, buffer }, NOW).intervalMs;
        expect(interval(limit + extra)).toBeLessThanOrEqual(interval(limit));
      }),
      { numRuns: 500 },
    );
  });
});

describe("forecastQuota", () => {
  it("tells when a quota runs out at the present pace", () => {
    // 80 in 12 hours are one in 9 minutes: the other 20 last 3 hours.
    expect(forecastQuota(quota(80), NOW)).toEqual({
      kind: "runs-out",
      perHour: 80 / 12,
      at: at(3),
      message:
        "At 6.7 an hour the last of 100 is used at 2026-12-01T15:00:00Z, before the window ends at 2026-12-02T00:00:00Z.",
    });
  });

  it("tells what is left when it lasts", () => {
    expect(forecastQuota(quota(30), NOW)).toEqual({
      kind: "lasts",
      perHour: 2.5,
      left: 40,
      message: "At 2.5 an hour 40 of 100 are left when the window ends at 2026-12-02T00:00:00Z.",
    });
    expect(forecastQuota(quota(50), NOW)).toMatchObject({ kind: "lasts", left: 0 });
  });

  it("knows the ends: nothing used, everything used, closed, over", () => {
    expect(forecastQuota({ limit: 100, used: 0 }, NOW)).toEqual({
      kind: "unused",
      message: "All 100 are left.",
    });
    expect(forecastQuota(quota(0), NOW).kind).toBe("unused");
    expect(forecastQuota(quota(70), at(12)).kind).toBe("unused");
    expect(forecastQuota(quota(100), NOW)).toEqual({
      kind: "used-up",
      until: at(12),
      message: "All 100 are used until 2026-12-02T00:00:00Z.",
    });
    expect(forecastQuota(quota(1, { closedUntil: at(1) }), NOW)).toMatchObject({
      kind: "used-up",
      until: at(1),
    });
    expect(forecastQuota(quota(0, { closedUntil: NOW }), NOW).kind).toBe("unused");
  });

  it("does not take the first seconds of a window for a pace", () => {
    const window = { startAt: new Date(NOW.getTime() - 1_000), resetAt: at(24) };
    // 2 in 5 minutes are 24 an hour, not 7,200.
    expect(forecastQuota(quota(2, { window }), NOW)).toMatchObject({ perHour: 24, kind: "runs-out" });
  });
});
