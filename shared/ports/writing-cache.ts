import type { Reason } from "#shared/domain/reason.ts";

/** What came of a request to write, so that the same is never asked, and paid for, twice. */
export type WritingOutcome =
  | { readonly kind: "written"; readonly texts: readonly string[] }
  | { readonly kind: "refused"; readonly reason: Reason };

export interface CachedWriting {
  /** Hex; see `writingKey`. */
  readonly key: string;
  readonly outcome: WritingOutcome;
  readonly expiresAt: Date;
}

/** Every implementation passes `test/contracts/writing-cache.ts`. */
export interface WritingCache {
  /** Nothing that has expired by now, even if it is still stored. */
  get(key: string): Promise<WritingOutcome | undefined>;
  /** Replaces what is there. */
  save(entry: CachedWriting): Promise<void>;
}
