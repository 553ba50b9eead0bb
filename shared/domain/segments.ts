const MIB = 1_024 * 1_024;

/** X numbers segments from 0 to 999. @see https://docs.x.com/x-api/media/quickstart/media-upload-chunked */
export const MAX_SEGMENTS = 1_000;

/** Five MiB have met 413 at X's edge, although more is documented. */
const SIZES = { large: 4 * MIB, small: 1 * MIB };

/** How a file is cut. All segments but the last have `bytes`. */
export interface SegmentPlan {
  readonly bytes: number;
  readonly count: number;
}

/** Larger than asked for only where a file would need more segments than there are numbers. */
export function planSegments(sizeBytes: number, size: keyof typeof SIZES): SegmentPlan {
  const bytes = Math.max(SIZES[size], Math.ceil(sizeBytes / MAX_SEGMENTS / MIB) * MIB);
  return { bytes, count: Math.ceil(sizeBytes / bytes) };
}

/** The bytes of one segment, numbered from 0. */
export function segmentRange(
  { bytes, count }: SegmentPlan,
  segment: number,
  sizeBytes: number,
): { readonly start: number; readonly length: number } {
  if (segment < 0 || segment >= count) throw new RangeError(`segment ${segment} of ${count}`);
  const start = segment * bytes;
  return { start, length: Math.min(bytes, sizeBytes - start) };
}
