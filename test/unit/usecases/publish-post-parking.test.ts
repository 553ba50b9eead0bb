import { describe, expect, it, vi } from "vitest";
import { PLATFORM_CIRCUIT } from "#shared/domain/circuit.ts";
import { asAccountId } from "#shared/domain/ids.ts";
import { MAX_PARKINGS, type PostingPolicy, threadMs } from "#shared/domain/policy.ts";
import type { Task } from "#shared/domain/task.ts";
import { MAIN, OWNER, PROJECT, type Publishing, setUpPublishing } from "#test/support/publishing.ts";

const slotAt = new Date("2026-12-01T01:10:00.000Z");
const at = (ms: number) => new Date(slotAt.getTime() + ms);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const reason = { code: "usage-capped", message: "No.", remedy: "Wait." };
const DAY_COUNTER = { kind: "app-day", day: "2026-12-01" } as const;
const MONTH_COUNTER = {
  kind: "project-spend",
  ownerId: OWNER,
  projectId: PROJECT,
  month: "2026-12",
} as const;

const setUp = (policy?: PostingPolicy, timeZone = "UTC") =>
  setUpPublishing({ now: slotAt, timeZone, ...(policy && { policy }) });

/** The second of two tasks that are due now; the first one is out. */
async function afterAnother(policy?: PostingPolicy) {
  const world = await setUp(policy);
  const first = await world.put({ slotAt });
  expect(await world.publish(first)).toMatchObject({ kind: "posted" });
  const task = await world.put({ slotAt });
  return { ...world, first, task };
}

const countersOf = ({ counters }: Publishing) =>
  Promise.all([counters.read(DAY_COUNTER), counters.read(MONTH_COUNTER)]);

/** What every parked task has in common, whatever it waits for. */
async function expectParked(world: Publishing, task: Task, code: string, until: Date, known: boolean) {
  const before = await world.read(task);
  const posts = world.sent.length;
  const counted = await countersOf(world);
  const gate = await world.gate(task.accountId);
  expect(await world.publish(task)).toEqual({ kind: "parked", code, status: "retrying" });
  const parked = await world.read(task);
  expect(parked).toMatchObject({
    status: "retrying",
    arm: before.arm + 1,
    retries: before.retries,
    parkings: before.parkings + (known ? 0 : 1),
    notBeforeAt: until,
    reason: { message: expect.stringMatching(/\.$/) },
  });
  expect(parked.excusedUntil).toEqual(known ? until : before.excusedUntil);
  expect(world.sent).toHaveLength(posts);
  expect(await countersOf(world)).toEqual(counted);
  expect(await world.gate(task.accountId)).toEqual(gate);
  const log = await world.tasks.getLog(task.id);
  expect(log.at(-1)).toMatchObject({ step: "publish", status: "retrying", code: parked.reason?.code });
  // The old message is of no use any more, and the new one comes when it may run.
  expect(await world.publish(task, { arm: before.arm })).toEqual({ kind: "stale-message" });
  const woken = [
    ...world.dispatch.enqueued.map(({ message, delayMs }) => ({
      message,
      at: world.clock.now().getTime() + delayMs,
    })),
    ...world.dispatch.scheduled.map(({ message, at: instant }) => ({
      message,
      at: instant.getTime() + world.holdLeadMs,
    })),
  ].filter(({ message }) => message.taskId === task.id && message.arm === parked.arm);
  expect(woken).toMatchObject([{ message: { step: "publish" }, at: until.getTime() }]);
  return parked;
}

