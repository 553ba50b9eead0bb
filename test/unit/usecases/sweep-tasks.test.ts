import { describe, expect, it, vi } from "vitest";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import { asAccountId, asAttemptId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { claimForPrepare, startPosting } from "#shared/domain/moves.ts";
import type { Task } from "#shared/domain/task.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createSweepTasks } from "#shared/usecases/sweep-tasks.ts";
import { aContent, aMedium, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryDispatch, createInMemoryIntakeQueue } from "#test/support/in-memory-dispatch.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const start = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(start.getTime() + ms);
const attemptId = asAttemptId("attempt-1");
const never = at(10_000_000);

function setUp() {
  const clock = manualClock(start);
  const store = createInMemoryStore(clock);
  const dispatch = createInMemoryDispatch();
  const intake = createInMemoryIntakeQueue();
  const accounts = createInMemoryAccounts();
  let serial = 0;
  const sweep = createSweepTasks({
    tasks: store.tasks,
    drops: store.drops,
    accounts,
    intake,
    arrange: createArrangeTask({ tasks: store.tasks, dispatch, clock, limits: ARRANGEMENT_LIMITS }),
    clock,
    entropy: { newId: () => `sweep-${++serial}`, random: () => 0.5 },
  });
  const faults: unknown[] = [];
  const put = async (over: Partial<Task> = {}) => {
    const task = aTask({ wakeAt: at(120_000), slotAt: at(60_000), ...over });
    await store.tasks.create(
      task,
      aContent(task, { media: Array.from({ length: task.mediaCount }, () => aMedium()) }),
    );
    return task;
  };
  const read = async (task: Task) => (await store.tasks.get(task.id)) as Task;
  return {
    ...store,
    clock,
    dispatch,
    accounts,
    intake,
    faults,
    put,
    read,
    sweep: (deadline = never) => sweep(deadline, (error) => faults.push(error)),
  };
}

const NOTHING = {
  dispatched: 0,
  unknown: 0,
  held: 0,
  drops: 0,
  scans: 0,
  skipped: 0,
  failed: 0,
  complete: true,
};

describe("sweepTasks", () => {
  it("leaves alone what is not due yet", async () => {
    const { put, sweep, read } = setUp();
    const task = await put();
    expect(await sweep()).toEqual(NOTHING);
    expect(await read(task)).toEqual(task);
  });

  it("dispatches a task that nobody arranged, under a new arm", async () => {
    const { put, sweep, read, dispatch, clock } = setUp();
    const task = await put({ mediaCount: 1 });
    clock.set(at(120_000));
    expect(await sweep()).toEqual({ ...NOTHING, dispatched: 1 });
    expect(await read(task)).toMatchObject({ arm: 2, recoveries: 1, status: "pending", wakeAt: at(240_000) });
    expect(dispatch.enqueued.map(({ message }) => [message.step, message.arm])).toEqual([
      ["prepare", 2],
      ["publish", 2],
    ]);
    expect(await sweep()).toEqual(NOTHING);
  });

  it("starts uploads again whose worker died, once its lease has run out", async () => {
    const { put, sweep, read, tasks, clock } = setUp();
    const task = await put({ mediaCount: 1 });
    await tasks.save(claimForPrepare(task, start, attemptId));
    clock.set(at(134_999));
    expect(await sweep()).toEqual(NOTHING);
    clock.set(at(135_000));
    expect(await sweep()).toEqual({ ...NOTHING, dispatched: 1 });
    const swept = await read(task);
    expect(swept).toMatchObject({ status: "pending", arm: 2 });
    expect(swept).not.toHaveProperty("attemptId");
  });

  it("calls a publisher that died unknown, says so in the log, and never wakes it again", async () => {
    const { put, sweep, read, tasks, dispatch, clock } = setUp();
    const task = await put();
    await tasks.save(startPosting(task, start, { attemptId, requestHash: "ff" }));
    clock.set(at(105_000));
    expect(await sweep()).toEqual({ ...NOTHING, unknown: 1 });
    expect(await read(task)).toMatchObject({
      status: "unknown",
      arm: 1,
      reason: { code: "outcome-unknown" },
    });
    expect(await tasks.getLog(task.id)).toMatchObject([{ step: "sweep", status: "unknown" }]);
    expect([...dispatch.enqueued, ...dispatch.scheduled]).toEqual([]);
    clock.advance(100_000_000);
    expect(await sweep(at(1e12))).toEqual(NOTHING);
  });

  it("gives up after five recoveries without progress, and says what to do", async () => {
    const { put, sweep, read, tasks, clock } = setUp();
    const task = await put({ recoveries: 5 });
    clock.set(at(120_000));
    expect(await sweep()).toEqual({ ...NOTHING, held: 1 });
    expect(await read(task)).toMatchObject({ status: "held", reason: { code: "stuck" } });
    expect(await tasks.getLog(task.id)).toMatchObject([{ code: "stuck", status: "held" }]);
  });

  it("decides by the task itself, not by a stale index", async () => {
    const { put, sweep, tasks, clock, dispatch } = setUp();
    const task = await put({ wakeAt: at(1) });
    clock.set(at(2));
    const stale = [{ kind: "task" as const, id: task.id, wakeAt: at(1) }];
    await tasks.save({ ...task, version: 2, wakeAt: at(500_000) });
    vi.spyOn(tasks, "listDue").mockResolvedValueOnce(stale);
    expect(await sweep()).toEqual({ ...NOTHING, skipped: 1 });
    expect(dispatch.enqueued).toEqual([]);
  });

  it("acts once when two sweeps meet", async () => {
    const { put, sweep, dispatch, clock } = setUp();
    await put();
    clock.set(at(120_000));
    const reports = await Promise.all([sweep(), sweep()]);
    expect(reports.map(({ dispatched }) => dispatched).toSorted()).toEqual([0, 1]);
    expect(dispatch.enqueued).toHaveLength(1);
  });

  it("goes on after an item that fails, and reports it", async () => {
    const { put, sweep, dispatch, clock, faults } = setUp();
    for (let count = 0; count < 3; count++) await put();
    clock.set(at(120_000));
    vi.spyOn(dispatch, "enqueue").mockRejectedValueOnce(new Error("no queue"));
    expect(await sweep()).toEqual({ ...NOTHING, dispatched: 2, failed: 1 });
    expect(faults).toEqual([new Error("no queue")]);
  });

  it("works through more than a page, and stops at its deadline", async () => {
    const { put, sweep, clock } = setUp();
    for (let count = 0; count < 450; count++) await put();
    clock.set(at(120_000));
    expect(await sweep(at(120_000))).toEqual({ ...NOTHING, complete: false });
    expect(await sweep()).toEqual({ ...NOTHING, dispatched: 450 });
  });

  it("asks for a drop again whose files were waited for, and claims it for five minutes", async () => {
    const { drops, sweep, intake, clock } = setUp();
    const drop = {
      project: "default",
      base: "kite",
      status: "waiting" as const,
      firstSeenAt: start,
      lastSeenAt: start,
      wakeAt: at(1),
      version: 1,
    };
    await drops.save(drop);
    clock.set(at(1));
    expect(await sweep()).toEqual({ ...NOTHING, drops: 1 });
    expect(intake.sent).toEqual([{ kind: "settle", project: "default", base: "kite", delayMs: 0 }]);
    expect(await drops.get("default", "kite")).toMatchObject({ version: 2, wakeAt: at(300_001) });
    expect(await sweep()).toEqual(NOTHING);
  });

  it("looks through every source once an hour for files whose event was lost", async () => {
    const { accounts, sweep, intake, clock } = setUp();
    for (const name of ["default", "shop"])
      await accounts.addProject({
        id: asProjectId(name),
        ownerId: asOwnerId("owner"),
        name,
        timeZone: "UTC",
        accountIds: [asAccountId("main")],
        defaultAccountId: asAccountId("main"),
      });
    const reports = await Promise.all([sweep(), sweep()]);
    expect(reports.map(({ scans }) => scans).reduce((sum, scans) => sum + scans)).toBe(2);
    expect(intake.sent).toEqual([
      { kind: "scan", project: "default" },
      { kind: "scan", project: "shop" },
    ]);
    clock.set(at(3_599_999));
    expect(await sweep()).toEqual(NOTHING);
    clock.set(at(3_600_000));
    expect(await sweep()).toEqual({ ...NOTHING, scans: 2 });
  });
});
