import { asOwnerId } from "#shared/domain/ids.ts";
import { asWebhookId, newWebhook, WEBHOOK_EVENTS, type Webhook } from "#shared/domain/webhook.ts";
import type { TaskEvent } from "#shared/domain/webhook-event.ts";
import type { WebhookMessage, WebhookQueue } from "#shared/ports/webhook-queue.ts";
import type { OutgoingWebhook, WebhookAnswer, WebhookSender } from "#shared/ports/webhook-sender.ts";
import { aTask, freshTaskId } from "./builders.ts";

export const WEBHOOK_OWNER = asOwnerId("owner-1");

/** A webhook for everything; a test names only the fields it is about. */
export const aWebhook = (over: Partial<Webhook> = {}): Webhook => ({
  ...newWebhook(
    asWebhookId(String(freshTaskId())),
    { url: "https://hooks.example.com/in", events: WEBHOOK_EVENTS },
    new Date("2026-12-01T01:00:00.000Z"),
  ),
  ...over,
});

export const aTaskEvent = (over: Partial<TaskEvent> = {}): TaskEvent => ({
  type: "published",
  at: new Date("2026-12-01T01:10:00.400Z"),
  task: aTask({ status: "published", version: 6 }),
  ...over,
});

export interface InMemoryWebhookQueue extends WebhookQueue {
  readonly sent: WebhookMessage[];
}

/** What was sent, as it was sent. */
export function createInMemoryWebhookQueue(): InMemoryWebhookQueue {
  const sent: WebhookMessage[] = [];
  return {
    sent,
    async send(messages) {
      sent.push(...messages);
    },
  };
}

export interface ScriptedSender extends WebhookSender {
  readonly sent: OutgoingWebhook[];
}

/** Answers one after the other, the last one for ever. */
export function scriptedSender(...answers: readonly WebhookAnswer[]): ScriptedSender {
  const sent: OutgoingWebhook[] = [];
  const left = [...answers];
  return {
    sent,
    async send(webhook) {
      sent.push(webhook);
      const answer = left.length > 1 ? left.shift() : left[0];
      return answer ?? { status: 204 };
    },
  };
}
