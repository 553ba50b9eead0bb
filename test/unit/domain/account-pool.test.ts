import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PoolCandidate, poolWait, rankAccounts } from "#shared/domain/account-pool.ts";
import { type Gate, newGate, reserve } from "#shared/domain/gate.ts";
import { asAccountId, asAttemptId, asOwnerId, asTaskId } from "#shared/domain/ids.ts";
import type { PostingPolicy } from "#shared/domain/policy.ts";

const now = new Date("2026-12-01T12:00:00.000Z");
const ago = (ms: number) => new Date(now.getTime() - ms);
const HOUR = 3_600_000;
const reason = { code: "rate-limited", message: "No.", remedy: "Wait." };

const candidate = (
  name: string,
  gate: Partial<Gate> = {},
  status: PoolCandidate["account"]["status"] = "active",
): PoolCandidate => ({
  account: { id: asAccountId(name), status },
  gate: { ...newGate(asAccountId(name)), ...gate },
});
const rank = (candidates: readonly PoolCandidate[], policy: PostingPolicy = {}, units = 1) =>
  rankAccounts(candidates, { taskId: asTaskId("t"), units, now, policy }).map(({ accountId, score }) => [
    accountId,
    Math.round(score * 1_000) / 1_000,
  ]);

describe("rankAccounts", () => {
  it("weighs what is left of the quota with 0.4, idle time with 0.4 and success with 0.2", () => {
    const policy = { dailyMax: 10 };
    const half = { day: { startAt: ago(HOUR), used: 5 }, lastPostAt: ago(HOUR), successRate: 0.5 };
    const idle = { lastPostAt: ago(4 * HOUR) };
    expect(rank([candidate("half", half), candidate("idle", idle)], policy)).toEqual([
      ["idle", 1],
      ["half", 0.4 * 0.5 + 0.4 * 0.25 + 0.2 * 0.5],
    ]);
  });

  it.each<[string, Partial<Gate>, number]>([
    ["quota", { quarter: { startAt: ago(1), used: 50 } }, 0.8],
    ["success", { successRate: 0 }, 0.8],
    ["idle time", { lastPostAt: now }, 0.6],
  ])("by %s alone", (_, gate, score) => {
    expect(rank([candidate("fresh"), candidate("worn", gate)])).toEqual([
      ["fresh", 1],
      ["worn", score],
    ]);
  });

  it("counts the tighter of the two windows, and none that is over", () => {
    const policy = { dailyMax: 10 };
    const tight = { quarter: { startAt: ago(1), used: 50 }, day: { startAt: ago(HOUR), used: 8 } };
    const over = {
      quarter: { startAt: ago(HOUR), used: 99 },
      day: { startAt: ago(24 * HOUR), used: 10 },
    };
    expect(rank([candidate("tight", tight), candidate("over", over)], policy)).toEqual([
      ["over", 1],
      ["tight", 0.68],
    ]);
  });

  it("takes a place that is taken for time that is not idle", () => {
    const place = reserve(newGate(asAccountId("busy")), {
      taskId: asTaskId("another"),
      attemptId: asAttemptId("x"),
      ownerId: asOwnerId("owner"),
      now: ago(HOUR),
      units: 1,
      policy: {},
    });
    const busy = { ...place, lastPostAt: ago(4 * HOUR) };
    expect(rank([candidate("busy", busy), candidate("idle", { lastPostAt: ago(4 * HOUR) })])).toEqual([
      ["idle", 1],
      ["busy", 0.7],
    ]);
  });

  it("leaves out what may not post now: inactive, closed, too close, without quota", () => {
    const policy = { minIntervalMs: HOUR, dailyMax: 3 };
    const refused = [
      candidate("paused", {}, "paused"),
      candidate("reconnect", {}, "needs-reconnect"),
      candidate("closed", { closedUntil: new Date(now.getTime() + 1), closedReason: reason }),
      candidate("close", { lastPostAt: ago(HOUR - 1) }),
      candidate("full", { day: { startAt: ago(2 * HOUR), used: 2 } }),
      candidate("broken", { circuit: { failures: 3, openUntil: new Date(now.getTime() + 1) } }),
    ];
    expect(rank(refused, policy, 2)).toEqual([]);
    const good = candidate("good", { lastPostAt: ago(HOUR) });
    expect(rank([...refused, good], policy, 2).map(([id]) => id)).toEqual(["good"]);
    expect(rank([])).toEqual([]);
  });

  it("still tells idle accounts apart beside one that never posted, and counts a day as never", () => {
    const ranked = rank([
      candidate("new"),
      candidate("days", { lastPostAt: ago(72 * HOUR) }),
      candidate("half", { lastPostAt: ago(12 * HOUR) }),
      candidate("busy", { lastPostAt: ago(6 * HOUR) }),
    ]);
    expect(ranked).toEqual([
      ["days", 1],
      ["new", 1],
      ["half", 0.8],
      ["busy", 0.7],
    ]);
  });

  it("ranks those that never posted by their names", () => {
    expect(rank([candidate("b"), candidate("c"), candidate("a")]).map(([id]) => id)).toEqual(["a", "b", "c"]);
  });

  it("says the same in whatever order the accounts are listed, within [0, 1], best first", () => {
    const gates = fc.record({
      lastPostAt: fc.integer({ min: -HOUR, max: 48 * HOUR }).map(ago),
      successRate: fc.double({ min: 0, max: 1, noNaN: true }),
      day: fc.record({ startAt: fc.nat(48 * HOUR).map(ago), used: fc.nat(12) }),
    });
    fc.assert(
      fc.property(fc.array(gates, { maxLength: 8 }), fc.infiniteStream(fc.nat()), (list, keys) => {
        const candidates = list.map((gate, index) => candidate(`account-${index}`, gate));
        const shuffled = candidates
          .map((one) => ({ one, key: keys.next().value as number }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ one }) => one);
        const wish = { taskId: asTaskId("t"), units: 1, now, policy: { dailyMax: 10 } };
        const ranked = rankAccounts(candidates, wish);
        expect(rankAccounts(shuffled, wish)).toEqual(ranked);
        const scores = ranked.map(({ score }) => score);
        expect(scores).toEqual(scores.toSorted((a, b) => b - a));
        for (const score of scores) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1 + Number.EPSILON);
        }
      }),
    );
  });
});

