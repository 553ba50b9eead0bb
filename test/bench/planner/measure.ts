import { createHash } from "node:crypto";
import { openTimetable } from "#shared/domain/planning/calendar.ts";
import type { PlanContext, PlanWish } from "#shared/domain/planning/plan.ts";
import { type BatchPlan, planBatch } from "#shared/domain/planning/plan-batch.ts";
import { checkSlots, type PlacedSlot } from "./check-slots.ts";
import { type DryRunFigures, measureDryRun } from "./dry-run.ts";
import { type DuplicateFigures, measureDuplicates } from "./duplicates.ts";
import { planNaively } from "./plan-naively.ts";
import { accountIds, type Calendars, fullCalendars, NOW, POLICY, TIME_ZONE, wishes } from "./workload.ts";

export interface PlannerOptions {
  /** Days of the full calendars, each of which is a row: what is planned is the same in all of them. */
  readonly calendarDays: readonly number[];
  readonly runs: number;
  readonly onStep: (step: string) => void;
}

/** What is planned, and into which calendars. */
export interface Scale {
  readonly kind: "size" | "calendar" | "dry";
  /** Planned together. */
  readonly tasks: number;
  readonly accounts: number;
  /** Of each account; 0: nothing is planned yet. */
  readonly calendarDays: number;
}

/** Per task, in µs. */
export interface Timing {
  /** What passed. */
  readonly wallUs: number;
  /** What the processor was busy for this program, its garbage collection included: others disturb it less. */
  readonly processorUs: number;
  /** Of that, reading the taken slots once, measured on its own. */
  readonly openUs: number;
}

export interface Quality {
  readonly planned: number;
  readonly refused: number;
  /** Tasks with one conflict at least. */
  readonly conflicts: number;
  readonly kinds: Readonly<Record<string, number>>;
}

export interface ScaleMeasurement {
  readonly scale: Scale;
  readonly takenSlots: number;
  /** One for each run that counts. */
  readonly timings: readonly Timing[];
  readonly ours: Quality;
  readonly naive: Quality;
  /** Every run gave each task the same slot, score, words and alternatives. */
  readonly isSame: boolean;
}

export interface PlannerMeasurement {
  readonly options: PlannerOptions;
  readonly scales: readonly ScaleMeasurement[];
  readonly duplicates: DuplicateFigures;
  readonly dryRun: DryRunFigures;
}

/** Each run plans so many tasks of each scale, in as many batches as that takes: short runs would measure pauses. */
const TASKS_OF_RUN = 10_000;
const SIZES = [
  [50, 1],
  [1_000, 100],
  [10_000, 1_000],
] as const;
const FULL_DAYS = 30;
/** Functions are compiled in them, and the days of the zone looked up. */
const WARM_UP_RUNS = 2;

const context: PlanContext = { now: NOW, policy: POLICY, timeZone: TIME_ZONE };

const scalesOf = ({ calendarDays }: PlannerOptions): readonly Scale[] => [
  ...SIZES.map(([tasks, accounts]) => ({ kind: "size", tasks, accounts, calendarDays: FULL_DAYS }) as const),
  ...calendarDays.map(
    (days) => ({ kind: "calendar", tasks: 1_000, accounts: 100, calendarDays: days }) as const,
  ),
  { kind: "dry", tasks: 10_000, accounts: 100, calendarDays: 0 },
];

interface Prepared {
  readonly scale: Scale;
  readonly calendars: Calendars;
  readonly batches: readonly (readonly PlanWish[])[];
  readonly timings: Timing[];
  readonly digests: Set<string>;
}

function prepare(scale: Scale): Prepared {
  const accounts = accountIds(scale.accounts);
  const batches = Array.from({ length: Math.max(1, TASKS_OF_RUN / scale.tasks) }, (_, index) =>
    wishes(scale.tasks, accounts, index + 1),
  );
  return {
    scale,
    calendars: fullCalendars(accounts, scale.calendarDays),
    batches,
    timings: [],
    digests: new Set(),
  };
}

