import type { RangeReader } from "#shared/ports/media-inspector.ts";

const WINDOW_BYTES = 64 * 1_024;

/**
 * Offset of the last occurrence of `mark` at or behind `from`, read from the end backwards.
 *
 * Programs append things of their own behind the end of a picture, so the mark need not be the last bytes.
 */
export async function findLast(
  file: RangeReader,
  mark: Uint8Array,
  from: number,
): Promise<number | undefined> {
  for (let end = file.sizeBytes; end - from >= mark.length; ) {
    const start = Math.max(from, end - WINDOW_BYTES);
    const at = Buffer.from(await file.read(start, end)).lastIndexOf(mark);
    if (at >= 0) return start + at;
    if (start === from) return undefined;
    // A mark that lies across the border of two windows is whole in the next one.
    end = start + mark.length - 1;
  }
  return undefined;
}
