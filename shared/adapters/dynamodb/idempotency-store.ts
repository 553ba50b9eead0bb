import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { IdempotencyRecord } from "#shared/domain/idempotency.ts";
import { asOwnerId, type OwnerId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { IdempotencyStore } from "#shared/ports/idempotency-store.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, versionedPut } from "./conditional-write.ts";
import { type Item, SCHEMA_VERSION } from "./items.ts";

export interface DynamoIdempotencyStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

const keyOf = (ownerId: OwnerId, key: string) => ({
  pk: `IDEMPOTENCY#${ownerId}#${key}`,
  sk: "IDEMPOTENCY",
});

const instant = z.iso.datetime().transform((iso) => new Date(iso));
const recordItem = z.object({
  ownerId: z.string().transform(asOwnerId),
  key: z.string(),
  hash: z.string(),
  newId: z.string(),
  leaseUntil: instant,
  answer: z
    .object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string() })
    .exactOptional(),
  forgottenAt: instant,
  version: z.int().min(1),
});

const fromRecord = (record: IdempotencyRecord, writeId: string): Item => ({
  ...keyOf(record.ownerId, record.key),
  entity: "idempotency",
  schemaVersion: SCHEMA_VERSION,
  ...record,
  leaseUntil: record.leaseUntil.toISOString(),
  forgottenAt: record.forgottenAt.toISOString(),
  expiresAt: Math.ceil(record.forgottenAt.getTime() / 1_000),
  writeId,
});

/** Keyed requests in the one table. DynamoDB deletes expired items within days, so `forgottenAt` is looked at too. */
export function createDynamoIdempotencyStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoIdempotencyStoreOptions): IdempotencyStore {
  return {
    async get(ownerId, key) {
      const command = new GetCommand({
        TableName: tableName,
        Key: keyOf(ownerId, key),
        ConsistentRead: true,
      });
      const { Item } = await documents.send(command);
      const record = Item && recordItem.parse(Item);
      return record && record.forgottenAt > clock.now() ? record : undefined;
    },

    async save(next) {
      const writeId = entropy.newId();
      const put = versionedPut(tableName, fromRecord(next, writeId), next.version);
      const first = {
        ConditionExpression: `${put.ConditionExpression} OR forgottenAt <= :now`,
        ExpressionAttributeValues: { ":now": clock.now().toISOString() },
      };
      const written = await putIf(documents, { ...put, ...(next.version === 1 && first) }, writeId);
      return written.ok ? ok(undefined) : err({ reason: "stale" });
    },
  };
}
