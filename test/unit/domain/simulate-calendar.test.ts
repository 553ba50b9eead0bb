import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Account } from "#shared/domain/account.ts";
import { type Gate, newGate } from "#shared/domain/gate.ts";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { PRESETS } from "#shared/domain/planning/presets.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import {
  type CalendarState,
  endOfDays,
  findExcesses,
  simulateCalendar,
} from "#shared/domain/planning/simulate-calendar.ts";
import { blackoutUntil, threadMs } from "#shared/domain/policy.ts";
import { checkPost } from "#shared/domain/post-text.ts";
import type { Task } from "#shared/domain/task.ts";
import { takesPlace, toOccupied } from "#shared/usecases/read-calendar.ts";
import { aTask } from "#test/support/builders.ts";

const NOW = new Date("2026-12-01T01:00:00.000Z");
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MAIN = asAccountId("account-1");
const SECOND = asAccountId("account-2");
const PROJECT = asProjectId("project-1");

const inMs = (ms: number): Date => new Date(NOW.getTime() + ms);

const anAccount = (over: Partial<Account> = {}): Account => ({
  id: MAIN,
  ownerId: asOwnerId("owner-1"),
  name: "main",
  maxTextLength: 280,
  status: "active",
  version: 1,
  ...over,
});

interface Scene {
  readonly tasks: readonly Task[];
  readonly policy?: Policy;
  readonly accounts?: readonly { readonly account: Account; readonly gate?: Gate }[];
  readonly days?: number;
  readonly timeZone?: string;
  readonly spentMicros?: number;
  readonly drafts?: readonly Task[];
}

function stateOf({
  tasks,
  policy,
  accounts = [{ account: anAccount() }],
  days = 3,
  ...over
}: Scene): CalendarState {
  const { drafts = [], spentMicros = 0, timeZone = "UTC" } = over;
  const occupied = Map.groupBy([...tasks, ...drafts].filter(takesPlace), ({ accountId }) => accountId);
  return {
    now: NOW,
    days,
    project: { id: PROJECT, timeZone, ...(policy && { policy }) },
    accounts: accounts.map(({ account, gate }) => ({
      id: account.id,
      account,
      gate: gate ?? newGate(account.id),
    })),
    tasks,
    drafts: drafts.map((task) => ({ task, conflicts: [] })),
    occupied: new Map([...occupied].map(([id, own]) => [id, own.map(toOccupied)])),
    spentMicros: new Map([["2026-12", spentMicros]]),
  };
}
const simulate = (scene: Scene) => simulateCalendar(stateOf(scene));

/** What became of the tasks, in the order in which they were given. */
function fatesOf(scene: Scene) {
  const { posts } = simulate(scene);
  return scene.tasks.map(({ id }) => posts.find((post) => post.id === id));
}

