import { imageSize } from "image-size";
import type { MediaType } from "#shared/domain/media.ts";
import type { MediaFacts, RangeReader } from "#shared/ports/media-inspector.ts";
import { findLast } from "./find-last.ts";
import { endsInGifTrailer } from "./gif.ts";
import { createWindow } from "./window.ts";

const KIB = 1_024;
/** How much of the start is read for the dimensions: most headers, nearly all headers (EXIF, colour profiles), all. */
const HEADER_BYTES = [64 * KIB, 1_024 * KIB, 5_120 * KIB];

/** Pictures that EXIF turns by a quarter: their sides are the other way round for a viewer. */
const QUARTER_TURNS: readonly (number | undefined)[] = [5, 6, 7, 8];

const JPEG_END = Uint8Array.of(0xff, 0xd9);
/** The whole chunk: length 0, `IEND`, its checksum. */
const PNG_END = Uint8Array.of(0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82);

/** Dimensions from the header, and whether the file has its end. */
export async function inspectPicture(file: RangeReader, type: MediaType): Promise<MediaFacts> {
  const size = await readSize(file);
  if (!(await isComplete(file, type))) return { kind: "truncated" };
  return size ? { kind: "whole", ...size } : { kind: "invalid" };
}

async function readSize(file: RangeReader): Promise<{ width: number; height: number } | undefined> {
  for (const headerBytes of HEADER_BYTES) {
    const header = await file.read(0, Math.min(headerBytes, file.sizeBytes));
    try {
      const { width, height, orientation } = imageSize(header);
      if (width > 0 && height > 0)
        return QUARTER_TURNS.includes(orientation) ? { width: height, height: width } : { width, height };
    } catch (error) {
      // A header that goes on behind the bytes read so far looks the same as a broken one: both are plain errors.
      if (!(error instanceof Error)) throw error;
    }
    if (header.length === file.sizeBytes) break;
  }
  return undefined;
}

async function isComplete(file: RangeReader, type: MediaType): Promise<boolean> {
  switch (type) {
    case "image/jpeg": {
      // Compressed picture data never holds the end mark, but a thumbnail in front of it has one of its own.
      const scanAt = await findJpegScan(file);
      return scanAt !== undefined && (await findLast(file, JPEG_END, scanAt)) !== undefined;
    }
    case "image/png":
      return (await findLast(file, PNG_END, 0)) !== undefined;
    case "image/gif":
      return endsInGifTrailer(file);
    case "image/webp": {
      // RIFF: everything after the first 8 bytes is counted in bytes 4 to 7.
      const riff = await file.read(0, Math.min(8, file.sizeBytes));
      return (
        riff.length === 8 &&
        new DataView(riff.buffer, riff.byteOffset).getUint32(4, true) + 8 <= file.sizeBytes
      );
    }
    case "video/mp4":
    case "video/quicktime":
      throw new RangeError(`${type} is no picture`);
  }
}

/** Where the picture data of a JPEG begin: behind its metadata. */
async function findJpegScan(file: RangeReader): Promise<number | undefined> {
  const read = createWindow(file);
  for (let at = 2; at + 4 <= file.sizeBytes; ) {
    const [mark, code = 0, high = 0, low = 0] = await read(at, 4);
    if (mark !== 0xff) return undefined;
    // Marks may be preceded by any number of fill bytes.
    if (code === 0xff) {
      at += 1;
      continue;
    }
    if (code === 0xda) return at;
    at += 2 + high * 256 + low;
  }
  return undefined;
}
