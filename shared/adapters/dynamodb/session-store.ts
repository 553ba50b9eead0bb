import { ConditionalCheckFailedException, TransactionConflictException } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { asOwnerId, asUserId } from "#shared/domain/ids.ts";
import { asSessionHash, type Session } from "#shared/domain/session.ts";
import { ATTEMPTS_FORGOTTEN_MS } from "#shared/domain/session-attempts.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { AttemptStore, SessionStore } from "#shared/ports/session-store.ts";
import { err, ok } from "#shared/result.ts";
import { deletionOf, writeItems } from "./batch-items.ts";
import { putIf, versionedPut } from "./conditional-write.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoSessionStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

const sessionKey = ({ ownerId, hash }: Pick<Session, "ownerId" | "hash">) => ({
  pk: `OWNER#${ownerId}`,
  sk: `SESSION#${hash}`,
});
const attemptsKey = (key: string) => ({ pk: `ATTEMPTS#${key}`, sk: "ATTEMPTS" });

const instant = z.iso.datetime().transform((iso) => new Date(iso));

const sessionItem = z
  .object({
    hash: z.string().transform(asSessionHash),
    ownerId: z.string().transform(asOwnerId),
    userId: z.string().transform(asUserId),
    createdAt: instant,
    lastSeenAt: instant,
    /** The absolute end; the table's TTL is the same in whole seconds. */
    endsAt: instant,
    sourceIp: z.string(),
  })
  .transform(({ endsAt, ...session }): Session => ({ ...session, expiresAt: endsAt }));

const attemptsItem = z.object({
  key: z.string(),
  count: z.int().min(0),
  lastAt: instant,
  blockedUntil: instant.exactOptional(),
  version: z.int().min(1),
});

/** DynamoDB's clock counts seconds. */
const inSeconds = (at: Date): number => Math.ceil(at.getTime() / 1_000);

/** Sessions beside their owner, so that no key leads out of a tenant; attempts by what is counted. */
export function createDynamoSessionStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoSessionStoreOptions): SessionStore & AttemptStore {
  /** DynamoDB deletes expired items within days, not at once. */
  const live = (session: Session): boolean => session.expiresAt > clock.now();

  return {
    async get(ownerId, hash) {
      const { Item } = await documents.send(
        new GetCommand({ TableName: tableName, Key: sessionKey({ ownerId, hash }), ConsistentRead: true }),
      );
      const session = Item && sessionItem.parse(Item);
      return session && live(session) ? session : undefined;
    },

    async list(ownerId) {
      const { pk, sk } = sessionKey({ ownerId, hash: asSessionHash("") });
      const pages = paginateQuery(
        { client: documents },
        {
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
          ExpressionAttributeValues: { ":pk": pk, ":prefix": sk },
        },
      );
      const found: Session[] = [];
      for await (const { Items = [] } of pages)
        found.push(...Items.map((item) => sessionItem.parse(item)).filter(live));
      return found.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    },

    async add({ createdAt, lastSeenAt, expiresAt, ...session }) {
      const item = {
        ...sessionKey(session),
        entity: "session",
        schemaVersion: SCHEMA_VERSION,
        ...session,
        createdAt: createdAt.toISOString(),
        lastSeenAt: lastSeenAt.toISOString(),
        endsAt: expiresAt.toISOString(),
        expiresAt: inSeconds(expiresAt),
      };
      await documents.send(new PutCommand({ TableName: tableName, Item: item }));
    },

    async touch(session, at) {
      try {
        await documents.send(
          new UpdateCommand({
            TableName: tableName,
            Key: sessionKey(session),
            UpdateExpression: "SET lastSeenAt = :at",
            // Without the first part, a note about a session that was just ended would bring it back.
            ConditionExpression: "attribute_exists(pk) AND lastSeenAt < :at",
            ExpressionAttributeValues: { ":at": at.toISOString() },
          }),
        );
      } catch (error) {
        const isHarmless =
          error instanceof ConditionalCheckFailedException || error instanceof TransactionConflictException;
        if (!isHarmless) throw error;
      }
    },

    remove: (sessions) =>
      writeItems(
        { documents, tableName, clock, entropy },
        sessions.map((session) => deletionOf(sessionKey(session))),
      ),

    async getAttempts(key) {
      const { Item } = await documents.send(
        new GetCommand({ TableName: tableName, Key: attemptsKey(key), ConsistentRead: true }),
      );
      return Item && attemptsItem.parse(Item);
    },

    async saveAttempts({ lastAt, blockedUntil, ...next }) {
      const writeId = entropy.newId();
      const item = {
        ...attemptsKey(next.key),
        entity: "sign-in-attempts",
        schemaVersion: SCHEMA_VERSION,
        ...next,
        lastAt: lastAt.toISOString(),
        ...(blockedUntil && { blockedUntil: blockedUntil.toISOString() }),
        expiresAt: inSeconds(new Date(lastAt.getTime() + ATTEMPTS_FORGOTTEN_MS)),
        writeId,
      };
      const saved = await putIf(documents, versionedPut(tableName, item, next.version), writeId);
      return saved.ok ? ok(undefined) : err({ reason: "stale" });
    },
  };
}
