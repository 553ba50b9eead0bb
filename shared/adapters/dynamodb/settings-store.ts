import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { readStoredSettings, SETTING_NAMES, type SettingsVersion } from "#shared/domain/settings.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { SettingsStore } from "#shared/ports/settings-store.ts";
import { err, ok } from "#shared/result.ts";
import { transactIf, versionedPut } from "./conditional-write.ts";
import { type Item, SCHEMA_VERSION } from "./items.ts";

export interface DynamoSettingsStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

const PARTITION = "SETTINGS";
const CURRENT = { pk: PARTITION, sk: "CURRENT" };
/** Numbers of versions as texts that sort as the numbers do. */
const DIGITS = 8;
const MAX_VERSION = 10 ** DIGITS - 1;
const versionKey = (version: number) => ({
  pk: PARTITION,
  sk: `VERSION#${String(version).padStart(DIGITS, "0")}`,
});

const names = z.enum(SETTING_NAMES as [(typeof SETTING_NAMES)[number]]);
const settingsItem = z.object({
  version: z.int().positive(),
  values: z.record(z.string(), z.unknown()).transform(readStoredSettings),
  savedAt: z.iso.datetime().transform((iso) => new Date(iso)),
  savedBy: z.string(),
  // Of a setting that this release does not know there is nothing to tell.
  changed: z.array(z.object({ name: z.string(), from: z.number(), to: z.number() })).transform((list) =>
    list.flatMap(({ name, ...values }) => {
      const known = names.safeParse(name);
      return known.success ? [{ name: known.data, ...values }] : [];
    }),
  ),
  restores: z.int().nonnegative().exactOptional(),
}) satisfies z.ZodType<SettingsVersion>;

/** What is in force is one item, and each version another beside it; both are written in one transaction. */
export function createDynamoSettingsStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoSettingsStoreOptions): SettingsStore {
  async function read(Key: { readonly pk: string; readonly sk: string }) {
    const { Item } = await documents.send(
      new GetCommand({ TableName: tableName, Key, ConsistentRead: true }),
    );
    return Item && settingsItem.parse(Item);
  }

  return {
    get: () => read(CURRENT),
    getVersion: (version) => read(versionKey(version)),

    async save({ savedAt, values, changed, ...next }) {
      const writeId = entropy.newId();
      const item: Item = {
        entity: "settings",
        schemaVersion: SCHEMA_VERSION,
        ...next,
        values: { ...values },
        changed: changed.map((one) => ({ ...one })),
        savedAt: savedAt.toISOString(),
        writeId,
      };
      const ifNew = { ConditionExpression: "attribute_not_exists(pk)" };
      const tellOld = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const };
      const saved = await transactIf(
        documents,
        [
          { Put: { ...versionedPut(tableName, { ...CURRENT, ...item }, next.version), ...tellOld } },
          {
            Put: {
              TableName: tableName,
              Item: { ...versionKey(next.version), ...item, entity: "settings-version" },
              ...ifNew,
              ...tellOld,
            },
          },
        ],
        { entropy, writeId, pause: (ms) => clock.sleepUntil(new Date(clock.now().getTime() + ms)) },
      );
      return saved.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async listVersions(limit, before = MAX_VERSION + 1) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
          ExpressionAttributeValues: {
            ":pk": PARTITION,
            ":first": versionKey(0).sk,
            ":last": versionKey(Math.min(before - 1, MAX_VERSION)).sk,
          },
          ScanIndexForward: false,
          Limit: limit,
        }),
      );
      return Items.map((item) => settingsItem.parse(item));
    },
  };
}
