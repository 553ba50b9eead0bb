import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import {
  type Credentials,
  fingerprintOf,
  parseCredentials,
  serializeCredentials,
} from "#shared/domain/credentials.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { CredentialsRegister } from "#shared/ports/credentials-register.ts";
import type { CredentialsVault } from "#shared/ports/credentials-vault.ts";
import type { Envelope, SealedEnvelope } from "#shared/ports/envelope.ts";
import { err, ok } from "#shared/result.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoCredentialsVaultOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly envelope: Envelope;
}

const bytes = z.instanceof(Uint8Array);
const credentialsItem = z.object({
  version: z.int().positive(),
  origin: z.string(),
  sealed: z.object({ wrappedKey: bytes, iv: bytes, ciphertext: bytes, tag: bytes }),
});
const describedItem = z.object({
  kind: z.enum(["oauth1", "oauth2"]).exactOptional(),
  /** Removed ones leave their version behind: a renewal that is under way must not take the next ones for its own. */
  sealed: z.unknown().optional(),
});

/** What a failed condition brings back, in the database's own notation. */
const seenItem = z
  .object({
    version: z.object({ N: z.string() }).optional(),
    renewedBy: z.object({ S: z.string() }).optional(),
  })
  .transform(({ version, renewedBy }) => ({
    version: version && Number(version.N),
    renewedBy: renewedBy?.S,
  }));

const keysIn = (tableName: string) => (accountId: AccountId) => ({
  TableName: tableName,
  Key: { pk: `ACCOUNT#${accountId}`, sk: "CREDENTIALS" },
});

const contextOf = (accountId: AccountId) => ({ accountId });

/**
 * Credentials beside their account, sealed for it: an item copied to another account cannot be opened there.
 * Access pattern: by account.
 */
export function createDynamoCredentialsVault({
  documents,
  tableName,
  envelope,
}: DynamoCredentialsVaultOptions): CredentialsVault {
  const keyOf = keysIn(tableName);

  const seal = (accountId: AccountId, credentials: Credentials): Promise<SealedEnvelope> =>
    envelope.seal(Buffer.from(serializeCredentials(credentials)), contextOf(accountId));

  return {
    async load(accountId) {
      const { Item } = await documents.send(new GetCommand({ ...keyOf(accountId), ConsistentRead: true }));
      if (!Item?.["sealed"]) return undefined;
      const { version, origin, sealed } = credentialsItem.parse(Item);
      const plaintext = await envelope.open(sealed, contextOf(accountId));
      return { credentials: parseCredentials(Buffer.from(plaintext).toString()), version, origin };
    },

    async connect(accountId, credentials) {
      const origin = fingerprintOf(credentials);
      const { Attributes } = await documents.send(
        new UpdateCommand({
          ...keyOf(accountId),
          UpdateExpression:
            "SET entity = :entity, schemaVersion = :schema, sealed = :sealed, origin = :origin, kind = :kind ADD #version :one REMOVE renewal, renewedBy",
          ExpressionAttributeNames: { "#version": "version" },
          ExpressionAttributeValues: {
            ":entity": "credentials",
            ":schema": SCHEMA_VERSION,
            ":sealed": await seal(accountId, credentials),
            ":origin": origin,
            ":kind": credentials.kind,
            ":one": 1,
          },
          ReturnValues: "ALL_NEW",
        }),
      );
      return { credentials, origin, version: credentialsItem.parse(Attributes).version };
    },

    async claimRenewal(accountId, { version, holder, now, until }) {
      try {
        await documents.send(
          new UpdateCommand({
            ...keyOf(accountId),
            UpdateExpression: "SET renewal = :claim",
            ConditionExpression:
              "#version = :version AND (attribute_not_exists(renewal) OR renewal.#until <= :now OR renewal.holder = :holder)",
            ExpressionAttributeNames: { "#version": "version", "#until": "until" },
            ExpressionAttributeValues: {
              ":version": version,
              ":holder": holder,
              ":now": now.toISOString(),
              ":claim": { holder, until: until.toISOString() },
            },
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
        );
        return ok(undefined);
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const seen = seenItem.parse(error.Item ?? {});
        return err({ reason: seen.version === version ? "taken" : "stale" });
      }
    },

    async releaseRenewal(accountId, holder) {
      try {
        await documents.send(
          new UpdateCommand({
            ...keyOf(accountId),
            UpdateExpression: "REMOVE renewal",
            ConditionExpression: "renewal.holder = :holder",
            ExpressionAttributeValues: { ":holder": holder },
          }),
        );
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },

    async renew(accountId, renewed, { version, holder }) {
      const sealed = await seal(accountId, renewed);
      try {
        const { Attributes } = await documents.send(
          new UpdateCommand({
            ...keyOf(accountId),
            UpdateExpression: "SET sealed = :sealed, renewedBy = :holder, #version = :next REMOVE renewal",
            ConditionExpression: "#version = :version",
            ExpressionAttributeNames: { "#version": "version" },
            ExpressionAttributeValues: {
              ":sealed": sealed,
              ":holder": holder,
              ":version": version,
              ":next": version + 1,
            },
            ReturnValues: "ALL_NEW",
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
        );
        const { origin } = credentialsItem.parse(Attributes);
        return ok({ credentials: renewed, version: version + 1, origin });
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // The SDK repeats a request whose answer was lost; the repeat then fails although the first one won.
        const seen = seenItem.parse(error.Item ?? {});
        if (seen.version !== version + 1 || seen.renewedBy !== holder) return err({ reason: "stale" });
        const origin = error.Item?.["origin"]?.S ?? "";
        return ok({ credentials: renewed, version: version + 1, origin });
      }
    },
  };
}

/** The same items, for whoever has no right to the key. */
export function createDynamoCredentialsRegister({
  documents,
  tableName,
}: Omit<DynamoCredentialsVaultOptions, "envelope">): CredentialsRegister {
  const keyOf = keysIn(tableName);
  return {
    async describe(accountId) {
      const { Item } = await documents.send(
        new GetCommand({
          ...keyOf(accountId),
          ConsistentRead: true,
          ProjectionExpression: "kind, sealed.iv",
        }),
      );
      const { kind, sealed } = describedItem.parse(Item ?? {});
      return sealed === undefined ? undefined : { ...(kind && { kind }) };
    },

    async remove(accountId) {
      try {
        await documents.send(
          new UpdateCommand({
            ...keyOf(accountId),
            UpdateExpression: "REMOVE sealed, origin, kind, renewal, renewedBy ADD #version :one",
            ConditionExpression: "attribute_exists(sealed)",
            ExpressionAttributeNames: { "#version": "version" },
            ExpressionAttributeValues: { ":one": 1 },
          }),
        );
      } catch (error) {
        // None, or our own write, repeated after a lost answer.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}
