import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

/** `.env` of the project under the variables of the shell, which win. No file: the shell's alone. */
export function readDotEnv(root: string): Readonly<Record<string, string | undefined>> {
  let file: Record<string, string | undefined> = {};
  try {
    file = parseEnv(readFileSync(join(root, ".env"), "utf8"));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  return { ...file, ...process.env };
}
