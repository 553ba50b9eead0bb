import { availableParallelism } from "node:os";
import Table from "cli-table3";
import { PARTS, type Part } from "#test/bench/cloud/processor-time.ts";
import type { BenchResult } from "#test/bench/result.ts";
import { mean, quantile, round, spreadOf } from "#test/bench/statistics.ts";
import type { Round, ThroughputMeasurement } from "./measure.ts";

const HOUR_MS = 3_600_000;
/** X answers a post after this: the two latencies that have a target. */
const WITH_TARGET = { postsPerHourAt100ms: 100, postsPerHourAt1s: 1_000 } as const;
const TARGETS = {
  postsPerHourAt100ms: 100_000,
  postsPerHourAt1s: 100_000,
  firstPostWorstMs: 30_000,
} as const;
/** Above this share of their time the processors are what limits a run. */
const BUSY = 0.85;
/** From this share on, other programs have a say in the figures. */
const DISTURBED = 0.1;

/** Where the time of a post goes, means in ms. */
interface Phases {
  readonly "queue and free worker": number;
  readonly "claim (reads, credentials)": number;
  readonly "intent (gate and task)": number;
  readonly "call (X)": number;
  readonly "settle, log, answer": number;
}

interface RoundFigures {
  readonly posts: number;
  readonly seconds: number;
  readonly postsPerHour: number;
  /** Between the tenth and the ninetieth of a hundred posts: without cold starts and the last stragglers. */
  readonly postsPerHourInBetween: number;
  readonly invocationMs: number;
  readonly mostAtOnce: number;
  readonly coldStarts: number;
  readonly phasesMs: Phases;
  /** Of the processors, by part, ms for each post; absent where the system does not tell. */
  readonly processorMsPerPost?: Readonly<Record<Part, number>>;
  /** Share of all processors that was used, 0 to 1; by other programs alone. */
  readonly busy?: number;
  readonly busyWithOthers?: number;
}

const nameOf = ({ latencyMs }: Pick<Round, "latencyMs">): string => `X answers in ${latencyMs} ms`;

function figuresOf(one: Round, { arrivals, table }: ThroughputMeasurement): RoundFigures {
  const texts = new Set(one.texts);
  const startMs = one.startedAt.getTime();
  const arrivedMs = arrivals.posts
    .flatMap(({ text, arrivedAtMs }) => (texts.has(text) ? arrivedAtMs - startMs : []))
    .toSorted((a, b) => a - b);
  const tookMs = arrivedMs.at(-1) ?? Number.NaN;
  const [early, late] = [quantile(arrivedMs, 0.1), quantile(arrivedMs, 0.9)];
  const between = arrivedMs.filter((ms) => ms > early && ms <= late).length;

  const posted = table.tasks.filter(({ text, sentAt }) => sentAt && texts.has(text));
  const meanOf = (phase: string): number => mean(posted.map(({ phases }) => phases[phase] ?? 0));
  const [claim, intent, call] = [meanOf("waitedMs"), meanOf("intentMs"), meanOf("callMs")];
  const sentMs = mean(posted.map(({ sentAt }) => (sentAt?.getTime() ?? 0) - startMs));
  const invocationMs = one.invocations.meanMs;

  const wholeMs = one.endedAt.getTime() - startMs;
  const processors = wholeMs * availableParallelism();
  const used = one.processorTime;
  const shareOf = (parts: readonly Part[]): number =>
    round(parts.reduce((sum, part) => sum + (used?.[part] ?? 0), 0) / processors, 3);
  return {
    posts: arrivedMs.length,
    seconds: round(tookMs / 1_000),
    postsPerHour: Math.round((arrivedMs.length * HOUR_MS) / tookMs),
    postsPerHourInBetween: Math.round((between * HOUR_MS) / (late - early)),
    invocationMs: Math.round(invocationMs),
    mostAtOnce: one.invocations.mostAtOnce,
    coldStarts: one.invocations.coldStarts,
    phasesMs: {
      "queue and free worker": Math.round(sentMs - intent - claim),
      "claim (reads, credentials)": Math.round(claim),
      "intent (gate and task)": Math.round(intent),
      "call (X)": Math.round(call),
      "settle, log, answer": Math.round(invocationMs - claim - intent - call),
    },
    ...(used && {
      processorMsPerPost: Object.fromEntries(
        PARTS.map((part) => [part, round(used[part] / arrivedMs.length)]),
      ) as Record<Part, number>,
      busy: shareOf(PARTS),
      busyWithOthers: shareOf(["other programs"]),
    }),
  };
}

