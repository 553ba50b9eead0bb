import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createEventBus, type EventBus } from "./events/event-bus.ts";
import { type EventSources, startEventSources } from "./events/mappings.ts";
import type { Pollers } from "./events/queue-mapping.ts";
import { type Gateway, openGateway } from "./gateway/gateway.ts";
import type { KeyNames } from "./gateway/key-rights.ts";
import type { ObjectChange } from "./gateway/service.ts";
import { createUnkindness, type Unkindness } from "./gateway/unkindness.ts";
import { type HttpApi, startHttpApi } from "./http-api/server.ts";
import { createAccess, type UsedRight } from "./iam/access.ts";
import { createLambdaRuntime, type Invocation, type LambdaRuntime, type LogLine } from "./lambda/runtime.ts";
import { createReports, type Report } from "./reports.ts";
import { createKms, keyIdOf } from "./services/kms.ts";
import { createScheduler, type Firing, type Scheduler } from "./services/scheduler.ts";
import { type Stores, startStores } from "./stores/stores.ts";
import { type Assembly, loadAssembly } from "./template/assembly.ts";

export type { Report } from "./reports.ts";

export interface CloudOptions {
  /** The synthesized cloud assembly (`cdk.out`). */
  readonly directory: string;
  /** Template parameters, as `cdk deploy --parameters` would pass them; every other way to change a function is closed. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** 0 for a free port. */
  readonly ports: { readonly api: number; readonly gateway: number };
  /**
   * Folder that keeps tables, queues, objects, schedules, keys and logs over restarts.
   * @default - none: everything in memory
   */
  readonly stateDir?: string;
  /** Worker threads over all functions. @default 24 */
  readonly maxWorkers?: number;
  /** Invocations that share one thread; AWS runs one at a time. @default 1 */
  readonly invocationsPerWorker?: number;
  /** Waits before the tries of an asynchronous invocation. @default as AWS: one and two minutes */
  readonly retryDelaysMs?: readonly number[];
  /** When schedules fire inside their minute. @default "exact" */
  readonly firing?: Firing;
  /** How pollers of queues scale: as this machine can, or few at first, as in AWS. @default "fixed" */
  readonly pollers?: Pollers;
  /** Lines that the functions write, and Lambda's own START and REPORT lines. */
  readonly onLog?: (line: LogLine) => void;
  /** Called at once for everything that {@link LocalCloud.reports} lists. */
  readonly onReport?: (report: Report) => void;
  /** Called for every object that is written to or removed from a bucket. */
  readonly onObjectChange?: (change: ObjectChange) => void;
  /** 0 to 1, for the probabilities of unkind rules. @default Math.random */
  readonly random?: () => number;
  /** @default `$JAVA_HOME/bin/java`, else `java` of the path */
  readonly java?: string;
}

export interface LocalCloud {
  /** `AWS_ENDPOINT_URL`; sign with the access key id `OPERATOR` to be allowed everything. */
  readonly gatewayUrl: string;
  /** The HTTP API, without a trailing slash; undefined when the template has none. */
  readonly apiUrl: string | undefined;
  readonly assembly: Assembly;
  /** Stack outputs. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Rights that functions, roles and services asked for and have; compare with what the template grants. */
  used(): readonly UsedRight[];
  /** Refused requests, failed invocations and everything else that went wrong, oldest first; equal ones are counted. */
  reports(): readonly Report[];
  /** Throttles, conflicts, lost answers, stale indexes, crashes, doubles: can be set and taken back at any time. */
  readonly unkindness: Unkindness;
  readonly runtime: Pick<LambdaRuntime, "drain" | "find" | "functions" | "terminate">;
  readonly schedules: Pick<Scheduler, "list">;
  /**
   * Runs a function as `aws lambda invoke` by the operator would; its error is an answer.
   * @throws LambdaUnavailableFault for an unknown function.
   */
  invoke(functionLogicalId: string, payload: unknown): Promise<Invocation>;
  /**
   * Stops in the order that loses least: event sources, running invocations, gateway, queues and objects, database.
   * @param drainMs how long running invocations may take to finish. @default 5000
   */
  close(drainMs?: number): Promise<void>;
}

/** A port of the local cloud is used by another program. */
export class PortTakenFault extends Error {
  override readonly name = "PortTakenFault";
  readonly code = "port-taken";
  readonly retry = "never";
  readonly port: number;

  constructor(port: number, use: string) {
    super(
      `Port ${port} (${use}) is in use by another program, perhaps a second Punctual. Stop it, or choose other ports with PUNCTUAL_PORT=<number>.`,
    );
    this.port = port;
  }
}

/**
 * Runs a synthesized template on this machine.
 *
 * @throws TemplateFault for whatever in the template cannot be run here, naming stack and logical id.
 * @throws WiringFault when an event source lacks a right.
 * @throws StoreFault when Java is missing or too old, or kept tables no longer fit.
 * @throws PortTakenFault
 */
export async function startCloud(options: CloudOptions): Promise<LocalCloud> {
  /** Undone last to first when a later step fails. */
  const undo: (() => Promise<void>)[] = [];
  try {
    return await build(options, undo);
  } catch (error) {
    for (const step of undo.reverse()) {
      await step();
    }
    throw error;
  }
}

