#!/usr/bin/env node
// Starts the command line on the Node that comes with the packages. It runs on whatever Node the machine has (20 or
// newer) and imports nothing that must be installed first.
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Strips types without a flag. */
const NEEDED_MAJOR = 24;

const folder = dirname(realpathSync(fileURLToPath(import.meta.url)));
const modules = join(dirname(folder), "node_modules");
const bundledNode = join(modules, ".bin", "node");
const main = join(folder, "main.ts");

if (!existsSync(join(modules, "commander")) || !existsSync(bundledNode)) {
  process.stderr.write(
    `punctual: it is not installed completely.\nRemedy: run \`npm install\` in ${dirname(folder)}, then the same command again.\n`,
  );
  process.exitCode = 1;
} else if (Number(process.versions.node.split(".")[0]) >= NEEDED_MAJOR) {
  const { enableCompileCache } = await import("node:module");
  enableCompileCache();
  await import(main);
} else {
  const child = spawn(bundledNode, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  // A terminal tells both of Ctrl-C; whoever ends this one means the other.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.once("error", (error) => {
    process.stderr.write(`punctual: ${error.message}\nRemedy: run \`npm install\` in ${dirname(folder)}.\n`);
    process.exitCode = 1;
  });
  child.once("close", (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1;
    else process.kill(process.pid, signal);
  });
}
