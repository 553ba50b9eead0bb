import { err, ok, type Result } from "#shared/result.ts";
import type { OwnerId, ProjectId } from "./ids.ts";
import type { Reason } from "./reason.ts";

declare const brand: unique symbol;
/** ULID. */
export type WebhookId = string & { readonly [brand]: "WebhookId" };
/** ULID: sorts by the instant of its event. Sent as `webhook-id`. */
export type DeliveryId = string & { readonly [brand]: "DeliveryId" };

export const asWebhookId = (id: string): WebhookId => id as WebhookId;
export const asDeliveryId = (id: string): DeliveryId => id as DeliveryId;

/** What an endpoint can be told of. */
export const WEBHOOK_EVENTS = [
  "accepted",
  "scheduled",
  "published",
  "failed",
  "held",
  "missed",
  "account-needs-attention",
] as const;
export type WebhookEventName = (typeof WEBHOOK_EVENTS)[number];
export type TaskEventName = Exclude<WebhookEventName, "account-needs-attention">;

/** What its owner wants of an endpoint. */
export interface WebhookWish {
  /** As `parseWebhookUrl` answers it. */
  readonly url: string;
  readonly events: readonly WebhookEventName[];
  /** For people. */
  readonly description?: string;
  /** Only what concerns this project. Absent: everything of the owner. */
  readonly project?: { readonly id: ProjectId; readonly name: string };
}

/** An endpoint of an owner that events are sent to. Its secret is kept elsewhere, sealed. */
export interface Webhook extends WebhookWish {
  readonly id: WebhookId;
  readonly status: "active" | "paused";
  /** Why it is paused. */
  readonly reason?: Reason;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Grows by one with every change. */
  readonly version: number;
}

/**
 * All endpoints of an owner: one item, so that the relay asks for the whole of it at once, and an owner without any costs
 * one read.
 */
export interface WebhookRegister {
  readonly ownerId: OwnerId;
  /** By age. */
  readonly webhooks: readonly Webhook[];
  /** 0: nothing was ever stored. */
  readonly version: number;
}

/** Each event is one message for each of them. */
export const MAX_WEBHOOKS = 20;

export const emptyWebhookRegister = (ownerId: OwnerId): WebhookRegister => ({
  ownerId,
  webhooks: [],
  version: 0,
});

export const newWebhook = (id: WebhookId, wish: WebhookWish, now: Date): Webhook => ({
  id,
  ...wish,
  status: "active",
  createdAt: now,
  updatedAt: now,
  version: 1,
});

export interface TooManyWebhooks {
  readonly reason: "too-many";
  readonly limit: number;
}

export const enterWebhook = (
  { ownerId, webhooks, version }: WebhookRegister,
  webhook: Webhook,
): Result<WebhookRegister, TooManyWebhooks> =>
  webhooks.length >= MAX_WEBHOOKS
    ? err({ reason: "too-many", limit: MAX_WEBHOOKS })
    : ok({ ownerId, webhooks: [...webhooks, webhook], version: version + 1 });

/** Puts another webhook in the place of the one with its id, or nothing. */
export const replaceWebhook = (
  { ownerId, webhooks, version }: WebhookRegister,
  id: WebhookId,
  next: Webhook | undefined,
): WebhookRegister => ({
  ownerId,
  webhooks: webhooks.flatMap((webhook) => (webhook.id === id ? (next ?? []) : webhook)),
  version: version + 1,
});

export const changeWebhook = (webhook: Webhook, wish: WebhookWish, now: Date): Webhook => {
  const { id, status, reason, createdAt, version } = webhook;
  return { id, ...wish, status, ...(reason && { reason }), createdAt, updatedAt: now, version: version + 1 };
};

export const pauseWebhook = (webhook: Webhook, reason: Reason, now: Date): Webhook => ({
  ...webhook,
  status: "paused",
  reason,
  updatedAt: now,
  version: webhook.version + 1,
});

export const resumeWebhook = ({ reason: _reason, ...webhook }: Webhook, now: Date): Webhook => ({
  ...webhook,
  status: "active",
  updatedAt: now,
  version: webhook.version + 1,
});

/** How an endpoint has answered lately. Attempts that a person asked for do not count. */
export interface WebhookHealth {
  /** Attempts since the last one that it took. */
  readonly failedInRow: number;
  /** The first of them. */
  readonly failingSince?: Date;
  readonly lastDeliveredAt?: Date;
  readonly lastFailedAt?: Date;
}

export const UNUSED: WebhookHealth = { failedInRow: 0 };

/** So many attempts, and for so long: neither an evening's outage of a busy endpoint nor one lost event is enough. */
export const PAUSE_AFTER = { failedInRow: 20, failingForMs: 24 * 60 * 60 * 1_000 } as const;

export const keepsFailing = ({ failedInRow, failingSince }: WebhookHealth, now: Date): boolean =>
  failedInRow >= PAUSE_AFTER.failedInRow &&
  failingSince !== undefined &&
  now.getTime() - failingSince.getTime() >= PAUSE_AFTER.failingForMs;

const RESUME =
  "Mend the endpoint, try it with a ping, then resume the webhook. Failed deliveries can be replayed.";

export const ENDPOINT_GONE: Reason = {
  code: "endpoint-gone",
  message: "The endpoint answered 410: it wants no more events.",
  remedy: "Delete the webhook if that is meant. Else mend the endpoint and resume the webhook.",
};

export const endpointFailing = ({ failedInRow, failingSince }: WebhookHealth): Reason => ({
  code: "endpoint-failing",
  message: `The endpoint took none of the last ${failedInRow} attempts, since ${failingSince?.toISOString()}.`,
  remedy: RESUME,
});

/** Which secrets sign: the newest, and for a while the one before. */
export interface WebhookSecrets {
  readonly current: string;
  readonly previous?: { readonly secret: string; readonly until: Date };
  readonly version: number;
}

/** How long both sides may take to change a secret, unless the owner says otherwise. */
export const SECRET_OVERLAP_HOURS = 24;

export const newSecrets = (secret: string): WebhookSecrets => ({ current: secret, version: 1 });

/** @param overlapMs - 0: the old one is known to somebody, and ends at once */
export const rotateSecret = (
  { current, version }: WebhookSecrets,
  next: string,
  now: Date,
  overlapMs: number,
): WebhookSecrets => ({
  current: next,
  ...(overlapMs > 0 && {
    previous: { secret: current, until: new Date(now.getTime() + overlapMs) },
  }),
  version: version + 1,
});

export const secretsInForce = ({ current, previous }: WebhookSecrets, now: Date): readonly string[] =>
  previous && previous.until > now ? [current, previous.secret] : [current];
