/**
 * `npm run admin -- …`: what needs AWS rights and not an API key: the first owner, account and key of a deployment.
 *
 * It talks to the table and the credentials key directly, in the name of whoever runs it, so it works before the
 * API can be used.
 */
import "#infra/require-node.ts";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import * as z from "zod";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoCredentialsVault } from "#shared/adapters/dynamodb/credentials-vault.ts";
import { createDynamoKeyStore } from "#shared/adapters/dynamodb/key-store.ts";
import { createKmsEnvelope } from "#shared/adapters/kms/envelope.ts";
import { AWS_CLIENT } from "#shared/adapters/system/aws-clients.ts";
import { systemClock } from "#shared/adapters/system/clock.ts";
import { systemEntropy } from "#shared/adapters/system/entropy.ts";
import { createXAccountVerifier } from "#shared/adapters/x/account-verifier.ts";
import { createXAgent, X_API_URL } from "#shared/adapters/x/x-client.ts";
import { createXSessions } from "#shared/adapters/x/x-sessions.ts";
import { readXCredentials } from "#shared/config/x-credentials.ts";
import type { Account } from "#shared/domain/account.ts";
import { type ApiKey, isKeyExpired, KEY_SCOPES, type KeyScope, keyIdOf } from "#shared/domain/api-key.ts";
import type { Credentials } from "#shared/domain/credentials.ts";
import {
  createInitializeService,
  createIssueKey,
  FIRST_OWNER,
  type InitializationRefusal,
  type InitializationReport,
} from "#shared/usecases/initialize-service.ts";

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
class AdminError extends Error {
  override readonly name = "AdminError";
}

/** Whoever may deploy, in the local cloud: it knows callers by this name and checks no secret. */
const LOCAL_OPERATOR = { accessKeyId: "OPERATOR", secretAccessKey: "local" };
const LOCAL_REGION = "us-east-1";
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;
const DAY_MS = 24 * 60 * 60 * 1_000;

interface Connection {
  readonly endpoint?: string;
  readonly profile?: string;
  readonly region?: string;
  readonly stage: string;
  readonly table?: string;
  readonly credentialsKey?: string;
  readonly xEndpoint?: string;
  readonly envFile?: string;
  /** Folder of the local cloud; `true` is the usual one. */
  readonly local?: string | true;
}

const localSchema = z.object({
  endpoint: z.url(),
  table: z.string(),
  credentialsKey: z.string(),
  xEndpoint: z.url().optional(),
});

/** What `npm start` wrote down about itself; options that are given win. */
function readLocal({ directory }: AdminSurroundings, options: Connection): Connection {
  if (options.local === undefined) return options;
  const folder = options.local === true ? join(directory, ".punctual") : resolve(options.local);
  try {
    const local = localSchema.parse(JSON.parse(readFileSync(join(folder, "state", "local.json"), "utf8")));
    const { xEndpoint, ...rest } = local;
    return { ...rest, ...(xEndpoint !== undefined && { xEndpoint }), ...options };
  } catch (cause) {
    throw new AdminError(`No local Punctual is known in ${folder}. Remedy: run \`npm start\` first.`, {
      cause,
    });
  }
}

const outputsSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** What `npm run deploy` wrote down: names by stack. */
function readOutputs(directory: string, stage: string): Readonly<Record<string, string>> {
  const file = join(directory, ".punctual", "outputs.json");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return {};
  }
  try {
    const stack = stage === "main" ? "PunctualData" : `PunctualData-${stage}`;
    return outputsSchema.parse(JSON.parse(text))[stack] ?? {};
  } catch {
    throw new AdminError(`${file} is damaged. Remedy: run \`npm run deploy\` again.`);
  }
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

function connect(surroundings: AdminSurroundings, given: Connection) {
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
  const documents = DynamoDBDocumentClient.from(dynamodb);
  const clock = systemClock;
  const entropy = systemEntropy;

  const xEndpoint = options.xEndpoint ?? variables["X_ENDPOINT"] ?? X_API_URL;
  const agent = createXAgent(xEndpoint, { keepAlive: false });
  const vault = createDynamoCredentialsVault({
    documents,
    tableName,
    envelope: createKmsEnvelope({ kms, keyId }),
  });
  const sessions = createXSessions({ vault, clock, entropy, agent });
  return {
    accounts: createDynamoAccountStore({ documents, tableName, clock, entropy }),
    keys: createDynamoKeyStore({ documents, tableName, clock, entropy }),
    vault,
    verifier: createXAccountVerifier({ sessions, clock, agent }),
    clock,
    entropy,
    randomBytes: (size: number) => randomBytes(size),
    close() {
      agent.destroy();
      dynamodb.destroy();
      kms.destroy();
    },
  };
}

