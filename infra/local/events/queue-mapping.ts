import { availableParallelism } from "node:os";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
} from "@aws-sdk/client-sqs";
import type { Access } from "../iam/access.ts";
import { type Invocation, type LambdaRuntime, ThrottledFault } from "../lambda/runtime.ts";
import { isAccessDenied, sqsClient } from "../services/clients.ts";
import { pause } from "../services/delay.ts";
import { type ReportFault, WiringFault } from "../services/wiring-fault.ts";
import type { Assembly } from "../template/assembly.ts";
import { TemplateFault } from "../template/fault.ts";
import { failedRecords } from "./batch-answer.ts";
import type { QueueMappingSettings } from "./mapping-settings.ts";
import { nextRamp, RESTING_RAMP } from "./poller-ramp.ts";

/** `fixed`: as many batches at once as this machine takes. `ramp-up`: few at first, and more by and by, as in AWS. */
export type Pollers = "fixed" | "ramp-up";

export interface MappingDeps {
  readonly assembly: Assembly;
  readonly access: Access;
  readonly runtime: LambdaRuntime;
  /** Gateway address without a trailing slash. */
  readonly gatewayUrl: string;
  readonly onFault: ReportFault;
  /** How pollers of queues scale. @default "fixed" */
  readonly pollers?: Pollers;
}

export interface RunningMapping {
  readonly logicalId: string;
  /** Stops polling and waits for the batches that are being worked on. */
  close(): Promise<void>;
}

/** What Lambda itself does with the function's role; it refuses to create a mapping whose role lacks one of them. */
const NEEDED = [
  "sqs:ReceiveMessage",
  "sqs:DeleteMessage",
  "sqs:GetQueueAttributes",
  "sqs:ChangeMessageVisibility",
] as const;
/** SQS's own limits. @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html */
const MAX_RECEIVE = 10;
const LONG_POLL_SECONDS = 20;
/** Lambda starts with five pollers; two keep both processors of a laptop busy. */
const POLLERS = 2;
/**
 * Batches at once, where the template limits them: such a function computes, and more threads than this only take the
 * processors from each other. One without a limit may wait for an instant, which takes no processor.
 */
const MOST_AT_ONCE = Math.max(4, 2 * availableParallelism());
/** Share of the runtime's capacity. With all of it, two busy queues would keep taking each other's warm workers. */
const SHARE = 0.5;
const FAULT_PAUSE_MS = 2_000;
const RAMP_STEP_MS = 1_000;
/** A throttled batch becomes visible again after this. */
const THROTTLED_SECONDS = 5;

interface QueueRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
}

/** A message as the function sees it. @see https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
function toRecord(message: Message, queueArn: string, region: string) {
  const messageAttributes = Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
    name,
    {
      ...(value.StringValue !== undefined && { stringValue: value.StringValue }),
      ...(value.BinaryValue !== undefined && {
        binaryValue: Buffer.from(value.BinaryValue).toString("base64"),
      }),
      stringListValues: [],
      binaryListValues: [],
      dataType: value.DataType,
    },
  ]);
  return {
    messageId: message.MessageId ?? "",
    receiptHandle: message.ReceiptHandle ?? "",
    body: message.Body ?? "",
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(messageAttributes) as Record<string, unknown>,
    md5OfBody: message.MD5OfBody,
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}

/** Counts what runs at once; `enter` waits for room. */
function createGate(initialLimit: number) {
  let limit = initialLimit;
  let inside = 0;
  const waiting: (() => void)[] = [];
  const admit = (): void => {
    while (inside < limit && waiting.length > 0) {
      inside += 1;
      waiting.shift()?.();
    }
  };
  return {
    /** Whoever is inside stays, even if they are more than the new limit. */
    setLimit(next: number): void {
      limit = next;
      admit();
    },
    async enter(): Promise<void> {
      const entered = new Promise<void>((resolve) => waiting.push(resolve));
      admit();
      await entered;
    },
    leave(): void {
      inside -= 1;
      admit();
    },
  };
}

/**
 * Polls a queue in the name of the function's role and hands batches to the function.
 *
 * @throws WiringFault before anything is polled, when the role lacks a right that the mapping needs.
 * @throws TemplateFault when the queue hides messages for less time than the function may take, as Lambda refuses it.
 */
