/** `punctual`: the command line on this terminal. Started by punctual.mjs, which finds the right Node. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { homedir } from "node:os";
import { dirname } from "node:path";
import process from "node:process";
import { setTimeout as sleepFor } from "node:timers/promises";
import { confirm, input, password } from "@inquirer/prompts";
import { EXIT, Interrupted } from "./failures.ts";
import { runCli } from "./program.ts";
import type { Surroundings } from "./surroundings.ts";

const { stdin, stdout, stderr, env } = process;

/** Whoever reads us has seen enough, as `head` does: nothing is wrong. */
function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
}
stdout.on("error", endOnClosedPipe);
stderr.on("error", endOnClosedPipe);

const interruption = new AbortController();
process.on("SIGINT", () => {
  // The second time at once: somebody is in a hurry.
  if (interruption.signal.aborted) process.exit(EXIT.interrupted);
  interruption.abort(new Interrupted());
});

/** COLUMNS wins: whoever sets it wants it so. */
function columns(): number | undefined {
  const wanted = Number(env["COLUMNS"]);
  if (Number.isInteger(wanted) && wanted >= 20) return wanted;
  return stdout.isTTY ? stdout.columns : undefined;
}

async function readInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleepFor(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}

function run(root: string, command: string, args: readonly string[]): Promise<number> {
  // Ctrl-C is the script's: it says how it stops.
  process.removeAllListeners("SIGINT").on("SIGINT", () => undefined);
  return new Promise((resolve, reject) => {
    spawn(command, args, { cwd: root, stdio: "inherit" })
      .once("error", reject)
      .once("close", (code) => resolve(code ?? EXIT.failed));
  });
}

const width = columns();
const root = dirname(import.meta.dirname);
/** Questions are no part of the answer. */
const asked = { output: stderr };

const surroundings: Surroundings = {
  args: process.argv.slice(2),
  variables: env,
  directory: process.cwd(),
  home: homedir(),
  root,
  systemZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  out: (text) => stdout.write(`${text}\n`),
  err: (text) => stderr.write(`${text}\n`),
  terminal: {
    // Absent, and not false, where there is no terminal.
    isInput: stdin.isTTY === true,
    isOutput: stdout.isTTY === true,
    isError: stderr.isTTY === true,
    ...(width !== undefined && { columns: width }),
    hasColour: stdout.hasColors?.() ?? false,
  },
  readInput,
  prompts: {
    text: (message, initial) => input({ message, ...(initial !== undefined && { default: initial }) }, asked),
    secret: (message) => password({ message }, asked),
    confirm: (message) => confirm({ message, default: false }, asked),
  },
  progressStream: stderr,
  now: () => new Date(),
  sleep,
  random: Math.random,
  newKey: randomUUID,
  fetch,
  interruption: interruption.signal,
  run: (command, args) => run(root, command, args),
};

// Not `process.exit`: what is still to be written to a pipe would be lost.
process.exitCode = await runCli(surroundings);
