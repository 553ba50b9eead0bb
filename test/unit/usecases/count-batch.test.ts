import { describe, expect, it } from "vitest";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import { asBatchId, asOwnerId } from "#shared/domain/ids.ts";
import { MAX_COUNTED } from "#shared/ports/batch-store.ts";
import { createCountBatch } from "#shared/usecases/count-batch.ts";
import { createReadBatch } from "#shared/usecases/read-batch.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { createInMemoryBatches } from "#test/support/in-memory-batches.ts";

const ownerId = asOwnerId("anne");

async function setUp() {
  const batches = createInMemoryBatches();
  const id = batchIdFor(ownerId, "spring");
  await batches.open({ id, ownerId, name: "spring", createdAt: new Date(0) });
  const calls: number[] = [];
  const count = createCountBatch({
    batches: {
      async count(batch, told) {
        calls.push(told.length);
        return batches.count(batch, told);
      },
    },
  });
  const read = createReadBatch({ batches });
  const counts = async () => {
    const found = await read(ownerId, id);
    return found.ok && found.value.counts;
  };
  return { id, count, counts, read, calls };
}

describe("countBatch", () => {
  it("counts the newest of what is told, and says what was no news", async () => {
    const { id, count, counts } = await setUp();
    const [one, other] = [freshTaskId(), freshTaskId()];
    const told = [
      { taskId: one, status: "posting", version: 3 },
      { taskId: one, status: "pending", version: 1 },
      { taskId: other, status: "held", version: 2 },
    ] as const;
    expect(await count(id, told)).toEqual({ counted: 2, unchanged: 1 });
    expect(await count(id, told)).toEqual({ counted: 0, unchanged: 3 });
    expect(await counts()).toEqual({ pending: 1, processing: 1, done: 0 });
  });

  it("tells thousands in as many calls as they need", async () => {
    const { id, count, counts, calls } = await setUp();
    const told = Array.from({ length: 2 * MAX_COUNTED + 1 }, () => ({
      taskId: freshTaskId(),
      status: "published" as const,
      version: 9,
    }));
    expect(await count(id, told)).toEqual({ counted: told.length, unchanged: 0 });
    expect(calls).toEqual([MAX_COUNTED, MAX_COUNTED, 1]);
    expect(await counts()).toEqual({ pending: 0, processing: 0, done: told.length });
    expect(await count(id, [])).toEqual({ counted: 0, unchanged: 0 });
  });

  it("cannot lose tasks of a batch that is not there without a word", async () => {
    const { count } = await setUp();
    const told = [{ taskId: freshTaskId(), status: "pending", version: 1 }] as const;
    await expect(count(asBatchId("nobody"), told)).rejects.toThrow(RangeError);
  });
});

describe("readBatch", () => {
  it("shows a batch to its owner, and to nobody else", async () => {
    const { id, read } = await setUp();
    expect(await read(ownerId, id)).toMatchObject({ ok: true, value: { name: "spring" } });
    const refused = { ok: false, error: { reason: "not-found" } };
    expect(await read(asOwnerId("bela"), id)).toEqual(refused);
    expect(await read(ownerId, asBatchId("nobody"))).toEqual(refused);
  });
});
