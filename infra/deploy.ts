/**
 * `npm run deploy -- --profile NAME`: deploys both stacks; whatever follows `--` goes to `cdk deploy`.
 *
 * Credentials and Region are looked up first: without them CDK fails late, after a build, and says less.
 */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { REPOSITORY } from "#infra/bundling.ts";

/** Where the addresses of what was deployed are written, by stack. */
const OUTPUTS_FILE = join(REPOSITORY, ".punctual", "outputs.json");

/** A profile may ask its own programs or the network; longer than this, and something hangs. */
const LOOKUP_DEADLINE_MS = 15_000;

const NO_CREDENTIALS = `Remedy, one of:
  aws configure sso                 once, then: npm run deploy -- --profile NAME
  export AWS_PROFILE=NAME           a profile of ~/.aws/config
  export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…   (and AWS_SESSION_TOKEN for temporary ones)`;

const NO_REGION = `Remedy, one of:
  npm run deploy -- -c region=eu-west-1
  export AWS_REGION=eu-west-1
  aws configure set region eu-west-1 --profile NAME`;

interface Missing {
  readonly what: string;
  readonly remedy: string;
}

async function findMissing(profile: string | undefined, regionIsSet: boolean): Promise<Missing | undefined> {
  const client = new DynamoDBClient(profile === undefined ? {} : { profile });
  const where = profile === undefined ? "" : ` in the profile "${profile}"`;
  try {
    await withDeadline(client.config.credentials());
  } catch (error) {
    return { what: `no AWS credentials were found${where} (${firstLine(error)})`, remedy: NO_CREDENTIALS };
  }
  if (regionIsSet) return undefined;
  try {
    await withDeadline(client.config.region());
    return undefined;
  } catch (error) {
    return { what: `no AWS Region is set${where} (${firstLine(error)})`, remedy: NO_REGION };
  }
}

async function withDeadline<Value>(lookup: Promise<Value>): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`no answer within ${LOOKUP_DEADLINE_MS / 1_000} s`)),
    LOOKUP_DEADLINE_MS,
  );
  try {
    return await Promise.race([lookup, promise]);
  } finally {
    clearTimeout(timer);
  }
}

const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split("\n", 1)[0] ?? "";

function runCdk(args: readonly string[]): Promise<number> {
  const cdk = join(REPOSITORY, "node_modules", "aws-cdk", "bin", "cdk");
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  spawn(process.execPath, [cdk, "deploy", "--all", "--outputs-file", OUTPUTS_FILE, ...args], {
    cwd: REPOSITORY,
    stdio: "inherit",
  })
    .once("error", reject)
    .once("exit", (code) => resolve(code ?? 1));
  return promise;
}

const forwarded = process.argv.slice(2);
const { values } = parseArgs({
  args: forwarded,
  options: { profile: { type: "string" }, context: { type: "string", short: "c", multiple: true } },
  // The rest is for `cdk deploy`, which knows its own options.
  strict: false,
  allowPositionals: true,
});
const profile = typeof values.profile === "string" ? values.profile : undefined;
const context = (values.context ?? []).filter((pair) => typeof pair === "string");
const missing = await findMissing(
  profile,
  context.some((pair) => pair.startsWith("region=")),
);

if (missing === undefined) {
  mkdirSync(join(OUTPUTS_FILE, ".."), { recursive: true });
  process.exitCode = await runCdk(forwarded);
  if (process.exitCode !== 0) {
    const suffix = profile === undefined ? "" : ` --profile ${profile}`;
    console.error(`\nThe first deploy into an account and Region needs, once: npx cdk bootstrap${suffix}`);
  }
} else {
  console.error(`Cannot deploy: ${missing.what}.\n\n${missing.remedy}\n\nNothing was changed.`);
  process.exitCode = 1;
}
