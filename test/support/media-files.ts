import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { RangeReader } from "#shared/ports/media-inspector.ts";
import type { MediaSource } from "#shared/ports/media-source.ts";
import { err, ok } from "#shared/result.ts";

/** Small real files, one of every kind. */
export type Fixture =
  | "chart.png"
  | "clip-index-last.mp4"
  | "clip.mov"
  | "clip.mp4"
  | "loop.gif"
  | "photo.jpg"
  | "picture.webp";

export const readFixture = (name: Fixture): Buffer =>
  readFileSync(new URL(`../fixtures/media/${name}`, import.meta.url));

export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Bytes that differ everywhere and are the same in every run. */
export function patternBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0 || 1;
  for (let at = 0; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes.writeUInt32LE(state, at);
  }
  return bytes;
}

/** A real clip that has any size wanted: players skip the `free` box behind it. */
export function paddedClip(sizeBytes: number, clip: Uint8Array = readFixture("clip.mp4")): Buffer {
  const padding = patternBytes(sizeBytes - clip.length);
  padding.writeUInt32BE(padding.length, 0);
  padding.write("free", 4, "latin1");
  return Buffer.concat([clip, padding]);
}

export interface CountingReader extends RangeReader {
  readonly reads: readonly { readonly start: number; readonly end: number }[];
}

/** A file in memory that remembers what was read of it, and refuses what is no range. */
export function readerOf(bytes: Uint8Array): CountingReader {
  const reads: { start: number; end: number }[] = [];
  return {
    sizeBytes: bytes.length,
    reads,
    async read(start, end) {
      if (!(start >= 0 && start < end && end <= bytes.length))
        throw new RangeError(`bytes ${start} to ${end}`);
      reads.push({ start, end });
      return Uint8Array.from(bytes.subarray(start, end));
    },
  };
}

export interface InMemoryBucket extends MediaSource {
  /** The etag that it gave. */
  put(key: string, bytes: Uint8Array): string;
  delete(key: string): void;
  readonly reads: readonly { readonly key: string; readonly start: number; readonly length: number }[];
}

/** The promises of the S3 source, in memory. */
export function createInMemoryBucket(): InMemoryBucket {
  const files = new Map<string, { readonly bytes: Uint8Array; readonly etag: string }>();
  const reads: { key: string; start: number; length: number }[] = [];
  return {
    reads,
    put(key, bytes) {
      const etag = `"${sha256Of(bytes).slice(0, 32)}"`;
      files.set(key, { bytes, etag });
      return etag;
    },
    delete(key) {
      files.delete(key);
    },
    async read({ key, etag }, start, into) {
      reads.push({ key, start, length: into.length });
      const file = files.get(key);
      if (file?.etag !== etag) return err({ reason: "changed" });
      if (start + into.length > file.bytes.length)
        throw new RangeError(`${key} ends before ${start + into.length}`);
      into.set(file.bytes.subarray(start, start + into.length));
      return ok(undefined);
    },
  };
}
