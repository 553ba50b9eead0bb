import type { QueueState, Redriven, WorkQueueName } from "#shared/domain/work-queue.ts";

/** The queues of the deployment. */
export interface WorkQueues {
  read(): Promise<readonly QueueState[]>;
  /**
   * Sends dead letters to their queue again, oldest first as far as SQS knows. Whoever dies in between leaves a message in
   * both: every message may be worked on twice.
   *
   * @param limit - at most so many
   * @param until - none is taken after this
   */
  redrive(name: WorkQueueName, limit: number, until: Date): Promise<Redriven>;
}
