import { describe, expect, it } from "vitest";
import { ACCOUNT_CIRCUIT, PLATFORM_CIRCUIT } from "#shared/domain/circuit.ts";
import { LARGE_VIDEO_BYTES, PREPARE_LEADS_MS, TIMING, VISIBILITY_FACTOR } from "#shared/domain/timing.ts";

describe("timing", () => {
  it.each(["prepare", "publish"] as const)(
    "%s: request deadline < what must remain < timeout < lease < visibility",
    (step) => {
      const { requestDeadlineMs, timeoutMs, leaseMs, visibilityMs } = TIMING[step];
      const remaining =
        step === "publish" ? TIMING.publish.minRemainingMs : timeoutMs - TIMING.prepare.sliceMs;
      const order = [requestDeadlineMs, remaining, timeoutMs, leaseMs, visibilityMs];
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      expect(new Set(order).size).toBe(order.length);
    },
  );

  it.each([TIMING.prepare, TIMING.publish, TIMING.accept, TIMING.deliver])(
    "hides a message for six timeouts (%#)",
    (step) => {
      expect(step.visibilityMs).toBeGreaterThanOrEqual(VISIBILITY_FACTOR * step.timeoutMs);
    },
  );

  it("leaves a whole batch of webhooks room to wait for one endpoint, call after call", () => {
    const { batchSize, requestDeadlineMs, timeoutMs } = TIMING.deliver;
    expect(batchSize * requestDeadlineMs).toBeLessThan(timeoutMs);
  });

  it("leaves room to hold, post and settle in one invocation", () => {
    const { holdLeadMs, holdSlackMs, minRemainingMs, timeoutMs, requestDeadlineMs, intentFreshMs } =
      TIMING.publish;
    expect(holdLeadMs + holdSlackMs + minRemainingMs).toBeLessThan(timeoutMs);
    expect(intentFreshMs + requestDeadlineMs).toBeLessThan(minRemainingMs);
  });

  it("wakes the publisher before the slot even when Scheduler uses its whole minute", () => {
    expect(TIMING.publish.holdLeadMs).toBeGreaterThan(60_000);
    expect(TIMING.nearLimitMs).toBeGreaterThan(60_000);
  });

  it("gives every delay a place: the queue's, or a schedule", () => {
    expect(TIMING.maxQueueDelayMs).toBeLessThan(900_000);
    expect(TIMING.nearLimitMs).toBeLessThan(TIMING.maxQueueDelayMs);
  });

  it("sweeps often enough, and ends before it starts again", () => {
    expect(TIMING.sweep.timeoutMs).toBeLessThan(TIMING.sweep.everyMs);
    expect(TIMING.sweep.claimMs).toBeGreaterThan(TIMING.publish.leaseMs);
  });

  it("adopts before it may believe in absence, and reads twice, apart", () => {
    const { adoptAfterMs, absentAfterMs, betweenReadsMs, retryMs, giveUpMs } = TIMING.reconcile;
    // Whoever sent it has long ended by then, so its own answer is never overtaken.
    expect(adoptAfterMs).toBeGreaterThan(TIMING.publish.leaseMs);
    expect(absentAfterMs).toBeGreaterThanOrEqual(300_000);
    expect(absentAfterMs - adoptAfterMs).toBeGreaterThanOrEqual(betweenReadsMs);
    expect(betweenReadsMs).toBeGreaterThan(0);
    expect(retryMs).toBeLessThan(absentAfterMs);
    expect(giveUpMs).toBeGreaterThan(absentAfterMs);
  });

  it("keeps a task that is read back or sent for in the sight of the sweeper", () => {
    expect(TIMING.wake.unsettledMs).toBeGreaterThanOrEqual(TIMING.sweep.everyMs);
    expect(TIMING.wake.retryMs).toBeGreaterThanOrEqual(TIMING.sweep.everyMs);
  });

  it("waits for a probe of a circuit longer than its worker runs", () => {
    for (const { probeMs, pauseMs, capMs } of [ACCOUNT_CIRCUIT, PLATFORM_CIRCUIT]) {
      expect(probeMs).toBeGreaterThan(TIMING.publish.timeoutMs);
      expect(capMs).toBeGreaterThan(pauseMs);
    }
  });

  it("verifies accounts a day and an hour ahead, the earlier one first", () => {
    expect(TIMING.verifyAheadMs).toEqual([86_400_000, 3_600_000]);
  });

  it("gives heavier media more time", () => {
    const { photo, gif, video, large } = PREPARE_LEADS_MS;
    expect([photo, gif, video, large]).toEqual([180_000, 600_000, 1_200_000, 3_600_000]);
    expect(LARGE_VIDEO_BYTES).toBe(536_870_912);
  });
});
