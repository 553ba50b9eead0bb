import { describe, expect, it } from "vitest";
import { mediaInspector } from "#shared/adapters/media-inspection/media-inspector.ts";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { asMediaId, deleted, mediaKey, newStoredMedium } from "#shared/domain/stored-media.ts";
import { createAcceptUpload } from "#shared/usecases/accept-upload.ts";
import { createInspectMedia, type InspectMedia } from "#shared/usecases/inspect-media.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryMedia, createInMemoryMediaBucket } from "#test/support/in-memory-media.ts";
import { createInMemoryBucket, type Fixture, readFixture, sha256Of } from "#test/support/media-files.ts";

const ownerId = asOwnerId("anne");

async function setUp(over: { readonly type?: "image/jpeg" | "video/mp4"; readonly name?: string } = {}) {
  const clock = manualClock();
  const files = createInMemoryBucket();
  const bucket = createInMemoryMediaBucket();
  const media = createInMemoryMedia(clock);
  const { type = "image/jpeg", name = "kite.jpg" } = over;
  const announced = { projectId: asProjectId("p"), name, type, sizeBytes: 9_999 };
  const medium = newStoredMedium(asMediaId(String(freshTaskId())), ownerId, announced, clock.now());
  await media.save(medium);
  const key = mediaKey(medium);
  const real = createInspectMedia({ source: files, inspector: mediaInspector });
  let inspect: InspectMedia = real;
  const removed = bucket.removed;
  const accept = createAcceptUpload({
    media,
    bucket: {
      async remove(gone) {
        await bucket.remove(gone);
        files.delete(gone);
      },
    },
    clock,
    inspect: (file) => inspect(file),
  });
  /** The object, as its event tells of it. */
  const upload = (what: Fixture | Uint8Array) => {
    const bytes = typeof what === "string" ? readFixture(what) : what;
    return { key, etag: files.put(key, bytes), sizeBytes: bytes.length };
  };
  return {
    clock,
    media,
    medium,
    key,
    removed,
    accept,
    upload,
    /** Something happens while the bytes are read. */
    meanwhile(what: () => Promise<void>) {
      inspect = async (file) => {
        inspect = real;
        const looked = await real(file);
        await what();
        return looked;
      };
    },
    read: async () => media.get(ownerId, medium.id),
  };
}

describe("acceptUpload", () => {
  it("finds out what a picture is, and makes it ready", async () => {
    const { accept, upload, read, key, removed } = await setUp();
    const object = upload("photo.jpg");
    expect(await accept(object)).toEqual({ kind: "ready" });
    const bytes = readFixture("photo.jpg");
    expect(await read()).toMatchObject({
      status: "ready",
      medium: {
        key,
        etag: object.etag,
        name: "kite.jpg",
        type: "image/jpeg",
        sizeBytes: bytes.length,
        sha256: sha256Of(bytes),
      },
    });
    expect(removed).toEqual([]);
  });

  it("says that it is at work while it is", async () => {
    const { accept, upload, read, meanwhile } = await setUp();
    const seen: unknown[] = [];
    meanwhile(async () => {
      seen.push((await read())?.status);
    });
    await accept(upload("photo.jpg"));
    expect(seen).toEqual(["inspecting"]);
  });

  it.each([
    ["that is none", new TextEncoder().encode("not a picture at all"), "media-type-mismatch"],
    ["that is another thing", "clip.mp4", "media-type-mismatch"],
    ["that is cut off", readFixture("photo.jpg").subarray(0, 2_000), "media-truncated"],
  ] as const)("refuses a picture %s, with a reason, and deletes it", async (_, what, code) => {
    const { accept, upload, read, key, removed } = await setUp();
    const object = upload(what);
    expect(await accept(object)).toEqual({ kind: "refused", code });
    const stored = await read();
    expect(stored).toMatchObject({ status: "refused", reason: { code } });
    expect(stored?.reason?.remedy).not.toMatch(/drop/i);
    expect(stored).not.toHaveProperty("medium");
    expect(removed).toEqual([key]);
    // The same event again: whatever is left of the file goes, and nothing changes.
    expect(await accept(object)).toEqual({ kind: "unwanted" });
    expect(await read()).toEqual(stored);
  });

  it("refuses a picture that was announced as a video, whatever its name says", async () => {
    const { accept, upload, read } = await setUp({ type: "video/mp4", name: "file" });
    await accept(upload("photo.jpg"));
    expect((await read())?.reason).toMatchObject({ code: "media-type-mismatch" });
  });

  it("decides once about one object, however often it is told", async () => {
    const { accept, upload, read } = await setUp();
    const object = upload("photo.jpg");
    await accept(object);
    const stored = await read();
    expect(await accept(object)).toEqual({ kind: "decided" });
    expect(await read()).toEqual(stored);
  });

  it("goes on where somebody died", async () => {
    const { accept, upload, read, meanwhile } = await setUp();
    const object = upload("photo.jpg");
    meanwhile(() => Promise.reject(new Error("died")));
    await expect(accept(object)).rejects.toThrow("died");
    expect((await read())?.status).toBe("inspecting");
    expect(await accept(object)).toEqual({ kind: "ready" });
  });

  it("lets the object decide that is there, in whatever order the events come", async () => {
    const { accept, upload, read } = await setUp();
    const first = upload("photo.jpg");
    const second = upload("chart.png");
    expect(await accept(first)).toEqual({ kind: "replaced" });
    expect((await read())?.status).toBe("inspecting");
    expect(await accept(second)).toEqual({ kind: "ready" });
    const stored = await read();
    expect(await accept(first)).toEqual({ kind: "replaced" });
    expect(await read()).toEqual(stored);
    expect(stored?.medium?.etag).toBe(second.etag);
  });

  it("does not bring back what was deleted meanwhile", async () => {
    const { accept, upload, media, read, clock, meanwhile, removed, key } = await setUp();
    meanwhile(async () => {
      const now = await read();
      if (now) await media.save(deleted(now, clock.now()));
    });
    expect(await accept(upload("photo.jpg"))).toEqual({ kind: "unwanted" });
    expect(await read()).toMatchObject({ status: "inspecting", deletedAt: clock.now() });
    expect(removed).toEqual([key]);
  });

  it("deletes what came too late, and what nobody announced", async () => {
    const { accept, upload, read, clock, key, removed } = await setUp();
    clock.advance(3_600_000);
    const late = upload("photo.jpg");
    expect(await accept(late)).toEqual({ kind: "unwanted" });
    expect((await read())?.status).toBe("awaiting-upload");
    const stray = `media/anne/${freshTaskId()}`;
    expect(await accept({ ...late, key: stray })).toEqual({ kind: "unwanted" });
    expect(removed).toEqual([key, stray]);
  });

  it("leaves alone what is no medium's", async () => {
    const { accept, upload, removed } = await setUp();
    expect(await accept({ ...upload("photo.jpg"), key: "media/readme.txt" })).toEqual({ kind: "ignored" });
    expect(removed).toEqual([]);
  });
});
