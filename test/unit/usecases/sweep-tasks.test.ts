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
  jobs: 0,
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

  describe("a lost answer whose reading does not come", () => {
    async function unread(over: Partial<Task> = {}) {
      const world = await setUp();
      const task = await world.put({ slotAt: start, ...over });
      world.publisher.create.mockResolvedValueOnce({ kind: "unknown", cause: "deadline" });
      expect(await world.publish(task)).toMatchObject({ kind: "unknown" });
      world.dispatch.enqueued.length = 0;
      return { ...world, task };
    }

    it("is read again a minute after it was due, under the same arm", async () => {
      const { task, sweep, read, dispatch, clock } = await unread();
      clock.set(at(179_999));
      expect(await sweep()).toEqual(NOTHING);
      clock.set(at(180_000));
      expect(await sweep()).toEqual({ ...NOTHING, readings: 1 });
      expect(await read(task)).toMatchObject({
        status: "unknown",
        arm: 1,
        recoveries: 1,
        wakeAt: at(480_000),
      });
      const settle = { taskId: task.id, rev: 1, arm: 1, step: "settle", part: 0 };
      expect(dispatch.enqueued).toEqual([{ message: settle, delayMs: 0 }]);
      expect(await sweep()).toEqual(NOTHING);
    });

    it("is sent for once when two sweeps meet", async () => {
      const { sweep, dispatch, clock } = await unread();
      clock.set(at(180_000));
      const reports = await Promise.all([sweep(), sweep()]);
      expect(reports.map(({ readings }) => readings).toSorted()).toEqual([0, 1]);
      expect(dispatch.enqueued).toHaveLength(1);
    });

    it("needs a person after five times, and counts as posted: never posted again by itself", async () => {
      const { task, sweep, read, clock, gate, tasks } = await unread();
      for (let count = 1; count <= 5; count++) {
        clock.set((await read(task)).wakeAt ?? start);
        expect(await sweep()).toMatchObject({ readings: 1 });
      }
      clock.set((await read(task)).wakeAt ?? start);
      expect(await sweep()).toMatchObject({ readings: 0, held: 1 });
      expect(await read(task)).toMatchObject({ status: "held", reason: { code: "outcome-unreadable" } });
      expect(await gate()).toMatchObject({ reservations: [], day: { used: 1 } });
      expect((await tasks.getLog(task.id)).at(-1)).toMatchObject({
        step: "sweep",
        code: "outcome-unreadable",
      });
    });

    it("is left alone while somebody writes the account's gate", async () => {
      const { task, sweep, read, clock, tasks } = await unread({ recoveries: 5 });
      clock.set(at(180_000));
      vi.spyOn(tasks, "save").mockResolvedValueOnce({ ok: false, error: { reason: "gate-stale" } });
      expect(await sweep()).toMatchObject({ skipped: 1, held: 0 });
      expect(await read(task)).toMatchObject({ status: "unknown" });
      expect(await sweep()).toMatchObject({ held: 1 });
    });
  });

  it("gives the place of a thread back that does not move any more: what is out counts", async () => {
    const { put, sweep, read, publish, clock, gate } = await setUp();
    const task = await put({ slotAt: start, partCount: 3 });
    await publish(task);
    expect(await gate()).toMatchObject({ reservations: [{ used: 1 }], day: { used: 3 } });
    for (let count = 1; count <= 5; count++) {
      clock.set((await read(task)).wakeAt ?? start);
      expect(await sweep()).toMatchObject({ dispatched: 1 });
    }
    clock.set((await read(task)).wakeAt ?? start);
    expect(await sweep()).toMatchObject({ held: 1 });
    expect(await read(task)).toMatchObject({ status: "held", reason: { code: "stuck" } });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 1 } });
  });

  it("keeps the place of a publisher that died: the post may be out", async () => {
    const { put, sweep, read, publish, publisher, clock, gate, tasks } = await setUp();
    const task = await put({ slotAt: start });
    publisher.create.mockRejectedValueOnce(new RangeError("the worker died"));
    await expect(publish(task)).rejects.toThrow("the worker died");
    expect(await read(task)).toMatchObject({ status: "posting" });
    clock.set(at(105_000));
    expect(await sweep()).toEqual({ ...NOTHING, unknown: 1 });
    expect(await tasks.getGate(task.accountId)).toEqual(await gate());
    expect(await gate()).toMatchObject({ reservations: [{ taskId: task.id }], day: { used: 1 } });
  });

  it("leaves a lease alone that was made longer than the index knows", async () => {
    const { put, sweep, read, tasks, clock } = await setUp();
    const task = await put();
    const posting = startPosting(task, start, { attemptId, requestHash: "ff" });
    await tasks.save({ ...posting, wakeAt: start, leaseUntil: at(1) });
    expect(await sweep()).toEqual({ ...NOTHING, skipped: 1 });
    clock.set(at(1));
    expect(await sweep()).toEqual({ ...NOTHING, unknown: 1 });
    expect(await read(task)).toMatchObject({ status: "unknown" });
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
    const shop = await accounts.getSource("shop");
    if (!shop) throw new Error("the source is gone");
    await accounts.saveSource({ ...shop, enabled: false, version: shop.version + 1 });
    clock.set(at(10_800_000));
    expect(await sweep()).toEqual({ ...NOTHING, scans: 1 });
  });
});
