import { describe, expect, it } from "vitest";
import { asAccountId } from "#shared/domain/ids.ts";
import type { OccupiedSlots } from "#shared/domain/planning/calendar.ts";
import { findSlot } from "#shared/domain/planning/find-slot.ts";
import type { PlanContext, PlanWish } from "#shared/domain/planning/plan.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";

const MINUTE = 60_000;
const MAIN = asAccountId("owner.main");
const OTHER = asAccountId("owner.other");
/** Of Berlin in December. */
const local = (time: string): Date => new Date(`2026-12-${time}:00+01:00`);
/** A Tuesday. */
const NOW = local("01T06:00");

interface Given {
  readonly wish?: Partial<PlanWish>;
  /** Slots of the first account, and of the other. */
  readonly taken?: readonly string[];
  readonly others?: readonly string[];
  readonly policy?: Partial<Policy>;
  readonly context?: Partial<PlanContext>;
}

function find({ wish, taken = [], others = [], policy, context }: Given) {
  const slots = (times: readonly string[]) => times.map((time) => ({ id: time, at: local(time), parts: 1 }));
  const occupied: OccupiedSlots = new Map([
    [MAIN, slots(taken)],
    [OTHER, slots(others)],
  ]);
  return findSlot(
    { id: "wish", strategy: "optimal", from: NOW, accountIds: [MAIN], parts: 1, priority: 5, ...wish },
    occupied,
    {
      now: NOW,
      timeZone: "Europe/Berlin",
      ...context,
      policy: {
        minIntervalMs: 90 * MINUTE,
        dailyMax: 10,
        blackout: { fromHour: 0, toHour: 7 },
        optimalHours: [9, 12, 15, 18, 21],
        jitterMs: 0,
        leadMs: 5 * MINUTE,
        urgentShare: 0.2,
        ...policy,
      },
    },
  );
}

function planned(given: Given) {
  const found = find(given);
  if (!found.ok) return expect.fail(found.error.message);
  const said = ({ reasons }: Pick<typeof found.value, "reasons">) =>
    reasons.map(({ code, message }) => `${code}: ${message}`);
  return { best: said(found.value), next: found.value.alternatives[0] && said(found.value.alternatives[0]) };
}

