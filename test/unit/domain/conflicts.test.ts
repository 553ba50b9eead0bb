import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Account } from "#shared/domain/account.ts";
import { confirm, newGate, QUARTER_LIMIT, reserve } from "#shared/domain/gate.ts";
import { asAccountId, asAttemptId, asOwnerId, asTaskId } from "#shared/domain/ids.ts";
import { openTimetable } from "#shared/domain/planning/calendar.ts";
import {
  type Candidate,
  CONFLICT_CODES,
  type ConflictContext,
  findConflicts,
  isBlocked,
  MAX_COLLISIONS,
  MAX_SUGGESTIONS,
  type SimilarPost,
} from "#shared/domain/planning/conflicts.ts";
import { findAlternatives } from "#shared/domain/planning/find-slot.ts";
import { type Occupied, type ScoredSlot, slotReason } from "#shared/domain/planning/plan.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { threadMs } from "#shared/domain/policy.ts";

const ACCOUNT = asAccountId("anne.main");
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const NOW = new Date("2026-12-01T08:00:00Z");
const SLOT = new Date("2026-12-01T12:00:00Z");
const later = (ms: number, from = SLOT): Date => new Date(from.getTime() + ms);

const anAccount = (over: Partial<Account> = {}): Account => ({
  id: ACCOUNT,
  ownerId: asOwnerId("anne"),
  name: "main",
  maxTextLength: 280,
  status: "active",
  version: 1,
  ...over,
});

const aCandidate = (over: Partial<Candidate> = {}): Candidate => ({
  id: "own",
  accountId: ACCOUNT,
  slotAt: SLOT,
  partCount: 1,
  costMicros: 15_000,
  latePolicy: { postWithinMs: 30 * MINUTE_MS, then: "missed" },
  ...over,
});

const aSlot = (at: Date): ScoredSlot => ({
  accountId: ACCOUNT,
  at,
  score: 1,
  reasons: [slotReason("next-free", "It is free.")],
});

const aContext = (over: Partial<ConflictContext> = {}): ConflictContext => ({
  now: NOW,
  policy: {},
  timeZone: "UTC",
  account: anAccount(),
  gate: newGate(ACCOUNT),
  occupied: [],
  similar: [],
  sameMedia: [],
  spentMicros: 0,
  suggest: (from) => [0, 1, 2, 3].map((hours) => aSlot(later(hours * HOUR_MS, from))),
  ...over,
});

const find = (candidate: Partial<Candidate> = {}, context: Partial<ConflictContext> = {}) =>
  findConflicts(aCandidate(candidate), aContext(context));
const taken = (id: string, ms: number, parts = 1): Occupied => ({ id, at: later(ms), parts });
const one = (candidate: Partial<Candidate>, context: Partial<ConflictContext>) => {
  const found = find(candidate, context);
  expect(found).toHaveLength(1);
  return found[0];
};

describe("conflicts", () => {
  it("are none on a free slot", () => {
    expect(find()).toEqual([]);
    expect(find({}, { occupied: [taken("own", 0), taken("b", -HOUR_MS), taken("c", HOUR_MS)] })).toEqual([]);
  });

  it("ask for free slots only when something is in the way", () => {
    const asked: Date[] = [];
    const suggest = (from: Date) => {
      asked.push(from);
      return [];
    };
    find({}, { suggest });
    expect(asked).toEqual([]);
    find(
      {},
      { suggest, policy: { minIntervalMs: HOUR_MS }, occupied: [taken("b", 0), taken("c", MINUTE_MS)] },
    );
    expect(asked).toEqual([SLOT]);
  });
});

