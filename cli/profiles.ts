/** Addresses and keys, by profile, in one file that nobody else may read. */
import { randomUUID } from "node:crypto";
import { lstat, mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { CliError, EXIT, usageError } from "./failures.ts";
import type { Surroundings } from "./surroundings.ts";

const OTHERS = 0o077;
const API_PATH = /\/api\/v1\/?$/;

const profileSchema = z.strictObject({
  url: z.string(),
  key: z.string(),
  /** IANA name: what local times mean, and how times are shown. */
  timeZone: z.string(),
});
export type Profile = z.output<typeof profileSchema>;

const configSchema = z.strictObject({
  version: z.literal(1),
  /** The profile that is used unless one is named. */
  current: z.string(),
  profiles: z.record(z.string(), profileSchema),
});
type Config = z.output<typeof configSchema>;

const EMPTY: Config = { version: 1, current: "default", profiles: {} };

type Place = Pick<Surroundings, "variables" | "home">;

/** @see https://specifications.freedesktop.org/basedir/latest/ */
export const configPath = ({ variables, home }: Place): string =>
  join(variables["XDG_CONFIG_HOME"] || join(home, ".config"), "punctual", "config.json");

const isMissing = (error: unknown): boolean =>
  error instanceof Error && Reflect.get(error, "code") === "ENOENT";

/** @throws CliError when others can read the file, or it is none of ours */
export async function readConfig(place: Place): Promise<Config> {
  const path = configPath(place);
  let text: string;
  try {
    const { mode } = await stat(path);
    // Windows has no such modes.
    if (process.platform !== "win32" && (mode & OTHERS) !== 0)
      throw new CliError(`Others on this machine can read ${path}, which holds API keys.`, {
        code: "open-config",
        remedy: `chmod 600 ${path}; if others may have read it, make a new key and revoke the old one.`,
      });
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return EMPTY;
    throw error;
  }
  const parsed = configSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new CliError(`${path} is not what this version of punctual writes.`, {
    code: "broken-config",
    remedy: "Move it away and log in again with `punctual login`.",
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The old file or the new one, never half of one. A link stays a link. */
async function writeConfig(place: Place, config: Config): Promise<void> {
  const named = configPath(place);
  await mkdir(dirname(named), { recursive: true, mode: 0o700 });
  const isLink = (await lstat(named).catch(() => undefined))?.isSymbolicLink() ?? false;
  const path = isLink ? await realpath(named) : named;
  const temporary = `${path}.${randomUUID()}`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(`${JSON.stringify(config, undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Saves a profile, and makes it the one that is used. */
export async function saveProfile(place: Place, name: string, profile: Profile): Promise<string> {
  const config = await readConfig(place);
  await writeConfig(place, { ...config, current: name, profiles: { ...config.profiles, [name]: profile } });
  return configPath(place);
}

/** @returns whether there was such a profile */
export async function removeProfile(place: Place, name: string): Promise<boolean> {
  const config = await readConfig(place);
  const { [name]: removed, ...profiles } = config.profiles;
  if (!removed) return false;
  const [first = "default"] = Object.keys(profiles);
  await writeConfig(place, {
    ...config,
    current: config.current === name ? first : config.current,
    profiles,
  });
  return true;
}

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);

/**
 * An address as people have it: with or without `/api/v1`, with or without a slash at the end.
 *
 * Refused: what is no address; one with a name or password in it; plain http to another machine, since the key would be
 * readable on the way.
 */
export function readUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    throw usageError(
      `“${text}” is no address.`,
      "Give one such as https://api.example.com or http://127.0.0.1:4550.",
    );
  }
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw usageError(`“${text}” is no web address.`, "It begins with https:// or http://.");
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw usageError(
      "The address has more than a host and a path.",
      "Leave name, password and whatever follows ? or # out.",
    );
  if (url.protocol === "http:" && !isLoopback(url.hostname))
    throw usageError(
      `A key must not travel unencrypted to ${url.hostname}.`,
      "Use https, or a tunnel to this machine: ssh -L 4550:127.0.0.1:4550 HOST.",
      "plain-http",
    );
  return `${url.origin}${url.pathname.replace(API_PATH, "").replace(/\/+$/, "")}`;
}

export interface Session {
  /** Of the profile; absent when only the environment says it. */
  readonly profile?: string;
  readonly url: string;
  readonly key: string;
  readonly timeZone: string;
}

/** Which profile a command is about: `--profile`, else PUNCTUAL_PROFILE, else the one that was saved last. */
export const profileName = (place: Place, config: Config, wanted?: string): string =>
  wanted ?? (place.variables["PUNCTUAL_PROFILE"] || config.current);

/**
 * Where to, and as whom. PUNCTUAL_URL and PUNCTUAL_KEY win over the profile.
 *
 * @throws CliError when nobody has logged in; when PUNCTUAL_URL alone would send the profile's key to another address
 */
export async function readSession(
  place: Place & Pick<Surroundings, "systemZone">,
  wanted?: string,
): Promise<Session> {
  const { PUNCTUAL_URL: url = "", PUNCTUAL_KEY: given = "" } = place.variables;
  const key = given.trim();
  if (url !== "" && key !== "" && wanted === undefined)
    return { url: readUrl(url), key, timeZone: await zoneFrom(place) };
  const config = await readConfig(place);
  const name = profileName(place, config, wanted);
  const profile = config.profiles[name];
  const isNamed = wanted !== undefined || Boolean(place.variables["PUNCTUAL_PROFILE"]);
  if (!profile) {
    const known = Object.keys(config.profiles);
    throw new CliError(isNamed ? `There is no profile “${name}”.` : "You are not logged in.", {
      code: "not-logged-in",
      exitCode: EXIT.unauthorised,
      remedy: `punctual login${isNamed ? ` --profile ${name}` : ""}${known.length > 0 ? `; known profiles: ${known.join(", ")}` : ""}`,
    });
  }
  const target = url === "" ? profile.url : readUrl(url);
  if (target !== profile.url && key === "")
    throw usageError(
      `PUNCTUAL_URL is ${target}, but the key of profile “${name}” belongs to ${profile.url}.`,
      "Set PUNCTUAL_KEY too, or unset PUNCTUAL_URL.",
      "key-of-another-address",
    );
  return { profile: name, url: target, key: key || profile.key, timeZone: profile.timeZone };
}

/** The profile's zone is a habit of the person, also when the environment says where to. */
async function zoneFrom(place: Place & Pick<Surroundings, "systemZone">): Promise<string> {
  const config = await readConfig(place).catch(() => EMPTY);
  return config.profiles[profileName(place, config)]?.timeZone ?? place.systemZone;
}
