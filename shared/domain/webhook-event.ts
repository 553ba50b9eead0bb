import { createHash } from "node:crypto";
import * as z from "zod";
import type { Account } from "./account.ts";
import { asAccountId, asBatchId, asOwnerId, asProjectId, asTaskId } from "./ids.ts";
import { STRATEGIES } from "./planning/strategy.ts";
import { TASK_STATUSES, type Task } from "./task.ts";
import { asDeliveryId, type DeliveryId, type TaskEventName, type WebhookId } from "./webhook.ts";

const TASK_EVENTS = [
  "accepted",
  "scheduled",
  "published",
  "failed",
  "held",
  "missed",
] as const satisfies readonly TaskEventName[];

/** A task as it was at one of its versions, as far as it is shown. Texts stay in the content of `contentRev`. */
export type AnnouncedTask = Pick<
  Task,
  | "id"
  | "ownerId"
  | "projectId"
  | "accountId"
  | "batchId"
  | "status"
  | "version"
  | "rev"
  | "contentRev"
  | "written"
  | "priority"
  | "language"
  | "publishAt"
  | "slotAt"
  | "strategy"
  | "posted"
  | "sentAt"
  | "reason"
>;

/** An account as it was at one of its versions. */
export type AnnouncedAccount = Pick<
  Account,
  "id" | "ownerId" | "name" | "status" | "reason" | "pausedUntil" | "version"
>;

export interface TaskEvent {
  readonly type: TaskEventName;
  /** When it happened. */
  readonly at: Date;
  readonly task: AnnouncedTask;
}

/** What happened, complete: a delivery of tomorrow still says what was so today. `ping` is sent on request only. */
export type WebhookEvent =
  | TaskEvent
  | { readonly type: "account-needs-attention"; readonly at: Date; readonly account: AnnouncedAccount }
  | { readonly type: "ping"; readonly at: Date };

const instant = z.iso.datetime().transform((iso) => new Date(iso));
const positive = z.int().positive();
const reason = z.object({ code: z.string(), message: z.string(), remedy: z.string() });

const announcedTask = z.object({
  id: z.string().transform(asTaskId),
  ownerId: z.string().transform(asOwnerId),
  projectId: z.string().transform(asProjectId),
  accountId: z.string().transform(asAccountId),
  batchId: z.string().transform(asBatchId).exactOptional(),
  status: z.enum(TASK_STATUSES),
  version: positive,
  rev: positive,
  contentRev: positive,
  written: z.literal(true).exactOptional(),
  priority: positive,
  language: z.string(),
  publishAt: instant,
  slotAt: instant,
  strategy: z.enum(STRATEGIES).exactOptional(),
  posted: z.array(z.object({ postId: z.string(), sentAt: instant })),
  sentAt: instant.exactOptional(),
  reason: reason.exactOptional(),
}) satisfies z.ZodType<AnnouncedTask>;

const announcedAccount = z.object({
  id: z.string().transform(asAccountId),
  ownerId: z.string().transform(asOwnerId),
  name: z.string(),
  status: z.enum(["active", "paused", "needs-reconnect"]),
  reason: reason.exactOptional(),
  pausedUntil: instant.exactOptional(),
  version: positive,
}) satisfies z.ZodType<AnnouncedAccount>;

/** An event as it is kept in the queue and the log: JSON, with instants as texts. */
export const webhookEventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.enum(TASK_EVENTS), at: instant, task: announcedTask }),
  z.object({ type: z.literal("account-needs-attention"), at: instant, account: announcedAccount }),
  z.object({ type: z.literal("ping"), at: instant }),
]) satisfies z.ZodType<WebhookEvent>;

/** Grows with each event of the same task or account: an event with a lower one than was seen is old news. */
export function sequenceOf(event: WebhookEvent): number {
  if (event.type === "ping") return 0;
  return "task" in event ? event.task.version : event.account.version;
}

/** Task or account that it is about. */
export function subjectOf(event: WebhookEvent): string {
  if (event.type === "ping") return "ping";
  return "task" in event ? event.task.id : event.account.id;
}

/** A task before and after a write, as far as it matters here. */
export type TaskBefore = Pick<Task, "status" | "arrangedFor">;
export type TaskAfter = TaskBefore & Pick<Task, "recoveries">;

const ENDS = ["published", "failed", "held", "missed"] as const;

/**
 * What a write of a task is to the outside. Most writes are nothing: a lease, a look, a retry.
 *
 * `scheduled` is said when its wake-up calls are out, and again after a change of its time; not when the sweeper only
 * repeats a lost call.
 *
 * @param before - absent: it was made by this write
 */
export function taskEvents(before: TaskBefore | undefined, after: TaskAfter): readonly TaskEventName[] {
  const isNew = before === undefined || before.status === "draft";
  const events: TaskEventName[] = [];
  if (isNew && after.status !== "draft") events.push("accepted");
  if (after.status === "pending" && after.arrangedFor && !before?.arrangedFor && after.recoveries === 0)
    events.push("scheduled");
  const end = ENDS.find((status) => status === after.status);
  if (end && before?.status !== end) events.push(end);
  return events;
}

type AccountState = Pick<Account, "status" | "reason">;

/** Reasons of a stop that somebody asked for: nobody has to be told. */
const WANTED_STOPS: readonly string[] = ["paused-by-owner"];

/** It stopped by itself, or for another reason than before. */
export function needsAttention(before: AccountState | undefined, after: AccountState): boolean {
  if (after.status === "active" || WANTED_STOPS.includes(after.reason?.code ?? "")) return false;
  return before?.status !== after.status || before.reason?.code !== after.reason?.code;
}

/** Crockford's, as in every ULID. */
const BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_LENGTH = 10;
const HASH_LENGTH = 16;

function base32(value: bigint, length: number): string {
  let text = "";
  for (let left = value, place = 0; place < length; place++) {
    text = (BASE32[Number(left % 32n)] ?? "") + text;
    left /= 32n;
  }
  return text;
}

/**
 * One id for an event at an endpoint, however often the table's stream tells of it: a ULID of its instant and of 80 bits
 * of a hash, so that deliveries sort by time.
 */
export function deliveryIdFor(webhookId: WebhookId, event: WebhookEvent): DeliveryId {
  const hash = createHash("sha256")
    .update(JSON.stringify([webhookId, event.type, subjectOf(event), sequenceOf(event)]))
    .digest("hex");
  const random = BigInt(`0x${hash.slice(0, 20)}`);
  return asDeliveryId(base32(BigInt(event.at.getTime()), TIME_LENGTH) + base32(random, HASH_LENGTH));
}
