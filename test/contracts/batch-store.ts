import { describe, expect, it } from "vitest";
import { type BatchBucket, type CountedTask, NO_COUNTS } from "#shared/domain/batch.ts";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import { asBatchId, asOwnerId, type TaskId } from "#shared/domain/ids.ts";
import { type BatchStore, MAX_COUNTED } from "#shared/ports/batch-store.ts";
import { freshTaskId } from "#test/support/builders.ts";

let serial = 0;
const ownerId = asOwnerId("owner-1");
const createdAt = new Date("2026-12-01T01:00:00.000Z");

/** What every `BatchStore` promises. Run it against each implementation. */
export function batchStoreContract(name: string, open: () => BatchStore): void {
  async function opened() {
    const store = open();
    const batch = { ownerId, name: `spring ${process.pid} ${++serial} 春`, createdAt };
    const id = batchIdFor(ownerId, batch.name);
    await store.open({ ...batch, id });
    return { store, id, batch: { ...batch, id } };
  }
  const told = (taskId: TaskId, version: number, bucket: BatchBucket): CountedTask => ({
    taskId,
    version,
    bucket,
  });

  describe(`BatchStore: ${name}`, () => {
    it("gives back what was opened, with nothing counted", async () => {
      const { store, id, batch } = await opened();
      expect(await store.get(id)).toEqual({ ...batch, counts: NO_COUNTS });
      expect(await store.get(asBatchId("nobody"))).toBeUndefined();
      expect(await store.listCounted(id, { limit: 10 })).toEqual([]);
    });

    it("leaves a batch as it is when it is opened again", async () => {
      const { store, id, batch } = await opened();
      await store.count(id, [told(freshTaskId(), 1, "pending")]);
      await store.open({ ...batch, createdAt: new Date(0) });
      expect(await store.get(id)).toEqual({ ...batch, counts: { ...NO_COUNTS, pending: 1 } });
    });

    it("follows a task from count to count", async () => {
      const { store, id } = await opened();
      const [one, other] = [freshTaskId(), freshTaskId()];
      expect(await store.count(id, [told(one, 1, "pending"), told(other, 1, "pending")])).toBe(2);
      expect((await store.get(id))?.counts).toEqual({ pending: 2, processing: 0, done: 0 });
      expect(await store.count(id, [told(one, 2, "processing")])).toBe(1);
      expect((await store.get(id))?.counts).toEqual({ pending: 1, processing: 1, done: 0 });
      expect(await store.count(id, [told(one, 3, "done"), told(other, 2, "pending")])).toBe(2);
      expect((await store.get(id))?.counts).toEqual({ pending: 1, processing: 0, done: 1 });
      expect(await store.listCounted(id, { limit: 10 })).toEqual([
        told(one, 3, "done"),
        told(other, 2, "pending"),
      ]);
    });

    it("counts a version once, whatever comes twice, late or in the wrong order", async () => {
      const { store, id } = await opened();
      const task = freshTaskId();
      const life = [told(task, 1, "pending"), told(task, 2, "processing"), told(task, 4, "done")];
      expect(await store.count(id, [life[2], life[0], life[1], life[2]] as CountedTask[])).toBe(1);
      for (const late of life) expect(await store.count(id, [late])).toBe(0);
      expect((await store.get(id))?.counts).toEqual({ pending: 0, processing: 0, done: 1 });
    });

    it("remembers a version that changes no count: an older one with another count comes too late", async () => {
      const { store, id } = await opened();
      const task = freshTaskId();
      await store.count(id, [told(task, 1, "pending")]);
      expect(await store.count(id, [told(task, 3, "pending")])).toBe(1);
      expect(await store.count(id, [told(task, 2, "processing")])).toBe(0);
      expect((await store.get(id))?.counts).toEqual({ pending: 1, processing: 0, done: 0 });
    });

    it("keeps its counts right when many tell the same at once", async () => {
      const { store, id } = await opened();
      const tasks = Array.from({ length: 6 }, freshTaskId);
      const tell = (version: number, bucket: BatchBucket) => tasks.map((task) => told(task, version, bucket));
      await Promise.all([
        store.count(id, tell(1, "pending")),
        store.count(id, tell(2, "processing")),
        store.count(id, tell(2, "processing").toReversed()),
      ]);
      expect((await store.get(id))?.counts).toEqual({ pending: 0, processing: 6, done: 0 });
    });

    it("counts as many at once as it says", async () => {
      const { store, id } = await opened();
      const tasks = Array.from({ length: MAX_COUNTED }, freshTaskId);
      expect(
        await store.count(
          id,
          tasks.map((task) => told(task, 1, "pending")),
        ),
      ).toBe(MAX_COUNTED);
      expect((await store.get(id))?.counts).toEqual({ pending: MAX_COUNTED, processing: 0, done: 0 });
    });

    it("counts nothing for a batch that does not exist", async () => {
      const store = open();
      const id = asBatchId(`nobody-${++serial}`);
      expect(await store.count(id, [told(freshTaskId(), 1, "pending")])).toBeUndefined();
      expect(await store.get(id)).toBeUndefined();
      expect(await store.listCounted(id, { limit: 10 })).toEqual([]);
    });

    it("pages through its tasks by id", async () => {
      const { store, id } = await opened();
      const tasks = Array.from({ length: 5 }, freshTaskId);
      await store.count(
        id,
        tasks.toReversed().map((task) => told(task, 1, "pending")),
      );
      const first = await store.listCounted(id, { limit: 2 });
      expect(first.map(({ taskId }) => taskId)).toEqual(tasks.slice(0, 2));
      const rest = await store.listCounted(id, { limit: 9, after: first.at(-1)?.taskId as TaskId });
      expect(rest.map(({ taskId }) => taskId)).toEqual(tasks.slice(2));
    });
  });
}
