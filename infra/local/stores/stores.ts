import type { Assembly } from "../template/assembly.ts";
import { createBuckets } from "./buckets.ts";
import { createQueues } from "./queues.ts";
import { startSupervised } from "./supervised.ts";
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
  const started = await startSupervised({
    region: assembly.region,
    fauxqs: true,
    ...(directory !== undefined && { directory }),
    ...(java !== undefined && { java }),
  });
  try {
    const dynamoDbUrl = `http://127.0.0.1:${started.ports.dynamoDb}`;
    const fauxqsUrl = `http://127.0.0.1:${started.ports.fauxqs}`;
    const [streams] = await Promise.all([
      createTables(assembly, dynamoDbUrl),
      createQueues(assembly, fauxqsUrl),
      createBuckets(assembly, fauxqsUrl),
    ]);
    return { dynamoDbUrl, fauxqsUrl, streams, close: started.close };
  } catch (error) {
    await started.close();
    throw error;
  }
}
