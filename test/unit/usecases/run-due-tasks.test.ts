import { describe, expect, it } from "vitest";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import { asAttemptId, asOwnerId, asProjectId, type OwnerId } from "#shared/domain/ids.ts";
import { recordPosted, startPosting, stop } from "#shared/domain/moves.ts";
import { asRunId, MAX_RUN_MS, RUN_CLAIM_MS, RUN_PAGE_SIZE, type RunItem } from "#shared/domain/run.ts";
import type { Task } from "#shared/domain/task.ts";
import { DependencyFault } from "#shared/errors.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createOrderTasks, workOff } from "#shared/usecases/dispatch-fairly.ts";
import { createReadRun } from "#shared/usecases/read-run.ts";
import { createRunDueTasks } from "#shared/usecases/run-due-tasks.ts";
import { createStartRun } from "#shared/usecases/start-run.ts";
import { aContent, aMedium, aTask, freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryDispatch } from "#test/support/in-memory-dispatch.ts";
import { createInMemoryRuns } from "#test/support/in-memory-runs.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const start = new Date("2026-12-01T03:00:00.000Z");
const at = (ms: number) => new Date(start.getTime() + ms);
const HOUR = 3_600_000;
const anne = asOwnerId("anne");
const refused = { code: "duplicate-content", message: "X has it already.", remedy: "Change it." };

function setUp(options: { readonly capacity?: number } = {}) {
  const clock = manualClock(start);
  const store = createInMemoryStore(clock);
  const tasks = { ...store.tasks };
  const runs = { ...createInMemoryRuns(clock) };
  const accounts = createInMemoryAccounts();
  const dispatch = createInMemoryDispatch();
  const entropy = { newId: () => String(freshTaskId()), random: () => 0.5 };
  const faults: unknown[] = [];
  const run = createRunDueTasks({
    tasks,
    media: store.media,
    runs,
    order: createOrderTasks({ accounts }),
    arrange: createArrangeTask({ tasks, dispatch, clock, limits: ARRANGEMENT_LIMITS }),
    clock,
    entropy,
    ...options,
  });
  const readRun = createReadRun({ runs });
  const startRun = createStartRun({ runs, clock, entropy });

  /** Due for an hour, and not touched for as long. */
  const put = async (over: Partial<Task> = {}) => {
    const task = aTask({ ownerId: anne, slotAt: at(-HOUR), updatedAt: at(-HOUR), ...over });
    const media = Array.from({ length: task.mediaCount }, () => aMedium());
    await store.tasks.create(task, aContent(task, { media }));
    return task;
  };
  const read = async ({ id }: Task) => (await store.tasks.get(id)) as Task;
  /** Changes a task as a publisher would. */
  const settle = async (task: Task, to: (posting: Task) => Task) => {
    const before = await read(task);
    const intent = { attemptId: asAttemptId("publisher"), requestHash: "ab", sharesAt: clock.now() };
    const posting = startPosting(before, clock.now(), intent);
    await store.tasks.save(posting);
    await store.tasks.save(to(posting), {
      log: { at: clock.now(), attemptId: asAttemptId("publisher"), step: "publish", status: "published" },
    });
  };
  const publish = (task: Task) =>
    settle(task, (posting) => recordPosted(posting, clock.now(), { postId: "1", sentAt: clock.now() }));
  const refuse = (task: Task) => settle(task, (posting) => stop(posting, clock.now(), "failed", refused));
  const begin = async (owner: OwnerId = anne) => (await startRun(owner)).id;
  const step = (id: string, deadline = at(100 * HOUR)) =>
    run(asRunId(id), deadline, (error) => faults.push(error));
  const show = async (id: string, page = 0) => {
    const shown = await readRun(anne, asRunId(id), page);
    if (!shown.ok) throw new RangeError(shown.error.reason);
    return shown.value;
  };
  const handed = () => dispatch.enqueued.map(({ message }) => message.taskId);
  return {
    ...store,
    tasks,
    runs,
    accounts,
    dispatch,
    clock,
    faults,
    put,
    read,
    publish,
    refuse,
    begin,
    step,
    show,
    handed,
    readRun,
  };
}

