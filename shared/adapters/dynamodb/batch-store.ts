import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { BATCH_BUCKETS, type Batch, type CountedTask, planCount } from "#shared/domain/batch.ts";
import { asBatchId, asOwnerId, asTaskId, type BatchId, type TaskId } from "#shared/domain/ids.ts";
import { DependencyFault } from "#shared/errors.ts";
import { type BatchStore, MAX_COUNTED } from "#shared/ports/batch-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { putIf, transactIf } from "./conditional-write.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoBatchStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** Somebody else counted the same tasks meanwhile: so often they are read again. */
const MAX_RACES = 5;

const batchKey = (id: BatchId) => ({ pk: `BATCH#${id}`, sk: "BATCH" });
const markerKey = (id: BatchId, taskId: TaskId) => ({ pk: `BATCH#${id}`, sk: `TASK#${taskId}` });

const count = z.int();
const batchItem = z.object({
  id: z.string().transform(asBatchId),
  ownerId: z.string().transform(asOwnerId),
  name: z.string(),
  createdAt: z.iso.datetime().transform((iso) => new Date(iso)),
  pending: count,
  processing: count,
  done: count,
});
const markerItem = z.object({
  taskId: z.string().transform(asTaskId),
  bucket: z.enum(BATCH_BUCKETS),
  version: z.int().positive(),
});

function toBatch(item: unknown): Batch {
  const { pending, processing, done, ...batch } = batchItem.parse(item);
  return { ...batch, counts: { pending, processing, done } };
}

/**
 * Batches in the one table: the batch with its counters, and beside it one small marker for each task, which says how
 * that task is counted. A marker and the counters change in one transaction, so they always agree.
 */
export function createDynamoBatchStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoBatchStoreOptions): BatchStore {
  const read = async (Key: { readonly pk: string; readonly sk: string }) =>
    (await documents.send(new GetCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;

  async function readMarkers(
    id: BatchId,
    told: readonly CountedTask[],
  ): Promise<ReadonlyMap<TaskId, CountedTask>> {
    const taskIds = [...new Set(told.map(({ taskId }) => taskId))];
    const items = await Promise.all(taskIds.map((taskId) => read(markerKey(id, taskId))));
    return new Map(
      items.flatMap((item) => {
        const marker = item && markerItem.parse(item);
        return marker ? [[marker.taskId, marker] as const] : [];
      }),
    );
  }

  return {
    async get(id) {
      const item = await read(batchKey(id));
      return item && toBatch(item);
    },

    async open({ id, ownerId, name, createdAt }) {
      const Item = {
        ...batchKey(id),
        entity: "batch",
        schemaVersion: SCHEMA_VERSION,
        id,
        ownerId,
        name,
        createdAt: createdAt.toISOString(),
        pending: 0,
        processing: 0,
        done: 0,
      };
      // Refused: there is one already, which is all that was asked for.
      await putIf(
        documents,
        { TableName: tableName, Item, ConditionExpression: "attribute_not_exists(pk)" },
        entropy.newId(),
      );
    },

    async count(id, told) {
      if (told.length < 1 || told.length > MAX_COUNTED)
        throw new RangeError(`1 to ${MAX_COUNTED} tasks are counted at once, not ${told.length}`);
      for (let race = 0; race < MAX_RACES; race++) {
        const counted = await readMarkers(id, told);
        const { news, added } = planCount(told, counted);
        if (news.length === 0) return 0;
        const writeId = entropy.newId();
        const written = await transactIf(
          documents,
          [
            {
              Update: {
                TableName: tableName,
                Key: batchKey(id),
                UpdateExpression: "ADD pending :pending, processing :processing, done :done",
                ConditionExpression: "attribute_exists(pk)",
                ExpressionAttributeValues: {
                  ":pending": added.pending,
                  ":processing": added.processing,
                  ":done": added.done,
                },
              },
            },
            ...news.map(({ taskId, bucket, version }) => {
              const seen = counted.get(taskId)?.version;
              return {
                Put: {
                  TableName: tableName,
                  Item: {
                    ...markerKey(id, taskId),
                    entity: "batch-task",
                    schemaVersion: SCHEMA_VERSION,
                    taskId,
                    bucket,
                    version,
                    writeId,
                  },
                  ...(seen === undefined
                    ? { ConditionExpression: "attribute_not_exists(pk)" }
                    : {
                        ConditionExpression: "#version = :seen",
                        ExpressionAttributeNames: { "#version": "version" },
                        ExpressionAttributeValues: { ":seen": seen },
                      }),
                  ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
                },
              };
            }),
          ],
          {
            entropy,
            writeId,
            pause: (ms) => clock.sleepUntil(new Date(clock.now().getTime() + ms)),
          },
        );
        if (written.ok) return news.length;
        if (written.error.failed.includes(0)) return undefined;
      }
      throw new DependencyFault("the tasks of a batch were counted by somebody else every time", {
        details: { batchId: id, races: MAX_RACES },
      });
    },

    async listCounted(id, { limit, after }) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND begins_with(sk, :task)",
          ExpressionAttributeValues: { ":pk": batchKey(id).pk, ":task": "TASK#" },
          Limit: limit,
          ...(after !== undefined && { ExclusiveStartKey: markerKey(id, after) }),
        }),
      );
      return Items.map((item) => markerItem.parse(item));
    },
  };
}
