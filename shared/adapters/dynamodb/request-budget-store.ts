import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { RequestBudgetStore } from "#shared/ports/request-budget-store.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoRequestBudgetStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
}

const counted = z.object({ sent: z.int().min(1) });

/** One small item for each sender and window, and one write for each request. */
export function createDynamoRequestBudgetStore({
  documents,
  tableName,
}: DynamoRequestBudgetStoreOptions): RequestBudgetStore {
  return {
    async count({ sender, startAt, endAt }) {
      const { Attributes } = await documents.send(
        new UpdateCommand({
          TableName: tableName,
          // Windows of two lengths may begin at the same instant.
          Key: {
            pk: `REQUESTS#${sender}`,
            sk: `WINDOW#${startAt.toISOString()}#${endAt.getTime() - startAt.getTime()}`,
          },
          UpdateExpression:
            "ADD sent :one SET entity = :entity, schemaVersion = :schema, expiresAt = :expires",
          ExpressionAttributeValues: {
            ":one": 1,
            ":entity": "request-window",
            ":schema": SCHEMA_VERSION,
            ":expires": Math.ceil(endAt.getTime() / 1_000),
          },
          ReturnValues: "UPDATED_NEW",
        }),
      );
      return counted.parse(Attributes).sent;
    },
  };
}
