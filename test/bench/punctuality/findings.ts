import { availableParallelism } from "node:os";
import Table from "cli-table3";
import { TIMING } from "#shared/domain/timing.ts";
import { PARTS } from "#test/bench/cloud/processor-time.ts";
import type { BenchResult } from "#test/bench/result.ts";
import { quantile, round, type Spread, spreadOf } from "#test/bench/statistics.ts";
import type { PunctualityMeasurement, TimedPost } from "./measure.ts";

const TARGETS = { earlyPosts: 0, schedulerP50Ms: 100, schedulerP99Ms: 1_000, nearP99Ms: 5_000 } as const;
/** Upper ends in ms; what is before the slot has a row of its own. */
const BUCKETS = [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, Number.POSITIVE_INFINITY] as const;
const BAR = 30;
/** From this share of the processors on, other programs have a say in the figures. */
const DISTURBED = 0.1;

const ways = { scheduler: "Scheduler", queue: "near, SQS" } as const;
type Way = keyof typeof ways;

/** Every arrival counts, a second one of the same task too. */
const latenessOf = (posts: readonly TimedPost[]): readonly number[] =>
  posts.flatMap(({ latenessMs }) => latenessMs);

const pick = (posts: readonly TimedPost[], way: Way): readonly TimedPost[] =>
  posts.filter((post) => post.way === way);

/** What is compared: each way as a whole, and what makes a difference. */
const groups = (posts: readonly TimedPost[]): Readonly<Record<string, readonly TimedPost[]>> => ({
  [ways.scheduler]: pick(posts, "scheduler"),
  "… in a second with many": pick(posts, "scheduler").filter(({ planned }) => planned.inPeak),
  "… others": pick(posts, "scheduler").filter(({ planned }) => !planned.inPeak),
  "… with a photo": pick(posts, "scheduler").filter(({ planned }) => planned.withPhoto),
  [ways.queue]: pick(posts, "queue"),
});

function histogramOf(values: readonly number[]): readonly (readonly [name: string, count: number])[] {
  const rows = BUCKETS.map((end, index) => {
    const start = BUCKETS[index - 1] ?? 0;
    const name = end === Number.POSITIVE_INFINITY ? `from ${start} ms` : `${start} to ${end} ms`;
    return [name, values.filter((value) => value >= start && value < end).length] as const;
  });
  return [["too early", values.filter((value) => value < 0).length], ...rows];
}

/** Shares of the processors, 0 to 1, while posts were due. */
function busyOf({ processorTime, windowMs }: PunctualityMeasurement) {
  if (!processorTime) return undefined;
  const shareOf = (ms: number): number => round(ms / (windowMs * availableParallelism()), 3);
  return {
    all: shareOf(PARTS.reduce((sum, part) => sum + processorTime[part], 0)),
    others: shareOf(processorTime["other programs"]),
  };
}

/** How late the requests reached X, the two ways apart. */
export function punctualityFindings(measured: PunctualityMeasurement): Omit<BenchResult, "name"> {
  const { posts, options, invocations, refusedByX, reports } = measured;
  const { onStep: _, ...settings } = options;
  const scheduler = spreadOf(latenessOf(pick(posts, "scheduler")));
  const near = spreadOf(latenessOf(pick(posts, "queue")));
  const early = latenessOf(posts).filter((ms) => ms < 0).length;
  const reached = {
    earlyPosts: early,
    schedulerP50Ms: scheduler.p50,
    schedulerP99Ms: scheduler.p99,
    nearP99Ms: near.p99,
  };
  return {
    figures: {
      ...reached,
      ...settings,
      latenessMs: Object.fromEntries(
        Object.entries(groups(posts)).map(([name, group]) => [name, spreadOf(latenessOf(group))]),
      ),
      histogram: Object.fromEntries(
        (Object.keys(ways) as Way[]).map((way) => [
          ways[way],
          Object.fromEntries(histogramOf(latenessOf(pick(posts, way)))),
        ]),
      ),
      publishersAtOnce: invocations.mostAtOnce,
      coldStarts: invocations.coldStarts,
      busy: busyOf(measured),
      refusedByX,
      reports,
    },
    targets: { ...TARGETS },
    met: {
      earlyPosts: early === 0,
      schedulerP50Ms: scheduler.p50 <= TARGETS.schedulerP50Ms,
      schedulerP99Ms: scheduler.p99 <= TARGETS.schedulerP99Ms,
      nearP99Ms: near.p99 <= TARGETS.nearP99Ms,
      everyTaskPostedOnce: refusedByX === 0 && posts.every(({ latenessMs }) => latenessMs.length === 1),
      everyTaskPublished: posts.every(({ status }) => status === "published"),
      nothingReported: reports.length === 0,
    },
  };
}