describe("why a slot was chosen, and why the next best would be", () => {
  const twoAccounts = { accountIds: [MAIN, OTHER] };
  it.each<[string, Given, best: readonly string[], next?: readonly string[]]>([
    [
      "an optimal hour",
      {},
      ["optimal-hour: 9:00 on Tuesday 1 December is the earliest free optimal hour."],
      ["optimal-hour: 12:00 on Tuesday 1 December is another free optimal hour."],
    ],
    [
      "an hour of one's own",
      { wish: { strategy: "preferred" }, policy: { preferredHours: [8, 20] } },
      ["preferred-hour: 8:00 on Tuesday 1 December is the earliest free hour of yours."],
      ["preferred-hour: 20:00 on Tuesday 1 December is another free hour of yours."],
    ],
    [
      "a free minute",
      { wish: { strategy: "next-free" }, taken: ["01T07:00"] },
      [
        "next-free: 8:30 on Tuesday 1 December is the earliest free time.",
        "blackout: 6:00 is in a blackout of the project.",
        "hour-taken: 7:00 is taken: a post is planned for 7:00.",
      ],
      ["next-free: 9:00 on Tuesday 1 December is free as well."],
    ],
    [
      "an hour near the best ones",
      { wish: { until: local("01T08:30") } },
      [
        "next-best-hour: 8:00 on Tuesday 1 December is a free hour near the best ones (0.80 of 1); no better one is free soon enough.",
      ],
      [
        "next-best-hour: 7:00 on Tuesday 1 December is a free hour near the best ones (0.70 of 1); no better one is free soon enough.",
      ],
    ],
    [
      "an hour in which posts did well",
      {
        context: { curve: (_, hour) => ({ [24 + 9]: 0.4, [24 + 10]: 0.987 })[hour] },
        wish: { until: local("01T11:30") },
      },
      [
        "learned-hour: 10:00 on Tuesday 1 December is a free hour in which the account's posts do well (0.99 of 1).",
      ],
    ],
    [
      "a quiet day",
      { wish: { strategy: "balanced" }, taken: ["01T12:00"] },
      [
        "quiet-day: Wednesday 2 December has no post yet, and 9:00 on Wednesday 2 December is more than 12 hours from the next one.",
      ],
    ],
    [
      "a day with a post",
      { wish: { strategy: "balanced", until: local("01T23:30") }, taken: ["01T12:00"] },
      [
        "quiet-day: Tuesday 1 December has 1 post, and 23:00 on Tuesday 1 December is 11 hours from the next one.",
      ],
    ],
    [
      "a day with posts, 12 hours from them",
      {
        wish: { strategy: "balanced", until: local("01T22:30") },
        taken: ["01T07:00", "01T08:30", "01T10:00"],
      },
      [
        "quiet-day: Tuesday 1 December has 3 posts, and 22:00 on Tuesday 1 December is more than 12 hours from the next one.",
      ],
    ],
    [
      "an account of several",
      { wish: twoAccounts, taken: ["01T09:00", "01T15:00"], others: ["01T15:00"] },
      [
        "optimal-hour: 9:00 on Tuesday 1 December is the earliest free optimal hour.",
        "chosen-account: Of 2 accounts this one was chosen: it has 1 post on that day.",
      ],
    ],
    [
      "an account of several, with more posts",
      { wish: twoAccounts, taken: ["01T09:00", "01T15:00"], others: ["01T15:00", "01T18:00"] },
      [
        "optimal-hour: 9:00 on Tuesday 1 December is the earliest free optimal hour.",
        "chosen-account: Of 2 accounts this one was chosen: it has 2 posts on that day.",
      ],
    ],
  ])("%s", (_, given, best, next) => {
    const said = planned(given);
    expect(said.best).toEqual(best);
    if (next) expect(said.next).toEqual(next);
  });

  it("names three hours that were in the way, not all, and a full day once", () => {
    expect(planned({ taken: ["01T09:10", "01T12:10", "01T15:10", "01T18:10"] }).best).toEqual([
      "optimal-hour: 21:00 on Tuesday 1 December is the earliest free optimal hour.",
      "hour-taken: 9:00 is taken: a post is planned for 9:10.",
      "hour-taken: 12:00 is taken: a post is planned for 12:10.",
      "hour-taken: 15:00 is taken: a post is planned for 15:10.",
    ]);
    expect(planned({ taken: ["01T09:10", "01T12:10"], policy: { dailyMax: 2 } }).best).toEqual([
      "optimal-hour: 12:00 on Wednesday 2 December is the earliest free optimal hour.",
      "day-full: Tuesday 1 December is full: it has 2 of at most 2 posts.",
      "no-quota: 9:00 on Wednesday 2 December is not possible: within 24 hours the account would have more than 2 posts.",
    ]);
  });

  it("tells how far posts are kept apart while the quota is low, until it is full again", () => {
    const window = { startAt: local("01T00:00"), resetAt: local("02T00:00") };
    const quotas = new Map([[MAIN, { limit: 100, used: 94, window }]]);
    const low = planned({ wish: { strategy: "next-free" }, context: { quotas } });
    expect(low.best[1]).toMatch(
      /^interval-stretched: Little of the account's quota is left: its posts are (\d+ minutes|\d hours) apart until 0:00 on Wednesday 2 December\.$/,
    );
    const atMidnight = planned({
      wish: { strategy: "next-free", from: local("02T00:00") },
      policy: { blackout: { fromHour: 1, toHour: 2 } },
      context: { quotas },
    });
    expect(atMidnight.best).toEqual(["next-free: 0:00 on Wednesday 2 December is the earliest free time."]);
  });
});

describe("why there is none", () => {
  it.each<[string, Given, message: string, remedy: string]>([
    [
      "an end before the beginning",
      { wish: { until: local("01T05:00") } },
      "The earliest slot would be 6:05 on Tuesday 1 December, and nothing may be later than 5:00 on Tuesday 1 December.",
      "Give a later end, or publish it now.",
    ],
    [
      "a thread that no day has places for",
      { wish: { parts: 9 } },
      "The thread has 9 parts, and an account has 8 places for it in a day.",
      "Make the thread shorter, give it a priority from 1 to 3, or raise the project's daily maximum.",
    ],
    [
      "everything taken",
      { wish: { until: local("01T08:30") }, taken: ["01T07:30"] },
      "No slot is free from 6:05 on Tuesday 1 December to 8:30 on Tuesday 1 December. 6:00 is in a blackout of the project. 7:00 is taken: a post is planned for 7:30. 8:00 is closer than 90 minutes to the post at 7:30.",
      "Give a later end or another account, or change the project's daily maximum, interval or blackouts.",
    ],
    [
      "no account at all",
      { wish: { accountIds: [], until: local("01T08:30") } },
      "No slot is free from 6:05 on Tuesday 1 December to 8:30 on Tuesday 1 December.",
      "Give a later end or another account, or change the project's daily maximum, interval or blackouts.",
    ],
  ])("%s", (_, given, message, remedy) => {
    const found = find(given);
    expect(found.ok ? found.value.at : found.error).toEqual({ code: "no-free-slot", message, remedy });
  });

  it("may be found at the very instant at which the search ends", () => {
    const only = find({ wish: { strategy: "next-free", from: local("01T07:00"), until: local("01T07:00") } });
    expect(only.ok && only.value.at).toEqual(local("01T07:00"));
  });
});
