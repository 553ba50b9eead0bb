/** The whole of Punctual on this machine: sandbox or real X, local cloud, first owner and key, drop folder on disk. */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { devNull } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { type LocalCloud, PortTakenFault, type Report, startCloud } from "./cloud.ts";
import { readDotEnv } from "./dot-env.ts";
import { type DropMirror, mirrorDropFolder } from "./drop-mirror.ts";
import { findHolder, lock } from "./lock.ts";
import { SANDBOX_OAUTH1, SANDBOX_SECOND_USER, SANDBOX_USERS } from "./sandbox/credentials.ts";
import { SANDBOX_GEMINI_KEY } from "./sandbox/gemini-api.ts";
import { type Sandbox, startSandbox } from "./sandbox/sandbox.ts";
import { synthesize } from "./synthesize.ts";

export interface LaunchOptions {
  /** Of the project. */
  readonly root: string;
  /** Holds `drop/`, `outcome/` and `state/`. */
  readonly directory: string;
  /** 0 for free ports; else the API's, the timeline's one higher, the gateway's two. */
  readonly port: number;
  /**
   * A cloud assembly to run instead of the project's own.
   * @default - bundled and synthesized when a source changed
   */
  readonly assembly?: string;
  /** Template parameters beside the address of X. */
  readonly parameters?: Readonly<Record<string, string>>;
  /**
   * What a new project allows itself, by name; one that exists keeps its policy.
   * @default - what `npm run admin -- init` takes
   */
  readonly preset?: string;
  /** Never posts to the real X, whatever `.env` holds. @default false */
  readonly sandboxOnly?: boolean;
  /** @default true */
  readonly keepsState?: boolean;
  readonly onStep?: (step: string) => void;
  readonly onReport?: (report: Report) => void;
}

export interface Launched {
  readonly cloud: LocalCloud;
  /** Absent: posts go to the real X. */
  readonly sandbox: Sandbox | undefined;
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly dropFolder: string;
  readonly outcomeFolder: string;
  /** What `admin init` had to say about the account. */
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

/** Of the person in front of this machine. The functions run in UTC, as in Lambda, and threads share one zone. */
const HOST_TIME_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Names of the variables that switch to the real X. */
const X_VARIABLE = /^X_(API|ACCESS|CLIENT|REFRESH)_/;

/** The first admin key and what the administration reported; see `infra/admin.ts`. */
const initAnswer = z.object({
  apiKey: z.string().optional(),
  warnings: z.array(z.object({ message: z.string(), remedy: z.string() })),
});

/** Starting failed for a reason that the person can put right. */
export class LaunchFault extends Error {
  override readonly name = "LaunchFault";
}

/**
 * Starts everything, in the order in which each part needs the one before.
 *
 * @throws LaunchFault, PortTakenFault, StoreFault, TemplateFault with a message for the person
 */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { root, directory, port, parameters = {}, keepsState = true, onStep = () => {} } = options;
  const folder = (name: string) => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const dropFolder = folder("drop");
  const outcomeFolder = folder("outcome");
  const stateDir = folder("state");
  mkdirSync(join(dropFolder, "default"), { recursive: true });

  process.env["TZ"] = "UTC";
  const variables = options.sandboxOnly ? {} : readDotEnv(root);
  const isReal = Object.entries(variables).some(([name, value]) => X_VARIABLE.test(name) && value);
  const geminiKey = variables["GEMINI_API_KEY"] || undefined;

  const undo: (() => Promise<void>)[] = [lockDirectory(stateDir)];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    onStep("bundling and synthesizing the template");
    const assembly = options.assembly ?? (await synthesize(root));

    onStep(isReal ? "starting the local cloud" : "starting the local cloud and the sandbox X");
    const sandbox = isReal
      ? undefined
      : await startSandboxOn(port === 0 ? 0 : port + 1, {
          dropFolder: join(dropFolder, "default"),
          ...(keepsState && { stateDir: join(stateDir, "sandbox") }),
        });
    if (sandbox) undo.push(() => sandbox.close());
    let mirror: DropMirror | undefined;
    const cloud = await startCloud({
      directory: assembly,
      parameters: {
        ...parameters,
        ...(sandbox && { XEndpoint: sandbox.url, XWebsite: sandbox.url }),
        // Never made-up texts for the real X: there, without a key, none are written.
        ...(sandbox && geminiKey === undefined && { GeminiEndpoint: sandbox.url }),
      },
      ports: { api: port, gateway: port === 0 ? 0 : port + 2 },
      ...(keepsState && { stateDir: join(stateDir, "cloud") }),
      onObjectChange: (change) => mirror?.objectChanged(change),
      ...(options.onReport && { onReport: options.onReport }),
    });
    undo.push(() => cloud.close());
    if (cloud.apiUrl === undefined) throw new LaunchFault("The template has no HTTP API.");

