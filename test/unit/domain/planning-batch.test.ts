import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AccountId, asAccountId } from "#shared/domain/ids.ts";
import type { OccupiedSlots } from "#shared/domain/planning/calendar.ts";
import type { Occupied, Plan, PlanContext, PlanWish } from "#shared/domain/planning/plan.ts";
import { type BatchPlan, planBatch } from "#shared/domain/planning/plan-batch.ts";
import { checkSlots, type PlacedSlot } from "#test/bench/planner/check-slots.ts";
import { planNaively } from "#test/bench/planner/plan-naively.ts";
import { accountIds, fullCalendars, NOW, POLICY, TIME_ZONE, wishes } from "#test/bench/planner/workload.ts";
import { asPlaced, contexts, occupiedAround, wishesAt } from "#test/support/planning.ts";

const MINUTE = 60_000;
const MAIN = asAccountId("owner.main");
const context: PlanContext = { now: NOW, policy: POLICY, timeZone: TIME_ZONE };
const wish = (id: string, over: Partial<PlanWish> = {}): PlanWish => ({
  id,
  strategy: "optimal",
  from: NOW,
  accountIds: [MAIN],
  parts: 1,
  priority: 5,
  ...over,
});
const planned = (answers: readonly BatchPlan[]): readonly Plan[] =>
  answers.map((answer) => (answer.ok ? answer.value : expect.fail(answer.error.message)));
const placedOf = (batch: readonly PlanWish[], answers: readonly BatchPlan[]): readonly PlacedSlot[] =>
  batch.flatMap((one, index) => {
    const answer = answers[index];
    return answer?.ok ? [{ ...one, accountId: answer.value.accountId, at: answer.value.at }] : [];
  });
/** What is taken once the batch is planned. */
const withPlans = (occupied: OccupiedSlots, placed: readonly PlacedSlot[]): OccupiedSlots => {
  const all = new Map<AccountId, readonly Occupied[]>(occupied);
  for (const { accountId, ...slot } of placed) {
    const id = asAccountId(accountId);
    all.set(id, [...(all.get(id) ?? []), slot]);
  }
  return all;
};
const order = (batch: readonly PlanWish[]): readonly string[] =>
  placedOf(batch, planBatch(batch, new Map(), context))
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .map(({ id }) => id);

