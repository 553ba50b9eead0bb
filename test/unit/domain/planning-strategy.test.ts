import { describe, expect, it } from "vitest";
import { newGate } from "#shared/domain/gate.ts";
import { asAccountId } from "#shared/domain/ids.ts";
import { decideStrategy } from "#shared/domain/planning/decide-strategy.ts";
import { quotaOf } from "#shared/domain/planning/quota.ts";
import { isFlexible, STRATEGIES } from "#shared/domain/planning/strategy.ts";

const TIME = "2026-12-01 09:00";

describe("decideStrategy", () => {
  it.each([
    [undefined, undefined, "immediate"],
    [undefined, " NOW ", "immediate"],
    [undefined, TIME, "fixed"],
    ["immediate", "now", "immediate"],
    ["fixed", TIME, "fixed"],
    ["optimal", "now", "optimal"],
    ["optimal", TIME, "optimal"],
  ] as const)("makes of %s and %s %s", (strategy, publishAt, expected) => {
    expect(decideStrategy(strategy, publishAt)).toEqual({ ok: true, value: expected });
  });

  it.each([
    ["fixed", undefined, /fixed needs a publishAt/],
    ["fixed", "now", /fixed needs a publishAt/],
    ["immediate", TIME, /immediate takes no publishAt/],
  ] as const)("refuses %s with %s", (strategy, publishAt, message) => {
    expect(decideStrategy(strategy, publishAt)).toMatchObject({
      error: { code: "strategy-and-time", message: expect.stringMatching(message) },
    });
  });

  it("lets all but a given slot move", () => {
    expect(STRATEGIES.filter((strategy) => !isFlexible(strategy))).toEqual(["immediate", "fixed"]);
  });
});

describe("quotaOf", () => {
  const now = new Date("2026-12-01T08:00:00Z");
  const at = (hours: number) => new Date(now.getTime() + hours * 3_600_000);
  const gate = newGate(asAccountId("anne.main"));

  it("counts nothing without a daily maximum", () => {
    expect(quotaOf(gate, {}, now)).toBeUndefined();
    expect(quotaOf({ ...gate, closedUntil: now }, {}, now)).toBeUndefined();
  });

  it("tells until when X is closed, with a maximum or without", () => {
    const closed = { ...gate, closedUntil: at(1) };
    expect(quotaOf(closed, {}, now)).toMatchObject({ used: 0, closedUntil: at(1) });
    expect(quotaOf(closed, { dailyMax: 5 }, now)).toEqual({ limit: 5, used: 0, closedUntil: at(1) });
  });

  it("counts what the gate's day has used, until it is over", () => {
    const day = { startAt: at(-23), used: 3 };
    expect(quotaOf({ ...gate, day }, { dailyMax: 5 }, now)).toEqual({
      limit: 5,
      used: 3,
      window: { startAt: at(-23), resetAt: at(1) },
    });
    const over = { startAt: at(-24), used: 3 };
    expect(quotaOf({ ...gate, day: over }, { dailyMax: 5 }, now)).toEqual({ limit: 5, used: 0 });
  });
});
