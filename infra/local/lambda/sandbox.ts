import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { Worker } from "node:worker_threads";
import type { FunctionError, InvokeMessage, SandboxData, SandboxMessage } from "./protocol.ts";
import { environmentOf, type FunctionSettings } from "./settings.ts";

/** How an invocation ended. A failure is an answer of Lambda, not a fault of the runtime. */
export type Invocation =
  | { readonly ok: true; readonly requestId: string; readonly payload: unknown }
  | { readonly ok: false; readonly requestId: string; readonly error: FunctionError };

export interface SandboxOptions {
  readonly settings: FunctionSettings;
  readonly region: string;
  readonly gatewayUrl: string;
  readonly logStream: string;
  readonly onLine: (stream: "stdout" | "stderr" | "platform", line: string) => void;
  /** Called once, when `loading` has become false. */
  readonly onLoaded: () => void;
}

/** One execution environment: a thread that has loaded one function. */
export interface Sandbox {
  readonly settings: FunctionSettings;
  /** Invocations that run in it now. */
  readonly running: number;
  /** True as soon as it can take no more invocations. */
  readonly ended: boolean;
  /** Until the function is loaded, or cannot be. */
  readonly loading: boolean;
  invoke(requestId: string, payload: string): Promise<Invocation>;
  /** Kills the thread; what runs in it fails with `reason`. Resolves when the thread is gone. */
  terminate(reason: FunctionError): Promise<void>;
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const INIT_LIMIT_MS = 10_000;

const exited = (message: string): FunctionError => ({
  errorType: "Runtime.ExitError",
  errorMessage: message,
});

/** The end of Lambda's own line about an invocation that failed, and what Lambda leaves to the function's log. */
const failureOf = ({ errorType, errorMessage }: FunctionError): string =>
  `\tStatus: error\tError Type: ${errorType}\tMessage: ${errorMessage.replaceAll(/\s+/g, " ")}`;

function readLines(source: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  source.on("data", (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  source.on("end", () => {
    if (rest !== "") onLine(rest);
  });
}

export function startSandbox(options: SandboxOptions): Sandbox {
  const { settings, region, gatewayUrl, logStream, onLine, onLoaded } = options;
  const startedAt = performance.now();
  const running = new Map<string, (outcome: Invocation) => void>();
  const ready = Promise.withResolvers<FunctionError | undefined>();
  const gone = Promise.withResolvers<void>();
  let ended = false;
  let loading = true;
  let initMs: number | undefined;

  const worker = new Worker(new URL("./bootstrap.ts", import.meta.url), {
    env: environmentOf(settings, { region, gatewayUrl, logStream }),
    execArgv: [...settings.execArgv],
    resourceLimits: settings.heap,
    stdin: false,
    stdout: true,
    stderr: true,
    name: settings.logicalId,
    workerData: {
      entry: settings.entry,
      exportName: settings.exportName,
      functionName: settings.name,
      functionArn: settings.arn,
      memoryMb: settings.memoryMb,
      logGroup: settings.logGroup,
      logStream,
    } satisfies SandboxData,
  });
  readLines(worker.stdout, (line) => onLine("stdout", line));
  readLines(worker.stderr, (line) => onLine("stderr", line));

  const fail = (error: FunctionError): void => {
    ended = true;
    ready.resolve(error);
    for (const [requestId, settle] of running) settle({ ok: false, requestId, error });
  };
  const terminate = (reason: FunctionError): Promise<void> => {
    fail(reason);
    void worker.terminate();
    return gone.promise;
  };

  worker.on("message", (message: SandboxMessage) => {
    switch (message.kind) {
      case "ready":
        initMs = performance.now() - startedAt;
        return ready.resolve(undefined);
      case "init-failed":
        return void terminate(message.error);
      case "answered":
        return running.get(message.requestId)?.({
          ok: true,
          requestId: message.requestId,
          payload: JSON.parse(message.payload),
        });
      case "failed":
        return running.get(message.requestId)?.({
          ok: false,
          requestId: message.requestId,
          error: message.error,
        });
    }
  });
  worker.on("error", (error: Error & { code?: string }) => {
    const errorType =
      error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "Runtime.OutOfMemory" : `Runtime.${error.name}`;
    fail({ errorType, errorMessage: error.message, trace: (error.stack ?? "").split("\n") });
  });
  worker.on("exit", (code) => {
    fail(exited(`Runtime exited with code ${code}`));
    gone.resolve();
  });

  const initLimit = setTimeout(
    () =>
      void terminate({ errorType: "Sandbox.Timedout", errorMessage: "the function did not load in time" }),
    Math.max(INIT_LIMIT_MS, settings.timeoutMs),
  );
  void ready.promise.then(() => {
    clearTimeout(initLimit);
    loading = false;
    onLoaded();
  });

  /** Lambda's clock for an invocation starts when the function is loaded. */
  async function invoke(requestId: string, payload: string): Promise<Invocation> {
    const done = Promise.withResolvers<Invocation>();
    running.set(requestId, done.resolve);
    let limit: NodeJS.Timeout | undefined;
    try {
      const initError = await ready.promise;
      if (initError) {
        onLine("platform", `INIT_REPORT RequestId: ${requestId}\tPhase: invoke${failureOf(initError)}`);
        return { ok: false, requestId, error: initError };
      }
      const coldMs = initMs;
      initMs = undefined;

      const beganAt = performance.now();
      onLine("platform", `START RequestId: ${requestId} Version: $LATEST`);
      limit = setTimeout(() => {
        const seconds = (settings.timeoutMs / 1_000).toFixed(2);
        void terminate({
          errorType: "Sandbox.Timedout",
          errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`,
        });
      }, settings.timeoutMs);
      const message: InvokeMessage = { requestId, payload, deadlineAt: Date.now() + settings.timeoutMs };
      worker.postMessage(message);

      const outcome = await done.promise;
      const tookMs = (performance.now() - beganAt).toFixed(2);
      const init = coldMs === undefined ? "" : `\tInit Duration: ${coldMs.toFixed(2)} ms`;
      const status = outcome.ok ? "" : failureOf(outcome.error);
      onLine("platform", `REPORT RequestId: ${requestId}\tDuration: ${tookMs} ms${init}${status}`);
      return outcome;
    } finally {
      clearTimeout(limit);
      running.delete(requestId);
    }
  }

  return {
    settings,
    get running() {
      return running.size;
    },
    get ended() {
      return ended;
    },
    get loading() {
      return loading;
    },
    invoke,
    terminate,
  };
}
