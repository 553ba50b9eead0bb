import type { IntakeQueue } from "#shared/ports/intake-queue.ts";
import type { TaskDispatch, TaskMessage } from "#shared/ports/task-dispatch.ts";
import { ok } from "#shared/result.ts";

export interface InMemoryDispatch extends TaskDispatch {
  readonly scheduled: { readonly message: TaskMessage; readonly at: Date }[];
  readonly enqueued: { readonly message: TaskMessage; readonly delayMs: number }[];
}

/** Keeps wake-up calls instead of making them. */
export function createInMemoryDispatch(): InMemoryDispatch {
  const scheduled: { message: TaskMessage; at: Date }[] = [];
  const enqueued: { message: TaskMessage; delayMs: number }[] = [];
  return {
    scheduled,
    enqueued,
    async schedule(message, at) {
      scheduled.push({ message, at });
      return ok(undefined);
    },
    async enqueue(message, delayMs) {
      enqueued.push({ message, delayMs });
    },
    async unschedule({ taskId, arm, step }) {
      const found = scheduled.findIndex(
        ({ message }) => message.taskId === taskId && message.arm === arm && message.step === step,
      );
      if (found >= 0) scheduled.splice(found, 1);
    },
  };
}

export interface InMemoryIntakeQueue extends IntakeQueue {
  readonly sent: object[];
}

export function createInMemoryIntakeQueue(): InMemoryIntakeQueue {
  const sent: object[] = [];
  return {
    sent,
    async settle(project, base, delayMs) {
      sent.push({ kind: "settle", project, base, delayMs });
    },
    async scan(project) {
      sent.push({ kind: "scan", project });
    },
  };
}
