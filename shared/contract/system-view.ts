import * as z from "zod";
import { SETTING_NAMES, SETTINGS, type SettingName } from "#shared/domain/settings.ts";
import { WORK_QUEUES } from "#shared/domain/work-queue.ts";

export const readinessView = z.strictObject({ ready: z.boolean(), why: z.string() });

/** In Prometheus's text format 0.0.4, not in JSON. */
export const metricsText = z
  .string()
  .meta({ description: "Prometheus text format 0.0.4: counters and histograms since the deployment began." });

const limits = z.strictObject(
  Object.fromEntries(
    SETTING_NAMES.map((name) => [name, z.int().meta({ description: `In ${SETTINGS[name].unit}.` })]),
  ) as Record<SettingName, z.ZodInt>,
);

export const infoView = z.strictObject({
  version: z.string(),
  stage: z.string(),
  region: z.string(),
  node: z.string(),
  limits: limits.meta({ description: "The settings in force." }),
  since: z.iso
    .datetime()
    .optional()
    .meta({ description: "Since when things are counted; absent: nothing was yet." }),
});

const count = z.int().nonnegative();
const depth = z.strictObject({
  waiting: count.meta({ description: "May be taken by a worker." }),
  inFlight: count.meta({ description: "A worker has it." }),
  delayed: count.meta({ description: "May be taken later." }),
});

export const queueView = z.strictObject({
  name: z.enum([...WORK_QUEUES, "background"]),
  work: depth.optional().meta({ description: "Absent for `background`: no queue feeds its functions." }),
  deadLetters: depth,
  oldestAgeSeconds: z.null().meta({
    description: "Not known: SQS tells it to CloudWatch only, as ApproximateAgeOfOldestMessage.",
  }),
});

export const queueStatusView = z.strictObject({
  queues: z.array(queueView),
  note: z.string(),
});

/** Body of `POST …/queue-status/redrive`. */
export const redriveQueueBody = z.strictObject({ queue: z.enum(WORK_QUEUES) });

export const redrivenView = z.strictObject({
  queue: z.enum(WORK_QUEUES),
  moved: count.meta({ description: "In their queue again." }),
  doubled: count.meta({
    description: "In their queue again, and still dead letters: their deletion failed.",
  }),
  failed: count.meta({ description: "Still dead letters: the queue did not take them." }),
  more: z.boolean().meta({ description: "There may be more: send the request again." }),
});
