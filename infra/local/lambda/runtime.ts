import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { isAccessDenied, sqsClient } from "../services/clients.ts";
import { pause } from "../services/delay.ts";
import { type ReportFault, WiringFault } from "../services/wiring-fault.ts";
import type { Assembly } from "../template/assembly.ts";
import { createLogFiles, type LogLine } from "./log-files.ts";
import type { FunctionError } from "./protocol.ts";
import { type Invocation, type Sandbox, startSandbox } from "./sandbox.ts";
import { type FunctionSettings, readFunction } from "./settings.ts";

export type { LogLine } from "./log-files.ts";
export type { Invocation } from "./sandbox.ts";

/** The function's reserved concurrency is used up: Lambda's 429. */
export class ThrottledFault extends Error {
  override readonly name = "TooManyRequestsException";
  readonly code = "throttled";
  readonly retry = "backoff";
}

/** The runtime is closing, or no function of the template has this id. */
class LambdaUnavailableFault extends Error {
  override readonly name = "LambdaUnavailableFault";
  readonly code = "lambda-unavailable";
  readonly retry = "never";
}

export interface LambdaRuntimeOptions {
  readonly assembly: Assembly;
  /** Gateway address without a trailing slash; each function gets it as `AWS_ENDPOINT_URL`. */
  readonly gatewayUrl: string;
  /** Failures that have no caller: an event that could not be sent to its failure destination. */
  readonly onFault: ReportFault;
  readonly onLog?: (line: LogLine) => void;
  /**
   * Folder for one log file per function.
   *
   * @default - no files
   */
  readonly stateDir?: string;
  /**
   * Threads over all functions. What exceeds it waits, first come first served. A thread costs about 15 MiB.
   *
   * @default 24
   */
  readonly maxWorkers?: number;
  /**
   * Invocations that share one thread. AWS runs one at a time; more saves memory where thousands of publishers hold.
   *
   * @default 1
   */
  readonly invocationsPerWorker?: number;
  /**
   * Waits before the second and the third try of an asynchronous invocation.
   *
   * @default [60_000, 120_000]
   */
  readonly retryDelaysMs?: readonly number[];
}

export interface InvokeOptions {
  /** Goes before everything that waits for a free worker: a person waits for the answer. */
  readonly urgent?: boolean;
  readonly requestId?: string;
}

export interface LambdaRuntime {
  /** Every function of the template. */
  readonly functions: readonly FunctionSettings[];
  /** Invocations that can run at once over all functions. */
  readonly capacity: number;
  /** Finds a function by logical id, name or ARN (with or without a version). */
  find(id: string): FunctionSettings | undefined;
  /**
   * Runs a function and waits for its answer. An error of the function is an answer.
   *
   * @throws ThrottledFault when its reserved concurrency is used up.
   * @throws LambdaUnavailableFault for an unknown function, or while closing.
   */
  invoke(id: string, payload: unknown, options?: InvokeOptions): Promise<Invocation>;
  /** Queues an event; retries, age and failure destination follow the template. */
  invokeAsync(id: string, payload: unknown): { readonly requestId: string };
  /** Kills the threads of a function in the middle of whatever they do, as a crashed host would. */
  terminate(id: string): Promise<void>;
  /** Resolves when nothing runs, waits or is to be retried. */
  drain(): Promise<void>;
  /** Takes nothing more, fails what waits, kills every thread. Events still to be retried are lost. */
  close(): Promise<void>;
}

interface Job {
  readonly settings: FunctionSettings;
  readonly requestId: string;
  readonly payload: string;
  readonly start: (sandbox: Sandbox) => void;
  readonly refuse: (error: Error) => void;
}

const KILLED: FunctionError = {
  errorType: "Runtime.ExitError",
  errorMessage: "Error: Runtime exited without providing a reason",
};
const DEFAULT_MAX_WORKERS = 24;
/** Beyond the limit, for API requests only: publishers that hold must not make a person wait. */
const URGENT_WORKERS = 2;
/** More of them only slow each other down, and meanwhile a warm worker often is free again. */
const LOADING_AT_ONCE = Math.max(2, availableParallelism());
const DEFAULT_RETRY_DELAYS_MS = [60_000, 120_000];
const THROTTLE_PAUSE_MS = 1_000;

