import { describe, expect, it, vi } from "vitest";
import { textClaimKey } from "#shared/domain/claim.ts";
import { hashText } from "#shared/domain/duplicates/fingerprint.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { noteSlot } from "#shared/domain/planning/board.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { UNREADABLE } from "#shared/domain/reconcile.ts";
import { isActive, TASK_STATUSES } from "#shared/domain/task.ts";
import { ACCOUNT, at, SECOND, START, setUpChanging, UNKNOWN_TASK, WAITING } from "#test/support/changing.ts";
import { OWNER } from "#test/support/publishing.ts";

const DAY_MS = 86_400_000;
const WINDOW: Policy = {
  urgentShare: 0,
  minIntervalMs: 3_600_000,
  duplicates: { windowMs: 30 * DAY_MS, threshold: 0.6, near: "warns" },
};
const FIVE = { publishAt: "2026-12-01T05:00:00Z" };

describe("rescheduleTask", () => {
  it.each(WAITING)("gives a %s task the time that was asked for, and calls for it", async (status) => {
    const { reschedule, put, read, calls, tasks } = await setUpChanging();
    const task = await put({
      status,
      reason: { code: "late", message: "Late.", remedy: "Wait." },
      retries: 2,
    });
    const moved = await reschedule(OWNER, task.id, FIVE);
    const after = await read(task);
    expect(after).toMatchObject({
      status: status === "ready" ? "ready" : "pending",
      publishAt: at(240),
      slotAt: at(240),
      rev: 2,
      contentRev: 1,
      arm: 2,
      retries: 0,
    });
    expect(after).not.toHaveProperty("reason");
    expect(after).not.toHaveProperty("strategy");
    // What is answered is what is stored: its version can be sent back.
    expect(moved).toMatchObject({ ok: true, value: { task: after } });
    expect(moved.ok && moved.value).not.toHaveProperty("plan");
    expect(await calls(task)).toEqual([{ step: "publish", at: new Date(at(240).getTime() - 65_000) }]);
    expect(await tasks.getLog(task.id)).toMatchObject([{ step: "change", code: "rescheduled" }]);
  });

  it("takes the calls for the old slot back", async () => {
    const { reschedule, put, arrange, dispatch } = await setUpChanging();
    const task = await put({ mediaCount: 1 });
    await arrange(task, []);
    expect(dispatch.scheduled).toHaveLength(1);
    await reschedule(OWNER, task.id, FIVE);
    expect(dispatch.scheduled.map(({ message }) => message.arm)).toEqual([2]);
  });

  it.each([
    ["posting", "in-flight"],
    ["unknown", "in-flight"],
    ["published", "final"],
    ["failed", "final"],
    ["missed", "final"],
    ["cancelled", "final"],
  ] as const)("leaves a %s task alone", async (status, reason) => {
    const { reschedule, put, read } = await setUpChanging();
    const task = await put({ status });
    expect(await reschedule(OWNER, task.id, FIVE)).toEqual({ ok: false, error: { reason, status } });
    expect(await read(task)).toEqual(task);
  });

  it.each(TASK_STATUSES.filter((status) => isActive(status) || status === "held"))(
    "never moves what may be on X: a %s task with parts, or in doubt",
    async (status) => {
      const { reschedule, put } = await setUpChanging();
      const begun = await put({ status, partCount: 2, posted: [{ postId: "1", sentAt: START }] });
      expect((await reschedule(OWNER, begun.id, FIVE)).ok).toBe(false);
      if (status !== "held") return;
      const doubted = await put({ status, inDoubtSince: START, reason: UNREADABLE });
      expect(await reschedule(OWNER, doubted.id, FIVE)).toEqual({
        ok: false,
        error: { reason: "in-doubt", status },
      });
    },
  );

  it("reads a local time by the project's zone", async () => {
    const { reschedule, put, read } = await setUpChanging({ timeZone: "Asia/Shanghai" });
    const task = await put();
    await reschedule(OWNER, task.id, { publishAt: "2026-12-02 09:00" });
    expect((await read(task)).slotAt).toEqual(new Date("2026-12-02T01:00:00.000Z"));
  });

  it.each([
    [{ publishAt: "2026-02-30 09:00" }, "bad-time"],
    [{ publishAt: "2026-11-30T01:00:00Z" }, "slot-passed"],
    [{ publishAt: "2028-12-01T01:00:00Z" }, "too-far-ahead"],
    [{ publishAt: "now", strategy: "fixed" }, "strategy-and-time"],
    [{ publishAt: "2026-12-01T07:59:50Z" }, "thread-meets-blackout"],
  ] as const)("refuses %o as %s", async (time, code) => {
    const { reschedule, put, read } = await setUpChanging({
      policy: { urgentShare: 0, blackout: { fromHour: 8, toHour: 9 } },
    });
    const task = await put({ partCount: 5 });
    expect(await reschedule(OWNER, task.id, time)).toMatchObject({
      ok: false,
      error: { reason: "bad-time", code },
    });
    expect(await read(task)).toEqual(task);
  });

  it("has a strategy choose the slot, on the account's board, and tells why", async () => {
    const { reschedule, place, read, tasks } = await setUpChanging({ policy: WINDOW });
    const other = await place("the other one", { slotAt: at(30) });
    const task = await place("this one", { slotAt: at(300) });
    const moved = await reschedule(OWNER, task.id, { strategy: "next-free" });
    if (!moved.ok) throw new Error(moved.error.reason);
    const after = await read(task);
    expect(after).toMatchObject({ strategy: "next-free", accountId: ACCOUNT, publishAt: START });
    expect(moved.value.plan).toMatchObject({ at: after.slotAt, strategy: "next-free" });
    expect(Math.abs(after.slotAt.getTime() - other.slotAt.getTime())).toBeGreaterThanOrEqual(3_600_000);
    expect(after.slotAt < task.slotAt).toBe(true);
    const { noted } = await tasks.getBoard(ACCOUNT);
    expect(noted.find(({ taskId }) => taskId === task.id)?.at).toEqual(after.slotAt);
  });

  it("never gives two tasks one slot, when both are rescheduled at once", async () => {
    const { reschedule, place, read } = await setUpChanging({ policy: WINDOW });
    const [one, two] = [await place("one", { slotAt: at(600) }), await place("two", { slotAt: at(900) })];
    const both = await Promise.all(
      [one, two].map(({ id }) => reschedule(OWNER, id, { strategy: "next-free" })),
    );
    expect(both.map(({ ok }) => ok)).toEqual([true, true]);
    const [first, second] = [(await read(one)).slotAt.getTime(), (await read(two)).slotAt.getTime()];
    expect(Math.abs(first - second)).toBeGreaterThanOrEqual(3_600_000);
  });

  it("says when no slot is free", async () => {
    const { reschedule, put, read } = await setUpChanging({
      policy: { urgentShare: 0, dailyMax: 1 },
    });
    const task = await put({ partCount: 2 });
    expect(await reschedule(OWNER, task.id, { strategy: "next-free" })).toMatchObject({
      ok: false,
      error: { reason: "no-free-slot" },
    });
    expect(await read(task)).toEqual(task);
  });

  it("chooses an account of an open pool with the slot, and none other for a task that has one", async () => {
    const { reschedule, put, read } = await setUpChanging();
    const open = await put({ pool: "open" });
    await reschedule(OWNER, open.id, { strategy: "next-free" });
    expect([ACCOUNT, SECOND]).toContain((await read(open)).accountId);
    expect(await read(open)).toMatchObject({ pool: "chosen" });
    const own = await put({ accountId: SECOND });
    await reschedule(OWNER, own.id, { strategy: "next-free" });
    expect(await read(own)).toMatchObject({ accountId: SECOND });
  });

  it("keeps its text its own for the whole window behind the new slot", async () => {
    const { reschedule, place, tasks, clock } = await setUpChanging({ policy: WINDOW });
    const task = await place("says it", { slotAt: at(10) });
    const key = textClaimKey(ACCOUNT, String(hashText([{ text: "says it" }])));
    await reschedule(OWNER, task.id, { publishAt: "2026-12-20T01:00:00Z" });
    clock.set("2027-01-18T00:00:00Z");
    expect(await tasks.getClaim(key)).toBe(task.id);
    clock.set("2027-01-20T00:00:00Z");
    expect(await tasks.getClaim(key)).toBeUndefined();
  });

  it("takes no text that is another task's", async () => {
    const { reschedule, place, put, tasks } = await setUpChanging({ policy: WINDOW });
    const holder = await place("says it");
    // It never had the claim, as an occurrence of a recurrence has none.
    const task = await put({}, { parts: [{ text: "says it" }] });
    expect((await reschedule(OWNER, task.id, FIVE)).ok).toBe(true);
    const key = textClaimKey(ACCOUNT, String(hashText([{ text: "says it" }])));
    expect(await tasks.getClaim(key)).toBe(holder.id);
  });

  it("moves the slot on the board too, where planners would go by it", async () => {
    const { reschedule, put, tasks, clock } = await setUpChanging();
    const task = await put();
    const slot = { taskId: task.id, at: task.slotAt, parts: 1, priority: 5 };
    const board = noteSlot(await tasks.getBoard(ACCOUNT), slot, clock.now());
    await tasks.save({ ...task, version: 2 }, { board });
    await reschedule(OWNER, task.id, FIVE);
    expect((await tasks.getBoard(ACCOUNT)).noted).toMatchObject([{ taskId: task.id, at: at(240) }]);
  });

  it("decides again when somebody else wrote the task, and only what the caller has seen", async () => {
    const { reschedule, put, read, tasks, clock } = await setUpChanging();
    const task = await put();
    const save = tasks.save;
    const saving = vi.spyOn(tasks, "save").mockImplementationOnce(async (next, together) => {
      await save({ ...task, priority: 1, version: 2 });
      return save(next, together);
    });
    expect((await reschedule(OWNER, task.id, FIVE)).ok).toBe(true);
    expect(await read(task)).toMatchObject({ priority: 1, slotAt: at(240) });
    expect(saving.mock.calls.length).toBeGreaterThan(1);

    const { version } = await read(task);
    clock.advance(1);
    const before = await read(task);
    expect(await reschedule(OWNER, task.id, { publishAt: "now" }, { ifVersion: version - 1 })).toEqual({
      ok: false,
      error: { reason: "stale", version },
    });
    expect(await read(task)).toEqual(before);
    expect((await reschedule(OWNER, task.id, { publishAt: "now" }, { ifVersion: version })).ok).toBe(true);
  });

  it("honours the version in the write itself: what comes in between is not overwritten", async () => {
    const { reschedule, put, read, tasks } = await setUpChanging();
    const task = await put();
    const save = tasks.save;
    vi.spyOn(tasks, "save").mockImplementationOnce(async (next, together) => {
      await save({ ...task, priority: 1, version: 2 });
      return save(next, together);
    });
    expect(await reschedule(OWNER, task.id, FIVE, { ifVersion: 1 })).toEqual({
      ok: false,
      error: { reason: "stale", version: 2 },
    });
    expect(await read(task)).toMatchObject({ priority: 1, slotAt: task.slotAt });
  });

  it("knows nothing of somebody else's task", async () => {
    const { reschedule, put, read } = await setUpChanging();
    const task = await put();
    for (const [owner, id] of [
      [asOwnerId("owner-2"), task.id],
      [OWNER, UNKNOWN_TASK],
    ] as const)
      expect(await reschedule(owner, id, FIVE)).toEqual({ ok: false, error: { reason: "not-found" } });
    expect(await read(task)).toEqual(task);
  });

  it("posts at the new slot, and not at the old one", async () => {
    const { reschedule, put, publish, clock, sent, messageOf, publishPost, invocation } =
      await setUpChanging();
    const task = await put();
    const old = await messageOf(task, "publish");
    await reschedule(OWNER, task.id, FIVE);
    clock.set(at(10));
    expect(await publishPost(old, invocation(90_000))).toEqual({ kind: "stale-message" });
    expect(sent).toEqual([]);
    clock.set(new Date(at(240).getTime() - 60_000));
    expect(await publish(task)).toMatchObject({ kind: "posted" });
    expect(sent).toMatchObject([{ at: at(240) }]);
  });
});
