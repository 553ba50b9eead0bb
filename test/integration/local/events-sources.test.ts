import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startEventSources } from "#infra/local/events/mappings.ts";
import type { StreamMappingDeps } from "#infra/local/events/stream-mapping.ts";
import { createLambdaRuntime, type LambdaRuntime, type LogLine } from "#infra/local/lambda/runtime.ts";
import {
  aFunction,
  aQueue,
  aRole,
  arnOf,
  bundleHandlers,
  type PartialResource,
  queueRights,
  type Statement,
  startTestCloud,
  type TestCloud,
  temporaryFolder,
  until,
} from "./services-fixtures.ts";

/** Prints what it got, and fails what it is told to. */
const WORKER = `
  export const handler = async (event: any) => {
    const ids = event.Records.map((record: any) => record.messageId ?? record.dynamodb.SequenceNumber);
    const bodies = event.Records.map((record: any) => record.body ? JSON.parse(record.body) : {
      name: record.eventName, ...Object.fromEntries(Object.entries(record.dynamodb.NewImage).map(([k, v]: any) => [k, v.S])) });
    console.log(JSON.stringify({ bodies, first: event.Records[0] }));
    await new Promise((done) => setTimeout(done, bodies[0].holdMs ?? 0));
    if (bodies.some((body: any) => body.throws)) throw new Error("no");
    const bad = bodies.findIndex((body: any) => body.fails);
    return { batchItemFailures: ids.filter((_: string, index: number) => bodies[index].fails).map((itemIdentifier: string) => ({ itemIdentifier })), bad };
  };`;

const mapping = (properties: Record<string, unknown>): PartialResource => ({
  logicalId: "Mapping",
  type: "AWS::Lambda::EventSourceMapping",
  properties: {
    FunctionName: "Worker-name",
    FunctionResponseTypes: ["ReportBatchItemFailures"],
    ...properties,
  },
});

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let assets: Record<string, string>;
let cloud: TestCloud;
let runtime: LambdaRuntime;
let lines: LogLine[];

beforeAll(async () => {
  folder = await temporaryFolder();
  assets = await bundleHandlers(folder.path, { Worker: WORKER });
});
afterAll(() => folder[Symbol.asyncDispose]());
afterEach(async () => {
  await cloud.close();
});

interface Batch {
  readonly bodies: readonly Record<string, unknown>[];
  readonly first: Record<string, unknown>;
}
const batches = (): Batch[] =>
  lines.filter(({ stream }) => stream === "stdout").map(({ line }) => JSON.parse(line) as Batch);
const handled = () => batches().flatMap(({ bodies }) => bodies);

async function open(
  resources: (endpoint: string) => readonly PartialResource[],
  tables = false,
  over: Partial<Parameters<typeof createLambdaRuntime>[0]> = {},
): Promise<void> {
  lines = [];
  cloud = await startTestCloud({ resources, assets, tables });
  runtime = createLambdaRuntime({ ...cloud, onLog: (line) => lines.push(line), ...over });
  cloud.using(runtime);
}

const start = async (over: Partial<StreamMappingDeps> = {}) =>
  cloud.using(await startEventSources({ ...cloud, runtime, pollMs: 10, retryMs: 1, ...over }));