describe("publishPost parks", () => {
  it("too-close: until the project's interval is over, to the second", async () => {
    const world = await afterAnother({ minIntervalMs: HOUR });
    await expectParked(world, world.task, "too-close", at(HOUR), true);
    world.clock.set(at(HOUR - world.holdLeadMs));
    expect(await world.publish(world.task)).toMatchObject({ kind: "posted", latenessMs: 0 });
    expect(world.sent[1]?.at).toEqual(at(HOUR));
  });

  it("no-quota: until the day of the project's maximum is over", async () => {
    const world = await afterAnother({ dailyMax: 1 });
    await expectParked(world, world.task, "no-quota", at(24 * HOUR), true);
    world.clock.set(at(24 * HOUR));
    expect(await world.publish(world.task)).toMatchObject({ kind: "posted" });
  });

  it("no-quota: until X takes posts of the account again", async () => {
    const world = await setUp();
    for (let count = 0; count < 100; count++) await world.publish(await world.put({ slotAt }));
    expect(world.sent).toHaveLength(100);
    await expectParked(world, await world.put({ slotAt }), "no-quota", at(15 * MINUTE), true);
  });

  it("no-quota: until midnight UTC when the app's posts of the day are used up", async () => {
    const world = await setUp();
    await world.counters.take(DAY_COUNTER, 10_000, 10_000);
    const task = await world.put({ slotAt });
    await expectParked(world, task, "no-quota", new Date("2026-12-02T00:00:00.000Z"), true);
    world.clock.set("2026-12-02T00:00:00.000Z");
    expect(await world.publish(task)).toMatchObject({ kind: "posted" });
    expect(world.counters.snapshot()).toMatchObject({ "app 2026-12-01": 10_000, "app 2026-12-02": 1 });
  });

  it("budget: until the next month, without touching the app's day", async () => {
    const world = await setUp({ monthlyBudgetMicros: 214_999 });
    await world.counters.take(MONTH_COUNTER, 200_000, 300_000);
    const task = await world.put({ slotAt });
    await expectParked(world, task, "budget", new Date("2027-01-01T00:00:00.000Z"), true);
    expect(world.counters.snapshot()).toMatchObject({ "app 2026-12-01": 0 });
    await world.setPolicy({ monthlyBudgetMicros: 215_000 });
    // There is money now, but its instant was named: it holds until then, and counts for that month.
    world.clock.set("2026-12-31T23:59:59.000Z");
    expect(await world.publish(task)).toMatchObject({ kind: "posted" });
    expect(world.counters.snapshot()).toMatchObject({ "project-1 2027-01": 15_000 });
  });

  it("budget: counts each part of a thread by its share of the price", async () => {
    const world = await setUp({ monthlyBudgetMicros: 430_000 });
    const task = await world.put({ slotAt, partCount: 2, costMicros: 215_001 });
    await world.publish(task);
    expect(await world.counters.read(MONTH_COUNTER)).toBe(107_501);
  });

  it("blackout: until it ends by the project's clocks", async () => {
    // 09:10 in Shanghai.
    const world = await setUp({ blackout: { fromHour: 8, toHour: 11 } }, "Asia/Shanghai");
    const task = await world.put({ slotAt });
    await expectParked(world, task, "blackout", new Date("2026-12-01T03:00:00.000Z"), true);
    world.clock.set("2026-12-01T03:00:00.000Z");
    expect(await world.publish(task)).toMatchObject({ kind: "posted" });
  });

  it("blackout: a day of a holiday list, and what is overridden goes out all the same", async () => {
    const world = await setUp(
      { holidays: [{ name: "rest", dates: ["2026-12-01", "2026-12-02"] }] },
      "Asia/Shanghai",
    );
    const task = await world.put({ slotAt });
    await expectParked(world, task, "blackout", new Date("2026-12-02T16:00:00.000Z"), true);
    const urgent = await world.put({ slotAt, override: true });
    expect(await world.publish(urgent)).toMatchObject({ kind: "posted" });
  });

  it("blackout: also a thread that it would cut", async () => {
    const world = await setUp({ blackout: { fromHour: 2, toHour: 3 } });
    const evening = new Date("2026-12-01T01:59:00.000Z");
    world.clock.set(evening);
    const short = await world.put({ slotAt: evening, partCount: 10 });
    expect(await world.publish(short)).toMatchObject({ kind: "posted" });
    world.clock.set(evening);
    const long = await world.put({ slotAt: evening, partCount: 11 });
    await expectParked(world, long, "blackout", new Date("2026-12-01T03:00:00.000Z"), true);
  });

  it("frozen: looked at again every quarter of an hour, until somebody lifts it", async () => {
    const world = await setUp({ frozen: true });
    const task = await world.put({ slotAt });
    await expectParked(world, task, "frozen", at(15 * MINUTE), false);
    world.clock.set(at(15 * MINUTE));
    await world.setPolicy({});
    expect(await world.publish(task)).toMatchObject({ kind: "posted" });
    expect(await world.read(task)).toMatchObject({ status: "published", parkings: 0 });
  });

  it("rate-limited: the whole account, until the reset that X named", async () => {
    const world = await setUp();
    const resetAt = at(7 * MINUTE);
    const failure = { class: "rate-limited", reason, retryAt: resetAt } as const;
    world.publisher.create.mockResolvedValueOnce({ kind: "refused", failure });
    await world.publish(await world.put({ slotAt }));
    const task = await world.put({ slotAt });
    expect((await expectParked(world, task, "rate-limited", resetAt, true)).reason).toEqual(reason);
  });

  it("circuit-open: an account that X did not answer three times", async () => {
    const world = await setUp();
    world.publisher.create.mockResolvedValue({ kind: "unknown", cause: "deadline" });
    for (let count = 0; count < 3; count++) await world.publish(await world.put({ slotAt }));
    await expectParked(world, await world.put({ slotAt }), "circuit-open", at(MINUTE), false);
    expect(world.publisher.create).toHaveBeenCalledTimes(3);
  });

  it("circuit-open: everybody while X as a whole does not answer, but for one probe", async () => {
    const world = await setUp();
    const failures = PLATFORM_CIRCUIT.threshold;
    await world.circuits.save({ failures, openUntil: at(MINUTE), version: 1 });
    const tasks = [await world.put({ slotAt }), await world.put({ slotAt }), await world.put({ slotAt })];
    const [first] = tasks;
    if (!first) throw new Error("there is no task");
    await expectParked(world, first, "circuit-open", at(MINUTE), false);

    world.clock.set(at(MINUTE));
    world.publisher.create.mockResolvedValueOnce({ kind: "unknown", cause: "deadline" });
    const reports = await Promise.all(tasks.map((task) => world.publish(task)));
    expect(reports.map(({ kind }) => kind).toSorted()).toEqual(["parked", "parked", "unknown"]);
    expect(await world.circuits.get()).toMatchObject({ failures: failures + 1, openUntil: at(3 * MINUTE) });
  });

  it("no-service: when no account of the pool may post", async () => {
    const world = await setUp();
    await world.accounts.deactivateAccount(MAIN, { status: "paused", reason });
    const task = await world.put({ slotAt, pool: "open" });
    await expectParked(world, task, "no-service", at(15 * MINUTE), false);
    expect(await world.read(task)).toMatchObject({ pool: "open" });
  });

  it("no-service: until the first account of the pool may post, when that is known", async () => {
    const second = asAccountId("account-2");
    const world = await setUpPublishing({
      now: slotAt,
      policy: { minIntervalMs: HOUR },
      accountIds: [MAIN, second],
    });
    await world.publish(await world.put({ slotAt }));
    world.clock.set(at(MINUTE));
    await world.publish(await world.put({ slotAt, accountId: second }));
    const task = await world.put({ slotAt, pool: "open" });
    await expectParked(world, task, "no-service", at(HOUR), true);
    world.clock.set(at(HOUR));
    expect(await world.publish(task)).toMatchObject({ kind: "posted" });
    expect(world.sent[2]).toMatchObject({ accountId: MAIN });
  });

  it("before anything slow, when it is known beforehand", async () => {
    const world = await afterAnother({ minIntervalMs: HOUR });
    world.publisher.warmUp.mockClear();
    const slept = world.clock.slept.length;
    await world.publish(world.task);
    expect(world.publisher.warmUp).not.toHaveBeenCalled();
    expect(world.clock.slept).toHaveLength(slept);
  });

  it("also at the last moment, by the rules as they are then; what it took of the counters is given back", async () => {
    const world = await setUp();
    world.clock.set(at(-world.holdLeadMs));
    const task = await world.put({ slotAt });
    const sleep = world.clock.sleepUntil;
    world.clock.sleepUntil = async (until) => {
      await world.setPolicy({ frozen: true });
      await sleep(until);
    };
    expect(await world.publish(task)).toMatchObject({ kind: "parked", code: "frozen" });
    expect(world.sent).toEqual([]);
    expect(world.counters.snapshot()).toEqual({ "app 2026-12-01": 0, "project-1 2026-12": 0 });
    expect(await world.gate()).toMatchObject({ version: 0 });
  });

  it("takes and gives back for the same month, when the hold passes into the next", async () => {
    const slot = new Date("2027-01-01T00:00:00.000Z");
    const world = await setUpPublishing({ now: new Date(slot.getTime() - 65_000) });
    const task = await world.put({ slotAt: slot });
    world.publisher.create.mockResolvedValueOnce({
      kind: "refused",
      failure: { class: "content", reason },
    });
    await world.publish(task);
    expect(world.counters.snapshot()).toEqual({ "app 2027-01-01": 0, "project-1 2027-01": 0 });
  });
});

