import type { OwnerId } from "#shared/domain/ids.ts";
import type { DeliveryId, WebhookHealth, WebhookId, WebhookRegister } from "#shared/domain/webhook.ts";
import type { Delivery } from "#shared/domain/webhook-delivery.ts";
import type { Result } from "#shared/result.ts";

type Stale = { readonly reason: "stale" };

/** Owners' webhooks, how they do, and their deliveries for 30 days. Passes `test/contracts/webhook-store.ts`. */
export interface WebhookStore {
  /** An empty one, if nothing is stored. */
  getRegister(ownerId: OwnerId): Promise<WebhookRegister>;
  /** Replaces the register whose version is one less (version 1: none). */
  saveRegister(next: WebhookRegister): Promise<Result<void, Stale>>;

  /** In the same order; unused ones are `UNUSED`. @param ids - at most `MAX_WEBHOOKS` */
  listHealth(ids: readonly WebhookId[]): Promise<readonly WebhookHealth[]>;
  /** Counts from the beginning again, whoever else notes something. */
  noteDelivered(id: WebhookId, at: Date): Promise<void>;
  /** Counts one more, whoever else notes something. */
  noteFailed(id: WebhookId, at: Date): Promise<WebhookHealth>;
  /** Counts from the beginning again. */
  forgetFailures(id: WebhookId): Promise<void>;

  getDelivery(webhookId: WebhookId, id: DeliveryId): Promise<Delivery | undefined>;
  /** Replaces the delivery that has one attempt less (1: there is none). */
  saveDelivery(next: Delivery): Promise<Result<void, Stale>>;
  /** Newest event first. */
  listDeliveries(
    webhookId: WebhookId,
    page: { readonly limit: number; readonly before?: DeliveryId },
  ): Promise<readonly Delivery[]>;
}
