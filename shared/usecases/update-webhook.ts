import type { OwnerId } from "#shared/domain/ids.ts";
import { changeWebhook, resumeWebhook, type Webhook, type WebhookId } from "#shared/domain/webhook.ts";
import type { RefusedUrl } from "#shared/domain/webhook-url.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";
import type { WebhookSecretEraser } from "#shared/ports/webhook-vault.ts";
import { err, type Result } from "#shared/result.ts";
import { type ChangeWebhookRefusal, changeOwnWebhook } from "./change-own-webhook.ts";
import { type CheckWebhookDeps, checkWebhookWish, type WrittenWebhook } from "./create-webhook.ts";
import type { UnknownProject } from "./find-project.ts";
import { findWebhook } from "./read-webhooks.ts";

type Stored = Pick<WebhookStore, "getRegister" | "saveRegister">;

export interface UpdateWebhookDeps extends CheckWebhookDeps {
  readonly webhooks: Stored & Pick<WebhookStore, "forgetFailures">;
  readonly clock: Pick<Clock, "now">;
}

/** Absent: it stays as it is. `null`: there is to be none. */
export interface WebhookChanges {
  readonly url?: string | undefined;
  readonly events?: WrittenWebhook["events"] | undefined;
  readonly description?: string | null | undefined;
  readonly project?: string | null | undefined;
}

const chosen = <Value>(change: Value | null | undefined, old: Value | undefined): Value | undefined =>
  change === undefined ? old : (change ?? undefined);

export type UpdateWebhook = (
  ownerId: OwnerId,
  id: WebhookId,
  changes: WebhookChanges,
  ifVersion?: number,
) => Promise<Result<Webhook, ChangeWebhookRefusal | RefusedUrl | UnknownProject>>;

/** Changes what is given. Deliveries that are under way go to the new address. The relay may take a minute to know of it. */
export function createUpdateWebhook(deps: UpdateWebhookDeps): UpdateWebhook {
  const { webhooks, clock } = deps;
  return async (ownerId, id, changes, ifVersion) => {
    const found = await findWebhook(webhooks, ownerId, id);
    if (!found.ok) return found;
    const old = found.value;
    const description = chosen(changes.description, old.description);
    const project = chosen(changes.project, old.project?.name);
    const wish = await checkWebhookWish(deps, ownerId, {
      url: changes.url ?? old.url,
      events: changes.events ?? old.events,
      ...(description !== undefined && { description }),
      ...(project !== undefined && { project }),
    });
    if (!wish.ok) return wish;
    // Checked for this version: whatever is there instead was not.
    const changed = await changeOwnWebhook(webhooks, ownerId, id, ifVersion ?? old.version, (webhook) =>
      changeWebhook(webhook, wish.value, clock.now()),
    );
    // How the old address did says nothing about the new one.
    if (changed.ok && changed.value.url !== old.url) await webhooks.forgetFailures(id);
    const isRaced = !changed.ok && changed.error.reason === "version-differs" && ifVersion === undefined;
    return isRaced ? err({ reason: "conflict" }) : changed;
  };
}

export interface DeleteWebhookDeps {
  readonly webhooks: Stored;
  readonly eraser: WebhookSecretEraser;
}

export type DeleteWebhook = (
  ownerId: OwnerId,
  id: WebhookId,
  ifVersion?: number,
) => Promise<Result<Webhook, ChangeWebhookRefusal>>;

/** Ends a webhook: nothing more is sent, what is under way included, and its secrets are gone. */
export function createDeleteWebhook({ webhooks, eraser }: DeleteWebhookDeps): DeleteWebhook {
  return async (ownerId, id, ifVersion) => {
    const deleted = await changeOwnWebhook(webhooks, ownerId, id, ifVersion, () => undefined);
    if (deleted.ok) await eraser.erase(id);
    return deleted;
  };
}

export interface ResumeWebhookDeps {
  readonly webhooks: Stored & Pick<WebhookStore, "forgetFailures">;
  readonly clock: Pick<Clock, "now">;
}

export type ResumeWebhook = DeleteWebhook;

/** Sends events to it again, from now on. One that is not paused stays as it is. */
export function createResumeWebhook({ webhooks, clock }: ResumeWebhookDeps): ResumeWebhook {
  return async (ownerId, id, ifVersion) => {
    const resumed = await changeOwnWebhook(webhooks, ownerId, id, ifVersion, (webhook) =>
      webhook.status === "active" ? webhook : resumeWebhook(webhook, clock.now()),
    );
    if (resumed.ok) await webhooks.forgetFailures(id);
    return resumed;
  };
}
