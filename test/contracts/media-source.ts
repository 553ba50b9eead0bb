import { describe, expect, it } from "vitest";
import type { MediaSource } from "#shared/ports/media-source.ts";
import { patternBytes } from "#test/support/media-files.ts";

export interface MediaSourceFixture {
  readonly source: MediaSource;
  /** Stores a file and gives its etag. */
  put(key: string, bytes: Uint8Array): Promise<string>;
  delete(key: string): Promise<void>;
}

/** What every `MediaSource` promises. */
export function mediaSourceContract(name: string, create: () => MediaSourceFixture): void {
  const key = "drop/default/画 with spaces.mp4";
  const bytes = patternBytes(300_007);

  describe(`MediaSource contract: ${name}`, () => {
    it.each([
      [0, 1],
      [0, 300_007],
      [123_456, 65_537],
      [300_006, 1],
    ])("fills a buffer with the bytes from %i on: %i of them", async (start, length) => {
      const { source, put } = create();
      const etag = await put(key, bytes);
      const into = new Uint8Array(length);
      expect(await source.read({ key, etag }, start, into)).toEqual({ ok: true, value: undefined });
      expect(Buffer.from(into).equals(bytes.subarray(start, start + length))).toBe(true);
    });

    it("leaves the rest of a larger buffer alone", async () => {
      const { source, put } = create();
      const etag = await put(key, bytes);
      const buffer = new Uint8Array(100).fill(7);
      await source.read({ key, etag }, 10, buffer.subarray(0, 50));
      expect(Buffer.from(buffer.subarray(0, 50)).equals(bytes.subarray(10, 60))).toBe(true);
      expect(buffer.subarray(50).every((byte) => byte === 7)).toBe(true);
    });

    it("serves many ranges at the same time", async () => {
      const { source, put } = create();
      const etag = await put(key, bytes);
      const parts = await Promise.all(
        Array.from({ length: 8 }, async (_, index) => {
          const into = new Uint8Array(30_000);
          await source.read({ key, etag }, index * 30_000, into);
          return into;
        }),
      );
      expect(Buffer.concat(parts).equals(bytes.subarray(0, 240_000))).toBe(true);
    });

    it("refuses a file that is no longer the same version", async () => {
      const { source, put } = create();
      const etag = await put(key, bytes);
      await put(key, patternBytes(300_007, 2));
      expect(await source.read({ key, etag }, 0, new Uint8Array(9))).toEqual({
        ok: false,
        error: { reason: "changed" },
      });
    });

    it("refuses a file that is gone", async () => {
      const { source, put, delete: remove } = create();
      const etag = await put(key, bytes);
      await remove(key);
      expect(await source.read({ key, etag }, 0, new Uint8Array(9))).toEqual({
        ok: false,
        error: { reason: "changed" },
      });
    });
  });
}
