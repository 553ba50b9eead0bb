import { describe, expect, it, vi } from "vitest";
import type { Failure, FailureClass } from "#shared/domain/failure.ts";
import { asAttemptId } from "#shared/domain/ids.ts";
import { askToCancel, claimForPrepare, markArranged, markReady, rearm } from "#shared/domain/moves.ts";
import type { Content, Task } from "#shared/domain/task.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { PostOutcome } from "#shared/ports/post-publisher.ts";
import type { ReceivedTaskMessage } from "#shared/ports/task-dispatch.ts";
import { aContent, aMedium, aTask } from "#test/support/builders.ts";
import { setUpPublishing } from "#test/support/publishing.ts";

const slotAt = new Date("2026-12-01T01:10:00.000Z");
const at = (ms: number) => new Date(slotAt.getTime() + ms);
const reason = { code: "some-code", message: "No.", remedy: "Wait." };
const refused = (kind: FailureClass, over: Partial<Failure> = {}): PostOutcome => ({
  kind: "refused",
  failure: { class: kind, reason, ...over },
});

/** A stored task, the world around it, and one way to deliver messages to it. */
async function setUp(
  over: Partial<Task> = {},
  { media = [] as Content["media"], wokenAt = at(-65_000) } = {},
) {
  const world = await setUpPublishing({ now: wokenAt });
  const task = await world.put({ slotAt, ...over }, { media });
  vi.spyOn(world.accounts, "deactivateAccount");
  const { id: taskId, rev, arm } = task;
  const deliver = (message: Partial<ReceivedTaskMessage> = {}, timeoutMs = 90_000) =>
    world.publishPost(
      { taskId, rev, arm, step: "publish", part: 0, via: "scheduler", ...message },
      world.invocation(timeoutMs),
    );
  return { ...world, task, deliver, read: () => world.read(task) };
}