export async function measurePlanner(options: PlannerOptions): Promise<PlannerMeasurement> {
  const prepared = scalesOf(options).map(prepare);
  const plans = new Map<Prepared, readonly (readonly BatchPlan[])[]>();
  for (let run = 1; run <= WARM_UP_RUNS + options.runs; run++) {
    options.onStep(run <= WARM_UP_RUNS ? "warming up" : `run ${run - WARM_UP_RUNS} of ${options.runs}`);
    for (const one of prepared) {
      const { answers, timing } = timePlanning(one);
      if (run > WARM_UP_RUNS) one.timings.push(timing);
      one.digests.add(createHash("sha256").update(JSON.stringify(answers)).digest("hex"));
      plans.set(one, answers);
    }
  }
  options.onStep("checking the plans");
  const scales = prepared.map((one) => {
    const { scale, calendars, batches, timings, digests } = one;
    const answers = plans.get(one) ?? [];
    return {
      scale,
      takenSlots: takenIn(calendars).length,
      timings,
      isSame: digests.size === 1,
      ours: qualityOf(one, (index) => slotsOf(batches[index] ?? [], answers[index] ?? [])),
      naive: qualityOf(one, (index) => planNaively(batches[index] ?? [], context)),
    };
  });
  options.onStep("dry run of a calendar");
  const dryRun = await measureDryRun({ runs: options.runs });
  options.onStep("duplicates among 100,000 posts");
  return { options, scales, dryRun, duplicates: await measureDuplicates() };
}

/** Processor time of this program, in µs. */
function measured<Value>(work: () => Value): { value: Value; wallUs: number; processorUs: number } {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const value = work();
  const wallUs = (performance.now() - startedAt) * 1_000;
  const { user, system } = process.cpuUsage(before);
  return { value, wallUs, processorUs: user + system };
}

function timePlanning({ scale, calendars, batches }: Prepared) {
  const tasks = batches.length * scale.tasks;
  const ids = new Set(batches[0]?.map(({ id }) => id));
  const opening = measured(() => {
    for (const _ of batches) {
      const timetable = openTimetable(calendars, context, ids);
      for (const accountId of calendars.keys()) timetable.calendar(accountId);
    }
  });
  const planning = measured(() => batches.map((batch) => planBatch(batch, calendars, context)));
  return {
    answers: planning.value,
    timing: {
      wallUs: planning.wallUs / tasks,
      processorUs: planning.processorUs / tasks,
      openUs: opening.processorUs / tasks,
    },
  };
}

const takenIn = (calendars: Calendars): readonly PlacedSlot[] =>
  [...calendars].flatMap(([accountId, slots]) =>
    slots.map(({ id, at, parts, priority = 5 }) => ({ id, accountId, at, parts, priority })),
  );

const slotsOf = (batch: readonly PlanWish[], answers: readonly BatchPlan[]): readonly PlacedSlot[] =>
  batch.flatMap((wish, index) => {
    const answer = answers[index];
    return answer?.ok ? [{ ...wish, accountId: answer.value.accountId, at: answer.value.at }] : [];
  });

/** Each batch is looked at by itself, beside what was taken before. */
function qualityOf(
  { calendars, batches, scale }: Prepared,
  planned: (batch: number) => readonly PlacedSlot[],
): Quality {
  const taken = takenIn(calendars);
  let [placed, conflicts] = [0, 0];
  const kinds = new Map<string, number>();
  for (const index of batches.keys()) {
    const slots = planned(index);
    const found = checkSlots([...taken, ...slots], { policy: POLICY, timeZone: TIME_ZONE });
    placed += slots.length;
    for (const { id } of slots) {
      const own = found.get(id);
      if (!own) continue;
      conflicts += 1;
      for (const kind of own) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
  }
  return {
    planned: placed,
    refused: batches.length * scale.tasks - placed,
    conflicts,
    kinds: Object.fromEntries(kinds),
  };
}