/** For people: how it was measured, spreads, histogram, targets, and what is known about a missed one. */
export function punctualityTable(
  measured: PunctualityMeasurement,
  { figures, targets, met }: BenchResult,
): string {
  const { posts, options, invocations } = measured;
  const spreads = new Table({
    head: ["late, ms", "posts", "min", "p50", "p95", "p99", "max"],
    colAligns: ["left", ...Array.from({ length: 6 }, () => "right" as const)],
    style: { head: [], border: [] },
  });
  for (const [name, group] of Object.entries(groups(posts))) {
    const { count, min, p50, p95, p99, max }: Spread = spreadOf(latenessOf(group));
    spreads.push([name, count, ...[min, p50, p95, p99, max].map((ms) => (count === 0 ? "" : String(ms)))]);
  }
  const goals = new Table({ head: ["target", "wanted", "reached", "met"], style: { head: [], border: [] } });
  for (const [name, isMet] of Object.entries(met))
    goals.push([
      name,
      targets[name] === undefined ? "" : `≤ ${targets[name]}`,
      String(figures[name] ?? ""),
      String(isMet),
    ]);
  const busy = busyOf(measured);
  const { holdLeadSeconds, nearLimitSeconds } = options;
  const isProduction =
    holdLeadSeconds * 1_000 === TIMING.publish.holdLeadMs && nearLimitSeconds * 1_000 === TIMING.nearLimitMs;
  return [
    `${options.tasks} tasks of ${options.accounts} accounts, due within ${options.seconds} s. Scheduler fires anywhere in ${options.firingSeconds} s (seed ${options.seed}); pollers of queues ramp up as in AWS; DynamoDB Local in memory.`,
    `Publishers are woken ${holdLeadSeconds} s ahead, near is below ${nearLimitSeconds} s before that${isProduction ? ", as in production" : ": not what production has"}. Late is the arrival of the request at the sandbox minus the slot.`,
    `Each invocation has a thread of its own, as in AWS: at most ${options.workers}, ${invocations.mostAtOnce} publishers at once were needed, ${invocations.coldStarts} of them had to load. But all threads, the gateway, the database and X share ${availableParallelism()} processors${busy ? `, which were ${Math.round(busy.all * 100)} % busy, with other programs ${Math.round(busy.others * 100)} %` : ""}.`,
    spreads.toString(),
    ...(Object.keys(ways) as Way[]).map((way) => drawHistogram(ways[way], latenessOf(pick(posts, way)))),
    goals.toString(),
    ...explain(measured, met),
  ].join("\n");
}

function drawHistogram(name: string, values: readonly number[]): string {
  const rows = histogramOf(values);
  const most = Math.max(1, ...rows.map(([, count]) => count));
  const lines = rows.map(
    ([bucket, count]) =>
      `  ${bucket.padStart(16)} ${String(count).padStart(5)} ${"█".repeat(Math.ceil((count / most) * BAR))}`,
  );
  return [`${name}:`, ...lines].join("\n");
}

/** Where the latest posts of a way lost their time, as their own logs say. */
function explain(measured: PunctualityMeasurement, met: BenchResult["met"]): string[] {
  const targetsOf: Readonly<Record<Way, readonly string[]>> = {
    scheduler: ["schedulerP50Ms", "schedulerP99Ms"],
    queue: ["nearP99Ms"],
  };
  const explained = (Object.keys(ways) as Way[]).flatMap((way) => {
    const missed = targetsOf[way].filter((target) => met[target] === false);
    if (missed.length === 0) return [];
    const own = pick(measured.posts, way).filter(({ latenessMs }) => latenessMs.length > 0);
    if (own.length === 0) return [`${missed.join(", ")}: nothing was posted by ${ways[way]}.`];
    const bound = quantile(latenessOf(own), 0.9);
    const latest = own.filter(({ latenessMs }) => Math.max(...latenessMs) >= bound);
    const inPeaks = latest.filter(({ planned }) => planned.inPeak).length;
    const medianOf = (phase: string): number =>
      quantile(
        latest.map(({ phases }) => phases[phase] ?? Number.NaN),
        0.5,
      );
    const [intent, request] = [medianOf("intentMs"), medianOf("latenessMs")];
    const arrival = quantile(latenessOf(latest), 0.5);
    return [
      `${missed.join(" and ")} missed. Of the latest tenth, ${latest.length} posts, ${inPeaks} were due in a second with many. Their medians: ${request - intent} ms after the slot the publisher was awake, ${intent} ms took the transaction of gate and task, ${arrival - request} ms the way to X.`,
    ];
  });
  const busy = busyOf(measured);
  if (explained.length > 0 && busy && busy.others > DISTURBED)
    explained.push(
      `Other programs took ${Math.round(busy.others * 100)} % of the processors meanwhile: measure again when it is quiet.`,
    );
  return explained;
}