describe("a wait", () => {
  it("that was known does not count as late: it may take longer than the late policy", async () => {
    const latePolicy = { postWithinMs: MINUTE, then: "missed" } as const;
    const world = await afterAnother({ minIntervalMs: 3 * HOUR });
    const task = await world.put({ slotAt, latePolicy });
    await world.publish(task);
    world.clock.set(at(3 * HOUR + MINUTE));
    expect(await world.publish(task)).toMatchObject({ kind: "posted" });
  });

  it("that was known is followed by the late policy's own time, and no more", async () => {
    const world = await afterAnother({ minIntervalMs: 3 * HOUR });
    const task = await world.put({ slotAt, latePolicy: { postWithinMs: MINUTE, then: "hold" } });
    await world.publish(task);
    world.clock.set(at(3 * HOUR + MINUTE + 1));
    expect(await world.publish(task)).toEqual({ kind: "late", status: "held" });
  });

  it("of unknown length counts as late", async () => {
    const world = await setUp({ frozen: true });
    const task = await world.put({ slotAt, latePolicy: { postWithinMs: 14 * MINUTE, then: "missed" } });
    await world.publish(task);
    await world.setPolicy({});
    world.clock.set(at(15 * MINUTE));
    expect(await world.publish(task)).toEqual({ kind: "late", status: "missed" });
  });

  it("of unknown length holds a task for a person when there were ten of them before", async () => {
    const world = await setUp({ frozen: true });
    const task = await world.put({ slotAt, latePolicy: { then: "missed" } });
    for (let count = 1; count <= MAX_PARKINGS; count++) {
      expect(await world.publish(task)).toEqual({ kind: "parked", code: "frozen", status: "retrying" });
      world.clock.advance(15 * MINUTE);
    }
    expect(await world.publish(task)).toEqual({ kind: "parked", code: "frozen", status: "held" });
    expect(await world.read(task)).toMatchObject({ status: "held", reason: { code: "parked-too-often" } });
    expect((await world.tasks.getLog(task.id)).filter(({ code }) => code === "frozen")).toHaveLength(11);
  });

  it("that was known is never one too many", async () => {
    const world = await setUp({ minIntervalMs: HOUR });
    const task = await world.put({ slotAt });
    for (let count = 0; count < 2 * MAX_PARKINGS; count++) {
      // Somebody else is always a little faster.
      expect(await world.publish(await world.put({ slotAt: world.clock.now() }))).toMatchObject({
        kind: "posted",
      });
      expect(await world.publish(task)).toMatchObject({
        kind: "parked",
        code: "too-close",
        status: "retrying",
      });
      world.clock.set((await world.read(task)).notBeforeAt ?? slotAt);
    }
    expect(await world.publish(task)).toMatchObject({ kind: "posted" });
  });
});

