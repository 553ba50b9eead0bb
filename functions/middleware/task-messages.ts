import type { SQSBatchResponse } from "aws-lambda";
import * as z from "zod";
import { type AttemptId, asAttemptId, asTaskId } from "#shared/domain/ids.ts";
import { TASK_STEPS, type TaskStep } from "#shared/domain/task.ts";
import { Fault, MalformedMessageFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { ReceivedTaskMessage } from "#shared/ports/task-dispatch.ts";

/** The log of a function; Powertools' `Logger` is one. */
export interface FunctionLogger {
  info(message: string, fields: Record<string, unknown>): void;
  error(message: string, fields: Record<string, unknown>): void;
}

/** What a use case has to know about the invocation that runs it. */
export interface TaskInvocation {
  /** New for every message: no two runs share an attempt. */
  readonly attemptId: AttemptId;
  /** Lambda ends the invocation at this instant, whatever it is doing. */
  readonly deadlineAt: Date;
  /** The function itself, which is the target of the schedules that it makes. */
  readonly functionArn: string;
}

/** The part of Lambda's context that is used. */
export interface TaskContext {
  readonly invokedFunctionArn: string;
  getRemainingTimeInMillis(): number;
}

/** @returns what it did, for the log: ids, counts and codes only */
export type RunStep = (
  message: ReceivedTaskMessage,
  invocation: TaskInvocation,
) => Promise<{ readonly kind: string }>;

export interface TaskMessagesDeps {
  /** The steps that the function does. */
  readonly steps: Readonly<Partial<Record<TaskStep, RunStep>>>;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
  readonly logger: FunctionLogger;
}

/** Fields that a later version adds are ignored, so that two versions can share a queue during a deployment. */
const taskMessage = z.object({
  taskId: z.ulid().transform(asTaskId),
  rev: z.int().nonnegative(),
  arm: z.int().nonnegative(),
  step: z.enum(TASK_STEPS),
  part: z.int().nonnegative(),
  via: z.enum(["scheduler", "queue"]),
}) satisfies z.ZodType<ReceivedTaskMessage>;

const queueEvent = z.object({
  Records: z.array(z.object({ messageId: z.string(), body: z.string() })),
});

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MalformedMessageFault("a task message is no JSON", { cause });
  }
}

/**
 * A Lambda handler for task messages, whether they come from the function's queue or straight from Scheduler.
 *
 * A message whose run throws is not acknowledged. From the queue it is delivered again after its visibility timeout,
 * and lands in the dead letters after the queue's last receive: at once wanted for a fault that says `never`, and
 * harmless in between, since such a message cannot do anything. From Scheduler (an asynchronous invocation without
 * retries) it goes to the dead letters with the error. Bodies hold everything that a replay needs.
 *
 * @returns partial batch failures for a queue event, nothing for Scheduler
 * @throws whatever the run threw, and `MalformedMessageFault`, for Scheduler only
 */
export function taskMessageHandler({ steps, clock, entropy, logger }: TaskMessagesDeps) {
  const mine = Object.keys(steps).join(", ");
  async function work(payload: unknown, context: TaskContext): Promise<void> {
    const parsed = taskMessage.safeParse(payload);
    if (!parsed.success) {
      const fields = [...new Set(parsed.error.issues.map((issue) => issue.path.join(".") || "message"))];
      throw new MalformedMessageFault(`a task message has wrong fields: ${fields.join(", ")}`, {
        details: { fields },
      });
    }
    const message = parsed.data;
    const run = steps[message.step];
    if (!run)
      throw new MalformedMessageFault(`a message for the step ${message.step} reached the steps ${mine}`, {
        details: { taskId: message.taskId, step: message.step },
      });
    const attemptId = asAttemptId(entropy.newId());
    const outcome = await run(message, {
      attemptId,
      deadlineAt: new Date(clock.now().getTime() + context.getRemainingTimeInMillis()),
      functionArn: context.invokedFunctionArn,
    });
    logger.info(`${message.step} done`, { ...message, attemptId, outcome });
  }

  function logFailure(error: unknown, fields: Record<string, unknown>): void {
    const known =
      error instanceof Fault ? { code: error.code, retry: error.retry, details: error.details } : {};
    logger.error(`${mine} failed`, { code: "internal", retry: "backoff", ...fields, ...known, error });
  }

  return async (event: unknown, context: TaskContext): Promise<SQSBatchResponse | undefined> => {
    const fromQueue = queueEvent.safeParse(event);
    if (!fromQueue.success) {
      try {
        await work(event, context);
        return undefined;
      } catch (error) {
        logFailure(error, { via: "scheduler" });
        throw error;
      }
    }
    const batchItemFailures: { itemIdentifier: string }[] = [];
    for (const { messageId, body } of fromQueue.data.Records) {
      try {
        await work(readJson(body), context);
      } catch (error) {
        logFailure(error, { via: "queue", messageId });
        batchItemFailures.push({ itemIdentifier: messageId });
      }
    }
    return { batchItemFailures };
  };
}
