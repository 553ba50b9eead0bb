import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CheckedPolicy,
  checkPolicy,
  MAX_DATES,
  mostPostsPerDay,
  refusalsIn,
  usableHours,
} from "#shared/domain/planning/check-policy.ts";
import { applyPreset, PRESET_NAMES, PRESETS, type PresetName } from "#shared/domain/planning/presets.ts";
import { type Policy, rulesOf } from "#shared/domain/planning/rules.ts";
import { threadMs } from "#shared/domain/policy.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const check = (policy: Policy, over: Partial<CheckedPolicy> = {}) =>
  checkPolicy({ policy, timeZone: "UTC", ...over });
const brief = (policy: Policy, over?: Partial<CheckedPolicy>) =>
  check(policy, over).map(({ severity, code, pointer }) => `${severity} ${code} ${pointer}`);
const messages = (policy: Policy) => check(policy).map(({ message }) => message);

/**
 * Posts `count` times on every one of many days, each time as early as the interval and the blackout allow; all steps are
 * five minutes, so that 400 days show everything that ever happens.
 */
function holds(policy: Policy, count: number): boolean {
  const { minIntervalMs = 0, blackout } = policy;
  const isBlack = (at: number) => {
    if (!blackout) return false;
    const hour = Math.floor((at % DAY_MS) / HOUR_MS);
    const { fromHour, toHour } = blackout;
    return fromHour < toHour ? hour >= fromHour && hour < toHour : hour >= fromHour || hour < toHour;
  };
  let lastAt = Number.NEGATIVE_INFINITY;
  for (let day = 0; day < 400; day++)
    for (let post = 0; post < count; post++) {
      let at = Math.max(day * DAY_MS, lastAt + minIntervalMs);
      while (isBlack(at)) at += 5 * MINUTE_MS;
      if (at >= (day + 1) * DAY_MS) return false;
      lastAt = at;
    }
  return true;
}

/** Posts in the jitter after every one of the hours, for as many days. */
function usesAll(hours: readonly number[], minIntervalMs: number, jitterMs: number): boolean {
  let lastAt = Number.NEGATIVE_INFINITY;
  for (let day = 0; day < 400; day++)
    for (const hour of hours.toSorted((a, b) => a - b)) {
      const startAt = day * DAY_MS + hour * HOUR_MS;
      lastAt = Math.max(startAt, lastAt + minIntervalMs);
      if (lastAt > startAt + jitterMs) return false;
    }
  return true;
}

const intervals = fc.integer({ min: 6, max: 288 }).map((steps) => steps * 5 * MINUTE_MS);
const blackouts = fc
  .record({ fromHour: fc.nat(23), toHour: fc.integer({ min: 0, max: 24 }) })
  .filter(({ fromHour, toHour }) => fromHour !== toHour && toHour - fromHour < 24);

describe("the arithmetic of a day", () => {
  it.each([
    ["no interval", {}, undefined],
    ["4 hours outside 0 to 7", { minIntervalMs: 4 * HOUR_MS, blackout: { fromHour: 0, toHour: 7 } }, 5],
    [
      "90 minutes outside 0 to 7",
      { minIntervalMs: 90 * MINUTE_MS, blackout: { fromHour: 0, toHour: 7 } },
      12,
    ],
    [
      "4 hours in 16, whose end is black",
      { minIntervalMs: 4 * HOUR_MS, blackout: { fromHour: 23, toHour: 7 } },
      4,
    ],
    ["5 hours around the clock", { minIntervalMs: 5 * HOUR_MS }, 4],
    ["a day", { minIntervalMs: DAY_MS }, 1],
  ])("with %s", (_, policy, most) => {
    expect(mostPostsPerDay(policy)).toBe(most);
  });

  it("is what a day can really hold, every day, and not one post more", () => {
    fc.assert(
      fc.property(intervals, fc.option(blackouts, { nil: undefined }), (minIntervalMs, blackout) => {
        const policy = { minIntervalMs, ...(blackout && { blackout }) };
        const most = mostPostsPerDay(policy) ?? 0;
        expect([holds(policy, most), holds(policy, most + 1)]).toEqual([true, false]);
      }),
    );
  });

  it("lets no policy pass whose daily minimum a day cannot hold, and refuses no other for it", () => {
    fc.assert(
      fc.property(
        intervals,
        fc.option(blackouts, { nil: undefined }),
        fc.nat(12),
        fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
        (minIntervalMs, blackout, dailyMin, dailyMax) => {
          const policy = {
            minIntervalMs,
            dailyMin,
            ...(blackout && { blackout }),
            ...(dailyMax !== undefined && { dailyMax }),
          };
          const isPossible = holds(policy, dailyMin) && (dailyMax === undefined || dailyMin <= dailyMax);
          expect(refusalsIn(check(policy)).length === 0).toBe(isPossible);
        },
      ),
    );
  });
});

