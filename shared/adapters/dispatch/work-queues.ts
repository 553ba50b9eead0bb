import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import * as z from "zod";
import { type QueueDepth, WORK_QUEUES, type WorkQueueName } from "#shared/domain/work-queue.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { WorkQueues } from "#shared/ports/work-queues.ts";

export interface SqsWorkQueuesOptions {
  readonly sqs: SQSClient;
  readonly clock: Pick<Clock, "now">;
  readonly queues: Readonly<Record<WorkQueueName, { readonly url: string; readonly deadLettersUrl: string }>>;
  /** Dead letters of functions that no queue feeds. */
  readonly backgroundUrl: string;
}

const ATTRIBUTES = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
] as const;
const count = z.string().regex(/^\d+$/).transform(Number);
const attributes = z.object({
  ApproximateNumberOfMessages: count,
  ApproximateNumberOfMessagesNotVisible: count,
  ApproximateNumberOfMessagesDelayed: count,
});

/** SQS hands out so many at once. */
const BATCH = 10;
/** A dead letter that was taken and not moved is one again after this. */
const HIDDEN_SECONDS = 30;
/** Asks all of SQS's servers: without it an answer may be empty although there are messages. */
const LONG_POLL_SECONDS = 1;

/** What Lambda writes about an asynchronous event that failed: the event itself is in it. */
const lambdaRecord = z.object({
  requestContext: z.object({ functionArn: z.string() }),
  requestPayload: z.record(z.string(), z.unknown()),
});

/** The message as its queue takes it. */
function toReplay(body: string): string {
  try {
    const record = lambdaRecord.safeParse(JSON.parse(body));
    return record.success ? JSON.stringify(record.data.requestPayload) : body;
  } catch {
    return body;
  }
}

/**
 * Queues in SQS. Dead letters are moved one by one and not by SQS's own redrive: that one does not say how many it moved,
 * and would send Lambda's records of failed events to workers that cannot read them.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
 */
export function createSqsWorkQueues({ sqs, clock, queues, backgroundUrl }: SqsWorkQueuesOptions): WorkQueues {
  async function readDepth(QueueUrl: string): Promise<QueueDepth> {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...ATTRIBUTES] }),
    );
    const read = attributes.parse(Attributes);
    return {
      waiting: read.ApproximateNumberOfMessages,
      inFlight: read.ApproximateNumberOfMessagesNotVisible,
      delayed: read.ApproximateNumberOfMessagesDelayed,
    };
  }

  async function move(
    { url, deadLettersUrl }: { readonly url: string; readonly deadLettersUrl: string },
    { Body = "", ReceiptHandle }: Message,
  ): Promise<"moved" | "doubled" | "failed"> {
    try {
      await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: toReplay(Body) }));
    } catch {
      return "failed";
    }
    try {
      await sqs.send(new DeleteMessageCommand({ QueueUrl: deadLettersUrl, ReceiptHandle }));
      return "moved";
    } catch {
      return "doubled";
    }
  }

  return {
    read: () =>
      Promise.all([
        ...WORK_QUEUES.map(async (name) => {
          const { url, deadLettersUrl } = queues[name];
          const [work, deadLetters] = await Promise.all([readDepth(url), readDepth(deadLettersUrl)]);
          return { name, work, deadLetters };
        }),
        readDepth(backgroundUrl).then((deadLetters) => ({ name: "background" as const, deadLetters })),
      ]),

    async redrive(name, limit, until) {
      const queue = queues[name];
      const counts = { moved: 0, doubled: 0, failed: 0 };
      for (let left = limit; left > 0 && clock.now() < until; ) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: queue.deadLettersUrl,
            MaxNumberOfMessages: Math.min(BATCH, left),
            VisibilityTimeout: HIDDEN_SECONDS,
            WaitTimeSeconds: LONG_POLL_SECONDS,
          }),
        );
        if (Messages.length === 0) return { ...counts, more: counts.doubled + counts.failed > 0 };
        for (const outcome of await Promise.all(Messages.map((message) => move(queue, message))))
          counts[outcome]++;
        left -= Messages.length;
      }
      return { ...counts, more: true };
    },
  };
}
