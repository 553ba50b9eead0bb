import * as z from "zod";
import { localTimeText } from "#shared/domain/local-clock.ts";
import { formatVersion, type Outcome, versionOf } from "#shared/domain/outcome.ts";
import { STRATEGIES } from "#shared/domain/planning/strategy.ts";
import { type Content, latenessMs, TASK_STATUSES, type Task } from "#shared/domain/task.ts";
import { instantInWords } from "#shared/domain/words.ts";

const instant = z.iso.datetime();

/** Why something is not on the straight way, for people. Codes are explained in `docs/errors.md`. */
const reasonSchema = z.object({ code: z.string(), message: z.string(), remedy: z.string() });

/** A task as the API answers it and the outcome file shows it. Instants are UTC. */
export const taskViewSchema = z.object({
  id: z.ulid(),
  project: z.string(),
  account: z.string(),
  status: z.enum(TASK_STATUSES),
  rev: z.int().positive(),
  priority: z.int().min(1).max(10),
  language: z.string(),
  /** What was asked for. */
  publishAt: instant,
  /** When it is due. */
  slotAt: instant,
  /** The same by the clocks of the project, such as `2026-12-01 09:00:00`. */
  slotLocal: z.string(),
  /** Of the project: IANA name. */
  timeZone: z.string(),
  /** How the slot was chosen, unless it was given. */
  strategy: z.enum(STRATEGIES).optional(),
  /** When X accepted the first part. */
  sentAt: instant.optional(),
  /** `sentAt` after `slotAt`, in ms. */
  latenessMs: z.number().optional(),
  /** The texts before one was written for the post. */
  original: z.array(z.string()).optional(),
  parts: z.array(z.object({ text: z.string(), postId: z.string().optional(), link: z.url().optional() })),
  media: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      sizeBytes: z.int().positive(),
      altText: z.string().optional(),
    }),
  ),
  reason: reasonSchema.optional(),
});
export type TaskView = z.output<typeof taskViewSchema>;

/** What of a task is shown. */
export type ViewedTask = Pick<
  Task,
  | "id"
  | "status"
  | "rev"
  | "priority"
  | "language"
  | "publishAt"
  | "slotAt"
  | "strategy"
  | "sentAt"
  | "posted"
  | "reason"
>;

/** Works without the account's name, and leads to it. */
const postLink = (postId: string): string => `https://x.com/i/status/${postId}`;

/**
 * Shows a task.
 *
 * @param content - of the revision `task.contentRev`
 * @param names - of its project, account and zone, as people know them
 */
export function toTaskView(
  task: ViewedTask,
  content: Pick<Content, "parts" | "media" | "original">,
  names: { readonly project: string; readonly account: string; readonly timeZone: string },
): TaskView {
  const lateness = latenessMs(task);
  return {
    id: task.id,
    project: names.project,
    account: names.account,
    status: task.status,
    rev: task.rev,
    priority: task.priority,
    language: task.language,
    publishAt: instantInWords(task.publishAt),
    slotAt: instantInWords(task.slotAt),
    slotLocal: localTimeText(task.slotAt, names.timeZone),
    timeZone: names.timeZone,
    ...(task.strategy && { strategy: task.strategy }),
    ...(task.sentAt && { sentAt: instantInWords(task.sentAt) }),
    ...(lateness !== undefined && { latenessMs: lateness }),
    ...(content.original && { original: content.original.map(({ text }) => text) }),
    parts: content.parts.map(({ text }, index) => {
      const postId = task.posted[index]?.postId;
      return { text, ...(postId !== undefined && { postId, link: postLink(postId) }) };
    }),
    media: content.media.map(({ name, type, sizeBytes, altText }) => ({
      name,
      type,
      sizeBytes,
      ...(altText !== undefined && { altText }),
    })),
    ...(task.reason && { reason: { ...task.reason } }),
  };
}

const outcomeFields = {
  /** Sidecar, as it was dropped; where there is none, the first file. */
  file: z.string(),
  /** Names of listed files that have not come yet. */
  missing: z.array(z.string()).optional(),
  /** Of the drop and its task: later outcomes replace earlier ones. */
  version: z.string(),
};

/** What `outcome/<project>/<base>.json` holds: the task once there is one, or why there is none. */
export const outcomeViewSchema = z.union([
  taskViewSchema.extend({
    ...outcomeFields,
    /** About the dropped files, not the task: what came too late to be used, or is waited for. */
    notice: reasonSchema.optional(),
  }),
  z.object({
    ...outcomeFields,
    project: z.string(),
    status: z.enum(["waiting", "accepted", "failed"]),
    /** See `GET /api/v1/scheduling/recurrences/{id}`. */
    recurrenceId: z.string().optional(),
    reason: reasonSchema.optional(),
  }),
]);
export type OutcomeView = z.output<typeof outcomeViewSchema>;

/** Shows an outcome as the file does. */
export function toOutcomeView(outcome: Outcome): OutcomeView {
  const { drop, post } = outcome;
  const { project, status, reason, missing, recurrenceId } = drop;
  const shared = {
    file: drop.file ?? drop.base,
    ...(missing && { missing: [...missing] }),
    version: formatVersion(versionOf(outcome)),
  };
  if (!post)
    return {
      project,
      status,
      ...shared,
      ...(recurrenceId !== undefined && { recurrenceId }),
      ...(reason && { reason: { ...reason } }),
    };
  const view = toTaskView(post.task, post.content, {
    project,
    account: post.account,
    timeZone: post.timeZone,
  });
  return {
    ...view,
    ...shared,
    ...(reason && { notice: { ...reason } }),
  };
}
