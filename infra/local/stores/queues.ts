import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { Assembly, Resource } from "../template/assembly.ts";
import { direct } from "./clients.ts";

/** Template property → queue attribute; the same name in SQS. Encryption and tags change nothing here. */
const attributes = [
  "ContentBasedDeduplication",
  "DelaySeconds",
  "MaximumMessageSize",
  "MessageRetentionPeriod",
  "ReceiveMessageWaitTimeSeconds",
  "RedrivePolicy",
  "VisibilityTimeout",
] as const;

/** AWS's defaults, named so that a value taken out of the template also leaves a kept queue. */
const defaults: Readonly<Record<string, string>> = {
  DelaySeconds: "0",
  MessageRetentionPeriod: "345600",
  ReceiveMessageWaitTimeSeconds: "0",
  VisibilityTimeout: "30",
};

/** Creates the template's queues and gives kept ones the template's attributes; messages stay. */
export async function createQueues(assembly: Assembly, endpoint: string): Promise<void> {
  const client = new SQSClient(direct(assembly, endpoint));
  try {
    const queues = assembly.ofType("AWS::SQS::Queue");
    for (const queue of queues) {
      const QueueName = nameOfQueue(queue);
      const Attributes = attributesOf(queue);
      const url = await existing(client, QueueName);
      if (url === undefined) {
        const isFifo = queue.properties["FifoQueue"] === true;
        await client.send(
          new CreateQueueCommand({
            QueueName,
            Attributes: { ...Attributes, ...(isFifo && { FifoQueue: "true" }) },
          }),
        );
      } else {
        await client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
      }
    }
  } finally {
    client.destroy();
  }
}

const nameOfQueue = (queue: Resource): string =>
  queue.physicalId.slice(queue.physicalId.lastIndexOf("/") + 1);

async function existing(client: SQSClient, QueueName: string): Promise<string | undefined> {
  try {
    return (await client.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl;
  } catch (error) {
    if (error instanceof QueueDoesNotExist) {
      return undefined;
    }
    throw error;
  }
}

function attributesOf(queue: Resource): Record<string, string> {
  const given = attributes.flatMap((name) => {
    const value = queue.properties[name];
    return value === undefined
      ? []
      : [[name, typeof value === "object" ? JSON.stringify(value) : String(value)]];
  });
  return { ...defaults, ...Object.fromEntries(given) };
}
