import { describe, expect, it, vi } from "vitest";
import { asAttemptId } from "#shared/domain/ids.ts";
import { markUnknown, recordPosted, startPosting } from "#shared/domain/moves.ts";
import { UNKNOWN } from "#shared/domain/reconcile.ts";
import type { Task } from "#shared/domain/task.ts";
import { DependencyFault } from "#shared/errors.ts";
import {
  type Attempt,
  deactivateAfter,
  settlePosted,
  settleRefused,
  settleUnknown,
  writeSettlement,
} from "#shared/usecases/settle-attempt.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { MAIN, setUpPublishing } from "#test/support/publishing.ts";

const slotAt = new Date("2026-12-01T01:10:00.000Z");
const at = (ms: number) => new Date(slotAt.getTime() + ms);
const attemptId = asAttemptId("ours");
const reason = { code: "x-unavailable", message: "No.", remedy: "Wait." };
const posted = { postId: "1999", sentAt: slotAt };

/** A task whose intent was written by this attempt, 30 s before its invocation ends. */
async function setUp(over: Partial<Task> = {}) {
  const world = await setUpPublishing({ now: slotAt });
  const task = await world.put({ slotAt, ...over });
  const posting = startPosting(task, slotAt, { attemptId, requestHash: "ff" });
  expect(await world.tasks.save(posting)).toMatchObject({ ok: true });
  const attempt: Attempt = {
    taskId: task.id,
    accountId: task.accountId,
    attemptId,
    deadlineAt: at(30_000),
    log: (entry) => ({ at: world.clock.now(), attemptId, step: "publish", via: "scheduler", ...entry }),
  };
  const isOurs = ({ status }: Task) => status === "posting";
  return { ...world, task, posting, attempt, isOurs, load: () => world.read(task) };
}

describe("writeSettlement", () => {
  it("writes what was built from the task and the gate as they are", async () => {
    const world = await setUp();
    const build = vi.fn((task: Task) => ({ next: recordPosted(task, slotAt, posted), together: {} }));
    const result = await writeSettlement(world, world.attempt, world.isOurs, build);
    expect(result).toMatchObject({ kind: "written", task: { status: "published" } });
    expect(build).toHaveBeenCalledExactlyOnceWith(world.posting, await world.gate());
  });

  it.each(["stale", "gate-stale"] as const)("builds anew when it was refused as %s", async (refusal) => {
    const world = await setUp();
    vi.spyOn(world.tasks, "save").mockResolvedValueOnce({ ok: false, error: { reason: refusal } });
    const build = vi.fn((task: Task) => ({ next: recordPosted(task, slotAt, posted), together: {} }));
    const result = await writeSettlement(world, world.attempt, world.isOurs, build);
    expect(result).toMatchObject({ kind: "written" });
    expect(build).toHaveBeenCalledTimes(2);
    expect(world.clock.slept).toEqual([]);
  });

  it("writes nothing for a task that waits for nobody, or is gone", async () => {
    const world = await setUp();
    const build = vi.fn();
    expect(await writeSettlement(world, world.attempt, () => false, build)).toEqual({ kind: "not-ours" });
    world.tasks.get = async () => undefined;
    expect(await writeSettlement(world, world.attempt, world.isOurs, build)).toEqual({ kind: "not-ours" });
    expect(build).not.toHaveBeenCalled();
  });

  it("asks a table that is away twice a second until the invocation ends, then says so", async () => {
    const world = await setUp();
    const fault = new DependencyFault("the table is away");
    const save = vi.spyOn(world.tasks, "save").mockRejectedValue(fault);
    const build = (task: Task) => ({ next: recordPosted(task, slotAt, posted), together: {} });
    await expect(writeSettlement(world, world.attempt, world.isOurs, build)).rejects.toBe(fault);
    expect(save).toHaveBeenCalledTimes(60);
    expect(world.clock.now()).toEqual(at(29_500));
    expect(await world.load()).toEqual(world.posting);
  });

  it("does not repeat a bug", async () => {
    const world = await setUp();
    const build = vi.fn(() => {
      throw new RangeError("a bug");
    });
    await expect(writeSettlement(world, world.attempt, world.isOurs, build)).rejects.toThrow("a bug");
    expect(build).toHaveBeenCalledOnce();
  });
});

describe("an answer that comes late", () => {
  const lost = async (world: Awaited<ReturnType<typeof setUp>>) =>
    expect(await world.tasks.save(markUnknown(world.posting, at(105_000), UNKNOWN))).toMatchObject({
      ok: true,
    });

  it("still counts when the sweeper has called the task unknown: it is known to be out", async () => {
    const world = await setUp();
    await lost(world);
    expect(await settlePosted(world, world.attempt, posted)).toMatchObject({ kind: "written" });
    expect(await world.load()).toMatchObject({ status: "published" });
  });

  it("still counts when it is a no: nothing is out", async () => {
    const world = await setUp();
    await lost(world);
    const failure = { class: "content", reason } as const;
    const refused = { failure, heard: "answer", reserved: true, isOurs: () => false } as const;
    expect(await settleRefused(world, world.attempt, refused)).toMatchObject({ status: "failed" });
  });

  it("changes nothing when the post was adopted meanwhile", async () => {
    const world = await setUp();
    await settlePosted(world, world.attempt, posted);
    const before = world.snapshot();
    expect(await settlePosted(world, world.attempt, posted)).toEqual({ kind: "not-ours" });
    expect(
      await settleUnknown(world, world.attempt, { cause: "late", heard: "silence", phases: {} }),
    ).toEqual({
      kind: "not-ours",
    });
    const failure = { class: "transient", reason } as const;
    const refused = { failure, heard: "answer", reserved: true, isOurs: () => true } as const;
    expect(await settleRefused(world, world.attempt, refused)).toBeUndefined();
    expect(world.snapshot()).toEqual(before);
  });

  it("of an attempt that was replaced changes nothing", async () => {
    const world = await setUp();
    const other = { ...world.attempt, attemptId: asAttemptId("another") };
    const before = world.snapshot();
    expect(await settlePosted(world, other, posted)).toEqual({ kind: "not-ours" });
    expect(world.snapshot()).toEqual(before);
  });

  it("of a post that nothing is known of is settled all the same", async () => {
    const world = await setUp();
    const circumstances = { content: aContent(world.task), timeZone: "Nowhere/Land" };
    expect(await settlePosted(world, world.attempt, { ...posted, circumstances })).toMatchObject({
      kind: "written",
    });
    expect(await world.load()).toMatchObject({ status: "published" });
    expect(await world.tasks.getFeatures(world.task.id)).toBeUndefined();
  });

  it("with a post that another task has is left to reading back", async () => {
    const world = await setUp();
    const other = await world.put();
    await world.tasks.save({ ...other, version: 2 }, { adopt: { accountId: MAIN, postId: "1999" } });
    expect(await settlePosted(world, world.attempt, posted)).toEqual({ kind: "post-taken" });
    expect(await world.load()).toEqual(world.posting);
  });
});

