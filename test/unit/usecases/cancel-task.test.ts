import { describe, expect, it, vi } from "vitest";
import { newGate, reserve } from "#shared/domain/gate.ts";
import { asAttemptId, asOwnerId } from "#shared/domain/ids.ts";
import { markArranged } from "#shared/domain/moves.ts";
import { TASK_STATUSES, type Task } from "#shared/domain/task.ts";
import { createCancelTask } from "#shared/usecases/cancel-task.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { MAIN, OWNER, setUpPublishing } from "#test/support/publishing.ts";

const slotAt = new Date("2026-12-01T01:10:00.000Z");

async function setUp() {
  const world = await setUpPublishing({ now: slotAt });
  const report = vi.fn();
  const unscheduled: object[] = [];
  vi.spyOn(world.dispatch, "unschedule").mockImplementation(async (message) => {
    unscheduled.push(message);
  });
  const show = createShowTasks({ tasks: world.tasks, accounts: world.accounts });
  const cancelTask = createCancelTask({ ...world, show, report });
  return {
    ...world,
    report,
    unscheduled,
    cancel: ({ id }: Pick<Task, "id">) => cancelTask(OWNER, id),
    cancelTask,
  };
}

/** A thread of three whose first part is out. */
async function aThread() {
  const world = await setUp();
  const task = await world.put({ slotAt, partCount: 3 });
  await world.publish(task);
  expect(await world.read(task)).toMatchObject({ status: "ready", posted: [{ postId: "post-1" }] });
  expect(await world.gate()).toMatchObject({ day: { used: 3 }, reservations: [{ units: 3, used: 1 }] });
  return { ...world, task };
}

describe("cancelTask", () => {
  it("ends a task that waits, and takes its wake-up calls back", async () => {
    const { cancel, put, read, tasks, unscheduled } = await setUp();
    const task = await put({ slotAt, mediaCount: 1 });
    expect(await cancel(task)).toMatchObject({ ok: true, value: { outcome: "cancelled" } });
    expect(await read(task)).toMatchObject({ status: "cancelled", rev: 2, reason: { code: "cancelled" } });
    expect(unscheduled).toEqual(
      ["prepare", "publish"].map((step) => ({ taskId: task.id, rev: 1, arm: 1, step })),
    );
    expect(await tasks.getLog(task.id)).toMatchObject([{ step: "change", code: "cancelled" }]);
    expect(await tasks.getGate(MAIN)).toEqual(newGate(MAIN));
  });

  it("changes nothing more when it is repeated", async () => {
    const { cancel, put, snapshot } = await setUp();
    const task = await put();
    await cancel(task);
    const before = snapshot();
    expect(await cancel(task)).toMatchObject({ ok: true, value: { outcome: "cancelled" } });
    expect(snapshot()).toEqual(before);
  });

  it.each(TASK_STATUSES.filter((status) => ["published", "failed", "missed"].includes(status)))(
    "refuses a task that is %s",
    async (status) => {
      const { cancel, put } = await setUp();
      const task = await put({ status });
      expect(await cancel(task)).toEqual({ ok: false, error: { reason: "final", status } });
    },
  );

  it("knows nothing of somebody else's task", async () => {
    const { cancelTask, put, read } = await setUp();
    const task = await put();
    expect(await cancelTask(asOwnerId("owner-2"), task.id)).toEqual({
      ok: false,
      error: { reason: "not-found" },
    });
    expect(await read(task)).toEqual(task);
  });

  it("remembers the wish while X may be answering, and leaves the place at the gate taken", async () => {
    const { cancel, put, publish, publisher, gate, read } = await setUp();
    const task = await put({ slotAt });
    publisher.create.mockResolvedValueOnce({ kind: "unknown", cause: "deadline" });
    await publish(task);
    expect(await cancel(task)).toMatchObject({ ok: true, value: { outcome: "asked" } });
    expect(await read(task)).toMatchObject({ status: "unknown", cancelAskedAt: slotAt });
    expect(await gate()).toMatchObject({ day: { used: 1 }, reservations: [{ taskId: task.id }] });
  });

  it("between two parts of a thread leaves its place at the gate: what is out counts, the rest is free", async () => {
    const { cancel, task, gate, read, publish } = await aThread();
    expect(await cancel(task)).toMatchObject({ ok: true, value: { outcome: "cancelled" } });
    expect(await read(task)).toMatchObject({
      status: "cancelled",
      reason: { code: "cancelled-in-thread", message: "The thread was cancelled after 1 of 3 parts." },
    });
    expect(await gate()).toMatchObject({ day: { used: 1 }, quarter: { used: 1 }, reservations: [] });
    expect(await publish(task, { rev: 1 })).toEqual({ kind: "stale-message" });
  });

  it("also of a thread that waits for another try", async () => {
    const { cancel, task, gate, read, publish, publisher, clock } = await aThread();
    clock.advance(5_000);
    const reason = { code: "x-unavailable", message: "No.", remedy: "Wait." };
    publisher.create.mockResolvedValueOnce({ kind: "refused", failure: { class: "transient", reason } });
    await publish(task);
    expect(await read(task)).toMatchObject({ status: "retrying" });
    expect((await gate()).reservations).toHaveLength(1);
    await cancel(task);
    expect(await gate()).toMatchObject({ day: { used: 1 }, reservations: [] });
  });

  it("decides again when another post of the account changed the gate meanwhile", async () => {
    const { cancel, task, gate, tasks, put, clock } = await aThread();
    const other = await put({ slotAt });
    const getGate = tasks.getGate;
    vi.spyOn(tasks, "getGate").mockImplementationOnce(async (id) => {
      const seen = await getGate(id);
      const now = clock.now();
      const wish = {
        taskId: other.id,
        now,
        units: 1,
        policy: {},
        attemptId: asAttemptId("o"),
        ownerId: OWNER,
      };
      expect(await tasks.save(markArranged(other, now, now), { gate: reserve(seen, wish) })).toMatchObject({
        ok: true,
      });
      return seen;
    });
    expect(await cancel(task)).toMatchObject({ ok: true, value: { outcome: "cancelled" } });
    expect(await gate()).toMatchObject({ day: { used: 2 }, reservations: [{ taskId: other.id }] });
  });

  it("gives up after a few races, and has changed nothing", async () => {
    const { cancel, task, gate, tasks, read } = await aThread();
    const [before, gateBefore] = [await read(task), await gate()];
    vi.spyOn(tasks, "save").mockResolvedValue({ ok: false, error: { reason: "gate-stale" } });
    expect(await cancel(task)).toEqual({ ok: false, error: { reason: "conflict" } });
    expect(tasks.save).toHaveBeenCalledTimes(5);
    expect([await read(task), await gate()]).toEqual([before, gateBefore]);
  });

  it("is done although a schedule could not be taken back", async () => {
    const { cancel, put, dispatch, report } = await setUp();
    vi.mocked(dispatch.unschedule).mockRejectedValue(new Error("no scheduler"));
    expect(await cancel(await put())).toMatchObject({ ok: true });
    expect(report).toHaveBeenCalledWith(new Error("no scheduler"));
  });
});
