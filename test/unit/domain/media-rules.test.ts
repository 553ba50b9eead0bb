import { describe, expect, it } from "vitest";
import type { MediaType } from "#shared/domain/media.ts";
import { checkMediaSet, checkMedium, publishableType, X_MEDIA_LIMITS } from "#shared/domain/media-rules.ts";

const MIB = 1_024 * 1_024;
const typed = (...types: MediaType[]) => types.map((type) => ({ type }));
const [jpeg, gif, mp4] = ["image/jpeg", "image/gif", "video/mp4"] as const;

describe("checkMediaSet", () => {
  it.each([
    ["nothing", []],
    ["one photo", [jpeg]],
    ["four photos", [jpeg, jpeg, "image/png", "image/webp"]],
    ["one GIF", [gif]],
    ["one video", [mp4]],
  ] satisfies [string, MediaType[]][])("allows %s", (_, types) => {
    expect(checkMediaSet(typed(...types))).toBeUndefined();
  });

  it.each([
    ["five photos", [jpeg, jpeg, jpeg, jpeg, jpeg], "too-many-photos", "at most 4 photos; this one has 5"],
    ["a photo and a video", [jpeg, mp4], "mixed-media", "1 photo and 1 video"],
    ["photos and a GIF", [jpeg, jpeg, gif], "mixed-media", "2 photos and 1 GIF"],
    ["two GIFs", [gif, gif], "mixed-media", "2 GIFs"],
    ["two videos", [mp4, "video/quicktime"], "mixed-media", "2 videos"],
  ] satisfies [string, MediaType[], string, string][])("refuses %s", (_, types, code, message) => {
    expect(checkMediaSet(typed(...types))).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

describe("checkMedium", () => {
  const aPhoto = { name: "a.jpg", type: jpeg, sizeBytes: 1_000, width: 800, height: 600 };
  const aVideo = {
    name: "a.mp4",
    type: mp4,
    sizeBytes: 1_000,
    width: 1_280,
    height: 720,
    durationMs: 10_000,
  };

  it.each([
    [{ ...aPhoto, sizeBytes: 5 * MIB }],
    [{ ...aPhoto, type: gif, sizeBytes: 15 * MIB }],
    [{ ...aVideo, sizeBytes: 512 * MIB, durationMs: 140_000 }],
    [{ ...aVideo, width: 1_920, height: 1_200 }],
    [{ ...aVideo, width: 1_080, height: 1_920 }],
  ])("allows exactly what X takes: %o", (facts) => {
    expect(checkMedium(facts)).toBeUndefined();
  });

  it.each([
    [
      { ...aPhoto, sizeBytes: 5 * MIB + 1 },
      "media-too-large",
      "a.jpg has 5.1 MiB; X takes a photo of at most 5 MiB.",
    ],
    [{ ...aPhoto, type: gif, sizeBytes: 15 * MIB + 1 }, "media-too-large", "GIF of at most 15 MiB"],
    [{ ...aVideo, sizeBytes: 512 * MIB + 1 }, "media-too-large", "video of at most 512 MiB"],
    [{ ...aPhoto, width: 9_000 }, "media-dimensions", "9000 × 600 pixels"],
    [{ ...aPhoto, height: 3 }, "media-dimensions", "4 × 4"],
    [{ ...aVideo, width: 3_840, height: 2_160 }, "media-dimensions", "1920 × 1200"],
    [{ ...aVideo, durationMs: 140_500 }, "media-too-long", "lasts 140.5 s; X takes a video of at most 140 s"],
    [{ ...aVideo, durationMs: 400 }, "media-too-short", "at least 0.5 s"],
  ])("refuses %o", (facts, code, message) => {
    const why = checkMedium(facts);
    expect(why).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(why?.remedy).not.toBe("");
  });

  it("goes by the limits that it is given", () => {
    const premium = { ...X_MEDIA_LIMITS, video: { ...X_MEDIA_LIMITS.video, maxDurationMs: 1_000_000 } };
    expect(checkMedium({ ...aVideo, durationMs: 900_000 }, premium)).toBeUndefined();
  });
});

describe("publishableType", () => {
  it("knows types under their other names, and only those that X takes", () => {
    expect(publishableType("image/apng")).toBe("image/png");
    expect(publishableType("video/x-m4v")).toBe("video/mp4");
    expect(publishableType("image/heic")).toBeUndefined();
    expect(publishableType("video/webm")).toBeUndefined();
  });
});
