import { setTimeout } from "node:timers/promises";
import { type Arrangement, type ArrangementLimits, planArrangement } from "#shared/domain/arrangement.ts";
import { PREPARE_LEADS_MS } from "#shared/domain/timing.ts";
import { type InvocationFigures, watchInvocations } from "#test/bench/cloud/invocations.ts";
import { type ProcessorTime, readProcessorTime, usedBetween } from "#test/bench/cloud/processor-time.ts";
import { type BenchCloud, startBenchCloud } from "#test/bench/cloud/start.ts";
import { readTable, type TableRecord } from "#test/bench/cloud/table.ts";
import { readFixture } from "#test/support/media-files.ts";
import { type PlannedTask, planTasks } from "./plan.ts";

/** Created at the same time. */
const CREATING = 4;
/** What creating a task may take before the window begins, on a machine that has other things to do. */
const CREATION_MS = 100;
const MARGIN_MS = 3_000;
/** After the last slot. What is not posted then is counted as not posted. */
const PATIENCE_MS = 60_000;
const SECOND = 1_000;

export interface PunctualityOptions {
  readonly tasks: number;
  readonly accounts: number;
  /** Length of the window in which the slots are. */
  readonly seconds: number;
  readonly holdLeadSeconds: number;
  readonly nearLimitSeconds: number;
  /** Scheduler fires anywhere in so many seconds. */
  readonly firingSeconds: number;
  readonly seed: number;
  /** Threads: one invocation at a time in each, as in AWS. */
  readonly workers: number;
  readonly onStep: (step: string) => void;
}

/** A task, and when the sandbox had the head of the request that posts it. */
export interface TimedPost {
  readonly planned: PlannedTask;
  /** How its publisher is woken, by the production's own rule. */
  readonly way: Arrangement["publish"]["by"];
  /** Arrivals minus slot in ms: more than one if it was posted more than once. */
  readonly latenessMs: readonly number[];
  readonly status: TableRecord["tasks"][number]["status"] | "not created";
  readonly phases: Readonly<Record<string, number>>;
}

export interface PunctualityMeasurement {
  readonly options: PunctualityOptions;
  readonly posts: readonly TimedPost[];
  readonly refusedByX: number;
  readonly invocations: InvocationFigures;
  /** From the first slot to the last post. */
  readonly windowMs: number;
  readonly processorTime: ProcessorTime | undefined;
  readonly reports: readonly string[];
}

export async function measurePunctuality(options: PunctualityOptions): Promise<PunctualityMeasurement> {
  const { holdLeadSeconds, nearLimitSeconds, firingSeconds, seed, workers, onStep } = options;
  const { tasks, accounts, seconds } = options;
  const limits: ArrangementLimits = {
    holdLeadMs: holdLeadSeconds * SECOND,
    nearLimitMs: nearLimitSeconds * SECOND,
    prepareLeads: PREPARE_LEADS_MS,
  };
  const watch = watchInvocations();
  const bench = await startBenchCloud({
    accounts,
    onStep,
    maxWorkers: workers,
    invocationsPerWorker: 1,
    firing: { withinMs: firingSeconds * SECOND, seed },
    pollers: "ramp-up",
    parameters: {
      HoldLeadSeconds: String(holdLeadSeconds),
      NearLimitSeconds: String(nearLimitSeconds),
    },
    onLog: watch.onLog,
  });
  try {
    watch.watch(bench.functionId("publish-post"));
    const nearSeconds = holdLeadSeconds + nearLimitSeconds;
    const plan = planTasks({ tasks, accounts, seconds, nearSeconds, seed });
    const firstMs = Date.now() + nearSeconds * SECOND + tasks * CREATION_MS + MARGIN_MS;
    const window = new Date(Math.ceil(firstMs / SECOND) * SECOND);
    const slotOf = ({ slotSecond }: PlannedTask) => new Date(window.getTime() + slotSecond * SECOND);

    const isEarly = ({ createdBefore }: PlannedTask): boolean => createdBefore === undefined;
    onStep(`creating ${plan.filter(isEarly).length} tasks`);
    const near = createNearTasks(bench, plan, slotOf);
    const left = plan.filter(isEarly).values();
    const create = async () => {
      for (const planned of left) await createTask(bench, planned, slotOf(planned));
    };
    await Promise.all(Array.from({ length: CREATING }, create));

    const inSeconds = Math.max(0, Math.round((window.getTime() - Date.now()) / SECOND));
    onStep(`the first is due in ${inSeconds} s, the last ${seconds} s later; ${plan.length} in all`);
    await setTimeout(Math.max(0, window.getTime() - Date.now()));
    const timeBefore = readProcessorTime();
    const until = new Date(window.getTime() + seconds * SECOND + PATIENCE_MS);
    await bench.x.waitForPosts(plan.length, until);
    await near;
    const windowMs = Date.now() - window.getTime();
    const timeAfter = readProcessorTime();
    onStep("reading the table");
    await bench.cloud.runtime.drain();
    const [arrivals, table] = [await bench.x.arrivals(), await readTable(bench)];
    const arrivedMs = Map.groupBy(arrivals.posts, ({ text }) => text);
    const records = new Map(table.tasks.map((record) => [record.text, record]));
    return {
      options,
      posts: plan.map((planned): TimedPost => {
        const slotAt = slotOf(planned);
        const record = records.get(planned.text);
        return {
          planned,
          way: planArrangement({ slotAt }, [], record?.createdAt ?? slotAt, limits).publish.by,
          latenessMs: (arrivedMs.get(planned.text) ?? []).map(
            ({ arrivedAtMs }) => arrivedAtMs - slotAt.getTime(),
          ),
          status: record?.status ?? "not created",
          phases: record?.phases ?? {},
        };
      }),
      refusedByX: arrivals.refused,
      invocations: watch.figures(),
      windowMs,
      processorTime: timeBefore && timeAfter && usedBetween(timeBefore, timeAfter),
      reports: bench.cloud.reports().map(({ message, count }) => `${message} (${count} times)`),
    };
  } finally {
    onStep("stopping");
    await bench.close();
  }
}

/** Each at its own time, while the window goes on. */
async function createNearTasks(
  bench: BenchCloud,
  plan: readonly PlannedTask[],
  slotOf: (planned: PlannedTask) => Date,
): Promise<void> {
  await Promise.all(
    plan.map(async (planned) => {
      if (planned.createdBefore === undefined) return;
      const slotAt = slotOf(planned);
      await setTimeout(Math.max(0, slotAt.getTime() - planned.createdBefore * SECOND - Date.now()));
      await createTask(bench, planned, slotAt);
    }),
  );
}

/** By the API; with a photo by the drop folder. */
async function createTask(
  { api, drop, accounts }: BenchCloud,
  { text, account, withPhoto }: PlannedTask,
  slotAt: Date,
): Promise<void> {
  const name = accounts[account];
  const publishAt = slotAt.toISOString();
  if (withPhoto) {
    const base = text.replaceAll(/\W+/g, "-");
    await drop(`${base}.jpg`, readFixture("photo.jpg"));
    const fields = [`publishAt: ${publishAt}`, `account: ${name}`, "language: en", `media: [${base}.jpg]`];
    await drop(`${base}.md`, ["---", ...fields, "---", text].join("\n"));
    return;
  }
  const answer = await api("/scheduling/tasks", { text, account: name, publishAt, language: "en" });
  if (answer.status !== 202) throw new Error(`the API answered ${answer.status}: ${await answer.text()}`);
}
