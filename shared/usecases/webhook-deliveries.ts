import type { OwnerId } from "#shared/domain/ids.ts";
import { asDeliveryId, type DeliveryId, type WebhookId } from "#shared/domain/webhook.ts";
import type { Delivery } from "#shared/domain/webhook-delivery.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { WebhookQueue } from "#shared/ports/webhook-queue.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findWebhook } from "./read-webhooks.ts";

type NoWebhook = { readonly reason: "not-found" };

export interface ListDeliveriesDeps {
  readonly webhooks: Pick<WebhookStore, "getRegister" | "listDeliveries">;
}

export interface DeliveriesPage {
  readonly deliveries: readonly Delivery[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: DeliveryId;
}

export type ListDeliveries = (
  ownerId: OwnerId,
  id: WebhookId,
  page: { readonly limit: number; readonly before?: DeliveryId },
) => Promise<Result<DeliveriesPage, NoWebhook>>;

/** What was sent to an endpoint and how it answered, newest event first. An event is listed from its first attempt on. */
export function createListDeliveries({ webhooks }: ListDeliveriesDeps): ListDeliveries {
  return async (ownerId, id, { limit, ...after }) => {
    const found = await findWebhook(webhooks, ownerId, id);
    if (!found.ok) return found;
    // One more than asked for tells whether there is a next page.
    const read = await webhooks.listDeliveries(id, { limit: limit + 1, ...after });
    const deliveries = read.slice(0, limit);
    const last = deliveries.at(-1);
    return ok({ deliveries, ...(read.length > limit && last && { next: last.id }) });
  };
}

export interface PingWebhookDeps {
  readonly webhooks: Pick<WebhookStore, "getRegister">;
  readonly queue: WebhookQueue;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

export type PingWebhook = (ownerId: OwnerId, id: WebhookId) => Promise<Result<DeliveryId, NoWebhook>>;

/** Sends an event that means nothing, once, also while the webhook is paused. Its delivery tells how it went. */
export function createPingWebhook({ webhooks, queue, clock, entropy }: PingWebhookDeps): PingWebhook {
  return async (ownerId, id) => {
    const found = await findWebhook(webhooks, ownerId, id);
    if (!found.ok) return found;
    const deliveryId = asDeliveryId(entropy.newId());
    const event = { type: "ping", at: clock.now() } as const;
    await queue.send([{ ownerId, webhookId: id, deliveryId, attempt: 1, manual: true, event }]);
    return ok(deliveryId);
  };
}

export interface ReplayDeliveryDeps {
  readonly webhooks: Pick<WebhookStore, "getRegister" | "getDelivery">;
  readonly queue: WebhookQueue;
}

export type ReplayDelivery = (
  ownerId: OwnerId,
  id: WebhookId,
  deliveryId: DeliveryId,
) => Promise<Result<Delivery, NoWebhook | { readonly reason: "delivery-not-found" }>>;

/**
 * Sends an event once more, with the id that it had, whatever became of it and also while the webhook is paused.
 *
 * @returns the delivery before that attempt
 */
export function createReplayDelivery({ webhooks, queue }: ReplayDeliveryDeps): ReplayDelivery {
  return async (ownerId, id, deliveryId) => {
    const found = await findWebhook(webhooks, ownerId, id);
    if (!found.ok) return found;
    const delivery = await webhooks.getDelivery(id, deliveryId);
    if (!delivery) return err({ reason: "delivery-not-found" });
    const { event, attemptCount } = delivery;
    const attempt = attemptCount + 1;
    await queue.send([{ ownerId, webhookId: id, deliveryId, attempt, manual: true, event }]);
    return ok(delivery);
  };
}
