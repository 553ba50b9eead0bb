import type { TaskStep } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { ReceivedTaskMessage, TaskDispatch, TaskMessage } from "#shared/ports/task-dispatch.ts";
import { err, ok } from "#shared/result.ts";
import { DELIVERY_RATES, type Fault } from "./faults.ts";
import type { Kernel } from "./kernel.ts";
import type { Random } from "./random.ts";

export interface DeliveriesOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly severity: () => number;
  readonly met: (fault: Fault, taskId: string) => void;
  /** Runs the function that a message is for. */
  readonly invoke: (
    message: ReceivedTaskMessage,
    ends: { done(failed: unknown): void; died(): void },
  ) => void;
  /** A message was set aside after its last receive, or a schedule's event failed. */
  readonly onDeadLetter: (message: TaskMessage) => void;
}

const visibilityMs = (step: TaskStep): number =>
  step === "prepare" ? TIMING.prepare.visibilityMs : TIMING.publish.visibilityMs;
const maxReceives = (step: TaskStep): number =>
  step === "prepare" ? TIMING.prepare.maxReceives : TIMING.publish.maxReceives;
/** SQS takes whole seconds. @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
const wholeSeconds = (ms: number): number => Math.ceil(Math.max(0, ms) / 1_000) * 1_000;
/** One-time schedules fire within this after their instant. */
const PRECISION_MS = 60_000;

/** SQS and EventBridge Scheduler: at least once, in any order, late. */
export function createDeliveries(options: DeliveriesOptions): TaskDispatch {
  const { kernel, random, severity, met, invoke, onDeadLetter } = options;
  const schedules = new Map<string, { readonly message: TaskMessage }>();
  /** For each task, the newest message that was delivered: an older one has been overtaken. */
  const newest = new Map<string, number>();
  let sent = 0;

  const hits = (rate: number): boolean => random.next() * 1_000 < rate * severity();
  const nameOf = ({ taskId, arm, step }: Pick<TaskMessage, "taskId" | "arm" | "step">): string =>
    `${taskId}-${arm}-${step}`;

  function noteOrder(taskId: string, order: number): void {
    const last = newest.get(taskId) ?? -1;
    if (order < last) met("overtaken", taskId);
    else newest.set(taskId, order);
  }

  function receive(message: TaskMessage, order: number, receives: number): void {
    noteOrder(message.taskId, order);
    const receivedAt = kernel.now();
    const comeBack = (): void => {
      const backAt = receivedAt + visibilityMs(message.step) + random.between(0, 2_000);
      if (receives >= maxReceives(message.step)) onDeadLetter(message);
      else kernel.plan(backAt, () => receive(message, order, receives + 1));
    };
    invoke(
      { ...message, via: "queue" },
      {
        done(failed) {
          const isUnacknowledged = failed === undefined && hits(DELIVERY_RATES.unacknowledged);
          if (isUnacknowledged) met("unacknowledged", message.taskId);
          if (isUnacknowledged || failed !== undefined) comeBack();
        },
        died: comeBack,
      },
    );
  }

  function deliver(message: TaskMessage, at: number): void {
    const order = sent++;
    const isLate = hits(DELIVERY_RATES.late);
    const copies = hits(DELIVERY_RATES.twice) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const lateMs = isLate ? random.spread(20_000, 600_000) : random.between(5, 1_500);
      const apartMs = copy === 0 ? 0 : random.spread(1, 180_000);
      kernel.plan(at + lateMs + apartMs, () => {
        if (isLate) met("late", message.taskId);
        if (copy === 1) met("twice", message.taskId);
        receive(message, order, 1);
      });
    }
  }

  /** An asynchronous invocation is tried once; what fails is set aside. */
  function fire(message: TaskMessage, order: number): void {
    noteOrder(message.taskId, order);
    const setAside = () => onDeadLetter(message);
    invoke(
      { ...message, via: "scheduler" },
      { done: (failed) => failed !== undefined && setAside(), died: setAside },
    );
  }

  return {
    async schedule(message, at) {
      const name = nameOf(message);
      if (schedules.has(name)) return ok(undefined);
      const instant = Math.floor(at.getTime() / 1_000) * 1_000;
      if (instant <= kernel.now()) return err({ reason: "passed" });
      const entry = { message };
      schedules.set(name, entry);
      const order = sent++;
      const isDropped = hits(DELIVERY_RATES.dropped);
      const isLate = hits(DELIVERY_RATES.late);
      const isTwice = hits(DELIVERY_RATES.twice);
      const lateMs = isLate ? random.between(60_000, TIMING.maxEventAgeMs) : random.between(0, PRECISION_MS);
      kernel.plan(instant + lateMs, () => {
        if (schedules.get(name) !== entry) return;
        schedules.delete(name);
        if (isDropped) {
          met("dropped", message.taskId);
          onDeadLetter(message);
          return;
        }
        if (isLate) met("late", message.taskId);
        fire(message, order);
        if (isTwice)
          kernel.plan(kernel.now() + random.spread(1, 60_000), () => {
            met("twice", message.taskId);
            fire(message, order);
          });
      });
      return ok(undefined);
    },
    async enqueue(message, delayMs) {
      deliver(message, kernel.now() + wholeSeconds(delayMs));
    },
    async unschedule(message) {
      schedules.delete(nameOf(message));
    },
  };
}
