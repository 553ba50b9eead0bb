import type { RangeReader } from "#shared/ports/media-inspector.ts";

const WINDOW_BYTES = 64 * 1_024;

/**
 * Short reads of a file that mostly goes forward, served from one window: a request for every few bytes would cost
 * more than the bytes.
 *
 * @returns up to `length` bytes from `at` on; fewer at the end of the file
 */
export function createWindow(file: RangeReader): (at: number, length: number) => Promise<Uint8Array> {
  let startsAt = 0;
  let window: Uint8Array = new Uint8Array(0);
  return async (at, length) => {
    const end = Math.min(at + length, file.sizeBytes);
    if (at >= end) return new Uint8Array(0);
    if (at < startsAt || end > startsAt + window.length) {
      startsAt = at;
      window = await file.read(at, Math.min(at + WINDOW_BYTES, file.sizeBytes));
    }
    return window.subarray(at - startsAt, end - startsAt);
  };
}
