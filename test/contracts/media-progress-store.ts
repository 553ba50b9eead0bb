import { describe, expect, it } from "vitest";
import { asAccountId } from "#shared/domain/ids.ts";
import type { MediaProgress } from "#shared/domain/media-progress.ts";
import type { MediaProgressStore } from "#shared/ports/media-progress-store.ts";
import { freshTaskId } from "#test/support/builders.ts";

/** What every `MediaProgressStore` promises. Run it against each implementation. */
export function mediaProgressStoreContract(name: string, open: () => MediaProgressStore): void {
  const progress = (over: Partial<MediaProgress> = {}): MediaProgress => ({
    taskId: freshTaskId(),
    index: 0,
    sha256: "ab",
    accountId: asAccountId("account"),
    state: "uploading",
    mediaId: "1",
    expiresAt: new Date("2026-12-02T00:00:00.000Z"),
    segmentBytes: 4_194_304,
    segmentsDone: [],
    ...over,
  });

  describe(`MediaProgressStore: ${name}`, () => {
    it("gives the media of a task in their order, each as it was saved last", async () => {
      const media = open();
      const first = progress();
      const others = Array.from({ length: 3 }, (_, index) =>
        progress({ taskId: first.taskId, index: index + 1 }),
      );
      for (const one of [...others, first]) await media.save(one);
      const done = { ...first, state: "ready" as const, segmentsDone: [2, 0, 1] };
      await media.save(done);

      expect(await media.list(first.taskId)).toEqual([done, ...others]);
      expect(await media.list(freshTaskId())).toEqual([]);
    });
  });
}
