import type { OwnerId } from "#shared/domain/ids.ts";
import {
  emptyWebhookRegister,
  UNUSED,
  type WebhookHealth,
  type WebhookId,
  type WebhookRegister,
  type WebhookSecrets,
} from "#shared/domain/webhook.ts";
import { DELIVERY_KEPT_MS, type Delivery } from "#shared/domain/webhook-delivery.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";
import type { WebhookSecretEraser, WebhookVault } from "#shared/ports/webhook-vault.ts";
import { err, ok } from "#shared/result.ts";

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryWebhooks(clock: Pick<Clock, "now">): WebhookStore {
  const registers = new Map<OwnerId, WebhookRegister>();
  const healths = new Map<WebhookId, WebhookHealth>();
  const deliveries = new Map<WebhookId, Map<string, Delivery>>();
  const registerOf = (ownerId: OwnerId) => registers.get(ownerId) ?? emptyWebhookRegister(ownerId);
  const healthOf = (id: WebhookId) => healths.get(id) ?? UNUSED;
  const isKept = ({ event }: Delivery): boolean =>
    Math.floor((event.at.getTime() + DELIVERY_KEPT_MS) / 1_000) > clock.now().getTime() / 1_000;
  const deliveriesOf = (id: WebhookId) => {
    const own = deliveries.get(id) ?? new Map<string, Delivery>();
    deliveries.set(id, own);
    return own;
  };
  const healthy = ({ failingSince: _since, ...health }: WebhookHealth): WebhookHealth => ({
    ...health,
    failedInRow: 0,
  });
  return {
    getRegister: async (ownerId) => registerOf(ownerId),
    async saveRegister(next) {
      if (registerOf(next.ownerId).version !== next.version - 1) return err({ reason: "stale" });
      registers.set(next.ownerId, next);
      return ok(undefined);
    },
    listHealth: async (ids) => ids.map(healthOf),
    async noteDelivered(id, at) {
      healths.set(id, { ...healthy(healthOf(id)), lastDeliveredAt: at });
    },
    async noteFailed(id, at) {
      const { failedInRow, failingSince = at, ...rest } = healthOf(id);
      const next = { ...rest, failedInRow: failedInRow + 1, failingSince, lastFailedAt: at };
      healths.set(id, next);
      return next;
    },
    async forgetFailures(id) {
      healths.set(id, healthy(healthOf(id)));
    },
    async getDelivery(webhookId, id) {
      const found = deliveriesOf(webhookId).get(id);
      return found && isKept(found) ? found : undefined;
    },
    async saveDelivery(next) {
      const own = deliveriesOf(next.webhookId);
      if ((own.get(next.id)?.attemptCount ?? 0) !== next.attemptCount - 1) return err({ reason: "stale" });
      own.set(next.id, next);
      return ok(undefined);
    },
    async listDeliveries(webhookId, { limit, before }) {
      return [...deliveriesOf(webhookId).values()]
        .filter((delivery) => isKept(delivery) && (before === undefined || delivery.id < before))
        .toSorted((one, other) => (one.id < other.id ? 1 : -1))
        .slice(0, limit);
    },
  };
}

export const createInMemoryWebhookVault = (): WebhookVault & WebhookSecretEraser => {
  const kept = new Map<WebhookId, WebhookSecrets>();
  return {
    load: async (id) => kept.get(id),
    async save(id, next) {
      if ((kept.get(id)?.version ?? 0) !== next.version - 1) return err({ reason: "stale" });
      kept.set(id, next);
      return ok(undefined);
    },
    async erase(id) {
      kept.delete(id);
    },
  };
};