type Service = ReturnType<typeof connect>;

const refusalText = (refusal: InitializationRefusal): string => {
  switch (refusal.reason) {
    case "bad-name":
      return `“${refusal.name}” cannot be the name of a ${refusal.what}. Remedy: use 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit.`;
    case "bad-time-zone":
      return `There is no time zone “${refusal.timeZone}”. Remedy: use an IANA name, such as Europe/Berlin.`;
    case "foreign-account":
      return `The project ${refusal.project} exists and posts with ${refusal.accounts.join(", ")}. Remedy: name that account with --account, or another project with --project.`;
  }
};

function describe({ project, account, credentials, isVerified, apiKey, warnings }: InitializationReport) {
  return {
    project: { name: project.name, timeZone: project.timeZone },
    account: {
      name: account.name,
      status: account.status,
      ...(account.username !== undefined && { username: account.username }),
    },
    credentials,
    verified: isVerified,
    ...(apiKey !== undefined && { apiKey }),
    warnings,
  };
}

const CREDENTIALS_TEXT = {
  stored: "stored, encrypted",
  unchanged: "as before",
  kept: "as before (none given now)",
  none: "none",
} as const;

function printReport({ out }: AdminSurroundings, report: InitializationReport): void {
  const { project, account, isNewProject, isNewAccount, credentials, isVerified, apiKey, warnings } = report;
  const isNew = (yes: boolean) => (yes ? "new" : "exists");
  const user = account.username === undefined ? "" : `, @${account.username}`;
  out(`Project      ${project.name} (${isNew(isNewProject)}; drop/${project.name}/; ${project.timeZone})`);
  out(`Account      ${account.name} (${isNew(isNewAccount)}${user}${isVerified ? ", checked with X" : ""})`);
  out(`Credentials  ${CREDENTIALS_TEXT[credentials]}`);
  out(
    apiKey === undefined
      ? "API key      as before; `--new-key` makes another"
      : `API key      ${apiKey}\n             Shown only now: keep it in a safe place.`,
  );
  for (const { message, remedy } of warnings) out(`\nWarning: ${message}\nRemedy: ${remedy}`);
}

async function listAccounts({ accounts }: Service): Promise<readonly Account[]> {
  const projects = await accounts.listProjects(FIRST_OWNER);
  const ids = [...new Set(projects.flatMap(({ accountIds }) => accountIds))];
  const found = await Promise.all(ids.map((id) => accounts.getAccount(id)));
  return found.filter((account) => account !== undefined);
}

async function findKey({ keys }: Service, id: string): Promise<ApiKey> {
  const matching = (await keys.list(FIRST_OWNER)).filter(({ hash }) => hash.startsWith(id));
  const [key, second] = matching;
  if (!key) throw new AdminError(`There is no key ${id}. Remedy: see \`npm run admin -- keys list\`.`);
  if (second) throw new AdminError(`More than one key begins with ${id}. Remedy: give more of it.`);
  return key;
}

const describeKey = (key: ApiKey) => ({
  id: keyIdOf(key),
  name: key.name,
  scopes: key.scopes,
  createdAt: key.createdAt,
  ...(key.expiresAt && { expiresAt: key.expiresAt }),
  ...(key.lastUsedAt && { lastUsedAt: key.lastUsedAt }),
});

const toScopes = (text: string): readonly KeyScope[] => {
  const parsed = z.array(z.enum(KEY_SCOPES)).min(1).safeParse(text.split(","));
  if (!parsed.success) throw new InvalidArgumentError(`Known scopes: ${KEY_SCOPES.join(", ")}.`);
  return [...new Set(parsed.data)];
};

const toDays = (text: string): number => {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("Give whole days, 1 to 9999.");
  return Number(text);
};

/** Endpoints may carry no credentials: they are printed in errors. */
const toUrl = (text: string): string => {
  if (!z.url({ protocol: /^https?$/ }).safeParse(text).success || new URL(text).username !== "")
    throw new InvalidArgumentError("Give an http or https address.");
  return text;
};

