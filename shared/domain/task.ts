import type { Writing } from "./content/writing.ts";
import type { AccountId, AttemptId, BatchId, OwnerId, ProjectId, RecurrenceId, TaskId } from "./ids.ts";
import type { Medium } from "./media.ts";
import type { Strategy } from "./planning/strategy.ts";
import type { Reason } from "./reason.ts";

export const TASK_STATUSES = [
  "draft",
  "pending",
  "preparing",
  "ready",
  "posting",
  "retrying",
  "unknown",
  "held",
  "published",
  "failed",
  "missed",
  "cancelled",
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** The allowed steps. A step to the same status is a change of something else (a new arm, a later slot). */
const STEPS: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  draft: ["draft", "pending", "cancelled"],
  pending: ["pending", "preparing", "posting", "retrying", "held", "failed", "missed", "cancelled"],
  preparing: ["preparing", "pending", "ready", "retrying", "held", "failed", "missed", "cancelled"],
  ready: ["ready", "pending", "posting", "retrying", "held", "failed", "missed", "cancelled"],
  // Never straight back to `ready` after a crash: an expired lease becomes `unknown`. `ready` here is the next part of a thread.
  posting: ["posting", "published", "ready", "retrying", "unknown", "held", "failed", "cancelled"],
  retrying: ["retrying", "preparing", "pending", "posting", "held", "failed", "missed", "cancelled"],
  unknown: ["unknown", "published", "ready", "retrying", "held", "failed", "cancelled"],
  held: ["held", "pending", "published", "failed", "cancelled"],
  published: [],
  failed: [],
  missed: [],
  cancelled: [],
};

export const canBecome = (from: TaskStatus, to: TaskStatus): boolean => STEPS[from].includes(to);

/** Nothing will happen to it any more. */
export const isFinal = (status: TaskStatus): boolean => STEPS[status].length === 0;

/** What may still be sent out is in one of these; the index by status and time holds no other. */
export const isActive = (status: TaskStatus): boolean =>
  !isFinal(status) && status !== "draft" && status !== "held";

/** What X may be doing right now cannot be edited or cancelled: a cancellation is remembered instead. */
export const isInFlight = (status: TaskStatus): boolean => status === "posting" || status === "unknown";

/** `settle` reads back what became of a lost answer; `verify` looks ahead whether the account still works. */
export const TASK_STEPS = ["prepare", "publish", "settle", "verify"] as const;
export type TaskStep = (typeof TASK_STEPS)[number];

/** How an invocation was reached: kept in the log, so that a late post can be explained. */
export type Via = "scheduler" | "queue";

export interface LatePolicy {
  /** Longest wait after the slot, in ms; absent: as long as it takes. */
  readonly postWithinMs?: number;
  readonly then: "missed" | "hold";
}

/** A fixed slot that passed by more than this is not worth posting, unless the task says otherwise. */
export const DEFAULT_LATE_POLICY: LatePolicy = { postWithinMs: 30 * 60 * 1_000, then: "missed" };

export const DEFAULT_PRIORITY = 5;
export const DEFAULT_MAX_RETRIES = 3;
export const DEFAULT_LANGUAGE = "zh";
/** X numbers no limit for threads; more parts than this would take minutes. */
export const MAX_PARTS = 25;

export type ReconcilePolicy = "repost" | "hold";

export type TaskSource =
  | { readonly kind: "api" }
  | {
      readonly kind: "drop";
      /** Base name of the dropped files; the outcome has the same. */
      readonly base: string;
      /** Sidecar's file name. */
      readonly file: string;
      /** Where under `drop/` they lie, and the outcome under `outcome/`. Absent: the project's name. */
      readonly folder?: string;
    }
  | {
      readonly kind: "recurrence";
      readonly recurrenceId: RecurrenceId;
      /** The instant that its rule names; the slot may have moved since. */
      readonly occurrenceAt: Date;
    };

/** One part that X accepted. A plain post has one. */
export interface PostedPart {
  readonly postId: string;
  readonly sentAt: Date;
}

/**
 * One post (or thread) to be published once: the small, often-written half. Texts and media are in its `Content`.
 *
 * Every write replaces the whole item on the condition that `version` is still the one that was read, so `rev`,
 * `arm` and `attemptId` can never be changed behind somebody's back.
 */
