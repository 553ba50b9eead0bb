import type { TaskId } from "#shared/domain/ids.ts";
import type { TaskStep, Via } from "#shared/domain/task.ts";
import type { Result } from "#shared/result.ts";

/** A wake-up call. It acts only on a task that still has this `rev` and `arm`. */
export interface TaskMessage {
  readonly taskId: TaskId;
  readonly rev: number;
  readonly arm: number;
  readonly step: TaskStep;
  /** The part of a thread that is due, from 0. */
  readonly part: number;
}

/** A wake-up call as it arrives. */
export interface ReceivedTaskMessage extends TaskMessage {
  readonly via: Via;
}

/** Wakes a task's step up at an instant, at least once. */
export interface TaskDispatch {
  /**
   * At `at`, rounded down to the second; minutes to months ahead. Repeating the same arm and step changes nothing.
   * `passed`: the scheduler refuses instants that are over, use the queue.
   */
  schedule(message: TaskMessage, at: Date): Promise<Result<void, { readonly reason: "passed" }>>;
  /** After `delayMs`, 0 to 900,000. */
  enqueue(message: TaskMessage, delayMs: number): Promise<void>;
  /** Takes scheduled calls back, to save an invocation. Without effect when there are none. */
  unschedule(message: Omit<TaskMessage, "part">): Promise<void>;
}
