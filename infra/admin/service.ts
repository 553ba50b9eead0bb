/** What a command works with: the deployment it was told of, in the name of whoever runs it. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { createAwsScheduleList } from "#shared/adapters/dispatch/schedule-list.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoAuditStore } from "#shared/adapters/dynamodb/audit-store.ts";
import { createDynamoBatchStore } from "#shared/adapters/dynamodb/batch-store.ts";
import { createDynamoConsistencyStore } from "#shared/adapters/dynamodb/consistency-store.ts";
import { createDynamoCredentialsVault } from "#shared/adapters/dynamodb/credentials-vault.ts";
import { createDynamoJobStore } from "#shared/adapters/dynamodb/job-store.ts";
import { createDynamoKeyStore } from "#shared/adapters/dynamodb/key-store.ts";
import { createDynamoSharedCounters } from "#shared/adapters/dynamodb/shared-counters.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { createDynamoUserStore } from "#shared/adapters/dynamodb/user-store.ts";
import { createDynamoWriterKeyVault } from "#shared/adapters/dynamodb/writer-key-vault.ts";
import { createKmsEnvelope } from "#shared/adapters/kms/envelope.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { createXAccountVerifier } from "#shared/adapters/x/account-verifier.ts";
import { createXAgent, X_API_URL } from "#shared/adapters/x/x-client.ts";
import { createXSessions } from "#shared/adapters/x/x-sessions.ts";
import { readXCredentials } from "#shared/config/x-credentials.ts";
import type { Credentials } from "#shared/domain/credentials.ts";
import type { ConsistencyDeps } from "#shared/usecases/consistency-checks.ts";

type Variables = Readonly<Record<string, string | undefined>>;

export interface AdminSurroundings {
  /** Without the program's own name. */
  readonly args: readonly string[];
  readonly variables: Variables;
  /** Where `.env` and `.punctual/` are. */
  readonly directory: string;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
}

/** Something the person can put right; the message says how. Everything else is a bug and keeps its trace. */
export class AdminError extends Error {
  override readonly name = "AdminError";
}

/** Whoever may deploy, in the local cloud: it knows callers by this name and checks no secret. */
const LOCAL_OPERATOR = { accessKeyId: "OPERATOR", secretAccessKey: "local" };
const LOCAL_REGION = "us-east-1";
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

export interface Connection {
  readonly endpoint?: string;
  readonly profile?: string;
  readonly region?: string;
  readonly stage: string;
  readonly table?: string;
  readonly credentialsKey?: string;
  readonly scheduleGroup?: string;
  readonly xEndpoint?: string;
  readonly envFile?: string;
  /** Folder of the local cloud; `true` is the usual one. */
  readonly local?: string | true;
}

const localSchema = z.object({
  endpoint: z.url(),
  table: z.string(),
  credentialsKey: z.string(),
  scheduleGroup: z.string().optional(),
  xEndpoint: z.url().optional(),
});

/** What `npm start` wrote down about itself; options that are given win. */
function readLocal({ directory }: AdminSurroundings, options: Connection): Connection {
  if (options.local === undefined) return options;
  const folder = options.local === true ? join(directory, ".punctual") : resolve(options.local);
  try {
    const local = localSchema.parse(JSON.parse(readFileSync(join(folder, "state", "local.json"), "utf8")));
    const { xEndpoint, scheduleGroup, ...rest } = local;
    return {
      ...rest,
      ...(xEndpoint !== undefined && { xEndpoint }),
      ...(scheduleGroup !== undefined && { scheduleGroup }),
      ...options,
    };
  } catch (cause) {
    throw new AdminError(`No local Punctual is known in ${folder}. Remedy: run \`npm start\` first.`, {
      cause,
    });
  }
}

const outputsSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** What `npm run deploy` wrote down: names of both stacks. */
function readOutputs(directory: string, stage: string): Readonly<Record<string, string>> {
  const file = join(directory, ".punctual", "outputs.json");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return {};
  }
  try {
    const suffix = stage === "main" ? "" : `-${stage}`;
    const stacks = outputsSchema.parse(JSON.parse(text));
    return { ...stacks[`PunctualService${suffix}`], ...stacks[`PunctualData${suffix}`] };
  } catch {
    throw new AdminError(`${file} is damaged. Remedy: run \`npm run deploy\` again.`);
  }
}

/** X's credentials in `.env`; undefined: there are none. */
export function readCredentials(
  surroundings: AdminSurroundings,
  { envFile }: Connection,
): Credentials | undefined {
  const given = readXCredentials(readVariables(surroundings, envFile));
  if (!given.ok) throw new AdminError(`${given.error.message} Remedy: see .env.example.`);
  return given.value;
}

