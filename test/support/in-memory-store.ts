import type { Claim } from "#shared/domain/claim.ts";
import type { Drop } from "#shared/domain/drop.ts";
import type { PostFeatures } from "#shared/domain/features.ts";
import { type Gate, newGate, nextInstant } from "#shared/domain/gate.ts";
import { type AccountId, asTaskId, type TaskId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import type { MediaProgress } from "#shared/domain/media-progress.ts";
import { type Board, newBoard } from "#shared/domain/planning/board.ts";
import { type Content, type ContentRef, isActive, type Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { DropStore } from "#shared/ports/drop-store.ts";
import type { MediaProgressStore } from "#shared/ports/media-progress-store.ts";
import {
  type DueRef,
  type TaskQuery,
  type TaskStore,
  type Together,
  WAKE_SHARDS,
  type WriteRefusal,
} from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface InMemoryStore {
  readonly tasks: TaskStore;
  readonly drops: DropStore;
  readonly media: MediaProgressStore;
  /** Every item by name, for "nothing was left behind". */
  snapshot(): Record<string, unknown>;
}

const hashOf = (text: string): number => {
  let hash = 0;
  for (const char of text) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return hash;
};

function answers(query: TaskQuery, task: Task): boolean {
  switch (query.by) {
    case "owner":
      return task.ownerId === query.ownerId;
    case "project":
      return task.projectId === query.projectId && task.status === query.status;
    case "account":
      return (
        task.accountId === query.accountId &&
        (!query.from || task.slotAt >= query.from) &&
        (!query.until || task.slotAt < query.until)
      );
    case "status":
      return task.status === query.status && isActive(task.status);
  }
}

/** The same promises as the DynamoDB stores, kept honest by the contracts that both run. */
export function createInMemoryStore(
  clock: Pick<Clock, "now">,
  /** What others keep in the same index. */
  alsoDue: () => readonly DueRef[] = () => [],
): InMemoryStore {
  const tasks = new Map<string, Task>();
  const contents = new Map<string, Content>();
  const logs = new Map<string, Map<string, LogEntry>>();
  const described = new Map<string, PostFeatures>();
  const gates = new Map<AccountId, Gate>();
  const boards = new Map<AccountId, Board>();
  const claimed = new Map<string, { readonly by: TaskId; readonly until: Date | undefined }>();
  const adopted = new Map<string, string>();
  const drops = new Map<string, Drop>();
  const expected = new Map<string, Set<string>>();
  const progress = new Map<string, MediaProgress>();

  const dropKey = (project: string, base: string) => `${project}/${base}`;
  const contentKey = ({ id, contentRev, written }: ContentRef) =>
    `${id}#${contentRev}${written ? "#written" : ""}`;
  const holderOf = ({ key, replaces }: Claim, task: Task): TaskId | undefined => {
    const holder = claimed.get(key);
    const isFree = !holder || holder.by === task.id || holder.by === replaces;
    return isFree || (holder.until && holder.until < clock.now()) ? undefined : holder.by;
  };
  const gateOf = (accountId: AccountId): Gate => gates.get(accountId) ?? newGate(accountId);

  function write(task: Task, expectedVersion: number, together: Together): Result<void, WriteRefusal> {
    const { content, log, features, gate, adopt, drop, board, claims = [] } = together;
    if ((tasks.get(task.id)?.version ?? 0) !== expectedVersion) return err({ reason: "stale" });
    if (drop && (drops.get(dropKey(drop.project, drop.base))?.version ?? 0) !== drop.version - 1)
      return err({ reason: "stale" });
    const adoptKey = adopt && `${adopt.accountId}#${adopt.postId}`;
    if (adoptKey && adopted.has(adoptKey)) return err({ reason: "post-taken" });
    if (gate && gateOf(gate.accountId).version !== gate.version - 1) return err({ reason: "gate-stale" });
    for (const claim of claims) {
      const by = holderOf(claim, task);
      if (by !== undefined) return err({ reason: "claimed", key: claim.key, by });
    }
    if (board && (boards.get(board.accountId)?.version ?? 0) !== board.version - 1)
      return err({ reason: "board-stale" });

    tasks.set(task.id, task);
    if (content) {
      const { taskId: id, rev: contentRev, original } = content;
      contents.set(contentKey({ id, contentRev, ...(original && { written: true }) }), content);
    }
    if (log) keepLog(task.id, log);
    if (features) described.set(task.id, features);
    if (gate) gates.set(gate.accountId, gate);
    if (board) boards.set(board.accountId, board);
    for (const { key, until } of claims) claimed.set(key, { by: task.id, until });
    if (adoptKey) adopted.set(adoptKey, task.id);
    if (drop) drops.set(dropKey(drop.project, drop.base), drop);
    return ok(undefined);
  }

  function keepLog(id: string, entry: LogEntry): void {
    const entries = logs.get(id) ?? new Map<string, LogEntry>();
    logs.set(id, entries.set(`${entry.at.toISOString()}#${entry.attemptId}`, entry));
  }

  return {
    tasks: {
      async get(id) {
        return tasks.get(id);
      },
      async getContent(ref) {
        return contents.get(contentKey(ref));
      },
      async getContents(refs) {
        return new Map(
          refs.flatMap((ref) => {
            const content = contents.get(contentKey(ref));
            return content ? [[ref.id, content]] : [];
          }),
        );
      },
      async getClaim(key) {
        const holder = claimed.get(key);
        return holder?.until && holder.until < clock.now() ? undefined : holder?.by;
      },
      async getBoard(accountId) {
        return boards.get(accountId) ?? newBoard(accountId);
      },
      async getFeatures(id) {
        return described.get(id);
      },
      async getLog(id) {
        const oldest = clock.now().getTime() - TIMING.logRetentionMs;
        return [...(logs.get(id) ?? [])]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([, entry]) => entry)
          .filter(({ at }) => at.getTime() > oldest);
      },
      async getGate(accountId) {
        return gateOf(accountId);
      },
      async getGates(accountIds) {
        return accountIds.map(gateOf);
      },
      async listAvailable(ownerId, now, limit) {
        return [...gates.values()]
          .filter((gate) => gate.ownerId === ownerId && nextInstant(gate) <= now)
          .map((gate) => ({ gate, order: `${nextInstant(gate).toISOString()}#${gate.accountId}` }))
          .toSorted((a, b) => (a.order < b.order ? -1 : 1))
          .slice(0, limit)
          .map(({ gate }) => gate.accountId);
      },
      async create(task, content, together = {}) {
        return write(task, 0, { ...together, content });
      },
      async save(next, together = {}) {
        return write(next, next.version - 1, together);
      },
      async addLog(id, entry) {
        keepLog(id, entry);
      },
      async list(query) {
        const ordered = [...tasks.values()]
          .filter((task) => answers(query, task))
          .map((task) => ({ task, order: `${task.slotAt.toISOString()}#${task.id}` }))
          .toSorted((a, b) => (a.order < b.order ? -1 : 1))
          .filter(({ order }) => query.after === undefined || order > query.after);
        const page = ordered.slice(0, query.limit);
        const last = page.at(-1);
        return {
          items: page.map(({ task }) => task),
          ...(last && ordered.length > query.limit && { next: last.order }),
        };
      },
      async listDue(shard, now, limit) {
        const due = [
          ...[...tasks.values()].map(({ id, wakeAt }) => ({
            kind: "task" as const,
            id,
            wakeAt,
            key: id as string,
          })),
          ...[...drops.values()].map(({ project, base, wakeAt }) => ({
            kind: "drop" as const,
            project,
            base,
            wakeAt,
            key: dropKey(project, base),
          })),
          ...alsoDue().map((ref) => ({ ...ref, key: ref.kind === "drop" ? ref.base : (ref.id as string) })),
        ];
        return due
          .flatMap(({ wakeAt, key, ...ref }) =>
            wakeAt && wakeAt <= now && hashOf(key) % WAKE_SHARDS === shard
              ? [{ ...ref, wakeAt } as DueRef]
              : [],
          )
          .toSorted((a, b) => a.wakeAt.getTime() - b.wakeAt.getTime())
          .slice(0, limit);
      },
    },
    drops: {
      async get(project, base) {
        return drops.get(dropKey(project, base));
      },
      async save(next) {
        const key = dropKey(next.project, next.base);
        if ((drops.get(key)?.version ?? 0) !== next.version - 1) return err({ reason: "stale" });
        drops.set(key, next);
        return ok(undefined);
      },
      async expect(project, file, base) {
        const key = dropKey(project, file);
        expected.set(key, (expected.get(key) ?? new Set()).add(base));
      },
      async expectedBy(project, file) {
        return [...(expected.get(dropKey(project, file)) ?? [])].toSorted();
      },
    },
    media: {
      async list(taskId) {
        return [...progress.values()]
          .filter((entry) => entry.taskId === taskId)
          .toSorted((a, b) => a.index - b.index);
      },
      async save(entry) {
        progress.set(`${entry.taskId}#${entry.index}`, entry);
      },
    },
    snapshot: () => ({
      tasks: Object.fromEntries(tasks),
      contents: Object.fromEntries(contents),
      features: Object.fromEntries(described),
      logs: Object.fromEntries([...logs].map(([id, entries]) => [asTaskId(id), [...entries.values()]])),
      gates: Object.fromEntries(gates),
      boards: Object.fromEntries(boards),
      claimed: Object.fromEntries(claimed),
      adopted: Object.fromEntries(adopted),
      drops: Object.fromEntries(drops),
      media: Object.fromEntries(progress),
    }),
  };
}