function buildProgram(surroundings: AdminSurroundings): Command {
  const { out, err } = surroundings;
  const program = new Command("npm run admin --")
    .description("Sets a deployment up and manages its accounts and API keys.")
    .addHelpText(
      "after",
      `
Examples:
  npm run admin -- init                              owner, project “default”, account “main”, admin key
  npm run admin -- init --project shop --account shop --time-zone Europe/Berlin
  npm run admin -- keys create ci --scopes read,write --expires-in-days 90
  npm run admin -- --local keys list                 of the Punctual that \`npm start\` runs

By default it talks to what \`npm run deploy\` deployed last (.punctual/outputs.json), with the AWS credentials of the
shell or of --profile. X's credentials are read from .env; see .env.example. Secrets are stored encrypted and are
never printed, except a new API key, once.`,
    )
    .option("--local [directory]", "what `npm start` runs, instead of a deployment (default .punctual)")
    .option("--endpoint <url>", "AWS endpoint, for the local cloud (AWS_ENDPOINT_URL)", toUrl)
    .option("--profile <name>", "AWS profile")
    .option("--region <name>", "AWS Region (AWS_REGION)")
    .option("--stage <name>", "which deployment, if there are several", "main")
    .option("--table <name>", "name of the table (TABLE_NAME)")
    .option("--credentials-key <id>", "KMS key of the credentials (CREDENTIALS_KEY_ID)")
    .addOption(new Option("--x-endpoint <url>", "stand-in for X (X_ENDPOINT)").argParser(toUrl))
    .option("--env-file <path>", "instead of .env")
    .option("--json", "one line of JSON, for scripts", false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out(text.trimEnd()),
      writeErr: (text) => err(text.trimEnd()),
    });

  type Global = Connection & { readonly json: boolean };
  /** Runs an action on an open service; `print` gets what is for people, or the value as JSON. */
  const act =
    <Options, Args extends readonly string[]>(
      action: (
        service: Service,
        options: Options & Global,
        args: Args,
      ) => Promise<{ json: unknown; text: string[] }>,
    ) =>
    async (...params: unknown[]): Promise<void> => {
      const command = params.at(-1) as Command;
      const options = command.optsWithGlobals<Options & Global>();
      const service = connect(surroundings, options);
      try {
        const { json, text } = await action(service, options, params.slice(0, -2) as unknown as Args);
        if (options.json) out(JSON.stringify(json));
        else for (const line of text) out(line);
      } finally {
        service.close();
      }
    };

  interface InitOptions {
    readonly project: string;
    readonly account: string;
    readonly timeZone?: string;
    readonly newKey: boolean;
  }
  program
    .command("init")
    .description("makes owner, project, account and admin key; repeating it changes only what is new")
    .option("--project <name>", "also its folder under drop/", "default")
    .option("--account <name>", "as files and the API name it", "main")
    .option("--time-zone <name>", "of a new project, IANA (default: this machine's)")
    .option("--new-key", "make another admin key", false)
    .action(
      act<InitOptions, []>(async (service, options) => {
        const given = readXCredentials(readVariables(surroundings, options.envFile));
        if (!given.ok) throw new AdminError(`${given.error.message} Remedy: see .env.example.`);
        const credentials: Credentials | undefined = given.value;
        const done = await createInitializeService(service)({
          project: options.project,
          account: options.account,
          ...(options.timeZone !== undefined && { timeZone: options.timeZone }),
          defaultTimeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
          ...(credentials && { credentials }),
          newKey: options.newKey,
        });
        if (!done.ok) throw new AdminError(refusalText(done.error));
        const text: string[] = [];
        printReport({ ...surroundings, out: (line) => text.push(line) }, done.value);
        return { json: describe(done.value), text };
      }),
    );

  const accounts = program.command("accounts").description("accounts of X that may be posted with");
  accounts
    .command("list", { isDefault: true })
    .description("all accounts and their state")
    .action(
      act<object, []>(async (service) => {
        const found = await listAccounts(service);
        return {
          json: found.map(({ name, status, username, userId, reason }) => ({
            name,
            status,
            username,
            userId,
            reason,
          })),
          text:
            found.length === 0
              ? ["There are no accounts yet: `npm run admin -- init` makes one."]
              : found.map(
                  ({ name, status, username, reason }) =>
                    `${name}  ${status}${username === undefined ? "" : `  @${username}`}${reason ? `  ${reason.message} ${reason.remedy}` : ""}`,
                ),
        };
      }),
    );
  accounts
    .command("resume <name>")
    .description("lets a paused account post again")
    .action(
      act<object, [string]>(async (service, _options, [name]) => {
        const account = (await listAccounts(service)).find((candidate) => candidate.name === name);
        if (!account)
          throw new AdminError(`There is no account ${name}. Remedy: see \`npm run admin -- accounts\`.`);
        const { reason: _ended, ...rest } = account;
        const saved = await service.accounts.saveAccount({
          ...rest,
          status: "active",
          version: account.version + 1,
        });
        if (!saved.ok)
          throw new AdminError(`The account ${name} was changed at the same time. Remedy: try again.`);
        return { json: { name, status: "active" }, text: [`${name} may post again.`] };
      }),
    );

  interface KeyOptions {
    readonly scopes: readonly KeyScope[];
    readonly expiresInDays?: number;
  }
  const keys = program.command("keys").description("API keys");
  keys
    .command("create <name>")
    .description("makes a key and shows it once")
    .option("--scopes <list>", `some of ${KEY_SCOPES.join(",")}`, toScopes, ["read"])
    .option("--expires-in-days <days>", "how long it works (default: until it is revoked)", toDays)
    .action(
      act<KeyOptions, [string]>(async (service, { scopes, expiresInDays }, [name]) => {
        const { key, record } = await createIssueKey(service)({
          ownerId: FIRST_OWNER,
          name,
          scopes,
          ...(expiresInDays !== undefined && {
            expiresAt: new Date(service.clock.now().getTime() + expiresInDays * DAY_MS),
          }),
        });
        return {
          json: { ...describeKey(record), apiKey: key },
          text: [key, `Shown only now: keep it in a safe place. Its id is ${keyIdOf(record)}.`],
        };
      }),
    );
  keys
    .command("list", { isDefault: true })
    .description("all keys, by the start of their hash; the keys themselves are stored nowhere")
    .action(
      act<object, []>(async (service) => {
        const found = await service.keys.list(FIRST_OWNER);
        const now = service.clock.now();
        return {
          json: found.map(describeKey),
          text:
            found.length === 0
              ? ["There are no keys yet: `npm run admin -- keys create <name>` makes one."]
              : found.map((key) =>
                  [
                    keyIdOf(key),
                    key.name,
                    key.scopes.join(","),
                    isKeyExpired(key, now) ? "expired" : "valid",
                    key.lastUsedAt ? `last used ${key.lastUsedAt.toISOString()}` : "never used",
                  ].join("  "),
                ),
        };
      }),
    );
  keys
    .command("revoke <id>")
    .description("ends a key for good, at the latest when the API's cache of it ends (1 min)")
    .action(
      act<object, [string]>(async (service, _options, [id]) => {
        const key = await findKey(service, id);
        await service.keys.revoke(key);
        return { json: { revoked: keyIdOf(key) }, text: [`${key.name} (${keyIdOf(key)}) no longer works.`] };
      }),
    );
  return program;
}

