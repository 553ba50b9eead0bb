import { describe, expect, it } from "vitest";
import { TASK_STATUSES, type Task } from "#shared/domain/task.ts";
import { MAIN, setUpPublishing } from "#test/support/publishing.ts";

const now = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(now.getTime() + ms);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const reason = { code: "needs-reconnect", message: "X refused.", remedy: "Connect it again." };

async function setUp(over: Partial<Task> = {}) {
  const world = await setUpPublishing({ now });
  const task = await world.put({ slotAt: at(DAY), arrangedFor: at(DAY - 65_000), ...over });
  return { ...world, task, load: () => world.read(task) };
}

describe("verifyAccount", () => {
  it("changes nothing while the account works", async () => {
    const { verify, task, load, publisher } = await setUp();
    expect(await verify(task)).toEqual({ kind: "works" });
    expect(publisher.warmUp).toHaveBeenCalledExactlyOnceWith(MAIN);
    expect(await load()).toEqual(task);
  });

  it.each(["credentials", "billing"] as const)(
    "holds the task ahead of its slot when X refuses the account (%s), and stops the account",
    async (kind) => {
      const { verify, task, load, publisher, account, tasks } = await setUp();
      publisher.warmUp.mockResolvedValueOnce({ ok: false, failure: { class: kind, reason } });
      expect(await verify(task)).toEqual({ kind: "held", code: "needs-reconnect" });
      const held = await load();
      expect(held).toMatchObject({ status: "held", heldFor: "account", reason });
      expect(held).not.toHaveProperty("wakeAt");
      expect(held).not.toHaveProperty("arrangedFor");
      const status = kind === "billing" ? "paused" : "needs-reconnect";
      expect(await account()).toMatchObject({ status, reason });
      expect(await tasks.getLog(task.id)).toMatchObject([
        { step: "verify", status: "held", code: "needs-reconnect", message: "X refused." },
      ]);
    },
  );

  it("holds the task of an account that is stopped already, without asking X", async () => {
    const { verify, task, load, publisher, accounts } = await setUp();
    await accounts.deactivateAccount(MAIN, { status: "paused", reason });
    expect(await verify(task)).toEqual({ kind: "held", code: "needs-reconnect" });
    expect(await load()).toMatchObject({ status: "held", heldFor: "account" });
    expect(publisher.warmUp).not.toHaveBeenCalled();
  });

  it.each(["transient", "system", "rate-limited", "configuration"] as const)(
    "holds nothing for a failure that says little about the account (%s)",
    async (kind) => {
      const { verify, task, load, publisher, account } = await setUp();
      publisher.warmUp.mockResolvedValueOnce({ ok: false, failure: { class: kind, reason } });
      expect(await verify(task)).toEqual({ kind: "unclear", code: "needs-reconnect" });
      expect(await load()).toEqual(task);
      expect(await account()).toMatchObject({ status: "active" });
    },
  );

  it("says nothing about a task that any account may post", async () => {
    const { verify, task, load, accounts, publisher } = await setUp({ pool: "open" });
    await accounts.deactivateAccount(MAIN, { status: "needs-reconnect", reason });
    expect(await verify(task)).toEqual({ kind: "works" });
    expect(await load()).toEqual(task);
    expect(publisher.warmUp).not.toHaveBeenCalled();
  });

  it.each([
    ["another arm", { arm: 2 }],
    ["another revision", { rev: 2 }],
  ])("ignores a message of %s", async (_, over) => {
    const { verify, task, publisher } = await setUp();
    expect(await verify(task, over)).toEqual({ kind: "stale-message" });
    expect(publisher.warmUp).not.toHaveBeenCalled();
  });

  it.each(TASK_STATUSES.filter((status) => status !== "pending" && status !== "ready"))(
    "leaves a task alone that is %s",
    async (status) => {
      const { verify, task, load } = await setUp({ status });
      expect(await verify(task)).toEqual({ kind: "stale-message" });
      expect(await load()).toEqual(task);
    },
  );

  it("leaves a thread alone that has begun", async () => {
    const posted = [{ postId: "1", sentAt: now }];
    const { verify, task } = await setUp({ status: "ready", partCount: 2, posted });
    expect(await verify(task)).toEqual({ kind: "stale-message" });
  });

  it("holds no task that was changed while X was asked", async () => {
    const { verify, task, load, publisher, tasks } = await setUp();
    publisher.warmUp.mockImplementationOnce(async () => {
      await tasks.save({ ...task, version: 2, priority: 1 });
      return { ok: false, failure: { class: "credentials", reason } };
    });
    expect(await verify(task)).toEqual({ kind: "stale-message" });
    expect(await load()).toMatchObject({ status: "pending", priority: 1 });
  });
});

describe("the account of a task", () => {
  it("is verified a day and an hour ahead of its slot, and never otherwise", async () => {
    const { put, arrange, sweep, clock, dispatch, read, publisher, verify, publish } = await setUpPublishing({
      now,
    });
    const slotAt = at(3 * DAY);
    const task = await put({ slotAt });
    await arrange(task, []);
    const woken = () => dispatch.enqueued.map(({ message }) => message.step);
    const sweepAt = async (instant: Date) => {
      clock.set(instant);
      return sweep();
    };
    const ahead = (ms: number) => new Date(slotAt.getTime() - 65_000 - ms);

    expect(await sweepAt(new Date(ahead(DAY).getTime() - 1))).toMatchObject({ verified: 0, dispatched: 0 });
    expect(await sweepAt(ahead(DAY))).toMatchObject({ verified: 1, dispatched: 0 });
    expect(await verify(task)).toEqual({ kind: "works" });
    expect(await sweep()).toMatchObject({ verified: 0 });
    expect(await sweepAt(ahead(HOUR))).toMatchObject({ verified: 1, dispatched: 0 });
    expect(await verify(task)).toEqual({ kind: "works" });
    expect(await sweepAt(ahead(0))).toMatchObject({ verified: 0, dispatched: 0 });
    expect(woken()).toEqual(["verify", "verify"]);

    // The arm is the same: the schedule that was made at first still counts.
    expect(await read(task)).toMatchObject({ arm: 1, recoveries: 0 });
    expect(publisher.warmUp).toHaveBeenCalledTimes(2);
    expect(await publish(task)).toMatchObject({ kind: "posted", latenessMs: 0 });
  });

  it("is verified once for tasks that are nearer, and not at all within the hour", async () => {
    const { put, arrange, sweep, clock, dispatch } = await setUpPublishing({ now });
    await arrange(await put({ slotAt: at(12 * HOUR) }), []);
    await arrange(await put({ slotAt: at(HOUR / 2) }), []);
    clock.set(at(11 * HOUR - 65_000));
    await sweep();
    expect(dispatch.enqueued.filter(({ message }) => message.step === "verify")).toHaveLength(1);
  });
});