    writeFileSync(join(stateDir, "local.json"), JSON.stringify(describeDeployment(cloud, sandbox), null, 2));

    onStep("making the first owner, project, account and key");
    const keyFile = join(stateDir, "api-key");
    const { apiKey, warnings } = await initialize(root, cloud, sandbox, {
      needsKey: readText(keyFile) === undefined,
      ...(sandbox && { geminiKey: geminiKey ?? SANDBOX_GEMINI_KEY }),
      ...(options.preset !== undefined && { preset: options.preset }),
    });
    if (apiKey !== undefined) writeFileSync(keyFile, apiKey, { mode: 0o600 });
    const key = apiKey ?? readText(keyFile);
    if (key === undefined) throw new LaunchFault("No API key was made.");

    const bucket = cloud.outputs["BucketName"];
    if (bucket === undefined) throw new LaunchFault("The template has no output BucketName.");
    const { gatewayUrl, assembly: template } = cloud;
    const started = await mirrorDropFolder({
      folder: directory,
      bucket,
      gatewayUrl,
      region: template.region,
      stateDir,
      onFault: ({ message }) => options.onReport?.({ kind: "fault", subject: "", message, count: 1 }),
    });
    mirror = started;
    undo.push(() => started.close());
    return {
      cloud,
      sandbox,
      apiUrl: cloud.apiUrl,
      apiKey: key,
      dropFolder,
      outcomeFolder,
      warnings: warnings.map(({ message, remedy }) => `${message} ${remedy}`),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Two local clouds on one folder would end each other's database. @returns the way to unlock it */
function lockDirectory(stateDir: string): () => Promise<void> {
  const holder = findHolder(stateDir);
  if (holder !== undefined)
    throw new LaunchFault(
      `Punctual already runs on this folder (process ${holder}). Stop it, or name another folder with --directory.`,
    );
  const unlock = lock(stateDir);
  return async () => unlock();
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}

async function startSandboxOn(
  port: number,
  options: { readonly dropFolder: string; readonly stateDir?: string },
): Promise<Sandbox> {
  try {
    return await startSandbox({ port, users: [...SANDBOX_USERS, SANDBOX_SECOND_USER], ...options });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE")
      throw new PortTakenFault(port, "timeline page");
    throw error;
  }
}

/** Where `npm run admin -- --local` finds what runs here. */
const describeDeployment = ({ gatewayUrl, outputs }: LocalCloud, sandbox: Sandbox | undefined) => ({
  endpoint: gatewayUrl,
  table: outputs["TableName"],
  credentialsKey: outputs["CredentialsKeyId"],
  scheduleGroup: outputs["ScheduleGroup"],
  ...(sandbox && { xEndpoint: sandbox.url }),
});

/** Runs `npm run admin -- init` as a process of its own: the local cloud knows nothing of the service inside it. */
async function initialize(
  root: string,
  { gatewayUrl, outputs }: LocalCloud,
  sandbox: Sandbox | undefined,
  {
    needsKey,
    preset,
    geminiKey,
  }: { readonly needsKey: boolean; readonly preset?: string; readonly geminiKey?: string },
): Promise<z.infer<typeof initAnswer>> {
  const { TableName = "", CredentialsKeyId = "" } = outputs;
  const ours = {
    AWS_ENDPOINT_URL: gatewayUrl,
    TABLE_NAME: TableName,
    CREDENTIALS_KEY_ID: CredentialsKeyId,
    ...(sandbox && {
      X_ENDPOINT: sandbox.url,
      X_API_KEY: SANDBOX_OAUTH1.apiKey,
      X_API_SECRET: SANDBOX_OAUTH1.apiSecret,
      X_ACCESS_TOKEN: SANDBOX_OAUTH1.accessToken,
      X_ACCESS_SECRET: SANDBOX_OAUTH1.accessSecret,
    }),
    ...(geminiKey !== undefined && { GEMINI_API_KEY: geminiKey }),
  };
  const args = [
    "infra/admin.ts",
    "init",
    "--json",
    ...(preset === undefined ? [] : ["--preset", preset]),
    ...(needsKey ? ["--new-key"] : []),
    // Credentials of the real X must not reach the sandbox, nor be mixed with its own.
    ...(sandbox ? ["--env-file", devNull] : []),
  ];
  const inherited = Object.entries(process.env).filter(([name]) => !sandbox || !X_VARIABLE.test(name));
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...Object.fromEntries(inherited), ...ours, TZ: HOST_TIME_ZONE },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new LaunchFault(Buffer.concat(err).toString().trim());
  return initAnswer.parse(JSON.parse(Buffer.concat(out).toString()));
}
