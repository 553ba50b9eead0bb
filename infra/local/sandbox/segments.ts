import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { SNIFF_BYTES } from "./media-rules.ts";

/** Bytes of a finished file, when they were kept. */
export interface KeptBytes {
  /** Both ends included. */
  read(from: number, to: number): Readable;
  all(): Promise<Buffer>;
}

export interface AssembledFile {
  /** Hex. */
  readonly sha256: string;
  /** The first bytes, for sniffing. */
  readonly head: Buffer;
  readonly bytes?: KeptBytes;
}

/**
 * Where the segments of one upload wait for each other. They come in any order, each index once; `assemble` is called
 * once, when indexes 0 to n − 1 are all there.
 */
export interface Segments {
  put(index: number, bytes: Buffer): Promise<void>;
  assemble(): Promise<AssembledFile>;
  discard(): Promise<void>;
}

/** In memory: for sandboxes that live as long as a test. */
export function createMemorySegments(): Segments {
  const held = new Map<number, Buffer>();
  return {
    put: async (index, bytes) => {
      held.set(index, bytes);
    },
    assemble: async () => {
      const parts = [...held].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
      const hash = createHash("sha256");
      for (const part of parts) {
        hash.update(part);
        await setImmediate(); // other requests go on while a large file is hashed
      }
      const whole = Buffer.concat(parts);
      return { sha256: hash.digest("hex"), head: whole.subarray(0, SNIFF_BYTES), bytes: keptInMemory(whole) };
    },
    discard: async () => held.clear(),
  };
}

const keptInMemory = (whole: Buffer): KeptBytes => ({
  read: (from, to) => Readable.from([whole.subarray(from, to + 1)]),
  all: async () => whole,
});

export const keptOnDisk = (file: string): KeptBytes => ({
  read: (from, to) => createReadStream(file, { start: from, end: to }),
  all: () => readFile(file),
});

/** How many segments may wait in memory for an earlier one; further ones wait on disk. */
const MAX_WAITING_IN_MEMORY = 8;

/**
 * Keeps no bytes: each segment is hashed as soon as all before it were. Memory stays at the few segments that arrived
 * before their turn.
 */
export function createHashingSegments(): Segments {
  const hash = createHash("sha256");
  const waiting = new Map<number, Buffer | { readonly file: string }>();
  let folder: Promise<string> | undefined;
  let head: Buffer = Buffer.alloc(0);
  let nextIndex = 0;
  let turn = Promise.resolve();

  const hashWhatFollows = async () => {
    for (;;) {
      const next = waiting.get(nextIndex);
      if (next === undefined) return;
      const bytes = Buffer.isBuffer(next) ? next : await readFile(next.file);
      waiting.delete(nextIndex);
      nextIndex += 1;
      hash.update(bytes);
      if (head.length < SNIFF_BYTES)
        head = Buffer.concat([head, bytes.subarray(0, SNIFF_BYTES - head.length)]);
      await setImmediate();
    }
  };

  return {
    put: async (index, bytes) => {
      if (index > nextIndex && waiting.size >= MAX_WAITING_IN_MEMORY) {
        folder ??= mkdtemp(join(tmpdir(), "sandbox-segments-"));
        const file = join(await folder, String(index));
        await writeFile(file, bytes);
        waiting.set(index, { file });
      } else {
        waiting.set(index, bytes);
      }
      turn = turn.then(hashWhatFollows);
      await turn;
    },
    assemble: async () => {
      await turn;
      return { sha256: hash.digest("hex"), head };
    },
    discard: async () => {
      await turn;
      waiting.clear();
      if (folder !== undefined) await rm(await folder, { recursive: true, force: true });
    },
  };
}

/** On disk, one file per segment until they become one: an upload goes on after a restart. */
export function createStoredSegments(folder: string, target: string): Segments {
  return {
    put: async (index, bytes) => {
      await mkdir(folder, { recursive: true });
      // Renamed when complete, so that a restart never finds half a segment.
      const next = join(folder, `${index}.next`);
      await writeFile(next, bytes);
      await rename(next, join(folder, String(index)));
    },
    assemble: async () => {
      const hash = createHash("sha256");
      let head: Buffer = Buffer.alloc(0);
      const whole = await open(`${target}.next`, "w");
      try {
        for (let index = 0; ; index += 1) {
          const part = await readIfThere(join(folder, String(index)));
          if (part === undefined) break;
          hash.update(part);
          if (head.length < SNIFF_BYTES)
            head = Buffer.concat([head, part.subarray(0, SNIFF_BYTES - head.length)]);
          await whole.writeFile(part);
        }
      } finally {
        await whole.close();
      }
      await rename(`${target}.next`, target);
      return { sha256: hash.digest("hex"), head, bytes: keptOnDisk(target) };
    },
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
