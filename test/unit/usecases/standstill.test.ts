/** A task that nobody moves for ten minutes is told of, by the sweeper that meets it, before it is held or while it waits. */
import { describe, expect, it } from "vitest";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import { asAttemptId } from "#shared/domain/ids.ts";
import { claimForPrepare, pausePrepare, startPosting } from "#shared/domain/moves.ts";
import { WITHOUT_PROGRESS_MS } from "#shared/domain/progress.ts";
import { DEFAULT_SETTINGS } from "#shared/domain/settings.ts";
import type { Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createOrderTasks } from "#shared/usecases/dispatch-fairly.ts";
import { createSweepTasks } from "#shared/usecases/sweep-tasks.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryDispatch, createInMemoryIntakeQueue } from "#test/support/in-memory-dispatch.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const overdueAt = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(overdueAt.getTime() + ms);
const attemptId = asAttemptId("attempt-1");

function setUp() {
  const clock = manualClock(overdueAt);
  const store = createInMemoryStore(clock);
  const dispatch = createInMemoryDispatch();
  const accounts = createInMemoryAccounts();
  const sweep = createSweepTasks({
    tasks: store.tasks,
    drops: store.drops,
    accounts,
    intake: createInMemoryIntakeQueue(),
    dispatch,
    arrange: createArrangeTask({ tasks: store.tasks, dispatch, clock, limits: ARRANGEMENT_LIMITS }),
    resumeAccount: async () => false,
    runDueTasks: async () => "skipped",
    runDueJob: async () => "skipped",
    order: createOrderTasks({ accounts }),
    settings: { current: async () => DEFAULT_SETTINGS },
    clock,
    entropy: { newId: () => "sweep-1", random: () => 0.5 },
  });
  const put = async (over: Partial<Task> = {}) => {
    const task = aTask({ slotAt: at(-120_000), wakeAt: overdueAt, ...over });
    await store.tasks.create(task, aContent(task));
    return task;
  };
  /** Sweeps as often as in life, and answers how long after `overdueAt` the task was told of, in ms. */
  const sweepEvery = async (
    task: Task,
    untilMs: number,
    meanwhile: (current: Task, ms: number) => Promise<void> = async () => undefined,
  ) => {
    const told: number[] = [];
    for (let ms = 0; ms <= untilMs; ms += TIMING.sweep.everyMs) {
      clock.set(at(ms));
      const { withoutProgress } = await sweep(at(1e9), (error) => {
        throw error;
      });
      if (withoutProgress.includes(task.id)) told.push(ms);
      const current = await store.tasks.get(task.id);
      if (current) await meanwhile(current, ms);
    }
    return told;
  };
  return { ...store, clock, put, sweepEvery };
}

describe("a task that stands still", () => {
  it("is told of ten minutes after it should have moved, although the sweeper sent others meanwhile", async () => {
    const { put, sweepEvery, tasks } = setUp();
    const task = await put();
    const [first, ...more] = await sweepEvery(task, 3_600_000);
    expect(first).toBeGreaterThanOrEqual(WITHOUT_PROGRESS_MS);
    // The sweeper comes back every two minutes or so.
    expect(first).toBeLessThan(WITHOUT_PROGRESS_MS + 180_000);
    expect(more).toEqual([]);
    expect(await tasks.get(task.id)).toMatchObject({ status: "held", reason: { code: "stuck" } });
  });

  it("is told of, too, when each worker dies after it has begun", async () => {
    const { put, sweepEvery, tasks, clock } = setUp();
    const task = await put({ mediaCount: 1 });
    const told = await sweepEvery(task, 3_600_000, async (current) => {
      if (current.status === "pending") await tasks.save(claimForPrepare(current, clock.now(), attemptId));
    });
    expect(told[0]).toBeGreaterThanOrEqual(WITHOUT_PROGRESS_MS);
    expect(told[0]).toBeLessThan(WITHOUT_PROGRESS_MS + 300_000);
  });

  it("is told of at once by a sweeper that did not run for ten minutes itself", async () => {
    const { put, sweepEvery } = setUp();
    const task = await put({ wakeAt: at(-WITHOUT_PROGRESS_MS) });
    expect(await sweepEvery(task, 0)).toEqual([0]);
  });

  it("is not one that gets on, however slowly", async () => {
    const { put, sweepEvery, tasks, clock } = setUp();
    const task = await put({ mediaCount: 1 });
    const told = await sweepEvery(task, 3_600_000, async (current, ms) => {
      if (ms % 480_000 !== 0 || current.status !== "pending") return;
      const claimed = claimForPrepare(current, clock.now(), attemptId);
      await tasks.save(claimed);
      await tasks.save(pausePrepare(claimed, clock.now(), clock.now()));
    });
    expect(told).toEqual([]);
  });

  it("is no longer one when it begins to post", async () => {
    const { put, sweepEvery, tasks, clock } = setUp();
    const task = await put();
    await sweepEvery(task, 480_000);
    const current = await tasks.get(task.id);
    expect(current?.stalledSince).toEqual(overdueAt);
    if (current)
      expect(
        startPosting(current, clock.now(), { attemptId, requestHash: "ff", sharesAt: clock.now() }),
      ).not.toHaveProperty("stalledSince");
  });
});
