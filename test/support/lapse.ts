import type { TaskId } from "#shared/domain/ids.ts";
import { nextReading } from "#shared/domain/reconcile.ts";
import { isFinal, type Task } from "#shared/domain/task.ts";
import type { Steering } from "./steering.ts";
import { waitFor } from "./wait-for.ts";

/** Lets a task live through minutes in no time: what it waits for is moved into the past, and nothing else is. */
export interface Lapse {
  /** The next reading of a lost answer is due, and the message that was sent for it arrives. */
  read(id: TaskId): Promise<void>;
  /**
   * Whatever the task waits for is overdue, and the sweeper looks.
   *
   * @param isMoved - when it is done. @default - what the sweeper sent was worked on: the task is over, or unknown again
   */
  sweep(id: TaskId, isMoved?: (task: Task) => boolean): Promise<void>;
  /** Sweeps until nothing will happen any more. */
  end(id: TaskId): Promise<Task>;
}

/** Three recoveries, two readings and the post between them, twice. */
const MAX_SWEEPS = 12;
const MARGIN_MS = 1_000;

const isOver = ({ status }: Task): boolean => isFinal(status) || status === "held";

/** An unknown task has two writes before it: the sweeper's own, and that of the reading which it asked for. */
const isMovedFrom =
  (before: Task) =>
  (now: Task): boolean => {
    if (isOver(now)) return true;
    return now.status === "unknown" && now.version >= before.version + (before.status === "unknown" ? 2 : 1);
  };

export function createLapse(
  steering: Pick<Steering, "task" | "age" | "sweep" | "deliver" | "messageFor">,
): Lapse {
  const passUntil = (id: TaskId, at: Date) =>
    steering.age(id, Math.max(0, at.getTime() - Date.now()) + MARGIN_MS);

  async function sweep(id: TaskId, isMoved?: (task: Task) => boolean): Promise<void> {
    await passUntil(id, (await steering.task(id)).wakeAt ?? new Date());
    const before = await steering.task(id);
    const isDone = isMoved ?? isMovedFrom(before);
    await steering.sweep();
    await waitFor(
      `task ${id}, ${before.status}, to be moved by a sweep`,
      async () => isDone(await steering.task(id)) || undefined,
    );
  }

  return {
    sweep,

    async read(id) {
      const task = await steering.task(id);
      const planned = nextReading(task);
      await passUntil(id, task.readAt && task.readAt > planned ? task.readAt : planned);
      await steering.deliver("settle", await steering.messageFor(id, "settle"));
    },

    async end(id) {
      for (let sweeps = 0; sweeps < MAX_SWEEPS; sweeps++) {
        const task = await steering.task(id);
        if (isOver(task)) return task;
        await sweep(id);
      }
      throw new Error(`task ${id} does not end: ${JSON.stringify(await steering.task(id))}`);
    },
  };
}
