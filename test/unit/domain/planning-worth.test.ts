import { describe, expect, it } from "vitest";
import { type AccountId, asAccountId } from "#shared/domain/ids.ts";
import { hourOfWeek, jitterFor, worthFor } from "#shared/domain/planning/hour-worth.ts";
import type { PlanContext } from "#shared/domain/planning/plan.ts";
import { type Policy, rulesOf } from "#shared/domain/planning/rules.ts";
import type { Strategy } from "#shared/domain/planning/strategy.ts";

const MAIN = asAccountId("owner.main");
/** A Thursday: days are numbered from 1970-01-01. */
const DAY = 0;

const worths = (strategy: Strategy, policy: Policy, curve?: PlanContext["curve"]): readonly number[] => {
  const context: PlanContext = { now: new Date(0), timeZone: "UTC", policy, ...(curve && { curve }) };
  const worthOf = worthFor(strategy, { context, rules: rulesOf(policy) });
  return Array.from({ length: 24 }, (_, hour) => Number(worthOf(MAIN, DAY, hour).toFixed(3)));
};

describe("the rules of a policy", () => {
  it("are plain ones where a project never said how, and where there is none", () => {
    const plain = {
      optimalHours: [9, 12, 15, 18, 21],
      preferredHours: [],
      dailyMin: 0,
      jitterMs: 2_400_000,
      leadMs: 60_000,
      quotaBuffer: 0.2,
      urgentShare: 0.2,
      duplicates: { windowMs: 0, threshold: 0.6, near: "warns" },
      uniqueMedia: false,
    };
    expect(rulesOf(undefined)).toEqual(plain);
    expect(rulesOf({})).toEqual(plain);
  });

  it("are what it says, also where that is nothing", () => {
    const said = {
      optimalHours: [],
      preferredHours: [1],
      dailyMin: 2,
      jitterMs: 0,
      leadMs: 0,
      quotaBuffer: 0,
      urgentShare: 0,
      duplicates: { windowMs: 1, threshold: 0.9, near: "blocks" },
      uniqueMedia: true,
    } as const;
    expect(rulesOf(said)).toEqual(said);
    expect(rulesOf({ ...said, uniqueMedia: false, dailyMin: 0 })).toMatchObject({
      uniqueMedia: false,
      dailyMin: 0,
    });
  });
});

describe("what an hour is worth", () => {
  const policy: Policy = { optimalHours: [1, 10] };

  it("is less the further it is from an optimal one, round the clock, and never nothing", () => {
    expect(worths("optimal", policy)).toEqual([
      0.8, 1, 0.8, 0.7, 0.6, 0.5, 0.5, 0.6, 0.7, 0.8, 1, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.3, 0.3, 0.3, 0.4,
      0.5, 0.6, 0.7,
    ]);
  });

  it("is the same everywhere for the next free one", () => {
    expect(new Set(worths("next-free", policy))).toEqual(new Set([1]));
  });

  it("is most in the owner's hours, and three quarters elsewhere; without such hours as in optimal ones", () => {
    const preferred = worths("preferred", { ...policy, preferredHours: [3] });
    expect([preferred[1], preferred[2], preferred[3]]).toEqual([0.75, 0.6, 1]);
    expect(worths("preferred", policy)).toEqual(worths("optimal", policy));
    // Nobody's wish but that of `preferred`.
    expect(worths("optimal", { ...policy, preferredHours: [3] })).toEqual(worths("optimal", policy));
  });

  it("is what the curve knows of that hour of the week, for what learns", () => {
    const asked: [AccountId, number][] = [];
    const curve = (accountId: AccountId, hour: number) => {
      asked.push([accountId, hour]);
      return hour === hourOfWeek(DAY, 4) ? 0.123 : undefined;
    };
    for (const strategy of ["optimal", "balanced"] as const) {
      const learned = worths(strategy, policy, curve);
      expect([learned[4], learned[5]]).toEqual([0.123, 0.5]);
    }
    expect(asked[0]).toEqual([MAIN, 72]);
    asked.length = 0;
    for (const strategy of ["preferred", "next-free"] as const)
      expect(worths(strategy, policy, curve)[4]).not.toBe(0.123);
    expect(asked).toEqual([]);
  });

  it("counts the hours of a week from Monday", () => {
    // 5 January 1970 was one.
    expect([4, 5, 10, 11].map((day) => hourOfWeek(day, 7))).toEqual([7, 31, 151, 7]);
  });
});

describe("the minute of an hour", () => {
  it("is the same for the same post, and another for another post, account, day and hour", () => {
    const others = [
      jitterFor("b")(MAIN, 7, 9),
      jitterFor("a")(asAccountId("owner.other"), 7, 9),
      jitterFor("a")(MAIN, 8, 9),
      jitterFor("a")(MAIN, 7, 10),
    ];
    const jitterOf = jitterFor("a");
    expect([jitterOf(MAIN, 7, 9), jitterOf(MAIN, 7, 9)]).toEqual(Array(2).fill(jitterFor("a")(MAIN, 7, 9)));
    expect(new Set([...others, jitterOf(MAIN, 7, 9)]).size).toBe(5);
  });

  it("is never told by a day's last hour and the next day's first", () => {
    const jitterOf = jitterFor("a");
    const all = Array.from({ length: 240 }, (_, index) => jitterOf(MAIN, Math.floor(index / 24), index % 24));
    expect(new Set(all).size).toBe(240);
    for (const share of all) expect(share >= 0 && share < 1).toBe(true);
  });
});
