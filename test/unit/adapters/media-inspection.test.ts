import { describe, expect, it } from "vitest";
import { mediaInspector } from "#shared/adapters/media-inspection/media-inspector.ts";
import { publishableType } from "#shared/domain/media-rules.ts";
import type { RangeReader } from "#shared/ports/media-inspector.ts";
import { type Fixture, paddedClip, patternBytes, readerOf, readFixture } from "#test/support/media-files.ts";

/** As the use case does it: the type decides what is looked at. */
async function inspectFile(file: RangeReader) {
  const type = await mediaInspector.identify(file);
  const published = type === undefined ? undefined : publishableType(type);
  return { type, ...(published && (await mediaInspector.inspect(file, published))) };
}
const inspect = (bytes: Uint8Array) => inspectFile(readerOf(bytes));

const KIB = 1_024;
const MIB = KIB * KIB;

/** A segment of a JPEG: mark, length, content. */
const jpegSegment = (code: number, content: Uint8Array): Buffer => {
  const head = Buffer.from([0xff, code, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
};

const exifTurned = (orientation: number): Buffer => {
  // One entry in the first directory: 0x0112, one SHORT.
  const tiff = Buffer.alloc(8 + 2 + 12 + 4);
  tiff.write("MM\0*", 0, "latin1");
  tiff.writeUInt32BE(8, 4);
  tiff.writeUInt16BE(1, 8);
  tiff.writeUInt16BE(0x0112, 10);
  tiff.writeUInt16BE(3, 12);
  tiff.writeUInt32BE(1, 14);
  tiff.writeUInt16BE(orientation, 18);
  return jpegSegment(0xe1, Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]));
};

const photo = readFixture("photo.jpg");
const withSegments = (...segments: Uint8Array[]): Buffer =>
  Buffer.concat([photo.subarray(0, 2), ...segments, photo.subarray(2)]);

describe("mediaInspector", () => {
  it.each<[Fixture, string, number, number]>([
    ["photo.jpg", "image/jpeg", 320, 200],
    ["chart.png", "image/png", 160, 120],
    ["loop.gif", "image/gif", 96, 64],
    ["picture.webp", "image/webp", 160, 100],
  ])("reads %s from its bytes", async (name, type, width, height) => {
    expect(await inspect(readFixture(name))).toEqual({ kind: "whole", type, width, height });
  });

  it.each<[Fixture, string]>([
    ["clip.mp4", "video/mp4"],
    ["clip-index-last.mp4", "video/mp4"],
    ["clip.mov", "video/quicktime"],
  ])("reads %s from its index, wherever that is", async (name, type) => {
    const facts = await inspect(readFixture(name));
    expect(facts).toMatchObject({ kind: "whole", type, width: 320, height: 180 });
    // Containers round durations by up to a frame.
    expect("durationMs" in facts && Math.abs((facts.durationMs ?? 0) - 1_200)).toBeLessThanOrEqual(67);
  });

  it.each<Fixture>(["photo.jpg", "chart.png", "loop.gif", "picture.webp"])(
    "knows that %s was cut off, wherever",
    async (name) => {
      const whole = readFixture(name);
      for (const part of [0.4, 0.7, 0.9, 0.99])
        expect(await inspect(whole.subarray(0, Math.floor(whole.length * part)))).toMatchObject({
          kind: "truncated",
        });
      expect(await inspect(whole.subarray(0, -1))).toMatchObject({ kind: "truncated" });
    },
  );

  it.each<Fixture>(["clip.mp4", "clip-index-last.mp4", "clip.mov"])(
    "knows that %s was cut off, with its index in front or at the end",
    async (name) => {
      const whole = readFixture(name);
      for (const part of [0.1, 0.5, 0.9, 0.999])
        expect(await inspect(whole.subarray(0, Math.floor(whole.length * part)))).toMatchObject({
          kind: "truncated",
        });
    },
  );

  it("calls a video without tracks invalid, although its boxes are whole", async () => {
    const clip = readFixture("clip.mp4");
    const type = clip.subarray(0, clip.readUInt32BE(0));
    expect(await inspect(paddedClip(4 * KIB, type))).toEqual({ kind: "invalid", type: "video/mp4" });
  });

  it("does not take the thumbnail's end for the end of the photo", async () => {
    const thumbnail = jpegSegment(0xe1, Buffer.concat([Buffer.from("Exif\0\0"), photo]));
    const whole = withSegments(thumbnail);
    expect(await inspect(whole)).toMatchObject({ kind: "whole", width: 320, height: 200 });
    expect(await inspect(whole.subarray(0, -200))).toMatchObject({ kind: "truncated" });
  });

  it("accepts what cameras append behind the end of a photo", async () => {
    expect(await inspect(Buffer.concat([photo, patternBytes(200 * KIB)]))).toMatchObject({ kind: "whole" });
  });

  it("finds the dimensions of a photo behind 300 kB of metadata", async () => {
    const profile = jpegSegment(0xe2, Buffer.alloc(60_000, 7));
    const whole = withSegments(...Array.from({ length: 5 }, () => profile));
    expect(await inspect(whole)).toMatchObject({ kind: "whole", width: 320, height: 200 });
  });

  it.each([
    [1, { width: 320, height: 200 }],
    [3, { width: 320, height: 200 }],
    [5, { width: 200, height: 320 }],
    [6, { width: 200, height: 320 }],
    [8, { width: 200, height: 320 }],
  ])("turns a photo as EXIF orientation %i says", async (orientation, sides) => {
    expect(await inspect(withSegments(exifTurned(orientation)))).toMatchObject(sides);
  });

  it("names what is no medium", async () => {
    const program = Buffer.concat([Buffer.from("MZ\x90\0", "latin1"), Buffer.alloc(600)]);
    expect(await inspect(program)).toEqual({ type: "application/x-msdownload" });
    expect(await inspect(Buffer.from("just words"))).toEqual({ type: undefined });
    expect(await inspect(Buffer.from([0xff]))).toEqual({ type: undefined });
  });

  it("reads only small parts of a large video", async () => {
    const file = readerOf(paddedClip(24 * MIB, readFixture("clip-index-last.mp4")));
    expect(await inspectFile(file)).toMatchObject({ kind: "whole", width: 320 });
    expect(file.reads.length).toBeLessThanOrEqual(12);
    expect(file.reads.reduce((sum, { start, end }) => sum + end - start, 0)).toBeLessThan(512 * KIB);
  });

  it.each<[Fixture, number]>([
    ["photo.jpg", 1],
    ["clip.mp4", 1],
    // The parser's own reads come after ours.
    ["clip.mp4", 2],
    ["clip-index-last.mp4", 2],
  ])("passes on what a failed read of %s says, after %i that did not fail", async (name, before) => {
    const file = readerOf(readFixture(name));
    const failing: RangeReader = {
      sizeBytes: file.sizeBytes,
      read: (start, end) =>
        file.reads.length >= before ? Promise.reject(new Error("the bucket is away")) : file.read(start, end),
    };
    await expect(inspectFile(failing)).rejects.toThrow("the bucket is away");
  });

  it("finds the end of a picture that lies across the border of two reads", async () => {
    const chart = readFixture("chart.png");
    for (const behind of [64 * KIB - 11, 64 * KIB - 6, 64 * KIB - 1])
      expect(await inspect(Buffer.concat([chart, Buffer.alloc(behind)]))).toMatchObject({ kind: "whole" });
  });
});
