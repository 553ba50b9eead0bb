import { type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { PoolCounts } from "#shared/ports/pool-counts.ts";

export interface DynamoPoolCountsOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  /**
   * Megabytes of the index that one count reads at most. Each has about 700 tasks and costs 128 read units.
   *
   * @default 10
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/capacity-unit-calculations.html
   */
  readonly maxPages?: number;
  /** Tasks of one page. @default - as many as fit into a megabyte */
  readonly pageSize?: number;
}

const DEFAULT_MAX_PAGES = 10;

/** Counts in the index `byProject`: no item leaves the table, but each is paid for as if it did, so a count is bounded. */
export function createDynamoPoolCounts({
  documents,
  tableName,
  maxPages = DEFAULT_MAX_PAGES,
  pageSize,
}: DynamoPoolCountsOptions): PoolCounts {
  return {
    async count(projectId, status) {
      let count = 0;
      let start: Record<string, unknown> | undefined;
      for (let pages = 0; pages < maxPages; pages++) {
        const page = await documents.send(
          new QueryCommand({
            TableName: tableName,
            IndexName: "byProject",
            KeyConditionExpression: "projectPk = :pk",
            ExpressionAttributeValues: { ":pk": `PROJECT#${projectId}#${status}` },
            Select: "COUNT",
            ...(pageSize !== undefined && { Limit: pageSize }),
            ...(start && { ExclusiveStartKey: start }),
          }),
        );
        count += page.Count ?? 0;
        start = page.LastEvaluatedKey;
        if (!start) return { status, count, complete: true };
      }
      return { status, count, complete: false };
    },
  };
}
