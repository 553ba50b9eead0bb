import { describe, expect, it } from "vitest";
import { mediaInspector } from "#shared/adapters/media-inspection/media-inspector.ts";
import { X_MEDIA_LIMITS } from "#shared/domain/media-rules.ts";
import { createInspectMedia } from "#shared/usecases/inspect-media.ts";
import {
  createInMemoryBucket,
  paddedClip,
  patternBytes,
  readFixture,
  sha256Of,
} from "#test/support/media-files.ts";

const MIB = 1_024 * 1_024;

function setUp() {
  const bucket = createInMemoryBucket();
  const inspect = createInspectMedia({ source: bucket, inspector: mediaInspector });
  const drop = (name: string, bytes: Uint8Array) => {
    const key = `drop/default/${name}`;
    return { name, key, etag: bucket.put(key, bytes), sizeBytes: bytes.length };
  };
  return { bucket, inspect, drop };
}

describe("inspectMedia", () => {
  it("describes a photo from its bytes", async () => {
    const { inspect, drop } = setUp();
    const photo = readFixture("photo.jpg");
    const file = drop("kite.jpg", photo);

    expect(await inspect(file)).toEqual({
      ok: true,
      value: {
        name: "kite.jpg",
        key: file.key,
        etag: file.etag,
        type: "image/jpeg",
        sizeBytes: photo.length,
        sha256: sha256Of(photo),
        width: 320,
        height: 200,
      },
    });
  });

  it.each([1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB])(
    "hashes a video with %i more bytes, reading no range above 4 MiB",
    async (more) => {
      const { bucket, inspect, drop } = setUp();
      const bytes = paddedClip(readFixture("clip.mp4").length + 8 + more);

      const found = await inspect(drop("clip.mp4", bytes));

      expect(found).toMatchObject({
        ok: true,
        value: { sha256: sha256Of(bytes), type: "video/mp4", durationMs: expect.any(Number) },
      });
      expect(Math.max(...bucket.reads.map(({ length }) => length))).toBeLessThanOrEqual(4 * MIB);
    },
  );

  it("takes a picture whose name says another kind of picture", async () => {
    const { inspect, drop } = setUp();
    expect(await inspect(drop("chart.jpg", readFixture("chart.png")))).toMatchObject({
      ok: true,
      value: { type: "image/png", name: "chart.jpg" },
    });
  });

  it.each([
    ["empty.jpg", new Uint8Array(0), "media-empty"],
    [
      "setup.jpg",
      Buffer.concat([Buffer.from("MZ\x90\0", "latin1"), Buffer.alloc(600)]),
      "media-type-mismatch",
    ],
    ["words.png", Buffer.from("just words, no picture"), "media-type-mismatch"],
    ["clip.mp4", readFixture("photo.jpg"), "media-type-mismatch"],
    ["photo.jpg", readFixture("clip.mp4"), "media-type-mismatch"],
    [
      "scan.jpg",
      Buffer.concat([Buffer.from("II*\0\x08\0\0\0", "latin1"), Buffer.alloc(64)]),
      "media-unsupported",
    ],
    ["notes.pdf", Buffer.from("%PDF-1.7\n"), "media-unsupported"],
    ["data.bin", patternBytes(64), "media-unsupported"],
    ["photo.jpg", readFixture("photo.jpg").subarray(0, -100), "media-truncated"],
    ["clip.mp4", readFixture("clip.mp4").subarray(0, -100), "media-truncated"],
    ["large.jpg", Buffer.concat([readFixture("photo.jpg"), Buffer.alloc(5 * MIB)]), "media-too-large"],
  ])("refuses %s", async (name, bytes, code) => {
    const { inspect, drop } = setUp();
    const found = await inspect(drop(name, bytes));
    expect(found).toMatchObject({ ok: false, error: { reason: "refused", why: { code } } });
    if (!found.ok && found.error.reason === "refused") {
      expect(found.error.why.message).toContain(name);
      expect(found.error.why.remedy).not.toBe("");
    }
  });

  it("refuses by the limits that it is given, before it hashes anything", async () => {
    const { bucket, drop } = setUp();
    const inspect = createInspectMedia({
      source: bucket,
      inspector: mediaInspector,
      limits: { ...X_MEDIA_LIMITS, video: { ...X_MEDIA_LIMITS.video, maxDurationMs: 600 } },
    });
    const found = await inspect(drop("clip.mp4", paddedClip(6 * MIB)));
    expect(found).toMatchObject({ ok: false, error: { why: { code: "media-too-long" } } });
    expect(bucket.reads.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(MIB);
  });

  it("does not search a picture for its end that is too large anyway", async () => {
    const { bucket, inspect, drop } = setUp();
    const endless = Buffer.concat([readFixture("photo.jpg").subarray(0, -2), Buffer.alloc(6 * MIB)]);
    expect(await inspect(drop("large.jpg", endless))).toMatchObject({
      error: { why: { code: "media-too-large" } },
    });
    expect(bucket.reads).toHaveLength(1);
  });

  it("says when the file was replaced or deleted while it was read", async () => {
    const { bucket, inspect, drop } = setUp();
    const file = drop("kite.jpg", readFixture("photo.jpg"));
    bucket.put(file.key, readFixture("chart.png"));
    expect(await inspect(file)).toEqual({ ok: false, error: { reason: "changed" } });
    bucket.delete(file.key);
    expect(await inspect(file)).toEqual({ ok: false, error: { reason: "changed" } });
  });

  it("says so too when a video is replaced after its index was read", async () => {
    const { bucket, drop } = setUp();
    const file = drop("clip.mp4", paddedClip(6 * MIB));
    const inspect = createInspectMedia({
      source: bucket,
      inspector: {
        identify: mediaInspector.identify,
        async inspect(reader, type) {
          const facts = await mediaInspector.inspect(reader, type);
          bucket.delete(file.key);
          return facts;
        },
      },
    });
    expect(await inspect(file)).toEqual({ ok: false, error: { reason: "changed" } });
  });
});
