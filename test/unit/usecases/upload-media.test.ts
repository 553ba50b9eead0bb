import { describe, expect, it } from "vitest";
import { asAccountId, asTaskId } from "#shared/domain/ids.ts";
import type { Medium } from "#shared/domain/media.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { MediaProgressStore } from "#shared/ports/media-progress-store.ts";
import type { MediaSource } from "#shared/ports/media-source.ts";
import { createUploadMedia, type UploadMediaCommand } from "#shared/usecases/upload-media.ts";
import { aMedium } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";
import {
  aFailure,
  createInMemoryUploads,
  type InMemoryUploadsOptions,
  refusedWith,
} from "#test/support/in-memory-uploads.ts";
import { createInMemoryBucket, patternBytes, sha256Of } from "#test/support/media-files.ts";

const MIB = 1_024 * 1_024;
const SLICE_MS = 80_000;
const taskId = asTaskId("01JZ0000000000000000000001");
const accountId = asAccountId("account-1");

function setUp(over: Partial<InMemoryUploadsOptions> & { source?: MediaSource; concurrency?: number } = {}) {
  const { source, concurrency, ...options } = over;
  const clock = manualClock();
  const bucket = createInMemoryBucket();
  const store = createInMemoryStore(clock);
  const uploads = createInMemoryUploads({ clock, ...options });
  const saves: number[] = [];
  const progress: MediaProgressStore = {
    list: store.media.list,
    async save(entry) {
      saves.push(entry.segmentsDone.length);
      await store.media.save(entry);
    },
  };
  const upload = createUploadMedia({
    source: source ?? bucket,
    uploads,
    progress,
    clock,
    entropy: { random: () => 0.5 },
    ...(concurrency !== undefined && { concurrency }),
  });
  const drop = (name: string, bytes: Uint8Array, over: Partial<Medium> = {}): Medium => {
    const key = `drop/default/${name}`;
    const etag = bucket.put(key, bytes);
    return aMedium({ name, key, etag, sizeBytes: bytes.length, sha256: sha256Of(bytes), ...over });
  };
  const command = (media: readonly Medium[], over: Partial<UploadMediaCommand> = {}): UploadMediaCommand => ({
    taskId,
    accountId,
    media,
    neededAt: new Date(clock.now().getTime() + 180_000),
    stopAt: new Date(clock.now().getTime() + SLICE_MS),
    ...over,
  });
  return {
    clock,
    bucket,
    store,
    uploads,
    saves,
    upload,
    drop,
    command,
    list: () => store.media.list(taskId),
  };
}

const video = { type: "video/mp4", durationMs: 1_200 } as const;

