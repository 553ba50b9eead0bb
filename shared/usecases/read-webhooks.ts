import type { OwnerId } from "#shared/domain/ids.ts";
import { UNUSED, type Webhook, type WebhookHealth, type WebhookId } from "#shared/domain/webhook.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface ReadWebhooksDeps {
  readonly webhooks: Pick<WebhookStore, "getRegister" | "listHealth">;
}

export interface WatchedWebhook {
  readonly webhook: Webhook;
  readonly health: WebhookHealth;
}

/** Another owner's webhook is refused like one that does not exist. */
export async function findWebhook(
  webhooks: Pick<WebhookStore, "getRegister">,
  ownerId: OwnerId,
  id: WebhookId,
): Promise<Result<Webhook, { readonly reason: "not-found" }>> {
  const found = (await webhooks.getRegister(ownerId)).webhooks.find((webhook) => webhook.id === id);
  return found ? ok(found) : err({ reason: "not-found" });
}

export type ListWebhooks = (ownerId: OwnerId) => Promise<readonly WatchedWebhook[]>;

/** All webhooks of an owner, the oldest first, and how they do. */
export function createListWebhooks({ webhooks }: ReadWebhooksDeps): ListWebhooks {
  return async (ownerId) => {
    const own = (await webhooks.getRegister(ownerId)).webhooks;
    const health = await webhooks.listHealth(own.map(({ id }) => id));
    return own.map((webhook, index) => ({ webhook, health: health[index] ?? UNUSED }));
  };
}

export type ReadWebhook = (
  ownerId: OwnerId,
  id: WebhookId,
) => Promise<Result<WatchedWebhook, { readonly reason: "not-found" }>>;

export function createReadWebhook({ webhooks }: ReadWebhooksDeps): ReadWebhook {
  return async (ownerId, id) => {
    const found = await findWebhook(webhooks, ownerId, id);
    if (!found.ok) return found;
    const [health = UNUSED] = await webhooks.listHealth([id]);
    return ok({ webhook: found.value, health });
  };
}
