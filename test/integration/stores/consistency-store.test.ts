import { DeleteCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoBatchStore } from "#shared/adapters/dynamodb/batch-store.ts";
import { createDynamoConsistencyStore } from "#shared/adapters/dynamodb/consistency-store.ts";
import { keys } from "#shared/adapters/dynamodb/items.ts";
import { createDynamoSharedCounters } from "#shared/adapters/dynamodb/shared-counters.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { asAttemptId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { StoredRecord } from "#shared/ports/consistency-store.ts";
import { consistencyStoreContract } from "#test/contracts/consistency-store.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
const clock = manualClock();
const store = () => createDynamoConsistencyStore({ ...table, clock, entropy });
const tasks = () => createDynamoTaskStore({ ...table, clock, entropy });

beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

consistencyStoreContract("DynamoDB", () => ({
  store: store(),
  tasks: tasks(),
  batches: createDynamoBatchStore({ ...table, clock, entropy }),
}));

async function everything(): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = [];
  for await (const page of store().readAll()) records.push(...page);
  return records;
}

describe("what only the table can get wrong", () => {
  const change = (Key: { pk: string; sk: string }, UpdateExpression: string, value?: unknown) =>
    table.documents.send(
      new UpdateCommand({
        TableName: table.tableName,
        Key,
        UpdateExpression,
        ...(value !== undefined && { ExpressionAttributeValues: { ":value": value } }),
      }),
    );

  it.each([
    ["lost its place in the wake index", "REMOVE wakePk, wakeSk", undefined],
    ["is listed under a status that it has no more", "SET statusPk = :value", "STATUS#ready#0"],
    ["is listed at another instant", "SET accountSk = :value", "2020-01-01T00:00:00.000Z#x"],
  ])("sees that a task %s, until it is written again", async (_, expression, value) => {
    const task = aTask();
    await tasks().create(task, aContent(task));
    await change(keys.task(task.id), expression, value);
    expect(await store().readTask(task.id)).toEqual({ task, isIndexed: false });
    const next = { ...task, version: 2 };
    await tasks().save(next);
    expect(await store().readTask(task.id)).toEqual({ task: next, isIndexed: true });
  });

  it("names the field that is damaged, and never what it holds", async () => {
    const task = aTask();
    await tasks().create(task, aContent(task));
    await change(keys.task(task.id), "SET slotAt = :value", "secret nonsense");
    const damaged = (await everything()).filter(({ kind }) => kind === "damaged");
    expect(damaged).toEqual([
      { kind: "damaged", key: `TASK#${task.id} TASK`, problem: "slotAt does not fit" },
    ]);
    await table.documents.send(new DeleteCommand({ TableName: table.tableName, Key: keys.task(task.id) }));
  });

  it("lists counters by their period, and reads nothing that has expired", async () => {
    const counters = createDynamoSharedCounters({ ...table, entropy });
    const projectId = asProjectId("project-9");
    const ownerId = asOwnerId("owner-1");
    await counters.take({ kind: "app-day", day: "2026-12-01" }, 1, 100);
    await counters.take({ kind: "project-spend", ownerId, projectId, month: "2026-12" }, 15_000, 1e9);
    await counters.take({ kind: "app-day", day: "2026-05-01" }, 1, 100);
    const task = aTask();
    await tasks().create(task, aContent(task));
    await tasks().addLog(task.id, {
      at: new Date("2026-08-01T00:00:00.000Z"),
      attemptId: asAttemptId("old"),
      step: "arrange",
      status: "pending",
    });
    const found = await everything();
    expect(found.filter(({ kind }) => kind === "app-day")).toEqual([{ kind: "app-day", day: "2026-12-01" }]);
    expect(found).toContainEqual({ kind: "project-spend", projectId, month: "2026-12" });
    expect(found.some((record) => record.kind === "log" && record.taskId === task.id)).toBe(false);
  });

  it("reads more than one page", async () => {
    const Item = (index: number) => ({
      pk: `FILLER#${index}`,
      sk: "FILLER",
      entity: "filler",
      bytes: "x".repeat(300_000),
    });
    for (let index = 0; index < 5; index++)
      await table.documents.send(new PutCommand({ TableName: table.tableName, Item: Item(index) }));
    let pages = 0;
    let ids = new Set<string>();
    for await (const page of store().readAll()) {
      pages++;
      ids = new Set([...ids, ...page.flatMap((one) => (one.kind === "task" ? [one.task.id] : []))]);
    }
    expect(pages).toBeGreaterThan(1);
    expect(ids.size).toBeGreaterThan(4);
  });
});
