import { describe, expect, it, vi } from "vitest";
import { newGate } from "#shared/domain/gate.ts";
import { type AccountId, asAccountId, asProjectId } from "#shared/domain/ids.ts";
import type { Task } from "#shared/domain/task.ts";
import { createFillDays } from "#shared/usecases/fill-days.ts";
import { createMovePlanned } from "#shared/usecases/move-planned.ts";
import { MAIN, type Publishing, setUpPublishing } from "#test/support/publishing.ts";

/** A Tuesday. */
const NOW = new Date("2026-12-01T00:15:00.000Z");
const FOREVER = new Date(8.64e15);
const DAY_MS = 86_400_000;
const SECOND = asAccountId("account-2");
const on = (day: number, hour = 9, minute = 0): Date => new Date(Date.UTC(2026, 11, day, hour, minute));
const dayOf = ({ slotAt }: Task): string => slotAt.toISOString().slice(0, 10);

async function setUp(accountIds: readonly AccountId[] = [MAIN]) {
  const world = await setUpPublishing({
    now: NOW,
    policy: { dailyMin: 1, minIntervalMs: 3_600_000 },
    accountIds,
  });
  const fill = async (options = { deadline: FOREVER, turn: 0 }) =>
    world.fillDays((await world.accounts.getProject(world.project.id)) ?? world.project, options);
  return {
    ...world,
    fill,
    /** A post that can wait, and is planned and arranged for an hour. */
    async plan(slotAt: Date, over: Partial<Task> = {}): Promise<Task> {
      const task = await world.put({
        strategy: "optimal",
        priority: 8,
        publishAt: NOW,
        slotAt,
        createdAt: NOW,
        ...over,
      });
      await world.arrange(task, []);
      return world.read(task);
    },
    /** The same, as far as one sweeper sees it. */
    fillWith(over: Partial<Publishing["tasks"]>) {
      const tasks = { ...world.tasks, ...over };
      const report = (error: unknown) => world.faults.push(error);
      const movePlanned = createMovePlanned({ ...world, tasks, report });
      return createFillDays({ ...world, tasks, movePlanned })(world.project, { deadline: FOREVER, turn: 0 });
    },
  };
}

/** Every coming day has one, but the second and the fourth of December. */
const FULL_DAYS = [3, 5, 6, 7, 8];

async function withTwoQuietDays() {
  const world = await setUp();
  for (const day of FULL_DAYS) await world.plan(on(day), { priority: 5 });
  const spare = [await world.plan(on(20)), await world.plan(on(21))] as const;
  return { ...world, spare };
}

