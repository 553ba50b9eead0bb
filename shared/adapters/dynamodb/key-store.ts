import { ConditionalCheckFailedException, TransactionConflictException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, paginateQuery, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { type ApiKey, asKeyHash, KEY_SCOPES, type KeyHash } from "#shared/domain/api-key.ts";
import { asOwnerId, type OwnerId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import { type TransactItem, transactIf } from "./conditional-write.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoKeyStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

const keyOf = (hash: KeyHash) => ({ pk: `KEY#${hash}`, sk: "KEY" });
const pointerOf = (ownerId: OwnerId, hash: KeyHash) => ({ pk: `OWNER#${ownerId}`, sk: `KEY#${hash}` });

const instant = z.iso.datetime().transform((iso) => new Date(iso));
const keyItem = z.object({
  hash: z.string().transform(asKeyHash),
  ownerId: z.string().transform(asOwnerId),
  name: z.string(),
  scopes: z.array(z.enum(KEY_SCOPES)),
  createdAt: instant,
  // `expiresAt` would be the table's TTL: an expired key is still to be seen in the list.
  validUntil: instant.optional(),
  lastUsedAt: instant.optional(),
});

function toApiKey(item: unknown): ApiKey {
  const { validUntil, lastUsedAt, ...key } = keyItem.parse(item);
  return { ...key, ...(validUntil && { expiresAt: validUntil }), ...(lastUsedAt && { lastUsedAt }) };
}

/** API keys in the one table. Access patterns: by hash; all of an owner, by pointers beside the owner. */
export function createDynamoKeyStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoKeyStoreOptions): KeyStore {
  /** Nothing here has a condition, so only a conflict could stop it, and that is repeated. */
  async function writeAll(items: readonly TransactItem[]): Promise<void> {
    const pause = (ms: number) => clock.sleepUntil(new Date(clock.now().getTime() + ms));
    const written = await transactIf(documents, items, { entropy, pause, writeId: entropy.newId() });
    if (!written.ok) throw new RangeError("a write without conditions was refused");
  }

  const get: KeyStore["get"] = async (hash) => {
    const { Item } = await documents.send(
      new GetCommand({ TableName: tableName, Key: keyOf(hash), ConsistentRead: true }),
    );
    return Item && toApiKey(Item);
  };

  return {
    get,

    async list(ownerId) {
      const pages = paginateQuery(
        { client: documents },
        {
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND begins_with(sk, :key)",
          ExpressionAttributeValues: { ":pk": pointerOf(ownerId, asKeyHash("")).pk, ":key": "KEY#" },
        },
      );
      const found: Promise<ApiKey | undefined>[] = [];
      for await (const { Items = [] } of pages)
        for (const { sk } of Items) found.push(get(asKeyHash(String(sk).slice("KEY#".length))));
      return (await Promise.all(found))
        .filter((key) => key !== undefined)
        .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    },

    async add({ hash, ownerId, name, scopes, createdAt, expiresAt, lastUsedAt }) {
      const item = {
        ...keyOf(hash),
        entity: "api-key",
        schemaVersion: SCHEMA_VERSION,
        hash,
        ownerId,
        name,
        scopes: [...scopes],
        createdAt: createdAt.toISOString(),
        ...(expiresAt && { validUntil: expiresAt.toISOString() }),
        ...(lastUsedAt && { lastUsedAt: lastUsedAt.toISOString() }),
      };
      const pointer = {
        ...pointerOf(ownerId, hash),
        entity: "api-key-pointer",
        schemaVersion: SCHEMA_VERSION,
      };
      await writeAll([item, pointer].map((Item) => ({ Put: { TableName: tableName, Item } })));
    },

    async touch(hash, at) {
      try {
        await documents.send(
          new UpdateCommand({
            TableName: tableName,
            Key: keyOf(hash),
            UpdateExpression: "SET lastUsedAt = :at",
            // Without the first part, a note about a key that was just revoked would bring it back.
            ConditionExpression:
              "attribute_exists(pk) AND (attribute_not_exists(lastUsedAt) OR lastUsedAt < :at)",
            ExpressionAttributeValues: { ":at": at.toISOString() },
          }),
        );
      } catch (error) {
        // Also a conflict: whoever writes the key right now revokes it.
        const isHarmless =
          error instanceof ConditionalCheckFailedException || error instanceof TransactionConflictException;
        if (!isHarmless) throw error;
      }
    },

    async revoke({ hash, ownerId }) {
      const both = [keyOf(hash), pointerOf(ownerId, hash)];
      await writeAll(both.map((Key) => ({ Delete: { TableName: tableName, Key } })));
    },
  };
}
