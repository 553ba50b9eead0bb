import { describe, expect, it } from "vitest";
import { createHistory } from "#test/simulation/history.ts";
import { runSeed } from "#test/simulation/run-seed.ts";
import { addTally, newTally, runSeeds } from "#test/simulation/tally.ts";

/** Minutes of a machine's time would find more: `npm run simulate -- --seeds 200000`. */
const SEEDS = 600;
const TIMEOUT_MS = 60_000;

describe("the production use cases under faults", () => {
  it(`keep every promise in ${SEEDS} seeds`, { timeout: TIMEOUT_MS }, async () => {
    const { violations, lives, outcomes } = await runSeeds({ from: 1, to: SEEDS });
    expect(violations).toEqual([]);
    expect(lives).toBeGreaterThanOrEqual(SEEDS * 5);
    // Faults that stop everything would prove nothing.
    expect(outcomes["published"]).toBeGreaterThan(lives * 0.6);
  });
});

/** What a seed once found. */
const FOUND = [
  [17, "a clock that is behind keeps no unit of a window for ever"],
  [73, "a thread that is cancelled in its middle leaves its place"],
  [4, "a thread that is held says how many parts are out"],
  [230, "a late part of a thread moves the account's interval"],
  [7_278, "of posts that say the same, each task adopts the oldest first: its own stays visible to it"],
  [11_752, "a message to read back that came twice does not read on for two"],
  [14_722, "a task in doubt that is cancelled does not say that nothing was posted"],
  [69_510, "a post is known by the media of its own request, whatever a late uploader stores"],
  [95_433, "whoever finds only the post of a task that says the same does not send again"],
  [62_709, "a worker that was frozen before its intent does not go by an old policy"],
] as const;

describe("what a seed found", () => {
  it.each(FOUND)("seed %i: %s", { timeout: TIMEOUT_MS }, async (seed) => {
    expect((await runSeed(seed)).violations).toEqual([]);
  });
});

describe("a seed", () => {
  it("has the same history each time, whatever ran before it", { timeout: TIMEOUT_MS }, async () => {
    const linesOf = async (seed: number): Promise<string[]> => {
      const lines: string[] = [];
      await runSeed(seed, { history: createHistory(0, (line) => lines.push(line)) });
      return lines;
    };
    const first = await linesOf(11);
    expect(first.length).toBeGreaterThan(100);
    await runSeed(12);
    expect(await linesOf(11)).toEqual(first);
    expect(await linesOf(12)).not.toEqual(first);
  });

  it("comes to the same with and without a history", async () => {
    const { met: metQuietly, ...quietly } = await runSeed(21);
    const { met, ...told } = await runSeed(21, { history: createHistory(0, () => {}) });
    expect(told).toEqual(quietly);
    expect([...met]).toEqual([...metQuietly]);
  });

  it("counts the same however the seeds are split", { timeout: TIMEOUT_MS }, async () => {
    const whole = await runSeeds({ from: 1, to: 30 });
    const sum = newTally();
    addTally(sum, await runSeeds({ from: 18, to: 30 }));
    addTally(sum, await runSeeds({ from: 1, to: 17 }));
    expect(sum).toEqual(whole);
  });
});
