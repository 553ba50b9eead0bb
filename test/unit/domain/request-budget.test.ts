import { describe, expect, it } from "vitest";
import { budgetFields, type RequestBudget, spend, windowOf } from "#shared/domain/request-budget.ts";

const budget: RequestBudget = { name: "hour", limit: 3, windowMs: 3_600_000 };
const at = (time: string): Date => new Date(`2026-12-01T${time}Z`);

describe("the window of a request", () => {
  it.each([
    ["01:00:00.000", "01:00:00.000", "02:00:00.000"],
    ["01:59:59.999", "01:00:00.000", "02:00:00.000"],
  ])("at %s is from %s to %s", (now, startAt, endAt) => {
    expect(windowOf("key", budget, at(now))).toEqual({
      sender: "key",
      startAt: at(startAt),
      endAt: at(endAt),
    });
  });

  it("is a minute for a budget of a minute", () => {
    expect(windowOf("key", { ...budget, windowMs: 60_000 }, at("01:10:42.000"))).toMatchObject({
      startAt: at("01:10:00.000"),
      endAt: at("01:11:00.000"),
    });
  });
});

describe("what is spent", () => {
  const window = windowOf("key", budget, at("01:30:00.000"));
  it.each([
    [1, "01:30:00.000", { isWithin: true, remaining: 2, resetSeconds: 1_800 }],
    [3, "01:30:00.001", { isWithin: true, remaining: 0, resetSeconds: 1_800 }],
    [4, "01:59:58.999", { isWithin: false, remaining: 0, resetSeconds: 2 }],
    [9, "01:59:59.999", { isWithin: false, remaining: 0, resetSeconds: 1 }],
    // A clock that is ahead of the one that opened the window.
    [1, "02:00:05.000", { isWithin: true, remaining: 2, resetSeconds: 1 }],
  ])("by request %i at %s", (sent, now, expected) => {
    expect(spend(budget, window, sent, at(now))).toEqual(expected);
  });

  it("is told in two headers", () => {
    expect(budgetFields(budget, { isWithin: true, remaining: 2, resetSeconds: 9 })).toEqual({
      policy: '"hour";q=3;w=3600',
      state: '"hour";r=2;t=9',
    });
  });
});
