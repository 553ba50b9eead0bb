import type { Result } from "#shared/result.ts";

/** One version of a file in the bucket. */
export interface MediaVersion {
  readonly key: string;
  /** As the bucket gave it, quotes included. */
  readonly etag: string;
}

/** Files of posts, read a range at a time: none of them is ever in memory as a whole. */
export interface MediaSource {
  /**
   * Fills `into` with the bytes from `start` on. Nothing else is allocated per call.
   *
   * @param start - offset in bytes; `start + into.length` is at most the file's size
   * @returns `changed`: the file is no longer this version, or gone
   * @throws DependencyFault when the bucket does not answer
   */
  read(
    version: MediaVersion,
    start: number,
    into: Uint8Array,
  ): Promise<Result<void, { readonly reason: "changed" }>>;
}
