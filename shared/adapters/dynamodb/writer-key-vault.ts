import { type DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { Envelope } from "#shared/ports/envelope.ts";
import type { WriterKeyVault } from "#shared/ports/writer-key.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoWriterKeyVaultOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly envelope: Envelope;
}

const KEY = { pk: "SETTING#GEMINI", sk: "KEY" };

/**
 * The credentials key opens nothing without saying whose it is. This is nobody's account on X: those have a dot in
 * their id, and no colon.
 */
const CONTEXT = { accountId: "google:gemini" };

const bytes = z.instanceof(Uint8Array);
const keyItem = z.object({
  sealed: z.object({ wrappedKey: bytes, iv: bytes, ciphertext: bytes, tag: bytes }),
});

/** The key of Gemini, sealed as the credentials of accounts are. */
export function createDynamoWriterKeyVault({
  documents,
  tableName,
  envelope,
}: DynamoWriterKeyVaultOptions): WriterKeyVault {
  return {
    async load() {
      const { Item } = await documents.send(
        new GetCommand({ TableName: tableName, Key: KEY, ConsistentRead: true }),
      );
      if (!Item) return undefined;
      const plaintext = await envelope.open(keyItem.parse(Item).sealed, CONTEXT);
      return Buffer.from(plaintext).toString();
    },

    async store(key) {
      const sealed = await envelope.seal(Buffer.from(key), CONTEXT);
      await documents.send(
        new PutCommand({
          TableName: tableName,
          Item: { ...KEY, entity: "writer-key", schemaVersion: SCHEMA_VERSION, sealed },
        }),
      );
    },
  };
}
