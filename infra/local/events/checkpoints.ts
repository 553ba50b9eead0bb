import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** How far a mapping has read one shard. */
export interface Checkpoint {
  /** Last record that is done with; undefined: none yet. */
  readonly sequenceNumber: string | undefined;
  /** The shard was closed and everything in it is done with. */
  readonly finished: boolean;
}

export interface Checkpoints {
  get(shardId: string): Checkpoint | undefined;
  set(shardId: string, checkpoint: Checkpoint): void;
  /** Forgets shards that no longer exist. */
  keep(shardIds: readonly string[]): void;
}

/**
 * Checkpoints of one mapping. With a file they survive a restart: written whole, beside it, then renamed, so that a
 * crash leaves the old one or the new one. A batch whose checkpoint was lost comes again, as streams promise.
 */
export function createCheckpoints(file?: string): Checkpoints {
  const shards = new Map<string, Checkpoint>(file === undefined ? [] : Object.entries(read(file)));
  const save = (): void => {
    if (file === undefined) return;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(shards)));
    renameSync(`${file}.new`, file);
  };
  return {
    get: (shardId) => shards.get(shardId),
    set(shardId, checkpoint) {
      shards.set(shardId, checkpoint);
      save();
    },
    keep(shardIds) {
      const gone = [...shards.keys()].filter((id) => !shardIds.includes(id));
      for (const id of gone) shards.delete(id);
      if (gone.length > 0) save();
    },
  };
}

function read(file: string): Record<string, Checkpoint> {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, Checkpoint>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new Error(`${file} cannot be read; empty the local state with: npm run reset`, { cause: error });
  }
}
