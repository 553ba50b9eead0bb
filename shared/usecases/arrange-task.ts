import {
  type Arrangement,
  type ArrangementLimits,
  planArrangement,
  type Wakeup,
} from "#shared/domain/arrangement.ts";
import type { Medium } from "#shared/domain/media.ts";
import { markArranged } from "#shared/domain/moves.ts";
import type { Task, TaskStep } from "#shared/domain/task.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";

export interface ArrangeTaskDeps {
  readonly tasks: TaskStore;
  readonly dispatch: TaskDispatch;
  readonly clock: Clock;
  readonly limits: ArrangementLimits;
}

/** Sends one wake-up call for the task as it is now. An instant that has passed meanwhile goes through the queue. */
export async function wakeTask(
  dispatch: TaskDispatch,
  task: Task,
  step: TaskStep,
  wakeup: Wakeup,
): Promise<void> {
  const message = { taskId: task.id, rev: task.rev, arm: task.arm, step, part: task.posted.length };
  if (wakeup.by === "scheduler") {
    const scheduled = await dispatch.schedule(message, wakeup.at);
    if (scheduled.ok) return;
  }
  await dispatch.enqueue(message, wakeup.by === "queue" ? wakeup.delayMs : 0);
}

export interface Arranged extends Arrangement {
  /** As it is stored now. Absent: somebody else changed it meanwhile. */
  readonly task?: Task;
}

/** @param media - of the content in force; ignored once the task is ready */
export type ArrangeTask = (task: Task, media: readonly Medium[]) => Promise<Arranged>;

/**
 * Gives a stored task its wake-up calls. Safe to repeat: an arm's schedules are named after it.
 *
 * A task without calls is found by the sweeper, and calls without a task wake nobody up: so the task is stored
 * first. The note that it is arranged may lose against a faster change; then that change has arranged it.
 */
export function createArrangeTask({ tasks, dispatch, clock, limits }: ArrangeTaskDeps): ArrangeTask {
  return async (task, media) => {
    const toPrepare = task.status === "ready" || task.posted.length > 0 ? [] : media;
    const plan = planArrangement(task, toPrepare, clock.now(), limits);
    if (plan.prepare) await wakeTask(dispatch, task, "prepare", plan.prepare);
    await wakeTask(dispatch, task, "publish", plan.publish);
    const arranged = markArranged(task, clock.now(), plan.firstAt);
    const saved = await tasks.save(arranged);
    return { ...plan, ...(saved.ok && { task: arranged }) };
  };
}
