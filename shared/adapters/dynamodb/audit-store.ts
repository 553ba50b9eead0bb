import {
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { emptyHead, headAfter, type SealedEntry } from "#shared/domain/audit.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AuditStore } from "#shared/ports/audit-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok } from "#shared/result.ts";
import { transactIf } from "./conditional-write.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoAuditStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

const pkOf = (ownerId: OwnerId, chain: number): string => `AUDIT#${ownerId}#${chain}`;
/** As texts they sort by number. */
const skOf = (number: number): string => `ENTRY#${String(number).padStart(12, "0")}`;
const headKey = (ownerId: OwnerId, chain: number) => ({ pk: pkOf(ownerId, chain), sk: "HEAD" });

const headItem = z.object({ chain: z.int(), count: z.int().min(1), hash: z.string() });
/** The number is the key's: an entry that was put elsewhere is seen where it is. */
const entryItem = z
  .object({ sk: z.string(), chain: z.int(), text: z.string(), hash: z.string() })
  .transform(({ sk, ...entry }): SealedEntry => ({ ...entry, number: Number(sk.slice("ENTRY#".length)) }));

/** The audit log in the one table: a partition per chain of an owner, its entries by number and its head. No TTL. */
export function createDynamoAuditStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoAuditStoreOptions): AuditStore {
  async function query(
    ownerId: OwnerId,
    chain: number,
    range: {
      readonly first: number;
      readonly last?: number;
      readonly limit: number;
      readonly newest: boolean;
    },
  ): Promise<readonly SealedEntry[]> {
    const found: SealedEntry[] = [];
    let start: QueryCommandInput["ExclusiveStartKey"];
    // An answer ends at 1 MB, however many are wanted.
    do {
      const { Items = [], LastEvaluatedKey } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
          ExpressionAttributeValues: {
            ":pk": pkOf(ownerId, chain),
            ":first": skOf(range.first),
            ":last": range.last === undefined ? "ENTRY#~" : skOf(range.last),
          },
          ScanIndexForward: !range.newest,
          Limit: range.limit - found.length,
          ...(start && { ExclusiveStartKey: start }),
        }),
      );
      found.push(...Items.map((item) => entryItem.parse(item)));
      start = LastEvaluatedKey;
    } while (start && found.length < range.limit);
    return found;
  }

  return {
    async getHead(ownerId, chain) {
      const { Item } = await documents.send(
        new GetCommand({ TableName: tableName, Key: headKey(ownerId, chain), ConsistentRead: true }),
      );
      return Item ? headItem.parse(Item) : emptyHead(ownerId, chain);
    },

    async append(ownerId, entry) {
      const writeId = entropy.newId();
      const { chain, number, text, hash } = entry;
      const { count, hash: headHash } = headAfter(entry);
      const common = { schemaVersion: SCHEMA_VERSION, chain };
      const written = await transactIf(
        documents,
        [
          {
            Put: {
              TableName: tableName,
              Item: {
                pk: pkOf(ownerId, chain),
                sk: skOf(number),
                entity: "audit-entry",
                ...common,
                text,
                hash,
                writeId,
              },
              ConditionExpression: "attribute_not_exists(pk)",
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            },
          },
          {
            Put: {
              TableName: tableName,
              Item: { ...headKey(ownerId, chain), entity: "audit-head", ...common, count, hash: headHash },
              ...(number === 1
                ? { ConditionExpression: "attribute_not_exists(pk)" }
                : {
                    ConditionExpression: "#count = :seen",
                    ExpressionAttributeNames: { "#count": "count" },
                    ExpressionAttributeValues: { ":seen": number - 1 },
                  }),
            },
          },
        ],
        { entropy, writeId, pause: (ms) => clock.sleepUntil(new Date(clock.now().getTime() + ms)) },
      );
      return written.ok ? ok(undefined) : err({ reason: "stale" });
    },

    listNewest: (ownerId, chain, limit, before) =>
      query(ownerId, chain, {
        first: 0,
        ...(before !== undefined && { last: before - 1 }),
        limit,
        newest: true,
      }),

    follow: (ownerId, chain, limit, after) =>
      query(ownerId, chain, { first: after + 1, limit, newest: false }),
  };
}
