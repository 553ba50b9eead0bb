import { ConditionalCheckFailedException, TransactionConflictException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, paginateQuery, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { type ApiKey, asKeyHash, KEY_SCOPES, type KeyHash } from "#shared/domain/api-key.ts";
import { asOwnerId, asUserId, type OwnerId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import { err, ok } from "#shared/result.ts";
import { deletionOf, readItems, writeItems } from "./batch-items.ts";
import { type TransactItem, transactIf } from "./conditional-write.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoKeyStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** How long an ended key is still listed. */
const LISTED_MS = 90 * 86_400_000;

const keyOf = (hash: KeyHash) => ({ pk: `KEY#${hash}`, sk: "KEY" });
const pointerOf = (ownerId: OwnerId, hash: KeyHash) => ({ pk: `OWNER#${ownerId}`, sk: `KEY#${hash}` });

const instant = z.iso.datetime().transform((iso) => new Date(iso));
const keyItem = z.object({
  hash: z.string().transform(asKeyHash),
  ownerId: z.string().transform(asOwnerId),
  name: z.string(),
  scopes: z.array(z.enum(KEY_SCOPES)),
  projects: z.array(z.string()).exactOptional(),
  accounts: z.array(z.string()).exactOptional(),
  createdBy: z.string().transform(asUserId).exactOptional(),
  replacedBy: z.string().exactOptional(),
  createdAt: instant,
  // `expiresAt` is the table's TTL: an ended key is still to be seen in the list for a while.
  validUntil: instant.optional(),
  lastUsedAt: instant.optional(),
});

function toApiKey(item: unknown): ApiKey {
  const { validUntil, lastUsedAt, ...key } = keyItem.parse(item);
  return { ...key, ...(validUntil && { expiresAt: validUntil }), ...(lastUsedAt && { lastUsedAt }) };
}

/** The table's TTL, in seconds. */
const forgottenAt = (end: Date): number => Math.ceil((end.getTime() + LISTED_MS) / 1_000);

const fromApiKey = ({ createdAt, expiresAt, lastUsedAt, ...key }: ApiKey) => ({
  ...keyOf(key.hash),
  entity: "api-key",
  schemaVersion: SCHEMA_VERSION,
  ...key,
  scopes: [...key.scopes],
  ...(key.projects && { projects: [...key.projects] }),
  ...(key.accounts && { accounts: [...key.accounts] }),
  createdAt: createdAt.toISOString(),
  ...(expiresAt && { validUntil: expiresAt.toISOString(), expiresAt: forgottenAt(expiresAt) }),
  ...(lastUsedAt && { lastUsedAt: lastUsedAt.toISOString() }),
});

const fromPointer = ({ ownerId, hash, expiresAt }: ApiKey) => ({
  ...pointerOf(ownerId, hash),
  entity: "api-key-pointer",
  schemaVersion: SCHEMA_VERSION,
  ...(expiresAt && { expiresAt: forgottenAt(expiresAt) }),
});

/** API keys in the one table. Access patterns: by hash; all of an owner, by pointers beside the owner. */
export function createDynamoKeyStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoKeyStoreOptions): KeyStore {
  const table = { documents, tableName, clock, entropy };
  const transact = (items: readonly TransactItem[], writeId: string) =>
    transactIf(documents, items, {
      entropy,
      writeId,
      pause: (ms) => clock.sleepUntil(new Date(clock.now().getTime() + ms)),
    });

  const puts = (key: ApiKey): readonly TransactItem[] =>
    [fromApiKey(key), fromPointer(key)].map((Item) => ({ Put: { TableName: tableName, Item } }));

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
      const hashes: KeyHash[] = [];
      for await (const { Items = [] } of pages)
        hashes.push(...Items.map(({ sk }) => asKeyHash(String(sk).slice("KEY#".length))));
      const found = await readItems(table, hashes.map(keyOf));
      return found.map(toApiKey).toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    },

    async add(key) {
      const written = await transact(puts(key), entropy.newId());
      // Nothing has a condition, so only a conflict could stop it, and that is repeated.
      if (!written.ok) throw new RangeError("a write without conditions was refused");
    },

    async replace(retired, next) {
      const writeId = entropy.newId();
      const written = await transact(
        [
          {
            Update: {
              TableName: tableName,
              Key: keyOf(retired.hash),
              UpdateExpression:
                "SET replacedBy = :next, validUntil = :until, expiresAt = :forgotten, writeId = :writeId",
              ConditionExpression: "attribute_exists(pk) AND attribute_not_exists(replacedBy)",
              ExpressionAttributeValues: {
                ":next": retired.replacedBy,
                ":until": retired.expiresAt.toISOString(),
                ":forgotten": forgottenAt(retired.expiresAt),
                ":writeId": writeId,
              },
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            },
          },
          { Put: { TableName: tableName, Item: fromPointer(retired) } },
          ...puts(next),
        ],
        writeId,
      );
      return written.ok ? ok(undefined) : err({ reason: "ended" });
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
      // The key first, by itself: a pointer that is left is passed over, but a key without one is never found again.
      await writeItems(table, [deletionOf(keyOf(hash))]);
      await writeItems(table, [deletionOf(pointerOf(ownerId, hash))]);
    },
  };
}
