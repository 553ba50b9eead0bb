import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { type Launched, launch } from "#infra/local/launch.ts";
import { createDynamoSettingsStore } from "#shared/adapters/dynamodb/settings-store.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { type OutcomeView, outcomeViewSchema } from "#shared/contract/task-view.ts";
import { changeSettings, DEFAULT_SETTINGS, settingsChangedBy } from "#shared/domain/settings.ts";
import { waitFor } from "./wait-for.ts";

/** Leads of seconds, so that nothing is waited for in minutes. */
export const FAST = {
  HoldLeadSeconds: "3",
  NearLimitSeconds: "1",
  PrepareLeads: "photo=2,gif=2,video=4,large=4",
  SettleSeconds: "1",
};

export interface PunctualOptions {
  readonly parameters?: Readonly<Record<string, string>>;
  /** @default - the project's own assembly */
  readonly assembly?: string;
  /** Kept by the caller over several starts. @default - a throw-away folder, nothing is kept */
  readonly directory?: string;
  /** @default - as many requests as a test sends while it waits */
  readonly settings?: "defaults";
}

export interface TestPunctual extends Launched {
  readonly s3: S3Client;
  readonly bucket: string;
  /** Puts a file into `drop/default/`, as an upload to the bucket would. */
  put(name: string, body: string | Uint8Array, project?: string): Promise<void>;
  /** All keys under a prefix. */
  keys(prefix: string): Promise<readonly string[]>;
  outcome(base: string, project?: string): Promise<OutcomeView | undefined>;
  /** The outcome once it has one of these states. */
  outcomeWhen(
    base: string,
    statuses: readonly string[],
    deadlineMs?: number,
    project?: string,
  ): Promise<OutcomeView>;
  /** The logical id of a function, by the name of its folder. */
  functionId(name: string): string;
  /** One round of the sweeper, instead of a minute's wait for its rule. */
  sweep(): Promise<void>;
  /** Invocations of a function that ended because their worker died. */
  deaths(functionId: string): number;
  api(path: string, init?: RequestInit & { readonly key?: string }): Promise<Response>;
}

/** Tests wait by asking again and again. Written past the API, which some of them break first. */
async function allowMany({ cloud }: Launched): Promise<void> {
  const dynamodb = new DynamoDBClient({
    endpoint: cloud.gatewayUrl,
    region: cloud.assembly.region,
    credentials: { accessKeyId: "OPERATOR", secretAccessKey: "local" },
  });
  const store = createDynamoSettingsStore({
    documents: DynamoDBDocumentClient.from(dynamodb),
    tableName: cloud.outputs["TableName"] ?? "",
    clock,
    entropy,
  });
  const values = changeSettings(DEFAULT_SETTINGS, { requestsPerHour: 1_000_000 });
  const changed = settingsChangedBy(DEFAULT_SETTINGS, values);
  // A start that goes on from an earlier one has them already.
  await store.save({ version: 1, values, savedAt: clock.now(), savedBy: "test", changed });
  dynamodb.destroy();
}

const ROOT = join(import.meta.dirname, "../..");

/** The whole of Punctual in memory, on free ports, with the sandbox X. */
export async function startPunctual(options: PunctualOptions = {}): Promise<TestPunctual> {
  const { parameters = FAST, assembly, directory: kept } = options;
  const directory = kept ?? (await mkdtemp(join(tmpdir(), "punctual-e2e-")));
  const discard = async () => {
    if (kept === undefined) await rm(directory, { recursive: true, force: true });
  };
  let launched: Launched;
  try {
    launched = await launch({
      root: ROOT,
      directory,
      port: 0,
      parameters,
      // No rule of the project makes a test wait, whatever the hour.
      preset: "open",
      sandboxOnly: true,
      keepsState: kept !== undefined,
      ...(assembly !== undefined && { assembly }),
    });
  } catch (error) {
    await discard();
    throw error;
  }
  const { cloud, apiUrl, apiKey } = launched;
  const bucket = cloud.outputs["BucketName"] ?? "";
  const s3 = new S3Client({
    endpoint: cloud.gatewayUrl,
    region: cloud.assembly.region,
    credentials: { accessKeyId: "OPERATOR", secretAccessKey: "local" },
    forcePathStyle: true,
  });

  if (options.settings !== "defaults") await allowMany(launched);

  const functionId = (name: string): string => {
    const found = cloud.runtime.functions.find(
      ({ variables }) => variables["POWERTOOLS_SERVICE_NAME"] === name,
    );
    if (!found) throw new Error(`no function ${name}`);
    return found.logicalId;
  };

  const outcome = async (base: string, project = "default"): Promise<OutcomeView | undefined> => {
    try {
      const Key = `outcome/${project}/${base}.json`;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      return outcomeViewSchema.parse(JSON.parse((await Body?.transformToString()) ?? ""));
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  };

  return {
    ...launched,
    s3,
    bucket,
    outcome,
    functionId,

    async sweep() {
      const swept = await cloud.invoke(functionId("sweep-tasks"), {});
      if (!swept.ok) throw new Error(`the sweep failed: ${JSON.stringify(swept)}`);
    },

    async put(name, body, project = "default") {
      await s3.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: `drop/${project}/${name}`,
          Body: body,
          ContentLength: Buffer.byteLength(body),
        }),
      );
    },

    async keys(prefix) {
      const found: string[] = [];
      for (let token: string | undefined; ; ) {
        const page = await s3.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            ...(token !== undefined && { ContinuationToken: token }),
          }),
        );
        found.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
        token = page.NextContinuationToken;
        if (token === undefined) return found;
      }
    },

    async outcomeWhen(base, statuses, deadlineMs, project) {
      let last: OutcomeView | undefined;
      try {
        return await waitFor(
          `the outcome of ${base} to be ${statuses.join(" or ")}`,
          async () => {
            last = await outcome(base, project);
            return last && statuses.includes(last.status) ? last : undefined;
          },
          deadlineMs,
        );
      } catch (error) {
        const reports = cloud.reports().map(({ message }) => message);
        throw new Error(`it is ${JSON.stringify(last)}; reports: ${reports.join(" | ") || "none"}`, {
          cause: error,
        });
      }
    },

    deaths: (functionId) =>
      cloud
        .reports()
        .filter(({ subject, message }) => subject === functionId && message.includes("Runtime.ExitError"))
        .reduce((sum, { count }) => sum + count, 0),

    api(path, { key = apiKey, headers, ...init } = {}) {
      return fetch(`${apiUrl}/api/v1${path}`, {
        ...init,
        headers: { authorization: `Bearer ${key}`, ...(headers as Record<string, string> | undefined) },
      });
    },

    async close() {
      s3.destroy();
      await launched.close();
      await discard();
    },
  };
}
