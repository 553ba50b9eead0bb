import { describe, expect, it } from "vitest";
import { asAccountId } from "#shared/domain/ids.ts";
import type { MediaUploads } from "#shared/ports/media-uploads.ts";
import { patternBytes, readFixture, sha256Of } from "#test/support/media-files.ts";

export interface MediaUploadsFixture {
  readonly uploads: MediaUploads;
  /** What the platform put together; undefined before finalize. */
  uploaded(mediaId: string): Promise<{ readonly sha256: string; readonly altText?: string } | undefined>;
}

/** What every `MediaUploads` promises. */
export function mediaUploadsContract(name: string, create: () => MediaUploadsFixture): void {
  const accountId = asAccountId("account-1");
  const photo = readFixture("photo.jpg");

  async function begin(sizeBytes: number, type: "image/jpeg" | "video/mp4" = "image/jpeg") {
    const { uploads, uploaded } = create();
    const started = await uploads.initialize(accountId, { type, sizeBytes });
    if (!started.ok) throw new Error(JSON.stringify(started.error));
    return { uploads, uploaded, ...started.value };
  }

  describe(`MediaUploads contract: ${name}`, () => {
    it("uploads a photo with an alternative text", async () => {
      const { uploads, uploaded, mediaId, expiresAt } = await begin(photo.length);
      expect(expiresAt).toBeInstanceOf(Date);
      expect(await uploads.append(accountId, mediaId, 0, photo)).toEqual({ ok: true, value: undefined });
      expect(await uploads.finalize(accountId, mediaId)).toEqual({ ok: true, value: { kind: "ready" } });
      expect(await uploads.getStatus(accountId, mediaId)).toEqual({ ok: true, value: { kind: "ready" } });
      expect(await uploads.setAltText(accountId, mediaId, "Ein Drache 🪁 über dem Hafen")).toMatchObject({
        ok: true,
      });
      expect(await uploaded(mediaId)).toMatchObject({
        sha256: sha256Of(photo),
        altText: "Ein Drache 🪁 über dem Hafen",
      });
    });

    it("takes segments in any order and side by side", async () => {
      const bytes = Buffer.concat([readFixture("clip.mp4"), patternBytes(3_000_000)]);
      const { uploads, uploaded, mediaId } = await begin(bytes.length, "video/mp4");
      const cut = 1_000_000;
      const segments = Array.from(
        { length: Math.ceil(bytes.length / cut) },
        (_, index) => index,
      ).toReversed();
      const sent = await Promise.all(
        segments.map((index) =>
          uploads.append(accountId, mediaId, index, bytes.subarray(index * cut, (index + 1) * cut)),
        ),
      );
      expect(sent.every(({ ok }) => ok)).toBe(true);
      expect(await uploads.finalize(accountId, mediaId)).toMatchObject({ ok: true });
      expect(await uploaded(mediaId)).toMatchObject({ sha256: sha256Of(bytes) });
    });

    it("welcomes a segment that comes twice", async () => {
      const { uploads, uploaded, mediaId } = await begin(photo.length);
      await uploads.append(accountId, mediaId, 0, photo);
      expect(await uploads.append(accountId, mediaId, 0, photo)).toMatchObject({ ok: true });
      expect(await uploads.finalize(accountId, mediaId)).toMatchObject({ ok: true });
      expect(await uploaded(mediaId)).toMatchObject({ sha256: sha256Of(photo) });
    });

    it("says when segments are missing", async () => {
      const { uploads, mediaId } = await begin(photo.length);
      await uploads.append(accountId, mediaId, 1, photo.subarray(1_000));
      expect(await uploads.finalize(accountId, mediaId)).toEqual({
        ok: false,
        error: { reason: "segments-do-not-add-up" },
      });
    });

    it("says when it knows no such medium", async () => {
      const { uploads } = create();
      const gone = { ok: false, error: { reason: "gone" } };
      expect(await uploads.append(accountId, "99999", 0, photo)).toEqual(gone);
      expect(await uploads.finalize(accountId, "99999")).toEqual(gone);
      expect(await uploads.getStatus(accountId, "99999")).toEqual(gone);
      expect(await uploads.setAltText(accountId, "99999", "x")).toEqual(gone);
    });
  });
}
