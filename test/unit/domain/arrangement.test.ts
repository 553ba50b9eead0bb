import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ARRANGEMENT_LIMITS, planArrangement, planRetry } from "#shared/domain/arrangement.ts";
import { prepareLeadMs } from "#shared/domain/media.ts";
import { LARGE_VIDEO_BYTES, TIMING } from "#shared/domain/timing.ts";
import { aMedium } from "#test/support/builders.ts";

const now = new Date("2026-12-01T01:00:00.000Z");
const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1_000);
const video = aMedium({ type: "video/mp4", sizeBytes: 25_000_000 });

describe("planArrangement", () => {
  it("wakes the publisher of a far text post by a schedule, 65 s ahead", () => {
    expect(planArrangement({ slotAt: inSeconds(600) }, [], now)).toEqual({
      publish: { by: "scheduler", at: inSeconds(535) },
      firstAt: inSeconds(535),
    });
  });

  it("wakes the uploader before it, as early as the heaviest medium asks for", () => {
    const plan = planArrangement({ slotAt: inSeconds(7_200) }, [aMedium(), video], now);
    expect(plan).toEqual({
      prepare: { by: "scheduler", at: inSeconds(7_200 - 65 - 1_200) },
      publish: { by: "scheduler", at: inSeconds(7_135) },
      firstAt: inSeconds(7_200 - 65 - 1_200),
    });
  });

  it("uses the queue for what Scheduler may refuse as past, with the delay that is left", () => {
    expect(planArrangement({ slotAt: inSeconds(154) }, [], now).publish).toEqual({
      by: "queue",
      delayMs: 89_000,
    });
    expect(planArrangement({ slotAt: inSeconds(155) }, [], now).publish).toEqual({
      by: "scheduler",
      at: inSeconds(90),
    });
    expect(planArrangement({ slotAt: inSeconds(-5) }, [video], now)).toEqual({
      prepare: { by: "queue", delayMs: 0 },
      publish: { by: "queue", delayMs: 0 },
      firstAt: now,
    });
  });

  it("waits for the later of slot and retry", () => {
    const slots = { slotAt: inSeconds(-60), notBeforeAt: inSeconds(1_000) };
    expect(planArrangement(slots, [], now).publish).toEqual({ by: "scheduler", at: inSeconds(935) });
  });

  it("never asks the queue for a delay that it does not have, nor a schedule for an instant that is near or past", () => {
    const media = fc.constantFrom([], [aMedium()], [video]);
    fc.assert(
      fc.property(fc.integer({ min: -100_000, max: 10_000_000 }), media, (aheadMs, files) => {
        const plan = planArrangement({ slotAt: new Date(now.getTime() + aheadMs) }, files, now);
        for (const wakeup of [plan.prepare, plan.publish]) {
          if (wakeup?.by === "queue") {
            expect(wakeup.delayMs).toBeGreaterThanOrEqual(0);
            expect(wakeup.delayMs).toBeLessThanOrEqual(TIMING.maxQueueDelayMs);
          } else if (wakeup) {
            expect(wakeup.at.getTime() - now.getTime()).toBeGreaterThan(
              ARRANGEMENT_LIMITS.nearLimitMs - 1_000,
            );
            expect(wakeup.at.getMilliseconds()).toBe(0);
          }
        }
      }),
    );
  });
});

describe("planRetry", () => {
  it("delays a message up to 14 minutes, and schedules what is further away early enough to hold", () => {
    expect(planRetry(inSeconds(840), now, 65_000)).toEqual({ by: "queue", delayMs: 840_000 });
    expect(planRetry(inSeconds(841), now, 65_000)).toEqual({ by: "scheduler", at: inSeconds(776) });
    expect(planRetry(inSeconds(-1), now, 65_000)).toEqual({ by: "queue", delayMs: 0 });
  });
});

describe("prepareLeadMs", () => {
  it.each([
    ["nothing", [], 0],
    ["photos", [aMedium(), aMedium()], 180_000],
    ["a GIF", [aMedium({ type: "image/gif" })], 600_000],
    ["a video of 512 MiB", [aMedium({ type: "video/mp4", sizeBytes: LARGE_VIDEO_BYTES })], 1_200_000],
    ["a larger video", [aMedium({ type: "video/quicktime", sizeBytes: LARGE_VIDEO_BYTES + 1 })], 3_600_000],
  ])("for %s", (_, media, lead) => {
    expect(prepareLeadMs(media)).toBe(lead);
  });
});
