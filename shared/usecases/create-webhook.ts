import type { OwnerId } from "#shared/domain/ids.ts";
import {
  asWebhookId,
  enterWebhook,
  newSecrets,
  newWebhook,
  type TooManyWebhooks,
  type Webhook,
  type WebhookEventName,
  type WebhookWish,
} from "#shared/domain/webhook.ts";
import { parseWebhookUrl, type RefusedUrl, type WebhookUrlRules } from "#shared/domain/webhook-url.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";
import type { WebhookVault } from "#shared/ports/webhook-vault.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { MAX_RACES } from "./change-own-webhook.ts";
import { findProject, type UnknownProject } from "./find-project.ts";

/** A wish as its owner wrote it. */
export interface WrittenWebhook {
  readonly url: string;
  readonly events: readonly WebhookEventName[];
  readonly description?: string;
  /** Name. */
  readonly project?: string;
}

export interface CheckWebhookDeps {
  readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects">;
  readonly urls: WebhookUrlRules;
}

/** Reads a wish: the address is one that may be called, the project is the owner's, no event is named twice. */
export async function checkWebhookWish(
  { accounts, urls }: CheckWebhookDeps,
  ownerId: OwnerId,
  { project: name, ...written }: WrittenWebhook,
): Promise<Result<WebhookWish, RefusedUrl | UnknownProject>> {
  const url = parseWebhookUrl(written.url, urls);
  if (!url.ok) return url;
  const wish = { ...written, url: url.value, events: [...new Set(written.events)] };
  if (name === undefined) return ok(wish);
  const project = await findProject(accounts, ownerId, name);
  if (!project.ok) return project;
  return ok({ ...wish, project: { id: project.value.id, name: project.value.name } });
}

export interface CreateWebhookDeps extends CheckWebhookDeps {
  readonly webhooks: Pick<WebhookStore, "getRegister" | "saveRegister">;
  readonly vault: Pick<WebhookVault, "save">;
  /** As `formatWebhookSecret` makes it. */
  readonly newSecret: () => string;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

export type CreateWebhookRefusal =
  | RefusedUrl
  | UnknownProject
  | TooManyWebhooks
  | { readonly reason: "conflict" };

export type CreateWebhook = (
  ownerId: OwnerId,
  written: WrittenWebhook,
) => Promise<Result<{ readonly webhook: Webhook; readonly secret: string }, CreateWebhookRefusal>>;

/**
 * Makes an endpoint and its secret, which nobody is told again. The relay may take a minute to know of it.
 *
 * The secret is stored first: one without a webhook is of no use to anybody, and a webhook without one could not sign.
 */
export function createCreateWebhook(deps: CreateWebhookDeps): CreateWebhook {
  const { webhooks, vault, newSecret, clock, entropy } = deps;
  return async (ownerId, written) => {
    const wish = await checkWebhookWish(deps, ownerId, written);
    if (!wish.ok) return wish;
    const webhook = newWebhook(asWebhookId(entropy.newId()), wish.value, clock.now());
    const secret = newSecret();
    const full = enterWebhook(await webhooks.getRegister(ownerId), webhook);
    if (!full.ok) return full;
    await vault.save(webhook.id, newSecrets(secret));
    for (let race = 0; race < MAX_RACES; race++) {
      const entered = enterWebhook(await webhooks.getRegister(ownerId), webhook);
      if (!entered.ok) return entered;
      if ((await webhooks.saveRegister(entered.value)).ok) return ok({ webhook, secret });
    }
    return err({ reason: "conflict" });
  };
}