describe("a batch", () => {
  it("is served by priority, then as listed", () => {
    const batch = [
      wish("c", { priority: 5 }),
      wish("b", { priority: 4 }),
      wish("d"),
      wish("a", { priority: 1 }),
    ];
    expect(order(batch)).toEqual(["a", "b", "c", "d"]);
    expect(planBatch(batch, new Map(), context).map((one) => one.ok && one.value.id)).toEqual([
      "c",
      "b",
      "d",
      "a",
    ]);
  });

  it("plans around instants that are given, whatever their priority", () => {
    const [fixed, urgent] = planned(
      planBatch(
        [
          wish("urgent", { priority: 1, strategy: "next-free", from: new Date("2026-12-01T08:00:00Z") }),
          wish("fixed", { priority: 10, strategy: "fixed", from: new Date("2026-12-01T08:00:00Z") }),
        ].toReversed(),
        new Map(),
        context,
      ),
    );
    expect(fixed?.at).toEqual(new Date("2026-12-01T08:00:00Z"));
    expect(urgent?.at.getTime()).toBeGreaterThanOrEqual(Date.parse("2026-12-01T09:30:00Z"));
  });

  it("keeps the urgent posts' places for them", () => {
    const batch = Array.from({ length: 12 }, (_, index) =>
      wish(`${index}`, { strategy: "next-free", priority: 5 }),
    );
    const policy = { ...POLICY, minIntervalMs: 30 * MINUTE };
    const days = (all: readonly PlanWish[]) =>
      planned(planBatch(all, new Map(), { ...context, policy })).map(({ at }) =>
        at.toISOString().slice(8, 10),
      );
    expect(days(batch).filter((day) => day === "01")).toHaveLength(8);
    const urgent = batch.map((one, index) => ({ ...one, priority: index < 4 ? 1 : 5 }));
    expect(days(urgent).filter((day) => day === "01")).toHaveLength(10);
    expect(days(urgent).slice(0, 4)).toEqual(["01", "01", "01", "01"]);
  });

  it("spreads over the accounts of a pool", () => {
    const pool = accountIds(3);
    const batch = Array.from({ length: 30 }, (_, index) =>
      wish(`${index}`, { accountIds: pool, strategy: "balanced" }),
    );
    const counts = Map.groupBy(
      planned(planBatch(batch, new Map(), context)),
      ({ accountId, at }) => `${accountId} ${at.toISOString().slice(0, 10)}`,
    );
    // 30 posts on 21 days of accounts: each has one, and nine have two.
    expect([...counts.values()].map((plans) => plans.length).toSorted()).toEqual([
      ...Array.from({ length: 12 }, () => 1),
      ...Array.from({ length: 9 }, () => 2),
    ]);
  });

  it("serves wishes whose accounts overlap together, and tells a refused one from the others", () => {
    const [a = MAIN, b = MAIN, c = MAIN] = accountIds(3);
    const until = new Date("2026-12-01T06:30:00Z");
    const batch = [
      wish("low", { accountIds: [a, b], priority: 9, strategy: "next-free", until }),
      wish("other", { accountIds: [c], strategy: "next-free", until }),
      wish("middle", { accountIds: [b, a], priority: 5, strategy: "next-free", until }),
      wish("high", { accountIds: [b], priority: 1, strategy: "next-free", until }),
    ];
    const answers = planBatch(batch, new Map(), context);
    expect(answers.map((one) => (one.ok ? one.value.accountId : one.error.code))).toEqual([
      "no-free-slot",
      c,
      a,
      b,
    ]);
  });

  it("gives a wish other alternatives for those that a later wish took: the best first, none twice", () => {
    const OTHER = asAccountId("owner.other");
    const exact = { ...context, policy: { ...POLICY, jitterMs: 0 } };
    const both = [MAIN, OTHER];
    const batch = [wish("first"), wish("second"), wish("third", { accountIds: both }), wish("fourth")];
    const found = planned(planBatch(batch, new Map(), exact));
    const alone = planned(planBatch([wish("first")], new Map(), exact))[0];
    const [first] = found;
    const taken = found.map(({ at }) => at.getTime());
    expect(alone?.alternatives.map(({ at }) => taken.includes(at.getTime()))).toEqual([true, true, false]);
    expect(first?.alternatives[0]).toEqual(alone?.alternatives[2]);
    for (const { alternatives, accountId } of found) {
      expect(alternatives).toHaveLength(3);
      expect(new Set(alternatives.map((one) => `${one.accountId} ${one.at.getTime()}`)).size).toBe(3);
      const scores = alternatives.map(({ score }) => score);
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      for (const one of alternatives)
        expect(one.accountId === MAIN && taken.includes(one.at.getTime()), accountId).toBe(false);
    }
  });

  it("finds in full calendars, for every wish, a slot without a conflict, where a naive planner finds few", () => {
    const accounts = accountIds(4);
    const occupied = fullCalendars(accounts, 30);
    expect(checkSlots(asPlaced(occupied), context).size).toBe(0);
    const batch = wishes(100, accounts, 1);
    const placed = placedOf(batch, planBatch(batch, occupied, context));
    expect(placed).toHaveLength(100);
    expect(checkSlots([...asPlaced(occupied), ...placed], context).size).toBe(0);
    const naive = planNaively(batch, context);
    const conflicts = checkSlots([...asPlaced(occupied), ...naive], context);
    expect(naive).toHaveLength(100);
    expect(naive.filter(({ id }) => conflicts.has(id)).length).toBeGreaterThan(70);
  });
});