describe("poolWait", () => {
  const wish = { taskId: asTaskId("t"), units: 1, now, policy: { minIntervalMs: HOUR } };
  const in10 = new Date(now.getTime() + 10 * 60_000);
  const closed = candidate("closed", { closedUntil: in10, closedReason: reason });
  const close = candidate("close", { lastPostAt: ago(HOUR - 20 * 60_000) });

  it("ends when the first account may post, and says what that one waits for", () => {
    const wait = poolWait([close, closed], wish);
    expect(wait).toMatchObject({ code: "no-service", until: in10, known: true });
    expect(wait.reason).toMatchObject({ code: "no-service", message: expect.stringContaining("No.") });
    expect(poolWait([close], wish)).toMatchObject({
      until: new Date(now.getTime() + 20 * 60_000),
      known: true,
    });
  });

  it("is not known when the first one is in a circuit that is open", () => {
    const openUntil = new Date(now.getTime() + 60_000);
    const broken = candidate("broken", { circuit: { failures: 3, openUntil } });
    expect(poolWait([closed, broken], wish)).toMatchObject({ until: openUntil, known: false });
  });

  it("is not known when none is active, whatever their gates say", () => {
    const paused = candidate("paused", { closedUntil: in10, closedReason: reason }, "paused");
    const inQuarter = new Date(now.getTime() + 15 * 60_000);
    for (const candidates of [[], [paused]])
      expect(poolWait(candidates, wish)).toMatchObject({
        code: "no-service",
        until: inQuarter,
        known: false,
      });
  });
});
