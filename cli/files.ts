/** Files that people name: what is wrong with one is told in words. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { CliError, EXIT, usageError } from "./failures.ts";
import type { Surroundings } from "./surroundings.ts";

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "may not be read by you",
  EISDIR: "is a folder",
};

/** @throws CliError when the bytes are not UTF-8 */
export function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CliError(`${name} is not UTF-8 text.`, {
      code: "invalid-utf8",
      exitCode: EXIT.usage,
      remedy: "Save it as UTF-8 (in spreadsheets: CSV UTF-8), then repeat the command.",
    });
  }
}

/** @throws CliError for what is no file that can be read */
export function fileError(error: unknown, name: string): unknown {
  const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
  const why = typeof code === "string" ? WHY[code] : undefined;
  return why === undefined
    ? error
    : usageError(`${name} ${why}.`, "Check the name; paths are relative to where you are.", "bad-file");
}

/** A text file, or the input for `-`. */
export async function readText(
  name: string,
  { directory, readInput }: Pick<Surroundings, "directory" | "readInput">,
): Promise<string> {
  if (name === "-") return decodeText(await readInput(), "The input");
  try {
    return decodeText(await readFile(resolve(directory, name)), name);
  } catch (error) {
    throw fileError(error, name);
  }
}