describe("time", () => {
  it("overlaps: two posts at one instant are told, and block only where a rule keeps posts apart", () => {
    expect(one({}, { occupied: [taken("b", 0)] })).toEqual({
      code: "time-overlap",
      severity: "warns",
      message: "The account posts the task b at 2026-12-01T12:00:00Z as well.",
      remedy: "Take one of the suggested slots.",
      with: [{ id: "b", at: SLOT }],
      suggestions: [0, 1, 2].map((hours) => ({
        kind: "slot",
        accountId: ACCOUNT,
        at: later(hours * HOUR_MS),
        message: "It is free.",
      })),
    });
    const found = find({}, { occupied: [taken("b", 0)], policy: { minIntervalMs: 1 } });
    expect(found).toMatchObject([{ code: "time-overlap", severity: "blocks" }]);
  });

  it("overlaps: a thread mixes with whatever begins before its last part", () => {
    const endMs = threadMs(5);
    expect(one({ partCount: 5 }, { occupied: [taken("b", endMs)] })).toMatchObject({
      code: "time-overlap",
      severity: "blocks",
      with: [{ id: "b" }],
    });
    expect(find({ partCount: 5 }, { occupied: [taken("b", endMs + 1)] })).toEqual([]);
    expect(one({}, { occupied: [taken("b", -endMs, 5)] })).toMatchObject({ severity: "blocks" });
    expect(find({}, { occupied: [taken("b", -endMs - 1, 5)] })).toEqual([]);
  });

  it.each([
    ["before", -HOUR_MS, 1],
    ["after", HOUR_MS, 1],
    ["before, from its last part on", -HOUR_MS - threadMs(4), 4],
  ])("is too close to a post %s, by a millisecond", (_, ms, parts) => {
    const policy: Policy = { minIntervalMs: HOUR_MS + 1 };
    expect(one({}, { policy, occupied: [taken("b", ms, parts)] })).toMatchObject({
      code: "account-busy",
      severity: "blocks",
      with: [{ id: "b", at: later(ms) }],
    });
    expect(find({}, { policy: { minIntervalMs: HOUR_MS }, occupied: [taken("b", ms, parts)] })).toEqual([]);
  });

  it("names the nearest of many, and no more than anybody reads", () => {
    const occupied = [9, 3, 7, 1, 8, 2, 6].map((minute) => taken(`t${minute}`, minute * MINUTE_MS));
    const found = one({}, { occupied, policy: { minIntervalMs: HOUR_MS } });
    expect(found?.with.map(({ id }) => id)).toEqual(["t1", "t2", "t3", "t6", "t7"]);
    expect(found?.with).toHaveLength(MAX_COLLISIONS);
    expect(found?.suggestions).toHaveLength(MAX_SUGGESTIONS);
    expect(found?.message).toContain("t1 at 2026-12-01T12:01:00Z and 6 more");
  });

  it("is now for what is overdue", () => {
    const overdue = { slotAt: later(-HOUR_MS, NOW) };
    expect(find(overdue, { occupied: [{ id: "b", at: overdue.slotAt, parts: 1 }] })).toEqual([]);
    expect(one(overdue, { occupied: [{ id: "b", at: NOW, parts: 1 }] })?.code).toBe("time-overlap");
  });
});

describe("the account", () => {
  it("blocks while it is not there, not connected, or paused", () => {
    expect(one({}, { account: undefined })?.message).toBe("The account does not exist any more.");
    expect(one({}, { account: anAccount({ status: "needs-reconnect" }) })).toMatchObject({
      code: "account-busy",
      severity: "blocks",
      remedy: "Reconnect the account, or choose another one.",
      suggestions: [{ kind: "fix" }],
    });
    expect(one({}, { account: anAccount({ status: "paused" }) })?.remedy).toContain("Resume the account");
  });

  it("blocks until a pause ends by itself, and not after it", () => {
    const paused = (until: Date) => ({ account: anAccount({ status: "paused", pausedUntil: until }) });
    const until = later(1);
    expect(one({}, paused(until))).toMatchObject({ until, suggestions: [{ at: until }, {}, {}] });
    expect(find({}, paused(SLOT))).toEqual([]);
  });

  it("blocks while its gate has another post on its way, and not because of its own", () => {
    const policy: Policy = { minIntervalMs: 6 * HOUR_MS };
    const [taskId, attemptId] = [asTaskId("b"), asAttemptId("x")];
    const ownerId = asOwnerId("anne");
    const gate = reserve(newGate(ACCOUNT), { taskId, now: NOW, units: 1, policy, attemptId, ownerId });
    const until = later(6 * HOUR_MS, NOW);
    expect(one({}, { policy, gate })).toMatchObject({
      code: "account-busy",
      severity: "blocks",
      with: [{ id: "b", at: NOW }],
      until,
    });
    expect(find({ id: "b" }, { policy, gate })).toEqual([]);
    expect(find({ slotAt: until }, { policy, gate })).toEqual([]);
    const posted = confirm(gate, { taskId, at: NOW, postId: "1", isLast: true });
    expect(one({}, { policy, gate: posted })).toMatchObject({ code: "account-busy", with: [], until });
  });

  it("blocks while its circuit is open", () => {
    const circuit = { failures: 5, openUntil: later(1) };
    expect(one({}, { gate: { ...newGate(ACCOUNT), circuit } })).toMatchObject({
      code: "account-busy",
      until: later(1),
    });
  });

  it("does not matter to a post that any account may take", () => {
    const context = { account: undefined, occupied: [taken("b", 0)], similar: [aSimilar()] };
    expect(find({ pool: "open" }, context)).toEqual([]);
    expect(find({ pool: "chosen" }, context)).toHaveLength(3);
  });
});

