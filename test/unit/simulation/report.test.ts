import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { breakageOf } from "#test/simulation/breakages.ts";
import { cellOf, STATES } from "#test/simulation/coverage.ts";
import { isImpossible, whyEmpty } from "#test/simulation/empty-cells.ts";
import { FAULTS } from "#test/simulation/faults.ts";
import { judge, report, SEEDS_FOR_COVERAGE } from "#test/simulation/report.ts";
import { newTally, type Tally } from "#test/simulation/tally.ts";

/** Every fault met every state that it can meet. */
function fullTally(over: Partial<Tally> = {}): Tally {
  const tally = { ...newTally(), seeds: SEEDS_FOR_COVERAGE, ...over };
  for (const state of STATES)
    for (const fault of FAULTS) if (!whyEmpty(state, fault)) tally.met[cellOf(state, fault)] = 1;
  return tally;
}

describe("the verdict", () => {
  it("is clean when no promise was broken and every cell was met", () => {
    expect(judge(fullTally(), undefined)).toEqual({ empty: [], wronglyListed: [], clean: true });
  });

  it("is not clean when a fault never met a state, and nobody said why", () => {
    const tally = fullTally();
    tally.met[cellOf("posting", "x-lost-made")] = 0;
    const verdict = judge(tally, undefined);
    expect(verdict.empty).toEqual([{ state: "posting", fault: "x-lost-made" }]);
    expect(verdict.clean).toBe(false);
    expect(report(tally, { elapsedMs: 1, verdict })).toContain("NEVER MET: x-lost-made in the state posting");
  });

  it("says nothing about cells after few seeds", () => {
    expect(judge({ ...newTally(), seeds: SEEDS_FOR_COVERAGE - 1 }, undefined).clean).toBe(true);
  });

  it("is not clean when something happened that was listed as impossible", () => {
    const tally = fullTally();
    tally.met[cellOf("draft", "stalled")] = 1;
    expect(isImpossible("draft", "stalled")).toBe(true);
    expect(judge(tally, undefined)).toMatchObject({
      wronglyListed: [{ state: "draft", fault: "stalled" }],
      clean: false,
    });
  });

  it("is not clean when a promise was broken", () => {
    const violations = [{ seed: 4_711, invariant: "one-post", detail: "part 0 of life 2 is out 2 times" }];
    const tally = fullTally({ violations, broken: { "one-post": 1 } });
    const verdict = judge(tally, undefined);
    expect(verdict.clean).toBe(false);
    const text = report(tally, { elapsedMs: 1, verdict });
    expect(text).toContain("seed 4711: part 0 of life 2 is out 2 times");
    expect(text).toContain("npm run simulate -- --seed 4711");
  });
});

describe("the command", () => {
  const simulate = async (...args: string[]) => {
    const file = new URL("../../simulation/simulate.ts", import.meta.url).pathname;
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [file, ...args]);
      return { code: 0, stdout };
    } catch (error) {
      const { code, stdout } = error as { code: number; stdout: string };
      return { code, stdout };
    }
  };

  it("ends with one JSON object, and with 1 when something was broken", { timeout: 60_000 }, async () => {
    const { code, stdout } = await simulate("--break", "arm", "--seeds", "400", "--threads", "1");
    expect(code).toBe(1);
    expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
      name: "simulate",
      breakage: "arm",
      caught: { invariant: breakageOf("arm").harms },
      clean: false,
    });
  });

  it("shows a seed as a history", { timeout: 60_000 }, async () => {
    const { stdout } = await simulate("--seed", "3", "--design", "naive");
    expect(stdout).toMatch(/new → pending/);
    expect(stdout).toMatch(/publish\/\d+ +x\.create/);
  });

  it("refuses what it does not know with 2", { timeout: 60_000 }, async () => {
    expect((await simulate("--break", "everything")).code).toBe(2);
  });
});
