import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const fileIn = (stateDir: string): string => join(stateDir, "pid");

/**
 * The process that runs on a folder, if there is one. Not this process itself.
 *
 * @param stateDir - the folder's `state/`
 */
export function findHolder(stateDir: string): number | undefined {
  const [pid = 0, command] = readLock(stateDir);
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid || !isAlive(pid)) return undefined;
  // After a crash the number is given to another process some day, after a restart of the machine very soon.
  const running = commandOf(pid);
  return command && running && command !== running ? undefined : pid;
}

/** Claims a folder for this process. Only for who has found no holder. @returns the way to give it back */
export function lock(stateDir: string): () => void {
  writeFileSync(fileIn(stateDir), `${process.pid}\n${commandOf(process.pid) ?? ""}`);
  return () => rmSync(fileIn(stateDir), { force: true });
}

function readLock(stateDir: string): readonly [pid?: number, command?: string] {
  try {
    const [pid, command = ""] = readFileSync(fileIn(stateDir), "utf8").split("\n");
    return [Number(pid), command];
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Undefined where `ps` is missing: then the number alone has to do. */
function commandOf(pid: number): string | undefined {
  try {
    const command = execFileSync("ps", ["-o", "args=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return command.split("\n", 1)[0]?.trim() || undefined;
  } catch {
    return undefined;
  }
}
