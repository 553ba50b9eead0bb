/** Looks at tasks until nothing happens to them any more. */
import type { Counter } from "./context.ts";
import { EXIT, Interrupted } from "./failures.ts";
import { isFinal, type TaskShown, taskLine, waitsForPerson } from "./show-task.ts";

const SECOND_MS = 1_000;
/** Near its slot every second, far from it every half minute. */
const MAX_PAUSE_MS = 30 * SECOND_MS;

const isOver = ({ status }: TaskShown): boolean => isFinal(status) || waitsForPerson(status);

export interface Followed {
  readonly tasks: readonly TaskShown[];
  /** 0 when all are published, 1 else, 130 after Ctrl-C. */
  readonly code: number;
}

const pauseFor = (tasks: readonly TaskShown[], now: number): number => {
  const next = Math.min(...tasks.map(({ slotAt }) => Date.parse(slotAt)));
  return Math.min(MAX_PAUSE_MS, Math.max(SECOND_MS, (next - now) / 4));
};

/**
 * Follows tasks until each has ended or waits for a person. Ctrl-C ends the looking, never the tasks.
 *
 * @param onChange - told every task at first, and whenever its status differs; absent: a bar shows how long it takes
 */
export async function followTasks(
  ids: readonly string[],
  counter: Counter,
  onChange?: (task: TaskShown) => void,
): Promise<Followed> {
  const { client, surroundings, note, time, zone } = counter;
  const seen = new Map<string, TaskShown>();
  const now = () => surroundings.now().getTime();
  const startedAt = now();
  const title = ids.length === 1 ? "Waiting" : `Waiting for ${ids.length} posts`;
  // Lines and a bar would write over each other.
  const bar = onChange ? undefined : counter.bar(title, 100);
  try {
    for (;;) {
      for (const id of ids) {
        const before = seen.get(id);
        if (before && isOver(before)) continue;
        const { log: _, ...task } = await client.call("readTask", { params: { id } });
        seen.set(id, task);
        if (before?.status !== task.status) onChange?.(task);
      }
      const open = [...seen.values()].filter((task) => !isOver(task));
      const [first] = open.toSorted((a, b) => a.slotAt.localeCompare(b.slotAt));
      if (!first) break;
      const slotAt = Date.parse(first.slotAt);
      const share = slotAt > startedAt ? (now() - startedAt) / (slotAt - startedAt) : 1;
      bar?.update(100 * Math.min(1, share), `${first.status}, slot ${time(first.slotAt)} ${zone}`);
      await counter.sleep(pauseFor(open, now()));
    }
  } catch (error) {
    if (!(error instanceof Interrupted) && !surroundings.interruption.aborted) throw error;
    bar?.stop();
    const open = ids.filter((id) => {
      const task = seen.get(id);
      return !task || !isOver(task);
    });
    note(`Nothing is lost: the service goes on with ${open.join(", ")}.`);
    note(`Look again: punctual tasks watch ${open.join(" ")}`);
    return { tasks: [...seen.values()], code: EXIT.interrupted };
  } finally {
    bar?.stop();
  }
  const tasks = [...seen.values()];
  return {
    tasks,
    code: tasks.every(({ status }) => status === "published") ? EXIT.ok : EXIT.failed,
  };
}

/** For `watch`: a line for each change. */
export const watchTasks = (ids: readonly string[], counter: Counter): Promise<Followed> =>
  followTasks(ids, counter, (task) => counter.tell(task, taskLine(task, counter)));
