import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, paginateScan, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { asAccountId, asBatchId, asProjectId, asTaskId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { ConsistencyStore, ReadTask, StoredRecord } from "#shared/ports/consistency-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, versionedPut } from "./conditional-write.ts";
import { fromGate, fromTask, type Item, keys, SCHEMA_VERSION, toGate, toLogEntry, toTask } from "./items.ts";

export interface DynamoConsistencyStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

/** Kinds of items that can disagree. Texts, files, accounts, keys and credentials are not among them. */
const ENTITIES = ["task", "log", "gate", "posted-id", "counter", "batch"] as const;

const INDEX_ATTRIBUTE = /^(owner|project|account|status|wake)(Pk|Sk)$/;
const indexAttributes = (item: Item): string =>
  JSON.stringify(
    Object.entries(item)
      .filter(([name]) => INDEX_ATTRIBUTE.test(name))
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

function toReadTask(item: Item): ReadTask {
  const task = toTask(item);
  return { task, isIndexed: indexAttributes(item) === indexAttributes(fromTask(task, "")) };
}

const marker = z.object({
  pk: z.string().regex(/^XPOST#[^#]+#[^#]+$/),
  taskId: z.string().transform(asTaskId),
});
const named = z.object({ pk: z.string(), sk: z.string() });

function toRecord(item: Item): StoredRecord {
  const { pk, sk } = named.parse(item);
  switch (item["entity"] as (typeof ENTITIES)[number]) {
    case "task":
      return { kind: "task", ...toReadTask(item) };
    case "log": {
      const { at, status, code } = toLogEntry(item);
      const entry = { at, status, ...(code !== undefined && { code }) };
      return { kind: "log", taskId: asTaskId(pk.slice("TASK#".length)), entry };
    }
    case "gate":
      return { kind: "gate", accountId: toGate(item).accountId };
    case "posted-id": {
      const { taskId } = marker.parse(item);
      const [, accountId = "", postId = ""] = pk.split("#");
      return { kind: "posted-id", accountId: asAccountId(accountId), postId, taskId };
    }
    case "counter": {
      const [, day] = /^APP#DAY#(\d{4}-\d{2}-\d{2})#\d$/.exec(pk) ?? [];
      if (day !== undefined) return { kind: "app-day", day };
      const [, projectId] = /^PROJECT#(.+)$/.exec(pk) ?? [];
      const [, month] = /^SPEND#(\d{4}-\d{2})$/.exec(sk) ?? [];
      if (projectId !== undefined && month !== undefined)
        return { kind: "project-spend", projectId: asProjectId(projectId), month };
      return { kind: "damaged", key: `${pk} ${sk}`, problem: "it counts for no known period" };
    }
    case "batch":
      return { kind: "batch", id: asBatchId(pk.slice("BATCH#".length)) };
  }
}

/** Names the fields that do not fit, never what they hold. */
function problemOf(error: z.ZodError): string {
  const fields = [...new Set(error.issues.map(({ path }) => path.join(".") || "the record"))];
  return `${fields.join(", ")} ${fields.length === 1 ? "does" : "do"} not fit`;
}

function readRecord(item: Item): StoredRecord {
  try {
    return toRecord(item);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    return { kind: "damaged", key: `${item["pk"]} ${item["sk"]}`, problem: problemOf(error) };
  }
}

/**
 * The whole table for an operator: the only Scan in the project, so its caller needs `dynamodb:Scan`, which no function has. A
 * filter keeps texts and credentials in the table; every byte of it is read, and paid for, all the same.
 */
export function createDynamoConsistencyStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoConsistencyStoreOptions): ConsistencyStore {
  const read = async (Key: { readonly pk: string; readonly sk: string }): Promise<Item | undefined> =>
    (await documents.send(new GetCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;

  return {
    async *readAll() {
      const names = ENTITIES.map((_, at) => `:e${at}`);
      const pages = paginateScan(
        { client: documents },
        {
          TableName: tableName,
          ConsistentRead: true,
          // What has expired may still be there for days.
          FilterExpression: `entity IN (${names.join(", ")}) AND (attribute_not_exists(expiresAt) OR expiresAt > :now)`,
          ExpressionAttributeValues: {
            ...Object.fromEntries(ENTITIES.map((entity, at) => [names[at], entity])),
            ":now": Math.floor(clock.now().getTime() / 1_000),
          },
        },
      );
      for await (const { Items = [] } of pages) yield Items.map(readRecord);
    },

    async readTask(id) {
      const item = await read(keys.task(id));
      return item && toReadTask(item);
    },

    async readMarker(accountId, postId) {
      const item = await read(keys.adopted(accountId, postId));
      return item && marker.parse(item).taskId;
    },

    async saveGate(next) {
      const writeId = entropy.newId();
      const saved = await putIf(
        documents,
        versionedPut(tableName, fromGate(next, writeId), next.version),
        writeId,
      );
      return saved.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async markPost(accountId, postId, taskId) {
      const writeId = entropy.newId();
      const put = await putIf(
        documents,
        {
          TableName: tableName,
          Item: {
            ...keys.adopted(accountId, postId),
            entity: "posted-id",
            schemaVersion: SCHEMA_VERSION,
            taskId,
            writeId,
          },
          ConditionExpression: "attribute_not_exists(pk)",
        },
        writeId,
      );
      return put.ok ? ok(undefined) : err({ reason: "post-taken" });
    },

    async saveCounts(id, seen, next) {
      try {
        await documents.send(
          new UpdateCommand({
            TableName: tableName,
            Key: { pk: `BATCH#${id}`, sk: "BATCH" },
            UpdateExpression: "SET pending = :pending, processing = :processing, done = :done",
            ConditionExpression:
              "pending = :seenPending AND processing = :seenProcessing AND done = :seenDone",
            ExpressionAttributeValues: {
              ":pending": next.pending,
              ":processing": next.processing,
              ":done": next.done,
              ":seenPending": seen.pending,
              ":seenProcessing": seen.processing,
              ":seenDone": seen.done,
            },
          }),
        );
        return ok(undefined);
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return err({ reason: "stale" });
        throw error;
      }
    },
  };
}
