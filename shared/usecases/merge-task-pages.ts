import type { Task } from "#shared/domain/task.ts";
import type { Page } from "#shared/ports/task-store.ts";

/** Where a task stands in every index of tasks: a position in one of them is one in all. */
export const positionOf = ({ slotAt, id }: Task): string => `${slotAt.toISOString()}#${id}`;

/** Pages of several lists, all from the same position, as one page of `limit` tasks at most: earliest slot first. */
export function mergeTaskPages(pages: readonly Page<Task>[], limit: number): Page<Task> {
  // What moved from one list to another between two reads is in both.
  const found = new Map(pages.flatMap(({ items }) => items.map((task) => [task.id, task] as const)));
  const ordered = [...found.values()].toSorted((a, b) => (positionOf(a) < positionOf(b) ? -1 : 1));
  // Beyond the end of the shortest page nothing is known yet.
  const end = pages.flatMap(({ next }) => next ?? []).toSorted()[0];
  const items = ordered.filter((task) => end === undefined || positionOf(task) <= end).slice(0, limit);
  const last = items.at(-1);
  const next = ordered.length > items.length && last ? positionOf(last) : end;
  return { items, ...(next !== undefined && { next }) };
}
