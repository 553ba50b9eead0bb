import type { SQSBatchResponse } from "aws-lambda";
import * as z from "zod";
import { runBatch } from "#functions/middleware/record-batch.ts";
import type { FunctionLogger } from "#functions/middleware/task-messages.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { asDeliveryId, asWebhookId } from "#shared/domain/webhook.ts";
import { sequenceOf, subjectOf, webhookEventSchema } from "#shared/domain/webhook-event.ts";
import { MalformedMessageFault } from "#shared/errors.ts";
import type { WebhookMessage } from "#shared/ports/webhook-queue.ts";
import type { DeliverWebhook } from "#shared/usecases/deliver-webhook.ts";

export interface DeliverWebhookHandlerDeps {
  readonly deliverWebhook: DeliverWebhook;
  readonly logger: FunctionLogger;
}

/** Messages of a batch that are worked on at the same time: a slow endpoint holds up no other. */
const CONCURRENCY = TIMING.deliver.batchSize;

/** Fields that a later version adds are ignored, so that two versions can share a queue during a deployment. */
const webhookMessage = z.object({
  ownerId: z.string().transform(asOwnerId),
  webhookId: z.ulid().transform(asWebhookId),
  deliveryId: z.ulid().transform(asDeliveryId),
  attempt: z.int().positive(),
  dueAt: z.iso
    .datetime()
    .transform((iso) => new Date(iso))
    .exactOptional(),
  manual: z.literal(true).exactOptional(),
  event: webhookEventSchema,
}) satisfies z.ZodType<WebhookMessage>;

const queueEvent = z.object({
  Records: z.array(
    z
      .object({ messageId: z.string(), body: z.string() })
      .transform(({ messageId, body }) => ({ messageId, message: readMessage(body) })),
  ),
});

/** @returns undefined: it is none */
function readMessage(body: string): WebhookMessage | undefined {
  try {
    return webhookMessage.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

/** Works off the queue of webhooks. Events of one task for one endpoint that come together are sent in their order. */
export const createHandler =
  ({ deliverWebhook, logger }: DeliverWebhookHandlerDeps) =>
  async (event: unknown): Promise<SQSBatchResponse> => {
    const { Records } = queueEvent.parse(event);
    const sequence = ({ message }: { readonly message?: WebhookMessage | undefined }): number =>
      message ? sequenceOf(message.event) : 0;
    const { batchItemFailures } = await runBatch(
      Records.toSorted((one, other) => sequence(one) - sequence(other)),
      {
        idOf: ({ messageId }) => messageId,
        groupOf: ({ messageId, message }) =>
          message ? JSON.stringify([message.webhookId, subjectOf(message.event)]) : messageId,
        concurrency: CONCURRENCY,
        logger,
      },
      async ({ messageId, message }) => {
        if (!message)
          throw new MalformedMessageFault("a message of a webhook has wrong fields", {
            details: { messageId },
          });
        const { webhookId, deliveryId, attempt, event: sent } = message;
        const outcome = await deliverWebhook(message);
        logger.info("webhook attempted", {
          webhookId,
          deliveryId,
          attempt,
          type: sent.type,
          subject: subjectOf(sent),
          outcome,
        });
      },
    );
    return { batchItemFailures: [...batchItemFailures] };
  };
