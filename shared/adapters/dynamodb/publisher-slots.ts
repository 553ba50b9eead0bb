import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { AttemptId } from "#shared/domain/ids.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { PublisherSlots } from "#shared/ports/publisher-slots.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoPublisherSlotsOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "random">;
}

const PARTITION = "PUBLISHERS";
const slotKey = (slot: number) => ({ pk: PARTITION, sk: `SLOT#${String(slot).padStart(2, "0")}` });

/** Free slots that others may take while we look: after so many the caller waits and comes again. */
const MAX_TRIES = 3;

const slotItem = z.object({ slot: z.int().nonnegative(), leaseUntil: z.string().optional() });

/**
 * One small item for each slot, changed by conditional updates outside of any transaction. Whoever posts alone needs one
 * write: any slot is free. Only whoever meets a taken one reads which are not.
 */
export function createDynamoPublisherSlots({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoPublisherSlotsOptions): PublisherSlots {
  async function takeSlot(slot: number, holder: AttemptId): Promise<boolean> {
    const now = clock.now();
    return updateIf(
      new UpdateCommand({
        TableName: tableName,
        Key: slotKey(slot),
        UpdateExpression:
          "SET entity = :entity, schemaVersion = :schema, slot = :slot, holder = :holder, leaseUntil = :until",
        // Our own repeat after a lost answer finds us there.
        ConditionExpression: "attribute_not_exists(holder) OR leaseUntil <= :now OR holder = :holder",
        ExpressionAttributeValues: {
          ":entity": "publisher-slot",
          ":schema": SCHEMA_VERSION,
          ":slot": slot,
          ":holder": holder,
          ":now": now.toISOString(),
          ":until": new Date(now.getTime() + TIMING.publish.leaseMs).toISOString(),
        },
      }),
    );
  }

  async function updateIf(command: UpdateCommand): Promise<boolean> {
    try {
      await documents.send(command);
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  /** May lag: the update decides. */
  async function listFree(most: number): Promise<readonly number[]> {
    const { Items = [] } = await documents.send(
      new QueryCommand({
        TableName: tableName,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues: {
          ":pk": PARTITION,
          ":first": slotKey(0).sk,
          ":last": slotKey(most - 1).sk,
        },
      }),
    );
    const now = clock.now().toISOString();
    const taken = new Set(
      Items.map((item) => slotItem.parse(item)).flatMap(({ slot, leaseUntil }) =>
        leaseUntil !== undefined && leaseUntil > now ? [slot] : [],
      ),
    );
    return Array.from({ length: most }, (_, slot) => slot).filter((slot) => !taken.has(slot));
  }

  return {
    async take(holder, most) {
      const any = Math.floor(entropy.random() * most);
      if (await takeSlot(any, holder)) return any;
      const free = await listFree(most);
      const first = Math.floor(entropy.random() * free.length);
      for (let tries = 0; tries < Math.min(MAX_TRIES, free.length); tries++) {
        const slot = free[(first + tries) % free.length];
        if (slot !== undefined && (await takeSlot(slot, holder))) return slot;
      }
      return undefined;
    },

    async giveBack(slot, holder) {
      await updateIf(
        new UpdateCommand({
          TableName: tableName,
          Key: slotKey(slot),
          UpdateExpression: "REMOVE holder, leaseUntil",
          ConditionExpression: "holder = :holder",
          ExpressionAttributeValues: { ":holder": holder },
        }),
      );
    },
  };
}
