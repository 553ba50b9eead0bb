import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { StoreFault } from "./fault.ts";
import type { StoresAnswer, StoresPorts, StoresSettings } from "./stores-process.ts";

export interface Supervised {
  readonly ports: StoresPorts;
  /** Resolves when the stores and their process are gone. */
  close(): Promise<void>;
}

/**
 * Starts the stores in a process of their own, which takes them down with it when this one ends, however it ends. It is
 * in a process group of its own: a Ctrl-C in the terminal must reach the functions and not the database.
 *
 * @throws StoreFault
 */
export async function startSupervised(settings: StoresSettings): Promise<Supervised> {
  const child = fork(fileURLToPath(new URL("./stores-process.ts", import.meta.url)), {
    detached: true,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    // Not the whole environment: it may hold the credentials of X.
    env: pick(["PATH", "JAVA_HOME", "HOME", "TMPDIR"]),
    // Queues are kept in `node:sqlite`, which is experimental; flags of a test runner do not concern this process.
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const close = async (): Promise<void> => {
    if (child.connected) {
      child.disconnect();
    }
    await ended;
  };
  try {
    return { ports: await readPorts(child, settings), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function readPorts(child: ChildProcess, settings: StoresSettings): Promise<StoresPorts> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new StoreFault("store-did-not-start", `The process of the stores ended with ${code}.`)),
    );
    child.once("message", (answer: StoresAnswer) => {
      if ("ready" in answer) {
        resolve(answer.ready);
      } else {
        reject(new StoreFault(answer.failed.code, answer.failed.message));
      }
    });
    child.send(settings);
  });
}

function pick(names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
