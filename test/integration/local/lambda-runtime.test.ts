import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createLambdaRuntime, type LambdaRuntime, type LogLine } from "#infra/local/lambda/runtime.ts";
import { TemplateFault } from "#infra/local/template/fault.ts";
import {
  aFunction,
  aQueue,
  aRole,
  assemblyOf,
  bundleHandlers,
  type PartialResource,
  REGION,
  startTestCloud,
  temporaryFolder,
  until,
} from "./services-fixtures.ts";

const HANDLERS = {
  Environment: "export const handler = async () => process.env;",
  Echo: `export const handler = async (event: unknown, context: any) => ({
    event, id: context.awsRequestId, arn: context.invokedFunctionArn, name: context.functionName,
    remainingMs: context.getRemainingTimeInMillis(),
  });`,
  Counter: "let calls = 0; export const handler = async () => { calls += 1; return calls; };",
  Slow: "export const handler = (event: { ms: number }) => new Promise((done) => setTimeout(done, event.ms, 'done'));",
  Stuck: "export const handler = async () => { for (;;); };",
  Failing: "export const handler = async () => { throw new TypeError('not a post'); };",
  Unloadable: "throw new Error('TABLE_NAME is missing'); export const handler = async () => 1;",
  Leaving: "export const handler = async () => process.exit(3);",
  Hungry:
    "export const handler = async () => Array.from({ length: 150 }, () => new Array(131_072).fill(1.5)).length;",
  Talking: "export const handler = async () => { console.log('to be read'); console.error('and this'); };",
  Callback: "export const handler = (event: unknown, context: unknown, done: () => void) => done();",
  Tracked: `let running = 0; let most = 0;
    export const handler = async () => {
      running += 1; most = Math.max(most, running);
      await new Promise((done) => setTimeout(done, 100));
      running -= 1; return most;
    };`,
};

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let assets: Record<string, string>;
let runtime: LambdaRuntime;
const faults: Error[] = [];

beforeAll(async () => {
  folder = await temporaryFolder();
  assets = await bundleHandlers(folder.path, HANDLERS);
});
afterAll(() => folder[Symbol.asyncDispose]());
afterEach(async () => {
  await runtime.close();
  expect(faults.splice(0)).toEqual([]);
});

function start(
  resources: readonly PartialResource[],
  over: Partial<Parameters<typeof createLambdaRuntime>[0]> = {},
): LambdaRuntime {
  runtime = createLambdaRuntime({
    assembly: assemblyOf(resources, assets),
    gatewayUrl: "http://127.0.0.1:9",
    onFault: (fault) => faults.push(fault),
    ...over,
  });
  return runtime;
}

