import { describe, expect, it, vi } from "vitest";
import { asAccountId, asAttemptId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { claimForPrepare, startPosting } from "#shared/domain/moves.ts";
import type { Task } from "#shared/domain/task.ts";
import { aMedium } from "#test/support/builders.ts";
import { setUpPublishing } from "#test/support/publishing.ts";

const start = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(start.getTime() + ms);
const attemptId = asAttemptId("attempt-1");
async function setUp() {
  const world = await setUpPublishing({ now: start });
  // The project's own source: looked through once an hour.
  await world.accounts.claimScan({ folder: "default" }, start);
  return {
    ...world,
    put: (over: Partial<Task> = {}) =>
      world.put(
        { wakeAt: at(120_000), slotAt: at(60_000), ...over },
        { media: Array.from({ length: over.mediaCount ?? 0 }, () => aMedium()) },
      ),
  };
}

const NOTHING = {
  dispatched: 0,
  unknown: 0,
  readings: 0,
  verified: 0,
  resumed: 0,
  held: 0,
  drops: 0,
  runs: 0,
  scans: 0,
  skipped: 0,
  failed: 0,
  withoutProgress: [],
  complete: true,
};

describe("sweepTasks", () => {
  it("leaves alone what is not due yet", async () => {
    const { put, sweep, read } = await setUp();
    const task = await put();
    expect(await sweep()).toEqual(NOTHING);
    expect(await read(task)).toEqual(task);
  });

  it("dispatches a task that nobody arranged, under a new arm", async () => {
    const { put, sweep, read, dispatch, clock } = await setUp();
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
    const { put, sweep, read, tasks, clock } = await setUp();
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

  it("calls a publisher that died unknown, says so in the log, and wakes nobody but its reader", async () => {
    const { put, sweep, read, tasks, dispatch, clock } = await setUp();
    const task = await put();
    await tasks.save(startPosting(task, start, { attemptId, requestHash: "ff" }));
    clock.set(at(105_000));
    expect(await sweep()).toEqual({ ...NOTHING, unknown: 1 });
    expect(await read(task)).toMatchObject({
      status: "unknown",
      arm: 1,
      attemptId,
      inDoubtSince: start,
      reason: { code: "outcome-unknown" },
    });
    expect(await tasks.getLog(task.id)).toMatchObject([{ step: "sweep", status: "unknown" }]);
    const settle = { taskId: task.id, rev: 1, arm: 1, step: "settle", part: 0 };
    expect(dispatch.enqueued).toEqual([{ message: settle, delayMs: 15_000 }]);
    expect(dispatch.scheduled).toEqual([]);
    expect(await sweep()).toEqual(NOTHING);
  });

  it("gives up after five recoveries without progress, and says what to do", async () => {
    const { put, sweep, read, tasks, clock } = await setUp();
    const task = await put({ recoveries: 5 });
    clock.set(at(120_000));
    expect(await sweep()).toEqual({ ...NOTHING, held: 1 });
    expect(await read(task)).toMatchObject({ status: "held", reason: { code: "stuck" } });
    expect(await tasks.getLog(task.id)).toMatchObject([{ code: "stuck", status: "held" }]);
  });

  it("decides by the task itself, not by a stale index", async () => {
    const { put, sweep, tasks, clock, dispatch } = await setUp();
    const task = await put({ wakeAt: at(1) });
    clock.set(at(2));
    const stale = [{ kind: "task" as const, id: task.id, wakeAt: at(1) }];
    await tasks.save({ ...task, version: 2, wakeAt: at(500_000) });
    vi.spyOn(tasks, "listDue").mockResolvedValueOnce(stale);
    expect(await sweep()).toEqual({ ...NOTHING, skipped: 1 });
    expect(dispatch.enqueued).toEqual([]);
  });

  it("acts once when two sweeps meet", async () => {
    const { put, sweep, dispatch, clock } = await setUp();
    await put();
    clock.set(at(120_000));
    const reports = await Promise.all([sweep(), sweep()]);
    expect(reports.map(({ dispatched }) => dispatched).toSorted()).toEqual([0, 1]);
    expect(dispatch.enqueued).toHaveLength(1);
  });

  it("goes on after an item that fails, and reports it", async () => {
    const { put, sweep, dispatch, clock, faults } = await setUp();
    for (let count = 0; count < 3; count++) await put();
    clock.set(at(120_000));
    vi.spyOn(dispatch, "enqueue").mockRejectedValueOnce(new Error("no queue"));
    expect(await sweep()).toEqual({ ...NOTHING, dispatched: 2, failed: 1 });
    expect(faults).toEqual([new Error("no queue")]);
  });

  it("works through more than a page, and stops at its deadline", async () => {
    const { put, sweep, clock } = await setUp();
    for (let count = 0; count < 450; count++) await put();
    clock.set(at(120_000));
    expect(await sweep(at(120_000))).toEqual({ ...NOTHING, complete: false });
    expect(await sweep()).toEqual({ ...NOTHING, dispatched: 450 });
  });

  it("asks for a drop again whose files were waited for, and claims it for five minutes", async () => {
    const { drops, sweep, intake, clock } = await setUp();
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
    const { accounts, sweep, intake, clock } = await setUp();
    await accounts.addProject({
      id: asProjectId("shop"),
      ownerId: asOwnerId("owner"),
      name: "shop",
      timeZone: "UTC",
      accountIds: [asAccountId("main")],
      defaultAccountId: asAccountId("main"),
    });
    clock.set(at(3_600_000));
    const reports = await Promise.all([sweep(), sweep()]);
    expect(reports.map(({ scans }) => scans).reduce((sum, scans) => sum + scans)).toBe(2);
    expect(intake.sent).toEqual([
      { kind: "scan", project: "default" },
      { kind: "scan", project: "shop" },
    ]);
    clock.set(at(7_199_999));
    expect(await sweep()).toEqual(NOTHING);
    clock.set(at(7_200_000));
    expect(await sweep()).toEqual({ ...NOTHING, scans: 2 });
  });
});
