import type { QueueState } from "#shared/domain/work-queue.ts";
import type { WorkQueues } from "#shared/ports/work-queues.ts";

/** Each queue of work with its dead letters, and the dead letters of everything else. */
export type ReadQueueStatus = () => Promise<readonly QueueState[]>;

export const createReadQueueStatus =
  ({ queues }: { readonly queues: Pick<WorkQueues, "read"> }): ReadQueueStatus =>
  () =>
    queues.read();
