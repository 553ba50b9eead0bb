import { asAttemptId, type TaskId } from "#shared/domain/ids.ts";
import { rearm } from "#shared/domain/moves.ts";
import {
  decideItem,
  logIdOf,
  MAX_RUN_ITEMS,
  MAX_RUN_MS,
  RUN_CAPACITY,
  RUN_CLAIM_MS,
  RUN_PAGE_SIZE,
  RUN_PAUSE_MS,
  type Run,
  type RunError,
  type RunId,
  type RunItem,
  type RunOutcome,
  type RunPage,
  summarize,
  whyNotDue,
} from "#shared/domain/run.ts";
import type { Task } from "#shared/domain/task.ts";
import { Fault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { MediaProgressStore } from "#shared/ports/media-progress-store.ts";
import type { RunStore } from "#shared/ports/run-store.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import type { ArrangeTask } from "./arrange-task.ts";
import { type OrderTasks, workOff } from "./dispatch-fairly.ts";

/** In which something can be handed on; in all others somebody is at work, or nothing is to be done. */
const DUE_STATUSES = ["pending", "ready", "retrying"] as const;
/** Read at once from a list. */
const LIST_PAGE = 100;
/** Tasks, or pages of items, worked on at the same time. */
const CONCURRENCY = 10;

export interface RunDueTasksDeps {
  readonly tasks: Pick<TaskStore, "get" | "getContent" | "getLog" | "list" | "save">;
  readonly media: Pick<MediaProgressStore, "list">;
  readonly runs: RunStore;
  readonly order: OrderTasks;
  readonly arrange: ArrangeTask;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Items that are handed on and have not ended. @default RUN_CAPACITY */
  readonly capacity?: number;
}

/** `skipped`: it has ended, or somebody else is at work on it. */
export type RunReport = "open" | "ended" | "skipped";

/**
 * One step of a run: the first finds what is due, each hands on as much as there is capacity for, in a fair order, and
 * follows what was handed on, until everything has ended or half an hour is over. Call it when the run's `wakeAt` has
 * come. Whatever dies in between is taken up by the next step; no task can be posted twice by it, since handing on is
 * nothing but a new arm and new wake-up calls.
 *
 * @param deadline - nothing is started after it
 * @param report - told of every fault; the other items are handled all the same
 */
export type RunDueTasks = (id: RunId, deadline: Date, report: (error: unknown) => void) => Promise<RunReport>;

export function createRunDueTasks(deps: RunDueTasksDeps): RunDueTasks {
  const { tasks, media, runs, order, arrange, clock, entropy, capacity = RUN_CAPACITY } = deps;
  const later = (ms: number): Date => new Date(clock.now().getTime() + ms);

  /** Everything of the owner that is due, by lists that may lag: each task is read itself before it is touched. */
  async function findDue(run: Run, deadline: Date): Promise<readonly Task[] | undefined> {
    const now = clock.now();
    const due = new Map<TaskId, Task>();
    for (const status of DUE_STATUSES) {
      let after: string | undefined;
      do {
        if (clock.now() >= deadline) return undefined;
        const page = await tasks.list({
          by: "status",
          status,
          limit: LIST_PAGE,
          ...(after !== undefined && { after }),
        });
        for (const task of page.items)
          if (task.ownerId === run.ownerId && !whyNotDue(task, now)) due.set(task.id, task);
        const last = page.items.at(-1);
        after = last && last.slotAt > now ? undefined : page.next;
      } while (after !== undefined && due.size <= MAX_RUN_ITEMS);
    }
    return [...due.values()];
  }

  /** Stores what is due as pages of items, then the run that counts them: a step that dies in between begins again. */
  async function begin(run: Run, deadline: Date): Promise<Run | undefined> {
    const due = await findDue(run, deadline);
    if (!due) return undefined;
    const items = due
      .slice(0, MAX_RUN_ITEMS)
      .map(({ id, status }): RunItem => ({ taskId: id, state: "waiting", status, mediaIds: [] }));
    const pages = Math.ceil(items.length / RUN_PAGE_SIZE);
    for (let index = 0; index < pages; index++) {
      const before = await runs.getPage(run.id, index);
      const saved = await runs.savePage(run, {
        runId: run.id,
        index,
        items: items.slice(index * RUN_PAGE_SIZE, (index + 1) * RUN_PAGE_SIZE),
        version: (before?.version ?? 0) + 1,
      });
      if (!saved.ok) return undefined;
    }
    return saveRun({
      ...run,
      status: "running",
      startedAt: clock.now(),
      total: items.length,
      pages,
      more: due.length > items.length,
    });
  }

  async function saveRun(run: Run): Promise<Run | undefined> {
    const next = { ...run, version: run.version + 1 };
    return (await runs.save(next)).ok ? next : undefined;
  }

  async function end(item: RunItem, task: Task, outcome: RunOutcome, error?: RunError): Promise<RunItem> {
    const [log, uploads] = await Promise.all([
      tasks.getLog(task.id),
      task.mediaCount > 0 ? media.list(task.id) : [],
    ]);
    const newest = log.at(-1);
    const workedMs = item.handedAt && task.updatedAt.getTime() - item.handedAt.getTime();
    return {
      ...item,
      state: "ended",
      status: task.status,
      outcome,
      ...(error && { error }),
      ...(newest && { logId: logIdOf(newest) }),
      mediaIds: uploads.map(({ mediaId }) => mediaId),
      ...(workedMs !== undefined && workedMs >= 0 && { durationMs: workedMs }),
    };
  }

  const lost = (item: RunItem): RunItem => ({
    ...item,
    state: "ended",
    outcome: "errored",
    error: { code: "task-not-found", message: "The task is gone." },
  });

  /** Looks at a task that was handed on. */
  async function follow(item: RunItem, closing: boolean): Promise<RunItem> {
    const task = await tasks.get(item.taskId);
    if (!task) return lost(item);
    const now = clock.now();
    const look = decideItem(item, task, undefined, now, closing);
    if (look.kind === "open") return { ...item, status: task.status };
    if (look.kind === "waiting") return waiting(item);
    const newest = (await tasks.getLog(task.id)).at(-1);
    const decided = decideItem(item, task, newest, now, closing);
    return decided.kind === "ended" ? end(item, task, decided.outcome, decided.error) : item;
  }

  /** Hands one task on, at once: it is due, and nobody is at work on it. */
  async function handOn(run: Run, item: RunItem, task: Task): Promise<RunItem> {
    const now = clock.now();
    const next = rearm(task, now);
    const saved = await tasks.save(next, {
      log: {
        at: now,
        attemptId: asAttemptId(entropy.newId()),
        step: "change",
        status: next.status,
        code: "batch-run",
        message: `Handed on by the run ${run.id}.`,
      },
    });
    if (!saved.ok)
      return end(waiting(item), task, "skipped", {
        code: "taken",
        message: "Somebody else changed it at the same time.",
      });
    const content = await tasks.getContent(task);
    await arrange(next, content?.media ?? []);
    return item;
  }

  return async (id, deadline, report) => {
    const found = await runs.get(id);
    if (!found?.wakeAt || found.wakeAt > clock.now()) return "skipped";
    const claimed = await saveRun({ ...found, wakeAt: later(RUN_CLAIM_MS) });
    if (!claimed) return "skipped";
    const run = claimed.status === "queued" ? await begin(claimed, deadline) : claimed;
    if (!run) return "open";
    const limits = { concurrency: CONCURRENCY, deadline, clock };

    const pages = await Promise.all(
      Array.from({ length: run.pages }, async (_, index) => {
        const page = await runs.getPage(id, index);
        if (!page) throw new RangeError(`the run ${id} has no page ${index}`);
        return page;
      }),
    );
    const items = new Map(pages.flatMap((page) => page.items.map((item) => [item.taskId, item])));
    /** Stores what changed. False: somebody else is at work on this run. */
    const keep = async (): Promise<boolean> => {
      for (const [index, page] of pages.entries()) {
        const now = page.items.map((item) => items.get(item.taskId) ?? item);
        if (now.every((item, place) => item === page.items[place])) continue;
        const next: RunPage = { ...page, items: now, version: page.version + 1 };
        if (!(await runs.savePage(run, next)).ok) return false;
        pages[index] = next;
      }
      return true;
    };
    const inState = (state: RunItem["state"]) => [...items.values()].filter((item) => item.state === state);
    async function update(some: readonly RunItem[], look: (item: RunItem) => Promise<RunItem>) {
      for (const worked of await workOff(some, look, limits)) {
        if (worked.kind === "done") items.set(worked.item.taskId, worked.value);
        if (worked.kind === "failed") report(worked.error);
      }
    }

    const closing = clock.now().getTime() - (run.startedAt ?? run.createdAt).getTime() >= MAX_RUN_MS;
    await update(inState("open"), (item) => follow(item, closing));

    const due = new Map<TaskId, Task>();
    await update(inState("waiting"), async (item) => {
      const task = await tasks.get(item.taskId);
      if (!task) return lost(item);
      const why = whyNotDue(task, clock.now());
      if (why) return end(item, task, "skipped", why);
      if (closing)
        return end(item, task, "skipped", {
          code: "run-closed",
          message: "There was no capacity for it in time.",
        });
      due.set(task.id, task);
      return item;
    });
    const taken = await order([...due.values()], {
      capacity: Math.max(0, capacity - inState("open").length),
      report,
    });
    // Noted before it is done: a step that dies in between leaves items that are followed, not items done twice.
    const handedAt = clock.now();
    const handed = taken.flatMap((task) => {
      const item = items.get(task.id);
      return item ? [{ task, item: { ...item, state: "open" as const, handedAt } }] : [];
    });
    for (const { item } of handed) items.set(item.taskId, item);
    if (!(await keep())) return "skipped";
    for (const worked of await workOff(handed, ({ item, task }) => handOn(run, item, task), limits)) {
      const { item } = worked.item;
      switch (worked.kind) {
        case "done":
          items.set(item.taskId, worked.value);
          break;
        case "left":
          items.set(item.taskId, waiting(item));
          break;
        case "failed":
          report(worked.error);
          items.set(item.taskId, {
            ...item,
            state: "ended",
            outcome: "errored",
            error: ourFault(worked.error),
          });
      }
    }
    if (!(await keep())) return "skipped";

    const { left, ...sums } = summarize(pages);
    const over = left === 0;
    const { wakeAt: _, ...rest } = run;
    const next: Run = over
      ? { ...rest, ...sums, status: "ended", endedAt: clock.now() }
      : { ...rest, ...sums, wakeAt: later(RUN_PAUSE_MS) };
    if (!(await saveRun(next))) return "skipped";
    return over ? "ended" : "open";
  };
}

const waiting = ({ handedAt: _, ...item }: RunItem): RunItem => ({ ...item, state: "waiting" });

/** Of a fault only its code is told: its words are for the logs. */
const ourFault = (error: unknown): RunError => ({
  code: error instanceof Fault ? error.code : "internal",
  message: "It could not be handed on. The logs say why; the sweeper looks at it again.",
});