describe("fillDays", () => {
  it("pulls posts that can wait into quiet days, and arranges them anew", async () => {
    const { fill, read, spare, tasks, dispatch, clock } = await withTwoQuietDays();
    clock.advance(1_000);
    expect(await fill()).toEqual({ moved: 2, skipped: 0, complete: true, shortDays: 0, shortfalls: [] });
    const [first, second] = [await read(spare[0]), await read(spare[1])];
    expect([dayOf(first), dayOf(second)]).toEqual(["2026-12-02", "2026-12-04"]);
    expect(first).toMatchObject({
      status: "pending",
      strategy: "optimal",
      publishAt: NOW,
      priority: 8,
      rev: 2,
      contentRev: 1,
      arm: 2,
      arrangedFor: expect.any(Date),
    });
    const calls = dispatch.scheduled.filter(({ message }) => message.taskId === first.id);
    expect(calls.map(({ message }) => message.arm)).toEqual([2]);
    expect(calls[0]?.at).toEqual(new Date(first.slotAt.getTime() - 65_000));
    expect((await tasks.getLog(first.id)).at(-1)).toMatchObject({
      step: "change",
      code: "slot-moved",
      message: expect.stringContaining("Wednesday 2 December had fewer than 1 posts"),
    });
    expect((await tasks.getBoard(MAIN)).noted).toMatchObject([
      { taskId: first.id, at: first.slotAt },
      { taskId: second.id, at: second.slotAt },
    ]);
  });

  it("looks 60 days ahead, and not beyond", async () => {
    const { plan, fill, read } = await setUp();
    const far = await plan(new Date(NOW.getTime() + 61 * DAY_MS));
    const near = await plan(new Date(NOW.getTime() + 59 * DAY_MS));
    expect(await fill()).toMatchObject({ moved: 1 });
    expect(dayOf(await read(near))).toBe("2026-12-02");
    expect(await read(far)).toEqual(far);
  });

  it("plans for no time at which X takes nothing of the account", async () => {
    const { plan, fill, read, tasks } = await setUp();
    const task = await plan(on(20));
    const next = { ...task, version: task.version + 1 };
    await tasks.save(next, { gate: { ...newGate(MAIN), version: 1, closedUntil: on(4, 0) } });
    expect(await fill()).toMatchObject({ moved: 1, shortDays: 6 });
    expect(dayOf(await read(task))).toBe("2026-12-04");
  });

  it("reads an account's board once, and goes on with its own writes", async () => {
    const { fillWith, tasks } = await withTwoQuietDays();
    const getBoard = vi.fn(tasks.getBoard);
    expect(await fillWith({ getBoard })).toMatchObject({ moved: 2 });
    expect(getBoard).toHaveBeenCalledOnce();
  });

  it("moves nothing more when it is repeated, although the lists lag behind", async () => {
    const { fill, fillWith, read, spare, tasks } = await withTwoQuietDays();
    const stale = await tasks.list({ by: "account", accountId: MAIN, limit: 100 });
    await fill();
    const after = await Promise.all(spare.map(read));
    expect(await fill()).toMatchObject({ moved: 0, skipped: 0, shortDays: 0 });
    expect(await fillWith({ list: async () => stale })).toMatchObject({ moved: 0, skipped: 0, shortDays: 0 });
    expect(await Promise.all(spare.map(read))).toEqual(after);
  });

  it.each<[string, Partial<Task>]>([
    ["was given its slot", { strategy: "fixed" }],
    ["says nothing of a strategy", { strategy: undefined as never }],
    ["cannot wait", { priority: 6 }],
    ["is not to go out before its day", { publishAt: on(20) }],
    ["is being prepared", { status: "preparing" }],
    ["is prepared", { status: "ready" }],
    ["waits for something", { notBeforeAt: on(20) }],
    ["may be out", { inDoubtSince: NOW }],
    ["has no account yet", { pool: "open" }],
    ["is another project's", { projectId: asProjectId("project-2") }],
  ])("leaves alone what %s", async (_, over) => {
    const { plan, fill, read } = await setUp();
    const task = await plan(on(20), over);
    const report = await fill();
    expect(report).toMatchObject({ moved: 0, shortDays: 7 });
    expect(await read(task)).toEqual(task);
  });

  it("tells what is missing, per account and day", async () => {
    const { plan, fill, accounts } = await setUp([MAIN, SECOND]);
    for (const day of [2, 3, 4, 5, 6, 7]) await plan(on(day), { priority: 5 });
    const report = await fill();
    expect(report).toMatchObject({ moved: 0, shortDays: 8 });
    expect(report.shortfalls[0]).toEqual({
      account: "account-1",
      date: "2026-12-08",
      planned: 0,
      missing: 1,
      message:
        "Tuesday 8 December has 0 of at least 1 posts, and no post that can wait (priority 7 to 10) fits there.",
    });
    expect(report.shortfalls.map(({ account }) => account)).toEqual([
      "account-1",
      ...Array.from({ length: 7 }, () => "account-2"),
    ]);

    await accounts.deactivateAccount(SECOND, {
      status: "paused",
      reason: { code: "credits-depleted", message: "No credits.", remedy: "Buy some." },
    });
    expect(await fill()).toMatchObject({ shortDays: 1 });
  });

  it("leaves a post alone that somebody changes at the same moment, and moves the others", async () => {
    const { fillWith, read, spare, tasks } = await withTwoQuietDays();
    let saves = 0;
    const report = await fillWith({
      save: async (next, together) => {
        if (++saves === 1) await tasks.save({ ...spare[0], version: spare[0].version + 1, priority: 2 });
        return tasks.save(next, together);
      },
    });
    expect(report).toMatchObject({ moved: 1, skipped: 1, complete: true });
    expect(await read(spare[0])).toMatchObject({ slotAt: spare[0].slotAt, priority: 2, arm: 1 });
    expect(dayOf(await read(spare[1]))).toBe("2026-12-04");
  });

  it("never takes a slot that another planner got in between", async () => {
    const { fillWith, plan, read, spare, tasks } = await withTwoQuietDays();
    const rival = await plan(on(25), { priority: 5 });
    let saves = 0;
    const report = await fillWith({
      save: async (next, together) => {
        const slot = together?.board?.noted.at(-1);
        if (++saves === 1 && slot)
          await tasks.save(
            { ...rival, version: rival.version + 1, slotAt: slot.at },
            { board: { accountId: MAIN, version: 1, noted: [{ ...slot, taskId: rival.id }] } },
          );
        return tasks.save(next, together);
      },
    });
    expect(report).toMatchObject({ moved: 1, skipped: 1 });
    expect(await read(spare[0])).toEqual(spare[0]);
    expect(dayOf(await read(spare[1]))).toBe("2026-12-04");
    expect((await tasks.getBoard(MAIN)).noted.map(({ taskId }) => taskId)).toEqual([rival.id, spare[1].id]);
  });

  it("goes on after a crash: what was moved stays, and the sweeper arranges it", async () => {
    const { fillWith, fill, read, spare, tasks, sweep, clock, dispatch } = await withTwoQuietDays();
    let saves = 0;
    const save: typeof tasks.save = async (next, together) => {
      if (++saves === 2) throw new TypeError("the worker died");
      return tasks.save(next, together);
    };
    await expect(fillWith({ save })).rejects.toThrow("the worker died");
    const moved = await read(spare[0]);
    expect(dayOf(moved)).toBe("2026-12-02");
    expect(moved).not.toHaveProperty("arrangedFor");
    expect(await read(spare[1])).toEqual(spare[1]);

    expect(await fill()).toMatchObject({ moved: 1, skipped: 0, shortDays: 0 });
    clock.advance(120_000);
    expect(await sweep()).toMatchObject({ failed: 0 });
    const rearranged = await read(moved);
    expect(rearranged).toMatchObject({ slotAt: moved.slotAt, arrangedFor: expect.any(Date) });
    expect(dispatch.scheduled.map(({ message }) => [message.taskId, message.arm])).toContainEqual([
      moved.id,
      rearranged.arm,
    ]);
  });

  it("says when its time was over, and begins with another account in each run", async () => {
    const { plan, fill, tasks, read } = await setUp([MAIN, SECOND]);
    const task = await plan(on(20));
    expect(await fill({ deadline: NOW, turn: 0 })).toMatchObject({ moved: 0, complete: false, shortDays: 0 });
    expect(await read(task)).toEqual(task);
    expect(await tasks.getBoard(MAIN)).toMatchObject({ version: 0 });
    const first = async (turn: number) => (await fill({ deadline: FOREVER, turn })).shortfalls[0]?.account;
    expect([await first(0), await first(1), await first(2)]).toEqual(["account-1", "account-2", "account-1"]);
  });

  it("tells the first 50 of many short days, and how many there are", async () => {
    const accountIds = Array.from({ length: 8 }, (_, index) => asAccountId(`account-${index + 1}`));
    const { fill } = await setUp(accountIds);
    const { shortDays, shortfalls } = await fill();
    expect([shortDays, shortfalls.length]).toEqual([56, 50]);
  });
});
