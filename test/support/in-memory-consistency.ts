import type { BatchCounts } from "#shared/domain/batch.ts";
import type { ListedSchedule } from "#shared/domain/consistency.ts";
import type { Gate } from "#shared/domain/gate.ts";
import { type AccountId, asAccountId, asTaskId, type BatchId, type TaskId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import type { Task } from "#shared/domain/task.ts";
import type { BatchStore } from "#shared/ports/batch-store.ts";
import type { ConsistencyStore, StoredRecord } from "#shared/ports/consistency-store.ts";
import type { ScheduleList } from "#shared/ports/schedule-list.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok } from "#shared/result.ts";
import { createInMemoryBatches } from "./in-memory-batches.ts";
import type { InMemoryStore } from "./in-memory-store.ts";

export interface InMemoryConsistency {
  readonly store: ConsistencyStore;
  /** The same tasks, with the gates that were written without one. */
  readonly tasks: TaskStore;
  readonly batches: BatchStore;
  /** Counts that somebody got wrong. */
  readonly miscounted: Map<BatchId, BatchCounts>;
  /** Records that no task knows of: counters, damaged items. */
  readonly others: StoredRecord[];
  /** Tasks that the index no longer lists as they are. */
  readonly unindexed: Set<TaskId>;
}

/** What an operator sees of the in-memory stores, and ways to damage them. */
export function createInMemoryConsistency(inner: InMemoryStore): InMemoryConsistency {
  const gates = new Map<AccountId, Gate>();
  const marked = new Map<string, TaskId>();
  const others: StoredRecord[] = [];
  const unindexed = new Set<TaskId>();
  const opened = new Set<BatchId>();
  const miscounted = new Map<BatchId, BatchCounts>();
  const innerBatches = createInMemoryBatches();
  const batches: BatchStore = {
    ...innerBatches,
    async get(id) {
      const batch = await innerBatches.get(id);
      return batch && { ...batch, counts: miscounted.get(id) ?? batch.counts };
    },
    async open(batch) {
      opened.add(batch.id);
      await innerBatches.open(batch);
    },
  };

  const getGate = async (id: AccountId): Promise<Gate> => {
    const own = await inner.tasks.getGate(id);
    const mended = gates.get(id);
    return mended && mended.version >= own.version ? mended : own;
  };
  const markers = (): ReadonlyMap<string, TaskId> =>
    new Map([...Object.entries(inner.snapshot()["adopted"] as Record<string, TaskId>), ...marked]);
  const page = (): readonly StoredRecord[] => {
    const {
      tasks,
      logs,
      gates: stored,
    } = inner.snapshot() as {
      tasks: Record<string, Task>;
      logs: Record<string, LogEntry[]>;
      gates: Record<string, Gate>;
    };
    return [
      ...Object.values(tasks).map((task) => ({
        kind: "task" as const,
        task,
        isIndexed: !unindexed.has(task.id),
      })),
      ...Object.entries(logs).flatMap(([id, entries]) =>
        entries.map((entry) => ({ kind: "log" as const, taskId: asTaskId(id), entry })),
      ),
      ...[...new Set([...Object.keys(stored), ...gates.keys()])].map((id) => ({
        kind: "gate" as const,
        accountId: asAccountId(id),
      })),
      ...[...markers()].map(([key, taskId]) => {
        const [accountId = "", postId = ""] = key.split("#");
        return { kind: "posted-id" as const, accountId: asAccountId(accountId), postId, taskId };
      }),
      ...[...opened].map((id) => ({ kind: "batch" as const, id })),
      ...others,
    ];
  };

  return {
    batches,
    miscounted,
    others,
    unindexed,
    tasks: {
      ...inner.tasks,
      getGate,
      async save(next, together) {
        const saved = await inner.tasks.save(next, together);
        if (saved.ok) unindexed.delete(next.id);
        return saved;
      },
    },
    store: {
      async *readAll() {
        yield page();
      },
      async readTask(id) {
        const task = await inner.tasks.get(id);
        return task && { task, isIndexed: !unindexed.has(id) };
      },
      async readMarker(accountId, postId) {
        return markers().get(`${accountId}#${postId}`);
      },
      async saveGate(next) {
        if ((await getGate(next.accountId)).version !== next.version - 1) return err({ reason: "stale" });
        gates.set(next.accountId, next);
        return ok(undefined);
      },
      async markPost(accountId, postId, taskId) {
        const key = `${accountId}#${postId}`;
        if (markers().has(key)) return err({ reason: "post-taken" });
        marked.set(key, taskId);
        return ok(undefined);
      },
      async saveCounts(id, seen, next) {
        const now = (await batches.get(id))?.counts;
        const names = ["pending", "processing", "done"] as const;
        if (!now || names.some((name) => now[name] !== seen[name])) return err({ reason: "stale" });
        miscounted.set(id, next);
        return ok(undefined);
      },
    },
  };
}

export interface InMemorySchedules extends ScheduleList {
  readonly all: ListedSchedule[];
}

export function createInMemorySchedules(): InMemorySchedules {
  const all: ListedSchedule[] = [];
  return {
    all,
    async *list(taskId) {
      yield all.filter((schedule) => taskId === undefined || schedule.taskId === taskId);
    },
    async delete({ name }) {
      const at = all.findIndex((schedule) => schedule.name === name);
      if (at >= 0) all.splice(at, 1);
    },
  };
}
