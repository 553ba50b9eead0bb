import { describe, expect, it, vi } from "vitest";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import type { Task } from "#shared/domain/task.ts";
import { createCountBatch } from "#shared/usecases/count-batch.ts";
import { createReadBatchStatus } from "#shared/usecases/read-batch-status.ts";
import { createReadTaskStatus } from "#shared/usecases/read-task-status.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryBatches } from "#test/support/in-memory-batches.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const OWNER = asOwnerId("owner-1");
const BATCH = batchIdFor(OWNER, "spring");
const START = new Date("2026-12-01T01:00:00.000Z");
const at = (minutes: number): Date => new Date(START.getTime() + minutes * 60_000);

async function setUp(put: readonly Partial<Task>[]) {
  const clock = manualClock(START);
  const { tasks } = createInMemoryStore(clock);
  const batches = createInMemoryBatches();
  await batches.open({ id: BATCH, ownerId: OWNER, name: "spring", createdAt: at(-60) });
  const count = createCountBatch({ batches });
  for (const over of put) {
    const task = aTask({ batchId: BATCH, ...over });
    await tasks.create(task, aContent(task));
    await count(BATCH, [{ taskId: task.id, status: task.status, version: 1 }]);
  }
  const get = vi.spyOn(tasks, "get");
  return { clock, tasks, batches, get, read: createReadBatchStatus({ tasks, batches, clock }) };
}

const published = (minutes: number): Partial<Task> => ({
  status: "published",
  sentAt: at(minutes),
  posted: [{ postId: String(minutes), sentAt: at(minutes) }],
});

describe("readBatchStatus", () => {
  it("tells from the tasks themselves what the counters do not", async () => {
    const { read } = await setUp([
      published(-4),
      published(-2),
      { status: "failed" },
      { status: "held" },
      { slotAt: at(3) },
      { slotAt: at(8) },
    ]);
    expect(await read(OWNER, BATCH)).toMatchObject({
      ok: true,
      value: {
        batch: { name: "spring" },
        looked: 6,
        status: {
          total: 6,
          sent: 2,
          failed: 1,
          pending: 3,
          waitMs: 180_000,
          perMinute: 0.5,
          completionAt: at(8),
        },
      },
    });
  });

  it("looks at 500 tasks of a large one, from its first to its last, and scales", async () => {
    const many = Array.from({ length: 2_500 }, (_, index) =>
      index < 1_250 ? published(-2_000 + index) : { slotAt: at(index) },
    );
    const { read, get } = await setUp(many);
    const told = await read(OWNER, BATCH);
    expect(get).toHaveBeenCalledTimes(500);
    expect(told).toMatchObject({
      ok: true,
      value: { looked: 500, status: { total: 2_500, sent: 1_250, pending: 1_250, completionAt: at(2_499) } },
    });
    const rate = told.ok ? (told.value.status.perMinute ?? 0) : 0;
    // 1,250 in 2,000 minutes.
    expect(rate).toBeCloseTo(0.625, 2);
  });

  it("refuses another owner's batch like one that does not exist", async () => {
    const { read, get } = await setUp([{}]);
    const unknown = { ok: false, error: { reason: "not-found" } };
    expect(await read(asOwnerId("owner-2"), BATCH)).toEqual(unknown);
    expect(await read(OWNER, batchIdFor(OWNER, "autumn"))).toEqual(unknown);
    expect(get).not.toHaveBeenCalled();
  });
});

describe("readTaskStatus", () => {
  it("tells of the owner's task by one read", async () => {
    const { tasks, clock, get } = await setUp([]);
    const task = aTask({ slotAt: at(5) });
    await tasks.create(task, aContent(task));
    const read = createReadTaskStatus({ tasks, clock });
    expect(await read(OWNER, task.id)).toMatchObject({
      ok: true,
      value: { task, status: { total: 1, waitMs: 300_000 } },
    });
    expect(get).toHaveBeenCalledTimes(1);
    expect(await read(asOwnerId("owner-2"), task.id)).toEqual({ ok: false, error: { reason: "not-found" } });
  });
});