describe("an invocation", () => {
  it("sees the template's variables, what Lambda adds, and nothing of this process", async () => {
    process.env["PUNCTUAL_TEST_SECRET"] = "of the host";
    start([
      aFunction("Environment", {
        MemorySize: 256,
        Environment: { Variables: { TABLE_NAME: "tasks", NODE_OPTIONS: "--enable-source-maps" } },
      }),
    ]);
    const outcome = await runtime.invoke("Environment", {});
    delete process.env["PUNCTUAL_TEST_SECRET"];
    expect(outcome).toMatchObject({
      ok: true,
      payload: {
        TABLE_NAME: "tasks",
        NODE_OPTIONS: "--enable-source-maps",
        AWS_REGION: REGION,
        AWS_LAMBDA_FUNCTION_NAME: "Environment-name",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
        AWS_ACCESS_KEY_ID: "Environment",
        AWS_ENDPOINT_URL: "http://127.0.0.1:9",
        LAMBDA_TASK_ROOT: assets["Environment"],
      },
    });
    const names = Object.keys((outcome as { payload: object }).payload);
    const unexpected = names.filter(
      (name) => !/^(AWS_|LAMBDA_TASK_ROOT|_HANDLER|TZ|LANG|PATH|TABLE_NAME|NODE_OPTIONS)/.test(name),
    );
    expect(unexpected).toEqual([]);
    expect(names).not.toContain("AWS_SESSION_TOKEN");
  });

  it("gets the event and a context, whichever way the function is named", async () => {
    start([aFunction("Echo", { Timeout: 7 })]);
    const arn = runtime.find("Echo")?.arn ?? "";
    for (const id of ["Echo", "Echo-name", arn, `${arn}:$LATEST`]) {
      const outcome = await runtime.invoke(id, { taskId: "01" });
      expect(outcome).toMatchObject({
        ok: true,
        payload: { event: { taskId: "01" }, arn, name: "Echo-name", id: outcome.requestId },
      });
      const { remainingMs } = (outcome as { payload: { remainingMs: number } }).payload;
      expect(remainingMs).toBeGreaterThan(5_000);
      expect(remainingMs).toBeLessThanOrEqual(7_000);
    }
  });

  it("reuses a warm worker", async () => {
    start([aFunction("Counter")]);
    await runtime.invoke("Counter", {});
    expect(await runtime.invoke("Counter", {})).toMatchObject({ payload: 2 });
  });

  it("answers an error of the function as Lambda does", async () => {
    start([aFunction("Failing")]);
    expect(await runtime.invoke("Failing", {})).toMatchObject({
      ok: false,
      error: { errorType: "TypeError", errorMessage: "not a post" },
    });
  });

  it.each([
    ["cannot be loaded", "Unloadable", { errorType: "Error", errorMessage: "TABLE_NAME is missing" }],
    ["leaves the process", "Leaving", { errorType: "Runtime.ExitError" }],
    [
      "takes a callback, which Node 24 on Lambda refuses",
      "Callback",
      { errorType: "Runtime.CallbackHandlerDeprecated" },
    ],
  ])("answers an error when the function %s", async (_, id, error) => {
    start([aFunction(id)]);
    expect(await runtime.invoke(id, {})).toMatchObject({ ok: false, error });
  });

  it("is killed at its time-out, even in a loop that never yields, and the next one starts afresh", async () => {
    start([aFunction("Stuck", { Timeout: 1 }), aFunction("Echo")]);
    expect(await runtime.invoke("Stuck", {})).toMatchObject({
      ok: false,
      error: { errorType: "Sandbox.Timedout", errorMessage: expect.stringContaining("after 1.00 seconds") },
    });
    expect(await runtime.invoke("Echo", {})).toMatchObject({ ok: true });
  });

  it("has the heap that NODE_OPTIONS allows, and no more", async () => {
    start([
      aFunction("Hungry", {
        Environment: { Variables: { NODE_OPTIONS: "--max-old-space-size=32 --max-semi-space-size=1" } },
      }),
    ]);
    expect(await runtime.invoke("Hungry", {})).toMatchObject({
      ok: false,
      error: { errorType: "Runtime.OutOfMemory" },
    });
    await runtime.close();
    start([aFunction("Hungry")]);
    expect(await runtime.invoke("Hungry", {})).toMatchObject({ ok: true, payload: 150 });
  });

  it("writes its output to the sink and to a file of its own", async () => {
    const lines: LogLine[] = [];
    await using state = await temporaryFolder();
    start([aFunction("Talking")], { onLog: (line) => lines.push(line), stateDir: state.path });
    await runtime.invoke("Talking", {});
    await until(
      "both lines are read",
      () => lines.filter(({ stream }) => stream !== "platform").length === 2,
    );
    await runtime.close();
    expect(lines).toContainEqual({ functionId: "Talking", stream: "stdout", line: "to be read" });
    expect(lines).toContainEqual({ functionId: "Talking", stream: "stderr", line: "and this" });
    expect(await readFile(join(state.path, "logs", "Talking.log"), "utf8")).toMatch(/START[\s\S]*REPORT/);
  });

  it("can be killed in the middle, as by a host that dies", async () => {
    start([aFunction("Slow")]);
    const outcome = runtime.invoke("Slow", { ms: 60_000 });
    await runtime.terminate("Slow");
    expect(await outcome).toMatchObject({ ok: false, error: { errorType: "Runtime.ExitError" } });
  });
});

describe("the pool", () => {
  it("runs one invocation at a time in a worker", async () => {
    start([aFunction("Tracked")]);
    const outcomes = await Promise.all([1, 2, 3].map(() => runtime.invoke("Tracked", {})));
    expect(outcomes.map((outcome) => outcome.ok && outcome.payload)).toEqual([1, 1, 1]);
  });

  it("shares a worker when asked to", async () => {
    start([aFunction("Tracked")], { maxWorkers: 1, invocationsPerWorker: 3 });
    expect(runtime.capacity).toBe(3);
    const outcomes = await Promise.all([1, 2, 3].map(() => runtime.invoke("Tracked", {})));
    expect(outcomes.map((outcome) => outcome.ok && outcome.payload)).toEqual([3, 3, 3]);
  });

  it("queues what exceeds its workers, first come first served, and recycles idle ones of other functions", async () => {
    start([aFunction("Slow"), aFunction("Echo"), aFunction("Counter")], { maxWorkers: 1 });
    const order: string[] = [];
    const note = (name: string) => () => order.push(name);
    await Promise.all([
      runtime.invoke("Slow", { ms: 100 }).then(note("slow")),
      runtime.invoke("Counter", {}).then(note("counter")),
      runtime.invoke("Echo", {}).then(note("echo")),
    ]);
    expect(order).toEqual(["slow", "counter", "echo"]);
  });

  it("has workers left for a person who waits, however many invocations hold", async () => {
    start([aFunction("Slow"), aFunction("Counter")], { maxWorkers: 1 });
    const holding = runtime.invoke("Slow", { ms: 60_000 });
    expect(await runtime.invoke("Counter", {}, { urgent: true })).toMatchObject({ ok: true, payload: 1 });
    await runtime.terminate("Slow");
    expect(await holding).toMatchObject({ ok: false });
  });

  it("waits for a warm worker rather than loading one for every invocation of a burst", async () => {
    const lines: LogLine[] = [];
    start([aFunction("Echo")], { onLog: (line) => lines.push(line) });
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => runtime.invoke("Echo", {})));
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect(lines.filter(({ line }) => line.includes("Init Duration")).length).toBeLessThan(20);
  });

  it("refuses more than the reserved concurrency", async () => {
    start([aFunction("Slow", { ReservedConcurrentExecutions: 1 })]);
    const first = runtime.invoke("Slow", { ms: 200 });
    await expect(runtime.invoke("Slow", { ms: 1 })).rejects.toMatchObject({
      name: "TooManyRequestsException",
    });
    expect(await first).toMatchObject({ ok: true });
    expect(await runtime.invoke("Slow", { ms: 1 })).toMatchObject({ ok: true });
  });

  it("fails what waits when it closes", async () => {
    start([aFunction("Slow")], { maxWorkers: 1 });
    const running = runtime.invoke("Slow", { ms: 60_000 });
    const waiting = expect(runtime.invoke("Slow", { ms: 1 })).rejects.toMatchObject({
      code: "lambda-unavailable",
    });
    await runtime.close();
    await waiting;
    expect(await running).toMatchObject({ ok: false });
    await expect(runtime.invoke("Slow", {})).rejects.toMatchObject({ code: "lambda-unavailable" });
  });
});

