import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AccountId, asAccountId } from "#shared/domain/ids.ts";
import { type OccupiedSlots, openTimetable } from "#shared/domain/planning/calendar.ts";
import { findAlternatives, findSlot } from "#shared/domain/planning/find-slot.ts";
import { worthFor } from "#shared/domain/planning/hour-worth.ts";
import { localDays } from "#shared/domain/planning/hours.ts";
import type { Occupied, Plan, PlanContext, PlanWish } from "#shared/domain/planning/plan.ts";
import { isUrgent } from "#shared/domain/planning/plan.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { checkSlots } from "#test/bench/planner/check-slots.ts";
import {
  ACCOUNTS,
  asPlaced,
  CLOCK_CHANGES,
  contexts,
  occupiedAround,
  wishesAt,
} from "#test/support/planning.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MAIN = asAccountId("owner.main");
const OTHER = asAccountId("owner.other");

/** Tuesday, 6:00 in Berlin. */
const NOW = new Date("2026-12-01T05:00:00Z");
/** Of Berlin in December. */
const local = (time: string): Date => new Date(`2026-12-${time}:00+01:00`);
const POLICY: Policy = {
  minIntervalMs: 90 * MINUTE,
  dailyMax: 10,
  blackout: { fromHour: 0, toHour: 7 },
  optimalHours: [9, 12, 15, 18, 21],
  jitterMs: 40 * MINUTE,
  leadMs: 5 * MINUTE,
  urgentShare: 0.2,
};
const contextOf = (over: Partial<PlanContext> & { policy?: Policy } = {}): PlanContext => ({
  now: NOW,
  timeZone: "Europe/Berlin",
  ...over,
  policy: { ...POLICY, ...over.policy },
});
const wish = (over: Partial<PlanWish> = {}): PlanWish => ({
  id: "wish",
  strategy: "optimal",
  from: NOW,
  accountIds: [MAIN],
  parts: 1,
  priority: 5,
  ...over,
});
const slots = (...times: readonly string[]): readonly Occupied[] =>
  times.map((time) => ({ id: time, at: local(time), parts: 1 }));
const taken = (...times: readonly string[]): OccupiedSlots => new Map([[MAIN, slots(...times)]]);
const plan = (over: Partial<PlanWish>, occupied: OccupiedSlots = new Map(), context = contextOf()): Plan => {
  const found = findSlot(wish(over), occupied, context);
  return found.ok ? found.value : expect.fail(found.error.message);
};
const refusal = (over: Partial<PlanWish>, occupied: OccupiedSlots = new Map(), context = contextOf()) => {
  const found = findSlot(wish(over), occupied, context);
  return found.ok ? expect.fail(`planned for ${found.value.at.toISOString()}`) : found.error;
};
const clock = (at: Date): string => new Date(at.getTime() + HOUR).toISOString().slice(8, 16);
const messages = ({ reasons }: Plan): readonly string[] => reasons.map(({ message }) => message);
const codes = ({ reasons }: Plan): readonly string[] => reasons.map(({ code }) => code);