describe("a queue mapping", () => {
  const resources =
    (properties: Record<string, unknown> = {}, rights?: Statement, queue: Record<string, unknown> = {}) =>
    (endpoint: string): readonly PartialResource[] => {
      const source = aQueue("Queue", endpoint);
      const role = aRole("WorkerRole", "lambda.amazonaws.com", [rights ?? queueRights(source.arn ?? "")]);
      return [
        aFunction("Worker", { Role: role.arn, Timeout: 2 }),
        role,
        { ...source, properties: { VisibilityTimeout: 30, ...queue } },
        mapping({ EventSourceArn: source.arn, ...properties }),
      ];
    };

  /** Sends messages that hold for a while, and counts the invocations that run together. */
  async function mostAtOnce(messages: number, holdMs = 60): Promise<number> {
    await Promise.all(Array.from({ length: messages }, (_, id) => cloud.send("Queue", { id, holdMs })));
    let most = 0;
    await until("all are handled", () => {
      const count = (start: string) => lines.filter(({ line }) => line.startsWith(start)).length;
      most = Math.max(most, count("START") - count("REPORT"));
      return count("REPORT") === messages;
    });
    return most;
  }

  it("hands a message to the function in Lambda's own shape and deletes it", async () => {
    await open(resources());
    await start();
    await cloud.send("Queue", { taskId: "01" });
    await until("the queue is empty", async () => (await cloud.count("Queue")) === 0);
    expect(handled()).toEqual([{ taskId: "01" }]);
    expect(batches()[0]?.first).toMatchObject({
      messageId: expect.any(String),
      receiptHandle: expect.any(String),
      body: '{"taskId":"01"}',
      attributes: { ApproximateReceiveCount: "1", SentTimestamp: expect.stringMatching(/^\d+$/) },
      messageAttributes: {},
      md5OfBody: expect.any(String),
      eventSource: "aws:sqs",
      eventSourceARN: arnOf("sqs", "Queue-queue"),
      awsRegion: cloud.assembly.region,
    });
    expect(cloud.faults).toEqual([]);
  });

  it("deletes only what succeeded, and the rest comes again when its visibility ends", async () => {
    await open(resources({ MaximumBatchingWindowInSeconds: 1 }, undefined, { VisibilityTimeout: 2 }));
    await cloud.send("Queue", { id: 1 });
    await cloud.send("Queue", { id: 2, fails: true });
    await start();
    await until("the failed one comes again", () => handled().filter(({ id }) => id === 2).length > 1);
    expect(handled().filter(({ id }) => id === 1)).toHaveLength(1);
  });

  it("keeps the whole batch when the function fails, even if it reports nothing", async () => {
    await open(resources());
    await start();
    await cloud.send("Queue", { throws: true });
    await until("it was tried", () => handled().length === 1);
    await until("it ended", () => lines.some(({ line }) => line.startsWith("REPORT")));
    expect(await cloud.count("Queue")).toBe(1);
  });

  it("never takes more than the batch size, and runs no more batches at once than the template allows", async () => {
    await open(resources({ BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } }));
    await start();
    expect(await mostAtOnce(6)).toBe(2);
    expect(batches().every(({ bodies }) => bodies.length === 1)).toBe(true);
  });

  it("keeps a function whose concurrency is limited to what the processors can do", async () => {
    await open(resources({ BatchSize: 1, ScalingConfig: { MaximumConcurrency: 100 } }));
    await start();
    const limit = Math.max(4, 2 * availableParallelism());
    expect(await mostAtOnce(limit + 4, 500)).toBe(limit);
  });

  it("leaves half of the workers to other functions", async () => {
    await open(resources({ BatchSize: 1 }), false, { maxWorkers: 4 });
    await start();
    expect(await mostAtOnce(6)).toBe(2);
  });

  it("starts with five batches at once and takes more by and by, when asked to ramp up as AWS", async () => {
    await open(resources({ BatchSize: 1 }), false, { maxWorkers: 4, invocationsPerWorker: 10 });
    await start({ pollers: "ramp-up" });
    await Promise.all(Array.from({ length: 11 }, (_, id) => cloud.send("Queue", { id, holdMs: 1_700 })));
    const startedAt: number[] = [];
    await until("all have started", () => {
      const started = lines.filter(({ line }) => line.startsWith("START")).length;
      while (startedAt.length < started) startedAt.push(Date.now());
      return started === 11;
    });
    // Five at once, five a second later, the last one another second later or in the place of one that ended.
    const [sixth = 0, eleventh = 0] = [startedAt[5], startedAt[10]];
    expect(eleventh - sixth).toBeGreaterThan(500);
  });

  it("gives messages back at once when the cloud stops in the middle of them", async () => {
    await open(resources());
    const sources = await start();
    await cloud.send("Queue", { holdMs: 60_000 });
    await until("it runs", () => handled().length === 1);
    const closed = sources.close();
    await runtime.close();
    await closed;
    expect(await cloud.receive("Queue")).toEqual([{ holdMs: 60_000 }]);
  });

  it.each([
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ChangeMessageVisibility",
  ])("does not start without the right %s, and says which mapping, function and action", async (missing) => {
    const all = queueRights(arnOf("sqs", "Queue-queue"));
    const rights = { ...all, Action: [...all.Action].filter((action) => action !== missing) };
    await open(resources({}, rights));
    await expect(start()).rejects.toMatchObject({
      code: "wiring",
      resource: "Mapping",
      action: missing,
      message: expect.stringMatching(new RegExp(`Mapping.*${missing}.*Worker.*Queue`)),
    });
  });

  it("does not start when the role may not be taken by Lambda", async () => {
    await open((endpoint) =>
      resources()(endpoint).map((one) =>
        one.type === "AWS::IAM::Role" ? aRole("WorkerRole", "ec2.amazonaws.com", [queueRights("*")]) : one,
      ),
    );
    await expect(start()).rejects.toMatchObject({
      code: "wiring",
      message: expect.stringContaining("sts:AssumeRole"),
    });
  });

  it("does not start when messages are hidden for less time than the function may take", async () => {
    await open(resources({}, undefined, { VisibilityTimeout: 1 }));
    await expect(start()).rejects.toThrow(/Mapping: Queue hides messages for 1000 ms, less than the 2000 ms/);
  });

  it.each([
    [
      "a source that is not in the template",
      { EventSourceArn: arnOf("sqs", "other") },
      /Mapping: .*other is not in the template/,
    ],
    ["a function that is not in the template", { FunctionName: "nobody" }, /Mapping: its function nobody/],
    [
      "a kind of source that is not run",
      { EventSourceArn: arnOf("kinesis", "stream/x") },
      /Mapping: cannot read events/,
    ],
    ["a property that is not run", { FilterCriteria: { Filters: [] } }, /Mapping: .*FilterCriteria/],
  ])("is refused for %s", async (_, properties, message) => {
    await open(resources(properties));
    await expect(start()).rejects.toThrow(message);
  });
});

