/** X counts milliseconds from here. */
const EPOCH_MS = 1_288_834_974_657n;
const SEQUENCE_BITS = 22n;

export interface IdSource {
  /** The next id: larger than every id before it, whatever the clock does. */
  next(): string;
  /** Keeps later ids above one that was read from disk. */
  keepAbove(id: string): void;
}

/** Snowflake-like ids: decimal strings of 64 bits that sort by the time they were made. */
export function createIdSource(clock: () => number): IdSource {
  let last = 0n;
  return {
    next() {
      const fromClock = (BigInt(Math.floor(clock())) - EPOCH_MS) << SEQUENCE_BITS;
      last = fromClock > last ? fromClock : last + 1n;
      return last.toString();
    },
    keepAbove(id) {
      const value = BigInt(id);
      if (value > last) last = value;
    },
  };
}