describe("optimal", () => {
  it("takes the earliest free optimal hour, and says what was in the way of earlier ones", () => {
    const found = plan({}, taken("01T09:20", "01T11:45"));
    expect(clock(found.at)).toMatch(/^01T15:/);
    expect(messages(found)).toEqual([
      `15:${clock(found.at).slice(-2)} on Tuesday 1 December is the earliest free optimal hour.`,
      "9:00 is taken: a post is planned for 9:20.",
      "12:00 is closer than 90 minutes to the post at 11:45.",
    ]);
    expect(found).toMatchObject({ id: "wish", strategy: "optimal", accountId: MAIN });
    expect(found.alternatives.map(({ at }) => clock(at).slice(0, 5))).toEqual(["01T18", "01T21", "02T09"]);
    const scores = [found, ...found.alternatives].map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(scores.every((score) => score > 0 && score <= 1)).toBe(true);
  });

  it("posts at some minute of the hour's jitter: the same for the same post, others for others", () => {
    const minutes = Array.from({ length: 200 }, (_, index) =>
      Number(clock(plan({ id: `wish-${index}` }).at).slice(-2)),
    );
    expect(plan({}).at).toEqual(plan({}).at);
    expect(Math.max(...minutes)).toBeLessThanOrEqual(40);
    expect(new Set(minutes).size).toBeGreaterThan(30);
    expect(minutes.filter((minute) => minute < 20).length).toBeGreaterThan(70);
    const none = contextOf({ policy: { jitterMs: 0 } });
    expect(clock(plan({}, new Map(), none).at)).toBe("01T09:00");
  });

  it("moves inside the jitter when a neighbour asks for it, with some seconds to spare if there is room", () => {
    const late = plan({}, taken("01T07:55"), contextOf({ policy: { minIntervalMs: 100 * MINUTE } }));
    expect(late.at.getTime()).toBeGreaterThanOrEqual(local("01T09:35").getTime() + 5_000);
    const exact = plan(
      {},
      taken("01T08:00"),
      contextOf({ policy: { minIntervalMs: 60 * MINUTE, jitterMs: 0 } }),
    );
    expect(clock(exact.at)).toBe("01T09:00");
  });

  it("waits three days for an optimal hour before it takes the one beside it", () => {
    const day = (date: string) =>
      ["09:20", "12:20", "15:20", "18:20", "21:20"].map((time) => `${date}T${time}`);
    const beside = plan({}, taken(...["01", "02", "03", "04", "05"].flatMap(day)));
    expect(clock(beside.at).slice(0, 5)).toBe("01T07");
    expect(codes(beside)[0]).toBe("next-best-hour");
    const waited = plan({}, taken(...["01", "02"].flatMap(day)));
    expect([clock(waited.at).slice(0, 5), codes(waited)[0]]).toEqual(["03T09", "optimal-hour"]);
  });

  it("believes the curve where it knows an hour", () => {
    const curve = (_: AccountId, hourOfWeek: number) => ({ [24 + 10]: 1, [24 + 9]: 0.4 })[hourOfWeek];
    const found = plan({}, new Map(), contextOf({ curve }));
    // Tuesday at 10; at 12 the optimal hours of the policy count, and it is later.
    expect(clock(found.at).slice(0, 5)).toBe("01T10");
    expect(codes(found)[0]).toBe("learned-hour");
    expect(found.alternatives.map(({ at }) => clock(at).slice(0, 5))).not.toContain("01T09");
  });

  it("leaves out the hours that are over or nearer than the lead", () => {
    const context = contextOf({ now: local("01T12:10"), policy: { leadMs: 31 * MINUTE } });
    const found = plan({}, new Map(), context);
    expect(clock(found.at).slice(0, 5)).toBe("01T15");
    expect(codes(found)).toEqual(["optimal-hour"]);
    const inside = plan({}, new Map(), contextOf({ now: local("01T12:30"), policy: { leadMs: 5 * MINUTE } }));
    expect(inside.at.getTime()).toBeGreaterThanOrEqual(local("01T12:35").getTime());
    expect(clock(inside.at).slice(0, 5)).toBe("01T12");
  });

  it("takes a thread's whole length into account", () => {
    const late = { blackout: { fromHour: 22, toHour: 9 }, optimalHours: [21], jitterMs: 59 * MINUTE };
    const near = plan(
      { parts: 25, from: local("01T21:57") },
      new Map(),
      contextOf({ policy: { ...late, dailyMax: 40 } }),
    );
    // 25 parts take 144 s: 21:57:36 is the last second at which they fit.
    expect(near.at.getTime()).toBeLessThan(local("01T21:58").getTime() - 24_000);
    const next = plan(
      { parts: 25, from: local("01T21:58") },
      new Map(),
      contextOf({ policy: { ...late, dailyMax: 40 } }),
    );
    expect(clock(next.at).slice(0, 5)).toBe("02T21");
  });
});

