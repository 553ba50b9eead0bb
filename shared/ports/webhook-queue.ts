import type { OwnerId } from "#shared/domain/ids.ts";
import type { DeliveryId, WebhookId } from "#shared/domain/webhook.ts";
import type { WebhookEvent } from "#shared/domain/webhook-event.ts";

/** One attempt that is to be made. */
export interface WebhookMessage {
  readonly ownerId: OwnerId;
  readonly webhookId: WebhookId;
  readonly deliveryId: DeliveryId;
  /** From 1. The same attempt of the same delivery is made once, however often its message comes. */
  readonly attempt: number;
  /** Not before this instant. Absent: now. */
  readonly dueAt?: Date;
  /** Somebody asked for it: once, and also while the webhook is paused. */
  readonly manual?: true;
  readonly event: WebhookEvent;
}

/** Hands attempts to `deliver-webhook`, at least once, in no order. */
export interface WebhookQueue {
  /** One that is due later than the queue can delay comes too early, and is sent again. */
  send(messages: readonly WebhookMessage[]): Promise<void>;
}
