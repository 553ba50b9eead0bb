import { WORK_QUEUES, type WorkQueueName } from "#shared/domain/work-queue.ts";
import type { WorkQueues } from "#shared/ports/work-queues.ts";

export interface InMemoryWorkQueues extends WorkQueues {
  /** How many messages lie where. */
  readonly work: Record<WorkQueueName, number>;
  readonly deadLetters: Record<WorkQueueName | "background", number>;
}

/** Nothing but numbers: what a message says is the adapter's. */
export function createInMemoryWorkQueues(): InMemoryWorkQueues {
  const work = { intake: 0, prepare: 0, publish: 0, webhooks: 0 };
  const deadLetters = { ...work, background: 0 };
  const depth = (waiting: number) => ({ waiting, inFlight: 0, delayed: 0 });
  return {
    work,
    deadLetters,
    async read() {
      return [
        ...WORK_QUEUES.map((name) => ({
          name,
          work: depth(work[name]),
          deadLetters: depth(deadLetters[name]),
        })),
        { name: "background" as const, deadLetters: depth(deadLetters.background) },
      ];
    },
    async redrive(name, limit) {
      const moved = Math.min(limit, deadLetters[name]);
      deadLetters[name] -= moved;
      work[name] += moved;
      return { moved, doubled: 0, failed: 0, more: moved === limit };
    },
  };
}