describe("the features of a post", () => {
  const circumstances = { content: aContent(aTask()), timeZone: "Asia/Shanghai", followers: 1_024 };

  it("are written with its settlement, and from the gate as it was before", async () => {
    const world = await setUp();
    const gate = await world.gate();
    const lastPostAt = at(-90_000);
    await world.tasks.save(
      { ...world.posting, version: world.posting.version + 1 },
      { gate: { ...gate, version: gate.version + 1, lastPostAt } },
    );
    const save = vi.spyOn(world.tasks, "save");
    await settlePosted(world, world.attempt, { ...posted, circumstances });
    expect(save).toHaveBeenCalledOnce();
    expect(Object.keys(save.mock.calls[0]?.[1] ?? {}).sort()).toEqual(["adopt", "features", "gate", "log"]);
    expect(await world.tasks.getFeatures(world.task.id)).toMatchObject({
      version: 1,
      hour: 9,
      weekday: 1,
      followers: 1_024,
      sinceLastPostMs: 90_000,
    });
    expect(await world.gate()).toMatchObject({ lastPostAt: posted.sentAt });
  });

  it("are those of the first part of a thread", async () => {
    const world = await setUp({ partCount: 2, posted: [{ postId: "1998", sentAt: at(-5_000) }] });
    await settlePosted(world, world.attempt, { ...posted, circumstances });
    expect(await world.load()).toMatchObject({ status: "published" });
    expect(await world.tasks.getFeatures(world.task.id)).toBeUndefined();
  });

  it("are not written for an attempt that changes nothing", async () => {
    const world = await setUp();
    const other = { ...world.attempt, attemptId: asAttemptId("another") };
    await settlePosted(world, other, { ...posted, circumstances });
    expect(await world.tasks.getFeatures(world.task.id)).toBeUndefined();
  });
});

describe("settleUnknown", () => {
  it("has the timeline read two minutes after the request, not after the answer was missed", async () => {
    const world = await setUp();
    world.clock.set(at(12_000));
    await settleUnknown(world, world.attempt, {
      cause: "deadline",
      heard: "silence",
      phases: { callMs: 12_000 },
    });
    expect(world.dispatch.enqueued).toMatchObject([{ message: { step: "settle" }, delayMs: 108_000 }]);
    expect(await world.tasks.getLog(world.task.id)).toMatchObject([
      { class: "unknown", code: "deadline", status: "unknown", phases: { callMs: 12_000 } },
    ]);
  });

  it("is written although its message cannot be sent: the sweeper finds it", async () => {
    const world = await setUp();
    vi.spyOn(world.dispatch, "enqueue").mockRejectedValueOnce(new Error("no queue"));
    await expect(
      settleUnknown(world, world.attempt, { cause: "deadline", heard: "silence", phases: {} }),
    ).rejects.toThrow("no queue");
    expect(await world.load()).toMatchObject({ status: "unknown", wakeAt: at(180_000) });
    world.clock.set(at(180_000));
    expect(await world.sweep()).toMatchObject({ readings: 1 });
  });
});

describe("deactivateAfter", () => {
  it("pauses an account for billing, until the date that X named", async () => {
    const { accounts, account } = await setUp();
    await deactivateAfter({ accounts }, MAIN, { class: "billing", reason, retryAt: at(1) });
    expect(await account()).toMatchObject({ status: "paused", reason, pausedUntil: at(1), wakeAt: at(1) });
  });

  it("pauses it without an end when X named none, or wants it connected again", async () => {
    const billing = await setUp();
    await deactivateAfter(billing, MAIN, { class: "billing", reason });
    expect(await billing.account()).toMatchObject({ status: "paused" });
    expect(await billing.account()).not.toHaveProperty("pausedUntil");

    const credentials = await setUp();
    await deactivateAfter(credentials, MAIN, { class: "credentials", reason, retryAt: at(1) });
    expect(await credentials.account()).toMatchObject({ status: "needs-reconnect" });
    expect(await credentials.account()).not.toHaveProperty("wakeAt");
  });

  it.each(["rate-limited", "transient", "content", "configuration", "system"] as const)(
    "leaves an account alone after a %s failure",
    async (kind) => {
      const { accounts, account } = await setUp();
      await deactivateAfter({ accounts }, MAIN, { class: kind, reason });
      expect(await account()).toMatchObject({ status: "active", version: 1 });
    },
  );
});