const outcomeOf = ({ outcome, error }: RunItem) => [outcome, error?.code];

describe("runDueTasks", () => {
  it("hands on what is due, follows it, and says how it went", async () => {
    const { put, begin, step, show, publish, refuse, clock, dispatch, read, tasks } = setUp();
    const good = await put();
    const bad = await put({ slotAt: at(-HOUR + 1) });
    const id = await begin();
    expect((await show(id)).run.status).toBe("queued");
    expect(await step(id)).toBe("open");
    expect(dispatch.enqueued.map(({ message, delayMs }) => [message, delayMs])).toEqual(
      [good, bad].map((task) => [{ taskId: task.id, rev: 1, arm: 2, step: "publish", part: 0 }, 0]),
    );
    expect((await tasks.getLog(good.id)).at(-1)).toMatchObject({ code: "batch-run", step: "change" });
    expect(await show(id)).toMatchObject({
      run: { status: "running", total: 2 },
      summary: { message: "0 of 2 have ended." },
      items: [{ state: "open" }, { state: "open" }],
    });

    clock.advance(4_000);
    await publish(good);
    clock.advance(2_000);
    await refuse(bad);
    clock.advance(54_000);
    expect(await step(id)).toBe("ended");
    const shown = await show(id);
    expect(shown.run).toMatchObject({ status: "ended", total: 2, endedAt: at(60_000) });
    expect(shown.run).not.toHaveProperty("wakeAt");
    expect(shown.summary).toEqual({
      success: false,
      message: "1 of 2 published, 1 failed, 0 errored, 0 skipped.",
      durationMs: 60_000,
      averageMs: 5_000,
    });
    expect(shown.items).toEqual([
      {
        taskId: good.id,
        state: "ended",
        status: "published",
        outcome: "succeeded",
        handedAt: start,
        durationMs: 4_000,
        logId: `${at(4_000).toISOString()}#publisher`,
        mediaIds: [],
      },
      expect.objectContaining({
        outcome: "failed",
        status: "failed",
        durationMs: 6_000,
        error: { code: "duplicate-content", message: "X has it already." },
      }),
    ]);
    expect(await read(good)).toMatchObject({ status: "published" });
    expect(await step(id)).toBe("skipped");
  });

  it("takes nothing of another owner, nothing ahead, and nothing that somebody is at work on", async () => {
    const { put, begin, step, show, handed } = setUp();
    await put({ ownerId: asOwnerId("bela") });
    await put({ slotAt: at(1) });
    await put({ slotAt: at(-1_000) });
    await put({ updatedAt: at(-1_000) });
    await put({ status: "posting", leaseUntil: at(1_000) });
    await put({ status: "retrying", notBeforeAt: at(1_000) });
    await put({ status: "held" });
    const id = await begin();
    expect(await step(id)).toBe("ended");
    expect(handed()).toEqual([]);
    expect(await show(id)).toMatchObject({
      run: { total: 0 },
      summary: { success: true, message: "Nothing was due." },
      items: [],
    });
  });

  it("prepares the media of a post first, and names their ids in the end", async () => {
    const { put, begin, step, show, dispatch, media, publish, clock } = setUp();
    const task = await put({ mediaCount: 1 });
    const id = await begin();
    await step(id);
    expect(dispatch.enqueued.map(({ message }) => message.step)).toEqual(["prepare", "publish"]);
    await media.save({
      taskId: task.id,
      index: 0,
      sha256: "ab",
      accountId: task.accountId,
      state: "ready",
      mediaId: "media-7",
      expiresAt: at(HOUR),
      segmentBytes: 1,
      segmentsDone: [0],
    });
    await publish(task);
    clock.advance(60_000);
    await step(id);
    expect((await show(id)).items[0]).toMatchObject({ outcome: "succeeded", mediaIds: ["media-7"] });
  });

  it("hands on no more than there is capacity for, in a fair order, and the rest later", async () => {
    const { put, begin, step, handed, publish, clock, show } = setUp({ capacity: 2 });
    const crowd = [await put(), await put(), await put()];
    const other = await put({ projectId: asProjectId("project-2"), slotAt: at(-HOUR / 2) });
    const urgent = await put({ priority: 1, slotAt: at(-HOUR / 4) });
    const id = await begin();
    await step(id);
    expect(handed()).toEqual([urgent.id, crowd[0]?.id]);
    clock.advance(60_000);
    await step(id);
    expect(handed()).toHaveLength(2);
    await publish(urgent);
    clock.advance(60_000);
    await step(id);
    expect(handed().slice(2)).toEqual([other.id]);
    expect((await show(id)).items.filter(({ state }) => state === "waiting")).toHaveLength(2);
  });

  it("does not let one item that fails stop the others, and calls that our error", async () => {
    const { put, begin, step, show, faults, tasks, handed } = setUp();
    const broken = await put();
    const fine = await put();
    const save = tasks.save;
    const fault = new DependencyFault("the table is away");
    tasks.save = async (next, together) => {
      if (next.id === broken.id) throw fault;
      return save(next, together);
    };
    const id = await begin();
    expect(await step(id)).toBe("open");
    expect(handed()).toEqual([fine.id]);
    expect(faults).toEqual([fault]);
    const [first, second] = (await show(id)).items;
    expect([first && outcomeOf(first), second?.state]).toEqual([
      ["errored", "dependency-unavailable"],
      "open",
    ]);
    expect(JSON.stringify(first)).not.toContain("the table is away");
  });

  it("skips what was changed, ended or taken between the list and its turn, and says which", async () => {
    const { put, begin, step, show, tasks } = setUp();
    const cancelled = await put();
    const raced = await put();
    const { get, save } = tasks;
    tasks.get = async (taskId) => {
      const task = await get(taskId);
      return task && taskId === cancelled.id ? { ...task, status: "cancelled" } : task;
    };
    tasks.save = async (next, together) =>
      next.id === raced.id ? { ok: false, error: { reason: "stale" } } : save(next, together);
    const id = await begin();
    expect(await step(id)).toBe("ended");
    const { items, summary } = await show(id);
    expect(items.map(outcomeOf)).toEqual([
      ["skipped", "not-due"],
      ["skipped", "taken"],
    ]);
    expect(items[1]).not.toHaveProperty("durationMs");
    expect(summary.success).toBe(true);
  });

  it("does not disturb what another run has just handed on", async () => {
    const { put, begin, step, show, handed } = setUp();
    await put();
    const [first, second] = [await begin(), await begin()];
    await step(first);
    expect(await step(second)).toBe("ended");
    expect((await show(second)).run.total).toBe(0);
    expect(handed()).toHaveLength(1);
  });

  it("is closed after half an hour, whatever its items are doing", async () => {
    const { put, begin, step, show, clock } = setUp({ capacity: 1 });
    await put();
    await put();
    const id = await begin();
    await step(id);
    clock.advance(MAX_RUN_MS);
    expect(await step(id)).toBe("ended");
    const { items, summary } = await show(id);
    expect(items.map(outcomeOf)).toEqual([
      ["errored", "no-progress"],
      ["skipped", "run-closed"],
    ]);
    expect(summary).toMatchObject({ success: false, durationMs: MAX_RUN_MS });
  });

  it("is worked on by one at a time, and taken over from whoever died", async () => {
    const { put, begin, step, clock, runs, handed } = setUp();
    await put();
    const id = await begin();
    const savePage = runs.savePage;
    let writes = 0;
    runs.savePage = async (run, page) => {
      // Dies after the items are noted as handed on, before any of them is.
      if (++writes === 3) throw new DependencyFault("gone");
      const saved = await savePage(run, page);
      if (writes === 2) throw new DependencyFault("gone");
      return saved;
    };
    await expect(step(id)).rejects.toThrow("gone");
    expect(handed()).toEqual([]);
    expect(await step(id)).toBe("skipped");
    runs.savePage = savePage;
    clock.advance(RUN_CLAIM_MS);
    expect(await step(id)).toBe("open");
    expect(handed()).toHaveLength(1);
  });

  it("begins again when it died while it noted what is due", async () => {
    const { put, begin, step, clock, runs, show, handed } = setUp();
    for (let index = 0; index < RUN_PAGE_SIZE + 1; index++) await put();
    const id = await begin();
    const savePage = runs.savePage;
    runs.savePage = async (run, page) => {
      if (page.index === 1) throw new DependencyFault("gone");
      return savePage(run, page);
    };
    await expect(step(id)).rejects.toThrow("gone");
    runs.savePage = savePage;
    clock.advance(RUN_CLAIM_MS);
    expect(await step(id)).toBe("open");
    expect(handed()).toHaveLength(RUN_PAGE_SIZE + 1);
    const first = await show(id);
    expect([first.run.total, first.items.length, first.next]).toEqual([RUN_PAGE_SIZE + 1, RUN_PAGE_SIZE, 1]);
    const second = await show(id, 1);
    expect([second.items.length, second.next]).toEqual([1, undefined]);
  });

  it("starts nothing after its deadline, and goes on with the next step", async () => {
    const { put, begin, step, handed, clock, show } = setUp();
    await put();
    const id = await begin();
    expect(await step(id, start)).toBe("open");
    expect((await show(id)).run.status).toBe("queued");
    clock.advance(RUN_CLAIM_MS);
    expect(await step(id)).toBe("open");
    expect(handed()).toHaveLength(1);
  });

  it("shows a run to its owner only, and no page that it does not have", async () => {
    const { begin, readRun } = setUp();
    const id = await begin();
    const refusal = (reason: string) => ({ ok: false, error: { reason } });
    expect(await readRun(asOwnerId("bela"), id, 0)).toEqual(refusal("not-found"));
    expect(await readRun(anne, asRunId("nobody"), 0)).toEqual(refusal("not-found"));
    expect(await readRun(anne, id, 1)).toEqual(refusal("bad-page"));
  });
});

