import { describe, expect, it } from "vitest";
import { asOwnerId, asProjectId, type TaskId } from "#shared/domain/ids.ts";
import {
  asMediaId,
  inspected,
  MANY_USES,
  newStoredMedium,
  type StoredMedium,
  USE_GRACE_MS,
} from "#shared/domain/stored-media.ts";
import type { TaskStatus } from "#shared/domain/task.ts";
import { createDeleteMedium } from "#shared/usecases/delete-medium.ts";
import { createPostMedia } from "#shared/usecases/take-media.ts";
import { aContent, aMedium, aTask, freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryMedia, createInMemoryMediaBucket } from "#test/support/in-memory-media.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ownerId = asOwnerId("anne");

function setUp() {
  const clock = manualClock();
  const { tasks } = createInMemoryStore(clock);
  const media = createInMemoryMedia(clock);
  const bucket = createInMemoryMediaBucket();
  const deps = { media: { ...media }, tasks, bucket, clock, accounts: createInMemoryAccounts() };
  const posts = createPostMedia(deps);
  const remove = createDeleteMedium(deps);
  return {
    ...deps,
    posts,
    bucket,
    remove: (medium: StoredMedium) => remove(ownerId, medium.id),
    async aReadyOne(over: Partial<Parameters<typeof aMedium>[0]> = {}): Promise<StoredMedium> {
      const announced = {
        projectId: asProjectId("p"),
        name: "kite.jpg",
        type: "image/jpeg",
        sizeBytes: 9,
      } as const;
      const medium = newStoredMedium(asMediaId(String(freshTaskId())), ownerId, announced, clock.now());
      await media.save(medium);
      const ready = inspected(medium, aMedium(over), clock.now());
      await media.save(ready);
      return ready;
    },
    async aTaskOf(medium: StoredMedium, status: TaskStatus): Promise<TaskId> {
      const task = aTask({ ownerId, status, mediaCount: 1 });
      await posts.take(ownerId, [medium], task.id);
      await tasks.create(task, aContent(task));
      return task.id;
    },
    usesOf: async ({ id }: StoredMedium) => Object.keys((await media.get(ownerId, id))?.uses ?? {}),
  };
}

describe("deleting a medium", () => {
  it("takes the record first, and then the file", async () => {
    const { aReadyOne, remove, media, bucket, clock } = setUp();
    const medium = await aReadyOne();
    expect(await remove(medium)).toMatchObject({ ok: true, value: { medium: { id: medium.id } } });
    expect(await media.get(ownerId, medium.id)).toMatchObject({ deletedAt: clock.now() });
    expect(bucket.removed).toEqual([`media/anne/${medium.id}`]);
  });

  it.each(["draft", "pending", "posting", "unknown", "held"] as const)(
    "is refused while a task that is %s has it",
    async (status) => {
      const { aReadyOne, aTaskOf, remove, bucket } = setUp();
      const medium = await aReadyOne();
      await aTaskOf(medium, "published");
      const by = await aTaskOf(medium, status);
      expect(await remove(medium)).toEqual({ ok: false, error: { reason: "in-use", by } });
      expect(bucket.removed).toEqual([]);
    },
  );

  it("is done when all its tasks have ended", async () => {
    const { aReadyOne, aTaskOf, remove } = setUp();
    const medium = await aReadyOne();
    for (const status of ["published", "failed", "missed", "cancelled"] as const)
      await aTaskOf(medium, status);
    expect(await remove(medium)).toMatchObject({ ok: true });
  });

  it("waits for a task that is just being made, and not for one that never was", async () => {
    const { aReadyOne, posts, remove, clock } = setUp();
    const medium = await aReadyOne();
    const by = freshTaskId();
    await posts.take(ownerId, [medium], by);
    clock.advance(USE_GRACE_MS);
    expect(await remove(medium)).toEqual({ ok: false, error: { reason: "in-use", by } });
    clock.advance(1);
    expect(await remove(medium)).toMatchObject({ ok: true });
  });

  it("sees a task that takes it in the same moment", async () => {
    const { aReadyOne, aTaskOf, media, tasks, bucket, clock, accounts } = setUp();
    const medium = await aReadyOne();
    let by: TaskId | undefined;
    const racing = createDeleteMedium({
      media: {
        ...media,
        async save(next) {
          by ??= await aTaskOf(medium, "pending");
          return media.save(next);
        },
      },
      tasks,
      bucket,
      clock,
      accounts,
    });
    expect(await racing(ownerId, medium.id)).toEqual({ ok: false, error: { reason: "in-use", by } });
    expect(bucket.removed).toEqual([]);
  });

  it("deletes a file that was left, when it is asked for again", async () => {
    const { aReadyOne, media, tasks, clock, accounts, remove, bucket } = setUp();
    const medium = await aReadyOne();
    const failing = createDeleteMedium({
      media,
      tasks,
      clock,
      accounts,
      bucket: { remove: () => Promise.reject(new Error("no answer")) },
    });
    await expect(failing(ownerId, medium.id)).rejects.toThrow("no answer");
    expect(await remove(medium)).toMatchObject({ ok: true });
    expect(bucket.removed).toEqual([`media/anne/${medium.id}`]);
  });

  it("knows no other owner's", async () => {
    const { aReadyOne, media, tasks, clock, accounts, bucket } = setUp();
    const medium = await aReadyOne();
    const remove = createDeleteMedium({ media, tasks, clock, accounts, bucket });
    expect(await remove(asOwnerId("bela"), medium.id)).toEqual({ ok: false, error: { reason: "not-found" } });
    expect(bucket.removed).toEqual([]);
  });
});

