import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AccountId, asAccountId } from "#shared/domain/ids.ts";
import type { OccupiedSlots } from "#shared/domain/planning/calendar.ts";
import { type FilledDays, fillDays } from "#shared/domain/planning/fill-days.ts";
import { localDays } from "#shared/domain/planning/hours.ts";
import type { Occupied, PlanContext, PlannedPost } from "#shared/domain/planning/plan.ts";
import { planBatch } from "#shared/domain/planning/plan-batch.ts";
import { type Replanned, replan } from "#shared/domain/planning/replan.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { checkSlots, type PlacedSlot } from "#test/bench/planner/check-slots.ts";
import { ACCOUNTS, asPlaced, contexts, occupiedAround, wishesAt } from "#test/support/planning.ts";

const MINUTE = 60_000;
const MAIN = asAccountId("owner.main");
const NOW = new Date("2026-12-01T12:00:00Z");
const at = (time: string): Date => new Date(`2026-12-${time}:00Z`);
const POLICY: Policy = {
  minIntervalMs: 60 * MINUTE,
  dailyMin: 2,
  dailyMax: 6,
  urgentShare: 0,
  blackout: { fromHour: 0, toHour: 7 },
};
const context: PlanContext = { now: NOW, policy: POLICY, timeZone: "UTC" };
const post = (id: string, time: string, over: Partial<PlannedPost["wish"]> = {}): PlannedPost => ({
  accountId: MAIN,
  at: at(time),
  wish: { id, strategy: "optimal", from: NOW, accountIds: [MAIN], parts: 1, priority: 8, ...over },
});
const occupiedBy = (posts: readonly PlannedPost[], more: readonly Occupied[] = []): OccupiedSlots =>
  new Map([
    [
      MAIN,
      [
        ...more,
        ...posts.map(({ wish: { id, parts, priority }, at: when }) => ({ id, at: when, parts, priority })),
      ],
    ],
  ]);
const slot = (id: string, time: string): Occupied => ({ id, at: at(time), parts: 1, priority: 5 });

