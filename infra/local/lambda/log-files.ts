import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { join } from "node:path";

export interface LogLine {
  /** Logical id of the function. */
  readonly functionId: string;
  /** `platform`: START and REPORT lines, as Lambda writes them. */
  readonly stream: "stdout" | "stderr" | "platform";
  readonly line: string;
}

/** One file per function under `folder`, appended to over restarts. */
export function createLogFiles(folder: string) {
  mkdirSync(folder, { recursive: true });
  const files = new Map<string, WriteStream>();
  return {
    write({ functionId, line }: LogLine): void {
      let file = files.get(functionId);
      if (!file) {
        file = createWriteStream(join(folder, `${functionId}.log`), { flags: "a" });
        files.set(functionId, file);
      }
      file.write(`${line}\n`);
    },
    async close(): Promise<void> {
      await Promise.all(
        [...files.values()].map((file) => new Promise<void>((resolve) => void file.end(() => resolve()))),
      );
    },
  };
}
