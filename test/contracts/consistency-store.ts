import { describe, expect, it } from "vitest";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import { newGate } from "#shared/domain/gate.ts";
import { asAccountId, asAttemptId, asOwnerId } from "#shared/domain/ids.ts";
import type { BatchStore } from "#shared/ports/batch-store.ts";
import type { ConsistencyStore, StoredRecord } from "#shared/ports/consistency-store.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { aContent, aTask, freshTaskId } from "#test/support/builders.ts";

let serial = 0;
const now = new Date("2026-12-01T01:00:00.000Z");

/** What every `ConsistencyStore` promises. Run it against each implementation. */
export function consistencyStoreContract(
  name: string,
  open: () => { store: ConsistencyStore; tasks: TaskStore; batches: BatchStore },
): void {
  const freshAccount = () => asAccountId(`account-${process.pid}-${++serial}`);
  async function everything(store: ConsistencyStore): Promise<readonly StoredRecord[]> {
    const records: StoredRecord[] = [];
    for await (const page of store.readAll()) records.push(...page);
    return records;
  }

  describe(`ConsistencyStore: ${name}`, () => {
    it("reads a task with its log, its gate and its post, and none of its text", async () => {
      const { store, tasks } = open();
      const accountId = freshAccount();
      const task = aTask({ accountId });
      await tasks.create(task, aContent(task, { parts: [{ text: "nobody's business" }] }));
      const gate = { ...newGate(accountId), version: 1 };
      const next = { ...task, version: 2 };
      const entry = { at: now, status: "pending", code: "note" } as const;
      await tasks.save(next, {
        gate,
        log: { ...entry, attemptId: asAttemptId("a-1"), step: "arrange" },
        adopt: { accountId, postId: "1999" },
      });

      const records = await everything(store);
      expect(records).toContainEqual({ kind: "task", task: next, isIndexed: true });
      expect(records).toContainEqual({
        kind: "log",
        taskId: task.id,
        entry: expect.objectContaining(entry),
      });
      expect(records).toContainEqual({ kind: "gate", accountId });
      expect(records).toContainEqual({ kind: "posted-id", accountId, postId: "1999", taskId: task.id });
      expect(JSON.stringify(records)).not.toContain("nobody's business");
      expect(await store.readTask(task.id)).toEqual({ task: next, isIndexed: true });
      expect(await store.readMarker(accountId, "1999")).toBe(task.id);
    });

    it("answers what is not there with nothing", async () => {
      const { store } = open();
      expect(await store.readTask(freshTaskId())).toBeUndefined();
      expect(await store.readMarker(freshAccount(), "1")).toBeUndefined();
    });

    it("replaces a gate only if nobody else did", async () => {
      const { store, tasks } = open();
      const accountId = freshAccount();
      const first = { ...newGate(accountId), version: 1, lastPostAt: now, lastPostId: "1" };
      expect(await store.saveGate(first)).toEqual({ ok: true, value: undefined });
      expect(await tasks.getGate(accountId)).toEqual(first);
      expect(await store.saveGate({ ...first, lastPostId: "2" })).toEqual({
        ok: false,
        error: { reason: "stale" },
      });
      expect(await store.saveGate({ ...first, lastPostId: "2", version: 3 })).toMatchObject({ ok: false });
      expect((await store.saveGate({ ...first, lastPostId: "2", version: 2 })).ok).toBe(true);
      expect((await tasks.getGate(accountId)).lastPostId).toBe("2");
    });

    it("marks a post once", async () => {
      const { store } = open();
      const accountId = freshAccount();
      const [one, other] = [freshTaskId(), freshTaskId()];
      expect((await store.markPost(accountId, "7", one)).ok).toBe(true);
      expect(await store.markPost(accountId, "7", other)).toEqual({
        ok: false,
        error: { reason: "post-taken" },
      });
      expect(await store.readMarker(accountId, "7")).toBe(one);
      expect((await store.markPost(freshAccount(), "7", other)).ok).toBe(true);
    });

    it("replaces the counts of a batch only as they were seen", async () => {
      const { store, batches } = open();
      const ownerId = asOwnerId("owner-1");
      const id = batchIdFor(ownerId, `counts ${process.pid} ${++serial}`);
      await batches.open({ id, ownerId, name: "counts", createdAt: now });
      expect(await everything(store)).toContainEqual({ kind: "batch", id });
      const seen = { pending: 0, processing: 0, done: 0 };
      const next = { pending: 1, processing: 2, done: 3 };
      expect((await store.saveCounts(id, seen, next)).ok).toBe(true);
      expect((await batches.get(id))?.counts).toEqual(next);
      expect(await store.saveCounts(id, seen, next)).toEqual({ ok: false, error: { reason: "stale" } });
    });
  });
}
