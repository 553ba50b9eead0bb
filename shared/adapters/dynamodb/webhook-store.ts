import {
  type DynamoDBDocumentClient,
  GetCommand,
  type PutCommandInput,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { asOwnerId, asProjectId, type OwnerId } from "#shared/domain/ids.ts";
import {
  asDeliveryId,
  asWebhookId,
  type DeliveryId,
  emptyWebhookRegister,
  UNUSED,
  WEBHOOK_EVENTS,
  type WebhookHealth,
  type WebhookId,
  type WebhookRegister,
} from "#shared/domain/webhook.ts";
import { ATTEMPT_CODES, DELIVERY_KEPT_MS, type Delivery } from "#shared/domain/webhook-delivery.ts";
import { webhookEventSchema } from "#shared/domain/webhook-event.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, versionedPut } from "./conditional-write.ts";
import { type Item, SCHEMA_VERSION } from "./items.ts";

export interface DynamoWebhookStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

const registerKey = (ownerId: OwnerId) => ({ pk: `OWNER#${ownerId}`, sk: "WEBHOOKS" });
const healthKey = (id: WebhookId) => ({ pk: `WEBHOOK#${id}`, sk: "HEALTH" });
const deliveryKey = (webhookId: WebhookId, id: DeliveryId) => ({
  pk: `WEBHOOK#${webhookId}`,
  sk: `DELIVERY#${id}`,
});

const instant = z.iso.datetime().transform((iso) => new Date(iso));
const count = z.int().nonnegative();
const positive = z.int().positive();

const registerItem = z.object({
  ownerId: z.string().transform(asOwnerId),
  webhooks: z.array(
    z.object({
      id: z.string().transform(asWebhookId),
      url: z.string(),
      events: z.array(z.enum(WEBHOOK_EVENTS)),
      description: z.string().exactOptional(),
      project: z.object({ id: z.string().transform(asProjectId), name: z.string() }).exactOptional(),
      status: z.enum(["active", "paused"]),
      reason: z.object({ code: z.string(), message: z.string(), remedy: z.string() }).exactOptional(),
      createdAt: instant,
      updatedAt: instant,
      version: positive,
    }),
  ),
  version: positive,
});

const healthItem = z.object({
  failedInRow: count.default(0),
  failingSince: instant.exactOptional(),
  lastDeliveredAt: instant.exactOptional(),
  lastFailedAt: instant.exactOptional(),
});

/** The event is one text: it is only ever read whole. */
const eventAttribute = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(webhookEventSchema);

const deliveryItem = z.object({
  id: z.string().transform(asDeliveryId),
  webhookId: z.string().transform(asWebhookId),
  event: eventAttribute,
  status: z.enum(["pending", "delivered", "failed"]),
  attemptCount: positive,
  tries: count,
  attempts: z.array(
    z.object({
      at: instant,
      durationMs: z.number(),
      manual: z.literal(true).exactOptional(),
      status: z.int().exactOptional(),
      code: z.enum(ATTEMPT_CODES).exactOptional(),
    }),
  ),
  nextAt: instant.exactOptional(),
});

const fromRegister = ({ ownerId, webhooks, version }: WebhookRegister): Item => ({
  ...registerKey(ownerId),
  entity: "webhooks",
  schemaVersion: SCHEMA_VERSION,
  ownerId,
  webhooks: webhooks.map(({ events, project, reason, createdAt, updatedAt, ...webhook }) => ({
    ...webhook,
    events: [...events],
    ...(project && { project: { ...project } }),
    ...(reason && { reason: { ...reason } }),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  })),
  version,
});

const fromDelivery = ({ event, attempts, nextAt, ...delivery }: Delivery): Item => ({
  ...deliveryKey(delivery.webhookId, delivery.id),
  entity: "webhook-delivery",
  schemaVersion: SCHEMA_VERSION,
  ...delivery,
  event: JSON.stringify(event),
  attempts: attempts.map(({ at, ...attempt }) => ({ at: at.toISOString(), ...attempt })),
  ...(nextAt && { nextAt: nextAt.toISOString() }),
  // DynamoDB's clock counts seconds.
  expiresAt: Math.floor((event.at.getTime() + DELIVERY_KEPT_MS) / 1_000),
});

/** The webhooks of an owner in one item; beside each of them how it does, and its deliveries until TTL takes them. */
export function createDynamoWebhookStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoWebhookStoreOptions): WebhookStore {
  const read = async (Key: { readonly pk: string; readonly sk: string }) =>
    (await documents.send(new GetCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;

  async function put(input: PutCommandInput) {
    const writeId = entropy.newId();
    const saved = await putIf(documents, { ...input, Item: { ...input.Item, writeId } }, writeId);
    return saved.ok ? ok(undefined) : err({ reason: "stale" } as const);
  }

  async function updateHealth(
    id: WebhookId,
    UpdateExpression: string,
    values: Readonly<Record<string, string | number>>,
  ): Promise<WebhookHealth> {
    const { Attributes } = await documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: healthKey(id),
        UpdateExpression: `SET entity = :entity, schemaVersion = :schema, ${UpdateExpression}`,
        ExpressionAttributeValues: { ":entity": "webhook-health", ":schema": SCHEMA_VERSION, ...values },
        ReturnValues: "ALL_NEW",
      }),
    );
    return healthItem.parse(Attributes);
  }

  // DynamoDB deletes expired items within days, not at once.
  const isKept = (item: Item): boolean => Number(item["expiresAt"]) > clock.now().getTime() / 1_000;

  return {
    async getRegister(ownerId) {
      const item = await read(registerKey(ownerId));
      return item ? registerItem.parse(item) : emptyWebhookRegister(ownerId);
    },

    saveRegister: (next) => put(versionedPut(tableName, fromRegister(next), next.version)),

    listHealth: (ids) =>
      Promise.all(
        ids.map(async (id) => {
          const item = await read(healthKey(id));
          return item ? healthItem.parse(item) : UNUSED;
        }),
      ),

    async noteDelivered(id, at) {
      await updateHealth(id, "failedInRow = :none, lastDeliveredAt = :at REMOVE failingSince", {
        ":none": 0,
        ":at": at.toISOString(),
      });
    },

    noteFailed: (id, at) =>
      updateHealth(
        id,
        "lastFailedAt = :at, failingSince = if_not_exists(failingSince, :at) ADD failedInRow :one",
        { ":at": at.toISOString(), ":one": 1 },
      ),

    async forgetFailures(id) {
      await updateHealth(id, "failedInRow = :none REMOVE failingSince", { ":none": 0 });
    },

    async getDelivery(webhookId, id) {
      const item = await read(deliveryKey(webhookId, id));
      return item && isKept(item) ? deliveryItem.parse(item) : undefined;
    },

    saveDelivery: (next) =>
      put({
        TableName: tableName,
        Item: fromDelivery(next),
        ...(next.attemptCount === 1
          ? { ConditionExpression: "attribute_not_exists(pk)" }
          : {
              ConditionExpression: "attemptCount = :seen",
              ExpressionAttributeValues: { ":seen": next.attemptCount - 1 },
            }),
      }),

    async listDeliveries(webhookId, { limit, before }) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
          // Expired ones have the oldest events, so no page has kept ones after them.
          ExpressionAttributeValues: {
            ":pk": healthKey(webhookId).pk,
            ":first": "DELIVERY#",
            ":last": before === undefined ? "DELIVERY#~" : `DELIVERY#${before}`,
          },
          ScanIndexForward: false,
          Limit: before === undefined ? limit : limit + 1,
        }),
      );
      return Items.filter((item) => isKept(item) && item["id"] !== before)
        .slice(0, limit)
        .map((item) => deliveryItem.parse(item));
    },
  };
}
