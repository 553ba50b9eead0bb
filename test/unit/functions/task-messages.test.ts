import { describe, expect, it } from "vitest";
import { type RunStep, taskMessageHandler } from "#functions/middleware/task-messages.ts";
import { ConfigurationFault, DependencyFault } from "#shared/errors.ts";
import type { ReceivedTaskMessage } from "#shared/ports/task-dispatch.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";

const message = (over: object = {}) => ({
  taskId: freshTaskId(),
  rev: 1,
  arm: 2,
  step: "prepare",
  part: 0,
  via: "queue",
  ...over,
});
const queueEvent = (...bodies: string[]) => ({
  Records: bodies.map((body, index) => ({
    messageId: `m${index}`,
    body,
    receiptHandle: "r",
    attributes: {},
  })),
});

function setUp(
  run: (message: ReceivedTaskMessage) => Promise<{ kind: string }> = async () => ({ kind: "done" }),
) {
  const clock = manualClock();
  const ran: { message: ReceivedTaskMessage; attemptId: string; deadlineAt: Date; functionArn: string }[] =
    [];
  const logged: { level: string; text: string; fields: Record<string, unknown> }[] = [];
  const log = (level: string) => (text: string, fields: Record<string, unknown>) => {
    logged.push({ level, text, fields });
  };
  let serial = 0;
  const runStep: RunStep = async (received, invocation) => {
    ran.push({ message: received, ...invocation });
    return run(received);
  };
  const handler = taskMessageHandler({
    clock,
    entropy: { newId: () => `attempt-${++serial}` },
    logger: { info: log("info"), error: log("error") },
    steps: { prepare: runStep, verify: runStep },
  });
  const context = {
    invokedFunctionArn: "arn:aws:lambda:eu-west-1:1:function:f",
    getRemainingTimeInMillis: () => 42_000,
  };
  return { clock, ran, logged, handle: (event: unknown) => handler(event, context) };
}

describe("taskMessageHandler", () => {
  it("runs a message of the queue, each as an attempt of its own", async () => {
    const { clock, ran, handle } = setUp();
    const [first, second] = [message(), message()];

    expect(await handle(queueEvent(JSON.stringify(first), JSON.stringify(second)))).toEqual({
      batchItemFailures: [],
    });

    const common = {
      deadlineAt: new Date(clock.now().getTime() + 42_000),
      functionArn: "arn:aws:lambda:eu-west-1:1:function:f",
    };
    expect(ran).toEqual([
      { message: first, attemptId: "attempt-1", ...common },
      { message: second, attemptId: "attempt-2", ...common },
    ]);
  });

  it("runs what Scheduler passes as it is", async () => {
    const { ran, handle } = setUp();
    const event = message({ via: "scheduler" });
    expect(await handle(event)).toBeUndefined();
    expect(ran).toMatchObject([{ message: event }]);
  });

  it("gives every step of the function to whoever does it", async () => {
    const clock = manualClock();
    const ran: string[] = [];
    const runs = (name: string) => async () => {
      ran.push(name);
      return { kind: "done" };
    };
    const logged: string[] = [];
    const handle = taskMessageHandler({
      clock,
      entropy: { newId: () => "id" },
      logger: { info: (text) => logged.push(text), error: () => {} },
      steps: { publish: runs("publisher"), settle: runs("reader"), verify: runs("verifier") },
    });
    const bodies = ["settle", "verify", "publish"].map((step) => JSON.stringify(message({ step })));
    const context = { invokedFunctionArn: "arn", getRemainingTimeInMillis: () => 1 };
    expect(await handle(queueEvent(...bodies), context)).toEqual({ batchItemFailures: [] });
    expect(ran).toEqual(["reader", "verifier", "publisher"]);
    expect(logged).toEqual(["settle done", "verify done", "publish done"]);
  });

  it("gives back the messages that failed, and only those", async () => {
    const [bad, good] = [message(), message()];
    const { ran, logged, handle } = setUp(async ({ taskId }) => {
      if (taskId === bad.taskId) throw new DependencyFault("the table is away", { details: { table: "t" } });
      return { kind: "done" };
    });

    expect(await handle(queueEvent(JSON.stringify(bad), JSON.stringify(good)))).toEqual({
      batchItemFailures: [{ itemIdentifier: "m0" }],
    });

    expect(ran).toHaveLength(2);
    expect(logged).toMatchObject([
      {
        level: "error",
        fields: {
          messageId: "m0",
          code: "dependency-unavailable",
          retry: "backoff",
          details: { table: "t" },
        },
      },
      { level: "info", fields: { taskId: good.taskId, attemptId: "attempt-2", outcome: { kind: "done" } } },
    ]);
  });

  it.each<[string, string]>([
    ["no JSON", "{"],
    ["no object", "17"],
    ["a missing field", JSON.stringify({ ...message(), arm: undefined })],
    ["a wrong id", JSON.stringify(message({ taskId: "x" }))],
    ["a negative arm", JSON.stringify(message({ arm: -1 }))],
    ["another step", JSON.stringify(message({ step: "publish" }))],
    ["an unknown step", JSON.stringify(message({ step: "delete" }))],
  ])("sends a message with %s on to the dead letters and says so", async (_, body) => {
    const { ran, logged, handle } = setUp();
    expect(await handle(queueEvent(body))).toEqual({ batchItemFailures: [{ itemIdentifier: "m0" }] });
    expect(ran).toEqual([]);
    expect(logged).toMatchObject([
      {
        level: "error",
        fields: { code: "malformed-message", retry: "never", messageId: "m0", via: "queue" },
      },
    ]);
  });

  it("ignores fields that a later version adds", async () => {
    const { ran, handle } = setUp();
    await handle(queueEvent(JSON.stringify(message({ newer: true }))));
    expect(ran).toHaveLength(1);
  });

  it("throws for Scheduler, whose failures go to the dead letters with the error", async () => {
    const { logged, handle } = setUp(() => Promise.reject(new ConfigurationFault("told nothing")));
    await expect(handle(message({ via: "scheduler" }))).rejects.toThrow("told nothing");
    await expect(handle({ some: "thing" })).rejects.toThrow(/wrong fields: .*taskId/);
    expect(logged).toMatchObject([
      { fields: { code: "configuration", retry: "never", via: "scheduler" } },
      { fields: { code: "malformed-message" } },
    ]);
  });

  it("calls anything else internal", async () => {
    const { logged, handle } = setUp(() => Promise.reject(new TypeError("a bug")));
    await handle(queueEvent(JSON.stringify(message())));
    expect(logged).toMatchObject([{ fields: { code: "internal", retry: "backoff" } }]);
  });
});
