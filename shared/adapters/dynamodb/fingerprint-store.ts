import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import {
  bucketsOf,
  type Fingerprint,
  MAX_PER_BUCKET,
  type NearWish,
  type Print,
  rankNear,
  SIGNATURE_LENGTH,
} from "#shared/domain/duplicates/fingerprint.ts";
import { type AccountId, asAccountId, asTaskId, type TaskId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { FingerprintStore } from "#shared/ports/fingerprint-store.ts";
import { deletionOf, type Key, readItems, writeItems } from "./batch-items.ts";
import { type Item, keys, SCHEMA_VERSION } from "./items.ts";

export interface DynamoFingerprintStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Pick<Entropy, "random">;
  /** @default MAX_PER_BUCKET */
  readonly maxPerBucket?: number;
}

/** Prints that one search compares: what DynamoDB reads with one request. */
const MAX_COMPARED = 100;

const printKey = (id: TaskId): Key => ({ pk: keys.task(id).pk, sk: "PRINT" });
const bucketPk = (accountId: AccountId, bucket: string): string => `BUCKET#${accountId}#${bucket}`;

const bucketKeys = ({ taskId, accountId, slotAt, fingerprint }: Print): readonly Key[] =>
  bucketsOf(fingerprint).map((bucket) => ({
    pk: bucketPk(accountId, bucket),
    sk: `${slotAt.toISOString()}#${taskId}`,
  }));

const taskId = z.string().transform(asTaskId);
const expiresAt = z.int();
const bucketItem = z.object({ taskId, expiresAt });
const printItem = z.object({
  taskId,
  accountId: z.string().transform(asAccountId),
  slotAt: z.iso.datetime().transform((iso) => new Date(iso)),
  hash: z.string(),
  signature: z
    .instanceof(Uint8Array)
    .refine(({ length }) => length === SIGNATURE_LENGTH * Uint32Array.BYTES_PER_ELEMENT)
    // A copy begins at a place of its own, as 32-bit numbers must.
    .transform((bytes) => new Uint32Array(Uint8Array.from(bytes).buffer))
    .exactOptional(),
  expiresAt,
});

function toPrint(item: unknown): Print {
  const { hash, signature, expiresAt: _, ...print } = printItem.parse(item);
  return { ...print, fingerprint: { hash, ...(signature && { signature }) } };
}

const fromFingerprint = ({ hash, signature }: Fingerprint): Item => ({
  hash,
  ...(signature && {
    signature: new Uint8Array(signature.buffer, signature.byteOffset, signature.byteLength),
  }),
});

/**
 * Prints in the one table: one beside its task, which is what counts, and a small item for each of its buckets, which
 * only leads there: `BUCKET#<account>#<bucket>` / `<slot>#<task>`.
 *
 * A put writes 25 units (a text that is too short for bands 2), in one request after one read; about $0.000016 beside the
 * $0.015 that X charges. Moving or removing one deletes the 24 of its old place. A search takes 24 queries at the same
 * time and one batch of at most 100 reads, whatever the account has posted: 24 to 30 read units as a rule, 250 at most.
 */
export function createDynamoFingerprintStore({
  documents,
  tableName,
  clock,
  entropy,
  maxPerBucket = MAX_PER_BUCKET,
}: DynamoFingerprintStoreOptions): FingerprintStore {
  const table = { documents, tableName, clock, entropy };

  /** DynamoDB deletes expired items within days, not at once. */
  const isKept = (item: { readonly expiresAt: number }): boolean =>
    item.expiresAt > clock.now().getTime() / 1_000;

  async function read(id: TaskId): Promise<Print | undefined> {
    const { Item } = await documents.send(
      new GetCommand({ TableName: tableName, Key: printKey(id), ConsistentRead: true }),
    );
    return Item && toPrint(Item);
  }

  async function readAll(ids: readonly TaskId[]): Promise<readonly Print[]> {
    const found = await readItems(table, ids.map(printKey));
    return found.filter((item) => isKept(printItem.parse(item))).map(toPrint);
  }

  /** Tasks in a bucket, the latest slots first. */
  async function listBucket(pk: string, { from, until }: NearWish): Promise<readonly TaskId[]> {
    const { Items = [] } = await documents.send(
      new QueryCommand({
        TableName: tableName,
        ConsistentRead: true,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :until",
        // `~` sorts after every id, so that the last instant is included.
        ExpressionAttributeValues: {
          ":pk": pk,
          ":from": from.toISOString(),
          ":until": `${until.toISOString()}~`,
        },
        ScanIndexForward: false,
        Limit: maxPerBucket,
      }),
    );
    return Items.map((item) => bucketItem.parse(item))
      .filter(isKept)
      .map((item) => item.taskId);
  }

  return {
    async put(print, keptUntil) {
      const { fingerprint, slotAt } = print;
      const before = await read(print.taskId);
      const common = {
        schemaVersion: SCHEMA_VERSION,
        taskId: print.taskId,
        expiresAt: Math.ceil(keptUntil.getTime() / 1_000),
      };
      const places = bucketKeys(print);
      await writeItems(table, [
        {
          PutRequest: {
            Item: {
              ...printKey(print.taskId),
              entity: "print",
              ...common,
              accountId: print.accountId,
              slotAt: slotAt.toISOString(),
              ...fromFingerprint(fingerprint),
            },
          },
        },
        ...places.map((key) => ({ PutRequest: { Item: { ...key, entity: "print-bucket", ...common } } })),
      ]);
      const kept = new Set(places.map(({ pk, sk }) => pk + sk));
      const stale = before ? bucketKeys(before).filter(({ pk, sk }) => !kept.has(pk + sk)) : [];
      await writeItems(table, stale.map(deletionOf));
    },

    async remove(id) {
      const before = await read(id);
      if (before) await writeItems(table, [...bucketKeys(before), printKey(id)].map(deletionOf));
    },

    async findNear(wish) {
      const [exact = [], ...bands] = await Promise.all(
        bucketsOf(wish.fingerprint).map((bucket) => listBucket(bucketPk(wish.accountId, bucket), wish)),
      );
      // The more bands, the more alike; whoever says the same comes before all others.
      const shared = new Map<TaskId, number>(exact.map((id) => [id, Number.POSITIVE_INFINITY]));
      for (const id of bands.flat()) shared.set(id, (shared.get(id) ?? 0) + 1);
      if (wish.except) shared.delete(wish.except);
      const likely = [...shared].toSorted(([, a], [, b]) => (a === b ? 0 : b - a)).slice(0, MAX_COMPARED);
      return rankNear(wish, await readAll(likely.map(([id]) => id)));
    },
  };
}
