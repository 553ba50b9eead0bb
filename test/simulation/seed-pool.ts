import { Worker } from "node:worker_threads";
import { addTally, newTally, type SeedRange, type Tally } from "./tally.ts";

/** Small enough for a progress that moves. */
const CHUNK = 200;

export interface PoolOptions extends SeedRange {
  readonly workers: number;
  readonly onProgress: (tally: Tally) => void;
  /** Ends the run; what is under way is waited for. */
  readonly isEnough: (tally: Tally) => boolean;
}

/**
 * Runs many seeds in several threads. Ranges are handed out in order, and whoever was told to run is waited for: so the
 * lowest seed that shows something is found, however many threads there are.
 */
export async function runInThreads(options: PoolOptions): Promise<Tally> {
  const { from, to, breakage, workers: count, onProgress, isEnough } = options;
  const sum = newTally();
  let nextFrom = from;

  async function work(): Promise<void> {
    const worker = new Worker(new URL("./seed-worker.ts", import.meta.url), {
      // A run lives for a millisecond: with room for some of them, hardly anything has to be moved.
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    });
    try {
      while (nextFrom <= to && !isEnough(sum)) {
        const range: SeedRange = { from: nextFrom, to: Math.min(to, nextFrom + CHUNK - 1), breakage };
        nextFrom += CHUNK;
        addTally(sum, await ask(worker, range));
        onProgress(sum);
      }
    } finally {
      await worker.terminate();
    }
  }
  await Promise.all(Array.from({ length: Math.min(count, Math.ceil((to - from + 1) / CHUNK)) }, work));
  return sum;
}

const ask = (worker: Worker, range: SeedRange): Promise<Tally> =>
  new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.postMessage(range);
  });
