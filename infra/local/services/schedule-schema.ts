import * as z from "zod";
import { cfnNumber } from "./properties.ts";

/**
 * A schedule as the API and CloudFormation write it. Strict: an unknown field is a mistake that AWS would refuse or,
 * worse, ignore.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
 */
const retryPolicy = z.strictObject({
  MaximumEventAgeInSeconds: cfnNumber.pipe(z.int().min(60).max(86_400)).optional(),
  MaximumRetryAttempts: cfnNumber.pipe(z.int().min(0).max(185)).optional(),
});

const target = z.strictObject({
  Arn: z.string().regex(/^arn:aws:(lambda|sqs):/, "only Lambda functions and SQS queues can be targets here"),
  RoleArn: z.string().regex(/^arn:aws:iam::\d{12}:role\/.+/),
  Input: z.string().min(1).optional(),
  RetryPolicy: retryPolicy.optional(),
  DeadLetterConfig: z.strictObject({ Arn: z.string().regex(/^arn:aws:sqs:/) }).optional(),
  SqsParameters: z.strictObject({ MessageGroupId: z.string().optional() }).optional(),
});

const flexibleTimeWindow = z.discriminatedUnion("Mode", [
  z.strictObject({ Mode: z.literal("OFF") }),
  z.strictObject({
    Mode: z.literal("FLEXIBLE"),
    MaximumWindowInMinutes: cfnNumber.pipe(z.int().min(1).max(1_440)),
  }),
]);

export const scheduleName = z.string().regex(/^[0-9a-zA-Z-_.]{1,64}$/);

export const scheduleBody = z.strictObject({
  GroupName: scheduleName.default("default"),
  ScheduleExpression: z.string().min(1),
  ScheduleExpressionTimezone: z.string().default("UTC"),
  FlexibleTimeWindow: flexibleTimeWindow,
  Target: target,
  State: z.enum(["ENABLED", "DISABLED"]).default("ENABLED"),
  ActionAfterCompletion: z.enum(["NONE", "DELETE"]).default("NONE"),
  Description: z.string().max(512).optional(),
  KmsKeyArn: z.string().optional(),
  ClientToken: z.string().optional(),
});

/** CloudFormation adds the name to the body of the API. */
export const scheduleProperties = scheduleBody.omit({ ClientToken: true }).extend({
  Name: scheduleName.optional(),
  ActionAfterCompletion: z.literal("NONE").default("NONE"),
});

/** What is kept of a schedule; instants in epoch milliseconds. */
export interface Schedule extends Omit<z.output<typeof scheduleBody>, "ClientToken"> {
  readonly Name: string;
  readonly Arn: string;
  readonly createdAt: number;
  readonly modifiedAt: number;
  /** A one-time schedule that has fired and was to be kept. */
  readonly completedAt?: number;
  readonly clientToken?: string;
}
