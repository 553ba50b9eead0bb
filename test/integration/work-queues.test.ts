import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FauxqsServer, startFauxqs } from "#infra/local/stores/fauxqs-server.ts";
import { createSqsWorkQueues } from "#shared/adapters/dispatch/work-queues.ts";
import { systemClock } from "#shared/adapters/system/clock.ts";
import { manualClock } from "#test/support/clock.ts";

let fauxqs: FauxqsServer;
let sqs: SQSClient;
let serial = 0;

beforeAll(async () => {
  fauxqs = await startFauxqs({ region: "eu-west-1" });
  sqs = new SQSClient({
    endpoint: `http://127.0.0.1:${fauxqs.port}`,
    region: "eu-west-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
    // As behind the gateway: the URLs that a queue has are of another host.
    useQueueUrlAsEndpoint: false,
  });
});
afterAll(async () => {
  sqs.destroy();
  await fauxqs.close();
});

/** Queues of its own for each test. */
async function setUp(clock: { now(): Date } = systemClock) {
  const prefix = `q${++serial}`;
  const make = async (name: string) => {
    const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: `${prefix}-${name}` }));
    return QueueUrl;
  };
  const pair = async (name: string) => ({
    url: await make(name),
    deadLettersUrl: await make(`${name}-dead`),
  });
  const queues = {
    intake: await pair("intake"),
    prepare: await pair("prepare"),
    publish: await pair("publish"),
    webhooks: await pair("webhooks"),
  };
  const backgroundUrl = await make("background");
  const workQueues = createSqsWorkQueues({ sqs, clock, queues, backgroundUrl });
  return { queues, backgroundUrl, workQueues };
}

async function put(QueueUrl: string, bodies: readonly string[]): Promise<void> {
  for (let start = 0; start < bodies.length; start += 10)
    await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: bodies
          .slice(start, start + 10)
          .map((MessageBody, index) => ({ Id: `${index}`, MessageBody })),
      }),
    );
}

async function take(QueueUrl: string): Promise<readonly string[]> {
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 60 }),
    );
    if (Messages.length === 0) return bodies.toSorted();
    bodies.push(...Messages.map(({ Body = "" }) => Body));
  }
}

const depth = (waiting: number, over: object = {}) => ({ waiting, inFlight: 0, delayed: 0, ...over });

describe("the state of the queues", () => {
  it("has what waits, what is worked on, what is delayed, and the dead letters of each", async () => {
    const { queues, backgroundUrl, workQueues } = await setUp();
    await put(queues.publish.url, ["a", "b", "c"]);
    await sqs.send(new ReceiveMessageCommand({ QueueUrl: queues.publish.url, VisibilityTimeout: 60 }));
    await sqs.send(
      new SendMessageCommand({ QueueUrl: queues.publish.url, MessageBody: "later", DelaySeconds: 600 }),
    );
    await put(queues.prepare.deadLettersUrl, ["d"]);
    await put(backgroundUrl, ["e", "f"]);
    expect(await workQueues.read()).toEqual([
      { name: "intake", work: depth(0), deadLetters: depth(0) },
      { name: "prepare", work: depth(0), deadLetters: depth(1) },
      { name: "publish", work: depth(2, { inFlight: 1, delayed: 1 }), deadLetters: depth(0) },
      { name: "webhooks", work: depth(0), deadLetters: depth(0) },
      { name: "background", deadLetters: depth(2) },
    ]);
  });
});

describe("a redrive", () => {
  const within = (ms: number) => new Date(Date.now() + ms);

  it("moves every dead letter of that queue once, and touches no other", async () => {
    const { queues, workQueues } = await setUp();
    const bodies = Array.from({ length: 23 }, (_, index) => `message ${index}`);
    await put(queues.publish.deadLettersUrl, bodies);
    await put(queues.prepare.deadLettersUrl, ["other"]);
    expect(await workQueues.redrive("publish", 100, within(10_000))).toEqual({
      moved: 23,
      doubled: 0,
      failed: 0,
      more: false,
    });
    expect(await take(queues.publish.url)).toEqual(bodies.toSorted());
    expect(await take(queues.publish.deadLettersUrl)).toEqual([]);
    expect(await take(queues.prepare.deadLettersUrl)).toEqual(["other"]);
  });

  it("stops at its limit and says that there may be more", async () => {
    const { queues, workQueues } = await setUp();
    await put(
      queues.intake.deadLettersUrl,
      Array.from({ length: 15 }, (_, index) => `message ${index}`),
    );
    expect(await workQueues.redrive("intake", 12, within(10_000))).toMatchObject({ moved: 12, more: true });
    expect(await take(queues.intake.url)).toHaveLength(12);
    expect(await take(queues.intake.deadLettersUrl)).toHaveLength(3);
  });

  it("stops in time", async () => {
    const clock = manualClock();
    const { queues, workQueues } = await setUp(clock);
    await put(queues.intake.deadLettersUrl, ["a"]);
    expect(await workQueues.redrive("intake", 100, clock.now())).toEqual({
      moved: 0,
      doubled: 0,
      failed: 0,
      more: true,
    });
    expect(await take(queues.intake.deadLettersUrl)).toEqual(["a"]);
  });

  it("sends what Lambda recorded of a failed event as the event was", async () => {
    const { queues, workQueues } = await setUp();
    const message = { taskId: "01M80F69X8C7RZ96SDJX7Y6BAQ", rev: 1, arm: 2, step: "publish", part: 0 };
    const record = {
      version: "1.0",
      requestContext: { functionArn: "arn:aws:lambda:eu-west-1:1:function:p", condition: "RetriesExhausted" },
      requestPayload: { ...message, via: "scheduler" },
      responsePayload: { errorType: "DependencyFault" },
    };
    const other = [
      JSON.stringify({ ...message, via: "queue" }),
      "no JSON",
      JSON.stringify({ requestPayload: 1 }),
    ];
    await put(queues.publish.deadLettersUrl, [JSON.stringify(record), ...other]);
    expect(await workQueues.redrive("publish", 100, within(10_000))).toMatchObject({ moved: 4 });
    expect(await take(queues.publish.url)).toEqual(
      [JSON.stringify({ ...message, via: "scheduler" }), ...other].toSorted(),
    );
  });

  it("counts honestly what it could only half do", async () => {
    const { queues, workQueues } = await setUp();
    await put(queues.publish.deadLettersUrl, ["sent", "not sent"]);
    sqs.middlewareStack.add(
      (next) => async (args) => {
        const input = args.input as Record<string, unknown>;
        const isDelete = "ReceiptHandle" in input;
        if (isDelete || input["MessageBody"] === "not sent") throw new Error("SQS is out");
        return next(args);
      },
      { step: "initialize", name: "failing" },
    );
    try {
      expect(await workQueues.redrive("publish", 100, within(10_000))).toEqual({
        moved: 0,
        doubled: 1,
        failed: 1,
        more: true,
      });
    } finally {
      sqs.middlewareStack.remove("failing");
    }
    expect(await take(queues.publish.url)).toEqual(["sent"]);
  });
});
