/** Reads a range of one file. May reject: the error passes through the inspector untouched. */
export interface RangeReader {
  readonly sizeBytes: number;
  /** Bytes `[start, end)`; `0 <= start < end <= sizeBytes`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/**
 * What the bytes of a file say about it. Its name plays no part.
 *
 * - `unknown`: no type that anybody knows
 * - `truncated`: it starts well and has no end
 * - `invalid`: it starts well and makes no sense
 */
export type MediaFacts =
  | { readonly kind: "unknown" }
  | { readonly kind: "other"; readonly type: string }
  | { readonly kind: "truncated" | "invalid"; readonly type: string }
  | {
      readonly kind: "image" | "video";
      /** MIME type. */
      readonly type: string;
      /** As a viewer sees it: turned by EXIF or by the track's rotation. */
      readonly width: number;
      readonly height: number;
      /** Videos only. */
      readonly durationMs?: number;
    };

/** Tells what a file is from its content. */
export interface MediaInspector {
  inspect(file: RangeReader): Promise<MediaFacts>;
}