describe("preferred", () => {
  const policy = { preferredHours: [8, 20] };
  it("takes the owner's hours first, the optimal ones next", () => {
    const found = plan({ strategy: "preferred" }, new Map(), contextOf({ policy }));
    expect([clock(found.at).slice(0, 5), codes(found)[0]]).toEqual(["01T08", "preferred-hour"]);
    const times = ["08:20", "20:20"].flatMap((time) =>
      Array.from({ length: 9 }, (_, day) => `0${day + 1}T${time}`),
    );
    const optimal = plan({ strategy: "preferred" }, taken(...times), contextOf({ policy }));
    expect([clock(optimal.at).slice(0, 5), codes(optimal)[0]]).toEqual(["01T12", "optimal-hour"]);
  });

  it("is optimal if there are none", () => {
    expect(plan({ strategy: "preferred" }).at).toEqual(plan({}).at);
  });
});

describe("next-free", () => {
  it("takes the first second that is free", () => {
    const found = plan({ strategy: "next-free" }, taken("01T07:30"));
    expect(found.at).toEqual(new Date(local("01T09:00").getTime() + 5_000));
    expect(messages(found)).toEqual([
      "9:00 on Tuesday 1 December is the earliest free time.",
      "6:00 is in a blackout of the project.",
      "7:00 is taken: a post is planned for 7:30.",
      "8:00 is closer than 90 minutes to the post at 7:30.",
    ]);
    expect(clock(plan({ strategy: "next-free" }).at)).toBe("01T07:00");
    expect(plan({ strategy: "next-free", from: local("01T10:17") }).at).toEqual(local("01T10:17"));
  });

  it("of several accounts takes the one that is free first, else the one with fewer posts", () => {
    const accountIds = [MAIN, OTHER];
    const first = plan({ strategy: "next-free", accountIds }, taken("01T07:00"));
    expect([first.accountId, clock(first.at)]).toEqual([OTHER, "01T07:00"]);
    const fewer = plan({ strategy: "next-free", accountIds, from: local("01T07:00") }, taken("01T20:00"));
    expect(fewer.accountId).toBe(OTHER);
    expect(fewer.reasons).toContainEqual({
      code: "chosen-account",
      message: "Of 2 accounts this one was chosen: it has 0 posts on that day.",
    });
  });
});

describe("balanced", () => {
  const strategy = "balanced";
  it("takes the day with the fewest posts of the next seven", () => {
    const busy = ["01", "02", "03", "05", "06", "07"].map((day) => `${day}T12:00`);
    const found = plan({ strategy }, taken(...busy));
    expect(clock(found.at).slice(0, 3)).toBe("04T");
    expect(messages(found)[0]).toMatch(/^Friday 4 December has no post yet, and /);
  });

  it("rather takes a day with fewer posts than an hour that is far from them", () => {
    const busy = taken("01T07:00", "01T23:30", "02T09:30");
    const found = plan({ strategy, from: local("01T07:00"), until: local("02T08:00") }, busy);
    expect(clock(found.at).slice(0, 5)).toBe("02T07");
  });

  it("in it, takes the hour that is furthest from others", () => {
    const found = plan({ strategy, until: local("01T20:00") }, taken("01T08:00", "01T12:00", "01T18:00"));
    expect(clock(found.at).slice(0, 5)).toBe("01T15");
  });

  it("takes the account with the fewest posts", () => {
    const busy = taken(...["01", "02", "03", "04", "05", "06", "07"].map((day) => `${day}T12:00`));
    const found = plan({ strategy, accountIds: [MAIN, OTHER] }, busy);
    expect(found.accountId).toBe(OTHER);
  });

  it("looks at the next week when this one is full", () => {
    const full = ["01", "02", "03", "04", "05", "06", "07"].map((day) => `${day}T12:00`);
    const found = plan({ strategy }, taken(...full), contextOf({ policy: { dailyMax: 1 } }));
    expect(clock(found.at).slice(0, 3)).toBe("08T");
  });
});

