import { describe, expect, it } from "vitest";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import type { ListedSchedule } from "#shared/domain/consistency.ts";
import { confirm, giveBack, newGate, reserve } from "#shared/domain/gate.ts";
import { asAccountId, asAttemptId, asBatchId, asProjectId, type TaskId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import {
  cancel,
  chooseAccount,
  markArranged,
  markUnknown,
  recordPosted,
  resume,
  startPosting,
  stop,
} from "#shared/domain/moves.ts";
import { UNKNOWN } from "#shared/domain/reconcile.ts";
import type { Task } from "#shared/domain/task.ts";
import type { Together } from "#shared/ports/task-store.ts";
import { type CheckProgress, createCheckConsistency } from "#shared/usecases/check-consistency.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryConsistency, createInMemorySchedules } from "#test/support/in-memory-consistency.ts";
import { createInMemoryCounters } from "#test/support/in-memory-counters.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ATTEMPT = asAttemptId("attempt-1");
const REASON = { code: "late", message: "Late.", remedy: "None." };
const DAY = { kind: "app-day", day: "2026-12-01" } as const;

/** A Punctual in memory that works by the rules, until a test damages something. */
function aWorld() {
  const clock = manualClock("2026-12-01T12:00:00.000Z");
  let serial = 0;
  const entropy = { newId: () => `id-${++serial}`, random: () => 0.5 };
  const inMemory = createInMemoryConsistency(createInMemoryStore(clock));
  const { store, tasks, batches } = inMemory;
  const accounts = createInMemoryAccounts();
  const counters = createInMemoryCounters();
  const schedules = createInMemorySchedules();
  const deps = { store, tasks, accounts, schedules, counters, batches, clock, entropy };
  const check = createCheckConsistency(deps);

  const fromNow = (ms: number) => new Date(clock.now().getTime() + ms);
  const logOf = (task: Task, over: Partial<LogEntry> = {}): LogEntry => ({
    at: clock.now(),
    attemptId: asAttemptId(`log-${++serial}`),
    step: "publish",
    status: task.status,
    ...over,
  });
  async function save(next: Task, together: Together = {}): Promise<Task> {
    expect(await tasks.save(next, { log: logOf(next), ...together })).toMatchObject({ ok: true });
    return next;
  }
  async function create(over: Partial<Task> = {}): Promise<Task> {
    const task = aTask({
      slotAt: fromNow(3 * HOUR),
      wakeAt: fromNow(2 * MINUTE),
      createdAt: clock.now(),
      updatedAt: clock.now(),
      ...over,
    });
    await tasks.create(task, aContent(task), { log: logOf(task) });
    return task;
  }
  async function spend(task: Task, at: Date): Promise<void> {
    const { ownerId, projectId, costMicros } = task;
    const iso = at.toISOString();
    await counters.take({ kind: "app-day", day: iso.slice(0, 10) }, 1, 1e9);
    await counters.take(
      { kind: "project-spend", ownerId, projectId, month: iso.slice(0, 7) },
      costMicros,
      1e9,
    );
  }
  const schedule = (task: Task, over: Partial<ListedSchedule> = {}): ListedSchedule => {
    const arm = over.arm ?? task.arm;
    const listed = {
      name: `t-${task.id}-${arm}-publish`,
      taskId: task.id,
      arm,
      step: "publish" as const,
      ...over,
    };
    schedules.all.push(listed);
    return listed;
  };
  return {
    ...deps,
    ...inMemory,
    clock,
    fromNow,
    save,
    create,
    spend,
    schedule,
    logOf,
    /** Arranged, with its schedule. */
    async waiting(over: Partial<Task> = {}): Promise<Task> {
      const created = await create(over);
      const task = markArranged(created, clock.now(), fromNow(3 * HOUR - MINUTE));
      await save(task);
      schedule(task);
      return task;
    },
    async posting(over: Partial<Task> = {}): Promise<Task> {
      const task = await create({ slotAt: clock.now(), ...over });
      const now = clock.now();
      await spend(task, now);
      const next = startPosting(task, now, { attemptId: ATTEMPT, requestHash: "h", sharesAt: now });
      const gate = reserve(await tasks.getGate(task.accountId), {
        taskId: task.id,
        attemptId: ATTEMPT,
        ownerId: task.ownerId,
        now,
        units: task.partCount,
        policy: {},
      });
      return save(next, { gate });
    },
    async published(postId: string, over: Partial<Task> = {}): Promise<Task> {
      const task = await this.posting(over);
      const at = clock.now();
      const next = recordPosted(task, at, { postId, sentAt: at });
      const gate = confirm(await tasks.getGate(task.accountId), {
        taskId: task.id,
        at,
        postId,
        isLast: true,
      });
      return save(next, { gate, adopt: { accountId: task.accountId, postId } });
    },
    check: (repair = false) => check({ repair }),
    /** Lets everything settle, so that nothing may be in the middle of a step. */
    async settled(repair = false) {
      clock.advance(5 * MINUTE);
      return check({ repair });
    },
    /** Finds exactly these, repairs them, and finds nothing any more. */
    async expectRepaired(...codes: string[]) {
      clock.advance(5 * MINUTE);
      const found = await check({ repair: false });
      expect(found.findings.map(({ code }) => code)).toEqual(codes);
      expect(found.findings.every(({ outcome, repair }) => outcome === "open" && repair)).toBe(true);
      expect(found.isConsistent).toBe(false);
      const repaired = await check({ repair: true });
      expect(repaired.findings.map(({ code, outcome }) => [code, outcome])).toEqual(
        codes.map((code) => [code, "repaired"]),
      );
      expect(repaired.isConsistent).toBe(true);
      expect(await check({ repair: false })).toMatchObject({ findings: [], isConsistent: true });
    },
  };
}

const get = async ({ tasks }: Pick<ReturnType<typeof aWorld>, "tasks">, id: TaskId): Promise<Task> => {
  const task = await tasks.get(id);
  if (!task) throw new Error("it is gone");
  return task;
};
const without = <Key extends keyof Task>(task: Task, key: Key): Task => {
  const { [key]: _, ...rest } = task;
  return rest as Task;
};

describe("checkConsistency", () => {
  it("finds nothing in a Punctual that works, at any instant", async () => {
    const world = aWorld();
    expect(await world.check()).toMatchObject({ findings: [], isConsistent: true, notJudged: [] });
    await world.published("1");
    await world.posting();
    const posting = await world.posting();
    await world.save(markUnknown(posting, world.clock.now(), UNKNOWN));
    await world.waiting();
    const late = await world.create();
    await world.save(stop(late, world.clock.now(), "missed", REASON));
    expect(await world.check(true)).toMatchObject({ findings: [], isConsistent: true });
    expect(await world.settled(true)).toMatchObject({
      findings: [],
      read: { tasks: 5, schedules: 1, records: expect.any(Number) },
    });
  });

  it("tells how far it is", async () => {
    const world = aWorld();
    await world.waiting();
    world.schedules.all.length = 0;
    world.clock.advance(5 * MINUTE);
    const seen: CheckProgress[] = [];
    await createCheckConsistency(world)({ repair: false, onProgress: (progress) => seen.push(progress) });
    expect(seen).toContainEqual({ step: "records", done: 3 });
    expect(seen).toContainEqual({ step: "tasks", done: 0, total: 1 });
  });

  it("reports what is damaged, and judges the rest", async () => {
    const world = aWorld();
    const problem = "slotAt does not fit";
    world.others.push({ kind: "damaged", key: "TASK#1 TASK", problem });
    world.schedule(await world.create({ status: "cancelled", reason: REASON }));
    const { findings, isConsistent } = await world.settled(true);
    expect(findings).toMatchObject([
      { code: "record-damaged", severity: "severe", outcome: "open" },
      { code: "schedule-stray", outcome: "repaired" },
    ]);
    expect(isConsistent).toBe(false);
  });
});

describe("a task", () => {
  it("that nobody would look at is looked at again when its arrangement should have come true", async () => {
    const world = aWorld();
    const task = await world.waiting();
    await world.save({ ...without(task, "wakeAt"), version: task.version + 1 });
    await world.expectRepaired("task-not-woken");
    const mended = await get(world, task.id);
    expect(mended).toMatchObject({ arm: task.arm, arrangedFor: task.arrangedFor });
    expect(mended.wakeAt?.getTime()).toBeGreaterThan(world.clock.now().getTime());
    expect(world.schedules.all).toHaveLength(1);
    expect((await world.tasks.getLog(task.id)).at(-1)).toMatchObject({
      code: "repaired",
      message: "The consistency check found: task-not-woken.",
    });
  });

  it("whose schedule is gone is handed to the sweeper, and what is left of its arm is deleted", async () => {
    const world = aWorld();
    const task = await world.waiting({ mediaCount: 1 });
    world.schedules.all.length = 0;
    world.schedule(task, { name: `t-${task.id}-1-prepare`, step: "prepare" });
    await world.expectRepaired("task-without-schedule");
    const mended = await get(world, task.id);
    expect(mended.wakeAt?.getTime()).toBeLessThanOrEqual(world.clock.now().getTime());
    expect(mended).not.toHaveProperty("arrangedFor");
    expect(world.schedules.all).toEqual([]);
  });

  it("that the index lists otherwise is written again", async () => {
    const world = aWorld();
    const task = await world.waiting();
    world.unindexed.add(task.id);
    await world.expectRepaired("task-not-indexed");
    expect(await get(world, task.id)).toMatchObject({ version: task.version + 1, wakeAt: task.wakeAt });
  });

  it("that ended without a word gets an entry in its log", async () => {
    const world = aWorld();
    const task = await world.create();
    await world.tasks.save(stop(task, world.clock.now(), "failed", REASON));
    await world.expectRepaired("log-differs");
    expect((await world.tasks.getLog(task.id)).at(-1)).toMatchObject({ status: "failed", code: "repaired" });
  });

  it("that stands still, or has no reason, is for a person", async () => {
    const world = aWorld();
    await world.create({ slotAt: world.fromNow(-HOUR), wakeAt: world.fromNow(-HOUR) });
    const { reason: _, ...held } = stop(await world.create(), world.clock.now(), "held", REASON);
    await world.save(held);
    const { findings, isConsistent } = await world.settled(true);
    expect(findings).toMatchObject([
      { code: "task-overdue", outcome: "open" },
      { code: "reason-missing", outcome: "open" },
    ]);
    expect(isConsistent).toBe(false);
  });

  it("that somebody else changes meanwhile is left alone", async () => {
    const world = aWorld();
    const task = await world.waiting();
    const bare = await world.save({ ...without(task, "wakeAt"), version: task.version + 1 });
    const { getLog } = world.tasks;
    world.tasks.getLog = async (id) => {
      await world.save({ ...bare, priority: 1, version: bare.version + 1 });
      return getLog(id);
    };
    const { findings, isConsistent } = await createCheckConsistency(world)({ repair: true });
    expect(findings).toMatchObject([{ code: "task-not-woken", outcome: "changed-meanwhile" }]);
    expect(isConsistent).toBe(false);
    expect(await get(world, task.id)).toMatchObject({ version: bare.version + 1, priority: 1 });
  });

  it("that moved between the two readings is believed", async () => {
    const world = aWorld();
    const task = await world.waiting();
    const bare = await world.save({ ...without(task, "wakeAt"), version: task.version + 1 });
    const { list } = world.schedules;
    world.schedules.list = async function* (id) {
      if (id === undefined)
        await world.save({ ...bare, wakeAt: task.wakeAt ?? bare.slotAt, version: bare.version + 1 });
      yield* list(id);
    };
    expect((await createCheckConsistency(world)({ repair: true })).findings).toEqual([]);
  });
});

describe("a schedule", () => {
  it("that nobody would listen to is deleted", async () => {
    const world = aWorld();
    const task = await world.waiting({ arm: 2 });
    world.schedule(task, { arm: 1 });
    world.schedule(aTask());
    const cancelled = await world.waiting();
    await world.save(cancel(cancelled, world.clock.now()));
    await world.expectRepaired("schedule-stray", "schedule-stray", "schedule-stray");
    expect(world.schedules.all.map(({ name }) => name)).toEqual([`t-${task.id}-2-publish`]);
  });

  it("of a task that was created after the first reading stays", async () => {
    const world = aWorld();
    const { list } = world.schedules;
    world.schedules.list = async function* (id) {
      if (id === undefined) await world.waiting();
      yield* list(id);
    };
    expect((await createCheckConsistency(world)({ repair: true })).findings).toEqual([]);
    expect(world.schedules.all).toHaveLength(1);
  });
});

describe("a post", () => {
  it("without a marker gets one", async () => {
    const world = aWorld();
    const task = await world.posting();
    const at = world.clock.now();
    const gate = confirm(await world.tasks.getGate(task.accountId), {
      taskId: task.id,
      at,
      postId: "1",
      isLast: true,
    });
    await world.save(recordPosted(task, at, { postId: "1", sentAt: at }), { gate });
    await world.expectRepaired("post-unmarked");
    expect(await world.store.readMarker(task.accountId, "1")).toBe(task.id);
  });

  it("that two tasks have, or none, is for a person", async () => {
    const world = aWorld();
    await world.published("1");
    const second = await world.posting();
    const at = world.clock.now();
    const gate = giveBack(await world.tasks.getGate(second.accountId), second.id);
    await world.save(recordPosted(second, at, { postId: "1", sentAt: at }), { gate });
    const third = await world.create();
    await world.store.markPost(third.accountId, "9", third.id);
    const { findings } = await world.settled(true);
    expect(findings.map(({ code, outcome }) => [code, outcome])).toEqual([
      ["post-shared", "open"],
      ["post-unclaimed", "open"],
    ]);
  });
});

describe("an account", () => {
  const MAIN = asAccountId("account-1");

  it("gets its gate mended in one write", async () => {
    const world = aWorld();
    const first = await world.published("1");
    const leaking = await world.posting();
    await world.save(stop({ ...leaking, status: "retrying" }, world.clock.now(), "failed", REASON));
    const posting = await world.posting();
    const gate = await world.tasks.getGate(MAIN);
    const { lastPostId: _, lastPostAt: __, day: ___, ...lost } = gate;
    const reservations = gate.reservations.filter(({ taskId }) => taskId === leaking.id);
    await world.store.saveGate({ ...lost, reservations, version: gate.version + 1 });
    await world.counters.giveBack(DAY, 1);
    await world.counters.giveBack(
      { kind: "project-spend", ownerId: first.ownerId, projectId: first.projectId, month: "2026-12" },
      leaking.costMicros,
    );
    const { version } = await world.tasks.getGate(MAIN);
    await world.expectRepaired("place-missing", "last-post-behind", "window-below", "place-leaked");
    expect(await world.tasks.getGate(MAIN)).toMatchObject({
      version: version + 1,
      lastPostId: "1",
      reservations: [{ taskId: posting.id, attemptId: ATTEMPT }],
      day: { used: 2 },
    });
  });

  it("that posts all the time is left to the next check", async () => {
    const world = aWorld();
    await world.store.saveGate({
      ...newGate(MAIN),
      version: 1,
      reservations: [
        {
          taskId: aTask().id,
          attemptId: ATTEMPT,
          at: world.clock.now(),
          units: 1,
          used: 0,
          quarterAt: world.clock.now(),
          dayAt: world.clock.now(),
        },
      ],
    });
    const { getGate } = world.tasks;
    let version = 10;
    world.tasks.getGate = async (id) => ({ ...(await getGate(id)), version: version++ });
    expect((await createCheckConsistency(world)({ repair: true })).findings).toEqual([]);
  });

  it("that may post sends on the tasks that wait for it", async () => {
    const world = aWorld();
    const account = {
      id: MAIN,
      ownerId: aTask().ownerId,
      name: "main",
      maxTextLength: 280,
      status: "active",
      version: 1,
    } as const;
    await world.accounts.saveAccount(account);
    const task = await world.create();
    await world.save(stop(task, world.clock.now(), "held", REASON, "account"));
    await world.expectRepaired("held-for-nothing");
    expect(await world.accounts.getAccount(MAIN)).toMatchObject({ wakeAt: world.clock.now(), version: 2 });
  });

  it("that was resumed between the two readings is believed", async () => {
    const world = aWorld();
    await world.accounts.saveAccount({
      id: MAIN,
      ownerId: aTask().ownerId,
      name: "main",
      maxTextLength: 280,
      status: "active",
      version: 1,
    });
    const held = stop(await world.create(), world.clock.now(), "held", REASON, "account");
    await world.save(held);
    const { getAccount } = world.accounts;
    world.accounts.getAccount = async (id) => {
      await world.save(resume(held, world.clock.now()));
      return getAccount(id);
    };
    expect((await createCheckConsistency(world)({ repair: true })).findings).toEqual([]);
  });

  it("that is stopped, or is being resumed, keeps its tasks", async () => {
    const world = aWorld();
    const account = {
      id: MAIN,
      ownerId: aTask().ownerId,
      name: "main",
      maxTextLength: 280,
      status: "paused",
      version: 1,
    } as const;
    await world.accounts.saveAccount(account);
    await world.save(stop(await world.create(), world.clock.now(), "held", REASON, "account"));
    expect((await world.settled()).findings).toEqual([]);
    await world.accounts.saveAccount({ ...account, status: "active", wakeAt: world.clock.now(), version: 2 });
    expect((await world.settled()).findings).toEqual([]);
  });
});

describe("a shared counter", () => {
  it("below the posts is raised to them", async () => {
    const world = aWorld();
    const task = await world.published("1");
    const month = {
      kind: "project-spend",
      ownerId: task.ownerId,
      projectId: task.projectId,
      month: "2026-12",
    } as const;
    await world.counters.giveBack(month, 10_000);
    await world.counters.giveBack(DAY, 1);
    await world.expectRepaired("counter-below", "counter-below");
    expect(await world.counters.read(month)).toBe(15_000);
    expect(await world.counters.read(DAY)).toBe(1);
  });

  it("above the posts is given back once nobody can hold a share", async () => {
    const world = aWorld();
    await world.published("1");
    await world.counters.take(DAY, 3, 100);
    world.others.push(DAY);
    expect(await world.check(true)).toMatchObject({ findings: [], notJudged: ["app 2026-12-01"] });
    await world.expectRepaired("counter-above");
    expect(await world.counters.read(DAY)).toBe(1);
  });

  it("is not judged while a publisher may wait for its second with a share", async () => {
    const world = aWorld();
    const holding = await world.create({ slotAt: world.fromNow(6 * MINUTE) });
    await world.spend(holding, world.clock.now());
    world.others.push(DAY);
    expect(await world.settled(true)).toMatchObject({ findings: [], notJudged: ["app 2026-12-01"] });
    expect(await world.counters.read(DAY)).toBe(1);
  });

  it("is not judged when it moves between two readings", async () => {
    const world = aWorld();
    await world.counters.take(DAY, 3, 100);
    world.others.push(DAY);
    const { read } = world.counters;
    let reads = 0;
    world.counters.read = async (counter) => (await read(counter)) - (++reads > 2 ? 1 : 0);
    world.clock.advance(5 * MINUTE);
    const report = await createCheckConsistency(world)({ repair: true });
    expect(report).toMatchObject({ findings: [], notJudged: ["app 2026-12-01"] });
  });

  it("is not judged while a task cannot be read: its posts may be what is too much", async () => {
    const world = aWorld();
    await world.counters.take(DAY, 3, 100);
    world.others.push(DAY, { kind: "damaged", key: "TASK#1 TASK", problem: "posted does not fit" });
    const report = await world.settled(true);
    expect(report.notJudged).toEqual(["app 2026-12-01"]);
    expect(report.findings.map(({ code }) => code)).toEqual(["record-damaged"]);
    expect(await world.counters.read(DAY)).toBe(3);
  });

  it("of a project without tasks, and of a period that is over, is known as well", async () => {
    const world = aWorld();
    const project = {
      id: asProjectId("empty"),
      ownerId: aTask().ownerId,
      name: "empty",
      timeZone: "UTC",
      accountIds: [],
      defaultAccountId: asAccountId("none"),
    };
    await world.accounts.addProject(project);
    const month = {
      kind: "project-spend",
      ownerId: project.ownerId,
      projectId: project.id,
      month: "2026-11",
    } as const;
    await world.counters.take(month, 500, 1e9);
    world.others.push({ kind: "project-spend", projectId: project.id, month: "2026-11" });
    // A deployment keeps its counters for 90 days.
    world.others.push({ kind: "app-day", day: "2026-08-01" });
    await world.counters.take({ kind: "app-day", day: "2026-08-01" }, 1, 10);
    await world.expectRepaired("counter-above");
    expect(await world.counters.read(month)).toBe(0);
  });
});

describe("a batch", () => {
  const ownerId = aTask().ownerId;
  const batchId = batchIdFor(ownerId, "spring");
  const open = (world: ReturnType<typeof aWorld>) =>
    world.batches.open({ id: batchId, ownerId, name: "spring", createdAt: world.clock.now() });

  it("that was told nothing of its tasks counts them", async () => {
    const world = aWorld();
    await open(world);
    const tasks = await Promise.all([world.waiting({ batchId }), world.waiting({ batchId })]);
    const [first] = tasks;
    await world.batches.count(batchId, [{ taskId: first.id, bucket: "pending", version: first.version }]);
    await world.expectRepaired("batch-behind");
    expect((await world.batches.get(batchId))?.counts).toEqual({ pending: 2, processing: 0, done: 0 });
  });

  it("that does not add up is set to what its tasks add up to, and follows them again", async () => {
    const world = aWorld();
    await open(world);
    const task = await world.waiting({ batchId });
    await world.batches.count(batchId, [{ taskId: task.id, bucket: "pending", version: task.version }]);
    world.miscounted.set(batchId, { pending: 0, processing: 7, done: 0 });
    await world.expectRepaired("batch-sum-differs");
    expect((await world.batches.get(batchId))?.counts).toEqual({ pending: 1, processing: 0, done: 0 });
  });

  it("that does not exist is for a person", async () => {
    const world = aWorld();
    await world.waiting({ batchId: asBatchId("nowhere") });
    expect((await world.settled(true)).findings).toMatchObject([{ code: "batch-missing", outcome: "open" }]);
  });
});

describe("a pool", () => {
  it("agrees with the account that was chosen", async () => {
    const world = aWorld();
    const open = await world.waiting({ pool: "open" });
    await world.save(chooseAccount(open, world.clock.now(), asAccountId("account-2")));
    expect((await world.settled()).findings).toEqual([]);
  });
});
