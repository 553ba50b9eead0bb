import { asAttemptId, type RecurrenceId, type TaskId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import { revise, rewrite } from "#shared/domain/moves.ts";
import { newTask, type PostFacts } from "#shared/domain/new-task.ts";
import { pricePost } from "#shared/domain/price.ts";
import {
  type Instance,
  isLeftAlone,
  isLeftOut,
  leaveOut,
  planNotes,
  taskHash,
  toLookUp,
} from "#shared/domain/recurrence/instance.ts";
import { instantOf, localTimeOf } from "#shared/domain/recurrence/local-time.ts";
import { nextOccurrence } from "#shared/domain/recurrence/occurrences.ts";
import {
  HORIZON_MS,
  listWishes,
  MAX_MOVE_MS,
  type Recurrence,
  type RecurrenceContent,
  type Wish,
} from "#shared/domain/recurrence/recurrence.ts";
import { arrangedSteps, type Part, type Task } from "#shared/domain/task.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { MAX_NOTED, type RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import type { ArrangeTask } from "./arrange-task.ts";
import { workOff } from "./dispatch-fairly.ts";

/** Somebody else wrote the same meanwhile: so often it is read again. */
const MAX_RACES = 10;
/** Tasks worked on at the same time. */
const CONCURRENCY = 5;
/** Notes of the past that are looked at: what somebody died over is finished, if it is not older. */
const LOOK_BACK_MS = MAX_MOVE_MS + 2 * 86_400_000;

export interface ExpandRecurrenceDeps {
  readonly recurrences: Pick<RecurrenceStore, "get" | "save" | "getInstance" | "listInstances">;
  readonly tasks: Pick<TaskStore, "get" | "getContent" | "create" | "save">;
  readonly dispatch: Pick<TaskDispatch, "unschedule">;
  readonly arrange: ArrangeTask;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
  /** Told of every fault; the other occurrences are handled all the same, and what failed is tried again. */
  readonly report: (error: unknown) => void;
}

export interface ExpandBounds {
  /** Nothing is started after it. */
  readonly deadline: Date;
  /** Occurrences whose tasks are touched, at most. */
  readonly limit: number;
}

export interface ExpandReport {
  /** Tasks that were made, changed and cancelled. */
  readonly created: number;
  readonly revised: number;
  readonly cancelled: number;
  /** As they should be already, or not to be touched any more. */
  readonly kept: number;
  /** False: something is left to do, and its `wakeAt` says so. */
  readonly complete: boolean;
}

type Acted = "created" | "revised" | "cancelled" | "kept" | "overtaken";

/**
 * Makes the coming occurrences of a recurrence tasks, and lets those that are tasks already follow its changes: texts and
 * times are revised, what it names no more is cancelled. What is out, on its way, or over is left alone.
 *
 * First the wishes are noted, in one write with the recurrence, so that nobody notes by a rule that was changed; then
 * each task is brought to its wish; then that is noted too. An occurrence's task can have one id only. So it may be
 * repeated at any time, by several at once, and whoever dies in between has only left something to do.
 */
export type ExpandRecurrence = (id: RecurrenceId, bounds: ExpandBounds) => Promise<ExpandReport>;

export function createExpandRecurrence(deps: ExpandRecurrenceDeps): ExpandRecurrence {
  const { recurrences, tasks, dispatch, arrange, clock, entropy, report } = deps;

  const logOf = (over: Pick<LogEntry, "step" | "status"> & { readonly code?: string }): LogEntry => ({
    at: clock.now(),
    attemptId: asAttemptId(entropy.newId()),
    ...over,
  });

  async function readTasks(instances: readonly Instance[]): Promise<ReadonlyMap<TaskId, Task>> {
    const read = await Promise.all(instances.map(({ taskId }) => tasks.get(taskId)));
    return new Map(read.flatMap((task) => (task ? [[task.id, task] as const] : [])));
  }

  async function unschedule(task: Task): Promise<void> {
    const { id: taskId, rev, arm } = task;
    for (const step of arrangedSteps(task))
      await dispatch.unschedule({ taskId, rev, arm, step }).catch(report);
  }

  /**
   * Brings one task to its wish. The task is read before the note, and written whatever it is like: so whoever acts by
   * an older note has either written before, and is corrected here, or cannot write any more.
   */
  async function act(instance: Instance, { recurrence, content, wishes }: Expansion): Promise<Acted> {
    const { taskId, local, hash } = instance;
    const { ownerId, projectId, maxRetries } = recurrence;
    const { media } = content;
    const origin = { id: taskId, ownerId, projectId, maxRetries };
    for (let race = 0; race < MAX_RACES; race++) {
      const task = await tasks.get(taskId);
      const note = await recurrences.getInstance(recurrence.id, local);
      if (note?.hash !== hash || note.wish !== instance.wish || note.taskId !== taskId) return "overtaken";
      // By somebody who was overtaken: the occurrence needs another task.
      if (task && instance.wish === "post" && isLeftOut(task)) return "overtaken";
      if (task && isLeftAlone(task)) return "kept";
      const now = clock.now();

      if (instance.wish === "cancel") {
        if (!task) {
          // Whoever is still about to make it finds its id taken.
          const parts = content.variants[0] ?? [];
          const made = newTask(factsOf(instance, recurrence, content, parts), { ...origin, now });
          const never = { ...leaveOut(made, now), version: made.version };
          const created = await tasks.create(
            never,
            { taskId, rev: 1, parts, media },
            { log: logOf({ step: "change", status: "cancelled", code: "left-out" }) },
          );
          if (created.ok) return "cancelled";
          continue;
        }
        const saved = await tasks.save(leaveOut(task, now), {
          log: logOf({ step: "change", status: "cancelled", code: "left-out" }),
        });
        if (!saved.ok) continue;
        await unschedule(task);
        return "cancelled";
      }

      const wish = wishes.get(local);
      // Its time has come, and the recurrence does not want it any more.
      if (!wish) return "kept";
      const { parts } = wish;
      const facts = factsOf(instance, recurrence, content, parts);
      if (!task) {
        const made = newTask(facts, { ...origin, now });
        const created = await tasks.create(
          made,
          { taskId, rev: 1, parts, media },
          { log: logOf({ step: "accept", status: made.status }) },
        );
        if (!created.ok) continue;
        await arrange(made, media).catch(report);
        return "created";
      }
      const before = await tasks.getContent(task);
      if (before && taskHash(task, before) === hash) {
        // Written all the same: whoever still acts by an older note must not be able to.
        if ((await tasks.save(rewrite(task, now))).ok) return "kept";
        continue;
      }
      const next = revise(task, now, facts);
      const saved = await tasks.save(next, {
        content: { taskId, rev: next.contentRev, parts, media },
        log: logOf({ step: "change", status: next.status, code: "recurrence-changed" }),
      });
      if (!saved.ok) continue;
      await unschedule(task);
      await arrange(next, media).catch(report);
      return "revised";
    }
    throw new RangeError(`task ${taskId} was changed by somebody else every time`);
  }

  return async (id, { deadline, limit }) => {
    const counts = { created: 0, revised: 0, cancelled: 0, kept: 0 };
    let room = limit;
    for (let race = 0; race < MAX_RACES; ) {
      const stored = await recurrences.get(id);
      const now = clock.now();
      if (!stored?.recurrence.wakeAt || stored.recurrence.wakeAt > now) return { ...counts, complete: true };
      if (room <= 0 || now >= deadline) return { ...counts, complete: false };
      const { content } = stored;
      let { recurrence } = stored;
      const until = new Date(now.getTime() + HORIZON_MS);
      const since = new Date(now.getTime() - LOOK_BACK_MS);

      const wide =
        recurrence.status === "active" ? listWishes(recurrence, content, { after: since, until }) : [];
      const wishes = wide.filter(({ publishAt }) => publishAt > now);
      const noted = await recurrences.listInstances(id, localTimeOf(since, recurrence.schedule.timeZone));
      const looked = await readTasks(toLookUp(wishes, noted));
      const notes = planNotes({ recurrence, content, now, wishes, noted, tasks: looked });
      const written = notes.slice(0, MAX_NOTED);
      if (written.length > 0) {
        const next = { ...recurrence, version: recurrence.version + 1 };
        const saved = await recurrences.save(next, { instances: written });
        if (!saved.ok) {
          race++;
          continue;
        }
        recurrence = next;
      }

      const open = merge(noted, written).filter(({ state }) => state === "open");
      const chosen = open.slice(0, Math.min(room, MAX_NOTED));
      const expansion = {
        recurrence,
        content,
        wishes: new Map(wide.map((wish) => [wish.occurrence.local, wish])),
      };
      const worked = await workOff(chosen, (instance) => act(instance, expansion), {
        concurrency: CONCURRENCY,
        deadline,
        clock,
      });
      room -= chosen.length;
      const settled = worked.flatMap((one): readonly Instance[] => {
        if (one.kind === "failed") report(one.error);
        if (one.kind !== "done" || one.value === "overtaken") return [];
        counts[one.value]++;
        return [{ ...one.item, state: "settled" }];
      });
      const isDone = settled.length === open.length && written.length === notes.length;
      const saved = await recurrences.save(
        isDone
          ? rest(recurrence, content, wishes, until)
          : { ...recurrence, version: recurrence.version + 1 },
        { instances: settled },
      );
      if (saved.ok && isDone) return { ...counts, complete: true };
      // What failed is not tried again at once.
      if (worked.some(({ kind }) => kind !== "done")) return { ...counts, complete: false };
      if (!saved.ok || settled.length < chosen.length) race++;
    }
    return { ...counts, complete: false };
  };
}

interface Expansion {
  readonly recurrence: Recurrence;
  readonly content: RecurrenceContent;
  /** By the local time that the rule names. */
  readonly wishes: ReadonlyMap<string, Wish>;
}

/** Nearest first; a new note takes the place of the one before. */
const merge = (noted: readonly Instance[], written: readonly Instance[]): readonly Instance[] =>
  [...new Map([...noted, ...written].map((instance) => [instance.local, instance])).values()].toSorted(
    (a, b) => a.publishAt.getTime() - b.publishAt.getTime(),
  );

/** What the task of an occurrence says about itself. */
const factsOf = (
  { local, publishAt }: Instance,
  recurrence: Recurrence,
  { media }: RecurrenceContent,
  parts: readonly Part[],
): PostFacts => {
  const { id, schedule, accountId, isAny, strategy, priority, language, latePolicy, reconcile } = recurrence;
  return {
    accountId,
    pool: isAny ? "open" : undefined,
    strategy,
    reconcile,
    publishAt,
    slotAt: publishAt,
    priority,
    language,
    latePolicy,
    partCount: parts.length,
    mediaCount: media.length,
    costMicros: pricePost(parts, media),
    source: {
      kind: "recurrence",
      recurrenceId: id,
      occurrenceAt: instantOf(local, schedule.timeZone).at,
    },
  };
};

/** Everything that comes within the horizon is a task: when the next one comes into it. */
function rest(
  recurrence: Recurrence,
  { overrides }: RecurrenceContent,
  wishes: readonly Wish[],
  until: Date,
): Recurrence {
  const { wakeAt: _, ...asleep } = recurrence;
  const next = { ...asleep, version: recurrence.version + 1, expandedUntil: until };
  if (recurrence.status !== "active") return next;
  const { schedule } = recurrence;
  const moved = Object.values(overrides).flatMap(({ at }) =>
    at ? [instantOf(at, schedule.timeZone).at] : [],
  );
  const coming = [nextOccurrence(schedule, until)?.at, ...moved.filter((at) => at > until)]
    .filter((at) => at !== undefined)
    .map((at) => at.getTime());
  if (coming.length > 0) return { ...next, wakeAt: new Date(Math.min(...coming) - HORIZON_MS) };
  const last = wishes.at(-1);
  return last ? { ...next, wakeAt: last.publishAt } : { ...next, status: "ended" };
}