async function build(options: CloudOptions, undo: (() => Promise<void>)[]): Promise<LocalCloud> {
  const { directory, parameters = {}, ports, stateDir, onLog, onReport, java } = options;
  // Both listen before the template is read: their addresses are part of it.
  const gateway = await taken(ports.gateway, "AWS gateway", () => openGateway(ports.gateway));
  undo.push(() => gateway.close(0));
  const apiServer = await taken(ports.api, "API", () => listen(ports.api));
  undo.push(() => closeServer(apiServer));

  const apiEndpoint = `http://127.0.0.1:${(apiServer.address() as AddressInfo).port}`;
  const assembly = loadAssembly({ directory, parameters, endpoint: gateway.url, apiEndpoint });
  const access = createAccess(assembly);
  const unkindness = createUnkindness(options.random ?? Math.random);
  const reports = createReports(onReport);
  const kept = stateDir === undefined ? {} : { stateDir };
  const common = { assembly, access, gatewayUrl: gateway.url, onFault: reports.fault, ...kept };

  const stores = await startStores({
    assembly,
    ...(stateDir !== undefined && { directory: stateDir }),
    ...(java !== undefined && { java }),
  });
  undo.push(() => stores.close());
  const { maxWorkers, invocationsPerWorker, retryDelaysMs, firing } = options;
  const lambdas = createLambdaRuntime({
    ...common,
    onLog: (line) => {
      reports.log(line);
      onLog?.(line);
    },
    ...(maxWorkers !== undefined && { maxWorkers }),
    ...(invocationsPerWorker !== undefined && { invocationsPerWorker }),
    ...(retryDelaysMs !== undefined && { retryDelaysMs }),
  });
  undo.push(() => lambdas.close());
  const runtime: LambdaRuntime = {
    ...lambdas,
    invokeAsync: (id, payload) => {
      const caller = lambdas.find(id)?.logicalId ?? id;
      if (unkindness.doubles({ service: "lambda", operation: "InvokeAsync", caller })) {
        lambdas.invokeAsync(id, payload);
      }
      return lambdas.invokeAsync(id, payload);
    },
  };
  const scheduler = createScheduler({ ...common, runtime, ...(firing !== undefined && { firing }) });
  undo.push(() => scheduler.close());
  const bus = createEventBus({ ...common, runtime });
  undo.push(() => bus.close());

  gateway.serve({
    assembly,
    access,
    stores,
    scheduler: scheduler.service,
    kms: createKms({ assembly, ...kept }),
    keyNames: keyNamesOf(assembly),
    unkindness,
    crash: (functionId) => void runtime.terminate(functionId),
    onRefusal: reports.refusal,
    onObjectChange: (change) => {
      options.onObjectChange?.(change);
      const event = { service: "s3", operation: "ObjectEvent", caller: change.bucket };
      for (let copies = unkindness.doubles(event) ? 2 : 1; copies > 0; copies -= 1) {
        bus.objectChanged(change).catch((error: unknown) => {
          reports.fault(new Error(`the event of ${change.bucket}/${change.key} was lost`, { cause: error }));
        });
      }
    },
    now: Date.now,
  });

  const sources = await startEventSources({
    ...common,
    runtime,
    ...(options.pollers !== undefined && { pollers: options.pollers }),
  });
  undo.push(() => sources.close());
  const api = await serveApi(
    assembly,
    () => startHttpApi({ ...common, runtime, server: apiServer }),
    apiServer,
  );
  scheduler.start();
  bus.start();

  let closing: Promise<void> | undefined;
  return {
    gatewayUrl: gateway.url,
    apiUrl: api?.url,
    assembly,
    outputs: assembly.outputs,
    used: () => access.used(),
    reports: () => reports.all(),
    unkindness,
    runtime,
    schedules: scheduler,
    invoke: (functionLogicalId, payload) => runtime.invoke(functionLogicalId, payload),
    close: (drainMs = 5_000) => {
      closing ??= closeAll({ api, sources, scheduler, bus, runtime, gateway, stores }, drainMs);
      return closing;
    },
  };
}

interface Running {
  readonly api: HttpApi | undefined;
  readonly sources: EventSources;
  readonly scheduler: Scheduler;
  readonly bus: EventBus;
  readonly runtime: LambdaRuntime;
  readonly gateway: Gateway;
  readonly stores: Stores;
}

async function closeAll(running: Running, drainMs: number): Promise<void> {
  const { api, sources, scheduler, bus, runtime, gateway, stores } = running;
  // Nothing new comes in; batches that are worked on are waited for below.
  const polled = sources.close();
  const answered = api?.close();
  const fired = scheduler.close();
  await within(drainMs, Promise.all([runtime.drain(), fired]));
  await runtime.close();
  await Promise.all([polled, answered, fired]);
  await bus.close();
  await gateway.close();
  await stores.close();
}

/** Resolves when the work is done, or when the time is over. */
async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, limitMs);
  await Promise.race([work, limit.promise]);
  clearTimeout(timer);
}

async function serveApi(
  assembly: Assembly,
  start: () => Promise<HttpApi>,
  server: Server,
): Promise<HttpApi | undefined> {
  if (assembly.ofType("AWS::ApiGatewayV2::Api").length > 0) {
    return start();
  }
  await closeServer(server);
  return undefined;
}

function keyNamesOf(assembly: Assembly): KeyNames {
  const keys = assembly.ofType("AWS::KMS::Key");
  const resolve = (keyId: string): string | undefined => {
    const alias = assembly
      .ofType("AWS::KMS::Alias")
      .find(({ physicalId, arn }) => keyId === physicalId || keyId === arn);
    const target = alias === undefined ? keyId : String(alias.properties["TargetKeyId"]);
    return keys.find(({ physicalId, arn }) => target === physicalId || target === arn)?.arn;
  };
  return {
    resolve,
    ofCiphertext: (ciphertext) => {
      const keyId = keyIdOf(ciphertext);
      return keyId === undefined ? undefined : resolve(keyId);
    },
  };
}

async function taken<Value>(port: number, use: string, open: () => Promise<Value>): Promise<Value> {
  try {
    return await open();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") {
      throw new PortTakenFault(port, use);
    }
    throw error;
  }
}

function listen(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