describe("the posts of one account", () => {
  it("never share a gap, however many workers want it at once", async () => {
    const interval = 10 * MINUTE;
    const world = await setUp({ minIntervalMs: interval });
    const tasks = await Promise.all(
      Array.from({ length: 8 }, () => world.put({ slotAt, latePolicy: { then: "missed" } })),
    );
    for (let round = 0; round < tasks.length; round++) {
      const waiting = await Promise.all(tasks.map((task) => world.read(task)));
      const next = waiting.filter(({ status }) => status !== "published");
      world.clock.set(new Date(Math.max(...next.map((task) => (task.notBeforeAt ?? slotAt).getTime()))));
      const reports = await Promise.all(next.map((task) => world.publish(task)));
      expect(reports.filter(({ kind }) => kind === "posted")).toHaveLength(1);
      expect(reports.filter(({ kind }) => kind === "parked")).toHaveLength(next.length - 1);
    }
    const instants = world.sent.map((post) => post.at.getTime());
    expect(instants).toHaveLength(8);
    for (const [index, instant] of instants.slice(1).entries())
      expect(instant - (instants[index] ?? 0)).toBeGreaterThanOrEqual(interval);
  });

  it("never pass the daily maximum, however many workers want to", async () => {
    const world = await setUp({ dailyMax: 3 });
    const tasks = await Promise.all(Array.from({ length: 8 }, () => world.put({ slotAt })));
    const reports = await Promise.all(tasks.map((task) => world.publish(task)));
    expect(reports.filter(({ kind }) => kind === "posted")).toHaveLength(3);
    expect(reports.filter(({ kind }) => kind === "parked")).toHaveLength(5);
    expect(await world.gate()).toMatchObject({ day: { used: 3 }, reservations: [] });
    expect(world.counters.snapshot()).toEqual({ "app 2026-12-01": 3, "project-1 2026-12": 45_000 });
  });

  it("never pass the budget, however many workers want to", async () => {
    const world = await setUp({ monthlyBudgetMicros: 50_000 });
    const tasks = await Promise.all(Array.from({ length: 8 }, () => world.put({ slotAt })));
    await Promise.all(tasks.map((task) => world.publish(task)));
    expect(world.sent).toHaveLength(3);
    expect(await world.counters.read(MONTH_COUNTER)).toBe(45_000);
  });
});

