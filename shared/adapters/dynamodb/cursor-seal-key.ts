import { randomBytes } from "node:crypto";
import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { SEAL_KEY_BYTES } from "#shared/domain/cursor-seal.ts";
import type { CursorSealKey } from "#shared/ports/cursor-seal-key.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { putIf } from "./conditional-write.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoCursorSealKeyOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly entropy: Pick<Entropy, "newId">;
}

const Key = { pk: "CURSOR-SEAL", sk: "KEY" };
const keyItem = z.object({ key: z.instanceof(Uint8Array) });

/**
 * The key lies beside the data that cursors lead through: whoever can read it can read the lists. It keeps positions
 * honest, and is no secret that would open anything.
 */
export function createDynamoCursorSealKey({
  documents,
  tableName,
  entropy,
}: DynamoCursorSealKeyOptions): CursorSealKey {
  async function find(): Promise<Uint8Array | undefined> {
    const { Item } = await documents.send(
      new GetCommand({ TableName: tableName, Key, ConsistentRead: true }),
    );
    return Item && keyItem.parse(Item).key;
  }
  return {
    async read() {
      const known = await find();
      if (known) return known;
      const key = randomBytes(SEAL_KEY_BYTES);
      const writeId = entropy.newId();
      const Item = { ...Key, entity: "cursor-seal-key", schemaVersion: SCHEMA_VERSION, key, writeId };
      const ConditionExpression = "attribute_not_exists(pk)";
      const made = await putIf(documents, { TableName: tableName, Item, ConditionExpression }, writeId);
      // Refused: somebody else made one at the same time, and theirs it is.
      const stored = made.ok ? key : await find();
      if (!stored) throw new RangeError("the key that was there is gone");
      return stored;
    },
  };
}
