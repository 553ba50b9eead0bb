import { describe, expect, it, vi } from "vitest";
import { createHandler } from "#functions/sweep-tasks/handler.ts";
import { asTaskId, type TaskId } from "#shared/domain/ids.ts";
import type { Observation } from "#shared/domain/measures.ts";
import type { SweepReport } from "#shared/usecases/sweep-tasks.ts";
import { manualClock } from "#test/support/clock.ts";

const at = new Date("2026-12-01T01:00:00.000Z");

const setUp = (withoutProgress: readonly TaskId[]) => {
  const observations: Observation[] = [];
  const logger = { info: vi.fn(), error: vi.fn() };
  const report: SweepReport = {
    dispatched: 1,
    unknown: 0,
    readings: 0,
    verified: 0,
    resumed: 0,
    held: 0,
    drops: 0,
    runs: 0,
    jobs: 0,
    scans: 0,
    skipped: 0,
    failed: 0,
    withoutProgress,
    complete: true,
  };
  const handler = createHandler({
    sweepTasks: async () => report,
    clock: manualClock(at),
    measures: { emit: (more) => observations.push(...more) },
    logger,
  });
  return { sweep: () => handler({}, { getRemainingTimeInMillis: () => 50_000 }), observations, logger };
};

describe("sweep-tasks", () => {
  it("emits nothing while nothing stands still: a metric costs money while it has data", async () => {
    const { sweep, observations } = setUp([]);
    await sweep();
    expect(observations).toEqual([]);
  });

  it("emits how many tasks stand still, and says so in its log", async () => {
    const { sweep, observations, logger } = setUp([asTaskId("01JZ"), asTaskId("01K0")]);
    await sweep();
    expect(observations).toEqual([
      { at, values: { TasksWithoutProgress: 2 }, facts: { taskIds: "01JZ 01K0" } },
    ]);
    expect(logger.info).toHaveBeenCalledWith("sweep done", expect.objectContaining({ withoutProgress: 2 }));
  });
});
