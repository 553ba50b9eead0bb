import { describe, expect, it, vi } from "vitest";
import { asAccountId, asProjectId } from "#shared/domain/ids.ts";
import { stop } from "#shared/domain/moves.ts";
import type { Content, Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { activated } from "#shared/usecases/connect-account.ts";
import { aMedium } from "#test/support/builders.ts";
import { MAIN, OWNER, PROJECT, type Publishing, setUpPublishing } from "#test/support/publishing.ts";

const slotAt = new Date("2026-12-01T01:10:00.000Z");
const at = (ms: number) => new Date(slotAt.getTime() + ms);
const HOUR = 3_600_000;
const reason = { code: "credits-depleted", message: "No credits.", remedy: "Buy some." };
const SECOND = asAccountId("account-2");

/** A task that its account has stopped. */
async function hold(
  { put, tasks, clock }: Publishing,
  over: Partial<Task> = {},
  content: Partial<Content> = {},
): Promise<Task> {
  const task = await put({ slotAt, ...over }, content);
  const next = stop(task, clock.now(), "held", reason, "account");
  expect(await tasks.save(next)).toMatchObject({ ok: true });
  return next;
}

/** A person connected or resumed the account. */
async function activate({ accounts, account, clock }: Publishing): Promise<void> {
  const current = await account();
  const next = { ...activated(current, clock.now()), version: current.version + 1 };
  expect(await accounts.saveAccount(next)).toMatchObject({ ok: true });
}

const setUp = () => setUpPublishing({ now: slotAt, accountIds: [MAIN, SECOND] });

describe("resumeAccount", () => {
  it("ends a pause whose date has come, and sends its tasks on", async () => {
    const world = await setUp();
    const { accounts, read, sweep, clock, account, publish, tasks, dispatch } = world;
    const until = at(2 * HOUR);
    await accounts.deactivateAccount(MAIN, { status: "paused", reason, until });
    const task = await hold(world, { latePolicy: { then: "missed" } });

    clock.set(new Date(until.getTime() - 1));
    expect(await sweep()).toMatchObject({ resumed: 0, skipped: 0 });
    expect(await account()).toMatchObject({ status: "paused", pausedUntil: until });

    clock.set(until);
    expect(await sweep()).toMatchObject({ resumed: 1, failed: 0 });
    const active = await account();
    expect(active).toMatchObject({ status: "active" });
    for (const gone of ["reason", "pausedUntil", "wakeAt"]) expect(active).not.toHaveProperty(gone);
    expect(await read(task)).toMatchObject({ status: "pending", arm: 2, rev: 1 });
    expect((await tasks.getLog(task.id)).at(-1)).toMatchObject({ step: "change", code: "account-resumed" });
    expect(dispatch.enqueued).toMatchObject([{ message: { taskId: task.id, arm: 2, step: "publish" } }]);
    expect(await publish(task)).toMatchObject({ kind: "posted" });
    expect(await sweep()).toMatchObject({ resumed: 0, dispatched: 0 });
  });

  it("begins with the refusal of X and ends with the post, without a person", async () => {
    const { put, publisher, publish, read, account, clock, sweep, gate } = await setUp();
    const task = await put({ slotAt, latePolicy: { then: "missed" } });
    const failure = { class: "billing", reason, retryAt: at(HOUR) } as const;
    publisher.create.mockResolvedValueOnce({ kind: "refused", failure });
    expect(await publish(task)).toMatchObject({ kind: "refused", status: "held" });
    expect(await account()).toMatchObject({ status: "paused", pausedUntil: at(HOUR) });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 0 } });
    clock.set(at(HOUR));
    expect(await sweep()).toMatchObject({ resumed: 1 });
    expect(await publish(task)).toMatchObject({ kind: "posted" });
    expect(await read(task)).toMatchObject({ status: "published" });
  });

  it("forgets no task that is held just after its account was resumed", async () => {
    const { put, accounts, publish, read, account, sweep } = await setUp();
    const task = await put({ slotAt, latePolicy: { then: "missed" } });
    await accounts.deactivateAccount(MAIN, { status: "paused", reason });
    const paused = await account();
    // The publisher reads the account while it is paused; somebody resumes it before the hold is written.
    vi.spyOn(accounts, "getAccount").mockImplementationOnce(async () => {
      if (paused) await accounts.saveAccount({ ...paused, status: "active", version: paused.version + 1 });
      return paused;
    });
    expect(await publish(task)).toMatchObject({ kind: "refused", status: "held" });
    expect(await sweep()).toMatchObject({ resumed: 1 });
    expect(await read(task)).toMatchObject({ status: "pending" });
  });

  it("is not waited for by a post that another account of its pool can take", async () => {
    const { put, accounts, publish, read } = await setUp();
    const task = await put({ slotAt, accountId: MAIN, pool: "chosen" });
    await accounts.deactivateAccount(MAIN, { status: "needs-reconnect", reason });
    expect(await publish(task)).toMatchObject({ kind: "refused", status: "retrying" });
    expect(await read(task)).toMatchObject({ pool: "open" });
    expect(await publish(task)).toMatchObject({ kind: "posted" });
    expect(await read(task)).toMatchObject({ status: "published", accountId: SECOND, pool: "chosen" });
  });

  it("sends the tasks on that waited for a reconnection, each by its late policy", async () => {
    const world = await setUp();
    const { accounts, read, sweep, clock, publish } = world;
    await accounts.deactivateAccount(MAIN, { status: "needs-reconnect", reason });
    const patient = await hold(world, { latePolicy: { then: "missed" } });
    const late = await hold(world);
    const future = await hold(world, { slotAt: at(24 * HOUR) });
    clock.set(at(HOUR));
    expect(await sweep()).toMatchObject({ resumed: 0 });

    await activate(world);
    expect(await sweep()).toMatchObject({ resumed: 1 });
    expect(await publish(patient)).toMatchObject({ kind: "posted" });
    expect(await publish(late)).toEqual({ kind: "late", status: "missed" });
    expect(await read(future)).toMatchObject({ status: "pending", arrangedFor: at(24 * HOUR - 65_000) });
  });

  it("uploads media again that the account may have lost", async () => {
    const world = await setUp();
    await world.accounts.deactivateAccount(MAIN, { status: "needs-reconnect", reason });
    const task = await hold(world, { latePolicy: { then: "missed" } }, { media: [aMedium()] });
    await activate(world);
    await world.sweep();
    expect(world.dispatch.enqueued.map(({ message }) => [message.taskId, message.step])).toEqual([
      [task.id, "prepare"],
      [task.id, "publish"],
    ]);
  });

  it("leaves everything else alone: held for other reasons, other accounts, other states", async () => {
    const world = await setUp();
    const { put, read, sweep, accounts } = world;
    await accounts.deactivateAccount(MAIN, { status: "needs-reconnect", reason });
    const kept = [
      await put({ slotAt, status: "held" }),
      await hold(world, { accountId: SECOND }),
      await put({ slotAt, status: "cancelled" }),
      await hold(world, { projectId: asProjectId("project-of-another") }),
    ];
    await activate(world);
    await sweep();
    for (const task of kept) expect(await read(task)).toEqual(task);
  });

  it("goes through more than a page", async () => {
    const world = await setUp();
    await world.accounts.deactivateAccount(MAIN, { status: "needs-reconnect", reason });
    const tasks = await Promise.all(
      Array.from({ length: 120 }, () => hold(world, { latePolicy: { then: "missed" } })),
    );
    await activate(world);
    await world.sweep();
    const states = await Promise.all(tasks.map(async (task) => (await world.read(task)).status));
    expect(new Set(states)).toEqual(new Set(["pending"]));
  });

  it("of whoever died half-way is taken up by another", async () => {
    const world = await setUp();
    const { read, sweep, clock, account, dispatch, accounts, faults } = world;
    await accounts.deactivateAccount(MAIN, { status: "needs-reconnect", reason });
    const [first, second] = [await hold(world), await hold(world, { slotAt: at(1) })];
    await activate(world);
    vi.spyOn(dispatch, "enqueue").mockRejectedValueOnce(new Error("no queue"));
    expect(await sweep()).toMatchObject({ resumed: 0, failed: 1 });
    expect(faults).toEqual([new Error("no queue")]);
    // The first was written before it was arranged: it is the sweeper's own by now.
    expect(await read(first)).toMatchObject({ status: "pending" });
    expect(await read(second)).toMatchObject({ status: "held" });
    expect(await account()).toMatchObject({ status: "active", wakeAt: at(TIMING.sweep.claimMs) });
    expect(await sweep()).toMatchObject({ resumed: 0 });
    clock.set(at(TIMING.sweep.claimMs));
    expect(await sweep()).toMatchObject({ resumed: 1 });
    expect(await read(second)).toMatchObject({ status: "pending" });
    expect(await account()).not.toHaveProperty("wakeAt");
  });

  it("is done by one of two sweeps that meet", async () => {
    const world = await setUp();
    await world.accounts.deactivateAccount(MAIN, { status: "paused", reason, until: slotAt });
    const task = await hold(world);
    const reports = await Promise.all([world.resumeAccount(MAIN), world.resumeAccount(MAIN)]);
    expect(reports.toSorted()).toEqual([false, true]);
    expect(await world.read(task)).toMatchObject({ arm: 2 });
    expect(world.dispatch.enqueued).toHaveLength(1);
  });

  it("does not touch an account that is paused without a date, nor one that wants to be connected again", async () => {
    for (const status of ["paused", "needs-reconnect"] as const) {
      const world = await setUp();
      const { accounts, account, resumeAccount, read, sweep } = world;
      const before = await account();
      await accounts.saveAccount({ ...before, status, reason, wakeAt: slotAt, version: 2 });
      const task = await hold(world);
      expect(await resumeAccount(MAIN)).toBe(false);
      expect(await account()).toEqual({ ...before, status, reason, version: 3 });
      expect(await read(task)).toMatchObject({ status: "held" });
      expect(await sweep()).toMatchObject({ resumed: 0, skipped: 0 });
    }
  });

  it("looks again when a pause was made longer meanwhile", async () => {
    const { accounts, account, resumeAccount } = await setUp();
    const before = await account();
    const longer = { status: "paused", reason, pausedUntil: at(HOUR), wakeAt: slotAt, version: 2 } as const;
    await accounts.saveAccount({ ...before, ...longer });
    expect(await resumeAccount(MAIN)).toBe(false);
    expect(await account()).toMatchObject({ status: "paused", pausedUntil: at(HOUR), wakeAt: at(HOUR) });
  });

  it("knows nothing of an account that is not there or not due", async () => {
    const { resumeAccount, account } = await setUp();
    expect(await resumeAccount(asAccountId("nobody"))).toBe(false);
    expect(await resumeAccount(MAIN)).toBe(false);
    expect(await account()).toMatchObject({ version: 1 });
  });

  it("lets a thread go on whose media went out with its first part", async () => {
    const world = await setUp();
    const thread = await world.put(
      {
        slotAt,
        partCount: 2,
        mediaCount: 1,
        status: "held",
        heldFor: "account",
        reason,
        posted: [{ postId: "post-1", sentAt: slotAt }],
      },
      { media: [aMedium()] },
    );
    await world.accounts.deactivateAccount(MAIN, { status: "needs-reconnect", reason });
    await activate(world);
    await world.sweep();
    expect(await world.publish(thread)).toMatchObject({ kind: "posted" });
    expect(await world.read(thread)).toMatchObject({ status: "published" });
  });

  it("lets a thread go on where it stopped, with a place of its own", async () => {
    const world = await setUp();
    const { put, publisher, publish, gate, clock, read, sweep, sent } = world;
    const thread = await put({ slotAt, partCount: 3, ownerId: OWNER, projectId: PROJECT });
    await publish(thread);
    clock.advance(5_000);
    publisher.create.mockResolvedValueOnce({ kind: "refused", failure: { class: "credentials", reason } });
    expect(await publish(thread)).toMatchObject({ kind: "refused", status: "held" });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 1 } });
    await activate(world);
    await sweep();
    expect(await publish(thread)).toMatchObject({ kind: "posted" });
    expect(sent.at(-1)?.request.inReplyTo).toBe("post-1");
    expect(await gate()).toMatchObject({ reservations: [{ units: 2, used: 1 }], day: { used: 3 } });
    clock.advance(5_000);
    await publish(thread);
    expect(await read(thread)).toMatchObject({ status: "published" });
    expect(await gate()).toMatchObject({ reservations: [], day: { used: 3 } });
  });
});
