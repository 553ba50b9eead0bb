import type { FailureClass } from "./failure.ts";
import type { AttemptId } from "./ids.ts";
import { TASK_STEPS, type TaskStatus, type Via } from "./task.ts";

export const LOG_STEPS = [...TASK_STEPS, "accept", "arrange", "sweep", "change"] as const;

/** What one attempt did, kept for 90 days. No text of the post, no token. */
export interface LogEntry {
  readonly at: Date;
  readonly attemptId: AttemptId;
  readonly step: (typeof LOG_STEPS)[number];
  /** How the attempt was reached. */
  readonly via?: Via;
  /** The state it left the task in. */
  readonly status: TaskStatus;
  readonly class?: FailureClass | "unknown";
  readonly code?: string;
  readonly message?: string;
  /** Durations by name, in ms. */
  readonly phases?: Readonly<Record<string, number>>;
  /** The platform's id of what was made. */
  readonly externalId?: string;
}
