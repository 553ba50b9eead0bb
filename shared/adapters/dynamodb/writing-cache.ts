import { type DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { Clock } from "#shared/ports/clock.ts";
import type { WritingCache } from "#shared/ports/writing-cache.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoWritingCacheOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Pick<Clock, "now">;
}

const writingItem = z.object({
  expiresAt: z.number(),
  outcome: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("written"), texts: z.array(z.string()) }),
    z.object({
      kind: z.literal("refused"),
      reason: z.object({ code: z.string(), message: z.string(), remedy: z.string() }),
    }),
  ]),
});

/** Written texts, each an item of its own. Access pattern: by what was asked. */
export function createDynamoWritingCache({
  documents,
  tableName,
  clock,
}: DynamoWritingCacheOptions): WritingCache {
  const keyOf = (key: string) => ({ pk: `WRITING#${key}`, sk: "WRITING" });

  return {
    async get(key) {
      const { Item } = await documents.send(
        new GetCommand({ TableName: tableName, Key: keyOf(key), ConsistentRead: true }),
      );
      if (!Item) return undefined;
      const { outcome, expiresAt } = writingItem.parse(Item);
      // DynamoDB deletes expired items within days, not at once.
      return expiresAt > clock.now().getTime() / 1_000 ? outcome : undefined;
    },

    async save({ key, outcome, expiresAt }) {
      await documents.send(
        new PutCommand({
          TableName: tableName,
          Item: {
            ...keyOf(key),
            entity: "writing",
            schemaVersion: SCHEMA_VERSION,
            outcome,
            expiresAt: Math.floor(expiresAt.getTime() / 1_000),
          },
        }),
      );
    },
  };
}