describe("simulateCalendar", () => {
  it("lets a post go out at its slot, and one that is overdue at once", () => {
    const early = aTask({ slotAt: inMs(-MINUTE_MS) });
    const later = aTask({ slotAt: inMs(HOUR_MS) });
    expect(fatesOf({ tasks: [later, early] })).toMatchObject([
      { outcome: "goes-out", at: later.slotAt, conflicts: [], reasons: [] },
      { outcome: "goes-out", at: NOW, conflicts: [] },
    ]);
  });

  it("says that a post is too late, as its publisher will", () => {
    const task = aTask({ slotAt: inMs(-31 * MINUTE_MS) });
    expect(fatesOf({ tasks: [task] })).toMatchObject([{ outcome: "stops", reasons: [{ code: "late" }] }]);
    const patient = aTask({ slotAt: inMs(-31 * MINUTE_MS), latePolicy: { then: "missed" } });
    expect(fatesOf({ tasks: [patient] })).toMatchObject([{ outcome: "goes-out", at: NOW }]);
  });

  it("moves the second of two posts that are too close, and warns about the first", () => {
    const first = aTask({ slotAt: inMs(HOUR_MS) });
    const second = aTask({ slotAt: inMs(HOUR_MS + 10 * MINUTE_MS) });
    const policy = { minIntervalMs: 30 * MINUTE_MS };
    expect(fatesOf({ tasks: [first, second], policy })).toMatchObject([
      {
        outcome: "warns",
        at: first.slotAt,
        conflicts: [{ code: "account-busy", with: [{ id: second.id }] }],
      },
      { outcome: "moves", at: inMs(HOUR_MS + 30 * MINUTE_MS), reasons: [{ code: "too-close" }] },
    ]);
  });

  it("serves the urgent one first when two wait for the same instant", () => {
    const slotAt = inMs(HOUR_MS);
    const tasks = [8, 1, 5].map((priority) => aTask({ slotAt, priority }));
    const policy = { minIntervalMs: HOUR_MS };
    expect(fatesOf({ tasks, policy }).map((post) => post?.at)).toEqual([
      inMs(3 * HOUR_MS),
      slotAt,
      inMs(2 * HOUR_MS),
    ]);
  });

  it("lets a crowd out one by one, and says from when on the others may go", () => {
    const tasks = [3, 1, 4, 2, 5].map((priority) => aTask({ slotAt: inMs(HOUR_MS), priority }));
    const policy = { minIntervalMs: 8 * HOUR_MS };
    // 2:00, 10:00, 18:00; then the day is over.
    expect(fatesOf({ tasks, policy, days: 1 })).toMatchObject([
      {
        at: inMs(17 * HOUR_MS),
        reasons: [{ code: "too-close", remedy: expect.stringContaining("T18:00:00Z") }],
      },
      { at: inMs(HOUR_MS), reasons: [] },
      { outcome: "moves", notBeforeAt: inMs(25 * HOUR_MS), reasons: [{ code: "too-close" }] },
      { at: inMs(9 * HOUR_MS) },
      { outcome: "moves", notBeforeAt: inMs(25 * HOUR_MS) },
    ]);
  });

  it("lets a crowd and whoever comes when it may go out go by urgency", () => {
    const policy = { minIntervalMs: 2 * HOUR_MS };
    const crowd = [4, 5, 6].map((priority) => aTask({ slotAt: inMs(HOUR_MS), priority }));
    const urgent = aTask({ slotAt: inMs(3 * HOUR_MS), priority: 1 });
    const patient = aTask({ slotAt: inMs(5 * HOUR_MS), priority: 9 });
    expect(fatesOf({ tasks: [...crowd, urgent, patient], policy }).map((post) => post?.at)).toEqual(
      [1, 5, 7, 3, 9].map((hours) => inMs(hours * HOUR_MS)),
    );
  });

  it("leaves a calendar alone in which everything has room", () => {
    // 37 is prime to 100: each of the 100 instants once, in no order.
    const tasks = Array.from({ length: 100 }, (_, index) =>
      aTask({ slotAt: inMs((1 + ((index * 37) % 100)) * 30 * MINUTE_MS) }),
    );
    const { posts, counts } = simulate({ tasks, policy: { minIntervalMs: 30 * MINUTE_MS } });
    expect(counts).toEqual({ "goes-out": 100, warns: 0, moves: 0, stops: 0 });
    expect(posts.map(({ at }) => at)).toEqual(posts.map(({ slotAt }) => slotAt));
  });

  it("counts the interval from the last part of a thread", () => {
    const thread = aTask({ slotAt: inMs(HOUR_MS), partCount: 3, costMicros: 45_000 });
    const next = aTask({ slotAt: inMs(HOUR_MS + MINUTE_MS) });
    const [, moved] = fatesOf({ tasks: [thread, next], policy: { minIntervalMs: 10 * MINUTE_MS } });
    expect(moved?.at).toEqual(inMs(HOUR_MS + threadMs(3) + 10 * MINUTE_MS));
  });

  it("moves a post out of a blackout, unless it was let through", () => {
    const policy = { blackout: { fromHour: 0, toHour: 7 } };
    const slotAt = inMs(HOUR_MS);
    const tasks = [aTask({ slotAt }), aTask({ slotAt, override: true })];
    expect(fatesOf({ tasks, policy })).toMatchObject([
      { outcome: "moves", at: new Date("2026-12-01T07:00:00Z"), reasons: [{ code: "blackout" }] },
      { at: slotAt },
    ]);
  });

  it("stops everything in a freeze", () => {
    const fates = fatesOf({ tasks: [aTask({ slotAt: inMs(HOUR_MS) })], policy: { frozen: true } });
    expect(fates).toMatchObject([{ outcome: "stops", reasons: [{ code: "frozen" }] }]);
    expect(fates[0]).not.toHaveProperty("at");
  });

  it("lets a pause end, and stops where somebody has to do something", () => {
    const task = aTask({ slotAt: inMs(HOUR_MS), latePolicy: { then: "missed" } });
    const pausedUntil = inMs(5 * HOUR_MS);
    const paused = anAccount({ status: "paused", pausedUntil });
    expect(fatesOf({ tasks: [task], accounts: [{ account: paused }] })).toMatchObject([
      { outcome: "moves", at: pausedUntil, reasons: [{ code: "account-inactive" }] },
    ]);
    const hasty = aTask({ slotAt: inMs(HOUR_MS) });
    expect(fatesOf({ tasks: [hasty], accounts: [{ account: paused }] })).toMatchObject([
      { outcome: "stops", reasons: [{ code: "account-inactive" }, { code: "late" }] },
    ]);
    const lost = anAccount({ status: "needs-reconnect" });
    const report = simulate({ tasks: [task], accounts: [{ account: lost }] });
    expect(report.posts).toMatchObject([{ outcome: "stops", reasons: [{ code: "account-inactive" }] }]);
    expect(report.accounts).toMatchObject([{ problems: [{ code: "account-inactive" }], posts: 0 }]);
    expect(report.counts).toEqual({ "goes-out": 0, warns: 0, moves: 0, stops: 1 });
  });

  it("lets what its account held go on with it, and nothing else that is held", () => {
    const held = aTask({ slotAt: inMs(HOUR_MS), status: "held", heldFor: "account" });
    const tasks = [held, aTask({ slotAt: inMs(HOUR_MS), status: "held" }), aTask({ status: "draft" })];
    expect(simulate({ tasks }).posts).toMatchObject([{ id: held.id, outcome: "goes-out" }]);
  });

  it("follows a quota of 24 hours from its first post, at the end of each day", () => {
    const tasks = [1, 2, 3, 30].map((hours) => aTask({ slotAt: inMs(hours * HOUR_MS) }));
    const report = simulate({ tasks, policy: { dailyMax: 2 } });
    expect(report.posts.map(({ at }) => at)).toEqual([
      inMs(HOUR_MS),
      inMs(2 * HOUR_MS),
      // The window of the first post is over.
      inMs(25 * HOUR_MS),
      inMs(30 * HOUR_MS),
    ]);
    expect(report.posts[2]).toMatchObject({ outcome: "moves", reasons: [{ code: "no-quota" }] });
    expect(report.accounts[0]).toMatchObject({
      posts: 4,
      days: [
        { date: "2026-12-01", posts: 2, used: 2, limit: 2 },
        { date: "2026-12-02", posts: 2, used: 2, limit: 2 },
        { date: "2026-12-03", posts: 0, used: 0, limit: 2 },
      ],
    });
  });

  it("starts from what the gate has counted, and says when that pace uses it up", () => {
    const day = { startAt: inMs(-6 * HOUR_MS), used: 3 };
    const accounts = [{ account: anAccount(), gate: { ...newGate(MAIN), day } }];
    const report = simulate({ tasks: [], policy: { dailyMax: 4 }, accounts, days: 1 });
    expect(report.accounts[0]).toMatchObject({
      days: [{ posts: 0, used: 0 }],
      forecast: { kind: "runs-out", perHour: 0.5, at: inMs(2 * HOUR_MS) },
    });
    expect(simulate({ tasks: [], accounts, days: 1 }).accounts[0]).not.toHaveProperty("forecast");
  });

  it("names the first post that the budget has no room for", () => {
    const tasks = [1, 2, 3].map((hours) => aTask({ slotAt: inMs(hours * HOUR_MS) }));
    const report = simulate({ tasks, policy: { monthlyBudgetMicros: 130_000 }, spentMicros: 100_000 });
    expect(report.posts).toMatchObject([
      { outcome: "goes-out" },
      { outcome: "goes-out" },
      {
        outcome: "moves",
        notBeforeAt: new Date("2027-01-01T00:00:00Z"),
        conflicts: [{ code: "budget", severity: "blocks" }],
        reasons: [{ code: "budget" }],
      },
    ]);
    expect(report).toMatchObject({
      costMicros: 30_000,
      months: [{ month: "2026-12", spentMicros: 100_000, plannedMicros: 30_000, budgetMicros: 130_000 }],
      beyondBudget: { id: tasks[2]?.id, at: tasks[2]?.slotAt },
    });
    expect(
      simulate({ tasks, policy: { monthlyBudgetMicros: 145_000 }, spentMicros: 100_000 }),
    ).not.toHaveProperty("beyondBudget");
  });

  it("chooses for an open pool, and chooses again when the account has no room", () => {
    const accounts = [{ account: anAccount() }, { account: anAccount({ id: SECOND, name: "second" }) }];
    const slotAt = inMs(HOUR_MS);
    const taken = aTask({ slotAt, priority: 1 });
    const open = aTask({ slotAt, pool: "open" });
    const chosen = aTask({ slotAt: inMs(3 * HOUR_MS), pool: "chosen", accountId: SECOND });
    const between = aTask({ slotAt: inMs(3 * HOUR_MS), priority: 1, accountId: SECOND });
    const policy = { minIntervalMs: 90 * MINUTE_MS };
    expect(fatesOf({ tasks: [taken, open, chosen, between], policy, accounts })).toMatchObject([
      { accountId: MAIN, at: slotAt },
      { accountId: SECOND, at: slotAt },
      { accountId: MAIN, at: chosen.slotAt },
      { accountId: SECOND, at: between.slotAt },
    ]);
    const none = fatesOf({
      tasks: [open],
      accounts: [{ account: anAccount({ status: "needs-reconnect" }) }],
    });
    expect(none).toMatchObject([{ outcome: "stops", reasons: [{ code: "no-service" }, { code: "late" }] }]);
  });

  it("gives posts of other projects their places, without a word or a price", () => {
    const foreign = aTask({ slotAt: inMs(HOUR_MS), projectId: asProjectId("another"), priority: 1 });
    const own = aTask({ slotAt: inMs(HOUR_MS) });
    const report = simulate({ tasks: [foreign, own], policy: { minIntervalMs: HOUR_MS } });
    expect(report.posts).toMatchObject([{ id: own.id, outcome: "moves", at: inMs(2 * HOUR_MS) }]);
    expect(report).toMatchObject({ costMicros: own.costMicros, accounts: [{ posts: 2 }] });
  });

  it("counts only the parts that are not out", () => {
    const posted = [{ postId: "1", sentAt: inMs(-MINUTE_MS) }];
    const thread = aTask({
      slotAt: inMs(-MINUTE_MS),
      status: "ready",
      partCount: 3,
      costMicros: 45_000,
      posted,
    });
    expect(simulate({ tasks: [thread] })).toMatchObject({ costMicros: 30_000, accounts: [{ posts: 2 }] });
  });

  it("tells what is planned after the last day of drafts only", () => {
    const slotAt = inMs(40 * DAY_MS);
    const draft = aTask({ slotAt });
    const report = simulate({ tasks: [aTask({ slotAt })], drafts: [draft] });
    expect(report.posts).toMatchObject([{ id: draft.id, isDraft: true, outcome: "goes-out", at: slotAt }]);
    expect(report.accounts[0]?.days).toHaveLength(3);
  });

  it("ends at midnight of the project", () => {
    expect(endOfDays(NOW, 1, "Asia/Shanghai")).toEqual(new Date("2026-12-01T16:00:00Z"));
    expect(endOfDays(NOW, 7, "UTC")).toEqual(new Date("2026-12-08T00:00:00Z"));
  });
});

