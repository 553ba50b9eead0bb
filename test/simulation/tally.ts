import { type Breakage, breakageOf } from "./breakages.ts";
import { addMet, type Met, newMet } from "./coverage.ts";
import { runSeed, type Violation } from "./run-seed.ts";

/** What many seeds came to. Sums, so that it does not matter who ran which. */
export interface Tally {
  seeds: number;
  lives: number;
  events: number;
  readonly outcomes: Record<string, number>;
  /** How many seeds broke each promise. */
  readonly broken: Record<string, number>;
  /** By seed: the first few of each promise. */
  violations: readonly Violation[];
  readonly met: Met;
}

const KEPT = 10;

/** One that breaks often must not hide another that breaks once. */
function firstOfEach(violations: readonly Violation[]): Violation[] {
  const kept = new Map<string, number>();
  return violations
    .toSorted((a, b) => a.seed - b.seed)
    .filter(({ invariant }) => {
      const count = (kept.get(invariant) ?? 0) + 1;
      kept.set(invariant, count);
      return count <= KEPT;
    });
}

export const newTally = (): Tally => ({
  seeds: 0,
  lives: 0,
  events: 0,
  outcomes: {},
  broken: {},
  violations: [],
  met: newMet(),
});

const addCounts = (sum: Record<string, number>, counts: Readonly<Record<string, number>>): void => {
  for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
};

export function addTally(sum: Tally, part: Tally): void {
  sum.seeds += part.seeds;
  sum.lives += part.lives;
  sum.events += part.events;
  addCounts(sum.outcomes, part.outcomes);
  addCounts(sum.broken, part.broken);
  sum.violations = firstOfEach([...sum.violations, ...part.violations]);
  addMet(sum.met, part.met);
}

/** Seeds `from` to `to`, both included. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
  /** By name, so that it can be told to another thread. */
  readonly breakage?: string | undefined;
}

export async function runSeeds({ from, to, breakage: name }: SeedRange): Promise<Tally> {
  const breakage: Breakage | undefined = name === undefined ? undefined : breakageOf(name);
  const tally = newTally();
  const found: Violation[] = [];
  for (let seed = from; seed <= to; seed++) {
    const { lives, events, outcomes, violations, met } = await runSeed(seed, { breakage });
    tally.seeds++;
    tally.lives += lives;
    tally.events += events;
    addCounts(tally.outcomes, outcomes);
    for (const invariant of new Set(violations.map((violation) => violation.invariant)))
      tally.broken[invariant] = (tally.broken[invariant] ?? 0) + 1;
    // One for each promise and seed: the history tells the rest.
    for (const [place, violation] of violations.entries())
      if (violations.findIndex(({ invariant }) => invariant === violation.invariant) === place)
        found.push(violation);
    addMet(tally.met, met);
  }
  tally.violations = firstOfEach(found);
  return tally;
}
