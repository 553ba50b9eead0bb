import { describe, expect, it } from "vitest";
import type { Account, Project } from "#shared/domain/account.ts";
import type { FailureClass } from "#shared/domain/failure.ts";
import { asAttemptId } from "#shared/domain/ids.ts";
import { claimForPrepare, markArranged, markReady } from "#shared/domain/moves.ts";
import { DEFAULT_SETTINGS } from "#shared/domain/settings.ts";
import type { Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { StoppedAccount } from "#shared/ports/account-store.ts";
import type { ReceivedTaskMessage } from "#shared/ports/task-dispatch.ts";
import { ok } from "#shared/result.ts";
import { createPreparePost } from "#shared/usecases/prepare-post.ts";
import type { UploadMediaCommand, UploadMediaOutcome } from "#shared/usecases/upload-media.ts";
import { aContent, aMedium, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryDispatch } from "#test/support/in-memory-dispatch.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";
import { aFailure } from "#test/support/in-memory-uploads.ts";

const slotAt = new Date("2026-12-01T01:10:00.000Z");
const wokenAt = new Date("2026-12-01T01:06:00.000Z");
const READY: UploadMediaOutcome = { kind: "ready", phases: { transferMs: 30 } };

/** A stored task with a photo, whose upload ends as the test says. */
async function setUp(over: Partial<Task> = {}, { now = wokenAt } = {}) {
  const clock = manualClock(now);
  const store = createInMemoryStore(clock);
  const dispatch = createInMemoryDispatch();
  const task = aTask({ slotAt, mediaCount: 1, ...over });
  const media = [aMedium()];
  await store.tasks.create(task, aContent(task, { media }));
  const account: Account = {
    id: task.accountId,
    ownerId: task.ownerId,
    name: "main",
    maxTextLength: 280,
    status: "active",
    version: 1,
  };
  const deactivated: unknown[][] = [];
  const accounts = {
    current: account as Account | undefined,
    getAccount: async () => accounts.current,
    project: undefined as Project | undefined,
    getProject: async () => accounts.project,
    saveAccount: async (next: Account) => {
      accounts.current = next;
      return ok(undefined);
    },
    deactivateAccount: async (id: Account["id"], stopped: StoppedAccount) => {
      deactivated.push([id, stopped]);
      const { current } = accounts;
      if (current) accounts.current = { ...current, ...stopped, version: current.version + 1 };
    },
  };
  const commands: UploadMediaCommand[] = [];
  const uploads: { outcome: UploadMediaOutcome; meanwhile: () => Promise<unknown> } = {
    outcome: READY,
    meanwhile: async () => {},
  };
  let serial = 0;
  const preparePost = createPreparePost({
    tasks: store.tasks,
    accounts,
    dispatch,
    clock,
    entropy: { random: () => 0.5 },
    settings: { current: async () => DEFAULT_SETTINGS },
    uploadMedia: async (command) => {
      commands.push(command);
      clock.advance(30);
      await uploads.meanwhile();
      return uploads.outcome;
    },
    // Of posts with a text to be written there is a file of its own.
    writeText: () => Promise.reject(new Error("there was nothing to write")),
  });
  const deliver = (
    message: Partial<ReceivedTaskMessage> = {},
    timeoutMs: number = TIMING.prepare.timeoutMs,
  ) =>
    preparePost(
      {
        taskId: task.id,
        rev: task.rev,
        arm: task.arm,
        step: "prepare",
        part: 0,
        via: "scheduler",
        ...message,
      },
      {
        attemptId: asAttemptId(`attempt-${++serial}`),
        deadlineAt: new Date(clock.now().getTime() + timeoutMs),
      },
    );
  const load = async (): Promise<Task> => {
    const found = await store.tasks.get(task.id);
    if (!found) throw new Error("the task is gone");
    return found;
  };
  return {
    clock,
    store,
    dispatch,
    task,
    media,
    account,
    accounts,
    deactivated,
    commands,
    uploads,
    deliver,
    load,
  };
}

describe("preparePost", () => {
  it("uploads the media of the content in force and makes the task ready", async () => {
    const { store, dispatch, task, media, commands, deliver, load } = await setUp();

    expect(await deliver()).toMatchObject({ kind: "ready" });

    const ready = await load();
    expect(ready).toMatchObject({ status: "ready", arm: task.arm, rev: task.rev });
    expect(ready).not.toHaveProperty("attemptId");
    expect(ready).not.toHaveProperty("leaseUntil");
    expect(commands).toMatchObject([{ taskId: task.id, accountId: task.accountId, media, neededAt: slotAt }]);
    expect(await store.tasks.getLog(task.id)).toMatchObject([
      {
        step: "prepare",
        via: "scheduler",
        status: "ready",
        attemptId: "attempt-1",
        phases: { transferMs: 30 },
      },
    ]);
    // The publisher was arranged together with this call.
    expect(dispatch).toMatchObject({ scheduled: [], enqueued: [] });
  });

  it("holds the task with a lease while it uploads", async () => {
    const { clock, uploads, deliver, load } = await setUp();
    let held: Task | undefined;
    uploads.meanwhile = async () => {
      held = await load();
    };
    const claimedAt = clock.now().getTime();
    await deliver();
    expect(held).toMatchObject({
      status: "preparing",
      attemptId: "attempt-1",
      leaseUntil: new Date(claimedAt + TIMING.prepare.leaseMs),
    });
  });

  it("gives the upload a slice, and less when less of the invocation is left", async () => {
    const { commands, deliver } = await setUp();
    await deliver();
    expect(commands[0]?.stopAt).toEqual(new Date(wokenAt.getTime() + TIMING.prepare.sliceMs));

    const late = await setUp();
    await late.deliver({}, 50_000);
    expect(late.commands[0]?.stopAt).toEqual(new Date(wokenAt.getTime() + 20_000));
  });

  it.each([
    ["another arm", { arm: 7 }],
    ["another revision", { rev: 7 }],
  ])("drops a message of %s", async (_, message) => {
    const { store, deliver, commands } = await setUp();
    const before = store.snapshot();
    expect(await deliver(message)).toEqual({ kind: "stale-message" });
    expect(store.snapshot()).toEqual(before);
    expect(commands).toEqual([]);
  });

  it.each(["ready", "posting", "published", "held", "failed", "missed", "cancelled", "unknown"] as const)(
    "drops a message for a task that is %s",
    async (status) => {
      const { store, deliver } = await setUp({ status });
      const before = store.snapshot();
      expect(await deliver()).toEqual({ kind: "stale-message" });
      expect(store.snapshot()).toEqual(before);
    },
  );

  it("drops a message for a task that is not there", async () => {
    const { deliver } = await setUp();
    expect(await deliver({ taskId: aTask().id })).toEqual({ kind: "stale-message" });
  });

  it("leaves a task alone that another attempt holds, and takes it when the lease is over", async () => {
    const { clock, store, task, commands, deliver } = await setUp();
    await store.tasks.save(claimForPrepare(task, clock.now(), asAttemptId("somebody")));

    expect(await deliver()).toEqual({ kind: "stale-message" });
    expect(commands).toEqual([]);

    clock.advance(TIMING.prepare.leaseMs);
    expect(await deliver()).toMatchObject({ kind: "ready" });
  });

  it("is not put off by a note that the task is arranged, before or after its claim", async () => {
    const { clock, store, task, uploads, deliver, load } = await setUp();
    uploads.meanwhile = async () => store.tasks.save(markArranged(await load(), clock.now(), slotAt));
    const get = store.tasks.get.bind(store.tasks);
    let reads = 0;
    // The note is written between the first read and the claim.
    store.tasks.get = async (id) => {
      const found = await get(id);
      if (reads++ === 0 && found) await store.tasks.save(markArranged(found, clock.now(), slotAt));
      return found;
    };
    expect(await deliver()).toMatchObject({ kind: "ready" });
    expect((await load()).version).toBe(task.version + 4);
  });

  it("writes nothing when the task was cancelled or taken over meanwhile", async () => {
    const cancelled = await setUp();
    cancelled.uploads.meanwhile = async () => {
      const current = await cancelled.load();
      await cancelled.store.tasks.save({
        ...current,
        status: "cancelled",
        rev: current.rev + 1,
        version: current.version + 1,
      });
    };
    expect(await cancelled.deliver()).toEqual({ kind: "stale-message" });
    expect(await cancelled.load()).toMatchObject({ status: "cancelled" });

    const taken = await setUp();
    taken.uploads.outcome = { kind: "failed", failure: aFailure("content"), phases: {} };
    taken.uploads.meanwhile = async () => {
      taken.clock.advance(TIMING.prepare.leaseMs);
      await taken.store.tasks.save(
        claimForPrepare(await taken.load(), taken.clock.now(), asAttemptId("other")),
      );
    };
    expect(await taken.deliver()).toEqual({ kind: "stale-message" });
    expect(await taken.load()).toMatchObject({ status: "preparing", attemptId: "other" });
  });

  it("continues by a message of the same arm, with the lease given back", async () => {
    const { clock, store, dispatch, task, uploads, deliver, load } = await setUp();
    const nextAt = new Date(wokenAt.getTime() + 10_030);
    uploads.outcome = { kind: "continue", nextAt, phases: { transferMs: 10 } };

    expect(await deliver()).toMatchObject({ kind: "continues", nextAt });

    const paused = await load();
    expect(paused).toMatchObject({
      status: "preparing",
      wakeAt: new Date(nextAt.getTime() + TIMING.wake.retryMs),
    });
    expect(paused).not.toHaveProperty("leaseUntil");
    expect(dispatch.enqueued).toEqual([
      {
        message: expect.objectContaining({ taskId: task.id, arm: task.arm, step: "prepare" }),
        delayMs: 10_000,
      },
    ]);
    expect(await store.tasks.getLog(task.id)).toMatchObject([{ status: "preparing" }]);

    clock.advance(10_000);
    uploads.outcome = READY;
    expect(await deliver({ via: "queue" })).toMatchObject({ kind: "ready" });
    expect(await store.tasks.getLog(task.id)).toHaveLength(2);
  });

  it("tries again after a failure that may pass, under a new arm", async () => {
    const { store, dispatch, task, uploads, deliver, load } = await setUp();
    uploads.outcome = { kind: "failed", failure: aFailure("transient"), phases: { transferMs: 5 } };

    expect(await deliver()).toEqual({ kind: "refused", code: "test-transient", status: "retrying" });

    expect(await load()).toMatchObject({ status: "retrying", arm: task.arm + 1, retries: 1 });
    expect(dispatch.enqueued).toEqual([
      {
        message: { taskId: task.id, rev: task.rev, arm: task.arm + 1, step: "prepare", part: 0 },
        delayMs: 30_000,
      },
    ]);
    expect(await store.tasks.getLog(task.id)).toMatchObject([
      { class: "transient", code: "test-transient", status: "retrying", phases: { transferMs: 5 } },
    ]);
  });

  it("sends the new arm its publisher once it is ready, since a retry arranged none", async () => {
    const { clock, dispatch, task, uploads, deliver, load } = await setUp({}, { now: wokenAt });
    uploads.outcome = { kind: "failed", failure: aFailure("transient"), phases: {} };
    await deliver();
    clock.advance(30_000);
    dispatch.enqueued.length = 0;
    uploads.outcome = READY;

    expect(await deliver({ arm: task.arm + 1, via: "queue" })).toMatchObject({ kind: "ready" });

    const holdFrom = slotAt.getTime() - TIMING.publish.holdLeadMs;
    expect(dispatch.enqueued).toEqual([
      {
        message: { taskId: task.id, rev: task.rev, arm: task.arm + 1, step: "publish", part: 0 },
        delayMs: holdFrom - clock.now().getTime(),
      },
    ]);
    expect(await load()).toMatchObject({ status: "ready", arm: task.arm + 1 });
  });

  it("sends it at once when the slot has passed, and as late as a queue can when it is far", async () => {
    const due = await setUp(
      { status: "retrying", notBeforeAt: slotAt },
      { now: new Date(slotAt.getTime() + 60_000) },
    );
    await due.deliver();
    expect(due.dispatch.enqueued).toMatchObject([{ delayMs: 0 }, { delayMs: 0 }]);

    const far = await setUp({
      status: "retrying",
      notBeforeAt: wokenAt,
      slotAt: new Date("2026-12-01T02:00:00Z"),
    });
    await far.deliver();
    expect(far.dispatch.enqueued).toMatchObject([{ delayMs: TIMING.maxQueueDelayMs }]);
  });

  it("wakes a publisher that waits for the media as soon as they are there", async () => {
    const { dispatch, task, deliver } = await setUp({}, { now: slotAt });
    await deliver();
    const { id: taskId, rev, arm } = task;
    expect(dispatch.enqueued).toEqual([
      { message: { taskId, rev, arm, step: "publish", part: 0 }, delayMs: 0 },
    ]);
  });

  it("makes nothing ready whose publisher could not be sent", async () => {
    const { dispatch, deliver, load } = await setUp({ status: "retrying", notBeforeAt: wokenAt });
    dispatch.enqueue = () => Promise.reject(new Error("the queue is away"));
    await expect(deliver()).rejects.toThrow("the queue is away");
    expect(await load()).toMatchObject({ status: "preparing" });
  });

  it("waits for a far reset by a schedule, and counts no retry for it", async () => {
    const { dispatch, task, uploads, deliver, load } = await setUp();
    const retryAt = new Date(wokenAt.getTime() + 3_600_000);
    uploads.outcome = { kind: "failed", failure: aFailure("rate-limited", { retryAt }), phases: {} };

    await deliver();

    expect(await load()).toMatchObject({ status: "retrying", retries: 0 });
    expect(dispatch.enqueued).toEqual([]);
    expect(dispatch.scheduled).toEqual([
      { message: expect.objectContaining({ arm: task.arm + 1, step: "prepare" }), at: expect.any(Date) },
    ]);
    const [{ at } = { at: new Date(0) }] = dispatch.scheduled;
    // One second after the reset, plus half of the ten that spread everybody.
    expect(at).toEqual(new Date(retryAt.getTime() + 6_000));
  });

  it("fails after the last retry", async () => {
    const { dispatch, uploads, deliver, load } = await setUp({
      retries: 3,
      status: "retrying",
      notBeforeAt: wokenAt,
    });
    uploads.outcome = { kind: "failed", failure: aFailure("system"), phases: {} };
    expect(await deliver()).toMatchObject({ status: "failed" });
    expect(await load()).toMatchObject({
      status: "failed",
      reason: { message: "a system failure Tried 4 times." },
    });
    expect(dispatch.enqueued).toEqual([]);
  });

  it.each<[FailureClass, string, unknown]>([
    ["content", "failed", []],
    ["configuration", "held", []],
    ["credentials", "held", ["needs-reconnect"]],
    ["billing", "held", ["paused"]],
  ])("stops for good after a failure of the class %s", async (kind, status, accountStatus) => {
    const { task, uploads, deactivated, dispatch, deliver, load } = await setUp();
    const failure = aFailure(kind);
    uploads.outcome = { kind: "failed", failure, phases: {} };

    expect(await deliver()).toMatchObject({ kind: "refused", status });

    expect(await load()).toMatchObject({ status, reason: failure.reason });
    expect(deactivated).toEqual(
      (accountStatus as string[]).map((to) => [task.accountId, { status: to, reason: failure.reason }]),
    );
    expect(dispatch).toMatchObject({ scheduled: [], enqueued: [] });
  });

  it.each([
    ["paused", "account-inactive"],
    ["needs-reconnect", "account-inactive"],
    [undefined, "unknown-account"],
  ] as const)("uploads nothing for an account that is %s", async (status, code) => {
    const { account, accounts, commands, deliver, load } = await setUp();
    accounts.current = status && { ...account, status };
    await deliver();
    expect(await load()).toMatchObject({ status: "held", reason: { code } });
    expect(commands).toEqual([]);
  });

  it.each([
    ["missed", "missed"],
    ["hold", "held"],
  ] as const)("ends a task that is too late as its policy says: %s", async (then, status) => {
    const { store, task, commands, deliver, load } = await setUp(
      { latePolicy: { postWithinMs: 60_000, then } },
      { now: new Date(slotAt.getTime() + 60_001) },
    );
    expect(await deliver()).toEqual({ kind: "late", status });
    expect(await load()).toMatchObject({ status, reason: { code: "late" } });
    expect(commands).toEqual([]);
    expect(await store.tasks.getLog(task.id)).toMatchObject([{ status, code: "late" }]);
  });

  it("fails loudly on a task without content", async () => {
    const { store, deliver } = await setUp();
    store.tasks.getContent = async () => undefined;
    await expect(deliver()).rejects.toThrow("has no content of revision 1");
  });

  describe("a task that any account of its project may post", () => {
    async function setUpPool() {
      const world = await setUp({ pool: "open" });
      const { task, accounts } = world;
      accounts.project = {
        id: task.projectId,
        ownerId: task.ownerId,
        name: "default",
        timeZone: "UTC",
        accountIds: [task.accountId],
        defaultAccountId: task.accountId,
      };
      return world;
    }

    it("gets its account before anything is uploaded: media belong to it", async () => {
      const { store, task, commands, uploads, deliver, load } = await setUpPool();
      uploads.meanwhile = async () => {
        expect(await load()).toMatchObject({ status: "preparing", pool: "chosen" });
      };
      expect(await deliver()).toMatchObject({ kind: "ready" });
      expect(commands).toMatchObject([{ accountId: task.accountId }]);
      expect(await load()).toMatchObject({ status: "ready", pool: "chosen", accountId: task.accountId });
      expect(await store.tasks.getLog(task.id)).toMatchObject([
        { code: "account-chosen" },
        { status: "ready" },
      ]);
    });

    it("waits while no account may post, for another try of the upload", async () => {
      const { account, accounts, dispatch, commands, deliver, load } = await setUpPool();
      accounts.current = { ...account, status: "paused" };
      expect(await deliver()).toEqual({ kind: "refused", code: "no-service", status: "retrying" });
      const until = new Date(slotAt.getTime() + 15 * 60_000);
      expect(await load()).toMatchObject({
        status: "retrying",
        pool: "open",
        parkings: 1,
        notBeforeAt: until,
      });
      expect(commands).toEqual([]);
      expect(dispatch.scheduled).toMatchObject([{ message: { step: "prepare", arm: 2 }, at: until }]);
    });

    it("is held when its project is gone", async () => {
      const { accounts, deliver, load } = await setUpPool();
      accounts.project = undefined;
      expect(await deliver()).toEqual({ kind: "refused", code: "project-gone", status: "held" });
      expect(await load()).toMatchObject({ status: "held", reason: { code: "project-gone" } });
    });
  });

  it("does not touch a task that became ready by another way", async () => {
    const { clock, store, uploads, deliver, load } = await setUp();
    uploads.meanwhile = async () => store.tasks.save(markReady(await load(), clock.now()));
    expect(await deliver()).toEqual({ kind: "stale-message" });
    expect(await load()).toMatchObject({ status: "ready" });
  });
});
