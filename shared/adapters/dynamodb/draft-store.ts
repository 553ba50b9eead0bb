import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { asDraftId, DELETED_DRAFT_MS, type Draft, type DraftId } from "#shared/domain/draft.ts";
import { asOwnerId, asProjectId, asTaskId, type OwnerId } from "#shared/domain/ids.ts";
import { asMediaId } from "#shared/domain/stored-media.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { DraftStore } from "#shared/ports/draft-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok } from "#shared/result.ts";
import { putIf, versionedPut } from "./conditional-write.ts";
import { type Item, SCHEMA_VERSION } from "./items.ts";
import { listNewestFirst } from "./newest-first.ts";

export interface DynamoDraftStoreOptions {
  readonly documents: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

const SK_PREFIX = "DRAFT#";
const draftKey = (ownerId: OwnerId, id: DraftId) => ({ pk: `DRAFTS#${ownerId}`, sk: `${SK_PREFIX}${id}` });

const instant = z.iso.datetime().transform((iso) => new Date(iso));

const draftItem = z.object({
  id: z.string().transform(asDraftId),
  ownerId: z.string().transform(asOwnerId),
  projectId: z.string().transform(asProjectId),
  text: z.string().exactOptional(),
  thread: z.array(z.string()).exactOptional(),
  media: z.array(z.object({ id: z.string().transform(asMediaId), altText: z.string().exactOptional() })),
  notes: z.string().exactOptional(),
  language: z.string(),
  createdAt: instant,
  updatedAt: instant,
  taskId: z.string().transform(asTaskId).exactOptional(),
  nextTaskId: z.string().transform(asTaskId).exactOptional(),
  version: z.int().positive(),
});

const fromDraft = ({ createdAt, updatedAt, deletedAt, media, ...draft }: Draft): Item => ({
  ...draftKey(draft.ownerId, draft.id),
  entity: "draft",
  schemaVersion: SCHEMA_VERSION,
  ...draft,
  media: media.map(({ id, altText }) => ({ id, ...(altText !== undefined && { altText }) })),
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
  ...(deletedAt
    ? {
        deletedAt: deletedAt.toISOString(),
        expiresAt: Math.ceil((deletedAt.getTime() + DELETED_DRAFT_MS) / 1_000),
      }
    : { projectPk: `DRAFTS#${draft.projectId}`, projectSk: draft.id }),
});

/** Drafts in the one table: those of an owner in one partition, and by project in an index. */
export function createDynamoDraftStore(options: DynamoDraftStoreOptions): DraftStore {
  const { documents, tableName, clock, entropy } = options;
  return {
    async get(ownerId, id) {
      const { Item } = await documents.send(
        new GetCommand({ TableName: tableName, Key: draftKey(ownerId, id), ConsistentRead: true }),
      );
      return Item && Item["deletedAt"] === undefined ? draftItem.parse(Item) : undefined;
    },

    async save(next) {
      const writeId = entropy.newId();
      const put = versionedPut(tableName, { ...fromDraft(next), writeId }, next.version);
      const saved = await putIf(documents, put, writeId);
      return saved.ok ? ok(undefined) : err({ reason: "stale" });
    },

    async list({ ownerId, projectId, limit, before }) {
      const { items, next } = await listNewestFirst(options, {
        pk: draftKey(ownerId, asDraftId("")).pk,
        skPrefix: SK_PREFIX,
        projectPk: projectId === undefined ? undefined : `DRAFTS#${projectId}`,
        limit,
        before,
        now: clock.now(),
      });
      return {
        items: items.map((item) => draftItem.parse(item)),
        ...(next !== undefined && { next: asDraftId(next) }),
      };
    },
  };
}
