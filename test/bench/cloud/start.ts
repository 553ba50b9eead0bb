import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { type CloudOptions, type LocalCloud, startCloud } from "#infra/local/cloud.ts";
import { synthesize } from "#infra/local/synthesize.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoCredentialsVault } from "#shared/adapters/dynamodb/credentials-vault.ts";
import { createDynamoKeyStore } from "#shared/adapters/dynamodb/key-store.ts";
import { createDynamoSettingsStore } from "#shared/adapters/dynamodb/settings-store.ts";
import { createKmsEnvelope } from "#shared/adapters/kms/envelope.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import { asProjectId } from "#shared/domain/ids.ts";
import { changeSettings, DEFAULT_SETTINGS, settingsChangedBy } from "#shared/domain/settings.ts";
import { createIssueKey, FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import { startProcess } from "#test/bench/process.ts";
import { benchAccounts } from "./accounts.ts";
import { type Arrivals, arrivalsSchema } from "./x-messages.ts";

export interface BenchCloudOptions
  extends Pick<
    CloudOptions,
    "parameters" | "maxWorkers" | "invocationsPerWorker" | "firing" | "pollers" | "onLog"
  > {
  /** Each with a user of its own at X. */
  readonly accounts: number;
  readonly onStep: (step: string) => void;
}

/** X, seen from the bench. */
export interface BenchX {
  setLatency(latencyMs: number): Promise<void>;
  /** @returns how many posts there are, once there are so many or the time is over */
  waitForPosts(posts: number, until: Date): Promise<number>;
  arrivals(): Promise<Arrivals>;
}

type Table = Parameters<typeof createDynamoAccountStore>[0];

export interface BenchCloud {
  readonly cloud: LocalCloud;
  readonly x: BenchX;
  /** The local cloud's table in the operator's name, for the production's own adapters. */
  readonly table: Table;
  readonly sqs: SQSClient;
  /** Names of the accounts. */
  readonly accounts: readonly string[];
  /** Of the API, with every scope. */
  readonly apiKey: string;
  /** An environment variable of a function, by its folder. */
  variable(functionName: string, name: string): string;
  /** All of them. */
  variables(functionName: string): Readonly<Record<string, string>>;
  /** Logical id of a function, by its folder. */
  functionId(functionName: string): string;
  api(path: string, body: object): Promise<Response>;
  /** Puts a file into the project's drop folder, as an upload to the bucket would. */
  drop(name: string, body: string | Uint8Array): Promise<void>;
  /** Every item of the table. */
  items(): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

const ROOT = join(import.meta.dirname, "../../..");
const PROJECT = "default";
/** An explicit policy that asks for no interval, quota or blackout: only what X allows counts. */
const POLICY = {};
const TEXT_LENGTH = 280;

/** The whole of Punctual in memory, on free ports, with X in a process of its own and everything of the run's own. */
export async function startBenchCloud(options: BenchCloudOptions): Promise<BenchCloud> {
  const { accounts: count, onStep, parameters, ...cloudOptions } = options;
  // As in Lambda; threads share one zone.
  process.env["TZ"] = "UTC";
  onStep("bundling and synthesizing the template");
  const directory = await synthesize(ROOT);
  onStep("starting the local cloud");
  const platform = startProcess(fileURLToPath(new URL("./platform.ts", import.meta.url)));
  const undo: (() => Promise<void> | void)[] = [() => platform.end()];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const xEndpoint = z.url().parse(await platform.ask("start", { accounts: count }));
    const cloud = await startCloud({
      ...cloudOptions,
      directory,
      parameters: { ...parameters, XEndpoint: xEndpoint },
      ports: { api: 0, gateway: 0 },
    });
    undo.push(() => cloud.close());

    const operator = {
      ...AWS_CLIENT,
      endpoint: cloud.gatewayUrl,
      region: cloud.assembly.region,
      credentials: { accessKeyId: "OPERATOR", secretAccessKey: "local" },
    };
    const [dynamodb, kms, sqs] = [
      new DynamoDBClient(operator),
      new KMSClient(operator),
      new SQSClient(operator),
    ];
    const s3 = new S3Client({ ...operator, forcePathStyle: true });
    undo.push(() => {
      for (const client of [dynamodb, kms, sqs, s3]) client.destroy();
    });
    const tableName = cloud.outputs["TableName"] ?? "";
    const documents = DynamoDBDocumentClient.from(dynamodb);
    const table: Table = { documents, tableName, clock, entropy };

    onStep(`making ${count} accounts`);
    const names = await createAccounts(table, kms, cloud.outputs["CredentialsKeyId"] ?? "", count);
    const keys = createDynamoKeyStore(table);
    const { key } = await createIssueKey({ keys, clock, randomBytes: (size) => randomBytes(size) })({
      ownerId: FIRST_OWNER,
      name: "bench",
      scopes: ["admin"],
    });

    await raiseSettings(table);

    const variablesOf = (properties: Readonly<Record<string, unknown>>) =>
      (properties["Environment"] as { readonly Variables: Readonly<Record<string, string>> }).Variables;
    const lambda = (functionName: string) => {
      const found = cloud.assembly
        .ofType("AWS::Lambda::Function")
        .find(({ properties }) => variablesOf(properties)["POWERTOOLS_SERVICE_NAME"] === functionName);
      if (!found) throw new Error(`no function is called ${functionName}`);
      return found;
    };

    return {
      cloud,
      table,
      sqs,
      accounts: names,
      close,
      x: {
        async setLatency(latencyMs) {
          await platform.ask("setLatency", latencyMs);
        },
        async waitForPosts(posts, until) {
          return z.int().parse(await platform.ask("waitForPosts", { posts, untilMs: until.getTime() }));
        },
        async arrivals() {
          return arrivalsSchema.parse(await platform.ask("arrivals"));
        },
      },
      apiKey: key,
      variables: (functionName) => variablesOf(lambda(functionName).properties),
      variable: (functionName, name) => variablesOf(lambda(functionName).properties)[name] ?? "",
      functionId: (functionName) => lambda(functionName).logicalId,
      api: (path, body) =>
        fetch(`${cloud.apiUrl}/api/v1${path}`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
          body: JSON.stringify(body),
        }),
      async drop(name, body) {
        await s3.send(
          new PutObjectCommand({
            Bucket: cloud.outputs["BucketName"],
            Key: `drop/${PROJECT}/${name}`,
            Body: body,
            ContentLength: Buffer.byteLength(body),
          }),
        );
      },
      async items() {
        const found: unknown[] = [];
        const pages = paginateScan({ client: documents }, { TableName: tableName, ConsistentRead: true });
        for await (const { Items = [] } of pages) found.push(...Items);
        return found;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One project with all accounts; each is known to X, so nobody has to ask it who they are. */
async function createAccounts(
  table: Table,
  kms: KMSClient,
  keyId: string,
  count: number,
): Promise<readonly string[]> {
  const accounts = createDynamoAccountStore(table);
  const vault = createDynamoCredentialsVault({ ...table, envelope: createKmsEnvelope({ kms, keyId }) });
  const made = benchAccounts(count);
  const ids = made.map(({ name }) => accountIdFor(FIRST_OWNER, name));
  for (const [index, { name, user, credentials }] of made.entries()) {
    const id = accountIdFor(FIRST_OWNER, name);
    const saved = await accounts.saveAccount({
      id,
      ownerId: FIRST_OWNER,
      name,
      userId: user.id,
      username: user.username,
      maxTextLength: TEXT_LENGTH,
      status: "active",
      version: 1,
    });
    if (!saved.ok) throw new Error(`account ${index} exists`);
    await vault.connect(id, credentials);
  }
  const [first] = ids;
  if (!first) throw new RangeError("a bench needs an account");
  const added = await accounts.addProject({
    id: asProjectId(table.entropy.newId()),
    ownerId: FIRST_OWNER,
    name: PROJECT,
    timeZone: "UTC",
    accountIds: ids,
    defaultAccountId: first,
    policy: POLICY,
  });
  if (!added.ok) throw new Error("the project exists");
  return made.map(({ name }) => name);
}

/** What an operator who wants to post so much sets: as many at once as may be, and as many requests as come. */
async function raiseSettings(table: Table): Promise<void> {
  const values = changeSettings(DEFAULT_SETTINGS, {
    concurrentPublishers: 50,
    requestsPerHour: 1_000_000,
    activeTasksPerOwner: 100_000,
  });
  const saved = await createDynamoSettingsStore(table).save({
    version: 1,
    values,
    savedAt: table.clock.now(),
    savedBy: "bench",
    changed: settingsChangedBy(DEFAULT_SETTINGS, values),
  });
  if (!saved.ok) throw new Error("there are settings already");
}
