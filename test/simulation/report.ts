import { type Breakage, isDesign } from "./breakages.ts";
import { cellOf, STATES } from "./coverage.ts";
import { isImpossible, whyEmpty } from "./empty-cells.ts";
import { FAULTS } from "./faults.ts";
import { INVARIANTS } from "./invariants.ts";
import type { Tally } from "./tally.ts";

/** With fewer seeds, a cell that nothing met says nothing. */
export const SEEDS_FOR_COVERAGE = 2_000;
const SHOWN_VIOLATIONS = 5;

export interface EmptyCell {
  readonly state: string;
  readonly fault: string;
}

export interface Verdict {
  /** Met by nothing, and not listed with a reason. */
  readonly empty: readonly EmptyCell[];
  /** Listed as impossible, and met. */
  readonly wronglyListed: readonly EmptyCell[];
  readonly clean: boolean;
}

/** @param breakage - a broken system does not have to fill the table */
export function judge({ seeds, met, violations }: Tally, breakage: Breakage | undefined): Verdict {
  const cells = STATES.flatMap((state) => FAULTS.map((fault) => ({ state, fault })));
  const count = ({ state, fault }: (typeof cells)[number]): number => met[cellOf(state, fault)] ?? 0;
  const isJudged = !breakage && seeds >= SEEDS_FOR_COVERAGE;
  const empty = isJudged
    ? cells.filter((cell) => count(cell) === 0 && !whyEmpty(cell.state, cell.fault))
    : [];
  const wronglyListed = breakage
    ? []
    : cells.filter((cell) => count(cell) > 0 && isImpossible(cell.state, cell.fault));
  return {
    empty,
    wronglyListed,
    clean: violations.length === 0 && empty.length === 0 && wronglyListed.length === 0,
  };
}

const grouped = (count: number): string => count.toLocaleString("en-US");

/** How often which fault met a task in which state. */
function coverageTable({ met }: Tally): string[] {
  const width = Math.max(...FAULTS.map(({ length }) => length)) + 1;
  const lines = [`${"".padEnd(width)}${STATES.map((state) => state.padStart(11)).join("")}`];
  for (const fault of FAULTS)
    lines.push(
      fault.padEnd(width) +
        STATES.map((state) => {
          const count = met[cellOf(state, fault)] ?? 0;
          const shown = count > 0 ? grouped(count) : isImpossible(state, fault) ? "–" : "0";
          return shown.padStart(11);
        }).join(""),
    );
  return lines;
}

export interface ReportOptions {
  readonly breakage?: Breakage | undefined;
  readonly elapsedMs: number;
  readonly verdict: Verdict;
}

/** For people. */
export function report(tally: Tally, { breakage, elapsedMs, verdict }: ReportOptions): string {
  const { seeds, lives, events, outcomes, broken, violations } = tally;
  const perSecond = elapsedMs === 0 ? 0 : (lives / elapsedMs) * 1_000;
  const lines = [
    breakage ? `Broken on purpose (${breakage.name}): ${breakage.sentence}.` : "The production use cases.",
    `${grouped(seeds)} seeds, ${grouped(lives)} lives, ${grouped(events)} events in ${(elapsedMs / 1_000).toFixed(1)} s: ${grouped(Math.round(perSecond))} lives per second.`,
    "",
    "How lives ended",
    ...Object.entries(outcomes)
      .toSorted(([, a], [, b]) => b - a)
      .map(([outcome, count]) => `  ${grouped(count).padStart(11)}  ${outcome}`),
    "",
    "Which fault met a task in which state how often (– cannot happen)",
    ...coverageTable(tally),
    "",
  ];
  for (const { state, fault } of verdict.empty) lines.push(`NEVER MET: ${fault} in the state ${state}`);
  for (const { state, fault } of verdict.wronglyListed)
    lines.push(`LISTED AS IMPOSSIBLE, BUT MET: ${fault} in the state ${state}`);
  if (violations.length === 0) return [...lines, "No promise was broken."].join("\n");
  lines.push("BROKEN PROMISES");
  for (const { name, sentence } of INVARIANTS) {
    const count = broken[name];
    if (!count) continue;
    lines.push(`  ${name}, by ${grouped(count)} seeds: ${sentence}`);
    for (const { seed, detail } of violations
      .filter(({ invariant }) => invariant === name)
      .slice(0, SHOWN_VIOLATIONS))
      lines.push(`    seed ${seed}: ${detail}`);
  }
  const replay = `npm run simulate -- ${breakage ? `--${isDesign(breakage.name) ? "design" : "break"} ${breakage.name} ` : ""}--seed`;
  lines.push(`See one as it happened: ${replay} ${violations[0]?.seed}`);
  return lines.join("\n");
}

/** For scripts: the last line. */
export function summary(tally: Tally, { breakage, elapsedMs, verdict }: ReportOptions) {
  const { seeds, lives, events, outcomes, broken, violations } = tally;
  const caught = breakage && violations.find(({ invariant }) => invariant === breakage.harms);
  return {
    name: "simulate",
    ...(breakage && { breakage: breakage.name, caught: caught ?? null }),
    seeds,
    lives,
    events,
    livesPerSecond: elapsedMs === 0 ? 0 : Math.round((lives / elapsedMs) * 1_000),
    outcomes,
    broken,
    violations,
    neverMet: verdict.empty,
    wronglyListed: verdict.wronglyListed,
    clean: verdict.clean,
  };
}
