/** Keys and shapes of every item of the task's family: one place, so that no key is spelled twice. */
import * as z from "zod";
import type { Claim } from "#shared/domain/claim.ts";
import { writingSchema } from "#shared/domain/content/writing.ts";
import type { Drop } from "#shared/domain/drop.ts";
import { FAILURE_CLASSES } from "#shared/domain/failure.ts";
import type { PostFeatures } from "#shared/domain/features.ts";
import { type Gate, nextInstant } from "#shared/domain/gate.ts";
import {
  type AccountId,
  asAccountId,
  asAttemptId,
  asBatchId,
  asOwnerId,
  asProjectId,
  asRecurrenceId,
  asTaskId,
  type OwnerId,
  type TaskId,
} from "#shared/domain/ids.ts";
import { LOG_STEPS, type LogEntry } from "#shared/domain/log-entry.ts";
import { MEDIA_TYPES } from "#shared/domain/media.ts";
import type { MediaProgress } from "#shared/domain/media-progress.ts";
import type { Board } from "#shared/domain/planning/board.ts";
import { STRATEGIES } from "#shared/domain/planning/strategy.ts";
import {
  type Content,
  type ContentRef,
  isActive,
  TASK_STATUSES,
  type Task,
  type TaskStatus,
} from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { type DueRef, WAKE_SHARDS } from "#shared/ports/task-store.ts";

/** Raised when the shape of an item changes in a way that an older reader would misread. */
export const SCHEMA_VERSION = 1;
const STATUS_SHARDS = 4;

export type Item = Record<string, unknown>;

export const keys = {
  task: (id: TaskId) => ({ pk: `TASK#${id}`, sk: "TASK" }),
  content: ({ id, contentRev, written }: ContentRef) => ({
    pk: `TASK#${id}`,
    sk: written ? `REV#${contentRev}#WRITTEN` : `REV#${contentRev}`,
  }),
  log: (id: TaskId, { at, attemptId }: LogEntry) => ({
    pk: `TASK#${id}`,
    sk: `LOG#${at.toISOString()}#${attemptId}`,
  }),
  features: (id: TaskId) => ({ pk: `TASK#${id}`, sk: "FEATURES" }),
  media: (id: TaskId, index: number) => ({ pk: `TASK#${id}`, sk: `MEDIA#${index}` }),
  gate: (id: AccountId) => ({ pk: `ACCOUNT#${id}`, sk: "GATE" }),
  board: (id: AccountId) => ({ pk: `ACCOUNT#${id}`, sk: "BOARD" }),
  claim: (key: string) => ({ pk: `CLAIM#${key}`, sk: "CLAIM" }),
  adopted: (id: AccountId, postId: string) => ({ pk: `XPOST#${id}#${postId}`, sk: "XPOST" }),
  drop: (project: string, base: string) => ({ pk: `DROP#${project}/${base}`, sk: "DROP" }),
  expected: (project: string, file: string, base: string) => ({
    pk: `EXPECTED#${project}/${file}`,
    sk: `BASE#${base}`,
  }),
} as const;

const shardOf = (text: string, shards: number): number => {
  let hash = 2_166_136_261;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619) >>> 0;
  return hash % shards;
};

const slotKey = ({ slotAt, id }: Task): string => `${slotAt.toISOString()}#${id}`;

export const statusPartitions = (status: TaskStatus): readonly string[] =>
  Array.from({ length: STATUS_SHARDS }, (_, shard) => `STATUS#${status}#${shard}`);

export const availablePartition = (owner: OwnerId): string => `AVAILABLE#${owner}`;

export const wakePartition = (shard: number): string => `WAKE#${shard}`;

export const wakeKeys = (wakeAt: Date | undefined, kind: DueRef["kind"], id: string): Item =>
  wakeAt
    ? { wakePk: wakePartition(shardOf(id, WAKE_SHARDS)), wakeSk: `${wakeAt.toISOString()}#${kind}#${id}` }
    : {};

/** Dates become ISO texts; `undefined` is left out. */
const plain = (value: unknown): unknown => {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, plain(inner)]])),
  );
};

const itemOf = (entity: string, key: Item, value: object, extra: Item = {}): Item => ({
  ...key,
  entity,
  schemaVersion: SCHEMA_VERSION,
  ...(plain(value) as Item),
  ...extra,
});

const instant = z.iso.datetime().transform((iso) => new Date(iso));
const count = z.int().min(0);
const positive = z.int().min(1);
const reason = z.object({ code: z.string(), message: z.string(), remedy: z.string() });
const taskId = z.string().transform(asTaskId);
const accountId = z.string().transform(asAccountId);
const ownerId = z.string().transform(asOwnerId);
const projectId = z.string().transform(asProjectId);
const attemptId = z.string().transform(asAttemptId);