describe("workOff", () => {
  it("starts in order, never more at a time than allowed, and leaves what its deadline cuts off", async () => {
    const clock = manualClock(start);
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const worked = await workOff(
      [0, 1, 2, 3, 4],
      async (item) => {
        started.push(item);
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
        if (item === 2) clock.advance(1_000);
        if (item === 1) throw new Error("one");
        return item * 10;
      },
      { concurrency: 2, deadline: at(1_000), clock },
    );
    expect([started.slice(0, 3), most]).toEqual([[0, 1, 2], 2]);
    expect(worked.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["done", "failed", "left"]));
    expect(worked.map(({ item }) => item)).toEqual([0, 1, 2, 3, 4]);
    expect(worked[4]?.kind).toBe("left");
  });
});

describe("orderTasks", () => {
  it("goes on with the default weight when one cannot be read", async () => {
    const fault = new DependencyFault("away");
    const faults: unknown[] = [];
    const order = createOrderTasks({
      accounts: {
        async getProject() {
          throw fault;
        },
      },
    });
    const task = aTask();
    expect(await order([task], { report: (error) => faults.push(error) })).toEqual([task]);
    expect(faults).toEqual([fault]);
  });

  it("weighs projects by what they say", async () => {
    const accounts = createInMemoryAccounts();
    for (const [name, weight] of [
      ["heavy", 10],
      ["light", 1],
    ] as const)
      await accounts.addProject({
        id: asProjectId(name),
        ownerId: anne,
        name,
        timeZone: "UTC",
        accountIds: [],
        defaultAccountId: aTask().accountId,
        weight,
      });
    const waiting = ["heavy", "light"].flatMap((name) =>
      Array.from({ length: 11 }, () => aTask({ projectId: asProjectId(name) })),
    );
    const taken = await createOrderTasks({ accounts })(waiting, { capacity: 11, report: () => {} });
    expect(taken.filter(({ projectId }) => projectId === "heavy")).toHaveLength(10);
  });
});
