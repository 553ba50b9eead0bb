import type { DeliveryId, WebhookId } from "./webhook.ts";
import type { WebhookEvent } from "./webhook-event.ts";

/** Why an attempt was none that the endpoint took. Explained in `docs/webhooks.md`. */
export const ATTEMPT_CODES = [
  "status-refused",
  "timed-out",
  "name-not-resolved",
  "address-refused",
  "tls-failed",
  "connection-failed",
  "webhook-paused",
] as const;
export type AttemptCode = (typeof ATTEMPT_CODES)[number];

export interface DeliveryAttempt {
  readonly at: Date;
  readonly durationMs: number;
  /** Somebody asked for it: it counts neither for the retries nor for the endpoint's health. */
  readonly manual?: true;
  /** Absent: there was no answer. */
  readonly status?: number;
  /** Absent: it was taken. */
  readonly code?: AttemptCode;
}

/** One event for one endpoint. */
export interface Delivery {
  readonly id: DeliveryId;
  readonly webhookId: WebhookId;
  readonly event: WebhookEvent;
  /** `pending`: it is tried again at `nextAt`. */
  readonly status: "pending" | "delivered" | "failed";
  /** All there ever were; grows by one with every write. */
  readonly attemptCount: number;
  /** Those of them that nobody asked for. */
  readonly tries: number;
  /** The last ones, oldest first. */
  readonly attempts: readonly DeliveryAttempt[];
  readonly nextAt?: Date;
}

export const MAX_ATTEMPTS_KEPT = 20;

/** Deliveries and their log. */
export const DELIVERY_KEPT_MS = 30 * 24 * 60 * 60 * 1_000;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** After each try; about a day together. @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
export const RETRY_DELAYS_MS = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  7 * HOUR,
  9 * HOUR,
] as const;

/** An endpoint may ask for more time, but not for ever. */
export const MAX_RETRY_AFTER_MS = 12 * HOUR;

/** Up to a fifth sooner or later, so that what failed together does not come back together. */
const JITTER = 0.2;

/**
 * How long to wait before the next try.
 *
 * @param tries - so far, at least 1
 * @param random - in [0, 1)
 * @returns ms; undefined: no more
 */
export function retryDelay(tries: number, random: number, retryAfterMs = 0): number | undefined {
  const delay = RETRY_DELAYS_MS[tries - 1];
  if (delay === undefined) return undefined;
  const jittered = Math.round(delay * (1 + JITTER * (2 * random - 1)));
  return Math.max(jittered, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
}

export const isTaken = ({ code }: DeliveryAttempt): boolean => code === undefined;

export interface SettleFacts {
  /** In [0, 1). */
  readonly random: number;
  /** What the endpoint asked for. */
  readonly retryAfterMs?: number;
  /** The endpoint wants nothing more, or gets nothing more. */
  readonly stops?: boolean;
}

export const newDelivery = (id: DeliveryId, webhookId: WebhookId, event: WebhookEvent): Delivery => ({
  id,
  webhookId,
  event,
  status: "pending",
  attemptCount: 0,
  tries: 0,
  attempts: [],
});

/** Notes an attempt. One that somebody asked for can deliver, and spoils nothing when it fails. */
export function settleDelivery(
  delivery: Delivery,
  attempt: DeliveryAttempt,
  { random, retryAfterMs, stops }: SettleFacts,
): Delivery {
  const { nextAt: planned, ...kept } = delivery;
  const noted = {
    ...kept,
    attemptCount: delivery.attemptCount + 1,
    tries: delivery.tries + (attempt.manual ? 0 : 1),
    attempts: [...delivery.attempts, attempt].slice(-MAX_ATTEMPTS_KEPT),
  };
  if (isTaken(attempt)) return { ...noted, status: "delivered" };
  if (attempt.manual) {
    // A first attempt is a ping: nobody is going to try it again.
    if (delivery.attemptCount === 0) return { ...noted, status: "failed" };
    return { ...noted, ...(planned && { nextAt: planned }) };
  }
  const delayMs = stops ? undefined : retryDelay(noted.tries, random, retryAfterMs);
  if (delayMs === undefined) return { ...noted, status: "failed" };
  const endedAt = attempt.at.getTime() + attempt.durationMs;
  return { ...noted, status: "pending", nextAt: new Date(endedAt + delayMs) };
}
