import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import {
  asMediaId,
  checkAnnounced,
  checkKind,
  decideUpload,
  deleted,
  forgottenAt,
  forUpload,
  inspected,
  inspecting,
  mediaKey,
  mediaStatus,
  newStoredMedium,
  parseMediaKey,
  refused,
  UPLOAD_WITHIN_MS,
  usesOf,
} from "#shared/domain/stored-media.ts";
import { aMedium, freshTaskId } from "#test/support/builders.ts";

const NOW = new Date("2026-12-01T01:00:00Z");
const later = (ms: number) => new Date(NOW.getTime() + ms);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const announced = {
  projectId: asProjectId("p"),
  name: "kite.jpg",
  type: "image/jpeg",
  sizeBytes: 1_000,
} as const;
const medium = newStoredMedium(asMediaId("01KBBBBBBBBBBBBBBBBBBBBBBB"), asOwnerId("anne"), announced, NOW);
const WHY = { code: "media-invalid", message: "m", remedy: "r" };
const ETAG = '"e1"';
const found = aMedium({ etag: ETAG });

describe("the key of a medium", () => {
  it("says whose it is, and is read back", () => {
    expect(mediaKey(medium)).toBe("media/anne/01KBBBBBBBBBBBBBBBBBBBBBBB");
    expect(parseMediaKey(mediaKey(medium))).toEqual({ ownerId: "anne", id: medium.id });
  });

  it.each([
    "media/anne/",
    "media/anne/short",
    "media/anne/x/01KBBBBBBBBBBBBBBBBBBBBBBB",
    "drop/anne/a.md",
    "",
  ])("is not %j", (key) => expect(parseMediaKey(key)).toBeUndefined());

  it("never parses to another key", () => {
    fc.assert(
      fc.property(fc.string(), (rest) => {
        const parsed = parseMediaKey(`media/${rest}`);
        if (parsed) expect(mediaKey(parsed)).toBe(`media/${rest}`);
      }),
    );
  });
});

describe("a file that is announced", () => {
  it("is as large as X takes of its kind, and not a byte larger", () => {
    const MIB = 1024 * 1024;
    for (const [type, mib] of [
      ["image/png", 5],
      ["image/gif", 15],
      ["video/mp4", 512],
    ] as const) {
      expect(checkAnnounced({ ...announced, type, sizeBytes: mib * MIB })).toBeUndefined();
      expect(checkAnnounced({ ...announced, type, sizeBytes: mib * MIB + 1 })?.code).toBe("media-too-large");
    }
  });

  it("is told about uploading, not about dropping", () => {
    const why = checkAnnounced({ ...announced, sizeBytes: 1e9 });
    expect(why?.remedy).toBe("Make the file smaller and upload it again.");
    expect(forUpload({ ...WHY, remedy: "Drop the right file, or drop it again." }).remedy).toBe(
      "Upload the right file, or upload it again.",
    );
  });

  it("is awaited for an hour", () => {
    expect(mediaStatus(medium, later(UPLOAD_WITHIN_MS - 1))).toBe("awaiting-upload");
    expect(mediaStatus(medium, later(UPLOAD_WITHIN_MS))).toBe("expired");
    expect(mediaStatus(inspecting(medium, NOW), later(DAY))).toBe("inspecting");
  });

  it("may hold another kind of picture, but no video", () => {
    expect(checkKind(medium, aMedium({ type: "image/png" }))).toBeUndefined();
    expect(checkKind(medium, aMedium({ type: "video/mp4" }))?.code).toBe("media-type-mismatch");
    expect(checkKind({ ...medium, type: "video/quicktime" }, aMedium({ type: "video/mp4" }))).toBeUndefined();
  });
});

describe("an object that came", () => {
  const ready = inspected(inspecting(medium, NOW), found, NOW);
  const no = refused(inspecting(medium, NOW), WHY, ETAG, NOW);
  it.each([
    ["is inspected when it is awaited", medium, ETAG, 0, "inspect"],
    ["is inspected again when nobody knows what became of it", inspecting(medium, NOW), ETAG, DAY, "inspect"],
    ["is decided about once", ready, ETAG, DAY, "decided"],
    ["is inspected when it replaces a ready one", ready, '"e2"', DAY, "inspect"],
    ["is inspected when it replaces a refused one", no, '"e2"', 0, "inspect"],
    ["is deleted when it was refused", no, ETAG, 0, "unwanted"],
    ["is deleted when it came too late", medium, ETAG, HOUR, "unwanted"],
    ["is deleted when its medium was", deleted(ready, NOW), '"e2"', 0, "unwanted"],
    ["is deleted when nobody announced it", undefined, ETAG, 0, "unwanted"],
  ] as const)("%s", (_, stored, etag, ms, decision) => {
    expect(decideUpload(stored, etag, later(ms))).toBe(decision);
  });

  it("brings the facts, and a refusal takes them away again", () => {
    expect(ready).toMatchObject({ status: "ready", etag: ETAG, medium: found, version: 3 });
    const again = refused(ready, WHY, '"e2"', NOW);
    expect(again).toMatchObject({ status: "refused", etag: '"e2"', reason: WHY, version: 4 });
    expect(again).not.toHaveProperty("medium");
    expect(inspected(again, found, NOW)).not.toHaveProperty("reason");
  });
});

describe("a record", () => {
  it("stays as long as somebody can need it", () => {
    expect(forgottenAt(medium)).toEqual(later(HOUR + DAY));
    expect(forgottenAt(inspecting(medium, NOW))).toBeUndefined();
    expect(forgottenAt(inspected(medium, found, NOW))).toBeUndefined();
    expect(forgottenAt(refused(medium, WHY, ETAG, NOW))).toEqual(later(30 * DAY));
    expect(forgottenAt(deleted(inspected(medium, found, NOW), later(HOUR)))).toEqual(later(HOUR + DAY));
  });

  it("tells its uses oldest first", () => {
    const [one, two] = [freshTaskId(), freshTaskId()];
    const uses = usesOf({ uses: { [one]: later(2), [two]: later(1) } });
    expect(uses).toEqual([
      { taskId: two, usedAt: later(1) },
      { taskId: one, usedAt: later(2) },
    ]);
  });
});
