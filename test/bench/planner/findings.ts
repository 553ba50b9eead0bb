import Table from "cli-table3";
import type { BenchResult } from "#test/bench/result.ts";
import { quantile, round } from "#test/bench/statistics.ts";
import { DUPLICATE_TARGET_MS } from "./duplicates.ts";
import type { PlannerMeasurement, Quality, Scale, ScaleMeasurement, Timing } from "./measure.ts";

const TARGETS = {
  /** Of the naive planner's conflicts, those that we avoid, in percent. */
  fewerConflictsPercent: 70,
  conflictsPer1000Tasks: 0,
  timesFromSmallestToLargest: 1.5,
  timesFromShortestToLongestCalendar: 1.5,
  /** 10,000 tasks over 100 accounts: planned from nothing, and looked through by the dry run. */
  planDryCalendarMs: 2_000,
  dryRunMs: 2_000,
  duplicateCheckMs: DUPLICATE_TARGET_MS,
} as const;

const CALENDAR_NAMES: Readonly<Record<Scale["kind"], string>> = {
  size: "full 30 days",
  calendar: "same tasks",
  dry: "dry calendar, empty",
};

interface Row {
  readonly name: string;
  readonly scale: Scale;
  readonly takenSlots: number;
  readonly wallUs: number;
  readonly processorUs: number;
  readonly openUs: number;
  /** Without the reading of what was taken. */
  readonly findUs: number;
  readonly conflictsPer1000: number;
  readonly naiveConflictsPer1000: number;
  readonly refused: number;
}

const per1000 = ({ conflicts, planned }: Quality): number => round((conflicts * 1_000) / planned);

function rowOf({ scale, takenSlots, timings, ours, naive }: ScaleMeasurement): Row {
  const median = (value: (timing: Timing) => number): number => quantile(timings.map(value), 0.5);
  return {
    name: CALENDAR_NAMES[scale.kind],
    scale,
    takenSlots,
    wallUs: round(median(({ wallUs }) => wallUs)),
    processorUs: round(median(({ processorUs }) => processorUs)),
    openUs: round(median(({ openUs }) => openUs)),
    findUs: round(median(({ processorUs, openUs }) => processorUs - openUs)),
    conflictsPer1000: per1000(ours),
    naiveConflictsPer1000: per1000(naive),
    refused: ours.refused,
  };
}

/** The last of some rows against the first. */
const growth = (rows: readonly Row[], value: "processorUs" | "findUs"): number =>
  round((rows.at(-1)?.[value] ?? Number.NaN) / (rows[0]?.[value] ?? Number.NaN), 2);

/** Medians of every scale, and the targets. */
export function plannerFindings({
  scales,
  options,
  dryRun,
  duplicates,
}: PlannerMeasurement): Omit<BenchResult, "name"> {
  const rows = scales.map(rowOf);
  const of = (kind: Scale["kind"]): readonly Row[] => rows.filter(({ scale }) => scale.kind === kind);
  const dry = of("dry")[0];
  const fewer = rows.map(
    ({ conflictsPer1000, naiveConflictsPer1000 }) => 100 * (1 - conflictsPer1000 / naiveConflictsPer1000),
  );
  const reached = {
    fewerConflictsPercent: round(Math.min(...fewer)),
    conflictsPer1000Tasks: Math.max(...rows.map(({ conflictsPer1000 }) => conflictsPer1000)),
    timesFromSmallestToLargest: growth(of("size"), "processorUs"),
    timesFromShortestToLongestCalendar: growth(of("calendar"), "processorUs"),
    planDryCalendarMs: Math.round(((dry?.wallUs ?? Number.NaN) * (dry?.scale.tasks ?? 0)) / 1_000),
    dryRunMs: Math.round(dryRun.simulationMs),
    duplicateCheckMs: duplicates.indexedMedianMs,
  };
  return {
    figures: {
      ...reached,
      findingTimesFromShortestToLongestCalendar: growth(of("calendar"), "findUs"),
      runs: options.runs,
      refused: rows.reduce((sum, { refused }) => sum + refused, 0),
      scales: rows.map(({ name: _, ...row }) => row),
      naiveKinds: scales.map(({ naive }) => naive.kinds),
      dryRun,
      duplicates,
    },
    targets: TARGETS,
    met: {
      fewerConflictsPercent: reached.fewerConflictsPercent >= TARGETS.fewerConflictsPercent,
      conflictsPer1000Tasks: reached.conflictsPer1000Tasks <= TARGETS.conflictsPer1000Tasks,
      timesFromSmallestToLargest: reached.timesFromSmallestToLargest <= TARGETS.timesFromSmallestToLargest,
      timesFromShortestToLongestCalendar:
        reached.timesFromShortestToLongestCalendar <= TARGETS.timesFromShortestToLongestCalendar,
      planDryCalendarMs: reached.planDryCalendarMs < TARGETS.planDryCalendarMs,
      dryRunMs: reached.dryRunMs < TARGETS.dryRunMs,
      duplicateCheckMs: reached.duplicateCheckMs <= TARGETS.duplicateCheckMs,
      everyTaskPlanned: rows.every(({ refused }) => refused === 0),
      sameEveryRun: scales.every(({ isSame }) => isSame),
    },
  };
}