export interface Task {
  readonly id: TaskId;
  readonly ownerId: OwnerId;
  readonly projectId: ProjectId;
  readonly accountId: AccountId;
  /** Any active account of the project will do; `open`: none is chosen yet, and `accountId` is its default. */
  readonly pool?: "open" | "chosen";
  readonly batchId?: BatchId;
  /** The task that ended without a post, and that this one tries once more. */
  readonly retryOf?: TaskId;
  readonly status: TaskStatus;
  /** Grows by one with every write. */
  readonly version: number;
  /** Grows with every edit, reschedule or cancellation. */
  readonly rev: number;
  /** The revision whose `Content` is in force: a reschedule changes no text. */
  readonly contentRev: number;
  /** A text has to be written for it before it can go out. */
  readonly toWrite?: true;
  /** The text in force is the one that was written for it, beside the original of the same revision. */
  readonly written?: true;
  /** Grows with every arrangement; a message with another arm is acknowledged and dropped. */
  readonly arm: number;
  /** The invocation that holds the task, while it is leased. */
  readonly attemptId?: AttemptId;
  readonly leaseUntil?: Date;
  /** The instant after which something is wrong or due. Absent: nobody needs to look. */
  readonly wakeAt?: Date;
  /** When its first wake-up call is due. Before that instant the sweeper only verifies its account. */
  readonly arrangedFor?: Date;
  readonly source: TaskSource;
  /** 1 (most urgent) to 10. */
  readonly priority: number;
  readonly language: string;
  readonly latePolicy: LatePolicy;
  /** What to do about a post that is proven not to be out. Absent: see `reconcilePolicyOf`. */
  readonly reconcile?: ReconcilePolicy;
  readonly maxRetries: number;
  /** Failures that counted; rate limits do not. */
  readonly retries: number;
  /** Times the sweeper had to step in since the last progress. */
  readonly recoveries: number;
  /** The first `wakeAt` since the last progress that passed unheeded. Absent: the sweeper has not stepped in since. */
  readonly stalledSince?: Date;
  /** Waits of unknown length since the last progress. */
  readonly parkings: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** What was asked for. */
  readonly publishAt: Date;
  /** When it is due. */
  readonly slotAt: Date;
  /** How the slot was chosen. Absent: `immediate` or `fixed`. */
  readonly strategy?: Strategy;
  /** Somebody with the right to do so lets it go out in a blackout. */
  readonly override?: true;
  /** Not before this instant: the wait after a refusal, or between parts. */
  readonly notBeforeAt?: Date;
  /** End of the last wait that was known beforehand: it does not count as late. */
  readonly excusedUntil?: Date;
  readonly partCount: number;
  readonly mediaCount: number;
  /** What X will charge for all parts, in millionths of a US dollar. */
  readonly costMicros: number;
  readonly posted: readonly PostedPart[];
  /** Set with the intent, for the part that is being posted. */
  readonly startedAt?: Date;
  /** The day and month whose shared counters the attempt took from. */
  readonly sharesAt?: Date;
  /** SHA-256 of the request body of the intent. */
  readonly requestHash?: string;
  /** Media of that request: reading back knows the post by them, whatever is uploaded since. */
  readonly mediaIds?: readonly string[];
  /** The account's newest post before the first intent of this part: reading back starts there. */
  readonly sinceId?: string;
  /** When the first request of this part began whose answer was lost. */
  readonly inDoubtSince?: Date;
  /** When the timeline is read next: a message that comes before it was overtaken, and is dropped. */
  readonly readAt?: Date;
  /** A complete reading of the timeline did not show the post; a second one proves that it is not there. */
  readonly absentAt?: Date;
  /** Times that this part was sent again after it was proven not to be out. */
  readonly reposts: number;
  readonly sentAt?: Date;
  readonly cancelAskedAt?: Date;
  /** Held because of its account: it goes on by itself when the account does. */
  readonly heldFor?: "account";
  readonly reason?: Reason;
}

/** The text of one post of a thread. */
export interface Part {
  readonly text: string;
}

/** Which content is in force. */
export type ContentRef = Pick<Task, "id" | "contentRev" | "written">;

/** What one revision of a task says. Immutable. */
export interface Content {
  readonly taskId: TaskId;
  readonly rev: number;
  readonly parts: readonly Part[];
  /** A text was written for the post: this is what it was before. It makes another content of the same revision. */
  readonly original?: readonly Part[];
  /** What is to be written for the post before it goes out. */
  readonly writing?: Writing;
  /** Attached to the first part. */
  readonly media: readonly Medium[];
}

/** How late the first part went out, in ms; never negative unless it was early, which is a bug. */
export const latenessMs = (task: Pick<Task, "slotAt" | "sentAt">): number | undefined =>
  task.sentAt && task.sentAt.getTime() - task.slotAt.getTime();

export type LateDecision = "in-time" | "missed" | "hold";

/** Another account of its pool may take it: uploaded media, posted parts and the length of a written text belong to theirs. */
export const mayChooseAgain = ({
  pool,
  mediaCount,
  written,
  posted,
}: Pick<Task, "pool" | "mediaCount" | "written" | "posted">): boolean =>
  pool === "chosen" && mediaCount === 0 && !written && posted.length === 0;

/** Media are uploaded, or a text is written, before it can be posted. */
export const needsPreparation = ({
  mediaCount,
  toWrite,
  posted,
}: Pick<Task, "mediaCount" | "toWrite" | "posted">): boolean =>
  (mediaCount > 0 || toWrite === true) && posted.length === 0;

/** Steps that a task in this state may have wake-up calls for. */
export const arrangedSteps = (task: Pick<Task, "mediaCount" | "toWrite" | "posted">): readonly TaskStep[] =>
  needsPreparation(task) ? ["prepare", "publish"] : ["publish"];

/** When it is due: its slot, or the end of what it waits for. */
export const dueAt = ({ slotAt, notBeforeAt }: Pick<Task, "slotAt" | "notBeforeAt">): Date =>
  notBeforeAt && notBeforeAt > slotAt ? notBeforeAt : slotAt;

/** A wait that was known beforehand (a reset, an interval, a quota) never counts as late; backoff does. */
export function decideLate(task: Task, now: Date): LateDecision {
  const { postWithinMs, then } = task.latePolicy;
  if (postWithinMs === undefined || task.posted.length > 0) return "in-time";
  const lateFrom = Math.max(task.slotAt.getTime(), task.excusedUntil?.getTime() ?? 0);
  if (now.getTime() - lateFrom <= postWithinMs) return "in-time";
  return then === "hold" ? "hold" : "missed";
}

/** Why a task that is too late was not posted. */
export function lateReason({ slotAt, latePolicy }: Task, status: "held" | "missed"): Reason {
  const minutes = Math.round((latePolicy.postWithinMs ?? 0) / 60_000);
  return {
    code: "late",
    message: `It was due at ${slotAt.toISOString()} and could not go out within ${minutes} min.`,
    remedy:
      status === "held"
        ? "Publish it now, or cancel it."
        : "Drop or create it again with a new time, or allow more time in its late policy.",
  };
}