describe("an asynchronous invocation", () => {
  const config = (functionName: string, destination?: string): PartialResource => ({
    logicalId: "AsyncConfig",
    type: "AWS::Lambda::EventInvokeConfig",
    properties: {
      FunctionName: functionName,
      Qualifier: "$LATEST",
      MaximumRetryAttempts: 1,
      MaximumEventAgeInSeconds: 300,
      ...(destination !== undefined && { DestinationConfig: { OnFailure: { Destination: destination } } }),
    },
  });

  it("is tried as often as the template says, then sent to the failure destination with what is needed to replay it", async () => {
    const cloud = await startTestCloud({
      assets,
      resources: (endpoint) => {
        const dead = aQueue("Dead", endpoint);
        const role = aRole("FailingRole", "lambda.amazonaws.com", [
          { Action: "sqs:SendMessage", Resource: dead.arn ?? "" },
        ]);
        return [aFunction("Failing", { Role: role.arn }), role, dead, config("Failing-name", dead.arn)];
      },
    });
    runtime = createLambdaRuntime({ ...cloud, onFault: cloud.onFault, retryDelaysMs: [1] });
    const { requestId } = runtime.invokeAsync("Failing", { taskId: "01" });
    await runtime.drain();
    const [record] = await cloud.receive("Dead");
    await cloud.close();
    expect(record).toMatchObject({
      version: "1.0",
      requestContext: { requestId, condition: "RetriesExhausted", approximateInvokeCount: 2 },
      requestPayload: { taskId: "01" },
      responseContext: { statusCode: 200, functionError: "Unhandled" },
      responsePayload: { errorType: "TypeError", errorMessage: "not a post" },
    });
  });

  it("says loudly which right is missing when the role may not send to the failure destination", async () => {
    const cloud = await startTestCloud({
      assets,
      resources: (endpoint) => {
        const dead = aQueue("Dead", endpoint);
        const role = aRole("FailingRole", "lambda.amazonaws.com", [
          { Action: "sqs:ReceiveMessage", Resource: dead.arn ?? "" },
        ]);
        return [aFunction("Failing", { Role: role.arn }), role, dead, config("Failing-name", dead.arn)];
      },
    });
    runtime = createLambdaRuntime({ ...cloud, onFault: cloud.onFault, retryDelaysMs: [1] });
    runtime.invokeAsync("Failing", {});
    await runtime.drain();
    await cloud.close();
    expect(cloud.faults).toMatchObject([{ code: "wiring", resource: "Failing", action: "sqs:SendMessage" }]);
  });

  it("says loudly when the failure destination cannot be reached", async () => {
    const dead = aQueue("Dead", "http://127.0.0.1:9");
    start([aFunction("Failing"), dead, config("Failing-name", dead.arn)], { retryDelaysMs: [1] });
    runtime.invokeAsync("Failing", {});
    await runtime.drain();
    expect(faults.splice(0)).toMatchObject([
      { message: expect.stringContaining(`Failing: a failed event could not be sent to ${dead.arn}`) },
    ]);
  });
});

describe("the template is refused", () => {
  it.each([
    ["a property that is not run", aFunction("Echo", { VpcConfig: {} }), /Echo.*VpcConfig/],
    [
      "a variable that Lambda reserves",
      aFunction("Echo", { Environment: { Variables: { AWS_REGION: "x" } } }),
      /AWS_REGION/,
    ],
    ["a handler that its asset lacks", aFunction("Echo", { Handler: "main.handler" }), /main\.mjs/],
    ["an older Node", aFunction("Echo", { Runtime: "nodejs20.x" }), /Node\.js 24/],
    [
      "a Node option that threads cannot have",
      aFunction("Echo", { Environment: { Variables: { NODE_OPTIONS: "--inspect" } } }),
      /--inspect/,
    ],
  ])("for %s", (_, resource, message) => {
    start([]);
    const broken = () =>
      createLambdaRuntime({ assembly: assemblyOf([resource], assets), gatewayUrl: "", onFault: () => {} });
    expect(broken).toThrow(TemplateFault);
    expect(broken).toThrow(message);
  });
});