describe("a stream mapping", () => {
  const table: PartialResource = {
    logicalId: "Table",
    type: "AWS::DynamoDB::Table",
    physicalId: "Tasks",
    arn: arnOf("dynamodb", "table/Tasks"),
    properties: {
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
      BillingMode: "PAY_PER_REQUEST",
      StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
    },
  };
  const streamArn = `${table.arn}/stream/2026-01-01T00:00:00.000`;
  const STREAM_RIGHTS = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"];

  const resources =
    (properties: Record<string, unknown> = {}, actions = STREAM_RIGHTS, sends = true) =>
    (endpoint: string): readonly PartialResource[] => {
      const dead = aQueue("Dead", endpoint);
      const role = aRole("WorkerRole", "lambda.amazonaws.com", [
        { Action: actions, Resource: streamArn },
        { Action: sends ? "sqs:SendMessage" : "sqs:PurgeQueue", Resource: dead.arn ?? "" },
      ]);
      return [
        aFunction("Worker", { Role: role.arn }),
        role,
        table,
        dead,
        mapping({
          EventSourceArn: streamArn,
          StartingPosition: "TRIM_HORIZON",
          DestinationConfig: { OnFailure: { Destination: dead.arn } },
          ...properties,
        }),
      ];
    };

  async function put(...items: readonly Record<string, string>[]): Promise<void> {
    const client = new DynamoDBClient(cloud.as("OPERATOR"));
    for (const item of items) {
      const Item = Object.fromEntries(Object.entries(item).map(([name, S]) => [name, { S }]));
      await client.send(new PutItemCommand({ TableName: "Tasks", Item }));
    }
    client.destroy();
  }
  const item = (pk: string, more: Record<string, string> = {}) => ({ pk, sk: "TASK", ...more });
  const seen = () => handled().map(({ pk }) => pk);

  it("hands over what its filters let through, in order, in Lambda's own shape", async () => {
    const pattern = { dynamodb: { Keys: { pk: { S: [{ prefix: "TASK#" }] }, sk: { S: ["TASK"] } } } };
    await open(resources({ FilterCriteria: { Filters: [{ Pattern: JSON.stringify(pattern) }] } }), true);
    await put(item("TASK#1"), { pk: "TASK#1", sk: "LOG#1" }, item("ACCOUNT#1"), item("TASK#2"));
    await start();
    await put(item("TASK#3"));
    await until("three records came", () => handled().length === 3);
    expect(seen()).toEqual(["TASK#1", "TASK#2", "TASK#3"]);
    expect(batches()[0]?.first).toMatchObject({
      eventID: expect.any(String),
      eventName: "INSERT",
      eventSource: "aws:dynamodb",
      awsRegion: cloud.assembly.region,
      eventSourceARN: streamArn,
      dynamodb: {
        ApproximateCreationDateTime: expect.any(Number),
        Keys: { pk: { S: "TASK#1" }, sk: { S: "TASK" } },
        NewImage: { pk: { S: "TASK#1" } },
        SequenceNumber: expect.stringMatching(/^\d+$/),
        StreamViewType: "NEW_AND_OLD_IMAGES",
      },
    });
    expect(cloud.faults).toEqual([]);
  });

  it("goes on from a partial failure, splits what keeps failing, and gives up on the bad record alone", async () => {
    await open(resources({ BisectBatchOnFunctionError: true, MaximumRetryAttempts: 1 }), true);
    await put(item("1"), item("2"), item("3", { fails: "yes" }), item("4"));
    await start();
    const [record] = await cloud.receive("Dead");
    expect(record).toMatchObject({
      requestContext: { condition: "RetryAttemptsExhausted", approximateInvokeCount: 2 },
      DDBStreamBatchInfo: { batchSize: 1, streamArn, shardId: expect.any(String) },
    });
    await until("the record after it came", () => seen().includes("4"));
    const tried = seen();
    expect(tried.filter((pk) => pk === "1")).toHaveLength(1);
    expect(tried.filter((pk) => pk === "2")).toHaveLength(1);
  });

  it("tries a failing batch until it succeeds when the template sets no limit", async () => {
    await open(resources(), true);
    await put(item("1", { throws: "yes" }));
    await start();
    await until("it was tried five times", () => seen().length >= 5);
    expect(await cloud.count("Dead")).toBe(0);
  });

  it("continues after its checkpoint when the cloud starts again", async () => {
    await using state = await temporaryFolder();
    await open(resources(), true);
    await put(item("1"));
    const sources = await start({ stateDir: state.path });
    await until("the first came", () => seen().length === 1);
    await sources.close();
    await put(item("2"));
    await start({ stateDir: state.path });
    await until("the second came", () => seen().length === 2);
    expect(seen()).toEqual(["1", "2"]);
    expect(existsSync(join(state.path, "streams", "Mapping.json"))).toBe(true);
  });

  it.each(STREAM_RIGHTS)("does not start without the right %s", async (missing) => {
    await open(
      resources(
        {},
        STREAM_RIGHTS.filter((action) => action !== missing),
      ),
    );
    await expect(start()).rejects.toMatchObject({ code: "wiring", resource: "Mapping", action: missing });
  });

  it("does not start when the role may not send to the failure destination", async () => {
    await open(resources({}, STREAM_RIGHTS, false));
    await expect(start()).rejects.toMatchObject({
      code: "wiring",
      resource: "Mapping",
      action: "sqs:SendMessage",
    });
  });

  it.each([
    [
      "a filter with an unknown operator",
      { FilterCriteria: { Filters: [{ Pattern: '{"eventName":[{"cidr":"10.0.0.0/8"}]}' }] } },
      /Mapping: its filter.*cidr/,
    ],
    [
      "parallel batches, which would break the order",
      { ParallelizationFactor: 2 },
      /Mapping: .*ParallelizationFactor/,
    ],
  ])("is refused for %s", async (_, properties, message) => {
    await open(resources(properties));
    await expect(start()).rejects.toThrow(message);
  });
});
