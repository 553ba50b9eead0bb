/**
 * The environment variables that several functions share, each defined once.
 *
 * A variable is always text: `z.coerce.number()` would read an empty one as 0, so numbers have a pattern first.
 */

import * as z from "zod";
import type { PrepareLeads } from "#shared/domain/media.ts";

const name = z.string().min(1);
const arn = z.string().startsWith("arn:");
export const queueUrl = z.url({ protocol: /^https?$/ });

/** Seconds ≥ 0, fractions allowed. */
const seconds = z
  .string()
  .regex(/^\d+(\.\d+)?$/)
  .transform(Number);

const positiveInteger = z
  .string()
  .regex(/^[1-9]\d{0,8}$/)
  .transform(Number);

const LEADS = /^photo=(?<photo>\d+),gif=(?<gif>\d+),video=(?<video>\d+),large=(?<large>\d+)$/;

/** `photo=180,gif=600,video=1200,large=3600`: whole seconds in the variable, milliseconds in the result. */
const prepareLeads = z
  .string()
  .regex(LEADS)
  .transform((text): PrepareLeads => {
    const { photo, gif, video, large } = LEADS.exec(text)?.groups ?? {};
    return {
      photo: Number(photo) * 1_000,
      gif: Number(gif) * 1_000,
      video: Number(video) * 1_000,
      large: Number(large) * 1_000,
    };
  });

/** Every function reads the one table. */
export const tableVariables = { TABLE_NAME: name };

/** The bucket that holds `drop/` and `outcome/`. */
export const bucketVariables = { BUCKET_NAME: name };

/** The drop folder's own queue: files that were dropped, or that a scan found. */
export const intakeVariables = { INTAKE_QUEUE_URL: queueUrl };

/** What a one-time schedule is made of, apart from its target. */
export const scheduleVariables = { SCHEDULE_GROUP: name, SCHEDULER_ROLE_ARN: arn };

export const prepareQueueVariables = { PREPARE_QUEUE_URL: queueUrl };
export const publishQueueVariables = { PUBLISH_QUEUE_URL: queueUrl };

/**
 * How near is too near for Scheduler: the publisher wakes `HOLD_LEAD_SECONDS` before the slot, and what would wake
 * within `NEAR_LIMIT_SECONDS` of now goes through the queue.
 */
export const nearnessVariables = { HOLD_LEAD_SECONDS: seconds, NEAR_LIMIT_SECONDS: seconds };

/** Whoever arranges a task: both queues, and schedules for both functions. */
export const arrangeVariables = {
  ...prepareQueueVariables,
  ...publishQueueVariables,
  ...scheduleVariables,
  ...nearnessVariables,
  PREPARE_FUNCTION_ARN: arn,
  PUBLISH_FUNCTION_ARN: arn,
  PREPARE_LEADS: prepareLeads,
};

/** Whoever talks to X: where it is, and the key that its credentials are sealed with. */
export const xVariables = {
  X_ENDPOINT: z.url({ protocol: /^https?$/ }),
  CREDENTIALS_KEY_ID: name,
};

/** The key that secrets are sealed with. */
export const credentialsKeyVariables = { CREDENTIALS_KEY_ID: name };

/** Attempts to deliver an event to an endpoint. */
export const webhookQueueVariables = { WEBHOOK_QUEUE_URL: queueUrl };

/** Whether the endpoints of webhooks may be on this machine: for development only. */
export const webhookUrlVariables = {
  ALLOW_LOOPBACK_WEBHOOKS: z.enum(["true", "false"]).transform((text) => text === "true"),
};

/** Where a person gives an app leave to act for them. */
export const consentVariables = { X_WEBSITE: z.url({ protocol: /^https?$/ }) };

/** How long an undeclared medium is waited for after the last event of its base name. */
export const settleVariables = { SETTLE_SECONDS: seconds };

/** Where a function's measures go. */
export const metricsVariables = { METRICS_NAMESPACE: name };

/** Segments of one medium on their way to X at the same time. */
export const uploadVariables = { UPLOAD_CONCURRENCY: positiveInteger };

/** Which deployment this is, for people. */
export const stageVariables = { STAGE: name };
