import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * A map in memory whose changes are appended to a file, one JSON line each, and written out compactly at the next
 * start. A change is answered only when it is in the file; a last line that a crash cut short is ignored.
 */
export interface Journal<Value> {
  readonly entries: ReadonlyMap<string, Value>;
  set(key: string, value: Value): Promise<void>;
  delete(key: string): Promise<void>;
  /** Resolves when everything is in the file. */
  flush(): Promise<void>;
}

/** Opens or begins a journal; without a file it only remembers. */
export function openJournal<Value>(file?: string): Journal<Value> {
  const entries = new Map<string, Value>();
  let written = Promise.resolve();
  if (file !== undefined) {
    mkdirSync(dirname(file), { recursive: true });
    for (const [key, value] of readLines<Value>(file)) {
      if (value === null) entries.delete(key);
      else entries.set(key, value);
    }
    writeFileSync(`${file}.new`, [...entries].map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    renameSync(`${file}.new`, file);
  }
  const append = (key: string, value: Value | null): Promise<void> => {
    if (file === undefined) return written;
    const line = `${JSON.stringify([key, value])}\n`;
    const mine = written.then(() => appendFile(file, line));
    written = mine.catch(() => {});
    return mine;
  };
  return {
    entries,
    async set(key, value) {
      entries.set(key, value);
      await append(key, value);
    },
    async delete(key) {
      entries.delete(key);
      await append(key, null);
    },
    flush: () => written,
  };
}

function readLines<Value>(file: string): readonly (readonly [string, Value | null])[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const lines = text.split("\n");
  // What follows the last line break was cut short by a crash: its caller never got an answer.
  lines.pop();
  return lines.map((line) => JSON.parse(line) as [string, Value | null]);
}
