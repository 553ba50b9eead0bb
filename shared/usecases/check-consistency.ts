import * as z from "zod";
import {
  type Disagreement,
  damagedRecord,
  type ListedSchedule,
  type LoggedState,
  summarizeLog,
} from "#shared/domain/consistency.ts";
import type { AccountId, BatchId, TaskId } from "#shared/domain/ids.ts";
import type { ReadTask } from "#shared/ports/consistency-store.ts";
import {
  type ConsistencyDeps,
  checkBatches,
  checkCounters,
  checkGates,
  checkHeld,
  checkPosts,
  checkSchedules,
  checkTasks,
  type Life,
  type Marker,
  type Note,
  postKey,
  type Reading,
  type Run,
  type StoredPeriod,
} from "./consistency-checks.ts";

export interface Finding extends Disagreement {
  /** `changed-meanwhile`: somebody else wrote it while it was to be repaired, so nothing was written. */
  readonly outcome: "open" | "repaired" | "changed-meanwhile";
}

export interface ConsistencyReport {
  readonly read: { readonly records: number; readonly tasks: number; readonly schedules: number };
  /** Most severe first. */
  readonly findings: readonly Finding[];
  /** Counters that say more than is known, while posts are under way: whether that is too much cannot be told. */
  readonly notJudged: readonly string[];
  /** Nothing disagrees, or all of it was repaired. */
  readonly isConsistent: boolean;
}

export interface CheckProgress {
  readonly step: "records" | "schedules" | "counters" | "tasks" | "posts" | "accounts" | "batches";
  readonly done: number;
  /** Absent where nobody can tell. */
  readonly total?: number;
}

export interface CheckOptions {
  readonly repair: boolean;
  readonly onProgress?: (progress: CheckProgress) => void;
}

/**
 * Compares everything that is stored with everything else, and with Scheduler, and says what disagrees.
 *
 * Punctual goes on meanwhile, so what the first reading suspects is read once more, consistently and in an order in which
 * no change in between explains it. A repair writes only on the condition that nobody else did, and only what makes
 * things stricter, or gives back what certainly nobody uses. Safe to repeat.
 */
export type CheckConsistency = (options: CheckOptions) => Promise<ConsistencyReport>;

/** Looked at at the same time. */
const CONCURRENCY = 8;

const SEVERITY_ORDER = { severe: 0, degraded: 1, harmless: 2 } as const;

export function createCheckConsistency(deps: ConsistencyDeps): CheckConsistency {
  return async ({ repair, onProgress = () => {} }) => {
    const findings: Finding[] = [];
    const note: Note = async (disagreement, mend) => {
      const outcome = !repair || !mend ? "open" : (await mend()) ? "repaired" : "changed-meanwhile";
      findings.push({ ...disagreement, outcome });
    };
    const read = () => readRecords(deps, (done) => onProgress({ step: "records", done }));
    const reading = await read();
    const listed = await readSchedules(deps, (done) => onProgress({ step: "schedules", done }));
    const isDamaged = reading.damaged.length > 0;
    for (const { key, problem } of reading.damaged) await note(damagedRecord(key, problem));

    const run: Run = {
      ...deps,
      reading,
      listed,
      readAgain: read,
      note,
      async each(step, subjects, check) {
        for (let start = 0; start < subjects.length; start += CONCURRENCY) {
          onProgress({ step, done: start, total: subjects.length });
          await Promise.all(
            subjects.slice(start, start + CONCURRENCY).map(async (subject) => {
              try {
                await check(subject);
              } catch (error) {
                // What cannot be read was reported; whatever needs it cannot be judged.
                if (!isDamaged || !(error instanceof z.ZodError)) throw error;
              }
            }),
          );
        }
      },
    };
    // Before any repair: a task that was just written may be one that holds its share.
    const notJudged = await checkCounters(run);
    await checkTasks(run);
    await checkSchedules(run);
    await checkPosts(run);
    await checkGates(run);
    await checkHeld(run);
    await checkBatches(run);

    return {
      read: {
        records: reading.records,
        tasks: reading.lives.size,
        schedules: [...listed.values()].reduce((sum, own) => sum + own.length, 0),
      },
      findings: findings.toSorted((a, b) => SEVERITY_ORDER[a.severity] - SEVERITY_ORDER[b.severity]),
      notJudged,
      isConsistent: findings.every(({ outcome }) => outcome === "repaired"),
    };
  };
}

async function readRecords({ store }: ConsistencyDeps, onRecords: (done: number) => void): Promise<Reading> {
  const tasks = new Map<TaskId, ReadTask>();
  const logs = new Map<TaskId, LoggedState[]>();
  const gates = new Set<AccountId>();
  const markers = new Map<string, Marker>();
  const counters: StoredPeriod[] = [];
  const batches = new Set<BatchId>();
  const damaged: Reading["damaged"][number][] = [];
  let records = 0;
  for await (const page of store.readAll()) {
    for (const record of page)
      switch (record.kind) {
        case "task":
          tasks.set(record.task.id, record);
          break;
        case "log": {
          const entries = logs.get(record.taskId);
          if (entries) entries.push(record.entry);
          else logs.set(record.taskId, [record.entry]);
          break;
        }
        case "gate":
          gates.add(record.accountId);
          break;
        case "posted-id":
          markers.set(postKey(record.accountId, record.postId), record);
          break;
        case "app-day":
        case "project-spend":
          counters.push(record);
          break;
        case "batch":
          batches.add(record.id);
          break;
        case "damaged":
          damaged.push(record);
          break;
      }
    records += page.length;
    onRecords(records);
  }
  const lives = new Map<TaskId, Life>();
  for (const [id, read] of tasks) lives.set(id, { ...read, log: summarizeLog(logs.get(id) ?? []) });
  return { records, lives, gates, markers, counters, batches, damaged };
}

async function readSchedules(
  { schedules }: ConsistencyDeps,
  onSchedules: (done: number) => void,
): Promise<ReadonlyMap<TaskId, readonly ListedSchedule[]>> {
  const found = new Map<TaskId, ListedSchedule[]>();
  let done = 0;
  for await (const page of schedules.list()) {
    for (const schedule of page)
      found.set(schedule.taskId, [...(found.get(schedule.taskId) ?? []), schedule]);
    done += page.length;
    onSchedules(done);
  }
  return found;
}
