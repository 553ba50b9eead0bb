import type { WebhookId, WebhookSecrets } from "#shared/domain/webhook.ts";
import type { Result } from "#shared/result.ts";

/** The secrets of webhooks, sealed. Passes `test/contracts/webhook-vault.ts`. */
export interface WebhookVault {
  /** @throws UnreadableEnvelopeFault when they were changed, or belong to another webhook */
  load(id: WebhookId): Promise<WebhookSecrets | undefined>;
  /** Replaces the secrets whose version is one less (version 1: none). */
  save(id: WebhookId, next: WebhookSecrets): Promise<Result<void, { readonly reason: "stale" }>>;
}

/** Whoever may delete a webhook need not be able to open its secrets. */
export interface WebhookSecretEraser {
  /** Without effect when there are none. */
  erase(id: WebhookId): Promise<void>;
}
