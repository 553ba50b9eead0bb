import type { Content } from "#shared/domain/task.ts";
import type { DeliveryId } from "#shared/domain/webhook.ts";
import type { AttemptCode } from "#shared/domain/webhook-delivery.ts";
import type { TaskEvent, WebhookEvent } from "#shared/domain/webhook-event.ts";

/** An event with what it takes to show it; names are those that people gave. */
export type ShownWebhookEvent =
  | Exclude<WebhookEvent, TaskEvent>
  | (TaskEvent & {
      /** Of `task.contentRev`. */
      readonly content: Content;
      readonly project: string;
      readonly account: string;
      /** Of the project: IANA name. */
      readonly timeZone: string;
    });

export interface OutgoingWebhook {
  /** As `parseWebhookUrl` answers it. */
  readonly url: string;
  readonly deliveryId: DeliveryId;
  /** Those in force, at least one. */
  readonly secrets: readonly string[];
  readonly event: ShownWebhookEvent;
}

export interface WebhookAnswer {
  /** Absent: there was none. */
  readonly status?: number;
  /** Absent: the endpoint took it (2xx). */
  readonly code?: AttemptCode;
  /** How long the endpoint asks to be left alone. */
  readonly retryAfterMs?: number;
}

/** Sends an event to an address that somebody else chose. Never throws for what the other side does. */
export interface WebhookSender {
  send(webhook: OutgoingWebhook): Promise<WebhookAnswer>;
}
