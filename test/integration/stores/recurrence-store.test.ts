import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoRecurrenceStore } from "#shared/adapters/dynamodb/recurrence-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { WAKE_SHARDS } from "#shared/ports/task-store.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createExpandRecurrence } from "#shared/usecases/expand-recurrence.ts";
import { recurrenceStoreContract } from "#test/contracts/recurrence-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";
import { createInMemoryDispatch } from "#test/support/in-memory-dispatch.ts";
import { aRecurrence, aRecurrenceContent, aSchedule, local } from "#test/support/recurrences.ts";

let table: TestTable;
const clock = manualClock();
const recurrences = () => createDynamoRecurrenceStore({ ...table, clock, entropy });

beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

recurrenceStoreContract("DynamoDB", recurrences);

describe("in the table of tasks", () => {
  it("stands in nobody's way: neither the sweeper nor a list of tasks meets a recurrence", async () => {
    const ownerId = asOwnerId("apart");
    const recurrence = aRecurrence({ ownerId, wakeAt: new Date("2020-01-01T00:00:00.000Z") });
    await recurrences().save(recurrence, { content: aRecurrenceContent(recurrence) });
    expect(await recurrences().listDue(clock.now(), 1)).toEqual([recurrence.id]);
    const tasks = createDynamoTaskStore({ ...table, clock, entropy });
    const due = await Promise.all(
      Array.from({ length: WAKE_SHARDS }, (_, shard) => tasks.listDue(shard, clock.now(), 100)),
    );
    expect(due.flat()).toEqual([]);
    expect((await tasks.list({ by: "owner", ownerId, limit: 10 })).items).toEqual([]);
  });
});

describe("an expansion", () => {
  it("makes, changes and cancels tasks in the real table", async () => {
    clock.set(new Date("2026-11-30T10:00:00.000Z"));
    const tasks = createDynamoTaskStore({ ...table, clock, entropy });
    const dispatch = createInMemoryDispatch();
    const expand = createExpandRecurrence({
      recurrences: recurrences(),
      tasks,
      dispatch,
      arrange: createArrangeTask({ tasks, dispatch, clock, limits: ARRANGEMENT_LIMITS }),
      clock,
      entropy,
      report: (error) => {
        throw error;
      },
    });
    const ownerId = asOwnerId("expanding");
    const schedule = aSchedule({ rule: "FREQ=DAILY;COUNT=3" });
    const recurrence = aRecurrence({ ownerId, schedule, wakeAt: clock.now() });
    await recurrences().save(recurrence, { content: aRecurrenceContent(recurrence) });
    const bounds = { deadline: new Date(clock.now().getTime() + 60_000), limit: 100 };
    expect(await expand(recurrence.id, bounds)).toMatchObject({ created: 3, complete: true });
    const stored = await recurrences().get(recurrence.id);
    if (!stored) throw new Error("it is there");
    const next = {
      ...stored.recurrence,
      version: stored.recurrence.version + 1,
      rev: 2,
      wakeAt: clock.now(),
    };
    const content = { ...stored.content, rev: 2, variants: [[{ text: "new" }]] };
    const skips = [local("2026-12-02 09:00")];
    expect(await recurrences().save({ ...next, contentRev: 2, skips }, { content })).toMatchObject({
      ok: true,
    });
    expect(await expand(recurrence.id, bounds)).toMatchObject({ revised: 2, cancelled: 1, complete: true });
    const { items } = await tasks.list({ by: "owner", ownerId, limit: 10 });
    expect(items.map(({ status, rev }) => [status, rev])).toEqual([
      ["pending", 2],
      ["cancelled", 2],
      ["pending", 2],
    ]);
    expect(dispatch.scheduled).toHaveLength(2);
  });
});

describe("a save that won although its answer was lost", () => {
  it("counts as ours", async () => {
    const recurrence = aRecurrence();
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
      const saved = await recurrences().save(recurrence, { content: aRecurrenceContent(recurrence) });
      expect(saved.ok).toBe(true);
    } finally {
      table.client.middlewareStack.remove("loseAnswer");
    }
    expect(lost).toBe(1);
  });
});