describe("limits", () => {
  it("are X's, as the gate has heard of them", () => {
    const closedUntil = later(HOUR_MS);
    const closedReason = { code: "rate-limited", message: "Not before one.", remedy: "Wait." };
    expect(one({}, { gate: { ...newGate(ACCOUNT), closedUntil, closedReason } })).toMatchObject({
      code: "platform-limit",
      severity: "blocks",
      message: "Not before one.",
      until: closedUntil,
      suggestions: [{ at: closedUntil }, {}, {}],
    });
  });

  it("are X's 100 posts in 15 minutes, by the calendar", () => {
    const each = (15 * MINUTE_MS) / QUARTER_LIMIT;
    const posts = (count: number) => Array.from({ length: count }, (_, n) => taken(`t${n}`, -(n + 1) * each));
    expect(find({}, { occupied: posts(99) })).toEqual([]);
    // The hundredth begins 15 minutes before it: another window.
    expect(find({}, { occupied: posts(100) })).toEqual([]);
    expect(find({ partCount: 2 }, { occupied: posts(99) })).toMatchObject([
      { code: "platform-limit", severity: "blocks", until: later(15 * MINUTE_MS - 99 * each) },
    ]);
  });

  it("are the project's day, counted from any first post around the slot", () => {
    const policy: Policy = { dailyMax: 3 };
    const spread = (...hours: readonly number[]) => ({
      policy,
      occupied: hours.map((hour, n) => taken(`t${n}`, hour * HOUR_MS)),
    });
    expect(find({}, spread(-24, -23, -22, 24))).toEqual([]);
    expect(find({}, spread(-12, -6, 12))).toEqual([]);
    expect(one({}, spread(-20, -10, 5, 6))).toMatchObject({ until: later(14 * HOUR_MS) });
    expect(one({}, spread(-23, -22, -21))).toMatchObject({
      code: "platform-limit",
      message: "With it the account would have 4 posts within 1 day; the project allows 3.",
      until: later(HOUR_MS),
    });
    expect(one({}, spread(1, 2, 3))).toMatchObject({ until: later(24 * HOUR_MS) });
    expect(one({ partCount: 4 }, { policy })?.message).toContain("The thread has 4 parts");
  });
});

const aSimilar = (over: Partial<SimilarPost> = {}): SimilarPost => ({
  taskId: asTaskId("b"),
  slotAt: later(-DAY_MS),
  similarity: 1,
  isExact: true,
  ...over,
});

describe("texts", () => {
  it("block when another post says the same", () => {
    expect(one({}, { similar: [aSimilar()] })).toMatchObject({
      code: "duplicate-content",
      severity: "blocks",
      message: "The account said the same in the task b at 2026-11-30T12:00:00Z.",
      with: [{ id: "b", at: later(-DAY_MS), similarity: 1 }],
      suggestions: [{ kind: "fix" }],
    });
    expect(one({}, { similar: [aSimilar({ slotAt: later(1) })] })?.message).toContain("says the same");
  });

  it.each(["warns", "blocks"] as const)("that are nearly the same: the policy says %s", (near) => {
    const policy: Policy = { duplicates: { windowMs: DAY_MS, threshold: 0.6, near } };
    const similar = [aSimilar({ isExact: false, similarity: 0.834 })];
    expect(one({}, { policy, similar })).toMatchObject({ code: "near-duplicate", severity: near });
    expect(one({}, { policy, similar })?.message).toContain("83 % of the text is as in the task b");
  });

  it("may be repeated by a recurrence, which is told that X may not take it", () => {
    expect(one({}, { similar: [aSimilar({ isInstance: true })] })).toMatchObject({
      code: "duplicate-content",
      severity: "warns",
    });
    expect(find({}, { similar: [aSimilar({ isInstance: true, isExact: false })] })).toEqual([]);
    const both = [aSimilar({ isInstance: true }), aSimilar({ taskId: asTaskId("c") })];
    expect(one({}, { similar: both })).toMatchObject({
      severity: "blocks",
      with: [{ id: "b" }, { id: "c" }],
    });
  });
});

