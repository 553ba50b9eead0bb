import { CustomSource, Input, MP4, QTFF } from "mediabunny";
import type { MediaFacts, RangeReader } from "#shared/ports/media-inspector.ts";
import { createWindow } from "./window.ts";

/** More than any index that is worth keeping; the file itself is never kept. */
const CACHE_BYTES = 4 * 1024 * 1024;
/** More boxes at the top level than any real file has: fragments of a second over the longest video, and padding. */
const MAX_BOXES = 100_000;

/** Tracks and duration from the index, wherever in the file it is: a few small reads. */
export async function inspectVideo(file: RangeReader): Promise<MediaFacts> {
  if (!(await hasWholeBoxes(file))) return { kind: "truncated" };

  let failed: { readonly error: unknown } | undefined;
  const input = new Input({
    formats: [MP4, QTFF],
    source: new CustomSource({
      getSize: () => file.sizeBytes,
      read: async (start, end) => {
        try {
          return await file.read(start, end);
        } catch (error) {
          failed ??= { error };
          throw error;
        }
      },
      maxCacheSize: CACHE_BYTES,
      prefetchProfile: "fileSystem",
    }),
  });
  try {
    const track = await input.getPrimaryVideoTrack();
    if (!track) return { kind: "invalid" };
    const seconds = (await track.getDurationFromMetadata()) ?? (await track.computeDuration());
    const [width, height] = [await track.getDisplayWidth(), await track.getDisplayHeight()];
    if (!(width > 0 && height > 0 && seconds > 0)) return { kind: "invalid" };
    return { kind: "whole", width, height, durationMs: Math.round(seconds * 1_000) };
  } catch {
    // What our own reads said goes to the caller; what the parser says about the bytes is a fact about the file.
    if (failed) throw failed.error;
    return { kind: "invalid" };
  } finally {
    input.dispose();
  }
}

/**
 * Whether every box of the top level lies inside the file: one that was cut off has lost the end of its last box, even
 * where the index in front is whole.
 *
 * @see https://developer.apple.com/documentation/quicktime-file-format/atoms
 */
async function hasWholeBoxes(file: RangeReader): Promise<boolean> {
  const read = createWindow(file);
  let at = 0;
  for (let boxes = 0; at < file.sizeBytes && boxes < MAX_BOXES; boxes++) {
    if (at + 8 > file.sizeBytes) return false;
    const header = await read(at, 16);
    const view = new DataView(header.buffer, header.byteOffset, header.length);
    const short = view.getUint32(0);
    // 0: to the end of the file. 1: the length is in the eight bytes after the name.
    if (short === 0) return true;
    if (short === 1 && header.length < 16) return false;
    const length = short === 1 ? Number(view.getBigUint64(8)) : short;
    if (length < 8) return false;
    at += length;
  }
  return at === file.sizeBytes;
}
