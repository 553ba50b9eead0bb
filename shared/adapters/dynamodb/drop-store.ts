import { type DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { DropStore } from "#shared/ports/drop-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, versionedPut } from "./conditional-write.ts";
import { fromDrop, keys, SCHEMA_VERSION, toDrop } from "./items.ts";

export interface DynamoDropStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly entropy: Entropy;
}

const expectedSchema = z.object({ base: z.string() });
/** An expectation outlives the day for which files are waited for. */
const EXPECTED_FOR_SECONDS = 7 * 86_400;

/** Drops in the one table. Access patterns: by project and base; sidecars by the file that they list. */
export function createDynamoDropStore({ documents, tableName, entropy }: DynamoDropStoreOptions): DropStore {
  return {
    async get(project, base) {
      const { Item } = await documents.send(
        new GetCommand({ TableName: tableName, Key: keys.drop(project, base), ConsistentRead: true }),
      );
      return Item && toDrop(Item);
    },

    async save(next) {
      const writeId = entropy.newId();
      const saved = await putIf(
        documents,
        versionedPut(tableName, fromDrop(next, writeId), next.version),
        writeId,
      );
      return saved.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async expect(project, file, base, at) {
      await documents.send(
        new PutCommand({
          TableName: tableName,
          Item: {
            ...keys.expected(project, file, base),
            entity: "expected-file",
            schemaVersion: SCHEMA_VERSION,
            base,
            expiresAt: Math.floor(at.getTime() / 1_000) + EXPECTED_FOR_SECONDS,
          },
        }),
      );
    },

    async expectedBy(project, file) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": keys.expected(project, file, "").pk },
        }),
      );
      return Items.map((item) => expectedSchema.parse(item).base).toSorted();
    },
  };
}
