import { type Place, type Right, text, UnknownCall } from "./rights.ts";

const onOneQueue = new Set([
  "ChangeMessageVisibility",
  "DeleteMessage",
  "GetQueueAttributes",
  "GetQueueUrl",
  "PurgeQueue",
  "ReceiveMessage",
  "SendMessage",
  "SetQueueAttributes",
]);

/**
 * The right that an SQS call needs; a batch needs the right of the single call.
 * @throws UnknownCall
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
 */
export function queueRights(
  place: Place,
  operation: string,
  body: Readonly<Record<string, unknown>>,
): readonly Right[] {
  const action = operation.replace(/Batch$/, "");
  if (!onOneQueue.has(action)) {
    throw new UnknownCall(`sqs:${operation}`);
  }
  const url = text(body["QueueUrl"]);
  const name = url === "" ? text(body["QueueName"]) : url.slice(url.lastIndexOf("/") + 1);
  return [{ action: `sqs:${action}`, resource: `arn:aws:sqs:${place.region}:${place.accountId}:${name}` }];
}
