/** Each comparison of the consistency check: which subjects to look at twice, and how to repair what then still disagrees. */
import type { CountedTask } from "#shared/domain/batch.ts";
import {
  batchMissing,
  checkHeldFor,
  checkPost,
  checkSchedule,
  checkTask,
  compareBatch,
  type Disagreement,
  type ListedSchedule,
  type PostEvidence,
  summarizeLog,
  wakeAnew,
} from "#shared/domain/consistency.ts";
import {
  boundsOf,
  type CountedLife,
  type CounterPeriod,
  compareCounter,
  countFacts,
  nameOfPeriod,
  periodsOf,
} from "#shared/domain/counter-consistency.ts";
import { compareGate, type GateEvidence } from "#shared/domain/gate-consistency.ts";
import { type AccountId, asAttemptId, type BatchId, type TaskId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import { rewrite } from "#shared/domain/moves.ts";
import { isInFlight, type Task, type TaskStep } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { type BatchStore, MAX_COUNTED } from "#shared/ports/batch-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { ConsistencyStore, ReadTask, StoredRecord } from "#shared/ports/consistency-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { ScheduleList } from "#shared/ports/schedule-list.ts";
import type { SharedCounters } from "#shared/ports/shared-counters.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";

export interface ConsistencyDeps {
  readonly store: ConsistencyStore;
  readonly tasks: Pick<TaskStore, "getLog" | "getGate" | "save">;
  readonly accounts: Pick<AccountStore, "getAccount" | "getProject" | "saveAccount">;
  readonly schedules: ScheduleList;
  readonly counters: SharedCounters;
  readonly batches: Pick<BatchStore, "get" | "listCounted" | "count">;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

/** A task as the first reading found it. */
export interface Life extends CountedLife, ReadTask {}
export type StoredPeriod = Extract<StoredRecord, { kind: "app-day" | "project-spend" }>;

/** Which task a post belongs to. */
export interface Marker {
  readonly accountId: AccountId;
  readonly postId: string;
  readonly taskId: TaskId;
}

/** Everything as it was read, each at another instant. */
export interface Reading {
  readonly records: number;
  readonly lives: ReadonlyMap<TaskId, Life>;
  readonly gates: ReadonlySet<AccountId>;
  /** By `postKey`. */
  readonly markers: ReadonlyMap<string, Marker>;
  readonly counters: readonly StoredPeriod[];
  readonly batches: ReadonlySet<BatchId>;
  readonly damaged: readonly { readonly key: string; readonly problem: string }[];
}

export const postKey = (accountId: AccountId, postId: string): string => `${accountId}#${postId}`;

/** @param mend - repairs it; `false` when somebody else wrote meanwhile, and nothing was written */
export type Note = (disagreement: Disagreement, mend?: () => Promise<boolean>) => Promise<void>;

export interface Run extends ConsistencyDeps {
  readonly reading: Reading;
  readonly listed: ReadonlyMap<TaskId, readonly ListedSchedule[]>;
  readonly readAgain: () => Promise<Reading>;
  readonly note: Note;
  readonly each: <Subject>(
    step: "counters" | "tasks" | "posts" | "accounts" | "batches" | "schedules",
    subjects: readonly Subject[],
    check: (subject: Subject) => Promise<void>,
  ) => Promise<void>;
}

/** An account that posts all the time, or a batch that is counted all the time, is left to the next check. */
const MAX_RACES = 5;
const COUNTED_PAGE = 500;
/** The longest window of a gate, with room. */
const RECENT_MS = 25 * 3_600_000;
/** Counters are deleted 90 days after their period began. */
const COUNTERS_KEPT_MS = TIMING.logRetentionMs - 86_400_000;

/** Several disagreements, one write. */
function once<Value>(work: () => Promise<Value>): () => Promise<Value> {
  let started: Promise<Value> | undefined;
  return () => (started ??= work());
}

const stepsOf = (task: Task, schedules: readonly ListedSchedule[]): ReadonlySet<TaskStep> =>
  new Set(schedules.flatMap(({ arm, step }) => (arm === task.arm ? [step] : [])));

export async function checkTasks(run: Run): Promise<void> {
  const { reading, listed, clock, store, tasks, schedules } = run;
  const suspects = [...reading.lives.values()].filter((life) => {
    const scheduled = stepsOf(life.task, listed.get(life.task.id) ?? []);
    return checkTask({ ...life, scheduled }, clock.now()).length > 0;
  });
  await run.each("tasks", suspects, async ({ task: { id } }) => {
    const read = await store.readTask(id);
    if (!read) return;
    const own: ListedSchedule[] = [];
    for await (const page of schedules.list(id)) own.push(...page);
    const log = summarizeLog(await tasks.getLog(id));
    const scheduled = stepsOf(read.task, own);
    const found = checkTask({ ...read, log, scheduled }, clock.now());
    const mend = once(() => mendTask(run, read.task, found, own));
    for (const one of found) await run.note(one, one.repair === undefined ? undefined : mend);
  });
}

/** One write on the version that was read: whatever the task needs, and an entry in its log that says so. */
async function mendTask(
  { tasks, schedules, clock, entropy }: Run,
  task: Task,
  found: readonly Disagreement[],
  own: readonly ListedSchedule[],
): Promise<boolean> {
  const codes = new Set(found.map(({ code }) => code));
  const now = clock.now();
  const isToWake = codes.has("task-not-woken") || codes.has("task-without-schedule");
  const next = isToWake ? wakeAnew(task, stepsOf(task, own), now) : rewrite(task, now);
  const log: LogEntry = {
    at: now,
    attemptId: asAttemptId(entropy.newId()),
    step: "change",
    status: next.status,
    code: "repaired",
    message: `The consistency check found: ${[...codes].join(", ")}.`,
  };
  if (!(await tasks.save(next, { log })).ok) return false;
  // It is arranged anew under another arm: what is left of this one would wake a function for nothing.
  if (isToWake && !next.arrangedFor) for (const schedule of own) await schedules.delete(schedule);
  return true;
}

export async function checkSchedules(run: Run): Promise<void> {
  const { reading, listed, store, schedules } = run;
  const strays = [...listed.values()]
    .flat()
    .filter((schedule) => checkSchedule(schedule, reading.lives.get(schedule.taskId)?.task));
  await run.each("schedules", strays, async (schedule) => {
    const stray = checkSchedule(schedule, (await store.readTask(schedule.taskId))?.task);
    if (!stray) return;
    await run.note(stray, async () => {
      await schedules.delete(schedule);
      return true;
    });
  });
}

export async function checkPosts(run: Run): Promise<void> {
  const { reading, store } = run;
  const posts = new Map<string, { accountId: AccountId; postId: string; claimedBy: TaskId[] }>();
  for (const { task } of reading.lives.values())
    for (const { postId } of task.posted) {
      const key = postKey(task.accountId, postId);
      const known = posts.get(key);
      if (known) known.claimedBy.push(task.id);
      else posts.set(key, { accountId: task.accountId, postId, claimedBy: [task.id] });
    }
  for (const [key, { accountId, postId }] of reading.markers)
    if (!posts.has(key)) posts.set(key, { accountId, postId, claimedBy: [] });
  const exists = (id: TaskId) => reading.lives.has(id);
  const withMarker = (post: PostEvidence, markedFor: TaskId | undefined): PostEvidence => ({
    ...post,
    ...(markedFor !== undefined && { markedFor }),
  });
  const suspects = [...posts].flatMap(([key, post]) =>
    checkPost(withMarker(post, reading.markers.get(key)?.taskId), exists) ? [post] : [],
  );

  await run.each("posts", suspects, async ({ accountId, postId, claimedBy }) => {
    const markedFor = await store.readMarker(accountId, postId);
    const ids = new Set(markedFor === undefined ? claimedBy : [...claimedBy, markedFor]);
    const read = await Promise.all([...ids].map((id) => store.readTask(id)));
    const claimants = read.flatMap((one) =>
      one?.task.accountId === accountId && one.task.posted.some((part) => part.postId === postId)
        ? [one.task.id]
        : [],
    );
    const [claimant] = claimants;
    const found = checkPost(withMarker({ accountId, postId, claimedBy: claimants }, markedFor), exists);
    if (!found) return;
    const mend = async () => claimant !== undefined && (await store.markPost(accountId, postId, claimant)).ok;
    await run.note(found, found.repair === undefined ? undefined : mend);
  });
}

export async function checkGates(run: Run): Promise<void> {
  const { reading, clock, store } = run;
  const oldest = clock.now().getTime() - RECENT_MS;
  const known = new Map<AccountId, { tasks: Map<TaskId, Task>; newest?: Task }>();
  for (const { task } of reading.lives.values()) {
    const lastSentAt = task.posted.at(-1)?.sentAt;
    if (!lastSentAt && !isInFlight(task.status)) continue;
    const of = known.get(task.accountId) ?? { tasks: new Map<TaskId, Task>() };
    known.set(task.accountId, of);
    if (isInFlight(task.status) || (lastSentAt && lastSentAt.getTime() > oldest)) of.tasks.set(task.id, task);
    const newestSentAt = of.newest?.posted.at(-1)?.sentAt;
    if (lastSentAt && (!newestSentAt || lastSentAt > newestSentAt)) of.newest = task;
  }
  const accounts = [...new Set([...reading.gates, ...known.keys()])];
  await run.each("accounts", accounts, async (id) => {
    const { tasks = new Map<TaskId, Task>(), newest } = known.get(id) ?? {};
    const evidence = await readGate(run, id, [...tasks.values(), ...(newest ? [newest] : [])]);
    if (!evidence) return;
    const { disagreements, mended } = compareGate(evidence, clock.now());
    const mend = mended && once(async () => (await store.saveGate(mended)).ok);
    for (const one of disagreements) await run.note(one, mend);
  });
}

/**
 * The gate, and its tasks as they were while it had this version: every step of a task into or out of a place writes the
 * gate as well. What was read before the gate can only say less than it.
 */
async function readGate(
  { tasks, store }: Run,
  id: AccountId,
  known: readonly Task[],
): Promise<GateEvidence | undefined> {
  for (let race = 0; race < MAX_RACES; race++) {
    const gate = await tasks.getGate(id);
    const mayHavePlace = known.filter(({ status }) => isInFlight(status)).map((task) => task.id);
    const ids = [...new Set([...gate.reservations.map(({ taskId }) => taskId), ...mayHavePlace])];
    const read = await Promise.all(ids.map((taskId) => store.readTask(taskId)));
    if ((await tasks.getGate(id)).version !== gate.version) continue;
    const now = new Map(known.map((task) => [task.id, task]));
    for (const taskId of ids) now.delete(taskId);
    for (const one of read) if (one?.task.accountId === id) now.set(one.task.id, one.task);
    return { gate, tasks: [...now.values()] };
  }
  return undefined;
}

export async function checkHeld(run: Run): Promise<void> {
  const { reading, accounts, clock, store } = run;
  const waiting = (task: Task | undefined) => task?.status === "held" && task.heldFor === "account";
  const held = Map.groupBy(
    [...reading.lives.values()].map(({ task }) => task).filter(waiting),
    ({ accountId }) => accountId,
  );
  await run.each("accounts", [...held], async ([id, tasks]) => {
    const account = await accounts.getAccount(id);
    if (!account) return;
    // Read after the account: whoever resumes it keeps its `wakeAt` until all its tasks are on their way.
    const read = await Promise.all(tasks.map((task) => store.readTask(task.id)));
    const still = read.flatMap((one) => (one && waiting(one.task) ? [one.task.id] : []));
    const found = checkHeldFor(id, account, still);
    if (!found) return;
    await run.note(found, async () => {
      const next = { ...account, wakeAt: clock.now(), version: account.version + 1 };
      return (await accounts.saveAccount(next)).ok;
    });
  });
}

export async function checkBatches(run: Run): Promise<void> {
  const { reading, batches, store, clock } = run;
  const members = new Map<BatchId, Task[]>([...reading.batches].map((id) => [id, []]));
  for (const { task } of reading.lives.values()) {
    if (!task.batchId) continue;
    const known = members.get(task.batchId);
    if (known) known.push(task);
    else members.set(task.batchId, [task]);
  }
  await run.each("batches", [...members], async ([id, tasks]) => {
    for (let race = 0; race < MAX_RACES; race++) {
      const batch = await batches.get(id);
      if (!batch) return run.note(batchMissing(id, tasks.length));
      const counted = await listCounted(batches, id);
      const after = await batches.get(id);
      if (JSON.stringify(after?.counts) !== JSON.stringify(batch.counts)) continue;
      const { disagreements, behind, counts } = compareBatch(batch, counted, tasks, clock.now());
      for (const one of disagreements)
        await run.note(one, async () => {
          if (one.code === "batch-sum-differs")
            return counts !== undefined && (await store.saveCounts(id, batch.counts, counts)).ok;
          for (let start = 0; start < behind.length; start += MAX_COUNTED)
            await batches.count(id, behind.slice(start, start + MAX_COUNTED));
          return true;
        });
      return;
    }
  });
}

async function listCounted(
  batches: Pick<BatchStore, "listCounted">,
  id: BatchId,
): Promise<readonly CountedTask[]> {
  const all: CountedTask[] = [];
  for (;;) {
    const last = all.at(-1)?.taskId;
    const page = await batches.listCounted(id, {
      limit: COUNTED_PAGE,
      ...(last !== undefined && { after: last }),
    });
    all.push(...page);
    if (page.length < COUNTED_PAGE) return all;
  }
}

/**
 * Too little is certain at once, since the counter was read after the posts. Too much of a period that is still counted is
 * believed only when all tasks were read once more, between two readings of the counter that say the same, and none of
 * them may be holding a share.
 *
 * @returns names of counters that say more than is known, but cannot be judged now
 */
export async function checkCounters(run: Run): Promise<readonly string[]> {
  const { reading, counters, clock } = run;
  const adjust = (period: CounterPeriod, missing: number) => async () => {
    if (missing < 0) await counters.giveBack(period, -missing);
    else return counters.take(period, missing, Number.MAX_SAFE_INTEGER);
    return true;
  };
  const notJudged: string[] = [];
  const suspects: CounterPeriod[] = [];
  await run.each("counters", await periodsIn(run), async (period) => {
    const used = await counters.read(period);
    const facts = countFacts(period, reading.lives.values(), clock.now());
    if (used > facts.possible) suspects.push(period);
    const below = used < facts.certain && compareCounter(period, used, facts);
    if (below) await run.note(below, adjust(period, below.missing));
  });
  if (suspects.length === 0) return [];

  const before = await Promise.all(suspects.map((period) => counters.read(period)));
  const again = await run.readAgain();
  for (const [place, period] of suspects.entries()) {
    const used = await counters.read(period);
    const facts = countFacts(period, again.lives.values(), clock.now());
    if (used <= facts.possible) continue;
    const isQuiet = facts.isQuiet && used === before[place] && again.damaged.length === 0;
    const above = compareCounter(period, used, { ...facts, isQuiet });
    if (above) await run.note(above, adjust(period, above.missing));
    else notJudged.push(nameOfPeriod(period));
  }
  return notJudged;
}

/** Every period that has a counter, or should have one. */
async function periodsIn({ reading, accounts, clock }: Run): Promise<readonly CounterPeriod[]> {
  const periods = new Map<string, CounterPeriod>();
  const owners = new Map<Task["projectId"], Task["ownerId"]>();
  for (const { task } of reading.lives.values()) {
    owners.set(task.projectId, task.ownerId);
    for (const period of periodsOf(task)) periods.set(nameOfPeriod(period), period);
  }
  for (const stored of reading.counters) {
    if (stored.kind === "app-day") {
      periods.set(nameOfPeriod(stored), stored);
      continue;
    }
    const { projectId, month } = stored;
    const ownerId = owners.get(projectId) ?? (await accounts.getProject(projectId))?.ownerId;
    if (ownerId === undefined) continue;
    const period: CounterPeriod = { kind: "project-spend", ownerId, projectId, month };
    periods.set(nameOfPeriod(period), period);
  }
  const oldest = clock.now().getTime() - COUNTERS_KEPT_MS;
  return [...periods.values()].filter((period) => boundsOf(period).startAt.getTime() > oldest);
}