/** The figures of every run, and what the sandbox and the table say about all of them together. */
export function throughputFindings(measured: ThroughputMeasurement): Omit<BenchResult, "name"> {
  const { options, rounds, firstPosts, arrivals, table, reports, threads } = measured;
  const figures = rounds.map((one) => [one.latencyMs, figuresOf(one, measured)] as const);
  const arrivedAt = new Map(arrivals.posts.map(({ text, arrivedAtMs }) => [text, arrivedAtMs]));
  const firstPostMs = spreadOf(
    firstPosts.map(({ text, askedAt }) => (arrivedAt.get(text) ?? Number.NaN) - askedAt.getTime()),
  );
  const rateAt = (latencyMs: number) => figures.find(([ms]) => ms === latencyMs)?.[1].postsPerHour;
  const measuredRates = Object.entries(WITH_TARGET).flatMap(([name, latencyMs]) => {
    const rate = rateAt(latencyMs);
    return rate === undefined ? [] : [[name as keyof typeof WITH_TARGET, rate] as const];
  });

  const wanted = [...firstPosts.map(({ text }) => text), ...rounds.flatMap(({ texts }) => texts)].toSorted();
  const posted = arrivals.posts.map(({ text }) => text).toSorted();
  const published = table.tasks.filter(({ status }) => status === "published").map(({ text }) => text);
  const isSame = (texts: readonly string[]): boolean => texts.join("\n") === wanted.join("\n");
  return {
    figures: {
      ...Object.fromEntries(measuredRates),
      firstPostMs,
      runs: Object.fromEntries(figures.map(([latencyMs, one]) => [nameOf({ latencyMs }), one])),
      tasksOfARun: options.tasks,
      accounts: options.accounts,
      publishers: options.publishers,
      threads: threads.maxWorkers,
      invocationsPerThread: threads.invocationsPerWorker,
      processors: availableParallelism(),
      refusedByX: arrivals.refused,
      reports,
    },
    targets: {
      ...Object.fromEntries(measuredRates.map(([name]) => [name, TARGETS[name]])),
      firstPostWorstMs: TARGETS.firstPostWorstMs,
    },
    met: {
      ...Object.fromEntries(measuredRates.map(([name, rate]) => [name, rate >= TARGETS[name]])),
      firstPostWorstMs: firstPostMs.max < TARGETS.firstPostWorstMs,
      everyTaskPostedOnce: isSame(posted) && arrivals.refused === 0,
      everyTaskPublished: table.tasks.length === wanted.length && isSame(published.toSorted()),
      gatesWithoutLeftovers: table.gates === options.accounts && table.reservations === 0,
      nothingReported: reports.length === 0,
    },
  };
}

