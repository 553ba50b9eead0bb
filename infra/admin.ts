/**
 * `npm run admin -- …`: what needs AWS rights and not an API key: the first owner, accounts, projects and keys of a
 * deployment, and the check of everything that is stored.
 *
 * It talks to the table, the schedules and the credentials key directly, in the name of whoever runs it, so it works
 * before the API can be used. Each group of commands has its file in `infra/admin/`.
 */
import "#infra/require-node.ts";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import * as z from "zod";
import { addAccountCommands } from "#infra/admin/accounts.ts";
import { addAuditCommand } from "#infra/admin/audit.ts";
import { addCheckCommand } from "#infra/admin/check.ts";
import { createContext } from "#infra/admin/command.ts";
import { addInitCommand } from "#infra/admin/init.ts";
import { addKeyCommands } from "#infra/admin/keys.ts";
import { addOwnerCommands } from "#infra/admin/owners.ts";
import { addProjectCommands } from "#infra/admin/projects.ts";
import { AdminError, type AdminSurroundings } from "#infra/admin/service.ts";
import { addUserCommands } from "#infra/admin/users.ts";

/** Endpoints may carry no credentials: they are printed in errors. */
const toUrl = (text: string): string => {
  if (!z.url({ protocol: /^https?$/ }).safeParse(text).success || new URL(text).username !== "")
    throw new InvalidArgumentError("Give an http or https address.");
  return text;
};

function buildProgram(surroundings: AdminSurroundings, onCode: (code: number) => void): Command {
  const { out, err } = surroundings;
  const program = new Command("npm run admin --")
    .description(
      "Sets a deployment up, manages its accounts, projects and API keys, and checks what it stores.",
    )
    .addHelpText(
      "after",
      `
Examples:
  npm run admin -- init                              owner, project “default”, account “main”, admin key
  npm run admin -- init --project shop --account shop --time-zone Europe/Berlin
  npm run admin -- --env-file .env.second accounts add second
  npm run admin -- projects policy default --interval 90m --daily-max 10 --blackout 0-7
  npm run admin -- keys create ci --scopes read,write --expires-in-days 90
  npm run admin -- users invite ann@example.org --role admin
  npm run admin -- owners add second-tenant
  npm run admin -- audit verify                      did anybody alter the log of changes?
  npm run admin -- check --repair                    does everything that is stored agree?
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
    .option("--schedule-group <name>", "group of the tasks' schedules (SCHEDULE_GROUP)")
    .addOption(new Option("--x-endpoint <url>", "stand-in for X (X_ENDPOINT)").argParser(toUrl))
    .option("--env-file <path>", "instead of .env")
    .option("--json", "one line of JSON, for scripts", false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out(text.trimEnd()),
      writeErr: (text) => err(text.trimEnd()),
    });

  const context = createContext(surroundings, onCode);
  addInitCommand(program, context);
  addAccountCommands(program, context);
  addProjectCommands(program, context);
  addKeyCommands(program, context);
  addUserCommands(program, context);
  addOwnerCommands(program, context);
  addAuditCommand(program, context);
  addCheckCommand(program, context);
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
      return `AWS does not know the table, the key or the schedule group (${error.name}). Remedy: check the Region, and --table, --credentials-key and --schedule-group.`;
    case "AccessDeniedException":
      return `AWS refuses it: ${error.message} Remedy: use a profile that may read and write the table and use the key; the check also needs to scan it and to list schedules.`;
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
 * @returns the exit code: 0, 1 for a refusal, a failure or a check that found something, 2 for a usage error
 */
export async function runAdmin(surroundings: AdminSurroundings): Promise<number> {
  let exitCode = 0;
  const program = buildProgram(surroundings, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...surroundings.args], { from: "user" });
    return exitCode;
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
