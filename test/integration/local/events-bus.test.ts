import { createHash } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type BusEvent, createEventBus, type EventBus } from "#infra/local/events/event-bus.ts";
import { createLambdaRuntime, type LogLine } from "#infra/local/lambda/runtime.ts";
import { TemplateFault } from "#infra/local/template/fault.ts";
import {
  ACCOUNT,
  aFunction,
  aQueue,
  arnOf,
  assemblyOf,
  bundleHandlers,
  fakeAccess,
  type PartialResource,
  startTestCloud,
  type TestCloud,
  temporaryFolder,
  until,
} from "./services-fixtures.ts";

const RULE_ARN = arnOf("events", "rule/drops");
const FUNCTION_ARN = arnOf("lambda", "function:Worker-name");
const BUCKET: PartialResource = {
  logicalId: "Bucket",
  type: "AWS::S3::Bucket",
  physicalId: "posts",
  arn: "arn:aws:s3:::posts",
  properties: { NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } } },
};
const PATTERN = {
  source: ["aws.s3"],
  "detail-type": ["Object Created"],
  detail: { bucket: { name: ["posts"] }, object: { key: [{ prefix: "drop/" }] } },
};

const aRule = (targets: readonly object[], properties: Record<string, unknown> = {}): PartialResource => ({
  logicalId: "Rule",
  type: "AWS::Events::Rule",
  physicalId: "drops",
  arn: RULE_ARN,
  properties: { EventPattern: PATTERN, State: "ENABLED", Targets: targets, ...properties },
});
const aQueuePolicy = (
  url: string,
  sourceArn: string,
  principal = "events.amazonaws.com",
): PartialResource => ({
  logicalId: "QueuePolicy",
  type: "AWS::SQS::QueuePolicy",
  properties: {
    Queues: [url],
    PolicyDocument: {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: principal },
          Action: "sqs:SendMessage",
          Resource: arnOf("sqs", "Queue-queue"),
          Condition: { ArnEquals: { "aws:SourceArn": sourceArn } },
        },
      ],
    },
  },
});
const aPermission = (sourceArn: string): PartialResource => ({
  logicalId: "Permission",
  type: "AWS::Lambda::Permission",
  properties: {
    FunctionName: FUNCTION_ARN,
    Action: "lambda:InvokeFunction",
    Principal: "events.amazonaws.com",
    SourceArn: sourceArn,
  },
});

