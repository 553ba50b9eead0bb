import {
  ConflictException,
  CreateScheduleCommand,
  DeleteScheduleCommand,
  ResourceNotFoundException,
  type SchedulerClient,
  ValidationException,
} from "@aws-sdk/client-scheduler";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { TaskStep, Via } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { ConfigurationFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TaskDispatch, TaskMessage } from "#shared/ports/task-dispatch.ts";
import { err, ok } from "#shared/result.ts";

/** The worker of each step. Reading back and looking ahead are the publisher's: it has the account's access. */
const WORKER: Readonly<Record<TaskStep, "prepare" | "publish">> = {
  prepare: "prepare",
  publish: "publish",
  settle: "publish",
  verify: "publish",
};

/** SQS takes whole seconds, at most this many. */
const MAX_DELAY_SECONDS = 900;

type Addresses = Readonly<Partial<Record<"prepare" | "publish", string>>>;

export interface AwsTaskDispatchOptions {
  readonly scheduler: SchedulerClient;
  readonly sqs: SQSClient;
  readonly clock: Clock;
  readonly groupName: string;
  /** The role that EventBridge Scheduler takes to invoke a function. */
  readonly schedulerRoleArn: string;
  /** Functions that a schedule may invoke. A worker knows only its own. */
  readonly functionArns: Addresses;
  readonly queueUrls: Addresses;
}

const bodyOf = ({ taskId, rev, arm, step, part }: TaskMessage, via: Via): string =>
  JSON.stringify({ taskId, rev, arm, step, part, via });

const scheduleName = ({ taskId, arm, step }: Pick<TaskMessage, "taskId" | "arm" | "step">): string =>
  `t-${taskId}-${arm}-${step}`;

/**
 * One-time schedules for what is minutes away or more, queue messages for what is near.
 *
 * The name of a schedule says task, arm and step, so that a repeated call meets its own first try.
 */
export function createAwsTaskDispatch({
  scheduler,
  sqs,
  clock,
  groupName,
  schedulerRoleArn,
  functionArns,
  queueUrls,
}: AwsTaskDispatchOptions): TaskDispatch {
  const known = (addresses: Addresses, step: TaskStep): string => {
    const address = addresses[WORKER[step]];
    if (address === undefined) throw new ConfigurationFault(`this function was not told where to ${step}`);
    return address;
  };

  return {
    async schedule(message, at) {
      const command = new CreateScheduleCommand({
        GroupName: groupName,
        Name: scheduleName(message),
        // No zone and no fraction. @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        ScheduleExpression: `at(${at.toISOString().slice(0, 19)})`,
        ScheduleExpressionTimezone: "UTC",
        FlexibleTimeWindow: { Mode: "OFF" },
        ActionAfterCompletion: "DELETE",
        Target: {
          Arn: known(functionArns, message.step),
          RoleArn: schedulerRoleArn,
          Input: bodyOf(message, "scheduler"),
          RetryPolicy: { MaximumEventAgeInSeconds: TIMING.maxEventAgeMs / 1_000, MaximumRetryAttempts: 5 },
        },
      });
      try {
        await scheduler.send(command);
        return ok(undefined);
      } catch (error) {
        // An arm is arranged once, and an SDK's repeat has the same token: what has this name is ours, at this instant.
        if (error instanceof ConflictException) return ok(undefined);
        if (error instanceof ValidationException && at <= clock.now()) return err({ reason: "passed" });
        throw error;
      }
    },

    async enqueue(message, delayMs) {
      const DelaySeconds = Math.min(MAX_DELAY_SECONDS, Math.max(0, Math.ceil(delayMs / 1_000)));
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: known(queueUrls, message.step),
          MessageBody: bodyOf(message, "queue"),
          DelaySeconds,
        }),
      );
    },

    async unschedule(message) {
      try {
        await scheduler.send(
          new DeleteScheduleCommand({ GroupName: groupName, Name: scheduleName(message) }),
        );
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
      }
    },
  };
}