export async function startQueueMapping(
  settings: QueueMappingSettings,
  { assembly, access, runtime, gatewayUrl, onFault, pollers: kind = "fixed" }: MappingDeps,
): Promise<RunningMapping> {
  const { logicalId, lambda, queue, batchSize, windowMs, partialFailures } = settings;
  const refused = (action: string, problem: string, cause?: unknown) =>
    new WiringFault(
      logicalId,
      action,
      `the role of ${lambda.logicalId} may not use ${queue.logicalId} for it: ${problem}`,
      cause === undefined ? {} : { cause },
    );

  for (const action of NEEDED) {
    const principal = { function: lambda.logicalId };
    const decision = await access.check({ principal, action, resource: queue.arn });
    if (!decision.allowed) throw refused(action, decision.message);
  }

  const client = sqsClient({ gatewayUrl, region: assembly.region, caller: lambda.logicalId });
  const closing = new AbortController();
  const { signal } = closing;
  const QueueUrl = queue.physicalId;
  const most =
    settings.maxConcurrency === undefined
      ? Math.ceil(runtime.capacity * SHARE)
      : Math.min(settings.maxConcurrency, MOST_AT_ONCE, runtime.capacity);
  const gate = createGate(most);
  const working = new Set<Promise<void>>();
  /** Most batches at once since the ramp last looked. */
  let peak = 0;

  /** Runs a call of the poller; a refusal by the role is told once per kind of call, not once per try. */
  const told = new Set<string>();
  async function attempt<Answer>(action: string, call: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      const answer = await call();
      told.delete(action);
      return answer;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!told.has(action)) {
        told.add(action);
        const failed = new Error(`${logicalId}: ${action} on ${queue.logicalId} failed`, { cause: error });
        onFault(isAccessDenied(error) ? refused(action, error.message, error) : failed);
      }
      await pause(FAULT_PAUSE_MS, signal);
      return undefined;
    }
  }

  const receive = async (count: number, waitSeconds: number): Promise<readonly Message[]> => {
    const command = new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: Math.min(count, MAX_RECEIVE),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    });
    const answer = await attempt("sqs:ReceiveMessage", () => client.send(command, { abortSignal: signal }));
    return answer?.Messages ?? [];
  };

  /** A batch is full, or its window is over; the window opens with the first message. */
  async function collect(): Promise<readonly Message[]> {
    const batch = [...(await receive(batchSize, LONG_POLL_SECONDS))];
    const closesAt = Date.now() + windowMs;
    while (batch.length > 0 && batch.length < batchSize && Date.now() < closesAt && !signal.aborted) {
      const leftSeconds = Math.ceil((closesAt - Date.now()) / 1_000);
      batch.push(...(await receive(batchSize - batch.length, Math.min(leftSeconds, LONG_POLL_SECONDS))));
    }
    return batch;
  }

  async function giveBack(records: readonly QueueRecord[], visibleInSeconds: number): Promise<void> {
    for (const { receiptHandle } of records) {
      await attempt("sqs:ChangeMessageVisibility", () =>
        client.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl,
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: visibleInSeconds,
          }),
        ),
      );
    }
  }

  async function remove(records: readonly QueueRecord[]): Promise<void> {
    for (let index = 0; index < records.length; index += MAX_RECEIVE) {
      const Entries = records
        .slice(index, index + MAX_RECEIVE)
        .map(({ receiptHandle }, position) => ({ Id: String(position), ReceiptHandle: receiptHandle }));
      const answer = await attempt("sqs:DeleteMessage", () =>
        client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries })),
      );
      for (const { Code, Message: message } of answer?.Failed ?? []) {
        onFault(
          new Error(
            `${logicalId}: a message of ${queue.logicalId} was not deleted: ${Code} ${message ?? ""}`,
          ),
        );
      }
    }
  }

  async function work(messages: readonly Message[]): Promise<void> {
    const records = messages.map((message) => toRecord(message, queue.arn, assembly.region));
    let outcome: Invocation;
    try {
      outcome = await runtime.invoke(lambda.logicalId, { Records: records });
    } catch (error) {
      if (error instanceof ThrottledFault) return giveBack(records, THROTTLED_SECONDS);
      if (signal.aborted) return giveBack(records, 0);
      return onFault(new Error(`${logicalId}: a batch could not be handed over`, { cause: error }));
    }
    const failed = failedRecords(
      outcome,
      records.map(({ messageId }) => messageId),
      partialFailures,
    );
    await remove(records.filter(({ messageId }) => !failed.has(messageId)));
    // Whoever stops the cloud wants its messages at the next start, not after the visibility timeout.
    if (signal.aborted)
      await giveBack(
        records.filter(({ messageId }) => failed.has(messageId)),
        0,
      );
  }

  async function poll(): Promise<void> {
    while (!signal.aborted) {
      await gate.enter();
      const messages = signal.aborted ? [] : await collect();
      if (messages.length === 0) {
        gate.leave();
        continue;
      }
      const batch = work(messages).finally(() => {
        gate.leave();
        working.delete(batch);
      });
      working.add(batch);
      peak = Math.max(peak, working.size);
    }
  }

  const attributes = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["VisibilityTimeout"] }),
  );
  const visibilityMs = Number(attributes.Attributes?.["VisibilityTimeout"]) * 1_000;
  if (visibilityMs < lambda.timeoutMs) {
    client.destroy();
    throw new TemplateFault(
      queue.stack,
      logicalId,
      `${queue.logicalId} hides messages for ${visibilityMs} ms, less than the ${lambda.timeoutMs} ms that ${lambda.logicalId} may take`,
    );
  }
  /** Widens and narrows the gate as AWS does; nothing runs that this machine would not run anyway. */
  async function rampUp(): Promise<void> {
    let ramp = RESTING_RAMP;
    while (!signal.aborted) {
      gate.setLimit(Math.min(ramp.limit, most));
      await pause(RAMP_STEP_MS, signal);
      ramp = nextRamp(ramp, peak);
      peak = working.size;
    }
  }
  const pollers = settings.enabled ? Array.from({ length: POLLERS }, () => poll()) : [];
  if (settings.enabled && kind === "ramp-up") pollers.push(rampUp());

  return {
    logicalId,
    async close() {
      closing.abort();
      // Pollers that wait for room are let in by the batches that end, and leave at once.
      await Promise.all(working);
      await Promise.all(pollers);
      client.destroy();
    },
  };
}
