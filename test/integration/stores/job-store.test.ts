import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoJobStore } from "#shared/adapters/dynamodb/job-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { asJobId, asOwnerId } from "#shared/domain/ids.ts";
import { emptyRegister, enterJob, newJob } from "#shared/domain/job.ts";
import { jobStoreContract } from "#test/contracts/job-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
const clock = manualClock();
const jobs = () => createDynamoJobStore({ ...table, clock, entropy });

beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

jobStoreContract("DynamoDB", () => ({
  jobs: jobs(),
  clock,
  listDue: (shard, now) => createDynamoTaskStore({ ...table, clock, entropy }).listDue(shard, now, 1_000),
}));

describe("a claim that won although its answer was lost", () => {
  it("is ours, whether it was written alone or with the register", async () => {
    const ownerId = asOwnerId("lost");
    const job = newJob(
      asJobId("01KBBBBBBBBBBBBBBBBBBBBBBB"),
      ownerId,
      {
        name: "lost",
        action: { type: "publishing-run" },
        schedule: { kind: "interval", everyMs: 60_000 },
        enabled: true,
      },
      clock.now(),
    );
    const register = enterJob(emptyRegister(ownerId), job);
    if (!register.ok) throw new Error("the register is empty");
    let lost = 0;
    table.client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        if (lost++ % 2 === 1) return answer;
        throw Object.assign(new Error("socket hang up"), { name: "TimeoutError", code: "ECONNRESET" });
      },
      { step: "deserialize", priority: "low", name: "loseAnswer" },
    );
    try {
      expect(await jobs().save(job, { register: register.value })).toMatchObject({ ok: true });
      expect(await jobs().save({ ...job, version: 2 })).toMatchObject({ ok: true });
    } finally {
      table.client.middlewareStack.remove("loseAnswer");
    }
    expect(lost).toBe(4);
    expect((await jobs().getRegister(ownerId)).entries).toHaveLength(1);
  });
});