describe("fillDays", () => {
  const fill = (
    posts: readonly PlannedPost[],
    days: number,
    more: readonly Occupied[] = [],
    policy: Policy = {},
  ): FilledDays =>
    fillDays(
      { accountIds: [MAIN], posts, occupied: occupiedBy(posts, more), days },
      { ...context, policy: { ...POLICY, ...policy } },
    );
  const told = ({ moves, shortfalls }: FilledDays) => [
    moves.map(({ id, toAt }) => `${id} to ${toAt.toISOString().slice(8, 10)}`),
    shortfalls.map(({ date, missing }) => `${date} misses ${missing}`),
  ];

  it("pulls posts that can wait for any day forward into days with too few, and tells what stays missing", () => {
    const later = [
      post("late", "20T09:00"),
      post("soon", "10T09:00"),
      post("seven", "25T09:00", { priority: 7 }),
    ];
    const filled = fill(later, 2, [slot("a", "02T09:00")]);
    expect(told(filled)).toEqual([["seven to 02", "soon to 03", "late to 03"], []]);
    expect(filled.moves[0]).toMatchObject({
      accountId: MAIN,
      fromAt: at("25T09:00"),
      reasons: [
        {
          code: "moved-forward",
          message:
            "Wednesday 2 December had fewer than 2 posts, so this one was pulled forward from Friday 25 December.",
        },
        { code: "optimal-hour" },
        { code: "hour-taken" },
      ],
    });
    const [first] = fill(later, 3, [slot("a", "02T09:00")]).shortfalls;
    expect(first).toEqual({
      accountId: MAIN,
      date: "2026-12-04",
      planned: 0,
      missing: 2,
      reason: {
        code: "below-daily-min",
        message:
          "Friday 4 December has 0 of at least 2 posts, and no post that can wait (priority 7 to 10) fits there.",
        remedy: "Add 2 posts for that day, or lower the project's daily minimum.",
      },
    });
  });

  it("leaves today, what is not flexible, what is not to wait, and what may not come earlier", () => {
    const posts = [
      post("fixed", "20T09:00", { strategy: "fixed" }),
      post("normal", "20T11:00", { priority: 6 }),
      post("not-yet", "20T13:00", { from: at("15T00:00") }),
    ];
    expect(told(fill(posts, 1))).toEqual([[], ["2026-12-02 misses 2"]]);
    expect(told(fill(posts, 14)).at(0)).toEqual(["not-yet to 15"]);
  });

  it("takes nothing from a day that needs it itself, or that comes before", () => {
    const posts = [
      post("a", "02T09:00"),
      post("b", "03T09:00"),
      post("c", "03T12:00"),
      post("d", "03T15:00"),
    ];
    expect(told(fill(posts, 2))).toEqual([["b to 02"], []]);
    expect(told(fill(posts.slice(0, 3), 2))).toEqual([[], ["2026-12-02 misses 1"]]);
    expect(told(fill([post("a", "02T09:00"), post("b", "02T12:00"), post("c", "02T15:00")], 2))).toEqual([
      [],
      ["2026-12-03 misses 2"],
    ]);
  });

  it("gives an earlier day what a thread brought a later one beyond its need", () => {
    const thread = post("thread", "20T09:00", { parts: 2, from: at("05T00:00") });
    const filled = fill([post("single", "05T12:00"), thread], 4);
    expect(told(filled)).toEqual([
      ["thread to 05", "single to 02"],
      ["2026-12-02 misses 1", "2026-12-03 misses 2", "2026-12-04 misses 2"],
    ]);
    expect(filled.moves.map(({ fromAt }) => fromAt)).toEqual([at("20T09:00"), at("05T12:00")]);
  });

  it("expects nothing of a day on which nothing may be posted", () => {
    expect(told(fill([], 2, [], { blackoutDates: ["2026-12-02"] }))).toEqual([[], ["2026-12-03 misses 2"]]);
  });

  it("tells a day that has no room for what could come", () => {
    const thread = post("thread", "20T09:00", { parts: 5 });
    const filled = fill([thread], 1, [slot("a", "02T09:00")], { dailyMax: 5 });
    expect(told(filled)).toEqual([[], ["2026-12-02 misses 1"]]);
  });

  it("looks at a week if it is not told otherwise, and at nothing without a minimum", () => {
    const days = { accountIds: [MAIN], posts: [], occupied: new Map() };
    expect(fillDays(days, context).shortfalls.map(({ date }) => date)).toEqual([
      ...["02", "03", "04", "05", "06", "07", "08"].map((day) => `2026-12-${day}`),
    ]);
    expect(fillDays(days, { ...context, policy: { ...POLICY, dailyMin: 0 } })).toEqual({
      moves: [],
      shortfalls: [],
    });
  });

  it("only pulls forward, breaks no rule, empties no day that it looks at, and has nothing to do the second time", () => {
    const cases = contexts.chain((given) =>
      fc.record({
        given: fc.constant(given),
        occupied: occupiedAround(given.now),
        wishes: wishesAt(given.now, { strategies: ["optimal", "next-free", "balanced"], max: 16 }),
        laterDays: fc.integer({ min: 0, max: 12 }),
        dailyMin: fc.integer({ min: 1, max: 3 }),
        days: fc.integer({ min: 1, max: 6 }),
      }),
    );
    let moved = 0;
    fc.assert(
      fc.property(cases, ({ given, occupied, wishes, laterDays, dailyMin, days }) => {
        const withMin = { ...given, policy: { ...given.policy, dailyMin } };
        // Planned for some days later than they would have to be.
        const posts = postsOf(
          wishes.map(({ until: _, ...one }, index) => ({
            ...one,
            from: new Date(one.from.getTime() + (index % 3) * laterDays * 86_400_000),
            priority: 7 + (one.priority % 4),
          })),
          occupied,
          withMin,
        ).map((one, index) => (index % 4 === 0 ? one : { ...one, wish: { ...one.wish, from: given.now } }));
        const before = taking(occupied, posts);
        const filled = fillDays({ accountIds: ACCOUNTS, posts, occupied: before, days }, withMin);
        moved += filled.moves.length;
        expect(new Set(filled.moves.map(({ id }) => id)).size).toBe(filled.moves.length);
        const after = posts.map((one) => {
          const move = filled.moves.find(({ id }) => id === one.wish.id);
          expect(move === undefined || move.toAt < one.at).toBe(true);
          if (move) expect(move.toAt.getTime()).toBeGreaterThanOrEqual(one.wish.from.getTime());
          if (move) expect(move.fromAt).toEqual(one.at);
          return move ? { ...one, at: move.toAt } : one;
        });
        const conflicts = checkSlots([...asPlaced(occupied), ...placed(after)], withMin);
        for (const { id } of filled.moves) expect(conflicts.get(id)).toBeUndefined();

        const { dayOf } = localDays(given.timeZone);
        const today = dayOf(given.now.getTime());
        const count = (slots: readonly PlacedSlot[], accountId: AccountId, day: number) =>
          slots
            .filter((one) => one.accountId === accountId && dayOf(one.at.getTime()) === day)
            .reduce((sum, { parts }) => sum + parts, 0);
        for (const accountId of ACCOUNTS)
          for (let day = today + 1; day <= today + days; day++) {
            const [had, has] = [asPlaced(before), [...asPlaced(occupied), ...placed(after)]].map((slots) =>
              count(slots, accountId, day),
            );
            expect(has).toBeGreaterThanOrEqual(Math.min(had ?? 0, dailyMin));
          }
        const again = { accountIds: ACCOUNTS, posts: after, occupied: taking(occupied, after), days };
        expect(fillDays(again, withMin).shortfalls).toEqual(filled.shortfalls);
        expect(fillDays(again, withMin).moves).toEqual([]);
      }),
      { numRuns: 150 },
    );
    expect(moved).toBeGreaterThan(50);
  });
});