describe("a thread", () => {
  const policy = { minIntervalMs: HOUR, dailyMax: 3 };

  async function begun() {
    const world = await setUp(policy);
    const thread = await world.put({ slotAt, partCount: 3 });
    await world.publish(thread);
    world.clock.advance(5_000);
    return { ...world, thread };
  }

  it("keeps its place until its end: others wait for the end and the interval", async () => {
    const world = await begun();
    const other = await world.put({ slotAt });
    await expectParked(world, other, "too-close", at(threadMs(2) + HOUR), true);
    for (const part of [1, 2]) {
      expect(await world.publish(world.thread)).toMatchObject({ kind: "posted", postId: `post-${part + 1}` });
      world.clock.advance(5_000);
    }
    expect(await world.read(world.thread)).toMatchObject({ status: "published" });
    expect(await world.gate()).toMatchObject({ day: { used: 3 }, reservations: [] });
    expect(await world.counters.read(MONTH_COUNTER)).toBe(15_000);
  });

  it("keeps its place while X takes nothing, and goes on afterwards", async () => {
    const world = await begun();
    const resetAt = at(20 * MINUTE);
    world.publisher.create.mockResolvedValueOnce({
      kind: "refused",
      failure: { class: "rate-limited", reason, retryAt: resetAt },
    });
    expect(await world.publish(world.thread)).toMatchObject({ kind: "refused", status: "retrying" });
    expect(await world.gate()).toMatchObject({ closedUntil: resetAt, reservations: [{ used: 1, units: 3 }] });
    world.clock.set(new Date(resetAt.getTime() + 6_000));
    expect(await world.publish(world.thread)).toMatchObject({ kind: "posted" });
    expect(await world.read(world.thread)).toMatchObject({ posted: [{}, {}], status: "ready" });
  });

  it("keeps its place while its project is frozen", async () => {
    const world = await begun();
    await world.setPolicy({ ...policy, frozen: true });
    expect(await world.publish(world.thread)).toMatchObject({ kind: "parked", code: "frozen" });
    expect(await world.gate()).toMatchObject({ reservations: [{ used: 1, units: 3 }] });
    await world.setPolicy(policy);
    world.clock.advance(15 * MINUTE);
    expect(await world.publish(world.thread)).toMatchObject({ kind: "posted" });
  });

  it("that is held, because it waited too often, leaves its place: what is out counts", async () => {
    const world = await begun();
    await world.setPolicy({ ...policy, frozen: true });
    for (let count = 0; count <= MAX_PARKINGS; count++) {
      await world.publish(world.thread);
      world.clock.advance(15 * MINUTE);
    }
    expect(await world.read(world.thread)).toMatchObject({ status: "held" });
    expect(await world.gate()).toMatchObject({ day: { used: 1 }, reservations: [] });
  });

  it("that is refused in the middle leaves its place in the same write", async () => {
    const world = await begun();
    world.publisher.create.mockResolvedValueOnce({ kind: "refused", failure: { class: "content", reason } });
    const save = vi.spyOn(world.tasks, "save");
    await world.publish(world.thread);
    const [, settlement] = save.mock.calls;
    expect(settlement).toMatchObject([
      { status: "failed" },
      { gate: { reservations: [], day: { used: 1 } } },
    ]);
  });
});
