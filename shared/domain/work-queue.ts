/** Queues of work, each with dead letters of its own. */
export const WORK_QUEUES = ["intake", "prepare", "publish", "webhooks"] as const;
export type WorkQueueName = (typeof WORK_QUEUES)[number];

/** What is counted of a queue. SQS counts approximately, and a second late. */
export interface QueueDepth {
  /** May be taken by a worker. */
  readonly waiting: number;
  /** A worker has it. */
  readonly inFlight: number;
  /** May be taken later. */
  readonly delayed: number;
}

export interface QueueState {
  /** `background`: nothing but dead letters, of functions that no queue feeds. */
  readonly name: WorkQueueName | "background";
  readonly work?: QueueDepth;
  /** Nobody takes them but a redrive. */
  readonly deadLetters: QueueDepth;
}

export interface Redriven {
  /** In their queue again, and no dead letters any more. */
  readonly moved: number;
  /** In their queue again, and still dead letters: their deletion failed. */
  readonly doubled: number;
  /** The queue did not take them: they are dead letters again within a minute. */
  readonly failed: number;
  /** There may be more: it stopped at the limit, or in time. */
  readonly more: boolean;
}
