import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Assembly } from "../template/assembly.ts";
import { createBuckets } from "./buckets.ts";
import { StoreFault } from "./fault.ts";
import { createQueues } from "./queues.ts";
import type { StoresAnswer, StoresSettings } from "./stores-process.ts";
import { createTables } from "./tables.ts";

export interface Stores {
  readonly dynamoDbUrl: string;
  /** Serves both SQS and S3. */
  readonly fauxqsUrl: string;
  /** Template's stream ARN → the stream ARN of DynamoDB Local. */
  readonly streams: ReadonlyMap<string, string>;
  /** Ends queues and objects first, then the database; resolves when both are gone. */
  close(): Promise<void>;
}

export interface StoresOptions {
  readonly assembly: Assembly;
  /** Folder that keeps everything over restarts; in memory without one. */
  readonly directory?: string;
  /** @default `$JAVA_HOME/bin/java`, else `java` of the path */
  readonly java?: string;
}

/**
 * Starts DynamoDB Local and fauxqs and creates what the template declares; what an earlier start created is kept.
 *
 * @throws StoreFault when Java is missing or too old, or a kept table no longer fits the template.
 */
export async function startStores(options: StoresOptions): Promise<Stores> {
  const { assembly, directory, java } = options;
  const child = fork(fileURLToPath(new URL("./stores-process.ts", import.meta.url)), {
    detached: true,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    // Not the environment of this process: it may hold the credentials of X.
    env: pick(process.env, ["PATH", "JAVA_HOME", "HOME", "TMPDIR"]),
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const close = async (): Promise<void> => {
    if (child.connected) {
      child.disconnect();
    }
    await ended;
  };
  try {
    const { dynamoDbPort, fauxqsPort } = await startedPorts(child, {
      region: assembly.region,
      ...(directory !== undefined && { directory }),
      ...(java !== undefined && { java }),
    });
    const dynamoDbUrl = `http://127.0.0.1:${dynamoDbPort}`;
    const fauxqsUrl = `http://127.0.0.1:${fauxqsPort}`;
    const [streams] = await Promise.all([
      createTables(assembly, dynamoDbUrl),
      createQueues(assembly, fauxqsUrl),
      createBuckets(assembly, fauxqsUrl),
    ]);
    return { dynamoDbUrl, fauxqsUrl, streams, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function startedPorts(
  child: ChildProcess,
  settings: StoresSettings,
): Promise<{ dynamoDbPort: number; fauxqsPort: number }> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new StoreFault("store-did-not-start", `The process of the stores ended with ${code}.`)),
    );
    child.once("message", (answer: StoresAnswer) => {
      if ("ready" in answer) {
        resolve(answer.ready);
      } else {
        reject(new StoreFault(answer.failed.code, answer.failed.message));
      }
    });
    child.send(settings);
  });
}

function pick(environment: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(
    names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}