/** What AWS says when it cannot be asked, in words that help. */
function explain(error: unknown): string | undefined {
  if (error instanceof AdminError) return error.message;
  if (!(error instanceof Error)) return undefined;
  const code: unknown = Reflect.get(error, "code");
  switch (error.name) {
    case "CredentialsProviderError":
      return "There are no AWS credentials. Remedy: `aws configure sso`, --profile NAME, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";
    case "ResourceNotFoundException":
    case "NotFoundException":
      return `AWS does not know the table or the key (${error.name}). Remedy: check the Region, and --table and --credentials-key.`;
    case "AccessDeniedException":
      return `AWS refuses it: ${error.message} Remedy: use a profile that may read and write the table and use the key.`;
  }
  if (code === "ECONNREFUSED" || code === "ENOTFOUND")
    return "AWS cannot be reached. Remedy: check the network; for the local cloud, `npm start` must be running.";
  return /Region is missing/.test(error.message)
    ? "No AWS Region is set. Remedy: --region NAME, or AWS_REGION."
    : undefined;
}

/**
 * Runs one command.
 *
 * @returns the exit code: 0, 1 for a refusal or failure, 2 for a usage error
 */
export async function runAdmin(surroundings: AdminSurroundings): Promise<number> {
  const program = buildProgram(surroundings);
  try {
    await program.parseAsync([...surroundings.args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const explained = explain(error);
    if (explained === undefined) throw error;
    surroundings.err(explained);
    return 1;
  }
}

if (import.meta.main)
  process.exitCode = await runAdmin({
    args: process.argv.slice(2),
    variables: process.env,
    directory: process.cwd(),
    out: (line) => console.log(line),
    err: (line) => console.error(line),
  });
