import type { OwnerId } from "#shared/domain/ids.ts";
import { rotateSecret, type WebhookId } from "#shared/domain/webhook.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";
import type { WebhookVault } from "#shared/ports/webhook-vault.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { MAX_RACES } from "./change-own-webhook.ts";
import { findWebhook } from "./read-webhooks.ts";

export interface RotateWebhookSecretDeps {
  readonly webhooks: Pick<WebhookStore, "getRegister">;
  readonly vault: WebhookVault;
  /** As `formatWebhookSecret` makes it. */
  readonly newSecret: () => string;
  readonly clock: Pick<Clock, "now">;
}

export interface RotatedSecret {
  readonly secret: string;
  /** Absent: the old one has ended already. */
  readonly oldValidUntil?: Date;
}

/** @param overlapMs - how long events are signed with the old secret too; one that was old already ends at once */
export type RotateWebhookSecret = (
  ownerId: OwnerId,
  id: WebhookId,
  overlapMs: number,
) => Promise<Result<RotatedSecret, { readonly reason: "not-found" } | { readonly reason: "conflict" }>>;

/** Gives a webhook a new secret, which nobody is told again. */
export function createRotateWebhookSecret({
  webhooks,
  vault,
  newSecret,
  clock,
}: RotateWebhookSecretDeps): RotateWebhookSecret {
  return async (ownerId, id, overlapMs) => {
    const found = await findWebhook(webhooks, ownerId, id);
    if (!found.ok) return found;
    for (let race = 0; race < MAX_RACES; race++) {
      const old = await vault.load(id);
      // It was deleted meanwhile: the secrets go after the webhook.
      if (!old) return err({ reason: "not-found" });
      const next = rotateSecret(old, newSecret(), clock.now(), overlapMs);
      if (!(await vault.save(id, next)).ok) continue;
      const { current: secret, previous } = next;
      return ok({ secret, ...(previous && { oldValidUntil: previous.until }) });
    }
    return err({ reason: "conflict" });
  };
}
