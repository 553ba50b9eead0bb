import { BatchWriteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { DependencyFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const MAX_REQUESTS = 25;
const MAX_TRIES = 8;
const BASE_MS = 20;
const CAP_MS = 500;

interface Table {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/**
 * Deletes items for good, in any order: what has to be gone first is a call of its own. Whatever is left after a fault
 * may be deleted again.
 *
 * @throws DependencyFault when the table goes on refusing
 */
export async function deleteItems(
  { documents, tableName, clock, entropy }: Table,
  keys: readonly { readonly pk: string; readonly sk: string }[],
): Promise<void> {
  for (let first = 0; first < keys.length; first += MAX_REQUESTS) {
    let left = keys.slice(first, first + MAX_REQUESTS).map((Key) => ({ DeleteRequest: { Key } }));
    for (let tries = 0; left.length > 0; tries++) {
      if (tries === MAX_TRIES)
        throw new DependencyFault("the table did not delete everything", { details: { left: left.length } });
      if (tries > 0) {
        const limit = Math.min(CAP_MS, BASE_MS * 2 ** tries);
        await clock.sleepUntil(new Date(clock.now().getTime() + Math.ceil(entropy.random() * limit)));
      }
      const { UnprocessedItems } = await documents.send(
        new BatchWriteCommand({ RequestItems: { [tableName]: left } }),
      );
      left = (UnprocessedItems?.[tableName] ?? []) as typeof left;
    }
  }
}