describe("uploadMedia", () => {
  it("uploads photos in the order of the post, each with its alternative text", async () => {
    const { upload, uploads, drop, command, list } = setUp();
    const [a, b] = [patternBytes(48_000, 1), patternBytes(5 * MIB - 1, 2)];
    const media = [drop("a.jpg", a, { altText: "A red kite" }), drop("b.jpg", b)];

    expect(await upload(command(media))).toMatchObject({ kind: "ready" });

    const saved = await list();
    expect(saved.map(({ index, state, accountId }) => ({ index, state, accountId }))).toEqual([
      { index: 0, state: "ready", accountId },
      { index: 1, state: "ready", accountId },
    ]);
    expect(saved.map(({ mediaId }) => uploads.bytesOf(mediaId)?.equals(mediaId === "1" ? a : b))).toEqual([
      true,
      true,
    ]);
    expect(saved.map(({ mediaId }) => uploads.altTextOf(mediaId))).toEqual(["A red kite", undefined]);
    expect(uploads.called("setAltText")).toHaveLength(1);
  });

  it("sends segments of 4 MiB from ranges, as many at a time as it may", async () => {
    let waiting: (() => void)[] = [];
    const { upload, uploads, bucket, drop, command } = setUp({
      concurrency: 3,
      // Nobody gets on until three are there, or all that are left.
      pause: () =>
        new Promise((resolve) => {
          waiting.push(resolve);
          if (waiting.length < 3) return;
          for (const go of waiting) go();
          waiting = [];
        }),
    });
    const bytes = patternBytes(9 * 4 * MIB - 5);

    expect(await upload(command([drop("clip.mp4", bytes, video)]))).toMatchObject({ kind: "ready" });

    expect(uploads.bytesOf("1")?.equals(bytes)).toBe(true);
    expect(uploads.maxInFlight).toBe(3);
    expect(bucket.reads.map(({ length }) => length).toSorted((x, y) => y - x)).toEqual([
      ...Array.from({ length: 8 }, () => 4 * MIB),
      4 * MIB - 5,
    ]);
  });

  it("reads the first segments while the upload is being started", async () => {
    const { upload, uploads, bucket, drop, command } = setUp();
    const initialize = uploads.initialize.bind(uploads);
    let readBefore: number | undefined;
    uploads.initialize = async (...args) => {
      for (let turns = 0; turns < 20; turns++) await Promise.resolve();
      readBefore = bucket.reads.length;
      return initialize(...args);
    };
    await upload(command([drop("clip.mp4", patternBytes(9 * 4 * MIB), video)]));
    // As many as may be on their way, and those that are read ahead.
    expect(readBefore).toBe(4 + 2);
  });

  it("sends nothing when the upload cannot be started", async () => {
    const { upload, uploads, drop, command, list } = setUp();
    uploads.refuse("initialize", refusedWith("credentials"));
    expect(await upload(command([drop("clip.mp4", patternBytes(9 * MIB), video)]))).toMatchObject({
      kind: "failed",
      failure: { class: "credentials" },
    });
    expect(uploads.calls).toHaveLength(1);
    expect(await list()).toEqual([]);
  });

  it("saves its progress every eight segments, and before it asks to finalize", async () => {
    const { upload, saves, drop, command } = setUp({ concurrency: 1 });
    await upload(command([drop("clip.mp4", patternBytes(18 * 4 * MIB), video)]));
    // Started, 8, 16, all, ready.
    expect(saves).toEqual([0, 8, 16, 18, 18]);
  });

  it("does nothing at all the second time", async () => {
    const { upload, uploads, bucket, drop, command } = setUp();
    const media = [drop("a.jpg", patternBytes(1_000))];
    await upload(command(media));
    const [calls, reads] = [uploads.calls.length, bucket.reads.length];

    expect(await upload(command(media))).toEqual({ kind: "ready", phases: {} });

    expect([uploads.calls.length, bucket.reads.length]).toEqual([calls, reads]);
  });

  it("ends with its slice and goes on without sending a finished segment again", async () => {
    const { clock, upload, uploads, drop, command, list } = setUp({
      concurrency: 2,
      pause: async () => clock.advance(9_000),
    });
    const bytes = patternBytes(20 * 4 * MIB);
    const media = [drop("clip.mp4", bytes, video)];

    expect(await upload(command(media))).toMatchObject({ kind: "continue" });
    const [afterFirst] = await list();
    const sentFirst = uploads.called("append").length;
    expect(afterFirst).toMatchObject({ state: "uploading" });
    expect(afterFirst?.segmentsDone).toHaveLength(sentFirst);
    expect(sentFirst).toBeLessThan(12);

    let outcome = await upload(command(media));
    while (outcome.kind === "continue") outcome = await upload(command(media));

    expect(outcome.kind).toBe("ready");
    expect(uploads.bytesOf("1")?.equals(bytes)).toBe(true);
    expect(uploads.called("append")).toHaveLength(20);
    expect(uploads.called("initialize")).toHaveLength(1);
  });

  it("goes on after a crash, re-sending at most what was not saved", async () => {
    const source: { current?: MediaSource } = {};
    const reads = { left: 12 };
    const { upload, uploads, bucket, drop, command } = setUp({
      concurrency: 1,
      source: {
        async read(version, start, into) {
          if (reads.left-- === 0) throw new Error("the process ends here");
          return (source.current as MediaSource).read(version, start, into);
        },
      },
    });
    source.current = bucket;
    const bytes = patternBytes(16 * 4 * MIB);
    const media = [drop("clip.mp4", bytes, video)];

    await expect(upload(command(media))).rejects.toThrow("the process ends here");
    reads.left = Number.POSITIVE_INFINITY;
    expect(await upload(command(media))).toMatchObject({ kind: "ready" });

    expect(uploads.bytesOf("1")?.equals(bytes)).toBe(true);
    expect(uploads.called("append").length).toBeLessThanOrEqual(16 + 8);
    expect(uploads.called("initialize")).toHaveLength(1);
  });

  it.each(["another file", "another account", "an upload that X forgets before the slot"])(
    "starts anew for %s",
    async (what) => {
      const { clock, upload, uploads, drop, command } = setUp({ lifetimeMs: 3_600_000 });
      const first = [drop("a.jpg", patternBytes(1_000, 1))];
      await upload(command(first));
      const next = what === "another file" ? [drop("a.jpg", patternBytes(1_000, 2))] : first;
      const over = {
        ...(what === "another account" && { accountId: asAccountId("account-2") }),
        ...(what.startsWith("an upload") && { neededAt: new Date(clock.now().getTime() + 3_590_000) }),
      };

      expect(await upload(command(next, over))).toMatchObject({ kind: "ready" });

      expect(uploads.called("initialize")).toHaveLength(2);
    },
  );

  it("leaves long waits for processing to the caller, and asks again at the instant it named", async () => {
    const { clock, upload, uploads, drop, command, list } = setUp({
      processingMs: 25_000,
      checkAfterMs: 10_000,
    });
    const media = [drop("clip.mp4", patternBytes(1_000), video)];

    const first = await upload(command(media));
    expect(first).toMatchObject({ kind: "continue", nextAt: new Date(clock.now().getTime() + 10_000) });
    expect(clock.slept).toEqual([]);
    expect(await list()).toMatchObject([{ state: "processing" }]);

    clock.advance(25_000);
    expect(await upload(command(media))).toMatchObject({ kind: "ready" });
    expect(uploads.called("append")).toHaveLength(1);
  });

  it("sleeps through a few short waits, and not through endless ones", async () => {
    const short = setUp({ processingMs: 2_500, checkAfterMs: 1_000 });
    expect(await short.upload(short.command([short.drop("c.mp4", patternBytes(9), video)]))).toMatchObject({
      kind: "ready",
    });
    expect(short.clock.slept).toHaveLength(3);

    const endless = setUp({ processingMs: 3_600_000, checkAfterMs: 1_000 });
    expect(
      await endless.upload(endless.command([endless.drop("c.mp4", patternBytes(9), video)])),
    ).toMatchObject({
      kind: "continue",
    });
    expect(endless.clock.slept).toHaveLength(3);
  });

  it("uploads the next medium while the one before is processed", async () => {
    const { upload, drop, command, list } = setUp({ processingMs: 25_000, checkAfterMs: 10_000 });
    const media = [drop("a.jpg", patternBytes(1_000, 1)), drop("b.jpg", patternBytes(1_000, 2))];
    await upload(command(media));
    expect(await list()).toMatchObject([{ state: "processing" }, { state: "processing" }]);
  });

  it("repeats a segment whose answer was lost, with growing pauses", async () => {
    const { clock, upload, uploads, drop, command } = setUp();
    uploads.refuse("append", refusedWith("transient"), {
      times: 2,
      when: ({ segment }) => segment === 1,
      afterwards: true,
    });
    const bytes = patternBytes(3 * 4 * MIB);
    const startedAt = clock.now().getTime();

    expect(await upload(command([drop("clip.mp4", bytes, video)]))).toMatchObject({ kind: "ready" });

    expect(uploads.bytesOf("1")?.equals(bytes)).toBe(true);
    expect(
      uploads
        .called("append")
        .map(({ segment }) => segment)
        .toSorted(),
    ).toEqual([0, 1, 1, 1, 2]);
    expect(clock.slept.map((at) => at.getTime() - startedAt)).toEqual([125, 375]);
  });

  it("gives up a segment after four tries, with what was reached saved", async () => {
    const { upload, uploads, drop, command, list } = setUp({ concurrency: 1 });
    uploads.refuse("append", refusedWith("transient"), { times: 99, when: ({ segment }) => segment === 2 });

    const outcome = await upload(command([drop("clip.mp4", patternBytes(4 * 4 * MIB), video)]));

    expect(outcome).toMatchObject({ kind: "failed", failure: aFailure("transient") });
    expect(uploads.called("append").filter(({ segment }) => segment === 2)).toHaveLength(4);
    expect(await list()).toMatchObject([{ state: "uploading", segmentsDone: [0, 1] }]);
  });

  it.each(["rate-limited", "credentials", "billing", "configuration"] as const)(
    "does not repeat what failed as %s, and keeps what was reached",
    async (kind) => {
      const { upload, uploads, drop, command, list } = setUp({ concurrency: 1 });
      uploads.refuse("append", refusedWith(kind), { when: ({ segment }) => segment === 1 });
      const bytes = patternBytes(3 * 4 * MIB);
      const media = [drop("clip.mp4", bytes, video)];

      expect(await upload(command(media))).toMatchObject({ kind: "failed", failure: { class: kind } });
      expect(await list()).toMatchObject([{ segmentsDone: [0] }]);

      expect(await upload(command(media))).toMatchObject({ kind: "ready" });
      expect(uploads.called("append").map(({ segment }) => segment)).toEqual([0, 1, 1, 2]);
    },
  );

  it("sends smaller segments when the edge refuses large ones, and does not try large ones again", async () => {
    const { upload, uploads, drop, command } = setUp({ maxSegmentBytes: 2 * MIB });
    const [a, b] = [patternBytes(9 * MIB + 1, 1), patternBytes(5 * MIB, 2)];

    expect(await upload(command([drop("a.mp4", a, video), drop("b.mp4", b, video)]))).toMatchObject({
      kind: "ready",
    });

    expect(uploads.bytesOf("2")?.equals(a)).toBe(true);
    expect(uploads.bytesOf("3")?.equals(b)).toBe(true);
    expect(uploads.called("initialize")).toHaveLength(3);
    expect(uploads.maxInFlight).toBe(4);
    expect(uploads.called("append").filter(({ mediaId }) => mediaId === "3")).toHaveLength(5);
  });

  it("fails when even small segments are too large, and starts anew the next time", async () => {
    const { upload, uploads, drop, command, list } = setUp({ maxSegmentBytes: 1_000 });
    const media = [drop("a.mp4", patternBytes(5 * MIB), video)];
    expect(await upload(command(media))).toMatchObject({
      kind: "failed",
      failure: { class: "transient", details: { refusal: "segment-too-large" } },
    });
    expect(await list()).toMatchObject([{ state: "uploading", segmentsDone: [] }]);
    await upload(command(media));
    expect(uploads.called("initialize")).toHaveLength(4);
  });

  it("sends everything once more, one after the other, when segments do not add up", async () => {
    const { upload, uploads, drop, command } = setUp({ serialOnly: true, pause: () => Promise.resolve() });
    const bytes = patternBytes(17 * MIB);

    expect(await upload(command([drop("clip.mp4", bytes, video)]))).toMatchObject({ kind: "ready" });

    expect(uploads.bytesOf("2")?.equals(bytes)).toBe(true);
    const careful = uploads.called("append").filter(({ mediaId }) => mediaId === "2");
    expect(careful.map(({ segment }) => segment)).toEqual(
      Array.from({ length: 17 }, (_, segment) => segment),
    );
  });

  it("does so only once", async () => {
    const { upload, uploads, drop, command } = setUp();
    uploads.refuse("finalize", { reason: "segments-do-not-add-up" }, { times: 99 });
    expect(await upload(command([drop("clip.mp4", patternBytes(9 * MIB), video)]))).toMatchObject({
      kind: "failed",
      failure: { class: "transient", details: { refusal: "segments-do-not-add-up" } },
    });
    expect(uploads.called("initialize")).toHaveLength(2);
  });

  it("goes on carefully in the next invocation", async () => {
    const { clock, upload, uploads, drop, command } = setUp({
      serialOnly: true,
      pause: async () => clock.advance(10_000),
    });
    const bytes = patternBytes(17 * MIB);
    const media = [drop("clip.mp4", bytes, video)];
    let outcome = await upload(command(media));
    for (let slices = 0; outcome.kind === "continue" && slices < 9; slices++)
      outcome = await upload(command(media));
    expect(outcome.kind).toBe("ready");
    expect(uploads.called("initialize")).toHaveLength(2);
    expect(uploads.bytesOf("2")?.equals(bytes)).toBe(true);
  });

  it("takes a finalize whose answer was lost for what it was", async () => {
    const { upload, uploads, drop, command } = setUp();
    uploads.refuse("finalize", refusedWith("transient"), { afterwards: true });
    expect(await upload(command([drop("a.jpg", patternBytes(1_000))]))).toMatchObject({ kind: "ready" });
    expect(uploads.called("initialize")).toHaveLength(1);
    expect(uploads.called("getStatus")).toHaveLength(1);
  });

  it("starts a medium anew that X forgot on the way, but not for ever", async () => {
    const { upload, uploads, drop, command } = setUp();
    const bytes = patternBytes(9 * MIB);
    uploads.refuse("append", { reason: "gone" }, { when: ({ segment }) => segment === 2 });
    expect(await upload(command([drop("clip.mp4", bytes, video)]))).toMatchObject({ kind: "ready" });
    expect(uploads.bytesOf("2")?.equals(bytes)).toBe(true);

    const hopeless = setUp();
    hopeless.uploads.refuse("append", { reason: "gone" }, { times: 99 });
    expect(await hopeless.upload(hopeless.command([hopeless.drop("a.jpg", bytes)]))).toMatchObject({
      kind: "failed",
      failure: { class: "transient", reason: { code: "upload-not-accepted" } },
    });
    expect(hopeless.uploads.called("initialize").length).toBeLessThanOrEqual(4);
  });

  it("sends a medium again that X forgot while it was processed", async () => {
    const { clock, upload, uploads, drop, command } = setUp({ processingMs: 30_000, checkAfterMs: 30_000 });
    const media = [drop("clip.mp4", patternBytes(1_000), video)];
    await upload(command(media));
    uploads.forgetAll();
    clock.advance(30_000);
    expect(await upload(command(media))).toMatchObject({ kind: "failed", failure: { class: "transient" } });
    await upload(command(media));
    clock.advance(30_000);
    expect(await upload(command(media))).toMatchObject({ kind: "ready" });
  });

  it("refuses a file that was replaced after it was accepted", async () => {
    const { upload, uploads, bucket, drop, command } = setUp();
    const media = [drop("a.jpg", patternBytes(1_000, 1))];
    bucket.put("drop/default/a.jpg", patternBytes(1_000, 2));
    expect(await upload(command(media))).toMatchObject({
      kind: "failed",
      failure: { class: "content", reason: { code: "media-changed" } },
    });
    expect(uploads.called("append")).toEqual([]);
  });

  it("waits for a bucket that is away, as a failure of ours", async () => {
    const { upload, drop, command } = setUp({
      source: { read: () => Promise.reject(new DependencyFault("no answer")) },
    });
    expect(await upload(command([drop("a.jpg", patternBytes(1_000))]))).toMatchObject({
      kind: "failed",
      failure: { class: "system", reason: { code: "storage-unavailable" } },
    });
  });

  it("posts a video without the alternative text that X does not take, but no photo", async () => {
    const clip = setUp();
    clip.uploads.refuse("setAltText", refusedWith("content"));
    expect(
      await clip.upload(clip.command([clip.drop("c.mp4", patternBytes(9), { ...video, altText: "x" })])),
    ).toMatchObject({ kind: "ready" });

    const photo = setUp();
    photo.uploads.refuse("setAltText", refusedWith("content"));
    expect(
      await photo.upload(photo.command([photo.drop("a.jpg", patternBytes(9), { altText: "x" })])),
    ).toMatchObject({
      kind: "failed",
      failure: { class: "content" },
    });
  });

  it("measures its phases", async () => {
    const { clock, upload, drop, command } = setUp({ pause: async () => clock.advance(70) });
    expect(await upload(command([drop("a.jpg", patternBytes(9))]))).toEqual({
      kind: "ready",
      phases: { initializeMs: 0, transferMs: 70, finalizeMs: 0 },
    });
  });
});
