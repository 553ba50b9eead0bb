import type { Clock } from "#shared/ports/clock.ts";
import type { CachedWriting, WritingCache } from "#shared/ports/writing-cache.ts";

/** Passes the same contract as the real one. */
export function createInMemoryWritingCache(clock: Pick<Clock, "now">): WritingCache {
  const entries = new Map<string, CachedWriting>();
  return {
    async get(key) {
      const entry = entries.get(key);
      return entry && entry.expiresAt > clock.now() ? entry.outcome : undefined;
    },
    async save(entry) {
      entries.set(entry.key, entry);
    },
  };
}
