import { describe, expect, it, vi } from "vitest";
import { DEFAULT_SETTINGS } from "#shared/domain/settings.ts";
import { sliceOf } from "#shared/domain/totals.ts";
import { DependencyFault } from "#shared/errors.ts";
import { createCountChanges, createCountRequest } from "#shared/usecases/count-totals.ts";
import { aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryTotals } from "#test/support/in-memory-totals.ts";

function setUp(metricRetentionDays = 7) {
  const clock = manualClock();
  const totals = createInMemoryTotals(clock);
  const add = vi.spyOn(totals, "add");
  const report = vi.fn();
  const settings = { current: async () => ({ ...DEFAULT_SETTINGS, metricRetentionDays }) };
  const deps = { totals, settings, clock, report };
  return { clock, totals, add, report, changes: createCountChanges(deps), request: createCountRequest(deps) };
}

const answered = { route: "createTask", status: 202, durationMs: 12 };

describe("countChanges", () => {
  it("adds up a batch in one write, kept for as long as the setting says", async () => {
    const { changes, totals, add, clock } = setUp(9);
    const before = aTask({ status: "posting" });
    const after = { ...before, status: "failed" as const };
    const startedAt = clock.now();
    await changes([
      { kind: "task", before, after },
      { kind: "task", before, after },
    ]);
    expect(add).toHaveBeenCalledTimes(1);
    expect((await totals.read())?.totals).toEqual({ "tasks/failed": 2 });
    const list = () => totals.listSlices(sliceOf(startedAt), clock.now());
    clock.advance(9 * 86_400_000 - 1);
    expect(await list()).toHaveLength(1);
    clock.advance(1);
    expect(await list()).toHaveLength(0);
  });

  it("writes nothing when nothing is counted", async () => {
    const { changes, add } = setUp();
    const task = aTask();
    await changes([{ kind: "task", before: task, after: task }]);
    expect(add).not.toHaveBeenCalled();
  });
});

describe("countRequest", () => {
  it("writes the first request at once, and then at most every ten seconds", async () => {
    const { request, totals, add, clock } = setUp();
    await request(answered);
    expect(add).toHaveBeenCalledTimes(1);
    for (let second = 1; second < 10; second++) {
      clock.advance(1_000);
      await request(answered);
    }
    expect(add).toHaveBeenCalledTimes(1);
    clock.advance(1_000);
    await request(answered);
    expect(add).toHaveBeenCalledTimes(2);
    expect((await totals.read())?.totals).toMatchObject({ "requests/createTask/2xx": 11, durationMs: 132 });
  });

  it("keeps what could not be written for the next time, and fails no request", async () => {
    const { request, totals, add, clock, report } = setUp();
    add.mockRejectedValueOnce(new DependencyFault("the table did not answer"));
    await request(answered);
    expect(report).toHaveBeenCalledTimes(1);
    expect(await totals.read()).toBeUndefined();
    clock.advance(10_000);
    await request(answered);
    expect((await totals.read())?.totals["requests/createTask/2xx"]).toBe(2);
  });

  it("counts every request once, however many are answered while a write is under way", async () => {
    const { request, totals, clock } = setUp();
    const counted = totals.add;
    vi.spyOn(totals, "add").mockImplementationOnce(async (...args) => {
      await Promise.all([request(answered), request(answered)]);
      await counted(...args);
    });
    await request(answered);
    clock.advance(10_000);
    await request(answered);
    expect((await totals.read())?.totals["requests/createTask/2xx"]).toBe(4);
  });
});
