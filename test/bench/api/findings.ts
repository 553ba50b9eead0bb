import { availableParallelism } from "node:os";
import Table from "cli-table3";
import type { BenchResult } from "#test/bench/result.ts";
import { mean, quantile, round } from "#test/bench/statistics.ts";
import type { ApiMeasurement, HttpRound, Operation } from "./measure.ts";

/** ms, but for the last two. */
const TARGETS = {
  handlerP95Ms: 50,
  httpMeanMs: 200,
  httpP95Ms: 500,
  batchMs: 1_000,
  batchUnderLoadMs: 5_000,
  errorsAtMost: 0,
  listTimes: 1.5,
} as const;
/** The load that the times over HTTP are promised for. */
const UNDER_LOAD = 50;

interface Spread {
  readonly requests: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

const spreadOf = (ms: readonly number[]): Spread => ({
  requests: ms.length,
  mean: round(mean(ms)),
  p50: round(quantile(ms, 0.5)),
  p95: round(quantile(ms, 0.95)),
  p99: round(quantile(ms, 0.99)),
});

const errorsOf = ({ errors, statuses }: HttpRound): number =>
  errors +
  Object.entries(statuses).reduce((sum, [status, count]) => sum + (status.startsWith("2") ? 0 : count), 0);

/** Figures of all rounds; the worst of what a target is about. */
export function apiFindings(measured: ApiMeasurement): Omit<BenchResult, "name"> {
  const { options, http, handler, store, lists, reports } = measured;
  const spreads = http.map((one) => ({ one, ...spreadOf(one.latenciesMs) }));
  const at = (connections: number, isWanted: (operation: Operation) => boolean) =>
    spreads.filter(({ one }) => one.connections === connections && isWanted(one.operation));
  const single = (operation: Operation) => operation !== "batch";
  const worst = (values: readonly number[]): number => Math.max(...values, Number.NEGATIVE_INFINITY);
  const listMedians = lists.map(({ timesMs }) => quantile(timesMs, 0.5));
  const reached = {
    handlerP95Ms: worst(
      handler.filter(({ name }) => name !== "batch").map(({ timesMs }) => round(quantile(timesMs, 0.95))),
    ),
    httpMeanMs: worst(at(UNDER_LOAD, single).map((spread) => spread.mean)),
    httpP95Ms: worst(at(UNDER_LOAD, single).map(({ p95 }) => p95)),
    batchMs: worst(at(1, (operation) => operation === "batch").map(({ p95 }) => p95)),
    batchUnderLoadMs: worst(at(UNDER_LOAD, (operation) => operation === "batch").map(({ p95 }) => p95)),
    errorsAtMost: http.reduce((sum, one) => sum + errorsOf(one), 0),
    listTimes: round((listMedians.at(-1) ?? Number.NaN) / (listMedians[0] ?? Number.NaN), 2),
  };
  const isMeasured = (name: keyof typeof TARGETS): boolean => Number.isFinite(reached[name]);
  const names = (Object.keys(TARGETS) as (keyof typeof TARGETS)[]).filter(isMeasured);
  return {
    figures: {
      ...reached,
      http: spreads.map(({ one, ...spread }) => ({
        operation: one.operation,
        connections: one.connections,
        ...spread,
        perSecond: round(one.latenciesMs.length / one.seconds),
        errors: errorsOf(one),
        statuses: one.statuses,
      })),
      handler: handler.map(({ name, timesMs }) => ({ name, ...spreadOf(timesMs) })),
      store: store.map(({ name, timesMs }) => ({ name, ...spreadOf(timesMs) })),
      lists: lists.map(({ tasks, timesMs }) => ({ tasks, ...spreadOf(timesMs) })),
      threads: options.workers,
      invocationsPerThread: options.sharing,
      processors: availableParallelism(),
      reports,
    },
    targets: Object.fromEntries(names.map((name) => [name, TARGETS[name]])),
    met: Object.fromEntries(names.map((name) => [name, reached[name] <= TARGETS[name]])),
  };
}

const style = { head: [], border: [] };
const right = (count: number) => Array.from({ length: count }, () => "right" as const);

export function apiTable(measured: ApiMeasurement, { figures, targets, met }: BenchResult): string {
  const { http, handler, store, lists, options } = measured;
  const cells = ({ requests, mean, p50, p95, p99 }: Spread) => [requests, mean, p50, p95, p99].map(String);
  const spread = ["requests", "mean", "p50", "p95", "p99"];
  const over = new Table({
    head: ["over HTTP, ms", "connections", ...spread, "per second", "errors"],
    colAligns: ["left", ...right(8)],
    style,
  });
  for (const one of http)
    over.push([
      one.operation,
      String(one.connections),
      ...cells(spreadOf(one.latenciesMs)),
      String(round(one.latenciesMs.length / one.seconds)),
      String(errorsOf(one)),
    ]);
  const alone = new Table({ head: ["alone, ms", ...spread], colAligns: ["left", ...right(5)], style });
  for (const { name, timesMs } of handler) alone.push([`handler: ${name}`, ...cells(spreadOf(timesMs))]);
  for (const { name, timesMs } of store) alone.push([`table: ${name}`, ...cells(spreadOf(timesMs))]);
  for (const { tasks, timesMs } of lists)
    alone.push([`handler: list, ${tasks.toLocaleString("en")} tasks`, ...cells(spreadOf(timesMs))]);
  const goals = new Table({ head: ["target", "at most", "reached", "met"], style });
  for (const [name, isMet] of Object.entries(met))
    goals.push([name, String(targets[name]), String(figures[name]), String(isMet)]);
  return [
    `Through the local cloud's HTTP; a key's answer of the authorizer is remembered for a minute, as in API Gateway. A batch has 50 posts. Functions share ${options.workers} threads, up to ${options.sharing} invocations in each;`,
    `functions, gateway, database and the caller share ${availableParallelism()} processors. Alone: one request after another in one process, with the same gateway and database behind it.`,
    over.toString(),
    alone.toString(),
    goals.toString(),
  ].join("\n");
}