describe("immediate and fixed", () => {
  it("take the instant as it is, and tell what is in the way", () => {
    const fixed = plan({ strategy: "fixed", from: local("02T06:30") });
    expect([clock(fixed.at), fixed.score]).toEqual(["02T06:30", 0]);
    expect(messages(fixed)).toEqual([
      "6:30 on Wednesday 2 December is the time that was asked for.",
      "6:30 on Wednesday 2 December is in a blackout of the project.",
    ]);
    expect(fixed.alternatives.map(({ at }) => clock(at))).toEqual(["02T07:00", "02T08:00", "02T09:00"]);
    const now = plan({ strategy: "immediate", from: local("09T09:00") }, taken("01T05:30"));
    expect(now).toMatchObject({ at: NOW, score: 0, reasons: [{ code: "as-asked" }, { code: "blackout" }] });
  });

  it("of a pool take the account that is free then, else the one with fewer posts", () => {
    const strategy = "fixed";
    const accountIds = [MAIN, OTHER];
    const free = plan({ strategy, accountIds, from: local("02T09:00") }, taken("02T09:10"));
    expect(free).toMatchObject({ accountId: OTHER, score: 1, reasons: [{ code: "as-asked" }] });
    const fewer = plan({ strategy, accountIds, from: local("02T09:00") }, taken("02T20:10"));
    expect(fewer.accountId).toBe(OTHER);
    expect(plan({ strategy, accountIds: [OTHER, MAIN], from: local("02T09:00") }).accountId).toBe(MAIN);
  });
});

describe("a refusal", () => {
  it("says what was in the way, and what can be done", () => {
    const found = refusal({ strategy: "next-free", until: local("01T08:50") }, taken("01T07:30"));
    expect(found).toEqual({
      code: "no-free-slot",
      message:
        "No slot is free from 6:05 on Tuesday 1 December to 8:50 on Tuesday 1 December. 6:00 is in a blackout of the project. " +
        "7:00 is taken: a post is planned for 7:30. 8:00 is closer than 90 minutes to the post at 7:30.",
      remedy:
        "Give a later end or another account, or change the project's daily maximum, interval or blackouts.",
    });
  });

  it("tells an end before the beginning", () => {
    expect(refusal({ until: local("01T06:01") }).message).toBe(
      "The earliest slot would be 6:05 on Tuesday 1 December, and nothing may be later than 6:01 on Tuesday 1 December.",
    );
    expect(refusal({ from: new Date(NOW.getTime() + 367 * DAY) }).message).toMatch(
      /^The earliest slot would be/,
    );
  });

  it("tells a thread that no day has places for", () => {
    expect(refusal({ parts: 9 }).message).toBe(
      "The thread has 9 parts, and an account has 8 places for it in a day.",
    );
    expect(codes(plan({ parts: 9, priority: 3 }))).toContain("optimal-hour");
    expect(refusal({ parts: 11, priority: 1 }).message).toMatch(
      /^The thread has 11 parts, and an account has 10/,
    );
  });

  it("is the answer to a wish without an account", () => {
    expect(refusal({ accountIds: [] }).code).toBe("no-free-slot");
    expect(() => findSlot(wish({ accountIds: [], strategy: "fixed" }), new Map(), contextOf())).toThrow(
      RangeError,
    );
  });

  it("comes at the end of the horizon, not before", () => {
    const full = Array.from({ length: 367 }, (_, day) => ({
      id: `${day}`,
      at: new Date(local("01T12:00").getTime() + day * DAY),
      parts: 1,
    }));
    const context = contextOf({ policy: { dailyMax: 1 } });
    expect(refusal({ strategy: "balanced" }, new Map([[MAIN, full]]), context).message).toContain(
      "Tuesday 1 December is full: it has 1 of at most 1 posts.",
    );
    const found = plan({}, new Map([[MAIN, full.filter(({ id }) => id !== "300")]]), context);
    expect(found.at.getTime()).toBeGreaterThan(NOW.getTime() + 299 * DAY);
  });
});

describe("the urgent posts' share", () => {
  it("is for priority 1 to 3", () => {
    const policy = { dailyMax: 5 };
    const busy = taken("01T07:00", "01T11:00", "01T14:00", "01T17:00");
    const day = (priority: number) => clock(plan({ priority }, busy, contextOf({ policy })).at).slice(0, 2);
    expect([1, 2, 3, 4, 5, 10].map(day)).toEqual(["01", "01", "01", "02", "02", "02"]);
  });
});

