import { type DynamoDBDocumentClient, GetCommand, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { sliceOf, type Totals, type TotalsSlice } from "#shared/domain/totals.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TotalsStore } from "#shared/ports/totals-store.ts";
import { SCHEMA_VERSION } from "./items.ts";

export interface DynamoTotalsStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Pick<Clock, "now">;
}

const WHOLE = { pk: "TOTALS", sk: "TOTALS" };
const dayOf = (at: Date): string => at.toISOString().slice(0, 10);
const DAY_MS = 86_400_000;
const sliceKey = (startAt: Date) => ({ pk: `TOTALS#${dayOf(startAt)}`, sk: startAt.toISOString() });

/** Counts are attributes of their own, so that each is added to by itself; this sets them apart from all others. */
const PREFIX = "n:";
/** DynamoDB takes an expression of 4 kB and 300 operators. @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const MAX_ADDED = 100;

const countsItem = z
  .object({ since: z.iso.datetime().transform((iso) => new Date(iso)) })
  .catchall(z.unknown())
  .transform(({ since, ...rest }) => ({
    since,
    totals: Object.fromEntries(
      Object.entries(rest).flatMap(([name, value]) =>
        name.startsWith(PREFIX) && typeof value === "number" ? [[name.slice(PREFIX.length), value]] : [],
      ),
    ) as Totals,
  }));

/** Two items for each addition: all counts since the beginning, and those of five minutes, which expire. */
export function createDynamoTotalsStore({
  documents,
  tableName,
  clock,
}: DynamoTotalsStoreOptions): TotalsStore {
  async function addTo(
    Key: { readonly pk: string; readonly sk: string },
    entity: string,
    since: Date,
    counts: readonly (readonly [key: string, value: number])[],
    keepUntil?: Date,
  ): Promise<void> {
    const added = counts.map((_, place) => `#c${place} :c${place}`).join(", ");
    const expires = keepUntil ? ", expiresAt = :expires" : "";
    await documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key,
        UpdateExpression: `SET entity = :entity, schemaVersion = :schema, since = if_not_exists(since, :since)${expires} ADD ${added}`,
        ExpressionAttributeNames: Object.fromEntries(
          counts.map(([key], place) => [`#c${place}`, `${PREFIX}${key}`]),
        ),
        ExpressionAttributeValues: {
          ":entity": entity,
          ":schema": SCHEMA_VERSION,
          ":since": since.toISOString(),
          ...(keepUntil && { ":expires": Math.ceil(keepUntil.getTime() / 1_000) }),
          ...Object.fromEntries(counts.map(([, value], place) => [`:c${place}`, value])),
        },
      }),
    );
  }

  async function listDay(day: string, from: Date, until: Date): Promise<readonly TotalsSlice[]> {
    const { Items = [] } = await documents.send(
      new QueryCommand({
        TableName: tableName,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :until",
        ExpressionAttributeValues: {
          ":pk": `TOTALS#${day}`,
          ":from": from.toISOString(),
          ":until": until.toISOString(),
        },
      }),
    );
    const now = clock.now().getTime() / 1_000;
    return Items.filter(({ expiresAt }) => Number(expiresAt) > now)
      .map((item) => countsItem.parse(item))
      .filter(({ since }) => since < until)
      .map(({ since, totals }) => ({ startAt: since, totals }));
  }

  return {
    async add(totals, at, keepUntil) {
      const counts = Object.entries(totals).filter(([, value]) => value !== 0);
      const startAt = sliceOf(at);
      for (let start = 0; start < counts.length; start += MAX_ADDED) {
        const some = counts.slice(start, start + MAX_ADDED);
        await Promise.all([
          addTo(WHOLE, "totals", at, some),
          addTo(sliceKey(startAt), "totals-slice", startAt, some, keepUntil),
        ]);
      }
    },

    async read() {
      const { Item } = await documents.send(
        new GetCommand({ TableName: tableName, Key: WHOLE, ConsistentRead: true }),
      );
      return Item && countsItem.parse(Item);
    },

    async listSlices(from, until) {
      const days: string[] = [];
      for (let at = from.getTime(); at < until.getTime() + DAY_MS; at += DAY_MS) {
        const day = dayOf(new Date(Math.min(at, until.getTime())));
        if (!days.includes(day)) days.push(day);
      }
      const slices = await Promise.all(days.map((day) => listDay(day, from, until)));
      return slices.flat();
    },
  };
}