describe("the project", () => {
  it("posts a medium once", () => {
    const sameMedia = [
      { taskId: asTaskId("own"), name: "own.jpg" },
      { taskId: asTaskId("b"), name: "kite.jpg" },
      { taskId: asTaskId("c"), name: "sea.jpg" },
    ];
    expect(one({}, { sameMedia })).toMatchObject({
      code: "media-used",
      severity: "blocks",
      message: "The project posts kite.jpg in the task b already, and 1 more of its media.",
      with: [
        { id: "b", medium: "kite.jpg" },
        { id: "c", medium: "sea.jpg" },
      ],
    });
  });

  it("warns in a blackout, however long it waits: a wait that is known never counts as late", () => {
    const policy: Policy = { blackout: { fromHour: 11, toHour: 13 } };
    const until = later(HOUR_MS);
    const latePolicy = { postWithinMs: 1_000, then: "missed" as const };
    expect(one({ latePolicy }, { policy })).toMatchObject({
      code: "blackout",
      severity: "warns",
      until,
      message: "It is in a blackout of the project and waits until 2026-12-01T13:00:00Z.",
      suggestions: [{ at: until }, {}, {}],
    });
    expect(find({ override: true }, { policy })).toEqual([]);
    expect(find({ slotAt: until }, { policy })).toEqual([]);
  });

  it("meets a blackout with the last part of a thread too, in its own zone", () => {
    const policy: Policy = { blackout: { fromHour: 20, toHour: 7 } };
    const slotAt = later(-threadMs(5));
    const context = { policy, timeZone: "Asia/Shanghai" };
    expect(find({ slotAt, partCount: 4 }, context)).toEqual([]);
    expect(find({ slotAt, partCount: 5 }, context)).toMatchObject([
      { code: "blackout", until: later(11 * HOUR_MS) },
    ]);
  });

  it("warns while it is frozen, and still tells of the blackout", () => {
    const policy: Policy = { frozen: true, blackout: { fromHour: 12, toHour: 13 } };
    expect(find({}, { policy }).map(({ code, severity }) => [code, severity])).toEqual([
      ["frozen", "warns"],
      ["blackout", "warns"],
    ]);
  });

  it("spends no more than its month's budget", () => {
    const policy: Policy = { monthlyBudgetMicros: 1_000_000 };
    expect(find({}, { policy, spentMicros: 985_000 })).toEqual([]);
    expect(one({}, { policy, spentMicros: 985_001 })).toMatchObject({
      code: "budget",
      severity: "blocks",
      until: new Date("2027-01-01T00:00:00Z"),
      suggestions: [{ kind: "fix" }],
    });
    const withLink = one({ costMicros: 200_000 }, { policy, spentMicros: 900_000 });
    expect(withLink?.message).toBe("X charges $0.200 for it, and $0.100 of the month's $1.000 are left.");
    expect(withLink?.suggestions).toHaveLength(2);
  });
});

describe("all conflicts", () => {
  it("are told with what blocks first, and in a fixed order", () => {
    const found = find(
      { partCount: 2, latePolicy: { then: "hold" } },
      {
        policy: {
          minIntervalMs: HOUR_MS,
          dailyMax: 1,
          frozen: true,
          blackout: { fromHour: 11, toHour: 13 },
          monthlyBudgetMicros: 0,
        },
        occupied: [taken("b", 0), taken("c", MINUTE_MS)],
        similar: [aSimilar(), aSimilar({ isExact: false, similarity: 0.7 })],
        sameMedia: [{ taskId: asTaskId("b"), name: "kite.jpg" }],
      },
    );
    const codes = found.map(({ code }) => code);
    const blocking = [
      "time-overlap",
      "account-busy",
      "platform-limit",
      "duplicate-content",
      "media-used",
      "budget",
    ];
    expect(codes).toEqual([...blocking, "near-duplicate", "frozen", "blackout"]);
    expect(new Set(codes)).toEqual(new Set(CONFLICT_CODES));
    expect(isBlocked(found)).toBe(true);
    expect(isBlocked(found.slice(blocking.length))).toBe(false);
    for (const { message, remedy } of found)
      expect([message, remedy].every((text) => text.endsWith("."))).toBe(true);
  });

  /** The planner and the check are two readings of the same rules. */
  it("are none that block at a slot that the planner calls free", () => {
    const policies = fc.record({
      minIntervalMs: fc.constantFrom(0, 10 * MINUTE_MS, 90 * MINUTE_MS),
      dailyMax: fc.integer({ min: 2, max: 8 }),
      blackout: fc.record({ fromHour: fc.integer({ min: 0, max: 23 }), toHour: fc.constantFrom(2, 7) }),
    });
    const slots = fc.array(
      fc.record({ minute: fc.integer({ min: -1_440, max: 2_880 }), parts: fc.constantFrom(1, 1, 2) }),
      {
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(policies, slots, fc.integer({ min: 1, max: 2 }), (given, list, parts) => {
        const { blackout, ...rest } = given;
        const policy = blackout.fromHour === blackout.toHour ? rest : given;
        const occupied = list.map(({ minute, parts: count }, n) => taken(`t${n}`, minute * MINUTE_MS, count));
        const timetable = openTimetable(new Map([[ACCOUNT, occupied]]), {
          now: NOW,
          policy,
          timeZone: "Europe/Berlin",
        });
        const wish = {
          id: "own",
          strategy: "next-free",
          from: SLOT,
          accountIds: [ACCOUNT],
          parts,
          priority: 1,
        } as const;
        for (const { at } of findAlternatives(timetable, wish, 4)) {
          const context = aContext({ policy, occupied, timeZone: "Europe/Berlin" });
          expect(findConflicts(aCandidate({ slotAt: at, partCount: parts }), context)).toEqual([]);
        }
      }),
      { numRuns: 200 },
    );
  });
});
