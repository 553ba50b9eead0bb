import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { StoreFault } from "./fault.ts";

export interface DynamoDbSettings {
  /** Folder of the database files and of the pid file; in memory without one. */
  readonly directory?: string;
  /** @default `$JAVA_HOME/bin/java`, else `java` of the path */
  readonly java?: string;
}

export interface DynamoDbJava {
  readonly port: number;
  /** Resolves once the process is gone. */
  close(): Promise<void>;
}

const startDeadlineMs = 30_000;
const endDeadlineMs = 5_000;

/**
 * Starts DynamoDB Local in its own process group, so that a Ctrl-C in the terminal reaches the functions first and the
 * database stays until they have written what they had to.
 *
 * @throws StoreFault when Java is missing or older than 17, or the database does not come up within 30 s.
 */
export async function launchDynamoDb(settings: DynamoDbSettings = {}): Promise<DynamoDbJava> {
  if (settings.directory !== undefined) {
    mkdirSync(settings.directory, { recursive: true });
    await endStale(settings.directory);
  }
  const port = await freePort();
  const child = launch(settings, port);
  const pidFile = settings.directory === undefined ? undefined : join(settings.directory, "dynamodb.pid");
  const output: string[] = [];
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`exit ${code ?? signal}`));
  });
  child.stdout?.on("data", (chunk) => output.push(String(chunk)));
  child.stderr?.on("data", (chunk) => output.push(String(chunk)));
  if (pidFile !== undefined && child.pid !== undefined) {
    writeFileSync(pidFile, String(child.pid));
  }
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), endDeadlineMs);
      await ended;
      clearTimeout(timer);
    }
    if (pidFile !== undefined) {
      rmSync(pidFile, { force: true });
    }
  };
  const deadline = Date.now() + startDeadlineMs;
  while (!(await answers(port))) {
    const reason = await Promise.race([ended, pause(50)]);
    if (reason !== undefined || Date.now() > deadline) {
      await close();
      throw startFault(reason ?? "no answer", output.join(""));
    }
  }
  // From here on nobody reads the output; a full pipe would stop the database.
  child.stdout?.removeAllListeners("data").resume();
  child.stderr?.removeAllListeners("data").resume();
  return { port, close };
}

function launch(settings: DynamoDbSettings, port: number): ChildProcess {
  const home = process.env["JAVA_HOME"];
  const java = settings.java ?? (home === undefined || home === "" ? "java" : join(home, "bin", "java"));
  const emulator = join(
    dirname(fileURLToPath(import.meta.resolve("amplify-dynamodb-simulator/package.json"))),
    "emulator",
  );
  const storage = settings.directory === undefined ? ["-inMemory"] : ["-dbPath", settings.directory];
  return spawn(
    java,
    [
      "-XX:TieredStopAtLevel=1",
      "-XX:+UseSerialGC",
      "-Xmx512m",
      `-Djava.library.path=${join(emulator, "DynamoDBLocal_lib")}`,
      "-jar",
      join(emulator, "DynamoDBLocal.jar"),
      "-port",
      String(port),
      "-sharedDb",
      ...storage,
    ],
    // It prepares its files relative to the jar; the environment may hold credentials that it has no use for.
    {
      cwd: emulator,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", ...(home !== undefined && { JAVA_HOME: home }) },
    },
  );
}

function startFault(reason: string, output: string): StoreFault {
  const install =
    "Install a Java runtime of version 17 or newer (for example from https://adoptium.net) and try again.";
  if (reason.includes("ENOENT")) {
    return new StoreFault("java-missing", `Java was not found; the local database needs it. ${install}`);
  }
  if (output.includes("UnsupportedClassVersionError")) {
    return new StoreFault("java-too-old", `The installed Java is older than 17. ${install}`);
  }
  return new StoreFault(
    "database-did-not-start",
    `DynamoDB Local did not start (${reason}): ${output.trim()}`,
  );
}

/** Ends the database that an earlier run left behind when it was killed; two on one folder would lock each other out. */
async function endStale(directory: string): Promise<void> {
  const pidFile = join(directory, "dynamodb.pid");
  let pid: number;
  try {
    pid = Number(readFileSync(pidFile, "utf8"));
  } catch {
    return;
  }
  // The number may belong to something else by now.
  if (Number.isInteger(pid) && pid > 1 && commandOf(pid).includes("DynamoDBLocal.jar")) {
    process.kill(pid, "SIGTERM");
    const deadline = Date.now() + endDeadlineMs;
    while (commandOf(pid) !== "" && Date.now() < deadline) {
      await pause(50);
    }
    if (commandOf(pid) !== "") {
      process.kill(pid, "SIGKILL");
    }
  }
  rmSync(pidFile, { force: true });
}

/** Command line of a process; empty when it is gone. */
export function commandOf(pid: number): string {
  try {
    const line = execFileSync("ps", ["-o", "stat=,args=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    return line.startsWith("Z") ? "" : line;
  } catch {
    return "";
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request({ host: "127.0.0.1", port, method: "GET", timeout: 1_000 }, (response) => {
      response.resume();
      resolve(true);
    });
    probe.once("timeout", () => probe.destroy());
    probe.once("error", () => resolve(false));
    probe.end();
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms);
  });
}