describe("any calendar", () => {
  const tasks = fc.array(
    fc.record({
      minutes: fc.integer({ min: -60, max: 4 * 24 * 60 }),
      priority: fc.integer({ min: 1, max: 10 }),
      partCount: fc.constantFrom(1, 1, 1, 2, 5),
      isMain: fc.boolean(),
      pool: fc.constantFrom(undefined, undefined, "open" as const, "chosen" as const),
    }),
    { maxLength: 60 },
  );
  const scenes = fc
    .record({
      tasks,
      preset: fc.constantFrom("steady", "conservative", "frequent", "quiet", "open" as const),
      budget: fc.constantFrom(undefined, 300_000),
    })
    .map(
      ({ tasks: wanted, preset, budget }): Scene => ({
        tasks: wanted.map(({ minutes, isMain, pool, ...rest }, index) =>
          aTask({
            ...rest,
            id: `task-${String(index).padStart(3, "0")}` as Task["id"],
            slotAt: inMs(minutes * MINUTE_MS),
            accountId: isMain ? MAIN : SECOND,
            costMicros: 15_000 * rest.partCount,
            ...(pool && { pool }),
          }),
        ),
        policy: { ...PRESETS[preset], ...(budget !== undefined && { monthlyBudgetMicros: budget }) },
        accounts: [{ account: anAccount() }, { account: anAccount({ id: SECOND, name: "second" }) }],
        timeZone: "America/New_York",
      }),
    );

  it("is simulated within the policy: nothing early, too close, in a blackout, or beyond a quota", () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const report = simulate(scene);
        const { policy = {} } = scene;
        const partsOf = new Map(scene.tasks.map(({ id, partCount }) => [String(id), partCount]));
        const out = report.posts.filter(({ at }) => at !== undefined);
        for (const { id, at = NOW, slotAt } of out) {
          expect(at.getTime()).toBeGreaterThanOrEqual(Math.max(NOW.getTime(), slotAt.getTime()));
          const end = new Date(at.getTime() + threadMs(partsOf.get(id) ?? 1));
          expect(blackoutUntil(policy, "America/New_York", at, end)).toBeUndefined();
        }
        for (const accountId of [MAIN, SECOND]) {
          const own = out
            .filter((post) => post.accountId === accountId)
            .map(({ id, at = NOW }) => ({ ms: at.getTime(), parts: partsOf.get(id) ?? 1 }))
            .toSorted((a, b) => a.ms - b.ms);
          for (const [index, { ms, parts }] of own.entries()) {
            const next = own[index + 1];
            if (next && policy.minIntervalMs)
              expect(next.ms - ms - threadMs(parts)).toBeGreaterThanOrEqual(policy.minIntervalMs);
          }
          const { days = [] } = report.accounts.find(({ id }) => id === accountId) ?? {};
          for (const { used, limit = Number.POSITIVE_INFINITY } of days)
            expect(used).toBeLessThanOrEqual(limit);
        }
        const spent = report.months.reduce((sum, { plannedMicros }) => sum + plannedMicros, 0);
        expect(spent).toBeLessThanOrEqual(policy.monthlyBudgetMicros ?? Number.POSITIVE_INFINITY);
        expect(Object.values(report.counts).reduce((sum, count) => sum + count, 0)).toBe(report.posts.length);
      }),
      { numRuns: 60 },
    );
  });

  it("has one report, in whatever order it is given", () => {
    fc.assert(
      fc.property(scenes, fc.integer({ min: 1, max: 59 }), (scene, by) => {
        const turned = [...scene.tasks.slice(by), ...scene.tasks.slice(0, by)].toReversed();
        const accounts = (scene.accounts ?? []).toReversed();
        expect(simulate({ ...scene, tasks: turned, accounts })).toEqual(simulate(scene));
      }),
      { numRuns: 60 },
    );
  });
});

describe("findExcesses", () => {
  it("names every part that is too long, by as much as X would count", () => {
    const link = `https://example.com/${"x".repeat(300)}`;
    const texts = ["a".repeat(285), "short", "漢".repeat(141), ` ${link} `, "x".repeat(20_000)];
    expect(findExcesses(texts, 280)).toEqual([
      { part: 0, length: 285, limit: 280, excess: 5 },
      { part: 2, length: 282, limit: 280, excess: 2 },
      { part: 4, length: 20_000, limit: 280, excess: 19_720 },
    ]);
  });

  it("agrees with what is refused", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 }), (text) => {
        const checked = checkPost([text], { maxTextLength: 40, hasMedia: true });
        const isTooLong = !checked.ok && checked.error.code === "text-too-long";
        if (checked.ok || isTooLong) expect(findExcesses([text], 40).length > 0).toBe(isTooLong);
      }),
    );
  });
});
