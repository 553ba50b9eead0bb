import { type Command, Option } from "commander";
import { DEFAULT_PRESET, PRESET_NAMES, type PresetName } from "#shared/domain/planning/presets.ts";
import {
  createInitializeService,
  type InitializationRefusal,
  type InitializationReport,
} from "#shared/usecases/initialize-service.ts";
import type { CommandContext } from "./command.ts";
import { AdminError, readCredentials, readGeminiKey, type Service } from "./service.ts";

export const badName = (what: string, name: string): string =>
  `“${name}” cannot be the name of ${what}. Remedy: use 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit; “any” stands for all accounts.`;

const refusalText = (refusal: InitializationRefusal): string => {
  switch (refusal.reason) {
    case "bad-name":
      return badName(refusal.what === "account" ? "an account" : "a project", refusal.name);
    case "bad-time-zone":
      return `There is no time zone “${refusal.timeZone}”. Remedy: use an IANA name, such as Europe/Berlin.`;
    case "foreign-account":
      return `The project ${refusal.project} exists and posts with ${refusal.accounts.join(", ")}. Remedy: name that account with --account, another project with --project, or add the account to the project: npm run admin -- accounts add.`;
  }
};

const GEMINI_TEXT = {
  stored: "stored, encrypted",
  kept: "as before (none given now)",
  none: "none: texts are not written (GEMINI_API_KEY in .env)",
} as const;
type GeminiKey = keyof typeof GEMINI_TEXT;

async function keepGeminiKey({ writerKey }: Service, given: string | undefined): Promise<GeminiKey> {
  if (given === undefined) return (await writerKey.load()) === undefined ? "none" : "kept";
  await writerKey.store(given);
  return "stored";
}

function describe({
  project,
  account,
  credentials,
  isVerified,
  job,
  apiKey,
  warnings,
}: InitializationReport) {
  return {
    project: { name: project.name, timeZone: project.timeZone },
    account: {
      name: account.name,
      status: account.status,
      ...(account.username !== undefined && { username: account.username }),
    },
    credentials,
    verified: isVerified,
    ...(job !== undefined && { job }),
    ...(apiKey !== undefined && { apiKey }),
    warnings,
  };
}

export const CREDENTIALS_TEXT = {
  stored: "stored, encrypted",
  unchanged: "as before",
  kept: "as before (none given now)",
  none: "none",
} as const;

/** `main (new, @kites, checked with X)` */
export function accountText({
  account,
  isNewAccount,
  isVerified,
}: Pick<InitializationReport, "account" | "isNewAccount" | "isVerified">): string {
  const user = account.username === undefined ? "" : `, @${account.username}`;
  return `${account.name} (${isNewAccount ? "new" : "exists"}${user}${isVerified ? ", checked with X" : ""})`;
}

export const warningTexts = ({ warnings }: Pick<InitializationReport, "warnings">): string[] =>
  warnings.map(({ message, remedy }) => `\nWarning: ${message}\nRemedy: ${remedy}`);

function inWords(report: InitializationReport, preset: PresetName, geminiKey: GeminiKey): string[] {
  const { project, isNewProject, credentials, job, apiKey } = report;
  const rules = isNewProject ? `the preset ${preset}` : "as before";
  return [
    `Project      ${project.name} (${isNewProject ? "new" : "exists"}; drop/${project.name}/; ${project.timeZone})`,
    `Rules        ${rules}; \`projects policy ${project.name}\` shows and changes them`,
    ...(job === undefined ? [] : [`Job          ${job}: pulls posts into days below the daily minimum`]),
    `Account      ${accountText(report)}`,
    `Credentials  ${CREDENTIALS_TEXT[credentials]}`,
    `Gemini key   ${GEMINI_TEXT[geminiKey]}`,
    apiKey === undefined
      ? "API key      as before; `--new-key` makes another"
      : `API key      ${apiKey}\n             Shown only now: keep it in a safe place.`,
    ...warningTexts(report),
  ];
}

interface InitOptions {
  readonly project: string;
  readonly account: string;
  readonly timeZone?: string;
  readonly preset: PresetName;
  readonly newKey: boolean;
}

export function addInitCommand(program: Command, { surroundings, act }: CommandContext): void {
  program
    .command("init")
    .description("makes owner, project, account and admin key; repeating it changes only what is new")
    .option("--project <name>", "also its folder under drop/", "default")
    .option("--account <name>", "as files and the API name it", "main")
    .option("--time-zone <name>", "of a new project, IANA (default: this machine's)")
    .addOption(
      new Option("--preset <name>", "what a new project allows itself; open is no rules")
        .choices(PRESET_NAMES)
        .default(DEFAULT_PRESET),
    )
    .option("--new-key", "make another admin key", false)
    .action(
      act<InitOptions, []>(async (service, options) => {
        const credentials = readCredentials(surroundings, options);
        const given = readGeminiKey(surroundings, options);
        const done = await createInitializeService(service)({
          project: options.project,
          account: options.account,
          ...(options.timeZone !== undefined && { timeZone: options.timeZone }),
          defaultTimeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
          ...(credentials && { credentials }),
          preset: options.preset,
          newKey: options.newKey,
        });
        if (!done.ok) throw new AdminError(refusalText(done.error));
        const geminiKey = await keepGeminiKey(service, given);
        return {
          json: { ...describe(done.value), geminiKey },
          text: inWords(done.value, options.preset, geminiKey),
        };
      }),
    );
}
