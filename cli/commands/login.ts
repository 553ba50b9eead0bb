import type { Command } from "commander";
import { addCommand } from "../command.ts";
import { type CommandContext, createCounter, type Desk } from "../context.ts";
import { CliError, EXIT, usageError } from "../failures.ts";
import { decodeText } from "../files.ts";
import { configPath, profileName, readConfig, readUrl, removeProfile, saveProfile } from "../profiles.ts";
import { checkZone } from "../times.ts";
import { describeWho, listWho, readWho } from "../who.ts";

const LOCAL_URL = "http://127.0.0.1:4550";
/** Of every key; what follows is secret. */
const KEY = /^pnc_[0-9A-Za-z]{33}_[0-9A-Za-z]{6}$/;

interface LoginOptions {
  readonly url?: string;
  readonly keyStdin?: true;
}

async function askUrl(
  { url }: LoginOptions,
  { surroundings }: Desk,
  saved: string | undefined,
): Promise<string> {
  const { variables, terminal, prompts } = surroundings;
  const given = url ?? variables["PUNCTUAL_URL"];
  if (given !== undefined && given !== "") return readUrl(given);
  if (!terminal.isInput)
    throw usageError(
      "There is no address, and nobody can be asked.",
      "Add --url https://…, or set PUNCTUAL_URL.",
    );
  return readUrl(await prompts.text("Address of the API", saved ?? LOCAL_URL));
}

async function askKey({ keyStdin }: LoginOptions, { surroundings }: Desk): Promise<string> {
  const { terminal, prompts, readInput, variables } = surroundings;
  const given = keyStdin ? decodeText(await readInput(), "The input") : variables["PUNCTUAL_KEY"];
  if (given === undefined && !terminal.isInput)
    throw usageError(
      "There is no key, and nobody can be asked.",
      "Pipe it: punctual login --url … --key-stdin < key.txt. A key on the command line could be read by others.",
    );
  const key = (given ?? (await prompts.secret("API key (it is not shown)"))).trim();
  if (!KEY.test(key))
    throw usageError(
      "This is no API key: one looks like pnc_… and has 44 characters.",
      "Copy the whole line that was shown when the key was made.",
      "bad-key",
    );
  return key;
}

export function addLoginCommands(program: Command, { act, actLocally }: CommandContext): void {
  addCommand(program, {
    usage: "login",
    says: "Saves an address and a key as a profile, after trying them.",
    more: "The file is $XDG_CONFIG_HOME/punctual/config.json (~/.config/punctual/config.json), readable by you alone.",
    examples: [
      ["punctual login", "asks for both; the key is not shown"],
      ["punctual login --url https://api.example.com --key-stdin < key.txt"],
      ["punctual login --profile work --time-zone Asia/Shanghai", "a second profile, with its zone"],
    ],
  })
    .option("--url <address>", "where the API is; npm start and npm run deploy print it")
    .option("--key-stdin", "read the key from the input")
    .action(
      actLocally<LoginOptions>(async (desk, options) => {
        const { surroundings } = desk;
        const config = await readConfig(surroundings);
        const profile = profileName(surroundings, config, desk.options.profile);
        const saved = config.profiles[profile];
        const url = await askUrl(options, desk, saved?.url);
        const key = await askKey(options, desk);
        const timeZone = checkZone(desk.options.timeZone ?? saved?.timeZone ?? surroundings.systemZone);
        const session = { profile, url, key, timeZone };
        const who = await readWho(createCounter(desk, session));
        const path = await saveProfile(surroundings, profile, { url, key, timeZone });
        return {
          json: { profile, url, timeZone, path, ...who },
          ids: [profile],
          text: [
            `Logged in to ${url} as ${describeWho(who)}.`,
            `Profile “${profile}” is saved in ${path}. Times are of ${timeZone}; --time-zone at login changes that.`,
          ],
        };
      }),
    );

  addCommand(program, {
    usage: "logout",
    says: "Forgets the address and key of a profile. The key still works: revoke it where it was made.",
    examples: [["punctual logout"], ["punctual logout --profile work --yes"]],
  }).action(
    actLocally(async (desk) => {
      const { surroundings, options } = desk;
      const profile = profileName(surroundings, await readConfig(surroundings), options.profile);
      await desk.confirm(`Forget profile “${profile}”?`);
      if (!(await removeProfile(surroundings, profile)))
        throw new CliError(`There is no profile “${profile}”.`, {
          code: "no-profile",
          exitCode: EXIT.notFound,
          remedy: `Nothing to do; ${configPath(surroundings)} holds the profiles.`,
        });
      return {
        json: { removed: profile },
        ids: [profile],
        text: [`Profile “${profile}” is forgotten. Its key still works until it is revoked.`],
      };
    }),
  );

  addCommand(program, {
    usage: "whoami",
    says: "Shows the profile, and who the key is and what it allows.",
    examples: [["punctual whoami"], ["punctual whoami --json"]],
  }).action(
    act(async (counter) => {
      const { session, zone } = counter;
      const who = await readWho(counter);
      return {
        json: { profile: session.profile, url: session.url, timeZone: zone, ...who },
        ids: [who.owner],
        text: [
          `Profile    ${session.profile ?? "none: PUNCTUAL_URL and PUNCTUAL_KEY"}`,
          `Address    ${session.url}`,
          `Time zone  ${zone}`,
          ...listWho(who),
        ],
      };
    }),
  );
}
