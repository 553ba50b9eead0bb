import { join } from "node:path";
import { type DynamoDbJava, launchDynamoDb } from "./dynamodb-java.ts";
import { StoreFault } from "./fault.ts";
import { type FauxqsServer, startFauxqs } from "./fauxqs-server.ts";

/** What the parent sends first. */
export interface StoresSettings {
  readonly region: string;
  readonly directory?: string;
  readonly java?: string;
  /** Without queues and objects when false. */
  readonly fauxqs: boolean;
}

export interface StoresPorts {
  readonly dynamoDb: number;
  /** 0 when it was not asked for. */
  readonly fauxqs: number;
}

export type StoresAnswer =
  | { readonly ready: StoresPorts }
  | { readonly failed: { readonly code: string; readonly message: string } };

/*
 * Entry of the process that holds the stores. It ends when the parent asks and also when the parent is gone for any
 * reason, so that even a killed run leaves no database behind.
 */
let dynamoDb: DynamoDbJava | undefined;
let fauxqs: FauxqsServer | undefined;
let starting: Promise<void> = Promise.resolve();

async function start(settings: StoresSettings): Promise<void> {
  const { directory, java, region } = settings;
  const folder = (name: string) => (directory === undefined ? {} : { directory: join(directory, name) });
  const outcomes = await Promise.allSettled([
    launchDynamoDb({ ...folder("dynamodb"), ...(java !== undefined && { java }) }).then((started) => {
      dynamoDb = started;
    }),
    settings.fauxqs
      ? startFauxqs({ region, ...folder("fauxqs") }).then((started) => {
          fauxqs = started;
        })
      : undefined,
  ]);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed === undefined) {
    answer({ ready: { dynamoDb: dynamoDb?.port ?? 0, fauxqs: fauxqs?.port ?? 0 } });
    return;
  }
  await endStores();
  const reason: unknown = failed.reason;
  answer({
    failed: {
      code: reason instanceof StoreFault ? reason.code : "store-did-not-start",
      message: reason instanceof Error ? reason.message : String(reason),
    },
  });
}

/** The database last: it is what everything else is written to. */
async function endStores(): Promise<void> {
  await fauxqs?.close();
  await dynamoDb?.close();
}

function answer(message: StoresAnswer): void {
  if (process.connected) {
    process.send?.(message);
  }
}

process.once("message", (settings: StoresSettings) => {
  starting = start(settings);
});
process.once("disconnect", () => {
  void starting.then(endStores).finally(() => process.exit(0));
});
