import * as z from "zod";
import { nameField } from "#shared/domain/post-fields.ts";
import type { Content } from "#shared/domain/task.ts";
import {
  asDeliveryId,
  asWebhookId,
  MAX_WEBHOOKS,
  SECRET_OVERLAP_HOURS,
  WEBHOOK_EVENTS,
  type Webhook,
  type WebhookHealth,
} from "#shared/domain/webhook.ts";
import { ATTEMPT_CODES, type Delivery, MAX_ATTEMPTS_KEPT } from "#shared/domain/webhook-delivery.ts";
import { sequenceOf, subjectOf, type TaskEvent, type WebhookEvent } from "#shared/domain/webhook-event.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { cursorField, limitField, nextField } from "./paging.ts";
import { taskViewSchema, toTaskView } from "./task-view.ts";

const MAX_PAGE = 100;
const HOUR_MS = 3_600_000;

const instant = z.iso.datetime();
const reason = z.strictObject({ code: z.string(), message: z.string(), remedy: z.string() });

export const webhookPath = z.strictObject({ id: z.ulid().transform(asWebhookId) });
export const deliveryPath = z.strictObject({
  id: z.ulid().transform(asWebhookId),
  deliveryId: z.ulid().transform(asDeliveryId),
});

const urlField = z
  .string()
  .min(1)
  .max(500)
  .meta({ description: "https, the usual port, a public host name; no user name, password or fragment." });
const eventsField = z.array(z.enum(WEBHOOK_EVENTS)).min(1).max(WEBHOOK_EVENTS.length);
const descriptionField = z.string().trim().min(1).max(200);

/** Body of a new webhook. */
export const webhookBody = z.strictObject({
  url: urlField,
  events: eventsField,
  description: descriptionField.optional(),
  project: nameField.optional().meta({ description: "Only what concerns this project." }),
});

/** Body of a change: what is not given stays. */
export const webhookChanges = z.strictObject({
  url: urlField.optional(),
  events: eventsField.optional(),
  description: descriptionField.nullable().optional(),
  project: nameField.nullable().optional(),
});

export const rotateBody = z
  .strictObject({
    overlapHours: z.number().min(0).max(SECRET_OVERLAP_HOURS).default(SECRET_OVERLAP_HOURS).meta({
      description: "How long the old secret signs too. 0: it is known to somebody, and ends at once.",
    }),
  })
  .default({ overlapHours: SECRET_OVERLAP_HOURS });

export const toOverlapMs = ({ overlapHours }: z.output<typeof rotateBody>): number => overlapHours * HOUR_MS;

/** An endpoint. Its secret is never shown again. */
export const webhookView = z.strictObject({
  id: z.ulid(),
  url: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  description: z.string().optional(),
  project: z.string().optional(),
  status: z.enum(["active", "paused"]),
  reason: reason.optional().meta({ description: "Why it is paused." }),
  createdAt: instant,
  updatedAt: instant,
  version: z.int().positive(),
});

/** How an endpoint has answered lately; attempts that somebody asked for do not count. */
const healthView = z.strictObject({
  failedInRow: z.int().nonnegative(),
  failingSince: instant.optional(),
  lastDeliveredAt: instant.optional(),
  lastFailedAt: instant.optional(),
});

export const watchedWebhookView = webhookView.extend({ health: healthView });

export const webhookList = z.strictObject({ items: z.array(watchedWebhookView).max(MAX_WEBHOOKS) });

const secretField = z
  .string()
  .regex(/^whsec_/)
  .meta({ description: "Shown this once. Keep it: it verifies what the webhook sends." });

export const webhookCreated = webhookView.extend({ secret: secretField });

export const secretRotated = z.strictObject({
  secret: secretField,
  oldValidUntil: instant.optional().meta({ description: "Absent: the old secret has ended." }),
});

export const pingSent = z.strictObject({ deliveryId: z.ulid() });

export const deliveriesQuery = z.strictObject({
  limit: limitField,
  cursor: cursorField.pipe(z.ulid()).transform(asDeliveryId).optional(),
});

const EVENT_TYPES = [...WEBHOOK_EVENTS, "ping"] as const;

const attemptView = z.strictObject({
  at: instant,
  durationMs: z.int().nonnegative(),
  manual: z.literal(true).optional().meta({ description: "A ping or a replay." }),
  status: z.int().optional().meta({ description: "Of the endpoint's answer; absent if there was none." }),
  code: z.enum(ATTEMPT_CODES).optional().meta({ description: "Absent: the endpoint took it (2xx)." }),
});

