import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { asOwnerId, asProjectId, type OwnerId } from "#shared/domain/ids.ts";
import { MEDIA_TYPES } from "#shared/domain/media.ts";
import { asMediaId, forgottenAt, type MediaId, type StoredMedium } from "#shared/domain/stored-media.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, versionedPut } from "./conditional-write.ts";
import { type Item, mediumSchema, SCHEMA_VERSION } from "./items.ts";
import { listNewestFirst } from "./newest-first.ts";

export interface DynamoMediumStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

const SK_PREFIX = "MEDIUM#";
const mediumKey = (ownerId: OwnerId, id: MediaId) => ({
  pk: `MEDIA#${ownerId}`,
  sk: `${SK_PREFIX}${id}`,
});

const instant = z.iso.datetime().transform((iso) => new Date(iso));

const mediumItem = z.object({
  id: z.string().transform(asMediaId),
  ownerId: z.string().transform(asOwnerId),
  projectId: z.string().transform(asProjectId),
  name: z.string(),
  type: z.enum(MEDIA_TYPES),
  sizeBytes: z.int().positive(),
  status: z.enum(["awaiting-upload", "inspecting", "ready", "refused"]),
  etag: z.string().exactOptional(),
  medium: mediumSchema.exactOptional(),
  reason: z.object({ code: z.string(), message: z.string(), remedy: z.string() }).exactOptional(),
  uses: z.record(z.string(), instant),
  createdAt: instant,
  updatedAt: instant,
  deletedAt: instant.exactOptional(),
  version: z.int().positive(),
});

function fromMedium(stored: StoredMedium): Item {
  const { createdAt, updatedAt, deletedAt, medium, reason, uses, ...plain } = stored;
  const goneAt = forgottenAt(stored);
  return {
    ...mediumKey(stored.ownerId, stored.id),
    entity: "stored-medium",
    schemaVersion: SCHEMA_VERSION,
    ...plain,
    ...(medium && { medium: { ...medium } }),
    ...(reason && { reason: { ...reason } }),
    uses: Object.fromEntries(Object.entries(uses).map(([taskId, usedAt]) => [taskId, usedAt.toISOString()])),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    ...(deletedAt
      ? { deletedAt: deletedAt.toISOString() }
      : { projectPk: `MEDIA#${stored.projectId}`, projectSk: stored.id }),
    ...(goneAt && { expiresAt: Math.ceil(goneAt.getTime() / 1_000) }),
  };
}

/** Uploaded media in the one table: those of an owner in one partition, and by project in an index. */
export function createDynamoMediumStore(options: DynamoMediumStoreOptions): MediumStore {
  const { documents, tableName, clock, entropy } = options;

  return {
    async get(ownerId, id) {
      const { Item } = await documents.send(
        new GetCommand({ TableName: tableName, Key: mediumKey(ownerId, id), ConsistentRead: true }),
      );
      // DynamoDB deletes expired items within days, not at once.
      const isGone = !Item || Number(Item["expiresAt"] ?? Infinity) <= clock.now().getTime() / 1_000;
      return isGone ? undefined : mediumItem.parse(Item);
    },

    async save(next) {
      const writeId = entropy.newId();
      const put = versionedPut(tableName, { ...fromMedium(next), writeId }, next.version);
      const saved = await putIf(documents, put, writeId);
      return saved.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async use(ownerId, id, taskId, at) {
      try {
        // No version is compared: tasks that take the same medium at the same time are not in each other's way.
        const { Attributes } = await documents.send(
          new UpdateCommand({
            TableName: tableName,
            Key: mediumKey(ownerId, id),
            UpdateExpression: "SET uses.#task = :at ADD #version :one",
            ConditionExpression: "#status = :ready AND attribute_not_exists(deletedAt)",
            ExpressionAttributeNames: { "#task": taskId, "#version": "version", "#status": "status" },
            ExpressionAttributeValues: { ":at": at.toISOString(), ":one": 1, ":ready": "ready" },
            ReturnValues: "ALL_NEW",
          }),
        );
        return ok(mediumItem.parse(Attributes));
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return err({ reason: "not-ready" });
        throw error;
      }
    },

    async forgetUses(ownerId, id, taskIds) {
      if (taskIds.length === 0) return;
      const names = Object.fromEntries(taskIds.map((taskId, index) => [`#t${index}`, taskId]));
      try {
        await documents.send(
          new UpdateCommand({
            TableName: tableName,
            Key: mediumKey(ownerId, id),
            UpdateExpression: `REMOVE ${Object.keys(names)
              .map((name) => `uses.${name}`)
              .join(", ")} ADD #version :one`,
            ConditionExpression: "attribute_exists(pk)",
            ExpressionAttributeNames: { ...names, "#version": "version" },
            ExpressionAttributeValues: { ":one": 1 },
          }),
        );
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },

    async list({ ownerId, projectId, limit, before }) {
      const { items, next } = await listNewestFirst(options, {
        pk: mediumKey(ownerId, asMediaId("")).pk,
        skPrefix: SK_PREFIX,
        projectPk: projectId === undefined ? undefined : `MEDIA#${projectId}`,
        limit,
        before,
        now: clock.now(),
      });
      return {
        items: items.map((item) => mediumItem.parse(item)),
        ...(next !== undefined && { next: asMediaId(next) }),
      };
    },
  };
}
