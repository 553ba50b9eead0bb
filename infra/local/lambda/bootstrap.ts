/**
 * Runs inside the worker thread: loads the bundled file once and answers invocations, as Lambda's Node runtime does.
 * Imports nothing of this project, so that a function never meets code it was not deployed with.
 */
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import type { FunctionError, InvokeMessage, SandboxData, SandboxMessage } from "./protocol.ts";

type Handler = (event: unknown, context: unknown) => unknown;

/** @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_ANSWER_BYTES = 6 * 1024 * 1024;

const data = workerData as SandboxData;
const port = parentPort;
if (!port) throw new Error("bootstrap.ts runs in a worker thread only");
const say = (message: SandboxMessage): void => port.postMessage(message);

const describe = (error: unknown): FunctionError =>
  error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? "").split("\n") }
    : { errorType: typeof error, errorMessage: String(error) };

const initError = (errorType: string, errorMessage: string): Error =>
  Object.assign(new Error(errorMessage), { name: errorType });

async function load(): Promise<Handler> {
  const loaded: unknown = await import(pathToFileURL(data.entry).href);
  let found = loaded;
  for (const part of data.exportName.split("."))
    found = (found as Record<string, unknown> | undefined)?.[part];
  if (typeof found !== "function") {
    throw initError("Runtime.HandlerNotFound", `${data.entry} has no function named ${data.exportName}`);
  }
  // The Node 24 runtime dropped callbacks: a handler with three parameters would never answer.
  if (found.length >= 3) {
    throw initError(
      "Runtime.CallbackHandlerDeprecated",
      "handlers with a callback are not supported by Node 24",
    );
  }
  return found as Handler;
}

const contextOf = ({ requestId, deadlineAt }: InvokeMessage) => ({
  callbackWaitsForEmptyEventLoop: true,
  functionName: data.functionName,
  functionVersion: "$LATEST",
  invokedFunctionArn: data.functionArn,
  memoryLimitInMB: String(data.memoryMb),
  awsRequestId: requestId,
  logGroupName: data.logGroup,
  logStreamName: data.logStream,
  getRemainingTimeInMillis: () => deadlineAt - Date.now(),
});

async function answer(handler: Handler, message: InvokeMessage): Promise<SandboxMessage> {
  const { requestId } = message;
  try {
    const value = await handler(JSON.parse(message.payload), contextOf(message));
    const payload = JSON.stringify(value) ?? "null";
    const sizeBytes = Buffer.byteLength(payload);
    if (sizeBytes <= MAX_ANSWER_BYTES) return { kind: "answered", requestId, payload };
    const errorMessage = `Response payload size (${sizeBytes} bytes) exceeded maximum allowed payload size (${MAX_ANSWER_BYTES} bytes).`;
    return { kind: "failed", requestId, error: { errorType: "Function.ResponseSizeTooLarge", errorMessage } };
  } catch (error) {
    return { kind: "failed", requestId, error: describe(error) };
  }
}

try {
  const handler = await load();
  port.on("message", async (message: InvokeMessage) => say(await answer(handler, message)));
  say({ kind: "ready" });
} catch (error) {
  say({ kind: "init-failed", error: describe(error) });
}
