import { describe, expect, it } from "vitest";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import { textClaimKey } from "#shared/domain/claim.ts";
import { hashText } from "#shared/domain/duplicates/fingerprint.ts";
import { newGate } from "#shared/domain/gate.ts";
import { type AccountId, asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import type { Task } from "#shared/domain/task.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createChangePolicy, type PolicyChange } from "#shared/usecases/change-policy.ts";
import { createMovePlanned, readAccountPlan } from "#shared/usecases/move-planned.ts";
import { createReplanProject, type ReplanWish } from "#shared/usecases/replan-project.ts";
import { setUpExpanding } from "#test/support/expanding.ts";
import { MAIN, OWNER, PROJECT, type Publishing, setUpPublishing } from "#test/support/publishing.ts";
import { aSchedule } from "#test/support/recurrences.ts";

/** A Tuesday. */
const NOW = new Date("2026-12-01T06:00:00.000Z");
const FOREVER = new Date(8.64e15);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SECOND = asAccountId("account-2");
const at = (day: number, hour: number, minute = 0): Date => new Date(Date.UTC(2026, 11, day, hour, minute));
const hourOf = ({ slotAt }: Task): string => slotAt.toISOString().slice(0, 13);

const POLICY: Policy = { optimalHours: [9, 15], minIntervalMs: HOUR_MS };

async function setUp(accountIds: readonly AccountId[] = [MAIN]) {
  const world = await setUpPublishing({ now: NOW, accountIds });
  const { tasks, accounts, clock } = world;
  const report = (error: unknown) => world.faults.push(error);
  const replanWith = (over: Partial<Publishing["tasks"]> = {}) => {
    const store = { ...tasks, ...over };
    const movePlanned = createMovePlanned({ ...world, tasks: store, report });
    const replanProject = createReplanProject({ tasks: store, accounts, movePlanned, clock });
    return async (wish: Partial<ReplanWish> = {}) => {
      const replanned = await replanProject(OWNER, "default", { apply: false, ...wish });
      if (!replanned.ok) throw new Error(replanned.error.reason);
      return replanned.value;
    };
  };
  const changePolicy = createChangePolicy({ accounts, clock });
  const change = async (set: PolicyChange["set"]) => {
    const changed = await changePolicy(OWNER, "default", { from: "current", set, by: "a test" });
    if (!changed.ok) throw new Error(JSON.stringify(changed.error));
    clock.advance(1_000);
  };
  await change(POLICY);
  return {
    ...world,
    replanWith,
    change,
    replan: replanWith(),
    replanProject: createReplanProject({ ...world, movePlanned: world.movePlanned }),
    /** A post whose slot was chosen by its strategy. */
    plan: (slotAt: Date, over: Partial<Task> = {}, content: Parameters<Publishing["put"]>[1] = {}) =>
      world.put({ strategy: "optimal", publishAt: NOW, slotAt, createdAt: clock.now(), ...over }, content),
    keptAt: async (task: Task) => hourOf(await world.read(task)),
  };
}

type Answer = Awaited<ReturnType<Awaited<ReturnType<typeof setUp>>["replan"]>>;
const kinds = ({ tasks }: Answer) => tasks.map(({ kind }) => kind);
const outcomes = ({ tasks }: Answer) => tasks.map((one) => (one.kind === "moves" ? one.outcome : undefined));

describe("a preview", () => {
  it("says of each planned task whether it stays, and where it would go, and writes nothing", async () => {
    const { plan, change, replan, snapshot, read } = await setUp();
    const kept = await plan(at(2, 15, 10));
    const moves = await plan(at(2, 9, 5));
    await plan(at(3, 9), { strategy: "fixed" });
    await plan(at(4, 9), { status: "preparing" });
    await change({ optimalHours: [12, 15] });
    const before = snapshot();

    const answer = await replan();
    expect(answer).toMatchObject({
      project: { policyVersion: 2 },
      comparedWith: 1,
      tasks: [
        { task: moves, account: "account-1", kind: "moves" },
        { task: kept, kind: "keeps" },
      ],
    });
    const [moving] = answer.tasks;
    if (moving?.kind !== "moves") throw new Error("it does not move");
    expect(moving.plan.at.toISOString()).toMatch(/T1[25]:/);
    expect(moving.plan.reasons[0]).toMatchObject({ code: "optimal-hour" });
    expect(moving).not.toHaveProperty("outcome");
    expect(answer).not.toHaveProperty("nextAt");
    expect(snapshot()).toEqual(before);
    expect(await read(moves)).toEqual(moves);
  });

  it("moves nothing when nothing of the plan changed", async () => {
    const { plan, change, replan } = await setUp();
    await plan(at(2, 9));
    await plan(at(2, 3));
    expect(kinds(await replan())).toEqual(["keeps", "keeps"]);
    await change({ weight: 7 });
    const answer = await replan();
    expect([kinds(answer), answer.comparedWith]).toEqual([["keeps", "keeps"], 1]);
  });

  it("compares with the policy that the oldest of the tasks was planned by, not only with the one before", async () => {
    const { plan, change, replan } = await setUp();
    await plan(at(2, 9));
    await change({ optimalHours: [12, 15] });
    await change({ weight: 7 });
    const answer = await replan();
    expect([kinds(answer), answer.comparedWith]).toEqual([["moves"], 1]);
    // What was planned by the policy in force has nothing to be compared with.
    const fresh = await setUp();
    await fresh.change({ optimalHours: [12, 15] });
    await fresh.plan(at(2, 9));
    expect(await fresh.replan()).not.toHaveProperty("comparedWith");
    expect(kinds(await fresh.replan())).toEqual(["keeps"]);
  });

  it("takes the oldest policy for tasks that are older than any", async () => {
    const { plan, change, replan } = await setUp();
    await plan(at(2, 9), { createdAt: new Date(NOW.getTime() - DAY_MS) });
    await change({ optimalHours: [12, 15] });
    const answer = await replan();
    expect([kinds(answer), answer.comparedWith]).toEqual([["moves"], 1]);
  });

  it("looks at accounts too that the project does not post with any more, and at nothing that is due", async () => {
    const { plan, replan } = await setUp();
    const task = await plan(at(2, 9), { accountId: SECOND });
    await plan(new Date(NOW.getTime() - HOUR_MS), { accountId: SECOND });
    expect((await replan()).tasks).toEqual([{ task, account: SECOND, kind: "keeps" }]);
  });

  it("plans for no time at which X takes nothing of the account", async () => {
    const { plan, replan, change, tasks } = await setUp();
    const task = await plan(at(2, 9));
    const gate = { ...newGate(MAIN), version: 1, closedUntil: at(4, 0) };
    await tasks.save({ ...task, version: 2 }, { gate });
    await change({ optimalHours: [12] });
    const { tasks: replanned } = await replan();
    if (replanned[0]?.kind !== "moves") throw new Error("it does not move");
    expect(replanned[0].plan.at.toISOString()).toMatch(/^2026-12-04T12/);
  });

  it("says so when the policy lets a task go out at no time", async () => {
    const { plan, replan, setPolicy } = await setUp();
    await plan(at(2, 9), { partCount: 3 });
    setPolicy({ dailyMax: 2 });
    const { tasks } = await replan();
    expect(tasks).toMatchObject([{ kind: "no-place", reason: { code: "no-free-slot" } }]);
  });

  it("sees what the lists do not show yet", async () => {
    const { plan, replanWith, tasks, change } = await setUp();
    const task = await plan(at(2, 9));
    const noted = { taskId: task.id, at: task.slotAt, parts: 1, priority: 5, notedAt: NOW };
    await tasks.save({ ...task, version: 2 }, { board: { accountId: MAIN, version: 1, noted: [noted] } });
    await change({ optimalHours: [12, 15] });
    expect(kinds(await replanWith({ list: async () => ({ items: [] }) })())).toEqual(["moves"]);
  });

  it("looks at 500 tasks at a time, and says where the next are", async () => {
    const { plan, replan, change } = await setUp();
    for (let index = 0; index < 502; index++) await plan(new Date(at(2, 9).getTime() + index * 2 * HOUR_MS));
    await change({ optimalHours: [12, 15] });
    const first = await replan();
    expect([first.tasks.length, first.nextAt]).toEqual([500, new Date(at(2, 9).getTime() + 1_000 * HOUR_MS)]);
    const rest = await replan({ fromAt: first.nextAt });
    expect(rest.tasks).toHaveLength(2);
    expect(rest).not.toHaveProperty("nextAt");
  });

  it("is refused for another owner's project, and for a policy that is not in force any more", async () => {
    const { replanProject, change, accounts } = await setUp();
    const bela = asOwnerId("bela");
    await accounts.addProject({
      id: asProjectId("p2"),
      ownerId: bela,
      name: "bakery",
      timeZone: "UTC",
      accountIds: [],
      defaultAccountId: MAIN,
    });
    expect(await replanProject(OWNER, "bakery", { apply: true })).toMatchObject({
      ok: false,
      error: { reason: "unknown-project" },
    });
    await change({ weight: 7 });
    expect(await replanProject(OWNER, "default", { apply: true, version: 1 })).toEqual({
      ok: false,
      error: { reason: "stale", version: 2 },
    });
    expect(await replanProject(OWNER, "default", { apply: true, version: 2 })).toMatchObject({ ok: true });
  });
});

describe("applied", () => {
  it("moves what the preview said, on every account, and nothing the second time", async () => {
    const { plan, change, replan, read, tasks, dispatch } = await setUp([MAIN, SECOND]);
    const first = await plan(at(2, 9));
    const second = await plan(at(2, 9, 20), { accountId: SECOND });
    const kept = await plan(at(2, 15));
    await change({ optimalHours: [12, 15] });
    const preview = await replan();
    const answer = await replan({ apply: true, version: 2 });
    expect(outcomes(answer)).toEqual(["moved", "moved", undefined]);
    for (const [index, task] of [first, second].entries()) {
      const moved = preview.tasks[index];
      expect(moved?.kind === "moves" && moved.plan.at).toEqual((await read(task)).slotAt);
    }
    expect(await read(first)).toMatchObject({ strategy: "optimal", rev: 2, arm: 2, status: "pending" });
    expect(dispatch.scheduled.map(({ message }) => message.taskId).toSorted()).toEqual([first.id, second.id]);
    expect((await tasks.getLog(first.id)).at(-1)).toMatchObject({ code: "slot-moved" });
    expect(await read(kept)).toEqual(kept);

    expect(kinds(await replan())).toEqual(["keeps", "keeps", "keeps"]);
    expect(outcomes(await replan({ apply: true }))).toEqual([undefined, undefined, undefined]);
  });

  it("leaves alone what somebody changed meanwhile, and says so", async () => {
    const { plan, change, replanWith, tasks, read } = await setUp();
    const both = [await plan(at(2, 9)), await plan(at(3, 9))] as const;
    await change({ optimalHours: [12] });
    let saves = 0;
    const answer = await replanWith({
      save: async (next, together) => {
        if (++saves === 1) await tasks.save({ ...both[0], version: 2, status: "held" });
        return tasks.save(next, together);
      },
    })({ apply: true });
    expect(outcomes(answer)).toEqual(["changed", "moved"]);
    expect(await read(both[0])).toMatchObject({ status: "held", slotAt: both[0].slotAt, rev: 1 });
  });

  it("writes nothing after its time, and says what is left", async () => {
    const { plan, change, replanWith, read, tasks, clock } = await setUp();
    const both = [await plan(at(2, 9)), await plan(at(3, 9))];
    await change({ optimalHours: [12] });
    const answer = await replanWith({
      save: async (next, together) => {
        clock.advance(16_000);
        return tasks.save(next, together);
      },
    })({ apply: true });
    expect(outcomes(answer).toSorted()).toEqual(["left", "moved"]);
    const after = await Promise.all(both.map(read));
    expect(after.filter(({ rev }) => rev === 1)).toHaveLength(1);
  });

  it("keeps a text its own for the whole window after a later slot", async () => {
    const { plan, change, replan, tasks, read, clock } = await setUp();
    await change({ duplicates: { windowMs: DAY_MS, threshold: 0.6, near: "warns" } });
    const parts = [{ text: "Kites over the harbour" }];
    const task = await plan(at(2, 9), {}, { parts });
    const key = textClaimKey(MAIN, hashText(parts) ?? "");
    const until = new Date(task.slotAt.getTime() + DAY_MS);
    await tasks.save({ ...task, version: 2 }, { claims: [{ key, until }] });
    await change({
      blackoutDates: ["2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04"],
      optimalHours: [9],
    });
    await replan({ apply: true });
    const { slotAt } = await read(task);
    expect(slotAt.getTime()).toBeGreaterThan(at(5, 0).getTime());
    clock.set(new Date(slotAt.getTime() + DAY_MS - 1_000));
    expect(await tasks.getClaim(key)).toBe(task.id);
    clock.advance(2_000);
    expect(await tasks.getClaim(key)).toBeUndefined();
  });
});

it("moves a task whose text another one claims, and leaves the claim there", async () => {
  const { plan, change, replan, tasks, keptAt } = await setUp();
  const parts = [{ text: "Kites over the harbour" }];
  const [task, other] = [await plan(at(2, 9), {}, { parts }), await plan(at(9, 12))];
  const key = textClaimKey(MAIN, hashText(parts) ?? "");
  await tasks.save({ ...other, version: 2 }, { claims: [{ key, until: at(31, 0) }] });
  const duplicates = { windowMs: DAY_MS, threshold: 0.6, near: "warns" } as const;
  await change({ duplicates, optimalHours: [12] });
  await change({ blackoutDates: ["2026-12-01", "2026-12-02"] });
  expect(outcomes(await replan({ apply: true }))[0]).toBe("moved");
  expect([await keptAt(task), await tasks.getClaim(key)]).toEqual(["2026-12-03T12", other.id]);
});

describe("moves that are in each other's way", () => {
  async function twoOfMain() {
    const world = await setUp();
    const [nine, twelve] = [await world.plan(at(2, 9)), await world.plan(at(2, 12))];
    const context = { now: world.clock.now(), policy: POLICY, timeZone: "UTC" };
    const range = { projectId: PROJECT, now: world.clock.now(), until: at(9, 0) };
    const account = await readAccountPlan(world.tasks, MAIN, range);
    return { ...world, nine, twelve, account, options: { context, deadline: FOREVER } };
  }
  const to = (task: Task, toAt: Date) => ({ task, toAt, reasons: [] });

  it("are made in an order in which every slot is free", async () => {
    const { nine, twelve, movePlanned, account, options, tasks, keptAt } = await twoOfMain();
    const done = await movePlanned(account, [to(nine, at(2, 12, 30)), to(twelve, at(2, 18))], options);
    expect([...done.values()]).toEqual(["moved", "moved"]);
    expect([await keptAt(nine), await keptAt(twelve)]).toEqual(["2026-12-02T12", "2026-12-02T18"]);
    expect((await tasks.getBoard(MAIN)).noted.map(({ taskId }) => taskId)).toEqual([twelve.id, nine.id]);
  });

  it("are made in a circle too", async () => {
    const { nine, twelve, movePlanned, account, options, keptAt } = await twoOfMain();
    const done = await movePlanned(account, [to(nine, at(2, 12)), to(twelve, at(2, 9))], options);
    expect([...done.values()]).toEqual(["moved", "moved"]);
    expect([await keptAt(nine), await keptAt(twelve)]).toEqual(["2026-12-02T12", "2026-12-02T09"]);
  });

  it("are not made where somebody stays after all", async () => {
    const { nine, twelve, movePlanned, account, options, tasks, read } = await twoOfMain();
    await tasks.save({ ...twelve, version: 2, status: "preparing" });
    const done = await movePlanned(account, [to(nine, at(2, 12, 30)), to(twelve, at(2, 18))], options);
    expect([...done]).toEqual([
      [nine.id, "slot-taken"],
      [twelve.id, "changed"],
    ]);
    expect(await read(nine)).toEqual(nine);
  });
});

describe("another time zone", () => {
  it("moves no planned instant by itself; planned anew, the hours are those of the new zone", async () => {
    const { plan, change, replan, read } = await setUp();
    const task = await plan(at(2, 9, 10));
    const fixed = await plan(at(2, 11), { strategy: "fixed" });
    await change({ timeZone: "Asia/Shanghai" });
    expect([await read(task), await read(fixed)]).toEqual([task, fixed]);

    // 9:10 in UTC is 17:10 in Shanghai.
    const answer = await replan({ apply: true });
    expect(answer).toMatchObject({ comparedWith: 1, project: { timeZone: "Asia/Shanghai" } });
    expect(outcomes(answer)).toEqual(["moved"]);
    const { slotAt } = await read(task);
    expect([1, 7]).toContain(slotAt.getUTCHours());
    expect(await read(fixed)).toEqual(fixed);
  });

  it("leaves recurrences to their own zone", async () => {
    const { put, expand, bounds, listPosts, ...world } = await setUpExpanding();
    const { tasks, accounts, clock, report } = world;
    const recurrence = await put({ schedule: aSchedule({ timeZone: "Asia/Tokyo" }) });
    await expand(recurrence.id, bounds());
    const before = await listPosts();
    expect(before[0]).toEqual(["12-01T00:00", "one"]);

    const { ownerId } = recurrence;
    const to = { from: "current", set: { timeZone: "America/New_York" }, by: "a test" } as const;
    expect(await createChangePolicy({ accounts, clock })(ownerId, "default", to)).toMatchObject({ ok: true });
    const arrange = createArrangeTask({ ...world, limits: ARRANGEMENT_LIMITS });
    const movePlanned = createMovePlanned({ ...world, arrange, report });
    const replanProject = createReplanProject({ tasks, accounts, movePlanned, clock });
    expect(await replanProject(ownerId, "default", { apply: true })).toMatchObject({ value: { tasks: [] } });
    clock.advance(2 * DAY_MS);
    await expand(recurrence.id, bounds());
    const after = await listPosts();
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.length).toBeGreaterThan(before.length);
    for (const [when] of after) expect(when).toMatch(/T00:00$/);
  });
});
