import Table from "cli-table3";
import type { BenchResult } from "#test/bench/result.ts";
import type { Kind } from "./job.ts";
import type { MediaMeasurement, Run } from "./measure.ts";

/** What is to be reached. Those of 64 and 256 MiB apply where these sizes were measured. */
const TARGETS = {
  timesFasterThanLibraryAt0ms: 2,
  timesFasterThanLibraryAt100ms64MiB: 7,
  timesFasterThanLibraryAt100ms256MiB: 10,
  timesTheBareCopy: 1.5,
  peakMiBOverIdle: 96,
  peakMiBBetween64And256: 16,
} as const;

interface Figures {
  readonly ms: number;
  readonly mibPerSecond: number;
  readonly idleMiB: number;
  readonly peakMiBOverIdle: number;
}

interface Cell {
  readonly sizeMiB: number;
  readonly latencyMs: number;
  readonly ways: Readonly<Record<Kind, Figures>>;
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
};
const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

function cellsOf({ sizesMiB, latenciesMs, runs }: MediaMeasurement): readonly Cell[] {
  return sizesMiB.flatMap((sizeMiB) =>
    latenciesMs.map((latencyMs) => {
      const figures = (kind: Kind): Figures => {
        const own = runs.filter(
          (run) => run.kind === kind && run.sizeMiB === sizeMiB && run.latencyMs === latencyMs,
        );
        const pick = (value: (run: Run) => number) => median(own.map(value));
        const ms = pick((run) => run.ms);
        return {
          ms: Math.round(ms),
          mibPerSecond: round((sizeMiB * 1_000) / ms),
          idleMiB: round(pick((run) => run.idleMiB)),
          peakMiBOverIdle: round(pick((run) => run.peakMiB - run.idleMiB)),
        };
      };
      return {
        sizeMiB,
        latencyMs,
        ways: { punctual: figures("punctual"), library: figures("library"), copy: figures("copy") },
      };
    }),
  );
}

const speedup = ({ ways }: Cell): number => round(ways.library.ms / ways.punctual.ms, 2);
const overCopy = ({ ways }: Cell): number => round(ways.punctual.ms / ways.copy.ms, 2);

/** Medians of every cell, the targets that they can tell about, and whether they were reached. */
export function mediaFindings(measured: MediaMeasurement): Omit<BenchResult, "name"> {
  const cells = cellsOf(measured);
  const at = (latencyMs: number, sizeMiB?: number) =>
    cells.filter(
      (cell) => cell.latencyMs === latencyMs && (sizeMiB === undefined || cell.sizeMiB === sizeMiB),
    );
  const peaks = cells.map(({ ways }) => ways.punctual.peakMiBOverIdle);
  const peakOf = (sizeMiB: number) =>
    Math.max(
      ...cells.filter((cell) => cell.sizeMiB === sizeMiB).map(({ ways }) => ways.punctual.peakMiBOverIdle),
    );

  /** The worst value of each target; NaN where nothing was measured for it. */
  const reached: Readonly<Record<keyof typeof TARGETS, number>> = {
    timesFasterThanLibraryAt0ms: worst(at(0).map(speedup), Math.min),
    timesFasterThanLibraryAt100ms64MiB: worst(at(100, 64).map(speedup), Math.min),
    timesFasterThanLibraryAt100ms256MiB: worst(at(100, 256).map(speedup), Math.min),
    timesTheBareCopy: worst(cells.map(overCopy), Math.max),
    peakMiBOverIdle: worst(peaks, Math.max),
    peakMiBBetween64And256: round(Math.abs(peakOf(64) - peakOf(256))),
  };
  const known = (Object.keys(TARGETS) as (keyof typeof TARGETS)[]).filter((name) =>
    Number.isFinite(reached[name]),
  );
  const isMet = (name: keyof typeof TARGETS): boolean =>
    name.startsWith("timesFaster") ? reached[name] >= TARGETS[name] : reached[name] <= TARGETS[name];
  const pick = <Value>(value: (name: keyof typeof TARGETS) => Value): Record<string, Value> =>
    Object.fromEntries(known.map((name) => [name, value(name)]));

  return {
    figures: {
      ...pick((name) => reached[name]),
      cells: Object.fromEntries(
        cells.map(({ sizeMiB, latencyMs, ways }) => [`${sizeMiB} MiB, ${latencyMs} ms`, ways]),
      ),
    },
    targets: pick((name) => TARGETS[name]),
    met: { ...pick(isMet), everyByteArrived: measured.runs.every(({ arrived }) => arrived !== false) },
  };
}

const worst = (values: readonly number[], choose: (...values: number[]) => number): number =>
  values.length === 0 ? Number.NaN : choose(...values);

/** Medians for people, and beside each target what was reached. */
export function mediaTable(measured: MediaMeasurement, { figures, targets, met }: BenchResult): string {
  const speeds = new Table({
    head: ["file", "at X", "way", "time", "MiB/s", "over idle", "× library", "× copy"],
    colAligns: ["right", "right", "left", "right", "right", "right", "right", "right"],
    style: { head: [], border: [] },
  });
  for (const cell of cellsOf(measured))
    for (const [kind, { ms, mibPerSecond, peakMiBOverIdle }] of Object.entries(cell.ways))
      speeds.push([
        `${cell.sizeMiB} MiB`,
        `${cell.latencyMs} ms`,
        kind,
        `${(ms / 1_000).toFixed(2)} s`,
        mibPerSecond.toFixed(0),
        `${peakMiBOverIdle.toFixed(0)} MiB`,
        kind === "punctual" ? `${speedup(cell).toFixed(1)} × faster` : "",
        kind === "punctual" ? `${overCopy(cell).toFixed(2)} ×` : "",
      ]);
  const goals = new Table({ head: ["target", "wanted", "reached", "met"], style: { head: [], border: [] } });
  for (const [name, isMet] of Object.entries(met)) {
    const comparison = name.startsWith("timesFaster") ? "≥" : "≤";
    const wanted = targets[name] === undefined ? "" : `${comparison} ${targets[name]}`;
    goals.push([name, wanted, String(figures[name] ?? ""), String(isMet)]);
  }
  return [speeds, goals, ...explain(measured, met)].join("\n");
}

/** What is known about a target that is not met. */
function explain(measured: MediaMeasurement, met: BenchResult["met"]): string[] {
  if (met["timesTheBareCopy"] !== false) return [];
  const missed = cellsOf(measured).filter((cell) => overCopy(cell) > TARGETS.timesTheBareCopy);
  const where = missed.map(({ sizeMiB, latencyMs }) => `${sizeMiB} MiB at ${latencyMs} ms`).join(", ");
  return [
    `timesTheBareCopy is not met for ${where}. The stand-in for X throws the copy away unread, while it checks, orders and hashes what is uploaded, on the processors that the upload runs on. The less X makes us wait, the more of the difference is that.`,
  ];
}
