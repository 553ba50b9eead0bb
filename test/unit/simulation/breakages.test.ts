import { describe, expect, it } from "vitest";
import { BREAKAGES } from "#test/simulation/breakages.ts";
import { INVARIANTS } from "#test/simulation/invariants.ts";
import { runSeed } from "#test/simulation/run-seed.ts";

/** A guard that nothing misses is no guard, or the simulation is blind: far below the 20,000 that are promised. */
const WITHIN_SEEDS = 5_000;

describe("what is broken on purpose", () => {
  it.each(BREAKAGES.map((breakage) => [breakage.name, breakage] as const))(
    "%s is caught",
    { timeout: 90_000 },
    async (_name, breakage) => {
      let caught: string | undefined;
      for (let seed = 1; !caught && seed <= WITHIN_SEEDS; seed++) {
        const { violations } = await runSeed(seed, { breakage });
        caught = violations.find(({ invariant }) => invariant === breakage.harms)?.detail;
      }
      expect(caught).toBeDefined();
    },
  );

  it("harms a promise that there is", () => {
    const names = INVARIANTS.map(({ name }) => name);
    for (const { harms } of BREAKAGES) expect(names).toContain(harms);
  });
});
