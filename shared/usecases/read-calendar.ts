import type { AccountId } from "#shared/domain/ids.ts";
import type { Occupied } from "#shared/domain/planning/plan.ts";
import { dueAt, type Task, type TaskStatus } from "#shared/domain/task.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";

/** Tasks of a page: 1 MB of them, about. */
const PAGE = 500;

/** What is over without a post, or waits for a person, takes nobody's place. */
const FREE: readonly TaskStatus[] = ["draft", "held", "failed", "missed", "cancelled"];

export const takesPlace = ({ status, posted }: Pick<Task, "status" | "posted">): boolean =>
  posted.length > 0 || !FREE.includes(status);

/** When a task goes out, or went. */
export const toOccupied = (task: Task): Occupied => ({
  id: task.id,
  at: task.sentAt ?? dueAt(task),
  parts: task.partCount,
  priority: task.priority,
});

/** Of slots; `until` itself is not included. */
export interface SlotRange {
  readonly from: Date;
  readonly until: Date;
}

/** The tasks of an account that take a place in a range of slots, by slot. May lag behind by seconds. */
export async function readTaken(
  tasks: Pick<TaskStore, "list">,
  accountId: AccountId,
  range: SlotRange,
): Promise<readonly Task[]> {
  const taken: Task[] = [];
  for (let after: string | undefined; ; ) {
    const { items, next } = await tasks.list({
      by: "account",
      accountId,
      ...range,
      limit: PAGE,
      ...(after !== undefined && { after }),
    });
    taken.push(...items.filter(takesPlace));
    if (next === undefined) return taken;
    after = next;
  }
}

/** The taken slots of an account, of a range of slots. May lag behind by seconds. */
export const readCalendar = async (
  tasks: Pick<TaskStore, "list">,
  accountId: AccountId,
  range: SlotRange,
): Promise<readonly Occupied[]> => (await readTaken(tasks, accountId, range)).map(toOccupied);