describe("publishPost", () => {
  it("holds to the due second, posts once, and settles task, log, gate and post id together", async () => {
    const { deliver, sent, read, tasks, task, snapshot, counters } = await setUp();

    expect(await deliver()).toEqual({ kind: "posted", postId: "post-1", latenessMs: 0 });

    const request = { text: `part 1 of ${task.id}`, mediaIds: [] };
    expect(sent).toEqual([{ accountId: task.accountId, request, at: slotAt }]);
    expect(await read()).toMatchObject({ status: "published", sentAt: slotAt });
    expect(await tasks.getLog(task.id)).toMatchObject([
      {
        step: "publish",
        via: "scheduler",
        status: "published",
        externalId: "post-1",
        phases: { callMs: 40 },
      },
    ]);
    expect(await tasks.getGate(task.accountId)).toMatchObject({
      reservations: [],
      quarter: { startAt: slotAt, used: 1 },
      day: { startAt: slotAt, used: 1 },
      lastPostAt: slotAt,
      lastPostId: "post-1",
    });
    expect(snapshot()["adopted"]).toEqual({ [`${task.accountId}#post-1`]: task.id });
    expect(counters.snapshot()).toEqual({ "app 2026-12-01": 1, "project-1 2026-12": 15_000 });
  });

  it("holds a post whose project is gone, asks X nothing, and stops no account", async () => {
    const { deliver, sent, read, tasks, task, accounts } = await setUp();
    vi.spyOn(accounts, "getProject").mockResolvedValue(undefined);
    expect(await deliver()).toEqual({ kind: "refused", code: "project-gone", status: "held" });
    expect(await read()).toMatchObject({ status: "held", reason: { code: "project-gone" } });
    expect(await tasks.getLog(task.id)).toMatchObject([{ class: "configuration", status: "held" }]);
    expect(sent).toEqual([]);
    expect(accounts.deactivateAccount).not.toHaveBeenCalled();
  });

  it("describes the post in the write that settles it, by what it had read before the call", async () => {
    const { deliver, publisher, tasks, accounts, task } = await setUp();
    const account = await accounts.getAccount(task.accountId);
    if (!account) throw new Error("there is no account");
    await accounts.saveAccount({ ...account, followers: 1_024, version: account.version + 1 });
    const reads = [
      vi.spyOn(accounts, "getAccount"),
      vi.spyOn(accounts, "getProject"),
      vi.spyOn(tasks, "getContent"),
    ];
    const counted = () => reads.map(({ mock }) => mock.calls.length);
    const save = vi.spyOn(tasks, "save");
    let beforeCall: unknown;
    publisher.create.mockImplementationOnce(async () => {
      expect(await tasks.getFeatures(task.id)).toBeUndefined();
      beforeCall = [counted(), save.mock.calls.length];
      return { kind: "posted", postId: "post-1" };
    });
    await deliver();
    // Account and content once, the project at the beginning and just before the due second, the intent.
    expect(beforeCall).toEqual([[1, 2, 1], 1]);
    expect([counted(), save.mock.calls.length]).toEqual([[1, 2, 1], 2]);
    expect(await tasks.getFeatures(task.id)).toMatchObject({
      version: 1,
      followers: 1_024,
      strategy: "fixed",
    });
  });

  it("writes the intent before the call", async () => {
    const { deliver, publisher, read, tasks, task, counters } = await setUp();
    publisher.create.mockImplementationOnce(async () => {
      expect(await read()).toMatchObject({
        status: "posting",
        startedAt: slotAt,
        sharesAt: slotAt,
        requestHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      const { reservations } = await tasks.getGate(task.accountId);
      expect(reservations).toMatchObject([{ taskId: task.id, at: slotAt, units: 1, used: 0 }]);
      expect(counters.snapshot()).toEqual({ "app 2026-12-01": 1, "project-1 2026-12": 15_000 });
      return { kind: "posted", postId: "1" };
    });
    await deliver();
    expect(publisher.create).toHaveBeenCalledOnce();
  });

  it("posts once however often and however concurrently the message is delivered", async () => {
    const { deliver, sent } = await setUp();
    const reports = await Promise.all([deliver(), deliver(), deliver({ via: "queue" })]);
    reports.push(await deliver());
    expect(sent).toHaveLength(1);
    expect(reports.map(({ kind }) => kind).toSorted()).toEqual([
      "posted",
      "stale-message",
      "stale-message",
      "stale-message",
    ]);
  });

  it.each([
    ["another arm", { arm: 2 }],
    ["another revision", { rev: 2 }],
    ["another part", { part: 1 }],
  ])("ignores a message of %s", async (_, message) => {
    const { deliver, sent, read, task } = await setUp();
    expect(await deliver(message)).toEqual({ kind: "stale-message" });
    expect(sent).toEqual([]);
    expect(await read()).toEqual(task);
  });

  it("does not post a task that was given a new arm while it was held", async () => {
    const { deliver, sent, tasks, task, clock } = await setUp();
    const sleep = clock.sleepUntil;
    clock.sleepUntil = async (until) => {
      await tasks.save(rearm(task, clock.now()));
      await sleep(until);
    };
    expect(await deliver()).toEqual({ kind: "stale-message" });
    expect(sent).toEqual([]);
  });

  it("does not give up when the note that it is arranged comes in between", async () => {
    const { deliver, sent, tasks, task, clock } = await setUp();
    const sleep = clock.sleepUntil;
    clock.sleepUntil = async (until) => {
      await tasks.save(markArranged(task, clock.now(), slotAt));
      await sleep(until);
    };
    await deliver();
    expect(sent).toHaveLength(1);
  });

  it("is never early: woken too early, it comes back", async () => {
    const { deliver, sent, dispatch } = await setUp({}, { wokenAt: at(-70_000) });
    expect(await deliver()).toEqual({ kind: "put-off", delayMs: 5_000 });
    expect(sent).toEqual([]);
    expect(dispatch.enqueued).toMatchObject([{ delayMs: 5_000, message: { arm: 1, part: 0 } }]);
  });

  it("does not start what it may not finish in time", async () => {
    const { deliver, sent, dispatch } = await setUp({}, { wokenAt: at(0) });
    expect(await deliver({}, 19_999)).toMatchObject({ kind: "put-off" });
    expect(sent).toEqual([]);
    expect(dispatch.enqueued).toHaveLength(1);
  });

  it("does not call when it was frozen between intent and call", async () => {
    const { deliver, sent, tasks, clock, read, task, counters } = await setUp({}, { wokenAt: at(-1_000) });
    const save = tasks.save;
    vi.spyOn(tasks, "save").mockImplementationOnce(async (...args) => {
      const saved = await save(...args);
      clock.advance(5_001);
      return saved;
    });
    expect(await deliver()).toMatchObject({ kind: "refused", code: "worker-stalled", status: "retrying" });
    expect(sent).toEqual([]);
    expect(await read()).toMatchObject({ status: "retrying", arm: 2, retries: 1 });
    const gate = await tasks.getGate(task.accountId);
    expect(gate).toMatchObject({ reservations: [], day: { used: 0 }, circuit: { failures: 0 } });
    expect(counters.snapshot()).toEqual({ "app 2026-12-01": 0, "project-1 2026-12": 0 });
  });

  describe("media", () => {
    const media = [aMedium(), aMedium({ name: "b.jpg", sha256: "cd".repeat(32) })];
    const uploaded = (task: Task, index: number, over = {}) => ({
      taskId: task.id,
      index,
      sha256: media[index]?.sha256 ?? "",
      accountId: task.accountId,
      state: "ready" as const,
      mediaId: `media-${index}`,
      expiresAt: at(86_400_000),
      segmentBytes: 1,
      segmentsDone: [0],
      ...over,
    });
    const ready = (task: Task) =>
      markReady(claimForPrepare(task, at(-70_000), asAttemptId("uploader")), at(-69_000));

    it("go out with the first part, in their order", async () => {
      const { deliver, sent, tasks, task, media: store } = await setUp({}, { media });
      await store.save(uploaded(task, 1));
      await store.save(uploaded(task, 0));
      await tasks.save(claimForPrepare(task, at(-70_000), asAttemptId("uploader")));
      await tasks.save(ready(task));
      await deliver();
      expect(sent[0]?.request.mediaIds).toEqual(["media-0", "media-1"]);
    });

    it("are waited for, by the same message every 10 s, until the late policy ends it", async () => {
      const { deliver, dispatch, sent, clock, read } = await setUp(
        { latePolicy: { postWithinMs: 60_000, then: "hold" } },
        { media },
      );
      expect(await deliver()).toEqual({ kind: "waits-for-media" });
      expect(dispatch.enqueued).toMatchObject([{ delayMs: 10_000, message: { arm: 1, part: 0, rev: 1 } }]);
      clock.set(at(60_001));
      expect(await deliver()).toEqual({ kind: "late", status: "held" });
      expect(await read()).toMatchObject({ status: "held", reason: { code: "late" } });
      expect(sent).toEqual([]);
    });

    it("are uploaded again although a note that the task is arranged was written meanwhile", async () => {
      const { deliver, tasks, task, media: store, read, clock } = await setUp({}, { media });
      await tasks.save(claimForPrepare(task, at(-70_000), asAttemptId("uploader")));
      await tasks.save(ready(task));
      vi.spyOn(store, "list").mockImplementationOnce(async () => {
        await tasks.save(markArranged(await read(), clock.now(), clock.now()));
        return [];
      });
      expect(await deliver()).toEqual({ kind: "prepares-again" });
      expect(await read()).toMatchObject({ status: "pending", arm: 2 });
    });

    it.each([
      ["expire before the slot", { expiresAt: at(60_000) }],
      ["belong to another account", { accountId: "other" }],
      ["are of another file", { sha256: "00" }],
      ["are not processed", { state: "processing" as const }],
    ])("that %s are uploaded again under a new arm", async (_, over) => {
      const { deliver, dispatch, sent, tasks, task, media: store, read } = await setUp({}, { media });
      await store.save(uploaded(task, 0));
      await store.save(uploaded(task, 1, over));
      await tasks.save(claimForPrepare(task, at(-70_000), asAttemptId("uploader")));
      await tasks.save(ready(task));
      expect(await deliver()).toEqual({ kind: "prepares-again" });
      expect(sent).toEqual([]);
      expect(await read()).toMatchObject({ status: "pending", arm: 2 });
      expect(dispatch.enqueued.map(({ message }) => [message.step, message.arm])).toEqual([
        ["prepare", 2],
        ["publish", 2],
      ]);
    });
  });

  describe("a definite no", () => {
    it.each([
      ["content", "failed"],
      ["configuration", "held"],
      ["credentials", "held"],
      ["billing", "held"],
    ] as const)(
      "of the class %s ends in %s, gives the gate back and is never repeated",
      async (kind, status) => {
        const { deliver, publisher, read, tasks, task, accounts, dispatch, counters } = await setUp();
        publisher.create.mockResolvedValueOnce(refused(kind));
        expect(await deliver()).toEqual({ kind: "refused", code: "some-code", status });
        expect(await read()).toMatchObject({ status, reason });
        const gate = await tasks.getGate(task.accountId);
        expect(gate).toMatchObject({ reservations: [], day: { used: 0 }, quarter: { used: 0 } });
        expect(counters.snapshot()).toEqual({ "app 2026-12-01": 0, "project-1 2026-12": 0 });
        expect(await tasks.getLog(task.id)).toMatchObject([{ class: kind, code: "some-code", status }]);
        expect([...dispatch.enqueued, ...dispatch.scheduled]).toEqual([]);
        if (kind === "credentials" || kind === "billing")
          expect(accounts.deactivateAccount).toHaveBeenCalledExactlyOnceWith(task.accountId, {
            status: kind === "billing" ? "paused" : "needs-reconnect",
            reason,
          });
        else expect(accounts.deactivateAccount).not.toHaveBeenCalled();
      },
    );

    it("that will pass is tried again after a backoff, under a new arm, and ends after its retries", async () => {
      const { deliver, publisher, read, dispatch, clock } = await setUp({ maxRetries: 1 });
      publisher.create.mockResolvedValue(refused("transient"));
      await deliver();
      expect(await read()).toMatchObject({ status: "retrying", arm: 2, retries: 1, notBeforeAt: at(30_000) });
      expect(dispatch.enqueued).toMatchObject([{ delayMs: 30_000, message: { arm: 2, part: 0 } }]);
      clock.set(at(30_000));
      await deliver({ arm: 2, via: "queue" });
      expect(await read()).toMatchObject({ status: "failed", reason: { message: "No. Tried 2 times." } });
    });

    it("for the rate closes the account until the reset: nobody else asks before it", async () => {
      const { deliver, publisher, read, tasks, task, dispatch, sent } = await setUp();
      const resetAt = at(3_000_000);
      publisher.create.mockResolvedValueOnce(refused("rate-limited", { retryAt: resetAt }));
      await deliver();
      expect(await read()).toMatchObject({ status: "retrying", retries: 0, notBeforeAt: at(3_006_000) });
      expect(dispatch.scheduled).toMatchObject([{ at: at(3_006_000 - 65_000), message: { arm: 2 } }]);

      const other = aTask({ slotAt, accountId: task.accountId });
      await tasks.create(other, aContent(other));
      const report = await deliver({ taskId: other.id });
      expect(report).toEqual({ kind: "parked", code: "rate-limited", status: "retrying" });
      expect(sent).toEqual([]);
      expect(publisher.warmUp).toHaveBeenCalledTimes(1);
      expect(await tasks.get(other.id)).toMatchObject({
        status: "retrying",
        retries: 0,
        parkings: 0,
        arm: 2,
        notBeforeAt: resetAt,
        excusedUntil: resetAt,
        reason,
      });
      const gate = await tasks.getGate(task.accountId);
      expect(gate).toMatchObject({ reservations: [], closedUntil: resetAt, closedReason: reason });
    });

    it("for the rate also stops who was about to post", async () => {
      const { deliver, publisher, read, tasks, task, sent, counters } = await setUp();
      const other = aTask({ slotAt: at(-60_000), accountId: task.accountId });
      await tasks.create(other, aContent(other));
      publisher.warmUp.mockImplementationOnce(async () => {
        const retryAt = at(3_000_000);
        publisher.create.mockResolvedValueOnce(refused("rate-limited", { retryAt }));
        await deliver({ taskId: other.id });
        return { ok: true };
      });
      expect(await deliver()).toEqual({ kind: "parked", code: "rate-limited", status: "retrying" });
      expect(publisher.create).toHaveBeenCalledTimes(1);
      expect(sent).toEqual([]);
      expect(await read()).toMatchObject({ status: "retrying", notBeforeAt: at(3_000_000), reason });
      expect(counters.snapshot()).toEqual({ "app 2026-12-01": 0, "project-1 2026-12": 0 });
    });

    it("before the intent (no token, paused account, no account) holds it without touching the gate", async () => {
      for (const arrange of [
        ({ publisher }: Awaited<ReturnType<typeof setUp>>) =>
          publisher.warmUp.mockResolvedValueOnce({
            ok: false,
            failure: { class: "credentials", reason },
          }),
        ({ accounts, task }: Awaited<ReturnType<typeof setUp>>) =>
          accounts.deactivateAccount(task.accountId, { status: "paused", reason }),
        ({ accounts }: Awaited<ReturnType<typeof setUp>>) =>
          vi.spyOn(accounts, "getAccount").mockResolvedValueOnce(undefined),
      ]) {
        const world = await setUp();
        await arrange(world);
        expect(await world.deliver()).toMatchObject({ kind: "refused", status: "held" });
        expect(await world.read()).toMatchObject({ status: "held", heldFor: "account" });
        expect(world.sent).toEqual([]);
        expect(world.counters.snapshot()).toEqual({});
        expect(await world.tasks.getGate(world.task.accountId)).toMatchObject({ version: 0 });
      }
    });

    it("honours a cancellation that was asked for meanwhile", async () => {
      const { deliver, publisher, read, tasks, dispatch } = await setUp();
      publisher.create.mockImplementationOnce(async () => {
        await tasks.save(askToCancel(await read(), slotAt));
        return refused("transient");
      });
      await deliver();
      expect(await read()).toMatchObject({ status: "cancelled", reason: { code: "cancelled" } });
      expect(dispatch.enqueued).toEqual([]);
    });
  });

  describe("a lost answer", () => {
    it("stays unknown: no message, however often, posts it again", async () => {
      const { deliver, publisher, read, tasks, task, dispatch, counters, circuits } = await setUp();
      publisher.create.mockResolvedValueOnce({ kind: "unknown", cause: "reset" });
      expect(await deliver()).toEqual({ kind: "unknown", cause: "reset" });
      expect(await read()).toMatchObject({ status: "unknown", reason: { code: "outcome-unknown" } });
      expect(await tasks.getLog(task.id)).toMatchObject([
        { class: "unknown", code: "reset", status: "unknown" },
      ]);
      const gate = await tasks.getGate(task.accountId);
      expect(gate).toMatchObject({ reservations: [{ taskId: task.id }], day: { used: 1 } });
      expect(gate.circuit).toEqual({ failures: 1 });
      expect(counters.snapshot()).toEqual({ "app 2026-12-01": 1, "project-1 2026-12": 15_000 });
      expect(await circuits.get()).toMatchObject({ failures: 1 });
      // Only the reading of the timeline is sent for, two minutes after the request.
      const settle = { taskId: task.id, rev: 1, arm: 1, step: "settle", part: 0 };
      expect(dispatch.enqueued).toEqual([{ message: settle, delayMs: 120_000 }]);
      expect(await deliver()).toEqual({ kind: "stale-message" });
      expect(publisher.create).toHaveBeenCalledOnce();
      expect(dispatch).toMatchObject({ enqueued: [{}], scheduled: [] });
    });

    it("of our own table is written again while time allows", async () => {
      const { deliver, tasks, read } = await setUp();
      let calls = 0;
      const saveReal = tasks.save;
      vi.spyOn(tasks, "save").mockImplementation(async (...args) => {
        if (++calls === 2 || calls === 3) throw new DependencyFault("the table is away");
        return saveReal(...args);
      });
      expect(await deliver()).toMatchObject({ kind: "posted" });
      expect(calls).toBe(4);
      expect(await read()).toMatchObject({ status: "published" });
    });
  });

  describe("a thread", () => {
    it("goes out a part at a time, 5 s apart, each a reply to the one before", async () => {
      const { deliver, sent, dispatch, clock, read } = await setUp({ partCount: 2 });
      await deliver();
      expect(await read()).toMatchObject({ status: "ready", posted: [{ postId: "post-1" }] });
      expect(dispatch.enqueued).toMatchObject([{ delayMs: 5_000, message: { part: 1, arm: 1 } }]);
      expect(await deliver()).toEqual({ kind: "stale-message" });
      clock.advance(5_000);
      await deliver({ part: 1 });
      expect(sent.map(({ request }) => request.inReplyTo)).toEqual([undefined, "post-1"]);
      expect(await read()).toMatchObject({ status: "published", sentAt: slotAt });
    });

    it("says where it stopped", async () => {
      const { deliver, publisher, clock, read } = await setUp({ partCount: 3 });
      await deliver();
      clock.advance(5_000);
      publisher.create.mockResolvedValueOnce(refused("content"));
      await deliver({ part: 1 });
      expect(await read()).toMatchObject({
        status: "failed",
        reason: { message: "No. 1 of 3 parts are out." },
      });
    });
  });

  it("is missed although a note that it is arranged was written meanwhile", async () => {
    const { deliver, tasks, read, clock } = await setUp({}, { wokenAt: at(30 * 60_000 + 1) });
    const seen = await read();
    vi.spyOn(tasks, "get").mockImplementationOnce(async () => {
      await tasks.save(markArranged(seen, clock.now(), clock.now()));
      return seen;
    });
    expect(await deliver()).toEqual({ kind: "late", status: "missed" });
    expect(await read()).toMatchObject({ status: "missed" });
  });

  it("misses a slot that passed by more than the policy allows, without asking X", async () => {
    const { deliver, sent, read } = await setUp({}, { wokenAt: at(30 * 60_000 + 1) });
    expect(await deliver()).toEqual({ kind: "late", status: "missed" });
    expect(await read()).toMatchObject({ status: "missed", reason: { code: "late" } });
    expect(sent).toEqual([]);
  });
});