describe("a low quota", () => {
  it("keeps posts further apart, and says so", () => {
    const window = { startAt: local("01T00:00"), resetAt: local("02T00:00") };
    const quotas = new Map([[MAIN, { limit: 100, used: 98, window }]]);
    const found = plan(
      { strategy: "next-free" },
      taken("01T07:00"),
      contextOf({ quotas, policy: { quotaBuffer: 0.2 } }),
    );
    expect(found.at.getTime()).toBeGreaterThan(local("01T14:00").getTime());
    expect(codes(found)).toContain("interval-stretched");
    const later = plan({ strategy: "next-free", from: local("02T00:00") }, new Map(), contextOf({ quotas }));
    expect(codes(later)).not.toContain("interval-stretched");
  });
});

describe("where the clocks change", () => {
  it.each(CLOCK_CHANGES)(
    "$timeZone, $change: each hour of the day at most once, as the clocks show it",
    ({ timeZone, before }) => {
      const now = new Date(before);
      const policy: Policy = {
        optimalHours: Array.from({ length: 24 }, (_, hour) => hour),
        jitterMs: 20 * MINUTE,
        leadMs: 0,
        quotaBuffer: 0,
      };
      const days = localDays(timeZone);
      const occupied: Occupied[] = [];
      const shown = new Set<string>();
      for (let index = 0; index < 48; index++) {
        const found = findSlot(wish({ id: `wish-${index}`, from: now }), new Map([[MAIN, occupied]]), {
          now,
          timeZone,
          policy: { ...policy, minIntervalMs: 25 * MINUTE },
        });
        const { at } = found.ok ? found.value : expect.fail(found.error.message);
        occupied.push({ id: `wish-${index}`, at, parts: 1 });
        const { day, hour, minute } = days.clockAt(at.getTime());
        expect(minute).toBeLessThanOrEqual(timeZone === "Australia/Lord_Howe" ? 50 : 20);
        expect(shown).not.toContain(`${day} ${hour}`);
        shown.add(`${day} ${hour}`);
      }
      expect(shown.size).toBe(48);
    },
  );
});

