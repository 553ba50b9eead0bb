import { BatchGetCommand, BatchWriteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { DependencyFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { Item } from "./items.ts";

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const MAX_WRITES = 25;
/** @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const MAX_READS = 100;
const MAX_TRIES = 8;
const BASE_MS = 50;
const CAP_MS = 500;

interface Table {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Pick<Entropy, "random">;
}

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

export type Write =
  | { readonly PutRequest: { readonly Item: Item } }
  | { readonly DeleteRequest: { readonly Key: Key } };

/**
 * Reads items as they are now, in no order; what is not there is left out.
 *
 * @param keys - as many as there are: 100 are one request. What is there twice is read once: DynamoDB refuses the whole
 *   batch else
 * @throws DependencyFault when the table goes on leaving some of them unread
 */
export async function readItems(table: Table, keys: readonly Key[]): Promise<readonly Item[]> {
  const found: Item[] = [];
  const wanted = new Map(keys.map((key) => [`${key.pk}\n${key.sk}`, key]));
  await inBatches(table, [...wanted.values()], MAX_READS, async (batch) => {
    const { Responses, UnprocessedKeys } = await table.documents.send(
      new BatchGetCommand({
        RequestItems: { [table.tableName]: { Keys: [...batch], ConsistentRead: true } },
      }),
    );
    found.push(...(Responses?.[table.tableName] ?? []));
    return UnprocessedKeys?.[table.tableName]?.Keys as readonly Key[] | undefined;
  });
  return found;
}

/**
 * Puts and deletes items in any order, as many as there are: what has to be there, or gone, first is a call of its own.
 * Whatever is left after a fault may be written again.
 *
 * @throws DependencyFault when the table goes on leaving some of them unwritten
 */
export async function writeItems(table: Table, writes: readonly Write[]): Promise<void> {
  await inBatches(table, writes, MAX_WRITES, async (batch) => {
    const { UnprocessedItems } = await table.documents.send(
      new BatchWriteCommand({ RequestItems: { [table.tableName]: [...batch] } }),
    );
    return UnprocessedItems?.[table.tableName] as readonly Write[] | undefined;
  });
}

export const deletionOf = (key: Key): Write => ({ DeleteRequest: { Key: key } });

/** DynamoDB leaves parts of a batch undone when it is busy. @param send - what it left */
async function inBatches<One>(
  { clock, entropy }: Table,
  all: readonly One[],
  size: number,
  send: (batch: readonly One[]) => Promise<readonly One[] | undefined>,
): Promise<void> {
  for (let first = 0; first < all.length; first += size) {
    let left = all.slice(first, first + size);
    for (let tries = 0; left.length > 0; tries++) {
      if (tries === MAX_TRIES)
        throw new DependencyFault("the table left parts of a batch undone", {
          details: { left: left.length, tries },
        });
      if (tries > 0) {
        const limit = Math.min(CAP_MS, BASE_MS * 2 ** tries);
        await clock.sleepUntil(new Date(clock.now().getTime() + Math.ceil(entropy.random() * limit)));
      }
      left = [...((await send(left)) ?? [])];
    }
  }
}
