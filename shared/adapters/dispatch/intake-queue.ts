import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { IntakeQueue } from "#shared/ports/intake-queue.ts";

export interface SqsIntakeQueueOptions {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
}

/** Messages to `accept-drop` from ourselves; the bucket's events come to the same queue by a rule. */
export function createSqsIntakeQueue({ sqs, queueUrl }: SqsIntakeQueueOptions): IntakeQueue {
  const send = async (body: object, delayMs: number): Promise<void> => {
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: JSON.stringify(body),
        DelaySeconds: Math.ceil(delayMs / 1_000),
      }),
    );
  };
  return {
    settle: (project, base, delayMs) => send({ kind: "settle", project, base }, delayMs),
    scan: (project) => send({ kind: "scan", project }, 0),
  };
}
