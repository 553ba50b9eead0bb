/** What became of a post whose answer was lost: decided from the account's own timeline, never by asking again. */
import type { Reason } from "./reason.ts";
import type { ReconcilePolicy, Task } from "./task.ts";
import { TIMING } from "./timing.ts";

/** A post as a timeline shows it. */
export interface SeenPost {
  readonly postId: string;
  /** Every shortened link replaced by what it stands for. */
  readonly expandedText: string;
  readonly mediaKeys: readonly string[];
  readonly inReplyTo?: string;
  readonly createdAt: Date;
}

export interface SoughtPost {
  readonly text: string;
  readonly mediaIds: readonly string[];
  readonly inReplyTo?: string;
  /** When its first request began. */
  readonly sentFrom: Date;
}

/** X adds a scheme to bare domains, ends some addresses with a slash, and keeps no space at a line's end. */
const comparable = (text: string): string =>
  text
    .normalize("NFC")
    .replaceAll(/https?:\/\//giu, "")
    .replaceAll(/\/(?=\s|$)/gu, "")
    .replaceAll(/\s+/gu, " ")
    .trim();

/** `3_1999…`: the kind of medium, then its id. @see https://docs.x.com/x-api/fundamentals/data-dictionary */
const isMedium = (key: string, mediaIds: readonly string[]): boolean =>
  mediaIds.includes(key.slice(key.indexOf("_") + 1));

/**
 * The posts that may be the one sought: by a medium that only it has, else by text; always under the same parent, and not
 * older than the request. Oldest first: of two tasks with the same text, the later one's reading begins after the
 * earlier one's post, so the earlier must not take what only the later can find.
 */
export function findMatches(posts: readonly SeenPost[], sought: SoughtPost): readonly SeenPost[] {
  const oldest = sought.sentFrom.getTime() - TIMING.reconcile.clockToleranceMs;
  const text = comparable(sought.text);
  return posts
    .filter(
      ({ createdAt, inReplyTo, mediaKeys, expandedText }) =>
        createdAt.getTime() >= oldest &&
        inReplyTo === sought.inReplyTo &&
        (sought.mediaIds.length > 0
          ? mediaKeys.some((key) => isMedium(key, sought.mediaIds))
          : comparable(expandedText) === text),
    )
    .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
}

/**
 * Whether a reading reaches back to the request. A full page may have left out older posts, so it shows absence only if
 * its oldest post is older than the request.
 */
export const isComplete = (posts: readonly SeenPost[], pageSize: number, sentFrom: Date): boolean =>
  posts.length < pageSize ||
  posts.some(({ createdAt }) => createdAt.getTime() < sentFrom.getTime() - TIMING.reconcile.clockToleranceMs);

export type ReconcileTiming = Pick<
  typeof TIMING.reconcile,
  "adoptAfterMs" | "absentAfterMs" | "betweenReadsMs"
>;

/** When a reading can tell something, as far as the request is concerned; one that was refused waits for longer (`readAt`). */
export function nextReading(
  task: Pick<Task, "startedAt" | "absentAt" | "updatedAt">,
  { adoptAfterMs, absentAfterMs, betweenReadsMs }: ReconcileTiming = TIMING.reconcile,
): Date {
  const startedAt = (task.startedAt ?? task.updatedAt).getTime();
  if (!task.absentAt) return new Date(startedAt + adoptAfterMs);
  return new Date(Math.max(startedAt + absentAfterMs, task.absentAt.getTime() + betweenReadsMs));
}

/** What a complete reading without the post means. */
export const isProvenAbsent = (
  task: Pick<Task, "startedAt" | "absentAt" | "updatedAt">,
  now: Date,
  timing: ReconcileTiming = TIMING.reconcile,
): boolean => task.absentAt !== undefined && now >= nextReading(task, timing);

/**
 * A text is sent again, since X refuses the same text a second time: a guard behind the proof. A post with media has no
 * such guard, so a person decides.
 */
export const reconcilePolicyOf = ({ reconcile, mediaCount, posted }: Task): ReconcilePolicy =>
  reconcile ?? (mediaCount > 0 && posted.length === 0 ? "hold" : "repost");

export const UNKNOWN: Reason = {
  code: "outcome-unknown",
  message: "X's answer was lost: the post may be out, so it is not sent again before the timeline was read.",
  remedy: "Nothing to do: the account's timeline is read after 2 and 5 minutes.",
};

export const NOT_POSTED: Reason = {
  code: "proven-absent",
  message:
    "X's answer was lost, and two readings of the timeline do not show the post: it is sent once more.",
  remedy: "Nothing to do.",
};

export const ABSENT_HELD: Reason = {
  code: "absent-held",
  message: "X's answer was lost, and two readings of the timeline do not show the post.",
  remedy:
    "Look at the account's timeline. If the post is there, resolve the task with its id; else publish it now, or cancel it.",
};

export const STILL_ABSENT: Reason = {
  code: "absent-twice",
  message:
    "It was sent twice, X's answer was lost or said duplicate both times, and the timeline does not show it.",
  remedy: "Look at the account's timeline, drafts and limits. If the post is not there, create it again.",
};

/** Two tasks with one text were in doubt together: the other may have taken this one's post for its own. */
export const TWIN_POSTED: Reason = {
  code: "twin-posted",
  message: "X's answer was lost, and the only post with this text on the timeline belongs to another task.",
  remedy:
    "Look at the account's timeline. If the text is there, resolve the task with the id of its post; else publish it now, or cancel it.",
};

export const UNREADABLE: Reason = {
  code: "outcome-unreadable",
  message:
    "X's answer was lost, and the account's timeline does not tell: it could not be read for a day, or does not reach back.",
  remedy:
    "Look at the account's timeline. If the post is there, resolve the task with its id; else publish it now, or cancel it.",
};

/** Held although the post may be out: it counts as posted, at the gate and in the shared counters. */
export const isWrittenOff = (code: string | undefined): boolean =>
  [STILL_ABSENT.code, TWIN_POSTED.code, UNREADABLE.code].some((known) => known === code);
