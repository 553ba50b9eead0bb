import { describe, expect, it } from "vitest";
import { nextRamp, type PollerRamp, RESTING_RAMP } from "#infra/local/events/poller-ramp.ts";

/** The limit after each second, when at most so many batches ran at once in it. */
function limitsAfter(peaks: readonly number[], from: PollerRamp = RESTING_RAMP): number[] {
  let ramp = from;
  return peaks.map((peak) => {
    ramp = nextRamp(ramp, peak);
    return ramp.limit;
  });
}
const seconds = (count: number, peak: number): number[] => Array.from({ length: count }, () => peak);

describe("pollers ramp up", () => {
  it("start with five", () => {
    expect(RESTING_RAMP.limit).toBe(5);
  });

  it("are 300 more after a minute in which there was always more to do", () => {
    expect(limitsAfter(seconds(60, 2_000)).at(-1)).toBe(305);
  });

  it("are never more than 1,250", () => {
    expect(Math.max(...limitsAfter(seconds(600, 2_000)))).toBe(1_250);
  });

  it("stay while some of them are idle", () => {
    expect(limitsAfter([5, 9, 9, 10, 12])).toEqual([10, 10, 10, 15, 15]);
  });

  it("are five again after a minute in which five were enough, and not a second sooner", () => {
    const limits = limitsAfter(seconds(60, 5), { limit: 100, quietSeconds: 0 });
    expect(limits.slice(-2)).toEqual([100, 5]);
  });

  it("stay when the minute is interrupted", () => {
    const peaks = [...seconds(59, 0), 6, ...seconds(59, 0)];
    expect(limitsAfter(peaks, { limit: 100, quietSeconds: 0 }).at(-1)).toBe(100);
  });
});
