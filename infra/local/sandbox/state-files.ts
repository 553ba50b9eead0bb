import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

/** Replaces a JSON file in one step: a reader, or a restart after a crash, sees the old or the new one. */
export function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  const next = `${path}.next`;
  writeFileSync(next, JSON.stringify(value), { mode: 0o600 });
  renameSync(next, path);
}

/** @returns `undefined` when there is no such file */
export function readJson(path: string): unknown {
  const text = readIfThere(path);
  return text === undefined ? undefined : JSON.parse(text);
}

/** A file of one JSON value per line that only grows. */
export interface JsonLog {
  append(value: unknown): void;
  close(): void;
}

/**
 * Opens a log and hands every complete line to `replay`. A last line without its end is what a crash left of a
 * write that was never answered: it is cut off.
 */
export function openJsonLog(path: string, replay: (value: unknown) => void): JsonLog {
  mkdirSync(dirname(path), { recursive: true });
  const text = readIfThere(path) ?? "";
  const complete = text.slice(0, text.lastIndexOf("\n") + 1);
  if (complete.length < text.length) truncateSync(path, Buffer.byteLength(complete));
  for (const line of complete.split("\n")) if (line !== "") replay(JSON.parse(line));

  const file = openSync(path, "a", 0o600);
  return {
    append: (value) => {
      writeSync(file, `${JSON.stringify(value)}\n`);
    },
    close: () => closeSync(file),
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
