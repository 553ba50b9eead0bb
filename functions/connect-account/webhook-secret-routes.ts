import type { RouteAnswer, RouteHandler } from "#functions/middleware/router.ts";
import {
  NO_WEBHOOK,
  refuseTooMany,
  refuseWebhook,
  WEBHOOK_CONFLICT,
} from "#functions/middleware/webhook-refusal.ts";
import { toOverlapMs, toWebhookView } from "#shared/contract/webhook-view.ts";
import { instantInWords } from "#shared/domain/words.ts";
import type { CreateWebhook } from "#shared/usecases/create-webhook.ts";
import type { RotateWebhookSecret } from "#shared/usecases/rotate-webhook-secret.ts";

export interface WebhookSecretRouteDeps {
  readonly createWebhook: CreateWebhook;
  readonly rotateWebhookSecret: RotateWebhookSecret;
}

/** The secrets of webhooks: made where they can be sealed, and shown once. */
export const createWebhookSecretRoutes = (
  usecases: WebhookSecretRouteDeps,
): { readonly [Name in keyof WebhookSecretRouteDeps]: RouteHandler<Name> } => ({
  async createWebhook({ caller: { ownerId }, body }): Promise<RouteAnswer<"createWebhook">> {
    const { url, events, description, project } = body;
    const created = await usecases.createWebhook(ownerId, {
      url,
      events,
      ...(description !== undefined && { description }),
      ...(project !== undefined && { project }),
    });
    if (created.ok) {
      const { webhook, secret } = created.value;
      const location = `/api/v1/webhooks/${webhook.id}`;
      return { status: 201, body: { ...toWebhookView(webhook), secret }, headers: { location } };
    }
    switch (created.error.reason) {
      case "conflict":
        return WEBHOOK_CONFLICT;
      case "too-many":
        return refuseTooMany(created.error);
      case "url-refused":
      case "unknown-project":
        return refuseWebhook(created.error);
    }
  },

  async rotateWebhookSecret({ caller: { ownerId }, params, body }) {
    const rotated = await usecases.rotateWebhookSecret(ownerId, params.id, toOverlapMs(body));
    if (!rotated.ok) return rotated.error.reason === "conflict" ? WEBHOOK_CONFLICT : NO_WEBHOOK;
    const { secret, oldValidUntil } = rotated.value;
    return {
      status: 200,
      body: { secret, ...(oldValidUntil && { oldValidUntil: instantInWords(oldValidUntil) }) },
    };
  },
});
