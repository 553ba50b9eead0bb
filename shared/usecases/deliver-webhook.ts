import type { OwnerId } from "#shared/domain/ids.ts";
import type { Reason } from "#shared/domain/reason.ts";
import {
  ENDPOINT_GONE,
  endpointFailing,
  keepsFailing,
  pauseWebhook,
  secretsInForce,
  type Webhook,
} from "#shared/domain/webhook.ts";
import {
  type Delivery,
  type DeliveryAttempt,
  isTaken,
  newDelivery,
  settleDelivery,
} from "#shared/domain/webhook-delivery.ts";
import type { WebhookEvent } from "#shared/domain/webhook-event.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import type { WebhookMessage, WebhookQueue } from "#shared/ports/webhook-queue.ts";
import type { ShownWebhookEvent, WebhookAnswer, WebhookSender } from "#shared/ports/webhook-sender.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";
import type { WebhookVault } from "#shared/ports/webhook-vault.ts";
import { changeOwnWebhook } from "./change-own-webhook.ts";
import { findWebhook } from "./read-webhooks.ts";

export interface DeliverWebhookDeps {
  readonly webhooks: WebhookStore;
  readonly vault: Pick<WebhookVault, "load">;
  readonly tasks: Pick<TaskStore, "getContent">;
  readonly accounts: Pick<AccountStore, "getAccount" | "getProject">;
  readonly sender: WebhookSender;
  readonly queue: WebhookQueue;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "random">;
}

/**
 * - `waits`: it is not due yet, and was sent on
 * - `gone`: there is no such webhook any more
 * - `stale`: the attempt was made before, or by somebody else at the same time
 * - the rest: what became of the delivery
 */
export interface DeliverReport {
  readonly kind: "waits" | "gone" | "stale" | Delivery["status"];
  readonly status?: number;
  readonly code?: DeliveryAttempt["code"];
  readonly durationMs?: number;
  /** The webhook was paused by it. */
  readonly paused?: string;
}

export type DeliverWebhook = (message: WebhookMessage) => Promise<DeliverReport>;

/** It wants nothing any more. @see https://www.rfc-editor.org/rfc/rfc9110#status.410 */
const GONE = 410;

/**
 * Makes one attempt to deliver one event, notes it, and asks for the next one if it has to be.
 *
 * The attempt is noted after it was made: whoever dies in between leaves a message that comes again, and the endpoint
 * hears the event twice under one id. The next attempt is asked for after the note: whoever dies in between finds the note
 * when the message comes again, and only asks.
 *
 * @throws DependencyFault and whatever else keeps an attempt from being made or noted: the message comes again
 */
export function createDeliverWebhook(deps: DeliverWebhookDeps): DeliverWebhook {
  const { webhooks, vault, tasks, accounts, sender, queue, clock, entropy } = deps;

  async function show(event: WebhookEvent): Promise<ShownWebhookEvent> {
    if (!("task" in event)) return event;
    const { task } = event;
    const [content, account, project] = await Promise.all([
      tasks.getContent(task),
      accounts.getAccount(task.accountId),
      accounts.getProject(task.projectId),
    ]);
    if (!content) throw new RangeError(`task ${task.id} has no content of revision ${task.contentRev}`);
    return {
      ...event,
      content,
      project: project?.name ?? task.projectId,
      account: account?.name ?? task.accountId,
      timeZone: project?.timeZone ?? "UTC",
    };
  }

  const askForNext = async (message: WebhookMessage, { status, nextAt, attemptCount }: Delivery) => {
    if (status !== "pending") return;
    const { ownerId, webhookId, deliveryId, event } = message;
    const attempt = attemptCount + 1;
    await queue.send([{ ownerId, webhookId, deliveryId, attempt, event, ...(nextAt && { dueAt: nextAt }) }]);
  };

  /** Somebody took the number first. If only people did, the retry that waited for it goes on under the next one. */
  async function skip(message: WebhookMessage, known: Delivery): Promise<DeliverReport> {
    const since = known.attempts.slice(message.attempt - known.attemptCount - 1);
    const isOpen = known.attemptCount === message.attempt || since.every(({ manual }) => manual);
    if (!message.manual && isOpen) await askForNext(message, known);
    return { kind: "stale" };
  }

  /** @returns why it is paused; undefined: it is not, since its address was changed while this one was called */
  async function pause(
    { ownerId, id, url }: Pick<Webhook, "id" | "url"> & { readonly ownerId: OwnerId },
    reason: Reason,
  ): Promise<string | undefined> {
    const changed = await changeOwnWebhook(webhooks, ownerId, id, undefined, (own) =>
      own.status === "paused" || own.url !== url ? own : pauseWebhook(own, reason, clock.now()),
    );
    return changed.ok && changed.value.status === "paused" ? reason.code : undefined;
  }

  /** @returns why the webhook was paused, if it was */
  async function noteHealth(
    { ownerId, webhookId }: WebhookMessage,
    { url }: Webhook,
    attempt: DeliveryAttempt,
  ): Promise<string | undefined> {
    const now = clock.now();
    const called = { ownerId, id: webhookId, url };
    if (isTaken(attempt)) {
      await webhooks.noteDelivered(webhookId, now);
      return undefined;
    }
    const health = await webhooks.noteFailed(webhookId, now);
    if (attempt.status === GONE) return pause(called, ENDPOINT_GONE);
    return keepsFailing(health, now) ? pause(called, endpointFailing(health)) : undefined;
  }

  return async (message) => {
    const { ownerId, webhookId, deliveryId, dueAt, manual, event } = message;
    if (dueAt && dueAt > clock.now()) {
      await queue.send([message]);
      return { kind: "waits" };
    }
    const found = await findWebhook(webhooks, ownerId, webhookId);
    const secrets = found.ok ? await vault.load(webhookId) : undefined;
    if (!found.ok || !secrets) return { kind: "gone" };
    const webhook = found.value;

    const known = await webhooks.getDelivery(webhookId, deliveryId);
    if (known && known.attemptCount >= message.attempt) return skip(message, known);

    const isWanted = manual || webhook.status === "active";
    const at = clock.now();
    const answer: WebhookAnswer = isWanted
      ? await sender.send({
          url: webhook.url,
          deliveryId,
          secrets: secretsInForce(secrets, at),
          event: await show(event),
        })
      : { code: "webhook-paused" };
    const { status, code, retryAfterMs } = answer;
    const attempt: DeliveryAttempt = {
      at,
      durationMs: clock.now().getTime() - at.getTime(),
      ...(manual && { manual }),
      ...(status !== undefined && { status }),
      ...(code !== undefined && { code }),
    };
    const next = settleDelivery(known ?? newDelivery(deliveryId, webhookId, event), attempt, {
      random: entropy.random(),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      stops: !isWanted || status === GONE,
    });
    if (!(await webhooks.saveDelivery(next)).ok) {
      const other = await webhooks.getDelivery(webhookId, deliveryId);
      return other ? skip(message, other) : { kind: "stale" };
    }
    const paused = isWanted && !manual ? await noteHealth(message, webhook, attempt) : undefined;
    if (!manual) await askForNext(message, next);
    const { at: _at, manual: _manual, ...told } = attempt;
    return { kind: next.status, ...told, ...(paused !== undefined && { paused }) };
  };
}
