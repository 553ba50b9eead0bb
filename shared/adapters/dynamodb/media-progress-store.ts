import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { MediaProgressStore } from "#shared/ports/media-progress-store.ts";
import { fromProgress, keys, toProgress } from "./items.ts";

export interface DynamoMediaProgressStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
}

/** Upload progress beside its task. Access pattern: all of a task. */
export function createDynamoMediaProgressStore({
  documents,
  tableName,
}: DynamoMediaProgressStoreOptions): MediaProgressStore {
  return {
    async list(taskId) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND begins_with(sk, :media)",
          ExpressionAttributeValues: { ":pk": keys.task(taskId).pk, ":media": "MEDIA#" },
        }),
      );
      return Items.map(toProgress).toSorted((a, b) => a.index - b.index);
    },

    async save(progress) {
      await documents.send(new PutCommand({ TableName: tableName, Item: fromProgress(progress) }));
    },
  };
}
