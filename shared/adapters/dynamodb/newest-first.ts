/** Lists of what an owner made: in one partition for each owner, by ULID, so that the newest comes first. */
import { type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { Item } from "./items.ts";

export interface NewestFirstQuery {
  /** The owner's partition, and what the sort keys begin with. */
  readonly pk: string;
  readonly skPrefix: string;
  /** Partition of the index `byProject`, whose sort key is the bare id. Absent: all of the owner's, read consistently. */
  readonly projectPk?: string | undefined;
  readonly limit: number;
  readonly before?: string | undefined;
  readonly now: Date;
}

/** A page that is all deleted ones, so often in a row, is handed out short. */
const MAX_QUERIES = 5;

/** A page of items that are neither deleted nor expired. DynamoDB deletes expired items within days, not at once. */
export async function listNewestFirst(
  { documents, tableName }: { readonly documents: DynamoDBDocumentClient; readonly tableName: string },
  { pk, skPrefix, projectPk, limit, before, now }: NewestFirstQuery,
): Promise<{ readonly items: readonly Item[]; readonly next?: string }> {
  const keyOf = (id: string): Item => ({
    pk,
    sk: `${skPrefix}${id}`,
    ...(projectPk !== undefined && { projectPk, projectSk: id }),
  });
  const items: Item[] = [];
  let start = before === undefined ? undefined : keyOf(before);
  for (let queries = 0; queries < MAX_QUERIES; queries++) {
    const page = await documents.send(
      new QueryCommand({
        TableName: tableName,
        ...(projectPk === undefined
          ? {
              ConsistentRead: true,
              KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
            }
          : { IndexName: "byProject", KeyConditionExpression: "projectPk = :pk" }),
        FilterExpression:
          "attribute_not_exists(deletedAt) AND (attribute_not_exists(expiresAt) OR expiresAt > :now)",
        ExpressionAttributeValues: {
          ":pk": projectPk ?? pk,
          ":now": Math.floor(now.getTime() / 1_000),
          ...(projectPk === undefined && { ":prefix": skPrefix }),
        },
        ScanIndexForward: false,
        Limit: limit - items.length,
        ...(start && { ExclusiveStartKey: start }),
      }),
    );
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
    if (!start || items.length >= limit) break;
  }
  return { items, ...(start && { next: String(start["sk"]).slice(skPrefix.length) }) };
}