describe("optimal hours and the interval between them", () => {
  it.each([
    [[9, 12, 15, 18, 21], 4 * HOUR_MS, 40 * MINUTE_MS, [9, 15, 21]],
    [[9, 12, 15, 18, 21], 3 * HOUR_MS, 0, [9, 12, 15, 18, 21]],
    [[21, 9, 13, 17], 4 * HOUR_MS, 40 * MINUTE_MS, [9, 13, 17, 21]],
    [[9, 12, 15], 200 * MINUTE_MS, 40 * MINUTE_MS, [9, 12, 15]],
    [[9, 12, 15], 201 * MINUTE_MS, 40 * MINUTE_MS, [9, 12]],
    [[0, 23], 2 * HOUR_MS, 0, [23]],
    [[9, 10], 0, 0, [9, 10]],
    [[9], DAY_MS, 0, [9]],
    [[9, 10, 11], 12 * HOUR_MS, 0, [9]],
  ])("of %j, %d ms apart with a jitter of %d ms, leave %j", (hours, minIntervalMs, jitterMs, left) => {
    expect(usableHours(hours, minIntervalMs, jitterMs)).toEqual(left);
  });

  it("leave all of them exactly when all of them can be used every day", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(23), { minLength: 1, maxLength: 8 }),
        fc.nat(72).map((steps) => steps * 5 * MINUTE_MS),
        fc.nat(11).map((steps) => steps * 5 * MINUTE_MS),
        (optimalHours, minIntervalMs, jitterMs) => {
          const refused = refusalsIn(check({ optimalHours, minIntervalMs, jitterMs })).length > 0;
          expect(refused).toBe(!usesAll(optimalHours, minIntervalMs, jitterMs));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("what is said about a policy", () => {
  it("has the arithmetic of the interval and the day", () => {
    const policy = {
      ...PRESETS.steady,
      minIntervalMs: 4 * HOUR_MS,
      dailyMin: 6,
    };
    expect(check(policy)).toEqual([
      {
        severity: "refuses",
        code: "daily-min-unreachable",
        pointer: "/dailyMin",
        message:
          "4 hours apart outside 0:00 to 7:00 (17 hours a day) is at most 5 posts a day, and the daily minimum is 6.",
      },
      {
        severity: "warns",
        code: "daily-max-unreachable",
        pointer: "/dailyMax",
        message:
          "4 hours apart outside 0:00 to 7:00 (17 hours a day) is at most 5 posts a day: the daily maximum of 10 is never reached.",
      },
      {
        severity: "refuses",
        code: "optimal-hours-too-close",
        pointer: "/optimalHours",
        message:
          "4 hours between two posts, with a jitter of 40 minutes, leave 9, 15, 21 of the optimal hours 9, 12, 15, 18, 21. Name these, or an interval of at most 3 hours.",
      },
    ]);
  });

  it("names hours that are never used, each by its place", () => {
    const policy = { blackout: { fromHour: 22, toHour: 6 }, optimalHours: [9, 22], preferredHours: [5, 6] };
    expect(brief(policy)).toEqual([
      "refuses hour-in-blackout /optimalHours/1",
      "refuses hour-in-blackout /preferredHours/0",
    ]);
    expect(messages(policy)[0]).toBe("22:00 lies in the blackout from 22:00 to 6:00.");
  });

  it.each([
    { fromHour: 0, toHour: 24 },
    { fromHour: 7, toHour: 7 },
    { fromHour: 0, toHour: 0 },
  ])("is that the blackout %j leaves nothing", (blackout) => {
    expect(brief({ ...PRESETS.steady, blackout })).toEqual(["refuses no-open-hours /blackout"]);
  });

  it("compares the minimum with the maximum, with the share of urgent posts, and with the money", () => {
    expect(brief({ dailyMin: 3, dailyMax: 2 })).toEqual(["refuses daily-min-over-max /dailyMin"]);
    expect(brief({ dailyMin: 8, dailyMax: 10, urgentShare: 0.2 })).toEqual([]);
    expect(brief({ dailyMin: 9, dailyMax: 10, urgentShare: 0.2 })).toEqual([
      "warns daily-min-needs-urgent /urgentShare",
    ]);
    expect(brief({ dailyMin: 7, dailyMax: 10, urgentShare: 0.3 })).toEqual([]);
    const month = { dailyMin: 6, monthlyBudgetMicros: 2_790_000 };
    expect(brief(month)).toEqual([]);
    expect(messages({ ...month, monthlyBudgetMicros: 2_780_000 })).toEqual([
      "6 posts a day at $0.015 are $2.79 in a month of 31 days: more than the budget of $2.78.",
    ]);
  });

  it("is nothing about a project without rules", () => {
    expect(check({})).toEqual([]);
    expect(check({ frozen: true, minIntervalMs: 90 * MINUTE_MS, dailyMax: 10 })).toEqual([]);
  });
});

describe("ranges", () => {
  it.each<[Policy, string]>([
    [{ minIntervalMs: DAY_MS + 1 }, "/minInterval"],
    [{ minIntervalMs: -1 }, "/minInterval"],
    [{ dailyMin: 1.5 }, "/dailyMin"],
    [{ dailyMin: 2_401 }, "/dailyMin"],
    [{ dailyMax: 0 }, "/dailyMax"],
    [{ blackout: { fromHour: 24, toHour: 3 } }, "/blackout/fromHour"],
    [{ blackout: { fromHour: 1, toHour: 25 } }, "/blackout/toHour"],
    [{ blackoutDates: ["2026-12-25", "2026-02-30"] }, "/blackoutDates/1"],
    [{ holidays: [{ name: "a", dates: ["25.12.2026"] }] }, "/holidays/0/dates/0"],
    [
      {
        holidays: [
          { name: "a", dates: [] },
          { name: "a", dates: [] },
        ],
      },
      "/holidays/1/name",
    ],
    [{ optimalHours: [9, 24] }, "/optimalHours/1"],
    [{ optimalHours: [9, 9] }, "/optimalHours/1"],
    [{ optimalHours: [] }, "/optimalHours"],
    [{ preferredHours: [-1] }, "/preferredHours/0"],
    [{ jitterMs: HOUR_MS }, "/jitter"],
    [{ leadMs: 8 * DAY_MS }, "/lead"],
    [{ quotaBuffer: 1 }, "/quotaBuffer"],
    [{ urgentShare: -0.1 }, "/urgentShare"],
    [{ urgentShare: Number.NaN }, "/urgentShare"],
    [{ duplicates: { windowMs: 366 * DAY_MS, threshold: 0.6, near: "warns" } }, "/duplicates/window"],
    [{ duplicates: { windowMs: 0, threshold: 0.49, near: "warns" } }, "/duplicates/threshold"],
    [{ monthlyBudgetMicros: -1 }, "/monthlyBudgetUsd"],
  ])("refuse %j", (policy, pointer) => {
    expect(brief(policy)).toEqual([`refuses policy-out-of-range ${pointer}`]);
  });

  it("refuse more dates than a year needs", () => {
    const blackoutDates = Array.from({ length: MAX_DATES }, () => "2026-12-25");
    expect(brief({ blackoutDates })).toEqual([]);
    expect(brief({ blackoutDates, holidays: [{ name: "a", dates: ["2026-12-26"] }] })).toEqual([
      "refuses policy-out-of-range /blackoutDates",
    ]);
  });

  it("hold for the zone and the weight too, and are told all at once", () => {
    expect(brief({ dailyMax: 0, jitterMs: -1 }, { timeZone: "Berlin", weight: 11 })).toEqual([
      "refuses policy-out-of-range /dailyMax",
      "refuses policy-out-of-range /jitter",
      "refuses policy-out-of-range /timeZone",
      "refuses policy-out-of-range /weight",
    ]);
  });

  it("let the ends of each pass", () => {
    const least = {
      minIntervalMs: 0,
      dailyMin: 0,
      dailyMax: 1,
      jitterMs: 0,
      leadMs: 0,
      quotaBuffer: 0,
      urgentShare: 0,
    };
    const duplicates = { windowMs: 365 * DAY_MS, threshold: 1, near: "blocks" } as const;
    expect(check({ ...least, monthlyBudgetMicros: 0, duplicates }, { weight: 1 })).toEqual([]);
    const hours = { optimalHours: [23, 0], preferredHours: [0, 23] };
    expect(check({ ...hours, dailyMax: 2_400, jitterMs: HOUR_MS - 1_000 }, { weight: 10 })).toEqual([]);
  });
});

describe("presets", () => {
  const complete = PRESET_NAMES.filter((name) => name !== "open");

  it.each(PRESET_NAMES)("%s passes its own check without a warning", (name) => {
    expect(check(PRESETS[name])).toEqual([]);
  });

  it("leaves what belongs to the project alone", () => {
    const own: Policy = {
      frozen: false,
      monthlyBudgetMicros: 0,
      blackoutDates: ["2026-12-24"],
      holidays: [{ name: "feasts", dates: ["2026-12-25"] }],
      preferredHours: [8],
      reconcile: "hold",
    };
    const applied = applyPreset({ ...own, minIntervalMs: 1, dailyMax: 999, uniqueMedia: false }, "quiet");
    expect(applied).toEqual({ ...PRESETS.quiet, ...own });
    expect(applyPreset({ minIntervalMs: 1 }, "open")).toEqual({});
    expect(applyPreset({}, "steady")).toEqual(PRESETS.steady);
  });

  it.each(complete)("%s says everything that planning asks", (name) => {
    expect(Object.keys(PRESETS[name])).toEqual(expect.arrayContaining(Object.keys(rulesOf({}))));
    expect(PRESETS[name]).toMatchObject({
      blackout: { fromHour: 0, toHour: 7 },
      quotaBuffer: 0.2,
      urgentShare: 0.2,
      duplicates: { windowMs: 30 * DAY_MS, threshold: 0.6, near: "warns" },
      uniqueMedia: true,
    });
  });

  it.each<[PresetName, number, number, number, number]>([
    ["steady", 90, 40, 6, 10],
    ["conservative", 240, 40, 3, 5],
    ["frequent", 5, 5, 20, 100],
    ["regular", 15, 15, 12, 34],
    ["quiet", 60, 40, 0, 6],
  ])("%s: %d minutes and a jitter of %d, %d to %d a day", (name, interval, jitter, dailyMin, dailyMax) => {
    expect(PRESETS[name]).toMatchObject({
      minIntervalMs: interval * MINUTE_MS,
      jitterMs: jitter * MINUTE_MS,
      dailyMin,
      dailyMax,
    });
  });

  it("have room between two posts for a thread of the usual length", () => {
    for (const name of complete) expect(PRESETS[name].minIntervalMs ?? 0).toBeGreaterThan(threadMs(25));
  });

  it("open has no rules", () => {
    expect(PRESETS.open).toEqual({});
  });
});