/** An event for an endpoint, and every attempt to deliver it. Kept for 30 days. */
export const deliveryView = z.strictObject({
  id: z.ulid().meta({ description: "The header webhook-id of every attempt." }),
  type: z.enum(EVENT_TYPES),
  subject: z.string().optional().meta({ description: "Id of the task, or of the account." }),
  sequence: z.int().positive().optional(),
  occurredAt: instant,
  status: z.enum(["pending", "delivered", "failed"]),
  attemptCount: z.int().nonnegative(),
  attempts: z.array(attemptView).max(MAX_ATTEMPTS_KEPT).meta({ description: "The last ones, oldest first." }),
  nextAttemptAt: instant.optional(),
});

export const deliveryList = z.strictObject({
  items: z.array(deliveryView).max(MAX_PAGE),
  next: nextField,
});

export const toWebhookView = (webhook: Webhook): z.output<typeof webhookView> => {
  const { id, url, events, description, project, status, createdAt, updatedAt, version } = webhook;
  return {
    id,
    url,
    events: [...events],
    ...(description !== undefined && { description }),
    ...(project && { project: project.name }),
    status,
    ...(webhook.reason && { reason: { ...webhook.reason } }),
    createdAt: instantInWords(createdAt),
    updatedAt: instantInWords(updatedAt),
    version,
  };
};

const toHealthView = ({ failedInRow, failingSince, lastDeliveredAt, lastFailedAt }: WebhookHealth) => ({
  failedInRow,
  ...(failingSince && { failingSince: instantInWords(failingSince) }),
  ...(lastDeliveredAt && { lastDeliveredAt: instantInWords(lastDeliveredAt) }),
  ...(lastFailedAt && { lastFailedAt: instantInWords(lastFailedAt) }),
});

export const toWatchedWebhook = ({
  webhook,
  health,
}: {
  readonly webhook: Webhook;
  readonly health: WebhookHealth;
}): z.output<typeof watchedWebhookView> => ({ ...toWebhookView(webhook), health: toHealthView(health) });

export const toDeliveryView = ({
  id,
  event,
  status,
  attemptCount,
  attempts,
  nextAt,
}: Delivery): z.output<typeof deliveryView> => ({
  id,
  type: event.type,
  ...(event.type !== "ping" && { subject: subjectOf(event), sequence: sequenceOf(event) }),
  occurredAt: instantInWords(event.at),
  status,
  attemptCount,
  attempts: attempts.map(({ at, ...attempt }) => ({ at: instantInWords(at), ...attempt })),
  ...(nextAt && { nextAttemptAt: instantInWords(nextAt) }),
});

const announcedAccount = z.strictObject({
  name: z.string(),
  status: z.enum(["active", "paused", "needs-reconnect"]),
  reason: reason.optional(),
  pausedUntil: instant.optional(),
});

const sequence = z.int().positive().meta({
  description:
    "Grows with each event of the same task or account. One that is lower than what was seen is old news.",
});

/** What is sent: `type`, `timestamp` and `data`, as Standard Webhooks have it. No secret, no token. */
export const webhookPayload = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.enum(["accepted", "scheduled", "published", "failed", "held", "missed"]),
    timestamp: instant,
    data: z.strictObject({
      sequence,
      task: taskViewSchema
        .extend({ batchId: z.string().optional() })
        .strict()
        .meta({ description: "The task as it was then." }),
    }),
  }),
  z.strictObject({
    type: z.literal("account-needs-attention"),
    timestamp: instant,
    data: z.strictObject({ sequence, account: announcedAccount }),
  }),
  z.strictObject({ type: z.literal("ping"), timestamp: instant, data: z.strictObject({}) }),
]);
export type WebhookPayload = z.output<typeof webhookPayload>;

type ShownEvent =
  | Exclude<WebhookEvent, TaskEvent>
  | (TaskEvent & {
      readonly content: Content;
      readonly project: string;
      readonly account: string;
      readonly timeZone: string;
    });

/** Shows an event as it is sent. */
export function toWebhookPayload(event: ShownEvent): WebhookPayload {
  const timestamp = instantInWords(event.at);
  if (event.type === "ping") return { type: event.type, timestamp, data: {} };
  if ("task" in event) {
    const { type, task, content, ...names } = event;
    return {
      type,
      timestamp,
      data: {
        sequence: sequenceOf(event),
        task: {
          ...toTaskView(task, content, names),
          ...(task.batchId !== undefined && { batchId: task.batchId }),
        },
      },
    };
  }
  const { name, status, pausedUntil, reason: why } = event.account;
  return {
    type: event.type,
    timestamp,
    data: {
      sequence: sequenceOf(event),
      account: {
        name,
        status,
        ...(why && { reason: { ...why } }),
        ...(pausedUntil && { pausedUntil: instantInWords(pausedUntil) }),
      },
    },
  };
}
