import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoBatchStore } from "#shared/adapters/dynamodb/batch-store.ts";
import { createDynamoRunStore } from "#shared/adapters/dynamodb/run-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import type { CountedTask } from "#shared/domain/batch.ts";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { batchStoreContract } from "#test/contracts/batch-store.ts";
import { runStoreContract } from "#test/contracts/run-store.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
const clock = manualClock();
const batches = () => createDynamoBatchStore({ ...table, clock, entropy });
const runs = () => createDynamoRunStore({ ...table, clock, entropy });

beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

batchStoreContract("DynamoDB", batches);
runStoreContract("DynamoDB", () => ({
  runs: runs(),
  clock,
  listDue: (shard, now) => createDynamoTaskStore({ ...table, clock, entropy }).listDue(shard, now, 1_000),
}));

describe("a count that won although its answer was lost", () => {
  it("is not counted twice", async () => {
    const ownerId = asOwnerId("lost");
    const id = batchIdFor(ownerId, "lost");
    await batches().open({ id, ownerId, name: "lost", createdAt: clock.now() });
    const told: CountedTask[] = [{ taskId: freshTaskId(), bucket: "pending", version: 1 }];
    let lost = 0;
    table.client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args);
        if (!context.commandName?.startsWith("TransactWrite") || lost > 0) return answer;
        lost++;
        throw Object.assign(new Error("socket hang up"), { name: "TimeoutError", code: "ECONNRESET" });
      },
      { step: "deserialize", priority: "low", name: "loseAnswer" },
    );
    try {
      expect(await batches().count(id, told)).toBe(1);
    } finally {
      table.client.middlewareStack.remove("loseAnswer");
    }
    expect(lost).toBe(1);
    expect((await batches().get(id))?.counts).toEqual({ pending: 1, processing: 0, done: 0 });
  });
});