export function plannerTable(
  measurement: PlannerMeasurement,
  { figures, targets, met }: BenchResult,
): string {
  const { dryRun, duplicates } = measurement;
  const style = { head: [], border: [] };
  const table = new Table({
    head: [
      "calendars",
      "tasks",
      "accounts",
      "taken slots",
      "conflicts per 1,000",
      "… naive",
      "processor µs per task",
      "of it reading",
      "finding",
      "µs that passed",
    ],
    colAligns: ["left", ...Array.from({ length: 9 }, () => "right" as const)],
    style,
  });
  for (const { name, scale, ...row } of measurement.scales.map(rowOf))
    table.push([
      scale.kind === "calendar" ? `${name}, ${scale.calendarDays} days` : name,
      scale.tasks.toLocaleString("en"),
      scale.accounts.toLocaleString("en"),
      row.takenSlots.toLocaleString("en"),
      String(row.conflictsPer1000),
      String(row.naiveConflictsPer1000),
      row.processorUs.toFixed(1),
      row.openUs.toFixed(1),
      row.findUs.toFixed(1),
      row.wallUs.toFixed(1),
    ]);
  const goals = new Table({ head: ["target", "wanted", "reached", "met"], style });
  for (const [name, isMet] of Object.entries(met)) {
    const least = name === "fewerConflictsPercent" ? "≥" : "≤";
    const wanted = targets[name] === undefined ? "" : `${least} ${targets[name]}`;
    goals.push([name, wanted, figures[name] === undefined ? "" : String(figures[name]), String(isMet)]);
  }
  return [
    "Strategy optimal, preset steady: 90 minutes apart, at most 10 posts a day, 2 of them kept for urgent ones, blackout until 7:00.",
    "A full calendar has 8 of 10 places taken on each of its days. Wishes begin at some hour of the coming 30 days; one of ten is a thread of three.",
    "Naive: the first optimal hour, without a look at the calendar. Conflicts are counted by a checker that shares no code with the planner.",
    `Medians of ${measurement.options.runs} runs of 10,000 tasks each. Reading is what it takes to look at every taken slot once: it grows with the calendar, from 30 days to 360 beyond the target. Finding grew ${figures["findingTimesFromShortestToLongestCalendar"]} times.`,
    table.toString(),
    `Dry run of ${dryRun.tasks.toLocaleString("en")} tasks over ${dryRun.accounts} accounts (instants by chance, much collides): median ${Math.round(dryRun.simulationMs)} ms, slowest ${Math.round(dryRun.slowestSimulationMs)} ms; with ${dryRun.drafts} drafts planned, read from memory, ${Math.round(dryRun.withDraftsMs)} ms.`,
    `Duplicate check against ${duplicates.posts.toLocaleString("en")} posts: median ${duplicates.indexedMedianMs} ms, 95 of 100 within ${duplicates.indexedP95Ms} ms; every one compared with all others, ${duplicates.naiveMedianMs} ms.`,
    goals.toString(),
  ].join("\n");
}
