import { SendMessageBatchCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { TIMING } from "#shared/domain/timing.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { WebhookMessage, WebhookQueue } from "#shared/ports/webhook-queue.ts";

export interface SqsWebhookQueueOptions {
  readonly sqs: Pick<SQSClient, "send">;
  readonly queueUrl: string;
  readonly clock: Pick<Clock, "now">;
}

/** @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html */
const MAX_ENTRIES = 10;

const delaySeconds = (dueAt: Date | undefined, now: Date): number => {
  const waitMs = dueAt ? dueAt.getTime() - now.getTime() : 0;
  return Math.ceil(Math.min(Math.max(waitMs, 0), TIMING.maxQueueDelayMs) / 1_000);
};

/**
 * Messages of webhooks. Those of one owner are one group of a fair queue: an owner with a slow endpoint and many events
 * does not keep the others waiting.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
export function createSqsWebhookQueue({ sqs, queueUrl, clock }: SqsWebhookQueueOptions): WebhookQueue {
  return {
    async send(messages: readonly WebhookMessage[]) {
      for (let start = 0; start < messages.length; start += MAX_ENTRIES) {
        const { Failed = [] } = await sqs.send(
          new SendMessageBatchCommand({
            QueueUrl: queueUrl,
            Entries: messages.slice(start, start + MAX_ENTRIES).map((message, index) => ({
              Id: String(index),
              MessageBody: JSON.stringify(message),
              MessageGroupId: message.ownerId,
              DelaySeconds: delaySeconds(message.dueAt, clock.now()),
            })),
          }),
        );
        if (Failed.length > 0)
          throw new DependencyFault("the queue of webhooks did not take every message", {
            details: { failed: Failed.length, codes: [...new Set(Failed.map(({ Code }) => Code))] },
          });
      }
    },
  };
}