/** The key of Gemini in `.env`; undefined: there is none. */
export function readGeminiKey(surroundings: AdminSurroundings, { envFile }: Connection): string | undefined {
  const key = readVariables(surroundings, envFile)["GEMINI_API_KEY"]?.trim();
  if (key === undefined || key === "") return undefined;
  // It is sent in a header.
  if (/^[!-~]{1,200}$/.test(key)) return key;
  throw new AdminError(
    "GEMINI_API_KEY is not what Google calls a key. Remedy: copy it anew from aistudio.google.com, without quotation marks or spaces.",
  );
}

/** `.env` under the variables of the shell. */
function readVariables({ variables, directory }: AdminSurroundings, envFile: string | undefined): Variables {
  const file = envFile ?? join(directory, ".env");
  try {
    return { ...parseEnv(readFileSync(file, "utf8")), ...variables };
  } catch (cause) {
    if (envFile === undefined) return variables;
    throw new AdminError(`${file} cannot be read. Remedy: check the path given with --env-file.`, { cause });
  }
}

export function connect(surroundings: AdminSurroundings, given: Connection) {
  const { variables } = surroundings;
  const options = readLocal(surroundings, given);
  const endpoint = options.endpoint ?? variables["AWS_ENDPOINT_URL"];
  const outputs = readOutputs(surroundings.directory, options.stage);
  const tableName = options.table ?? variables["TABLE_NAME"] ?? outputs["TableName"];
  const keyId = options.credentialsKey ?? variables["CREDENTIALS_KEY_ID"] ?? outputs["CredentialsKeyId"];
  if (tableName === undefined || keyId === undefined)
    throw new AdminError(
      `No deployment of the stage ${options.stage} is known here. Remedy: run \`npm run deploy\` first, or name its resources with --table and --credentials-key.`,
    );

  // The local cloud knows callers by name; real keys of the shell have no business there.
  const isLocal = endpoint !== undefined && LOOPBACK.test(new URL(endpoint).hostname);
  const region = options.region ?? variables["AWS_REGION"] ?? variables["AWS_DEFAULT_REGION"];
  const settings = {
    ...AWS_CLIENT,
    ...(endpoint !== undefined && { endpoint }),
    ...(options.profile !== undefined && !isLocal && { profile: options.profile }),
    ...(region !== undefined ? { region } : isLocal && { region: LOCAL_REGION }),
    ...(isLocal && { credentials: LOCAL_OPERATOR }),
  };
  const dynamodb = new DynamoDBClient(settings);
  const kms = new KMSClient(settings);
  const scheduler = new SchedulerClient(settings);
  const documents = DynamoDBDocumentClient.from(dynamodb);
  const table = { documents, tableName, clock, entropy };

  const xEndpoint = options.xEndpoint ?? variables["X_ENDPOINT"] ?? X_API_URL;
  const agent = createXAgent(xEndpoint, { keepAlive: false });
  const envelope = createKmsEnvelope({ kms, keyId });
  const vault = createDynamoCredentialsVault({ documents, tableName, envelope });
  const sessions = createXSessions({ vault, clock, entropy, agent });
  const accounts = createDynamoAccountStore(table);
  return {
    accounts,
    jobs: createDynamoJobStore(table),
    keys: createDynamoKeyStore(table),
    users: createDynamoUserStore(table),
    audit: createDynamoAuditStore(table),
    vault,
    writerKey: createDynamoWriterKeyVault({ documents, tableName, envelope }),
    verifier: createXAccountVerifier({ sessions, clock, agent }),
    clock,
    entropy,
    randomBytes: (size: number) => randomBytes(size),
    /** @throws AdminError when the schedules cannot be found: without them half of the check would be missing */
    forCheck(): ConsistencyDeps {
      const groupName = options.scheduleGroup ?? variables["SCHEDULE_GROUP"] ?? outputs["ScheduleGroup"];
      if (groupName === undefined)
        throw new AdminError(
          `The schedule group of the stage ${options.stage} is not known here. Remedy: run \`npm run deploy\` once more, or name it with --schedule-group.`,
        );
      return {
        store: createDynamoConsistencyStore(table),
        tasks: createDynamoTaskStore(table),
        accounts,
        schedules: createAwsScheduleList({ scheduler, groupName }),
        counters: createDynamoSharedCounters(table),
        batches: createDynamoBatchStore(table),
        clock,
        entropy,
      };
    },
    close() {
      agent.destroy();
      dynamodb.destroy();
      kms.destroy();
      scheduler.destroy();
    },
  };
}

export type Service = ReturnType<typeof connect>;