/** For people: what was shared, the runs, where the time goes, the targets, and what is known about a missed one. */
export function throughputTable(
  measured: ThroughputMeasurement,
  { figures, targets, met }: BenchResult,
): string {
  const { options, rounds, threads, firstPosts } = measured;
  const each = rounds.map((one) => [one, figuresOf(one, measured)] as const);
  const column = (
    title: string,
    rows: readonly (readonly [name: string, cell: (figures: RoundFigures) => string])[],
  ) => {
    const table = new Table({
      head: [title, ...rounds.map(nameOf)],
      colAligns: ["left", ...rounds.map(() => "right" as const)],
      style: { head: [], border: [] },
    });
    for (const [name, cell] of rows) table.push([name, ...each.map(([, one]) => cell(one))]);
    return table.toString();
  };
  const phaseNames = Object.keys(each[0]?.[1].phasesMs ?? {}) as (keyof Phases)[];
  const goals = new Table({ head: ["target", "wanted", "reached", "met"], style: { head: [], border: [] } });
  const { firstPostMs } = figures as { readonly firstPostMs: ReturnType<typeof spreadOf> };
  for (const [name, isMet] of Object.entries(met)) {
    const wanted =
      targets[name] === undefined ? "" : `${name.startsWith("posts") ? "≥" : "<"} ${targets[name]}`;
    const reached = name === "firstPostWorstMs" ? firstPostMs.max : figures[name];
    goals.push([name, wanted, reached === undefined ? "" : String(reached), String(isMet)]);
  }
  return [
    `${options.tasks} due text tasks of ${options.accounts} accounts in each run, an explicit policy without intervals, DynamoDB Local in memory.`,
    `At most ${options.publishers} posts are worked on at once. Their functions share ${threads.maxWorkers} threads, up to ${threads.invocationsPerWorker} invocations in each, where AWS gives each invocation a processor share of its own;`,
    `functions, gateway, database, queues and X share ${availableParallelism()} processors.`,
    column("run", [
      ["posts", ({ posts }) => String(posts)],
      ["seconds", ({ seconds }) => seconds.toFixed(1)],
      ["posts per hour", ({ postsPerHour }) => postsPerHour.toLocaleString("en")],
      ["… without start and end", ({ postsPerHourInBetween }) => postsPerHourInBetween.toLocaleString("en")],
      ["most posts at once", ({ mostAtOnce }) => String(mostAtOnce)],
      ["workers that had to load", ({ coldStarts }) => String(coldStarts)],
      ["one invocation, mean", ({ invocationMs }) => `${invocationMs} ms`],
      [
        `publishers that ${TARGETS.postsPerHourAt1s.toLocaleString("en")} an hour need`,
        ({ invocationMs }) => String(Math.ceil((TARGETS.postsPerHourAt1s * invocationMs) / HOUR_MS)),
      ],
    ]),
    column(
      "a post's time, mean ms",
      phaseNames.map((name) => [name, ({ phasesMs }) => String(phasesMs[name])]),
    ),
    ...(each.some(([, { processorMsPerPost }]) => processorMsPerPost)
      ? [
          column("processor ms per post", [
            ...PARTS.map(
              (part) =>
                [part, (one: RoundFigures) => (one.processorMsPerPost?.[part] ?? 0).toFixed(1)] as const,
            ),
            ["processors busy", ({ busy = 0 }) => `${Math.round(busy * 100)} %`],
            ["… with other programs", ({ busyWithOthers = 0 }) => `${Math.round(busyWithOthers * 100)} %`],
          ]),
        ]
      : []),
    `A new task that is due at once, created by the API on an idle engine, ${firstPosts.length} times: median ${firstPostMs.p50} ms, worst ${firstPostMs.max} ms. Behind a backlog it waits for the backlog.`,
    goals.toString(),
    ...explain(measured, met),
  ].join("\n");
}

/** Why a rate was missed: the processors, or the number of publishers. */
function explain(measured: ThroughputMeasurement, met: BenchResult["met"]): string[] {
  const { publishers } = measured.options;
  return Object.entries(WITH_TARGET).flatMap(([name, latencyMs]) => {
    const missed = measured.rounds.find((one) => one.latencyMs === latencyMs);
    if (met[name] !== false || !missed) return [];
    const {
      processorMsPerPost: used,
      busy = 0,
      busyWithOthers = 0,
      invocationMs,
    } = figuresOf(missed, measured);
    if (!used || busy < BUSY) {
      const fits = Math.round((publishers * HOUR_MS) / invocationMs).toLocaleString("en");
      return [
        `${name} missed: ${publishers} publishers, ${invocationMs} ms for each post, can make ${fits} an hour. Let more of them work at once.`,
      ];
    }
    const ours = PARTS.filter((part) => part !== "other programs");
    const msPerPost = ours.reduce((sum, part) => sum + used[part], 0);
    const most = ours.toSorted((a, b) => used[b] - used[a]).map((part) => `${part} ${used[part]} ms`);
    const processors = availableParallelism();
    const room = Math.round((processors * HOUR_MS) / msPerPost).toLocaleString("en");
    return [
      `${name} missed: the processors are the limit, ${Math.round(busy * 100)} % busy. A post takes ${round(msPerPost)} ms of them (${most.join(", ")}); ${processors} have room for ${room} an hour, and only "functions" would be ours to pay on AWS.`,
      ...(busyWithOthers > DISTURBED
        ? [
            `Other programs took ${Math.round(busyWithOthers * 100)} % of the processors meanwhile: measure again when it is quiet.`,
          ]
        : []),
    ];
  });
}