/** Drops the keys that zod reports as `undefined`, as `exactOptionalPropertyTypes` asks for. */
const parse = <Value>(schema: z.ZodType, item: unknown): Value => {
  const parsed = schema.parse(item) as Item;
  for (const [key, value] of Object.entries(parsed)) if (value === undefined) delete parsed[key];
  return parsed as Value;
};

const taskSchema = z.object({
  id: taskId,
  ownerId,
  projectId,
  accountId,
  pool: z.enum(["open", "chosen"]).optional(),
  batchId: z.string().transform(asBatchId).optional(),
  retryOf: taskId.optional(),
  status: z.enum(TASK_STATUSES),
  version: positive,
  rev: positive,
  contentRev: positive,
  toWrite: z.literal(true).optional(),
  written: z.literal(true).optional(),
  arm: positive,
  attemptId: attemptId.optional(),
  leaseUntil: instant.optional(),
  wakeAt: instant.optional(),
  arrangedFor: instant.optional(),
  source: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("api") }),
    z.object({
      kind: z.literal("drop"),
      base: z.string(),
      file: z.string(),
      folder: z.string().exactOptional(),
    }),
    z.object({
      kind: z.literal("recurrence"),
      recurrenceId: z.string().transform(asRecurrenceId),
      occurrenceAt: instant,
    }),
  ]),
  priority: z.int().min(1).max(10),
  language: z.string(),
  latePolicy: z.object({ postWithinMs: z.number().optional(), then: z.enum(["missed", "hold"]) }),
  reconcile: z.enum(["repost", "hold"]).optional(),
  maxRetries: count,
  retries: count,
  recoveries: count,
  stalledSince: instant.optional(),
  parkings: count,
  createdAt: instant,
  updatedAt: instant,
  publishAt: instant,
  slotAt: instant,
  strategy: z.enum(STRATEGIES).optional(),
  override: z.literal(true).optional(),
  notBeforeAt: instant.optional(),
  excusedUntil: instant.optional(),
  partCount: positive,
  mediaCount: count,
  costMicros: count,
  posted: z.array(z.object({ postId: z.string(), sentAt: instant })),
  startedAt: instant.optional(),
  sharesAt: instant.optional(),
  requestHash: z.string().optional(),
  mediaIds: z.array(z.string()).optional(),
  sinceId: z.string().optional(),
  inDoubtSince: instant.optional(),
  readAt: instant.optional(),
  absentAt: instant.optional(),
  reposts: count,
  sentAt: instant.optional(),
  cancelAskedAt: instant.optional(),
  heldFor: z.literal("account").optional(),
  reason: reason.optional(),
});

export const toTask = (item: unknown): Task => parse(taskSchema, item);

/** @param writeId - marks whose write it was: a lost answer is recognised by it */
export const fromTask = (task: Task, writeId: string): Item =>
  itemOf("task", keys.task(task.id), task, {
    writeId,
    ownerPk: `OWNER#${task.ownerId}`,
    ownerSk: slotKey(task),
    projectPk: `PROJECT#${task.projectId}#${task.status}`,
    projectSk: slotKey(task),
    accountPk: `ACCOUNT#${task.accountId}`,
    accountSk: slotKey(task),
    ...(isActive(task.status) && {
      statusPk: `STATUS#${task.status}#${shardOf(task.id, STATUS_SHARDS)}`,
      statusSk: slotKey(task),
    }),
    ...wakeKeys(task.wakeAt, "task", task.id),
  });

export const mediumSchema = z.object({
  name: z.string(),
  key: z.string(),
  etag: z.string(),
  type: z.enum(MEDIA_TYPES),
  sizeBytes: positive,
  sha256: z.string(),
  width: positive,
  height: positive,
  durationMs: z.number().exactOptional(),
  altText: z.string().exactOptional(),
});

const contentSchema = z.object({
  taskId,
  rev: positive,
  parts: z.array(z.object({ text: z.string() })).min(1),
  original: z
    .array(z.object({ text: z.string() }))
    .min(1)
    .optional(),
  writing: writingSchema.optional(),
  media: z.array(mediumSchema),
});

export const toContent = (item: unknown): Content => parse(contentSchema, item);

export const fromContent = (content: Content): Item => {
  const { taskId: id, rev: contentRev, original } = content;
  return itemOf("content", keys.content({ id, contentRev, ...(original && { written: true }) }), content);
};

const logSchema = z.object({
  at: instant,
  attemptId,
  step: z.enum(LOG_STEPS),
  via: z.enum(["scheduler", "queue"]).optional(),
  status: z.enum(TASK_STATUSES),
  class: z.enum([...FAILURE_CLASSES, "unknown"]).optional(),
  code: z.string().optional(),
  message: z.string().optional(),
  phases: z.record(z.string(), z.number()).optional(),
  externalId: z.string().optional(),
});

export const toLogEntry = (item: unknown): LogEntry => parse(logSchema, item);

export const fromLogEntry = (id: TaskId, entry: LogEntry): Item =>
  itemOf("log", keys.log(id, entry), entry, {
    expiresAt: Math.floor((entry.at.getTime() + TIMING.logRetentionMs) / 1_000),
  });

