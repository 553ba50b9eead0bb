import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoCursorSealKey } from "#shared/adapters/dynamodb/cursor-seal-key.ts";
import { createDynamoIdempotencyStore } from "#shared/adapters/dynamodb/idempotency-store.ts";
import { createDynamoRequestBudgetStore } from "#shared/adapters/dynamodb/request-budget-store.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { HOUR_MS, windowOf } from "#shared/domain/request-budget.ts";
import { cursorSealKeyContract } from "#test/contracts/cursor-seal-key.ts";
import { idempotencyStoreContract } from "#test/contracts/idempotency-store.ts";
import { requestBudgetStoreContract } from "#test/contracts/request-budget-store.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
const clock = manualClock();
const idempotency = () => createDynamoIdempotencyStore({ ...table, clock, entropy });

beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

idempotencyStoreContract("DynamoDB", () => ({ idempotency: idempotency(), clock }));
requestBudgetStoreContract("DynamoDB", () => createDynamoRequestBudgetStore(table));
cursorSealKeyContract("DynamoDB", () => createDynamoCursorSealKey({ ...table, entropy }));

const read = async (pk: string, sk: string) =>
  (await table.documents.send(new GetCommand({ TableName: table.tableName, Key: { pk, sk } }))).Item;

describe("what is kept for a while", () => {
  it("is told to the table in seconds", async () => {
    const at = clock.now();
    const record = {
      ownerId: asOwnerId("ttl"),
      key: "k",
      hash: "h",
      newId: String(freshTaskId()),
      leaseUntil: at,
      forgottenAt: new Date(at.getTime() + 1_500),
      version: 1,
    };
    await idempotency().save(record);
    const kept = await read("IDEMPOTENCY#ttl#k", "IDEMPOTENCY");
    expect(kept).toMatchObject({ entity: "idempotency", schemaVersion: 1 });
    expect(kept?.["expiresAt"]).toBe(Math.ceil(record.forgottenAt.getTime() / 1_000));

    const window = windowOf("KEY#ttl", { name: "hour", limit: 1, windowMs: HOUR_MS }, at);
    await createDynamoRequestBudgetStore(table).count(window);
    const counted = await read("REQUESTS#KEY#ttl", `WINDOW#${window.startAt.toISOString()}#${HOUR_MS}`);
    expect(counted).toMatchObject({ entity: "request-window", schemaVersion: 1, sent: 1 });
    expect(counted?.["expiresAt"]).toBe(window.endAt.getTime() / 1_000);
  });
});

describe("a key that was taken although the answer was lost", () => {
  it("is ours", async () => {
    let lost = 0;
    table.client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args);
        if (!context.commandName?.startsWith("Put") || lost > 0) return answer;
        lost++;
        throw Object.assign(new Error("socket hang up"), { name: "TimeoutError", code: "ECONNRESET" });
      },
      { step: "deserialize", priority: "low", name: "loseAnswer" },
    );
    try {
      const at = clock.now();
      const record = { ownerId: asOwnerId("lost"), key: "k", hash: "h", newId: "n", version: 1 };
      expect(
        await idempotency().save({ ...record, leaseUntil: at, forgottenAt: new Date(at.getTime() + 1_000) }),
      ).toEqual({ ok: true, value: undefined });
    } finally {
      table.client.middlewareStack.remove("loseAnswer");
    }
    expect(lost).toBe(1);
  });
});
