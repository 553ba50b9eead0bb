import type { MediaType } from "#shared/domain/media.ts";

/** Reads a range of one file. May reject: the error passes through the inspector untouched. */
export interface RangeReader {
  readonly sizeBytes: number;
  /** Bytes `[start, end)`; `0 <= start < end <= sizeBytes`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/**
 * What the bytes of a picture or a video say about it.
 *
 * - `truncated`: it starts well and has no end
 * - `invalid`: it starts well and makes no sense
 */
export type MediaFacts =
  | { readonly kind: "truncated" | "invalid" }
  | {
      readonly kind: "whole";
      /** As a viewer sees it: turned by EXIF or by the track's rotation. */
      readonly width: number;
      readonly height: number;
      /** Videos only. */
      readonly durationMs?: number;
    };

/** Tells what a file is from its content; its name plays no part. */
export interface MediaInspector {
  /** MIME type; undefined: no type that anybody knows. Reads the start only. */
  identify(file: RangeReader): Promise<string | undefined>;
  /** May read a damaged picture as a whole: check its size first. */
  inspect(file: RangeReader, type: MediaType): Promise<MediaFacts>;
}