/** Runs every `AWS::Lambda::Function` of the template in worker threads. */
export function createLambdaRuntime(options: LambdaRuntimeOptions): LambdaRuntime {
  const {
    assembly,
    gatewayUrl,
    onFault,
    maxWorkers = DEFAULT_MAX_WORKERS,
    invocationsPerWorker = 1,
  } = options;
  const retryDelaysMs = options.retryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS;
  const functions = assembly
    .ofType("AWS::Lambda::Function")
    .map((resource) => readFunction(assembly, resource));
  const files = options.stateDir === undefined ? undefined : createLogFiles(join(options.stateDir, "logs"));

  const usual = { workers: maxWorkers, loading: LOADING_AT_ONCE };
  const forUrgent = { workers: maxWorkers + URGENT_WORKERS, loading: Number.POSITIVE_INFINITY };
  /** Least recently used first. */
  let sandboxes: Sandbox[] = [];
  const urgent: Job[] = [];
  const waiting: Job[] = [];
  const load = new Map<FunctionSettings, number>();
  const background = new Set<Promise<void>>();
  const closing = new AbortController();
  const clients = new Map<string, SQSClient>();
  let started = 0;
  let idle = Promise.withResolvers<void>();

  const find = (id: string): FunctionSettings | undefined =>
    functions.find(
      ({ logicalId, name, arn }) => id === logicalId || id === name || id === arn || id.startsWith(`${arn}:`),
    );
  const mustFind = (id: string): FunctionSettings => {
    const settings = find(id);
    if (!settings) throw new LambdaUnavailableFault(`no function of the template is ${id}`);
    if (closing.signal.aborted) throw new LambdaUnavailableFault("the local cloud is stopping");
    return settings;
  };

  const log = (line: LogLine): void => {
    files?.write(line);
    options.onLog?.(line);
  };

  function start(settings: FunctionSettings): Sandbox {
    started += 1;
    const sandbox = startSandbox({
      settings,
      region: assembly.region,
      gatewayUrl,
      logStream: `local/[$LATEST]${String(started).padStart(8, "0")}`,
      onLine: (stream, line) => log({ functionId: settings.logicalId, stream, line }),
      onLoaded: dispatch,
    });
    sandboxes.push(sandbox);
    return sandbox;
  }

  /** A warm worker, else a new one, else the place of a worker of another function that has nothing to do. */
  function claim(settings: FunctionSettings, { workers, loading }: typeof usual): Sandbox | undefined {
    sandboxes = sandboxes.filter(({ ended }) => !ended);
    const warm = sandboxes.findLast(
      (sandbox) => sandbox.settings === settings && sandbox.running < invocationsPerWorker,
    );
    const busy = sandboxes.filter(({ running }) => running > 0).length;
    if (busy >= workers && !(warm && warm.running > 0)) return undefined;
    if (warm) {
      sandboxes = [...sandboxes.filter((sandbox) => sandbox !== warm), warm];
      return warm;
    }
    if (sandboxes.filter((sandbox) => sandbox.loading).length >= loading) return undefined;
    if (sandboxes.length >= workers) {
      const recycled = sandboxes.find(({ running }) => running === 0);
      if (!recycled) return undefined;
      void recycled.terminate(KILLED);
      sandboxes = sandboxes.filter((sandbox) => sandbox !== recycled);
    }
    return start(settings);
  }

  function dispatch(): void {
    for (const queue of [urgent, waiting]) {
      const stuck = new Set<FunctionSettings>();
      const limits = queue === urgent ? forUrgent : usual;
      for (let index = 0; index < queue.length; ) {
        const job = queue[index] as Job;
        const sandbox = stuck.has(job.settings) ? undefined : claim(job.settings, limits);
        if (sandbox) {
          queue.splice(index, 1);
          job.start(sandbox);
        } else {
          stuck.add(job.settings);
          if (stuck.size === functions.length) break;
          index += 1;
        }
      }
    }
  }

  function release(settings: FunctionSettings): void {
    load.set(settings, (load.get(settings) ?? 1) - 1);
    dispatch();
    settleIdle();
  }

  function settleIdle(): void {
    const busy = background.size > 0 || [...load.values()].some((count) => count > 0);
    if (busy) return;
    idle.resolve();
    idle = Promise.withResolvers<void>();
  }

  async function run(
    settings: FunctionSettings,
    payload: string,
    { urgent: first, requestId }: InvokeOptions,
  ) {
    const inUse = load.get(settings) ?? 0;
    if (settings.reservedConcurrency !== undefined && inUse >= settings.reservedConcurrency) {
      throw new ThrottledFault(
        `${settings.logicalId}: Rate Exceeded (${settings.reservedConcurrency} reserved)`,
      );
    }
    load.set(settings, inUse + 1);
    try {
      const id = requestId ?? randomUUID();
      const outcome = Promise.withResolvers<Invocation>();
      (first ? urgent : waiting).push({
        settings,
        requestId: id,
        payload,
        // The invocation is registered in the sandbox at once, so that the next claim sees it as taken.
        start: (sandbox) => void sandbox.invoke(id, payload).then(outcome.resolve, outcome.reject),
        refuse: outcome.reject,
      });
      dispatch();
      return await outcome.promise;
    } finally {
      release(settings);
    }
  }

  const clientOf = ({ logicalId }: FunctionSettings): SQSClient => {
    const client =
      clients.get(logicalId) ?? sqsClient({ gatewayUrl, region: assembly.region, caller: logicalId });
    clients.set(logicalId, client);
    return client;
  };

  /** @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
  async function sendToDestination(
    settings: FunctionSettings,
    event: { readonly requestId: string; readonly payload: string; readonly tries: number },
    condition: "RetriesExhausted" | "EventAgeExceeded",
    failure: FunctionError | undefined,
  ): Promise<void> {
    const { onFailure } = settings.asynchronous;
    if (onFailure === undefined) return;
    const record = {
      version: "1.0",
      timestamp: new Date().toISOString(),
      requestContext: {
        requestId: event.requestId,
        functionArn: `${settings.arn}:$LATEST`,
        condition,
        approximateInvokeCount: event.tries,
      },
      requestPayload: JSON.parse(event.payload) as unknown,
      ...(failure && {
        responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
        responsePayload: failure,
      }),
    };
    const queueUrl = assembly.byArn(onFailure)?.physicalId;
    try {
      await clientOf(settings).send(
        new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(record) }),
      );
    } catch (error) {
      if (closing.signal.aborted) return;
      onFault(
        isAccessDenied(error)
          ? new WiringFault(
              settings.logicalId,
              "sqs:SendMessage",
              `its failed event could not be sent to ${onFailure}: ${error.message}`,
              { cause: error },
            )
          : new Error(`${settings.logicalId}: a failed event could not be sent to ${onFailure}`, {
              cause: error,
            }),
      );
    }
  }

  async function runAsync(settings: FunctionSettings, requestId: string, payload: string): Promise<void> {
    const { maxRetries, maxAgeMs } = settings.asynchronous;
    const queuedAt = Date.now();
    let tries = 0;
    let failure: FunctionError | undefined;
    while (!closing.signal.aborted) {
      if (Date.now() - queuedAt > maxAgeMs) {
        return sendToDestination(settings, { requestId, payload, tries }, "EventAgeExceeded", failure);
      }
      try {
        const outcome = await run(settings, payload, { requestId });
        if (outcome.ok) return;
        failure = outcome.error;
      } catch (error) {
        if (!(error instanceof ThrottledFault)) throw error;
        await pause(THROTTLE_PAUSE_MS, closing.signal);
        continue;
      }
      tries += 1;
      if (tries > maxRetries) {
        return sendToDestination(settings, { requestId, payload, tries }, "RetriesExhausted", failure);
      }
      await pause(retryDelaysMs[tries - 1] ?? retryDelaysMs.at(-1) ?? 0, closing.signal);
    }
  }

  return {
    functions,
    capacity: maxWorkers * invocationsPerWorker,
    find,
    async invoke(id, payload, invokeOptions = {}) {
      return run(mustFind(id), JSON.stringify(payload), invokeOptions);
    },
    invokeAsync(id, payload) {
      const settings = mustFind(id);
      const requestId = randomUUID();
      const work = runAsync(settings, requestId, JSON.stringify(payload))
        .catch((error: unknown) => {
          if (!closing.signal.aborted) {
            onFault(new Error(`${settings.logicalId}: an event was lost`, { cause: error }));
          }
        })
        .finally(() => {
          background.delete(work);
          settleIdle();
        });
      background.add(work);
      return { requestId };
    },
    async terminate(id) {
      const settings = find(id);
      await Promise.all(
        sandboxes
          .filter((sandbox) => sandbox.settings === settings)
          .map((sandbox) => sandbox.terminate(KILLED)),
      );
    },
    async drain() {
      const { promise } = idle;
      settleIdle();
      await promise;
    },
    async close() {
      closing.abort();
      for (const job of [...urgent.splice(0), ...waiting.splice(0)]) {
        job.refuse(new LambdaUnavailableFault("the local cloud is stopping"));
      }
      await Promise.all(sandboxes.map((sandbox) => sandbox.terminate(KILLED)));
      await Promise.all(background);
      for (const client of clients.values()) client.destroy();
      await files?.close();
    },
  };
}
