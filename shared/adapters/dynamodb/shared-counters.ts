import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { TIMING } from "#shared/domain/timing.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { SharedCounter, SharedCounters } from "#shared/ports/shared-counters.ts";
import { SCHEMA_VERSION } from "./items.ts";

/** A partition takes 1,000 writes a second; at nine o'clock sharp everybody posts. */
const APP_SHARDS = 10;

export interface DynamoSharedCountersOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly entropy: Pick<Entropy, "random">;
}

interface Shards {
  readonly keys: readonly { readonly pk: string; readonly sk: string }[];
  /** Each shard has its part of the limit, so that together they never pass it. */
  readonly limitOf: (limit: number) => number;
  readonly startAt: string;
}

function shardsOf(counter: SharedCounter): Shards {
  switch (counter.kind) {
    case "app-day":
      return {
        keys: Array.from({ length: APP_SHARDS }, (_, shard) => ({
          pk: `APP#DAY#${counter.day}#${shard}`,
          sk: "COUNTER",
        })),
        limitOf: (limit) => Math.floor(limit / APP_SHARDS),
        startAt: counter.day,
      };
    case "project-spend":
      return {
        keys: [{ pk: `PROJECT#${counter.projectId}`, sk: `SPEND#${counter.month}` }],
        limitOf: (limit) => limit,
        startAt: `${counter.month}-01`,
      };
  }
}

const counterItem = z.object({ used: z.number() });

/**
 * Sends without the SDK's repeats. One after a lost answer would give back twice, and the counter would say less than the
 * facts; what may not have arrived stays taken instead.
 */
async function sendOnce(documents: DynamoDBDocumentClient, command: UpdateCommand): Promise<void> {
  const repeated = new Error("a return is not sent twice");
  let sent = false;
  command.middlewareStack.add(
    (next) => (args) => {
      if (sent) throw repeated;
      sent = true;
      return next(args);
    },
    // The document client adds what a command has twice.
    { step: "finalizeRequest", priority: "low", name: "sendOnce", override: true },
  );
  try {
    await documents.send(command);
  } catch (error) {
    if (error !== repeated) throw error;
  }
}

/** Counters as items of their own, changed by conditional `ADD`s outside of any transaction. Access pattern: by period. */
export function createDynamoSharedCounters({
  documents,
  tableName,
  entropy,
}: DynamoSharedCountersOptions): SharedCounters {
  const addition = (key: { pk: string; sk: string }, startAt: string, units: number, condition?: object) =>
    new UpdateCommand({
      TableName: tableName,
      Key: key,
      UpdateExpression:
        "SET entity = :counter, schemaVersion = :schema, expiresAt = :expires ADD used :units",
      ExpressionAttributeValues: {
        ":counter": "counter",
        ":schema": SCHEMA_VERSION,
        ":units": units,
        ":expires": Math.floor((Date.parse(startAt) + TIMING.logRetentionMs) / 1_000),
        ...(condition ?? {}),
      },
      ...(condition && { ConditionExpression: "attribute_not_exists(used) OR used <= :most" }),
    });

  return {
    async take(counter, units, limit) {
      const { keys, limitOf, startAt } = shardsOf(counter);
      const most = limitOf(limit) - units;
      if (most < 0) return false;
      const first = Math.floor(entropy.random() * keys.length);
      for (const [index] of keys.entries()) {
        const key = keys[(first + index) % keys.length];
        if (!key) continue;
        try {
          await documents.send(addition(key, startAt, units, { ":most": most }));
          return true;
        } catch (error) {
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
        }
      }
      return false;
    },

    async giveBack(counter, units) {
      const { keys, startAt } = shardsOf(counter);
      const key = keys[Math.floor(entropy.random() * keys.length)];
      if (key) await sendOnce(documents, addition(key, startAt, -units));
    },

    async read(counter) {
      const items = await Promise.all(
        shardsOf(counter).keys.map(async (Key) => {
          const { Item } = await documents.send(
            new GetCommand({ TableName: tableName, Key, ConsistentRead: true }),
          );
          return Item ? counterItem.parse(Item).used : 0;
        }),
      );
      return items.reduce((sum, used) => sum + used, 0);
    },
  };
}
