/** Due tasks that nobody has been told of yet, and what becomes of them. */
import { setTimeout } from "node:timers/promises";
import { GetQueueAttributesCommand, SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoBatchStore } from "#shared/adapters/dynamodb/batch-store.ts";
import { createDynamoFingerprintStore } from "#shared/adapters/dynamodb/fingerprint-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import type { ReceivedTaskMessage, TaskDispatch } from "#shared/ports/task-dispatch.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createCreateTask } from "#shared/usecases/create-task.ts";
import { FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import { createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import type { BenchCloud } from "#test/bench/cloud/start.ts";

/** Made at the same time. */
const CREATING = 10;
/** SQS takes so many with one request. */
const BATCH = 10;
const SETTLE_DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 100;

/** Tasks that are due, and the messages that will wake the publishers. */
export interface DueTasks {
  readonly texts: readonly string[];
  /** Puts all messages into the publishers' queue. */
  release(): Promise<void>;
}

/** Keeps what is due instead of sending it. */
function createHeldDispatch() {
  const held: ReceivedTaskMessage[] = [];
  const dispatch: TaskDispatch = {
    async schedule() {
      return { ok: false, error: { reason: "passed" } };
    },
    async enqueue(message) {
      held.push({ ...message, via: "queue" });
    },
    async unschedule() {},
  };
  return { dispatch, held };
}

/** Creates text tasks that are due now by the production's use case, the accounts in turn. */
export async function createDueTasks(
  { table, sqs, accounts: names, variable }: BenchCloud,
  { count, name }: { readonly count: number; readonly name: string },
): Promise<DueTasks> {
  const tasks = createDynamoTaskStore(table);
  const { dispatch, held } = createHeldDispatch();
  const { clock, entropy } = table;
  const createTask = createCreateTask({
    accounts: createDynamoAccountStore(table),
    batches: createDynamoBatchStore(table),
    placePost: createPlacePost({
      tasks,
      planSlot: createPlanSlot({ tasks, accounts: createDynamoAccountStore(table), clock }),
      fingerprints: createDynamoFingerprintStore(table),
      arrange: createArrangeTask({ tasks, dispatch, clock, limits: ARRANGEMENT_LIMITS }),
      clock,
      entropy,
      report: (error) => {
        throw error;
      },
    }),
    clock,
  });
  const texts = Array.from({ length: count }, (_, index) => `${name}, post ${index + 1}`);
  const left = texts.entries();
  const create = async () => {
    for (const [index, text] of left) {
      const created = await createTask({
        ownerId: FIRST_OWNER,
        project: "default",
        account: names[index % names.length],
        texts: [text],
        publishAt: "now",
        priority: 5,
        language: "en",
        latePolicy: { then: "hold" },
        maxRetries: 3,
      });
      if (!created.ok) throw new Error(`a task was refused: ${created.error.reason}`);
    }
  };
  await Promise.all(Array.from({ length: CREATING }, create));
  if (held.length !== count) throw new Error(`${held.length} of ${count} tasks are due`);

  return {
    texts,
    async release() {
      const QueueUrl = variable("publish-post", "PUBLISH_QUEUE_URL");
      for (let start = 0; start < held.length; start += BATCH) {
        const Entries = held
          .slice(start, start + BATCH)
          .map((message, index) => ({ Id: String(index), MessageBody: JSON.stringify(message) }));
        const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
        if (Failed.length > 0) throw new Error(`the queue refused ${Failed.length} messages`);
      }
    },
  };
}

/** Resolves when every message was worked on and acknowledged, or after a minute: then the table tells what is left. */
export async function settled({ sqs, variable }: BenchCloud): Promise<void> {
  const QueueUrl = variable("publish-post", "PUBLISH_QUEUE_URL");
  const AttributeNames = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
  ] as const;
  const deadline = Date.now() + SETTLE_DEADLINE_MS;
  for (;;) {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }),
    );
    if (AttributeNames.every((name) => Attributes[name] === "0") || Date.now() > deadline) return;
    await setTimeout(LOOK_EVERY_MS);
  }
}
