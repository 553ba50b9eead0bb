import type { OwnerId, TaskId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import { logIdOf } from "#shared/domain/run.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { readOwnTask } from "./show-tasks.ts";

export interface ReadTaskLogDeps {
  readonly tasks: Pick<TaskStore, "get" | "getLog">;
}

export interface LogPage {
  /** Oldest first. */
  readonly items: readonly LogEntry[];
  /** Id of the last entry; absent on the last page. */
  readonly next?: string;
}

/**
 * Reads a page of what happened to a task. Its log is short (some entries for each attempt of 90 days), so that all of it is
 * read each time.
 *
 * @param page - `cursor`: `next` of the page before
 */
export type ReadTaskLog = (
  ownerId: OwnerId,
  id: TaskId,
  page: { readonly limit: number; readonly cursor?: string | undefined },
) => Promise<Result<LogPage, { readonly reason: "not-found" }>>;

export function createReadTaskLog({ tasks }: ReadTaskLogDeps): ReadTaskLog {
  return async (ownerId, id, { limit, cursor = "" }) => {
    const task = await readOwnTask(tasks, ownerId, id);
    if (!task) return err({ reason: "not-found" });
    const left = (await tasks.getLog(id)).filter((entry) => logIdOf(entry) > cursor);
    const items = left.slice(0, limit);
    const last = items.at(-1);
    return ok({ items, ...(last && left.length > limit && { next: logIdOf(last) }) });
  };
}