const placed = (posts: readonly PlannedPost[]): readonly PlacedSlot[] =>
  posts.map(({ wish: { id, parts, priority }, accountId, at: when }) => ({
    id,
    accountId,
    at: when,
    parts,
    priority,
  }));

const taking = (occupied: OccupiedSlots, posts: readonly PlannedPost[]): OccupiedSlots => {
  const all = new Map(occupied);
  for (const { accountId, ...slot } of placed(posts)) {
    const id = asAccountId(accountId);
    all.set(id, [...(all.get(id) ?? []), slot]);
  }
  return all;
};

function postsOf(
  wishes: readonly PlannedPost["wish"][],
  occupied: OccupiedSlots,
  given: PlanContext,
): readonly PlannedPost[] {
  return planBatch(wishes, occupied, given).flatMap((answer, index) => {
    const wish = wishes[index];
    return wish && answer.ok ? [{ wish, accountId: answer.value.accountId, at: answer.value.at }] : [];
  });
}

describe("replan", () => {
  const told = (outcomes: readonly Replanned[]): readonly string[] =>
    outcomes.map((one) => {
      const to = one.kind === "moves" ? ` to ${one.plan.at.toISOString().slice(8, 13)}` : "";
      return `${one.post.wish.id} ${one.kind}${to}`;
    });
  const change = (
    posts: readonly PlannedPost[],
    after: Partial<PlanContext>,
    more: readonly Occupied[] = [],
  ) => told(replan(posts, occupiedBy(posts, more), { before: context, after: { ...context, ...after } }));

  it("keeps what the new rules allow, and moves what they do not", () => {
    const posts = [post("nine", "02T09:10"), post("twelve", "02T12:05"), post("six", "02T18:00")];
    const policy = { ...POLICY, blackout: { fromHour: 10, toHour: 17 } };
    expect(change(posts, { policy })).toEqual(["nine keeps", "twelve moves to 01T18", "six keeps"]);
    expect(change(posts, { policy: { ...POLICY, leadMs: 0 } })).toEqual([
      "nine keeps",
      "twelve keeps",
      "six keeps",
    ]);
  });

  it("lets the more urgent keep their slots when an interval grows", () => {
    const posts = [
      post("low", "02T09:10"),
      post("high", "02T10:20", { priority: 4 }),
      post("far", "02T18:00"),
    ];
    const policy = { ...POLICY, minIntervalMs: 240 * MINUTE };
    expect(change(posts, { policy })).toEqual(["low moves to 01T12", "high keeps", "far keeps"]);
  });

  it("moves a post out of an hour that is no good any more, if a better one is free", () => {
    const posts = [post("nine", "02T09:10"), post("next", "02T13:00", { strategy: "next-free" })];
    expect(change(posts, { policy: { ...POLICY, optimalHours: [14] } })).toEqual([
      "nine moves to 01T14",
      "next keeps",
    ]);
    const until = at("02T09:30");
    const bound = [post("nine", "02T09:10", { from: at("02T09:00"), until })];
    expect(change(bound, { policy: { ...POLICY, optimalHours: [14] } })).toEqual(["nine keeps"]);
  });

  it("reads the hours in the new zone", () => {
    const posts = [post("nine", "02T09:10"), post("late", "02T21:10")];
    // 9:10 in London is 18:10 in Tokyo, and 21:10 is 6:10 on the next day: in its blackout.
    expect(change(posts, { timeZone: "Asia/Tokyo" })).toEqual([
      "nine keeps",
      expect.stringMatching(/^late moves/),
    ]);
  });

  it("leaves what is fixed or near, tells what has no place, and plans around all of it", () => {
    const posts = [
      post("fixed", "02T03:00", { strategy: "fixed" }),
      post("near", "01T12:20"),
      post("bound", "02T09:10", { until: at("02T09:30"), from: at("02T09:00") }),
    ];
    const policy = { ...POLICY, blackout: { fromHour: 0, toHour: 13 }, leadMs: 30 * MINUTE };
    expect(change(posts, { policy })).toEqual(["fixed keeps", "near keeps", "bound no-place"]);
    const [outcome] = replan(posts.slice(2), occupiedBy(posts), {
      before: context,
      after: { ...context, policy },
    });
    expect(outcome?.kind === "no-place" && outcome.reason.code).toBe("no-free-slot");
  });

  it("leaves no conflict that the new rules forbid, and changes nothing the second time", () => {
    const cases = fc.tuple(contexts, contexts).chain(([before, other]) =>
      fc.record({
        before: fc.constant(before),
        after: fc.constant({ ...other, now: before.now }),
        occupied: occupiedAround(before.now),
        wishes: wishesAt(before.now),
      }),
    );
    const kinds = new Map<string, number>();
    fc.assert(
      fc.property(cases, ({ before, after, occupied, wishes }) => {
        const posts = postsOf(wishes, occupied, before);
        const outcomes = replan(posts, taking(occupied, posts), { before, after });
        expect(outcomes.map(({ post: { wish } }) => wish.id)).toEqual(posts.map(({ wish }) => wish.id));
        for (const { kind } of outcomes) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        const placedAfter = outcomes.flatMap((one) => {
          if (one.kind === "no-place") return [];
          return one.kind === "moves"
            ? [{ ...one.post, accountId: one.plan.accountId, at: one.plan.at }]
            : [one.post];
        });
        const conflicts = checkSlots([...asPlaced(occupied), ...placed(placedAfter)], after);
        for (const one of outcomes)
          if (one.kind === "moves") expect([...(conflicts.get(one.post.wish.id) ?? [])]).toEqual([]);
        const again = replan(placedAfter, taking(occupied, placedAfter), { before: after, after });
        expect(again.map(({ kind }) => kind)).toEqual(placedAfter.map(() => "keeps"));
      }),
      { numRuns: 200 },
    );
    for (const kind of ["keeps", "moves", "no-place"]) expect(kinds.get(kind)).toBeGreaterThan(30);
  });
});
