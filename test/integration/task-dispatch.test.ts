import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createAwsTaskDispatch } from "#shared/adapters/dispatch/task-dispatch.ts";
import type { TaskMessage } from "#shared/ports/task-dispatch.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";

/** A service that answers what it is told to: what happens to calls that meet their own first try. */
let server: Server;
let answer: { status: number; type?: string };
let calls: { method: string; path: string; body: Record<string, unknown> }[];
let endpoint: string;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const sent = await text(request);
    const body: Record<string, unknown> = sent === "" ? {} : JSON.parse(sent);
    calls.push({ method: request.method ?? "", path: request.url ?? "", body });
    response.writeHead(answer.status, {
      "content-type": "application/json",
      ...(answer.type !== undefined && { "x-amzn-errortype": answer.type }),
    });
    // SQS's client compares the digest of what it sent.
    const MD5OfMessageBody = createHash("md5").update(String(body["MessageBody"])).digest("hex");
    response.end(
      JSON.stringify({ Message: "told so", ScheduleArn: "arn", MessageId: "1", MD5OfMessageBody }),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  answer = { status: 200 };
  calls = [];
});

const now = new Date("2026-12-01T01:00:00.000Z");
const message: TaskMessage = { taskId: freshTaskId(), rev: 2, arm: 3, step: "publish", part: 1 };
const open = () => {
  const client = {
    endpoint,
    region: "eu-central-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    maxAttempts: 1,
  };
  return createAwsTaskDispatch({
    scheduler: new SchedulerClient(client),
    sqs: new SQSClient(client),
    clock: manualClock(now),
    groupName: "tasks",
    schedulerRoleArn: "arn:aws:iam::1:role/scheduler",
    functionArns: { publish: "arn:aws:lambda:eu-central-1:1:function:publish" },
    queueUrls: { publish: `${endpoint}/1/publish` },
  });
};
const later = (ms: number) => new Date(now.getTime() + ms);

describe("schedule", () => {
  it("asks for one call in UTC that deletes itself, named after task, arm and step", async () => {
    expect(await open().schedule(message, later(90_999))).toEqual({ ok: true, value: undefined });
    const [call] = calls;
    expect(call).toMatchObject({
      method: "POST",
      path: `/schedules/t-${message.taskId}-3-publish`,
      body: {
        GroupName: "tasks",
        ScheduleExpression: "at(2026-12-01T01:01:30)",
        ScheduleExpressionTimezone: "UTC",
        ActionAfterCompletion: "DELETE",
        FlexibleTimeWindow: { Mode: "OFF" },
      },
    });
    const target = call?.body["Target"] as { Input: string };
    expect(JSON.parse(target.Input)).toEqual({ ...message, via: "scheduler" });
  });

  it("takes what has the name of its arm for its own first try", async () => {
    answer = { status: 409, type: "ConflictException" };
    expect(await open().schedule(message, later(90_000))).toEqual({ ok: true, value: undefined });
    expect(calls).toHaveLength(1);
  });

  it("tells an instant that has passed from a request that is wrong", async () => {
    answer = { status: 400, type: "ValidationException" };
    expect(await open().schedule(message, later(-1))).toEqual({ ok: false, error: { reason: "passed" } });
    await expect(open().schedule(message, later(90_000))).rejects.toMatchObject({
      name: "ValidationException",
    });
  });

  it("says what is wrong when a function was not told where the step is", async () => {
    await expect(open().schedule({ ...message, step: "prepare" }, later(90_000))).rejects.toMatchObject({
      code: "configuration",
    });
    expect(calls).toEqual([]);
  });
});

describe("unschedule", () => {
  it("is content when there is nothing any more", async () => {
    answer = { status: 404, type: "ResourceNotFoundException" };
    await open().unschedule(message);
    expect(calls).toMatchObject([
      { method: "DELETE", path: expect.stringContaining(`/schedules/t-${message.taskId}-3-publish`) },
    ]);
    answer = { status: 403, type: "AccessDeniedException" };
    await expect(open().unschedule(message)).rejects.toMatchObject({ name: "AccessDeniedException" });
  });
});

describe("enqueue", () => {
  it.each([
    [0, 0],
    [1, 1],
    [10_000, 10],
    [5_000_000, 900],
    [-5, 0],
  ])("delays %i ms by %i whole seconds, within what SQS can", async (delayMs, DelaySeconds) => {
    await open().enqueue(message, delayMs);
    expect(calls[0]?.body).toMatchObject({ DelaySeconds });
    expect(JSON.parse(String(calls[0]?.body["MessageBody"]))).toEqual({ ...message, via: "queue" });
  });
});