describe("any wish, beside any calendar", () => {
  const flexible = ["optimal", "preferred", "balanced", "next-free"] as const;
  const cases = contexts.chain((context) =>
    fc.record({
      context: fc.constant(context),
      occupied: occupiedAround(context.now),
      wish: wishesAt(context.now, { strategies: flexible, max: 1 }).map(([one = wish()]) => one),
    }),
  );

  it("gets a slot without a conflict, and alternatives that have none either, or a refusal", () => {
    let planned = 0;
    fc.assert(
      fc.property(cases, ({ context, occupied, wish: one }) => {
        const found = findSlot(one, occupied, context);
        if (!found.ok) return;
        planned += 1;
        const { leadMs = MINUTE } = context.policy;
        for (const choice of [found.value, ...found.value.alternatives]) {
          const placed = { ...one, accountId: choice.accountId, at: choice.at, id: "new" };
          expect([...(checkSlots([...asPlaced(occupied), placed], context).get("new") ?? [])]).toEqual([]);
          expect(one.accountIds).toContain(choice.accountId);
          expect(choice.at.getTime()).toBeGreaterThanOrEqual(
            Math.max(one.from.getTime(), context.now.getTime() + leadMs),
          );
          expect(choice.at.getTime()).toBeLessThanOrEqual(one.until?.getTime() ?? Number.POSITIVE_INFINITY);
          expect(choice.at.getTime() % 1_000).toBe(0);
          expect(choice.score).toBeGreaterThan(0);
          expect(choice.score).toBeLessThanOrEqual(1);
          expect(choice.reasons.length).toBeGreaterThan(0);
        }
        const all = [found.value, ...found.value.alternatives];
        expect(all.length).toBeLessThanOrEqual(4);
        expect(new Set(all.map(({ accountId, at }) => `${accountId} ${at.getTime()}`)).size).toBe(all.length);
        expect(all.map(({ score }) => score)).toEqual(
          all.map(({ score }) => score).toSorted((a, b) => b - a),
        );
        expect(findSlot(one, occupied, context)).toEqual(found);
      }),
      { numRuns: 400 },
    );
    expect(planned).toBeGreaterThan(200);
  });

  it("gets the best: no hour of the coming days is free and worth more", () => {
    fc.assert(
      fc.property(
        cases,
        fc.constantFrom("optimal" as const, "preferred" as const),
        ({ context, occupied, wish }, strategy) => {
          const one = { ...wish, strategy };
          const timetable = openTimetable(occupied, context);
          const worthOf = worthFor(strategy, timetable);
          const found = findSlot(one, occupied, context);
          const score = found.ok ? found.value.score : 0;
          const fromMs = Math.max(Math.ceil(one.from.getTime() / 1_000) * 1_000, timetable.earliestMs);
          const toMs = Math.min(one.until?.getTime() ?? Number.POSITIVE_INFINITY, fromMs + 4 * DAY);
          const demand = { parts: one.parts, isUrgent: isUrgent(one.priority) };
          for (let day = timetable.days.dayOf(fromMs); day <= timetable.days.dayOf(toMs); day++)
            for (const [hour, span] of timetable.days.hoursOn(day).entries())
              for (const accountId of one.accountIds) {
                if (!span) continue;
                const waited = Math.max(0, span.startMs - fromMs) / DAY;
                if (worthOf(accountId, day, hour) * 0.93 ** waited <= score + 1e-9) continue;
                const last = Math.min(span.startMs + timetable.rules.jitterMs, span.endMs - 1, toMs);
                for (let atMs = Math.max(span.startMs, fromMs); atMs <= last; atMs += 30_000)
                  expect([
                    accountId,
                    atMs,
                    timetable.calendar(accountId).isFree(new Date(atMs), demand),
                  ]).toEqual([accountId, atMs, false]);
              }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is never later with more of the quota, and never worse off", () => {
    const quotaCases = cases.chain((one) =>
      fc.record({
        one: fc.constant(one),
        limit: fc.integer({ min: 5, max: 60 }),
        shares: fc.tuple(
          fc.double({ min: 0.6, max: 1, noNaN: true }),
          fc.double({ min: 0.6, max: 1, noNaN: true }),
        ),
        resetHours: fc.integer({ min: 6, max: 48 }),
      }),
    );
    let stretched = 0;
    fc.assert(
      fc.property(quotaCases, ({ one: { context, occupied, wish: one }, limit, shares, resetHours }) => {
        const resetAt = new Date(context.now.getTime() + resetHours * HOUR);
        const [few, more] = shares.map((share) => Math.floor(share * limit)).toSorted((a, b) => b - a);
        const findWith = (strategy: PlanWish["strategy"], used = 0) => {
          const quota = { limit, used, window: { startAt: new Date(resetAt.getTime() - DAY), resetAt } };
          const quotas = new Map(ACCOUNTS.map((id) => [id, quota]));
          const { until: _, ...open } = one;
          return findSlot({ ...open, strategy, from: context.now }, occupied, { ...context, quotas });
        };
        const [less, rich] = [findWith("next-free", few), findWith("next-free", more)];
        if (less.ok) {
          const { at } = rich.ok ? rich.value : expect.fail("more quota, no slot");
          expect(at.getTime()).toBeLessThanOrEqual(less.value.at.getTime());
          if (at < less.value.at) stretched += 1;
        }
        for (const strategy of ["optimal", "preferred"] as const) {
          const [worse, better] = [findWith(strategy, few), findWith(strategy, more)];
          if (worse.ok) expect(better.ok && better.value.score >= worse.value.score).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
    expect(stretched).toBeGreaterThan(10);
  });
});

describe("alternatives", () => {
  it("of a wish are what is free, in its own order of merit", () => {
    const timetable = openTimetable(taken("01T09:10"), contextOf());
    const found = findAlternatives(timetable, wish(), 2);
    expect(found.map(({ at }) => clock(at).slice(0, 5))).toEqual(["01T12", "01T15"]);
    const fixed = findAlternatives(timetable, wish({ strategy: "fixed", from: local("01T09:00") }), 1);
    expect(fixed.map(({ at }) => clock(at))).toEqual(["01T10:40"]);
  });
});
