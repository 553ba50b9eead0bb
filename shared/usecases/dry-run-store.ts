import { MAX_NEAR } from "#shared/domain/duplicates/fingerprint.ts";
import { createPrintIndex } from "#shared/domain/duplicates/print-index.ts";
import type { TaskId } from "#shared/domain/ids.ts";
import type { Content, Task } from "#shared/domain/task.ts";
import type { FingerprintStore } from "#shared/ports/fingerprint-store.ts";
import type { TaskQuery, TaskStore } from "#shared/ports/task-store.ts";
import { err, ok } from "#shared/result.ts";

type Reads = "get" | "getContent" | "getGate" | "getBoard" | "getClaim" | "list" | "listAvailable";
export type ReadableTasks = Pick<TaskStore, Reads>;

export interface DryRunStore extends ReadableTasks, Pick<TaskStore, "create" | "save"> {
  /** What was created, in this order. */
  readonly created: readonly Task[];
}

/**
 * A store that reads as the real one and keeps to itself what is written, so that what would be stored can be looked at as
 * if it were. Everything is read once: what others do meanwhile is not seen.
 */
export function createDryRunStore(tasks: ReadableTasks): DryRunStore {
  const created = new Map<TaskId, Task>();
  const contents = new Map<TaskId, Content>();
  const claims = new Map<string, TaskId>();
  const getClaim = remember(tasks.getClaim);
  const listStored = remember(tasks.list);

  return {
    get created() {
      return [...created.values()];
    },
    getGate: remember(tasks.getGate),
    // What was created is on the lists at once: no board needs to tell it.
    getBoard: remember(tasks.getBoard),
    listAvailable: remember(tasks.listAvailable),
    async get(id) {
      return created.get(id) ?? tasks.get(id);
    },
    async getContent(ref) {
      return contents.get(ref.id) ?? tasks.getContent(ref);
    },
    async getClaim(key) {
      return claims.get(key) ?? getClaim(key);
    },
    /** What was created comes after the last stored task. */
    async list(query) {
      const page = await listStored(query);
      if (page.next !== undefined) return page;
      return { items: [...page.items, ...[...created.values()].filter((task) => isAsked(query, task))] };
    },
    async create(task, content, { claims: claimed = [] } = {}) {
      for (const { key, replaces } of claimed) {
        const by = claims.get(key) ?? (await getClaim(key));
        if (by !== undefined && by !== replaces) return err({ reason: "claimed", key, by });
      }
      created.set(task.id, task);
      contents.set(task.id, content);
      for (const { key } of claimed) claims.set(key, task.id);
      return ok(undefined);
    },
    async save() {
      throw new RangeError("a dry run changes no task");
    },
  };
}

export type DryRunFingerprints = Pick<FingerprintStore, "put" | "remove" | "findNear">;

/** The same for prints: those of tasks that were only created here are found beside the stored ones. */
export function createDryRunFingerprints(findStored: FingerprintStore["findNear"]): DryRunFingerprints {
  const index = createPrintIndex();
  return {
    async put(print) {
      index.add(print);
    },
    async remove(taskId) {
      index.remove(taskId);
    },
    async findNear(wish) {
      const found = [...(await findStored(wish)), ...index.find(wish)];
      return found
        .toSorted((a, b) => Number(b.isExact) - Number(a.isExact) || b.similarity - a.similarity)
        .slice(0, MAX_NEAR);
    },
  };
}

/** Calendars are all that is listed here. */
function isAsked(query: TaskQuery, { accountId, slotAt }: Task): boolean {
  if (query.by !== "account") throw new RangeError(`a dry run lists nothing by ${query.by}`);
  const { from, until } = query;
  return accountId === query.accountId && (!from || slotAt >= from) && (!until || slotAt < until);
}

/** Asks once for the same. */
export function remember<Args extends readonly unknown[], Value>(
  read: (...args: Args) => Promise<Value>,
): (...args: Args) => Promise<Value> {
  const known = new Map<string, Promise<Value>>();
  return (...args) => {
    const key = JSON.stringify(args);
    const found = known.get(key) ?? read(...args);
    known.set(key, found);
    return found;
  };
}
