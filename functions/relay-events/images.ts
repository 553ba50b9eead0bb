/** What the table's stream says about items, as far as it is told or measured. Everything else is read from the table. */
import * as z from "zod";
import { FAILURE_CLASSES } from "#shared/domain/failure.ts";
import {
  asAccountId,
  asAttemptId,
  asBatchId,
  asOwnerId,
  asProjectId,
  asTaskId,
  type BatchId,
} from "#shared/domain/ids.ts";
import { LOG_STEPS } from "#shared/domain/log-entry.ts";
import type { MeasuredAttempt, MeasuredGate, MeasuredTask, StoredChange } from "#shared/domain/measures.ts";
import { STRATEGIES } from "#shared/domain/planning/strategy.ts";
import { TASK_STATUSES } from "#shared/domain/task.ts";
import type { AnnouncedAccount, AnnouncedTask, TaskAfter, TaskBefore } from "#shared/domain/webhook-event.ts";
import type { AnnouncedChange } from "#shared/usecases/announce-change.ts";
import type { ChangedTask } from "#shared/usecases/count-batch.ts";
import type { ChangedDrop } from "#shared/usecases/relay-outcome.ts";

const text = z.object({ S: z.string() }).transform(({ S }) => S);
const instant = text.pipe(z.iso.datetime()).transform((iso) => new Date(iso));
const number = z.object({ N: z.string() }).transform(({ N }) => Number(N));
const list = <Item extends z.ZodType>(item: Item) =>
  z.object({ L: z.array(item) }).transform(({ L }) => L as z.output<Item>[]);
const map = <Fields extends z.ZodType>(fields: Fields) =>
  z.object({ M: fields }).transform((attribute) => (attribute as { M: z.output<Fields> }).M);
const oneOf = <const Value extends string>(values: readonly Value[]) => text.pipe(z.enum(values));

const taskId = text.transform(asTaskId);
const ownerId = text.transform(asOwnerId);
const projectId = text.transform(asProjectId);
const accountId = text.transform(asAccountId);

const entityOf = z.object({ entity: text });

const drop = z.object({ project: text, base: text, version: number }) satisfies z.ZodType<ChangedDrop>;

const droppedTask = z.object({
  id: taskId,
  version: number,
  projectId,
  source: map(z.object({ kind: text.pipe(z.literal("drop")), base: text, folder: text.exactOptional() })),
});

const task = z.object({
  id: taskId,
  ownerId,
  projectId,
  accountId,
  status: oneOf(TASK_STATUSES),
  createdAt: instant,
  slotAt: instant,
  excusedUntil: instant.exactOptional(),
  sentAt: instant.exactOptional(),
  posted: list(map(z.object({ postId: text, sentAt: instant }))),
  partCount: number,
}) satisfies z.ZodType<MeasuredTask>;

/** A log entry does not name its task: its key does. */
const attempt = z
  .object({
    pk: text.pipe(z.templateLiteral(["TASK#", z.string()])),
    at: instant,
    attemptId: text.transform(asAttemptId),
    step: oneOf(LOG_STEPS),
    via: oneOf(["scheduler", "queue"]).exactOptional(),
    status: oneOf(TASK_STATUSES),
    class: oneOf([...FAILURE_CLASSES, "unknown"]).exactOptional(),
    code: text.exactOptional(),
    phases: map(z.record(z.string(), number)).exactOptional(),
  })
  .transform(({ pk, ...entry }) => ({
    ...entry,
    taskId: asTaskId(pk.slice("TASK#".length)),
  })) satisfies z.ZodType<MeasuredAttempt>;

const gate = z.object({
  accountId,
  quarter: map(z.object({ startAt: instant, used: number })).exactOptional(),
  reservations: list(map(z.object({ at: instant }))),
}) satisfies z.ZodType<MeasuredGate>;

/** An item before and after one write, as the stream has them. */
export interface Images {
  readonly before?: unknown;
  /** Absent: the item was deleted. */
  readonly after?: unknown;
}