describe("taking media", () => {
  it("finds those that are ready, in the order of the post, with their alternative texts", async () => {
    const { aReadyOne, posts } = setUp();
    const [one, two] = [await aReadyOne({ key: "one" }), await aReadyOne({ key: "two" })];
    const found = await posts.find(ownerId, [
      { id: two.id, altText: " a kite " },
      { id: one.id, altText: " " },
    ]);
    expect(found).toEqual({
      ok: true,
      value: [aMedium({ key: "two", altText: "a kite" }), aMedium({ key: "one" })],
    });
  });

  it("refuses what is not there, not ready, or not the owner's, and says which", async () => {
    const { aReadyOne, posts, media, clock, remove } = setUp();
    const ready = await aReadyOne();
    const announced = {
      projectId: asProjectId("p"),
      name: "k.jpg",
      type: "image/jpeg",
      sizeBytes: 9,
    } as const;
    const awaited = newStoredMedium(asMediaId(String(freshTaskId())), ownerId, announced, clock.now());
    await media.save(awaited);
    const find = (id: StoredMedium["id"], owner = ownerId) => posts.find(owner, [ready, { id }]);
    const refusedAs = (code: string, index = 1) => ({
      ok: false,
      error: { reason: "bad-media", code, index },
    });
    expect(await find(asMediaId("nothing"))).toMatchObject(refusedAs("unknown-media"));
    expect(await find(ready.id, asOwnerId("bela"))).toMatchObject(refusedAs("unknown-media", 0));
    expect(await find(awaited.id)).toMatchObject(refusedAs("media-not-ready"));
    clock.advance(3_600_000);
    expect(await find(awaited.id)).toMatchObject(refusedAs("media-unusable"));
    const gone = await aReadyOne();
    await remove(gone);
    expect(await find(gone.id)).toMatchObject(refusedAs("unknown-media"));
    expect(await posts.take(ownerId, [gone], freshTaskId())).toMatchObject(refusedAs("unknown-media", 0));
  });

  it("takes together what X takes together", async () => {
    const { aReadyOne, posts } = setUp();
    const photos = await Promise.all(Array.from({ length: 5 }, () => aReadyOne()));
    const video = await aReadyOne({ type: "video/mp4" });
    expect(await posts.find(ownerId, photos.slice(1))).toMatchObject({ ok: true });
    expect(await posts.find(ownerId, photos)).toMatchObject({ error: { code: "too-many-photos" } });
    expect(await posts.find(ownerId, [...photos.slice(3), video])).toMatchObject({
      error: { code: "mixed-media" },
    });
  });

  it("refuses an alternative text that X does not take", async () => {
    const { aReadyOne, posts } = setUp();
    const found = await posts.find(ownerId, [{ id: (await aReadyOne()).id, altText: "a\u0007" }]);
    expect(found).toMatchObject({ error: { code: "invalid-text", index: 0 } });
  });

  it("forgets ended tasks when there are many, and never one that goes on", async () => {
    const { aReadyOne, aTaskOf, usesOf } = setUp();
    const medium = await aReadyOne();
    const going = await aTaskOf(medium, "pending");
    for (let index = 1; index < MANY_USES; index++) await aTaskOf(medium, "published");
    expect(await usesOf(medium)).toHaveLength(MANY_USES);
    for (let index = 0; index < MANY_USES; index++) await aTaskOf(medium, "published");
    const left = await usesOf(medium);
    expect(left).toContain(going);
    expect(left.length).toBeLessThanOrEqual(MANY_USES);
  });

  it("never forgets the use that is noted at this moment, by a clock that is behind", async () => {
    const { aReadyOne, media, posts, clock, usesOf } = setUp();
    const medium = await aReadyOne();
    const soon = new Date(clock.now().getTime() + 2 * USE_GRACE_MS);
    for (let index = 0; index < MANY_USES; index++) await media.use(ownerId, medium.id, freshTaskId(), soon);
    const [old, noted] = [freshTaskId(), freshTaskId()];
    const { use } = media;
    await use(ownerId, medium.id, old, new Date(0));
    Object.assign(media, {
      use: (...[owner, id, taskId]: Parameters<typeof use>) => use(owner, id, taskId, new Date(0)),
    });
    await posts.take(ownerId, [medium], noted);
    expect(await usesOf(medium)).toContain(noted);
    expect(await usesOf(medium)).not.toContain(old);
  });
});
