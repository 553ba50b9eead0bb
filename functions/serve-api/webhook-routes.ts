import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { NO_WEBHOOK, refuseWebhook, WEBHOOK_CONFLICT } from "#functions/middleware/webhook-refusal.ts";
import { toDeliveryView, toWatchedWebhook, toWebhookView } from "#shared/contract/webhook-view.ts";
import type { ChangeWebhookRefusal } from "#shared/usecases/change-own-webhook.ts";
import type { ListWebhooks, ReadWebhook } from "#shared/usecases/read-webhooks.ts";
import type { DeleteWebhook, ResumeWebhook, UpdateWebhook } from "#shared/usecases/update-webhook.ts";
import type { ListDeliveries, PingWebhook, ReplayDelivery } from "#shared/usecases/webhook-deliveries.ts";

export interface WebhookRouteDeps {
  readonly listWebhooks: ListWebhooks;
  readonly readWebhook: ReadWebhook;
  readonly updateWebhook: UpdateWebhook;
  readonly deleteWebhook: DeleteWebhook;
  readonly pingWebhook: PingWebhook;
  readonly resumeWebhook: ResumeWebhook;
  readonly listDeliveries: ListDeliveries;
  readonly replayDelivery: ReplayDelivery;
}

const NO_DELIVERY = {
  problem: "delivery-not-found",
  detail: "The webhook has no delivery of this id, or forgot it after 30 days.",
} as const;

function notChanged(refusal: ChangeWebhookRefusal) {
  switch (refusal.reason) {
    case "not-found":
      return NO_WEBHOOK;
    case "version-differs":
      return {
        problem: "precondition-failed",
        detail: `It has the version ${refusal.version} now.`,
      } as const;
    case "conflict":
      return WEBHOOK_CONFLICT;
  }
}

type WebhookRoutes = Pick<RouteHandlers, keyof WebhookRouteDeps>;

/** Webhooks, as far as no secret is opened: which answer each outcome is. */
export const createWebhookRoutes = (usecases: WebhookRouteDeps): WebhookRoutes => ({
  async listWebhooks({ caller: { ownerId } }) {
    const items = (await usecases.listWebhooks(ownerId)).map(toWatchedWebhook);
    return { status: 200, body: { items } };
  },

  async readWebhook({ caller: { ownerId }, params }) {
    const read = await usecases.readWebhook(ownerId, params.id);
    return read.ok ? { status: 200, body: toWatchedWebhook(read.value) } : NO_WEBHOOK;
  },

  async updateWebhook({
    caller: { ownerId },
    params,
    body,
    ifVersion,
  }): Promise<RouteAnswer<"updateWebhook">> {
    const updated = await usecases.updateWebhook(ownerId, params.id, body, ifVersion);
    if (updated.ok) return { status: 200, body: toWebhookView(updated.value) };
    const { error } = updated;
    return error.reason === "url-refused" || error.reason === "unknown-project"
      ? refuseWebhook(error)
      : notChanged(error);
  },

  async deleteWebhook({ caller: { ownerId }, params, ifVersion }) {
    const deleted = await usecases.deleteWebhook(ownerId, params.id, ifVersion);
    return deleted.ok ? { status: 200, body: toWebhookView(deleted.value) } : notChanged(deleted.error);
  },

  async pingWebhook({ caller: { ownerId }, params }) {
    const sent = await usecases.pingWebhook(ownerId, params.id);
    return sent.ok ? { status: 202, body: { deliveryId: sent.value } } : NO_WEBHOOK;
  },

  async resumeWebhook({ caller: { ownerId }, params, ifVersion }) {
    const resumed = await usecases.resumeWebhook(ownerId, params.id, ifVersion);
    return resumed.ok ? { status: 200, body: toWebhookView(resumed.value) } : notChanged(resumed.error);
  },

  async listDeliveries({ caller: { ownerId }, params, query: { limit, cursor } }) {
    const page = { limit, ...(cursor !== undefined && { before: cursor }) };
    const listed = await usecases.listDeliveries(ownerId, params.id, page);
    if (!listed.ok) return NO_WEBHOOK;
    const { deliveries, next } = listed.value;
    const items = deliveries.map(toDeliveryView);
    return { status: 200, body: { items, ...(next !== undefined && { next }) } };
  },

  async replayDelivery({ caller: { ownerId }, params: { id, deliveryId } }) {
    const replayed = await usecases.replayDelivery(ownerId, id, deliveryId);
    if (replayed.ok) return { status: 202, body: toDeliveryView(replayed.value) };
    return replayed.error.reason === "delivery-not-found" ? NO_DELIVERY : NO_WEBHOOK;
  },
});