interface ObjectEvent {
  readonly detail: { readonly object: { readonly etag: string; readonly sequencer: string } };
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let assets: Record<string, string>;
let cloud: TestCloud;
let bus: EventBus;
let lines: LogLine[];

beforeAll(async () => {
  folder = await temporaryFolder();
  assets = await bundleHandlers(folder.path, {
    Worker: "export const handler = async (event: unknown) => console.log(JSON.stringify(event));",
  });
});
afterAll(() => folder[Symbol.asyncDispose]());
afterEach(() => cloud.close());

async function open(resources: (endpoint: string) => readonly PartialResource[]): Promise<void> {
  lines = [];
  cloud = await startTestCloud({
    assets,
    resources: (endpoint) => [BUCKET, aQueue("Queue", endpoint), aFunction("Worker"), ...resources(endpoint)],
  });
  const runtime = cloud.using(createLambdaRuntime({ ...cloud, onLog: (line) => lines.push(line) }));
  bus = cloud.using(createEventBus({ ...cloud, runtime, retryDelaysMs: [1, 1] }));
  bus.start();
  cloud.onObjectChange((change) => void bus.objectChanged(change));
}
const toQueue = { Id: "queue", Arn: arnOf("sqs", "Queue-queue") };
const toFunction = { Id: "function", Arn: FUNCTION_ARN };
const url = (endpoint: string) => aQueue("Queue", endpoint).physicalId ?? "";

async function put(Key: string, Body = "text"): Promise<void> {
  const client = new S3Client(cloud.as("OPERATOR"));
  await client.send(new PutObjectCommand({ Bucket: "posts", Key, Body }));
  client.destroy();
}
const anEvent = (over: Partial<BusEvent> = {}): BusEvent => ({
  version: "0",
  id: "1",
  "detail-type": "Object Created",
  source: "aws.s3",
  account: ACCOUNT,
  time: "2026-12-01T09:00:00Z",
  region: "eu-central-1",
  resources: [],
  detail: { bucket: { name: "posts" }, object: { key: "drop/default/a.md" } },
  ...over,
});

describe("an object in the drop folder", () => {
  it("reaches the queue in S3's envelope, its key as it is", async () => {
    await open((endpoint) => [aRule([toQueue]), aQueuePolicy(url(endpoint), RULE_ARN)]);
    await put("outcome/default/a.json");
    await put("drop/default/风筝 über 1+1.md", "Hello");
    const [event] = await cloud.receive("Queue");
    expect(event).toMatchObject({
      version: "0",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      "detail-type": "Object Created",
      source: "aws.s3",
      account: ACCOUNT,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region: cloud.assembly.region,
      resources: ["arn:aws:s3:::posts"],
      detail: {
        version: "0",
        bucket: { name: "posts" },
        object: {
          key: "drop/default/风筝 über 1+1.md",
          size: 5,
          etag: expect.stringMatching(/^[0-9a-f]{32}$/),
          sequencer: expect.stringMatching(/^[0-9A-F]{18}$/),
        },
        "request-id": expect.any(String),
        requester: ACCOUNT,
        reason: "PutObject",
      },
    });
    expect(await cloud.count("Queue")).toBe(0);
    expect(cloud.faults).toEqual([]);
  });

  it("gets sequencers that grow", async () => {
    await open((endpoint) => [aRule([toQueue]), aQueuePolicy(url(endpoint), RULE_ARN)]);
    await put("drop/default/a.md", "1");
    await put("drop/default/a.md", "2");
    const events = await cloud.receive("Queue", 2);
    const objects = events.map((event) => (event as unknown as ObjectEvent).detail.object);
    const [first, second] = ["1", "2"].map((body) => {
      const etag = createHash("md5").update(body).digest("hex");
      return objects.find((object) => object.etag === etag)?.sequencer ?? "";
    });
    expect(String(second) > String(first)).toBe(true);
  });

  it("says nothing for a bucket that does not send its events", async () => {
    await open((endpoint) => [aRule([toQueue]), aQueuePolicy(url(endpoint), RULE_ARN)]);
    await bus.objectChanged({
      kind: "created",
      bucket: "other",
      key: "drop/a",
      reason: "PutObject",
      sizeBytes: 1,
      etag: "e",
    });
    expect(await cloud.count("Queue")).toBe(0);
  });
});

describe("a rule's function", () => {
  it("is invoked with the event, or with what the target makes of it", async () => {
    await open(() => [
      aRule([
        toFunction,
        { ...toFunction, Id: "fixed", Input: '{"fixed":1}' },
        { ...toFunction, Id: "part", InputPath: "$.detail.object" },
      ]),
      aPermission(RULE_ARN),
    ]);
    await bus.publish(anEvent());
    const received = await until("three invocations", () => {
      const found = lines
        .filter(({ stream }) => stream === "stdout")
        .map(({ line }) => JSON.parse(line) as unknown);
      return found.length === 3 && found;
    });
    expect(received).toEqual(expect.arrayContaining([anEvent(), { fixed: 1 }, { key: "drop/default/a.md" }]));
  });
});

describe("rights", () => {
  it.each([
    ["the queue has no policy", () => []],
    [
      "the policy is for another rule",
      (endpoint: string) => [aQueuePolicy(url(endpoint), arnOf("events", "rule/other"))],
    ],
    [
      "the policy is for another service",
      (endpoint: string) => [aQueuePolicy(url(endpoint), RULE_ARN, "sns.amazonaws.com")],
    ],
  ])("an event that does not reach its queue is reported: %s", async (_, policies) => {
    await open((endpoint) => [aRule([toQueue]), ...policies(endpoint)]);
    await put("drop/default/a.md");
    await until("the fault is reported", () => cloud.faults.length > 0);
    expect(cloud.faults).toMatchObject([
      {
        code: "wiring",
        resource: "Rule",
        action: "sqs:SendMessage",
        message: expect.stringContaining("Queue"),
      },
    ]);
    expect(await cloud.count("Queue")).toBe(0);
  });

  it.each([
    ["there is no permission", []],
    ["the permission is for another rule", [aPermission(arnOf("events", "rule/other"))]],
  ])("an event that does not reach its function is reported: %s", async (_, permissions) => {
    await open(() => [aRule([toFunction]), ...permissions]);
    await bus.publish(anEvent());
    expect(cloud.faults).toMatchObject([
      {
        code: "wiring",
        resource: "Rule",
        action: "lambda:InvokeFunction",
        message: expect.stringContaining("Worker"),
      },
    ]);
    expect(lines).toEqual([]);
  });

  it("what could not be delivered goes to the target's dead-letter queue", async () => {
    await open((endpoint) => [
      aRule([{ ...toFunction, DeadLetterConfig: { Arn: toQueue.Arn } }]),
      aQueuePolicy(url(endpoint), RULE_ARN),
    ]);
    await bus.publish(anEvent());
    expect(await cloud.receive("Queue")).toMatchObject([{ id: "1" }]);
  });
});

describe("the template is refused", () => {
  const start = (rule: PartialResource, bucket: PartialResource = BUCKET) => {
    const assembly = assemblyOf(
      [rule, bucket, aFunction("Worker"), aQueue("Queue", "http://127.0.0.1:9")],
      assets,
    );
    const { access } = fakeAccess();
    const runtime = { find: () => undefined, invokeAsync: () => ({ requestId: "" }) };
    return () =>
      createEventBus({ assembly, access, runtime, gatewayUrl: "http://127.0.0.1:9", onFault: () => {} });
  };
  beforeAll(async () => {
    await open(() => []);
  });

  it.each([
    [
      "a pattern with an unknown operator",
      aRule([toQueue], { EventPattern: { source: [{ cidr: "10.0.0.0/8" }] } }),
      /Rule: its pattern.*cidr/,
    ],
    [
      "a cron schedule",
      aRule([toQueue], { EventPattern: undefined, ScheduleExpression: "cron(0 9 * * ? *)" }),
      /Rule: cron.*only rate/,
    ],
    [
      "a target that is not in the template",
      aRule([{ Id: "x", Arn: arnOf("sqs", "other") }]),
      /Rule: its target .*other/,
    ],
    ["another bus", aRule([toQueue], { EventBusName: "mine" }), /Rule: .*EventBusName/],
    ["an input transformer", aRule([{ ...toQueue, InputTransformer: {} }]), /Rule: .*InputTransformer/],
  ])("for %s", (_, rule, message) => {
    expect(start(rule)).toThrow(TemplateFault);
    expect(start(rule)).toThrow(message);
  });

  it("for a bucket that notifies a queue by itself", () => {
    const bucket = { ...BUCKET, properties: { NotificationConfiguration: { QueueConfigurations: [] } } };
    expect(start(aRule([]), bucket)).toThrow(/Bucket: only EventBridge notifications/);
  });
});
