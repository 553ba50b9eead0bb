import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { WebhookId, WebhookSecrets } from "#shared/domain/webhook.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { Envelope } from "#shared/ports/envelope.ts";
import type { WebhookSecretEraser, WebhookVault } from "#shared/ports/webhook-vault.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, versionedPut } from "./conditional-write.ts";
import { SCHEMA_VERSION } from "./items.ts";

interface Table {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
}

export interface DynamoWebhookVaultOptions extends Table {
  readonly envelope: Envelope;
  readonly entropy: Pick<Entropy, "newId">;
}

const secretKey = (id: WebhookId) => ({ pk: `WEBHOOK#${id}`, sk: "SECRET" });

/**
 * The credentials key opens nothing without saying whose it is. A webhook is nobody's account on X: those have a dot in
 * their id, and no colon.
 */
const contextOf = (id: WebhookId) => ({ accountId: `webhook:${id}` });

const bytes = z.instanceof(Uint8Array);
const secretItem = z.object({
  version: z.int().positive(),
  sealed: z.object({ wrappedKey: bytes, iv: bytes, ciphertext: bytes, tag: bytes }),
});

const plaintext = z.object({
  current: z.string(),
  previous: z
    .object({ secret: z.string(), until: z.iso.datetime().transform((iso) => new Date(iso)) })
    .exactOptional(),
});

/** Opened ones that are remembered while the function lives: a busy endpoint costs no call of the key service each time. */
const REMEMBERED = 500;

/** The secrets of a webhook beside it, sealed for it: an item copied to another webhook cannot be opened there. */
export function createDynamoWebhookVault({
  documents,
  tableName,
  envelope,
  entropy,
}: DynamoWebhookVaultOptions): WebhookVault {
  /** Oldest first. */
  const opened = new Map<WebhookId, WebhookSecrets>();

  return {
    async load(id) {
      const { Item } = await documents.send(
        new GetCommand({ TableName: tableName, Key: secretKey(id), ConsistentRead: true }),
      );
      if (!Item?.["sealed"]) return undefined;
      const { version, sealed } = secretItem.parse(Item);
      const remembered = opened.get(id);
      if (remembered?.version === version) return remembered;
      const text = Buffer.from(await envelope.open(sealed, contextOf(id))).toString();
      const secrets = { ...plaintext.parse(JSON.parse(text)), version };
      opened.delete(id);
      opened.set(id, secrets);
      const [oldest] = opened.keys();
      if (opened.size > REMEMBERED && oldest !== undefined) opened.delete(oldest);
      return secrets;
    },

    async save(id, { version, ...secrets }) {
      const sealed = await envelope.seal(Buffer.from(JSON.stringify(secrets)), contextOf(id));
      const writeId = entropy.newId();
      const item = {
        ...secretKey(id),
        entity: "webhook-secret",
        schemaVersion: SCHEMA_VERSION,
        sealed,
        version,
        writeId,
      };
      const saved = await putIf(documents, versionedPut(tableName, item, version), writeId);
      return saved.ok ? ok(undefined) : err({ reason: "stale" });
    },
  };
}

/** Takes the content away at once, and leaves the rest to TTL: no function may delete items one by one. */
export const createDynamoSecretEraser = ({
  documents,
  tableName,
  clock,
}: Table & { readonly clock: Pick<Clock, "now"> }): WebhookSecretEraser => ({
  async erase(id) {
    try {
      await documents.send(
        new UpdateCommand({
          TableName: tableName,
          Key: secretKey(id),
          UpdateExpression: "SET expiresAt = :now REMOVE sealed",
          ConditionExpression: "attribute_exists(pk)",
          ExpressionAttributeValues: { ":now": Math.floor(clock.now().getTime() / 1_000) },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  },
});