const entityIn = (image: unknown): string | undefined => entityOf.safeParse(image).data?.entity;

/** Undefined: a task that no file asked for, or another item. */
export function changedDrop({ after }: Images): ChangedDrop | undefined {
  switch (entityIn(after)) {
    case "drop":
      return drop.safeParse(after).data;
    case "task": {
      const dropped = droppedTask.safeParse(after).data;
      if (!dropped) return undefined;
      const { id, version, projectId, source } = dropped;
      const { kind: _kind, ...named } = source;
      return { projectId, ...named, taskId: id, version };
    }
    default:
      return undefined;
  }
}

const batchTask = z.object({
  id: taskId,
  batchId: text.transform(asBatchId),
  status: oneOf(TASK_STATUSES),
  version: number,
});

/** Undefined: no task of a batch. */
export function countedTask({ after }: Images): { batchId: BatchId; change: ChangedTask } | undefined {
  const found = entityIn(after) === "task" ? batchTask.safeParse(after).data : undefined;
  if (!found) return undefined;
  const { batchId, id, status, version } = found;
  return { batchId, change: { taskId: id, status, version } };
}

const reason = map(z.object({ code: text, message: text, remedy: text }));

const taskBefore = z.object({
  status: oneOf(TASK_STATUSES),
  arrangedFor: instant.exactOptional(),
}) satisfies z.ZodType<TaskBefore>;

const announcedTask = z.object({
  ...taskBefore.shape,
  id: taskId,
  ownerId,
  projectId,
  accountId,
  batchId: text.transform(asBatchId).exactOptional(),
  version: number,
  rev: number,
  contentRev: number,
  written: z
    .object({ BOOL: z.literal(true) })
    .transform(({ BOOL }) => BOOL)
    .exactOptional(),
  priority: number,
  language: text,
  publishAt: instant,
  slotAt: instant,
  strategy: oneOf(STRATEGIES).exactOptional(),
  posted: list(map(z.object({ postId: text, sentAt: instant }))),
  sentAt: instant.exactOptional(),
  reason: reason.exactOptional(),
  recoveries: number,
}) satisfies z.ZodType<AnnouncedTask & TaskAfter>;

const accountBefore = z.object({
  status: oneOf(["active", "paused", "needs-reconnect"]),
  reason: reason.exactOptional(),
});

const announcedAccount = z.object({
  ...accountBefore.shape,
  id: accountId,
  ownerId,
  name: text,
  pausedUntil: instant.exactOptional(),
  version: number,
}) satisfies z.ZodType<AnnouncedAccount>;

/**
 * Undefined: nothing that a webhook could be told of.
 *
 * @param at - when it was written, as the stream says: the same however often it is told
 * @throws ZodError when an item has not the shape that it is written with: a bug
 */
export function announcedChange({ before, after }: Images, at: Date): AnnouncedChange | undefined {
  switch (entityIn(after)) {
    case "task":
      return {
        kind: "task",
        after: announcedTask.parse(after),
        ...(before !== undefined && { before: taskBefore.parse(before) }),
        at,
      };
    case "account":
      return {
        kind: "account",
        after: announcedAccount.parse(after),
        ...(before !== undefined && { before: accountBefore.parse(before) }),
        at,
      };
    default:
      return undefined;
  }
}

/**
 * Undefined: nothing that is measured. A log entry is written once, so only its first write counts.
 *
 * @throws ZodError when an item has not the shape that it is written with: a bug
 */
export function storedChange({ before, after }: Images): StoredChange | undefined {
  switch (entityIn(after)) {
    case "task":
      return {
        kind: "task",
        after: task.parse(after),
        ...(before !== undefined && { before: task.parse(before) }),
      };
    case "log":
      return before === undefined ? { kind: "attempt", after: attempt.parse(after) } : undefined;
    case "gate":
      return {
        kind: "gate",
        after: gate.parse(after),
        ...(before !== undefined && { before: gate.parse(before) }),
      };
    default:
      return undefined;
  }
}
