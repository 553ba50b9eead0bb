import { join } from "node:path";
import { type DynamoDbProcess, startDynamoDb } from "./dynamodb-process.ts";
import { StoreFault } from "./fault.ts";
import { type FauxqsServer, startFauxqs } from "./fauxqs-server.ts";

/** What the parent sends first. */
export interface StoresSettings {
  readonly region: string;
  readonly directory?: string;
  readonly java?: string;
}

export type StoresAnswer =
  | { readonly ready: { readonly dynamoDbPort: number; readonly fauxqsPort: number } }
  | { readonly failed: { readonly code: string; readonly message: string } };

/**
 * Entry of the process that holds the stores. It ends when the parent asks and also when the parent is gone for any
 * reason, so that even a killed run leaves no database behind.
 */
let open: { readonly fauxqs: FauxqsServer; readonly dynamoDb: DynamoDbProcess } | undefined;
let starting: Promise<void> = Promise.resolve();

async function start(settings: StoresSettings): Promise<void> {
  const { directory, java, region } = settings;
  const database = startDynamoDb({
    ...(directory !== undefined && { directory: join(directory, "dynamodb") }),
    ...(java !== undefined && { java }),
  });
  const server = startFauxqs({
    region,
    ...(directory !== undefined && { directory: join(directory, "fauxqs") }),
  });
  const [dynamoDb, fauxqs] = await Promise.allSettled([database, server]);
  if (dynamoDb.status === "fulfilled" && fauxqs.status === "fulfilled") {
    open = { dynamoDb: dynamoDb.value, fauxqs: fauxqs.value };
    answer({ ready: { dynamoDbPort: dynamoDb.value.port, fauxqsPort: fauxqs.value.port } });
    return;
  }
  if (fauxqs.status === "fulfilled") {
    await fauxqs.value.close();
  }
  if (dynamoDb.status === "fulfilled") {
    await dynamoDb.value.close();
  }
  const reason: unknown =
    dynamoDb.status === "rejected" ? dynamoDb.reason : (fauxqs as PromiseRejectedResult).reason;
  answer({
    failed: {
      code: reason instanceof StoreFault ? reason.code : "store-did-not-start",
      message: reason instanceof Error ? reason.message : String(reason),
    },
  });
}

async function end(): Promise<void> {
  await starting;
  await open?.fauxqs.close();
  await open?.dynamoDb.close();
  process.exit(0);
}

function answer(message: StoresAnswer): void {
  if (process.connected) {
    process.send?.(message);
  }
}

process.once("message", (settings: StoresSettings) => {
  starting = start(settings);
});
process.once("disconnect", () => void end());
