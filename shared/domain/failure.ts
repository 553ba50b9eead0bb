import type { Reason } from "./reason.ts";
import { DEFAULT_SETTINGS, type Settings } from "./settings.ts";
import type { Task } from "./task.ts";

/**
 * What a failed step means for the task and its account. `unknown` is not here: a lost answer is no failure yet.
 *
 * | class | what happens |
 * |---|---|
 * | rate-limited | wait for the reset; counted neither as an attempt nor as late |
 * | transient, system | exponential backoff with full jitter, `maxRetries` times, then `failed` |
 * | credentials | account `needs-reconnect`, task held |
 * | billing | account paused, task held |
 * | configuration | task held for the operator |
 * | content | failed at once: the same post would be refused again |
 */
export const FAILURE_CLASSES = [
  "rate-limited",
  "transient",
  "credentials",
  "billing",
  "content",
  "configuration",
  "system",
] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** A definite no: nothing took effect. */
export interface Failure {
  readonly class: FailureClass;
  readonly reason: Reason;
  /** When the platform said it will answer again (a rate limit's reset, a spending cap's date). */
  readonly retryAt?: Date;
  /** The account cannot post at all: its tasks are held, and go on by themselves when it can. */
  readonly stopsAccount?: true;
  /** HTTP status and the platform's own code, for the log. Never its text: it may quote the post. */
  readonly details?: Readonly<Record<string, string | number>>;
}

export interface BackoffPolicy {
  readonly baseMs: number;
  readonly capMs: number;
}

export const backoffOf = ({ retryBaseSeconds }: Pick<Settings, "retryBaseSeconds">): BackoffPolicy => ({
  baseMs: retryBaseSeconds * 1_000,
  capMs: 15 * 60_000,
});

export const BACKOFF: BackoffPolicy = backoffOf(DEFAULT_SETTINGS);
/** Spreads the tasks that wait for the same reset. */
const RESET_JITTER_MS = 10_000;
/** Waited for when a rate limit comes without a reset: the window of every limit that Punctual meets. */
const RATE_WINDOW_MS = 15 * 60_000;

/**
 * Exponential backoff with full jitter, in ms; never below a second, so that a retry cannot become a loop.
 *
 * @param retry - 0 for the first repeat
 * @param random - in [0, 1)
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export const backoffMs = (
  retry: number,
  random: number,
  { baseMs, capMs }: BackoffPolicy = BACKOFF,
): number => Math.max(1_000, Math.round(random * Math.min(capMs, baseMs * 2 ** retry)));

export type FailureDecision =
  | {
      readonly to: "retry";
      readonly retryAt: Date;
      readonly counted: boolean;
      readonly known: boolean;
      readonly reason: Reason;
    }
  | { readonly to: "held" | "failed"; readonly reason: Reason; readonly heldFor?: "account" };

/** What becomes of a task after a definite no. The result carries everything that was decided. */
export function decideAfterFailure(
  task: Pick<Task, "retries" | "maxRetries">,
  failure: Failure,
  now: Date,
  random: number,
  backoff: BackoffPolicy = BACKOFF,
): FailureDecision {
  const { reason } = failure;
  switch (failure.class) {
    case "rate-limited": {
      const resetAt = Math.max(failure.retryAt?.getTime() ?? now.getTime() + RATE_WINDOW_MS, now.getTime());
      return {
        to: "retry",
        retryAt: new Date(resetAt + 1_000 + random * RESET_JITTER_MS),
        counted: false,
        known: failure.retryAt !== undefined,
        reason,
      };
    }
    case "transient":
    case "system": {
      if (task.retries >= task.maxRetries)
        return {
          to: "failed",
          reason: {
            code: reason.code,
            message: `${reason.message} Tried ${task.retries + 1} times.`,
            remedy: reason.remedy,
          },
        };
      const retryAt = new Date(now.getTime() + backoffMs(task.retries, random, backoff));
      return { to: "retry", retryAt, counted: true, known: false, reason };
    }
    case "credentials":
    case "billing":
      return { to: "held", reason, heldFor: "account" };
    case "configuration":
      return { to: "held", reason, ...(failure.stopsAccount && { heldFor: "account" }) };
    case "content":
      return { to: "failed", reason };
  }
}