const featuresSchema = z.object({
  version: z.literal(1),
  hour: count,
  weekday: count,
  length: count,
  hashtags: count,
  mentions: count,
  media: z.object({ kind: z.enum(["none", "photo", "gif", "video"]), count }),
  hasLink: z.boolean(),
  language: z.string(),
  followers: count.optional(),
  sinceLastPostMs: count.optional(),
  accountAverage: z.number().optional(),
  hourShare: z.number().min(0).max(1).optional(),
  priority: positive,
  strategy: z.enum(STRATEGIES),
});

export const toFeatures = (item: unknown): PostFeatures => parse(featuresSchema, item);

export const fromFeatures = (id: TaskId, features: PostFeatures): Item =>
  itemOf("features", keys.features(id), features);

const gateWindow = z.object({ startAt: instant, used: count });
const gateSchema = z.object({
  accountId,
  ownerId: ownerId.optional(),
  version: count,
  reservations: z.array(
    z.object({
      taskId,
      attemptId,
      at: instant,
      units: positive,
      used: count,
      quarterAt: instant,
      dayAt: instant,
    }),
  ),
  lastPostAt: instant.optional(),
  lastPostId: z.string().optional(),
  quarter: gateWindow.optional(),
  day: gateWindow.optional(),
  closedUntil: instant.optional(),
  closedReason: reason.optional(),
  circuit: z.object({
    failures: count,
    openUntil: instant.exactOptional(),
    probeUntil: instant.exactOptional(),
  }),
  intervalMs: count,
  successRate: z.number().min(0).max(1),
  hours: z.array(count).length(24).optional(),
});

export const toGate = (item: unknown): Gate => parse(gateSchema, item);

/** Listed by owner among the accounts that may post, apart from the owner's tasks in the same index. */
export const fromGate = (gate: Gate, writeId: string): Item =>
  itemOf("gate", keys.gate(gate.accountId), gate, {
    writeId,
    ...(gate.ownerId && {
      ownerPk: availablePartition(gate.ownerId),
      ownerSk: `${nextInstant(gate).toISOString()}#${gate.accountId}`,
    }),
  });

const dropSchema = z.object({
  project: z.string(),
  base: z.string(),
  status: z.enum(["waiting", "accepted", "failed"]),
  firstSeenAt: instant,
  lastSeenAt: instant,
  wakeAt: instant.optional(),
  ownerId: ownerId.optional(),
  projectId: projectId.optional(),
  taskId: taskId.optional(),
  recurrenceId: z.string().transform(asRecurrenceId).optional(),
  file: z.string().optional(),
  identity: z.string().optional(),
  missing: z.array(z.string()).optional(),
  reason: reason.optional(),
  version: positive,
});

export const toDrop = (item: unknown): Drop => parse(dropSchema, item);

export const fromDrop = (drop: Drop, writeId: string): Item =>
  itemOf("drop", keys.drop(drop.project, drop.base), drop, {
    writeId,
    ...wakeKeys(drop.wakeAt, "drop", `${drop.project}/${drop.base}`),
  });

const progressSchema = z.object({
  taskId,
  index: count,
  sha256: z.string(),
  accountId,
  state: z.enum(["uploading", "processing", "ready"]),
  mediaId: z.string(),
  expiresAt: instant,
  segmentBytes: positive,
  segmentsDone: z.array(count),
});

/** `expiresAt` is the table's TTL attribute, so the medium's own expiry has another name in the item. */
export const toProgress = (item: Item): MediaProgress =>
  parse(progressSchema, { ...item, expiresAt: item["forgottenAt"] });

export const fromProgress = ({ expiresAt, ...progress }: MediaProgress): Item =>
  itemOf("media-progress", keys.media(progress.taskId, progress.index), progress, {
    forgottenAt: expiresAt.toISOString(),
  });

const boardSchema = z.object({
  accountId,
  version: positive,
  noted: z.array(
    z.object({ taskId, at: instant, parts: positive, priority: z.int().min(1).max(10), notedAt: instant }),
  ),
});

export const toBoard = (item: unknown): Board => parse(boardSchema, item);

export const fromBoard = (board: Board, writeId: string): Item =>
  itemOf("board", keys.board(board.accountId), board, { writeId });

export const fromClaim = ({ key, until }: Claim, holder: TaskId): Item =>
  itemOf("claim", keys.claim(key), {
    key,
    taskId: holder,
    ...(until && { until, expiresAt: Math.ceil(until.getTime() / 1_000) }),
  });

const claimSchema = z.object({ taskId, until: instant.optional() });

/** Whose claim it is at `now`. DynamoDB deletes expired items within days, not at once. */
export const toHolder = (item: unknown, now: Date): TaskId | undefined => {
  const { taskId: holder, until } = claimSchema.parse(item);
  return until && until < now ? undefined : holder;
};
