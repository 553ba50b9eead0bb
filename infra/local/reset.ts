/** `npm run reset`: empties everything that `npm start` keeps. Asks first. */
import "#infra/require-node.ts";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { findHolder } from "./lock.ts";

const root = join(import.meta.dirname, "../..");
const FOLDERS = ["drop", "outcome", "state"];

const help = `npm run reset [-- --yes]

Removes .punctual/drop, .punctual/outcome and .punctual/state: dropped files, outcomes, tasks, keys, and the sandbox's
timeline. What was posted to the real X stays there.

  --yes                do not ask
  --directory <path>   what was given to npm start (default .punctual)
`;

async function isWanted(paths: readonly string[]): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error("Not a terminal, so nobody can be asked. Remedy: npm run reset -- --yes");
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`Remove ${paths.join(", ")}? This cannot be undone. [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

const { values } = parseArgs({
  options: { yes: { type: "boolean" }, directory: { type: "string" }, help: { type: "boolean" } },
});
const directory = values.directory === undefined ? join(root, ".punctual") : resolve(values.directory);
const paths = FOLDERS.map((name) => join(directory, name)).filter((path) => existsSync(path));
const holder = findHolder(join(directory, "state"));

if (values.help) {
  console.log(help);
} else if (paths.length === 0) {
  console.log("There is nothing to remove.");
} else if (holder !== undefined) {
  console.error(`Punctual runs on this folder (process ${holder}). Remedy: stop it with Ctrl-C first.`);
  process.exitCode = 1;
} else if (values.yes || (await isWanted(paths))) {
  for (const path of paths) await rm(path, { recursive: true, force: true });
  console.log(`Removed ${paths.join(", ")}.`);
} else {
  console.log("Nothing was removed.");
  process.exitCode = 1;
}
