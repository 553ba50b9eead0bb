import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, paginateScan, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoKeyStore } from "#shared/adapters/dynamodb/key-store.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import type { TestPunctual } from "./punctual.ts";
import { waitFor } from "./wait-for.ts";

type Item = Readonly<Record<string, unknown>>;

/** Whoever deployed it: may look at everything, which no function may. */
export interface Operator {
  readonly accounts: AccountStore;
  readonly keys: KeyStore;
  /** Every item of the table. */
  items(): Promise<readonly Item[]>;
  /** Moves instants of an item, as if that much time had passed. */
  backdate(
    key: { readonly pk: string; readonly sk: string },
    instants: readonly string[],
    ms: number,
  ): Promise<void>;
  /** Messages of every queue, those that are hidden or delayed included; empty queues are left out. */
  queued(): Promise<Readonly<Record<string, number>>>;
  /** Resolves when no message but dead ones is left anywhere, and no function runs. */
  idle(deadlineMs?: number): Promise<void>;
  close(): void;
}

const COUNTS = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
] as const;

export function createOperator({ cloud }: Pick<TestPunctual, "cloud">): Operator {
  const settings = {
    endpoint: cloud.gatewayUrl,
    region: cloud.assembly.region,
    credentials: { accessKeyId: "OPERATOR", secretAccessKey: "local" },
  };
  const dynamodb = new DynamoDBClient(settings);
  const documents = DynamoDBDocumentClient.from(dynamodb);
  const sqs = new SQSClient(settings);
  const tableName = cloud.outputs["TableName"] ?? "";
  const table = { documents, tableName, clock, entropy };

  async function items(): Promise<readonly Item[]> {
    const found: Item[] = [];
    const pages = paginateScan({ client: documents }, { TableName: tableName, ConsistentRead: true });
    for await (const { Items = [] } of pages) found.push(...Items);
    return found;
  }

  async function queued(): Promise<Readonly<Record<string, number>>> {
    const counts = await Promise.all(
      cloud.assembly.ofType("AWS::SQS::Queue").map(async ({ logicalId, physicalId: QueueUrl }) => {
        const { Attributes = {} } = await sqs.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...COUNTS] }),
        );
        const count = COUNTS.reduce((sum, name) => sum + Number(Attributes[name]), 0);
        return [logicalId, count] as const;
      }),
    );
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  const deadLetters = new Set(
    Object.entries(cloud.outputs).flatMap(([name, url]) => (name.endsWith("DeadLettersUrl") ? [url] : [])),
  );
  const isDeadLetters = (logicalId: string) =>
    cloud.assembly
      .ofType("AWS::SQS::Queue")
      .some((queue) => queue.logicalId === logicalId && deadLetters.has(queue.physicalId));

  return {
    accounts: createDynamoAccountStore(table),
    keys: createDynamoKeyStore(table),
    items,
    queued,

    async backdate(key, instants, ms) {
      const item = (await items()).find(({ pk, sk }) => pk === key.pk && sk === key.sk);
      const values = instants.map((name) => new Date(Date.parse(String(item?.[name])) - ms).toISOString());
      await documents.send(
        new UpdateCommand({
          TableName: tableName,
          Key: key,
          UpdateExpression: `SET ${instants.map((_, index) => `#n${index} = :v${index}`).join(", ")}`,
          ConditionExpression: "attribute_exists(pk)",
          ExpressionAttributeNames: Object.fromEntries(instants.map((name, index) => [`#n${index}`, name])),
          ExpressionAttributeValues: Object.fromEntries(values.map((value, index) => [`:v${index}`, value])),
        }),
      );
    },

    async idle(deadlineMs) {
      await waitFor(
        "the queues to be empty",
        async () => {
          const busy = Object.keys(await queued()).filter((id) => !isDeadLetters(id));
          return busy.length === 0 ? true : undefined;
        },
        deadlineMs,
      );
    },

    close() {
      documents.destroy();
      dynamodb.destroy();
      sqs.destroy();
    },
  };
}
