import { setTimeout } from "node:timers/promises";
import { type InvocationFigures, watchInvocations } from "#test/bench/cloud/invocations.ts";
import { type ProcessorTime, readProcessorTime, usedBetween } from "#test/bench/cloud/processor-time.ts";
import { type BenchCloud, startBenchCloud } from "#test/bench/cloud/start.ts";
import { readTable, type TableRecord } from "#test/bench/cloud/table.ts";
import type { Arrivals } from "#test/bench/cloud/x-messages.ts";
import { createDueTasks, settled } from "./engine.ts";

/** A new task is created so long after the one before: the engine is idle again. */
const BETWEEN_FIRST_POSTS_MS = 1_000;
const FIRST_POST_DEADLINE_MS = 60_000;
/** The local runtime lets a queue have half of its invocations. */
const INVOCATIONS_PER_PUBLISHER = 2;

export interface ThroughputOptions {
  readonly tasks: number;
  readonly accounts: number;
  /** Each is a run with tasks of its own; added by X to every answer. */
  readonly latenciesMs: readonly number[];
  /** Posts that are worked on at once. */
  readonly publishers: number;
  /** Invocations that may share a thread; AWS runs one at a time. */
  readonly sharing: number;
  /** New tasks, one after another, that are due when they are created. */
  readonly firstPosts: number;
  /** A run is given up after this. */
  readonly deadlineMs: number;
  readonly onStep: (step: string) => void;
}

/** One run: everything that is due at an instant, until X has it. */
export interface Round {
  readonly latencyMs: number;
  readonly texts: readonly string[];
  /** The first message was sent. */
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly invocations: InvocationFigures;
  readonly processorTime: ProcessorTime | undefined;
}

interface Threads {
  readonly maxWorkers: number;
  readonly invocationsPerWorker: number;
}

/** As many threads as let exactly so many publishers work at once. */
function threadsFor({ publishers, sharing }: Pick<ThroughputOptions, "publishers" | "sharing">): Threads {
  const invocations = publishers * INVOCATIONS_PER_PUBLISHER;
  let each = Math.min(sharing, invocations);
  while (invocations % each !== 0) each -= 1;
  return { maxWorkers: invocations / each, invocationsPerWorker: each };
}

export interface FirstPost {
  readonly text: string;
  /** The request that creates it was sent. */
  readonly askedAt: Date;
}

export interface ThroughputMeasurement {
  readonly options: ThroughputOptions;
  readonly threads: Threads;
  readonly firstPosts: readonly FirstPost[];
  readonly rounds: readonly Round[];
  readonly arrivals: Arrivals;
  readonly table: TableRecord;
  /** What the local cloud had to report: refused rights, failed invocations. */
  readonly reports: readonly string[];
}

export async function measureThroughput(options: ThroughputOptions): Promise<ThroughputMeasurement> {
  const { latenciesMs, onStep, accounts } = options;
  const watch = watchInvocations();
  const threads = threadsFor(options);
  const bench = await startBenchCloud({
    accounts,
    onStep,
    ...threads,
    onLog: watch.onLog,
  });
  try {
    watch.watch(bench.functionId("publish-post"));
    await bench.x.setLatency(latenciesMs[0] ?? 0);
    const firstPosts = await postFirst(bench, options);
    const rounds: Round[] = [];
    for (const latencyMs of latenciesMs)
      rounds.push(await runRound(bench, watch, { ...options, latencyMs, before: rounds }));
    onStep("reading the table");
    return {
      options,
      threads,
      firstPosts,
      rounds,
      arrivals: await bench.x.arrivals(),
      table: await readTable(bench),
      reports: bench.cloud.reports().map(({ message, count }) => `${message} (${count} times)`),
    };
  } finally {
    onStep("stopping");
    await bench.close();
  }
}

/** Through the HTTP API, while nothing else is to be done. */
async function postFirst(
  { api, x, accounts }: BenchCloud,
  { firstPosts, onStep }: ThroughputOptions,
): Promise<readonly FirstPost[]> {
  onStep(`${firstPosts} new tasks that are due now, by the API`);
  const made: FirstPost[] = [];
  for (let index = 0; index < firstPosts; index++) {
    const text = `a new task, post ${index + 1}`;
    const account = accounts[index % accounts.length];
    const askedAt = new Date();
    const answer = await api("/scheduling/tasks", { text, account, publishAt: "now", language: "en" });
    if (answer.status !== 202) throw new Error(`the API answered ${answer.status}: ${await answer.text()}`);
    made.push({ text, askedAt });
    await setTimeout(BETWEEN_FIRST_POSTS_MS);
  }
  await x.waitForPosts(firstPosts, new Date(Date.now() + FIRST_POST_DEADLINE_MS));
  return made;
}

async function runRound(
  bench: BenchCloud,
  watch: ReturnType<typeof watchInvocations>,
  options: ThroughputOptions & { readonly latencyMs: number; readonly before: readonly Round[] },
): Promise<Round> {
  const { tasks: count, latencyMs, before, firstPosts, deadlineMs, onStep } = options;
  const name = `X answers in ${latencyMs} ms`;
  onStep(`${name}: creating ${count} due tasks`);
  const { texts, release } = await createDueTasks(bench, { count, name });
  await bench.x.setLatency(latencyMs);

  onStep(`${name}: publishing`);
  watch.forget();
  const timeBefore = readProcessorTime();
  const startedAt = new Date();
  const released = release();
  await bench.x.waitForPosts(
    firstPosts + (before.length + 1) * count,
    new Date(startedAt.getTime() + deadlineMs),
  );
  const endedAt = new Date();
  const timeAfter = readProcessorTime();
  await released;
  await settled(bench);
  return {
    latencyMs,
    texts,
    startedAt,
    endedAt,
    invocations: watch.figures(),
    processorTime: timeBefore && timeAfter && usedBetween(timeBefore, timeAfter),
  };
}
