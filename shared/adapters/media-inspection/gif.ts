import type { RangeReader } from "#shared/ports/media-inspector.ts";
import { createWindow } from "./window.ts";

const HEADER_BYTES = 13;
const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;

/** Bytes of a colour table, from the flags of the descriptor that announces it. */
const colourTableBytes = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 0x07) + 1) : 0);

/**
 * Whether a GIF has all of its blocks: they form one chain, and only its last link says that it is the last.
 *
 * @see https://www.w3.org/Graphics/GIF/spec-gif89a.txt
 */
export async function endsInGifTrailer(file: RangeReader): Promise<boolean> {
  const read = createWindow(file);
  const byteAt = async (at: number) => (await read(at, 1))[0];

  /** Offset behind a chain of sub-blocks. */
  async function skipSubBlocks(at: number): Promise<number | undefined> {
    for (let next = at; ; ) {
      const length = await byteAt(next);
      if (length === undefined) return undefined;
      next += 1 + length;
      if (length === 0) return next;
    }
  }

  const screenFlags = await byteAt(10);
  if (screenFlags === undefined) return false;
  for (let at: number | undefined = HEADER_BYTES + colourTableBytes(screenFlags); at !== undefined; ) {
    const kind = await byteAt(at);
    if (kind === TRAILER) return true;
    if (kind === EXTENSION) {
      at = await skipSubBlocks(at + 2);
    } else if (kind === IMAGE) {
      const imageFlags = await byteAt(at + 9);
      if (imageFlags === undefined) return false;
      // 10 bytes of descriptor, the local colours, one byte of code size, the pixels.
      at = await skipSubBlocks(at + 10 + colourTableBytes(imageFlags) + 1);
    } else {
      return false;
    }
  }
  return false;
}
