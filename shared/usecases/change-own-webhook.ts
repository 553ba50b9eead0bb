import type { OwnerId } from "#shared/domain/ids.ts";
import { replaceWebhook, type Webhook, type WebhookId } from "#shared/domain/webhook.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

/** Somebody else may write the same owner's webhooks at the same time: one of these gets through. */
export const MAX_RACES = 5;

export type ChangeWebhookRefusal =
  | { readonly reason: "not-found" }
  /** It is not the version that the caller has seen. */
  | { readonly reason: "version-differs"; readonly version: number }
  /** Somebody else was faster every time. */
  | { readonly reason: "conflict" };

/**
 * Decides by the webhook as it is now and writes what was decided; when somebody was faster, decides again.
 *
 * @param ifVersion - the only version that may be changed; absent: any
 * @param decide - what to put in its place: nothing deletes it, the very same changes nothing
 */
export async function changeOwnWebhook(
  webhooks: Pick<WebhookStore, "getRegister" | "saveRegister">,
  ownerId: OwnerId,
  id: WebhookId,
  ifVersion: number | undefined,
  decide: (webhook: Webhook) => Webhook | undefined,
): Promise<Result<Webhook, ChangeWebhookRefusal>> {
  for (let race = 0; race < MAX_RACES; race++) {
    const register = await webhooks.getRegister(ownerId);
    const webhook = register.webhooks.find((own) => own.id === id);
    if (!webhook) return err({ reason: "not-found" });
    const { version } = webhook;
    if (ifVersion !== undefined && ifVersion !== version) return err({ reason: "version-differs", version });
    const next = decide(webhook);
    if (next === webhook) return ok(webhook);
    const saved = await webhooks.saveRegister(replaceWebhook(register, id, next));
    if (saved.ok) return ok(next ?? webhook);
  }
  return err({ reason: "conflict" });
}
