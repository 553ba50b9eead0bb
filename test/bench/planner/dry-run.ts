import { accountIdFor } from "#shared/domain/account.ts";
import { newGate } from "#shared/domain/gate.ts";
import { type AccountId, asOwnerId, asProjectId, asTaskId } from "#shared/domain/ids.ts";
import { PRESETS } from "#shared/domain/planning/presets.ts";
import { type CalendarState, simulateCalendar } from "#shared/domain/planning/simulate-calendar.ts";
import type { Task } from "#shared/domain/task.ts";
import type { NewTask } from "#shared/usecases/create-task.ts";
import { takesPlace, toOccupied } from "#shared/usecases/read-calendar.ts";
import { createSimulateCalendar } from "#shared/usecases/simulate-calendar.ts";
import { aTask } from "#test/support/builders.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryCounters } from "#test/support/in-memory-counters.ts";
import { createInMemoryFingerprints } from "#test/support/in-memory-fingerprints.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const OWNER = asOwnerId("bench");
const PROJECT = asProjectId("bench-project");
const NOW = new Date("2026-12-01T01:00:00.000Z");
const DAY_MS = 86_400_000;
const DAYS = 31;

export interface DryRunOptions {
  /** @default 10,000 */
  readonly tasks?: number;
  /** @default 100 */
  readonly accounts?: number;
  /** @default 50 */
  readonly drafts?: number;
  /** @default 5 */
  readonly runs?: number;
}

export interface DryRunFigures {
  readonly tasks: number;
  readonly accounts: number;
  /** The simulation alone: the median of the runs, and the slowest. */
  readonly simulationMs: number;
  readonly slowestSimulationMs: number;
  /** With the drafts planned and everything read from a store in memory; once. */
  readonly withDraftsMs: number;
  readonly drafts: number;
  /** Of the tasks: a calendar without trouble would be a poor test. */
  readonly moved: number;
  readonly conflicting: number;
}

/**
 * A calendar of instants by chance: much collides, so that posts wait for each other, which costs more than a calendar that
 * was planned.
 */
function fillCalendar(count: number, accountIds: readonly AccountId[]): readonly Task[] {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, (_, index) =>
    aTask({
      id: asTaskId(`task-${index}`),
      ownerId: OWNER,
      projectId: PROJECT,
      accountId: accountIds[index % accountIds.length] ?? accountIdFor(OWNER, "0"),
      slotAt: new Date(NOW.getTime() + Math.floor((random() * (DAYS - 1) * DAY_MS) / 1_000) * 1_000),
      priority: 1 + Math.floor(random() * 10),
      latePolicy: { then: "missed" },
    }),
  );
}

/** Target: 10,000 tasks over 100 accounts in less than 2 s. */
export async function measureDryRun({
  tasks: taskCount = 10_000,
  accounts: accountCount = 100,
  drafts: draftCount = 50,
  runs = 5,
}: DryRunOptions = {}): Promise<DryRunFigures> {
  const clock = { now: () => NOW };
  const accountIds = Array.from({ length: accountCount }, (_, index) => accountIdFor(OWNER, `a${index}`));
  const tasks = fillCalendar(taskCount, accountIds);
  const accounts = createInMemoryAccounts();
  for (const [index, id] of accountIds.entries())
    await accounts.saveAccount({
      id,
      ownerId: OWNER,
      name: `a${index}`,
      maxTextLength: 280,
      status: "active",
      version: 1,
    });
  const [defaultAccountId = accountIdFor(OWNER, "0")] = accountIds;
  const project = {
    id: PROJECT,
    ownerId: OWNER,
    name: "bench",
    timeZone: "Europe/Berlin",
    accountIds,
    defaultAccountId,
    policy: PRESETS.steady,
  };
  await accounts.addProject(project);
  const standings = await Promise.all(
    accountIds.map(async (id) => ({ id, account: await accounts.getAccount(id), gate: newGate(id) })),
  );
  const occupied = Map.groupBy(tasks.filter(takesPlace), ({ accountId }) => accountId);
  const state: CalendarState = {
    now: NOW,
    days: DAYS,
    project,
    accounts: standings,
    tasks,
    drafts: [],
    occupied: new Map([...occupied].map(([id, own]) => [id, own.map(toOccupied)])),
    spentMicros: new Map(),
  };
  const times: number[] = [];
  let report = simulateCalendar(state);
  for (let run = 0; run < runs; run++) {
    const startedAt = performance.now();
    report = simulateCalendar(state);
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);

  const store = createInMemoryStore(clock);
  for (const task of tasks)
    await store.tasks.create(task, { taskId: task.id, rev: 1, parts: [{ text: task.id }], media: [] });
  const simulate = createSimulateCalendar({
    tasks: store.tasks,
    accounts,
    fingerprints: createInMemoryFingerprints(clock),
    counters: createInMemoryCounters(),
    clock,
  });
  const drafts = Array.from({ length: draftCount }, (_, index) => ({
    id: `drafts/${index}`,
    post: {
      ownerId: OWNER,
      project: "bench",
      account: "any",
      texts: [`Draft ${index}: the ferry leaves at ${index} past nine, from pier ${index * 7}.`],
      publishAt: "now",
      strategy: "optimal",
      priority: 1 + (index % 10),
      language: "en",
      maxRetries: 3,
    } satisfies NewTask,
  }));
  const startedAt = performance.now();
  const run = await simulate({ ownerId: OWNER, project: "bench", days: DAYS, drafts });
  const withDraftsMs = performance.now() - startedAt;
  if (!run.ok || run.value.report.posts.length !== taskCount + draftCount)
    throw new Error("the dry run did not look at everything");
  return {
    tasks: taskCount,
    accounts: accountCount,
    simulationMs: times[Math.floor(times.length / 2)] ?? Number.NaN,
    slowestSimulationMs: times.at(-1) ?? Number.NaN,
    withDraftsMs,
    drafts: draftCount,
    moved: report.counts.moves,
    conflicting: report.posts.filter(({ conflicts }) => conflicts.length > 0).length,
  };
}
