import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { ConnectionSecrets, PendingConnection, StateHash } from "#shared/domain/connection.ts";
import { Hidden } from "#shared/domain/hidden.ts";
import { type AccountId, asAccountId, asOwnerId } from "#shared/domain/ids.ts";
import type { ConnectionStore } from "#shared/ports/connection-store.ts";
import type { Envelope } from "#shared/ports/envelope.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoConnectionStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly envelope: Envelope;
}

const bytes = z.instanceof(Uint8Array);
const connectionItem = z.object({
  ownerId: z.string().transform(asOwnerId),
  accountId: z.string().transform(asAccountId),
  account: z.string(),
  project: z.string().exactOptional(),
  startedBy: z.object({
    keyId: z.string().exactOptional(),
    userId: z.string().exactOptional(),
    sessionId: z.string().exactOptional(),
  }),
  clientId: z.string(),
  callbackUrl: z.string(),
  /** `expiresAt` is the table's TTL attribute, in seconds. */
  endsAt: z.iso.datetime().transform((iso) => new Date(iso)),
  sealed: z.object({ wrappedKey: bytes, iv: bytes, ciphertext: bytes, tag: bytes }),
});
const secretsText = z.strictObject({
  verifier: z.string().min(1),
  clientSecret: z.string().min(1).exactOptional(),
}) satisfies z.ZodType<ConnectionSecrets>;

/** Another context than that of the account's credentials: neither can stand in for the other. */
const contextOf = (accountId: AccountId, state: StateHash) => ({ accountId, state });

/** Access pattern: by the hash of the state. The secrets are sealed for the account and the state. */
export function createDynamoConnectionStore({
  documents,
  tableName,
  envelope,
}: DynamoConnectionStoreOptions): ConnectionStore {
  const keyOf = (state: StateHash) => ({ pk: `CONNECTION#${state}`, sk: "CONNECTION" });

  return {
    async add(state, { secrets, expiresAt, ...connection }) {
      const text = Buffer.from(JSON.stringify(secrets.reveal()));
      await documents.send(
        new PutCommand({
          TableName: tableName,
          Item: {
            ...keyOf(state),
            entity: "connection",
            schemaVersion: SCHEMA_VERSION,
            ...connection,
            endsAt: expiresAt.toISOString(),
            expiresAt: Math.ceil(expiresAt.getTime() / 1_000),
            sealed: await envelope.seal(text, contextOf(connection.accountId, state)),
          },
        }),
      );
    },

    async take(state, now, holder) {
      let item: unknown;
      try {
        const { Attributes } = await documents.send(
          new UpdateCommand({
            TableName: tableName,
            Key: keyOf(state),
            UpdateExpression: "SET takenBy = :holder",
            ConditionExpression:
              "attribute_exists(pk) AND endsAt > :now AND (attribute_not_exists(takenBy) OR takenBy = :holder)",
            ExpressionAttributeValues: { ":holder": holder, ":now": now.toISOString() },
            ReturnValues: "ALL_NEW",
          }),
        );
        item = Attributes;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return undefined;
        throw error;
      }
      const { sealed, endsAt: expiresAt, ...connection } = connectionItem.parse(item);
      const text = await envelope.open(sealed, contextOf(connection.accountId, state));
      const secrets = new Hidden<ConnectionSecrets>(
        secretsText.parse(JSON.parse(Buffer.from(text).toString())),
      );
      return { ...connection, expiresAt, secrets } satisfies PendingConnection;
    },
  };
}
