import { type DynamoDBDocumentClient, GetCommand, paginateQuery, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import {
  asAccountId,
  asOwnerId,
  asProjectId,
  asRecurrenceId,
  asTaskId,
  type OwnerId,
  type RecurrenceId,
} from "#shared/domain/ids.ts";
import type { Medium } from "#shared/domain/media.ts";
import { STRATEGIES } from "#shared/domain/planning/strategy.ts";
import type { Instance } from "#shared/domain/recurrence/instance.ts";
import { isLocalTime, type LocalTime, readLocalDay } from "#shared/domain/recurrence/local-time.ts";
import {
  RECURRENCE_STATUSES,
  type Recurrence,
  type RecurrenceContent,
} from "#shared/domain/recurrence/recurrence.ts";
import { formatRule, readRule } from "#shared/domain/recurrence/rule.ts";
import type { ExDate } from "#shared/domain/recurrence/schedule.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { MAX_NOTED, type RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import { err, ok } from "#shared/result.ts";
import { transactIf, versionedPut } from "./conditional-write.ts";
import { type Item, mediumSchema, SCHEMA_VERSION } from "./items.ts";

export interface DynamoRecurrenceStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** A change between two reads is rare, and one at every read is not to be expected. */
const MAX_READS = 5;

const keys = {
  recurrence: (id: RecurrenceId) => ({ pk: `RECURRENCE#${id}`, sk: "RECURRENCE" }),
  content: (id: RecurrenceId) => ({ pk: `RECURRENCE#${id}`, sk: "CONTENT" }),
  instance: (id: RecurrenceId, local: LocalTime) => ({ pk: `RECURRENCE#${id}`, sk: `AT#${local}` }),
};

/** In the index of owners, apart from their tasks and accounts. */
const ownerPartition = (owner: OwnerId): string => `RECURRENCES#${owner}`;

/** In the index `wake`, apart from what the sweeper reads: whoever expands recurrences reads nothing else. */
const DUE_PARTITION = "EXPAND";

const instant = z.iso.datetime().transform((iso) => new Date(iso));
const count = z.int().min(0);
const positive = z.int().min(1);
const recurrenceId = z.string().transform(asRecurrenceId);
const localTime = z
  .string()
  .refine(isLocalTime)
  .transform((text) => text as LocalTime);
const exDate = z
  .string()
  .refine((text) => isLocalTime(text) || readLocalDay(text) === text)
  .transform((text) => text as ExDate);
const rule = z.string().transform((text, context) => {
  const read = readRule(text);
  if (read.ok) return read.value;
  context.addIssue(read.error.message);
  return z.NEVER;
});

const recurrenceItem = z.object({
  id: recurrenceId,
  ownerId: z.string().transform(asOwnerId),
  projectId: z.string().transform(asProjectId),
  accountId: z.string().transform(asAccountId),
  isAny: z.boolean(),
  name: z.string(),
  schedule: z.object({
    rule,
    dtStart: localTime,
    timeZone: z.string(),
    exDates: z.array(exDate),
    rDates: z.array(localTime),
  }),
  skips: z.array(localTime),
  status: z.enum(RECURRENCE_STATUSES),
  version: positive,
  rev: positive,
  contentRev: positive,
  strategy: z.enum(STRATEGIES),
  priority: z.int().min(1).max(10),
  language: z.string(),
  latePolicy: z.object({ postWithinMs: z.number().exactOptional(), then: z.enum(["missed", "hold"]) }),
  reconcile: z.enum(["repost", "hold"]).exactOptional(),
  maxRetries: count,
  createdAt: instant,
  updatedAt: instant,
  expandedUntil: instant.exactOptional(),
  wakeAt: instant.exactOptional(),
});

const parts = z.array(z.object({ text: z.string() })).min(1);
const contentItem = z.object({
  recurrenceId,
  rev: positive,
  variants: z.array(parts).min(1),
  media: z.array(mediumSchema),
  overrides: z.record(z.string(), z.object({ parts: parts.exactOptional(), at: localTime.exactOptional() })),
});

const instanceItem = z.object({
  recurrenceId,
  local: localTime,
  taskId: z.string().transform(asTaskId),
  generation: count,
  wish: z.enum(["post", "cancel"]),
  state: z.enum(["open", "settled"]),
  hash: z.string(),
  publishAt: instant,
});

const expiry = (from: Date): number => Math.floor((from.getTime() + TIMING.logRetentionMs) / 1_000);

/** Nobody looks at a deleted one once its future is cancelled. */
const expiryOf = ({ status, updatedAt }: Recurrence) =>
  status === "deleted" && { expiresAt: expiry(updatedAt) };

const fromRecurrence = (recurrence: Recurrence): Item => {
  const { id, ownerId, schedule, wakeAt, expandedUntil } = recurrence;
  return {
    ...keys.recurrence(id),
    entity: "recurrence",
    schemaVersion: SCHEMA_VERSION,
    ...recurrence,
    schedule: {
      ...schedule,
      rule: formatRule(schedule.rule),
      exDates: [...schedule.exDates],
      rDates: [...schedule.rDates],
    },
    skips: [...recurrence.skips],
    latePolicy: { ...recurrence.latePolicy },
    createdAt: recurrence.createdAt.toISOString(),
    updatedAt: recurrence.updatedAt.toISOString(),
    ...(expandedUntil && { expandedUntil: expandedUntil.toISOString() }),
    ...(wakeAt && {
      wakeAt: wakeAt.toISOString(),
      wakePk: DUE_PARTITION,
      wakeSk: `${wakeAt.toISOString()}#${id}`,
    }),
    // Ids sort by creation.
    ...(recurrence.status !== "deleted" && { ownerPk: ownerPartition(ownerId), ownerSk: id }),
    ...expiryOf(recurrence),
  };
};

const fromMedium = (medium: Medium): Item => ({ ...medium });

const fromContent = ({ recurrenceId: id, rev, variants, media, overrides }: RecurrenceContent): Item => ({
  ...keys.content(id),
  entity: "recurrence-content",
  schemaVersion: SCHEMA_VERSION,
  recurrenceId: id,
  rev,
  variants: variants.map((variant) => variant.map(({ text }) => ({ text }))),
  media: media.map(fromMedium),
  overrides: Object.fromEntries(
    Object.entries(overrides).map(([local, override]) => [
      local,
      {
        ...(override.parts && { parts: override.parts.map(({ text }) => ({ text })) }),
        ...(override.at && { at: override.at }),
      },
    ]),
  ),
});

const fromInstance = ({ publishAt, ...instance }: Instance): Item => ({
  ...keys.instance(instance.recurrenceId, instance.local),
  entity: "recurrence-instance",
  schemaVersion: SCHEMA_VERSION,
  ...instance,
  publishAt: publishAt.toISOString(),
  expiresAt: expiry(publishAt),
});

/**
 * Recurrences in the one table: the recurrence, what it says and one small item for each of its instances under one key.
 * Instances are only written together with their recurrence, whose version therefore guards them all.
 */
export function createDynamoRecurrenceStore({
  documents,
  tableName,
  clock,
  entropy,
}: DynamoRecurrenceStoreOptions): RecurrenceStore {
  const read = async (Key: { readonly pk: string; readonly sk: string }) =>
    (await documents.send(new GetCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;

  return {
    async get(id) {
      for (let reads = 0; reads < MAX_READS; reads++) {
        const [recurrence, content] = await Promise.all([read(keys.recurrence(id)), read(keys.content(id))]);
        // The two halves of a deleted one expire one after the other.
        if (!recurrence || (!content && recurrence["status"] === "deleted")) return undefined;
        if (!content) continue;
        const found = {
          recurrence: recurrenceItem.parse(recurrence),
          content: contentItem.parse(content),
        };
        // Else it was changed between the two reads.
        if (found.recurrence.contentRev === found.content.rev) return found;
      }
      throw new DependencyFault("a recurrence was changed at every read", { details: { recurrenceId: id } });
    },

    async save(next, { content, instances = [] } = {}) {
      if (instances.length > MAX_NOTED)
        throw new RangeError(`at most ${MAX_NOTED} instances are written at once, not ${instances.length}`);
      const writeId = entropy.newId();
      const written = await transactIf(
        documents,
        [
          {
            Put: {
              ...versionedPut(tableName, { ...fromRecurrence(next), writeId }, next.version),
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            },
          },
          ...[
            ...(content ? [{ ...fromContent(content), ...expiryOf(next) }] : []),
            ...instances.map(fromInstance),
          ].map((Item) => ({ Put: { TableName: tableName, Item } })),
        ],
        { entropy, writeId, pause: (ms) => clock.sleepUntil(new Date(clock.now().getTime() + ms)) },
      );
      return written.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async getInstance(id, local) {
      const item = await read(keys.instance(id, local));
      return item && instanceItem.parse(item);
    },

    async listInstances(id, from) {
      const instances: Instance[] = [];
      const pages = paginateQuery(
        { client: documents },
        {
          TableName: tableName,
          ConsistentRead: true,
          // `~` sorts after every local time.
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :end",
          ExpressionAttributeValues: {
            ":pk": keys.recurrence(id).pk,
            ":from": keys.instance(id, from).sk,
            ":end": "AT#~",
          },
        },
      );
      for await (const { Items = [] } of pages)
        instances.push(...Items.map((item) => instanceItem.parse(item)));
      return instances;
    },

    async listByOwner(ownerId, { limit, after }) {
      const ownerPk = ownerPartition(ownerId);
      const { Items = [], LastEvaluatedKey } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: "byOwner",
          KeyConditionExpression: "ownerPk = :pk",
          ExpressionAttributeValues: { ":pk": ownerPk },
          Limit: limit,
          ...(after !== undefined && {
            ExclusiveStartKey: { ...keys.recurrence(asRecurrenceId(after)), ownerPk, ownerSk: after },
          }),
        }),
      );
      const next = LastEvaluatedKey?.["ownerSk"];
      return {
        items: Items.map((item) => recurrenceItem.parse(item)),
        ...(typeof next === "string" && { next }),
      };
    },

    async listDue(now, limit) {
      const { Items = [] } = await documents.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: "wake",
          KeyConditionExpression: "wakePk = :pk AND wakeSk <= :now",
          // `~` sorts after every id, so that the very instant is included.
          ExpressionAttributeValues: { ":pk": DUE_PARTITION, ":now": `${now.toISOString()}~` },
          Limit: limit,
        }),
      );
      return Items.map((item) => asRecurrenceId(String(item["wakeSk"]).slice(now.toISOString().length + 1)));
    },
  };
}
