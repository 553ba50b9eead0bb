import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, PutCommand, paginateScan } from "@aws-sdk/lib-dynamodb";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoKeyStore } from "#shared/adapters/dynamodb/key-store.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import type { TestPunctual } from "./punctual.ts";
import { waitFor } from "./wait-for.ts";

type Item = Readonly<Record<string, unknown>>;

/** What was there at an instant: a name for each thing (`item DROP#… DROP`, `object drop/…`, `post …`), and its state. */
export type Snapshot = ReadonlyMap<string, string>;

/** Whoever deployed it: may look at everything, which no function may. */
export interface Operator {
  readonly accounts: AccountStore;
  readonly keys: KeyStore;
  /** Every item of the table. */
  items(): Promise<readonly Item[]>;
  /** Table, bucket, schedules, messages, and what the sandbox was asked for and has. */
  snapshot(): Promise<Snapshot>;
  /** Lets a drop get older by that much, as if the time had passed. */
  ageDrop(project: string, base: string, ms: number): Promise<void>;
  /** Messages of every queue, those that are hidden or delayed included; empty queues are left out. */
  queued(): Promise<Readonly<Record<string, number>>>;
  /** Resolves when no queue but those for dead letters has a message. */
  idle(deadlineMs?: number): Promise<void>;
  close(): void;
}

const COUNTS = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
] as const;

/** Names of what is new, gone or different, in order. */
export const changesBetween = (before: Snapshot, after: Snapshot): readonly string[] =>
  [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .toSorted();

export function createOperator({ cloud, sandbox, s3, bucket }: TestPunctual): Operator {
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

  const queues = cloud.assembly.ofType("AWS::SQS::Queue");
  const deadLetterUrls = new Set(
    Object.entries(cloud.outputs).flatMap(([name, url]) => (name.endsWith("DeadLettersUrl") ? [url] : [])),
  );
  const working = queues.filter(({ physicalId }) => !deadLetterUrls.has(physicalId));

  async function items(): Promise<readonly Item[]> {
    const found: Item[] = [];
    const pages = paginateScan({ client: documents }, { TableName: tableName, ConsistentRead: true });
    for await (const { Items = [] } of pages) found.push(...Items);
    return found;
  }

  async function objects(): Promise<readonly (readonly [name: string, etag: string])[]> {
    const found: (readonly [string, string])[] = [];
    for (let ContinuationToken: string | undefined; ; ) {
      const page: ListObjectsV2CommandOutput = await s3.send(
        new ListObjectsV2Command({ Bucket: bucket, ContinuationToken }),
      );
      for (const { Key = "", ETag = "" } of page.Contents ?? []) found.push([`object ${Key}`, ETag]);
      ContinuationToken = page.NextContinuationToken;
      if (ContinuationToken === undefined) return found;
    }
  }

  async function queued(): Promise<Readonly<Record<string, number>>> {
    const counts = await Promise.all(
      queues.map(async ({ logicalId, physicalId: QueueUrl }) => {
        const { Attributes = {} } = await sqs.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...COUNTS] }),
        );
        return [logicalId, COUNTS.reduce((sum, name) => sum + Number(Attributes[name]), 0)] as const;
      }),
    );
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  return {
    accounts: createDynamoAccountStore(table),
    keys: createDynamoKeyStore(table),
    items,
    queued,

    async snapshot() {
      const [stored, files, messages] = await Promise.all([items(), objects(), queued()]);
      const asked = Map.groupBy(sandbox?.requests() ?? [], ({ method, path }) => `request ${method} ${path}`);
      return new Map<string, string>([
        ...stored.map((item) => [`item ${item["pk"]} ${item["sk"]}`, inOrder(item)] as const),
        ...files,
        ...Object.entries(messages).map(([queue, count]) => [`messages in ${queue}`, `${count}`] as const),
        ...cloud.schedules
          .list()
          .map((schedule) => [`schedule ${schedule.Name}`, inOrder(schedule)] as const),
        ...(sandbox?.posts() ?? []).map((post) => [`post ${post.id}`, inOrder(post)] as const),
        ...[...asked].map(([request, all]) => [request, `${all.length}`] as const),
      ]);
    },

    async ageDrop(project, base, ms) {
      const pk = `DROP#${project}/${base}`;
      const item = (await items()).find((one) => one["pk"] === pk);
      if (!item) throw new Error(`there is no drop ${project}/${base}`);
      const earlier = (instant: unknown) => new Date(Date.parse(String(instant)) - ms).toISOString();
      const { firstSeenAt, lastSeenAt, wakeAt, wakeSk } = item;
      const aged = { firstSeenAt: earlier(firstSeenAt), lastSeenAt: earlier(lastSeenAt) };
      const woken = wakeAt !== undefined && {
        wakeAt: earlier(wakeAt),
        wakeSk: String(wakeSk).replace(String(wakeAt), earlier(wakeAt)),
      };
      await documents.send(
        new PutCommand({
          TableName: tableName,
          Item: { ...item, ...aged, ...woken },
          ConditionExpression: "#version = :seen",
          ExpressionAttributeNames: { "#version": "version" },
          ExpressionAttributeValues: { ":seen": item["version"] },
        }),
      );
    },

    async idle(deadlineMs) {
      const names = new Set(working.map(({ logicalId }) => logicalId));
      await waitFor(
        "the queues to be empty",
        async () => (Object.keys(await queued()).some((name) => names.has(name)) ? undefined : true),
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

/** The same text for the same content, in whatever order its fields come. */
const inOrder = (value: object): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