describe("any batch, beside any calendar", () => {
  const flexible = ["optimal", "preferred", "balanced", "next-free"] as const;
  const casesOf = (strategies?: readonly PlanWish["strategy"][]) =>
    contexts.chain((one) =>
      fc.record({
        context: fc.constant(one),
        occupied: occupiedAround(one.now),
        batch: wishesAt(one.now, strategies && { strategies }),
      }),
    );

  it("has no conflicts with it or in itself", () => {
    fc.assert(
      fc.property(casesOf(flexible), ({ context: given, occupied, batch }) => {
        const placed = placedOf(batch, planBatch(batch, occupied, given));
        const conflicts = checkSlots([...asPlaced(occupied), ...placed], given);
        expect(placed.filter(({ id }) => conflicts.has(id))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("has alternatives that are free beside all of it", () => {
    let seen = 0;
    fc.assert(
      fc.property(casesOf(flexible), ({ context: given, occupied, batch }) => {
        const answers = planBatch(batch, occupied, given);
        const all = [...asPlaced(occupied), ...placedOf(batch, answers)];
        for (const [index, answer] of answers.entries()) {
          const one = batch[index];
          if (!answer.ok || !one) continue;
          const { alternatives, accountId, at } = answer.value;
          for (const choice of alternatives) {
            const others = all.filter(({ id }) => id !== one.id);
            const conflicts = checkSlots([...others, { ...one, ...choice, id: "instead" }], given);
            expect([...(conflicts.get("instead") ?? [])]).toEqual([]);
            expect([choice.accountId, choice.at]).not.toEqual([accountId, at]);
            seen += 1;
          }
        }
      }),
      { numRuns: 150 },
    );
    expect(seen).toBeGreaterThan(500);
  });

  it("is planned the same in any order of the list, if priorities differ", () => {
    const cases = casesOf().chain((one) =>
      fc.record({
        one: fc.constant(one),
        priorities: fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], { minLength: 10 }),
        seed: fc.infiniteStream(fc.nat()),
      }),
    );
    fc.assert(
      fc.property(cases, ({ one: { context: given, occupied, batch }, priorities, seed }) => {
        const distinct = batch
          .slice(0, 10)
          .map((one, index) => ({ ...one, priority: priorities[index] ?? 1 }));
        const shuffled = distinct
          .map((one) => ({ one, order: seed.next().value ?? 0 }))
          .toSorted((a, b) => a.order - b.order)
          .map(({ one }) => one);
        const byId = (list: readonly PlanWish[]) =>
          new Map(planBatch(list, occupied, given).map((answer, index) => [list[index]?.id, answer]));
        const [first, second] = [byId(distinct), byId(shuffled)];
        for (const { id } of distinct) expect(second.get(id)).toEqual(first.get(id));
      }),
      { numRuns: 150 },
    );
  });

  it("never gives a place to a less urgent one that a more urgent one was refused", () => {
    let refused = 0;
    const narrow = contexts.chain((one) =>
      fc.record({
        given: fc.constant(one),
        priorities: fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 8, maxLength: 16 }),
        hours: fc.integer({ min: 4, max: 30 }),
      }),
    );
    fc.assert(
      fc.property(narrow, ({ given, priorities, hours }) => {
        const until = new Date(given.now.getTime() + hours * 60 * MINUTE);
        const policy = { minIntervalMs: 90 * MINUTE, ...given.policy };
        const batch = priorities.map((priority, index) =>
          wish(`${index}`, { priority, from: given.now, until, strategy: "next-free" }),
        );
        const answers = planBatch(batch, new Map(), { ...given, policy });
        const served = priorities.filter((_, index) => answers[index]?.ok);
        const turnedAway = priorities.filter((_, index) => !answers[index]?.ok);
        if (turnedAway.length > 0) refused += 1;
        expect(Math.max(0, ...served)).toBeLessThanOrEqual(Math.min(11, ...turnedAway));
      }),
      { numRuns: 200 },
    );
    expect(refused).toBeGreaterThan(30);
  });

  it("is planned the same twice, also when it stands in the calendar already", () => {
    fc.assert(
      fc.property(casesOf(), ({ context: given, occupied, batch }) => {
        const answers = planBatch(batch, occupied, given);
        expect(planBatch(batch, occupied, given)).toEqual(answers);
        const taken = withPlans(occupied, placedOf(batch, answers));
        expect(planBatch(batch, taken, given)).toEqual(answers);
      }),
      { numRuns: 100 },
    );
  });
});
