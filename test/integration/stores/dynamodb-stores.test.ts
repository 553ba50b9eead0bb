import { type DynamoDBClient, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoDropStore } from "#shared/adapters/dynamodb/drop-store.ts";
import { createDynamoMediaProgressStore } from "#shared/adapters/dynamodb/media-progress-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { asAccountId, asAttemptId } from "#shared/domain/ids.ts";
import { claimForPrepare, startPosting } from "#shared/domain/moves.ts";
import { dropStoreContract } from "#test/contracts/drop-store.ts";
import { mediaProgressStoreContract } from "#test/contracts/media-progress-store.ts";
import { taskStoreContract } from "#test/contracts/task-store.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
const clock = manualClock();
const stores = () => ({
  tasks: createDynamoTaskStore({ ...table, clock, entropy }),
  drops: createDynamoDropStore({ ...table, entropy }),
  media: createDynamoMediaProgressStore(table),
});

beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

taskStoreContract("DynamoDB", () => ({ tasks: stores().tasks, clock }));
dropStoreContract("DynamoDB", () => stores().drops);
mediaProgressStoreContract("DynamoDB", () => stores().media);

/** Runs `action` while the answers of the next `count` writes are thrown away after they took effect. */
async function losingAnswers(client: DynamoDBClient, count: number, action: () => Promise<unknown>) {
  let lost = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      if (lost >= count) return answer;
      lost++;
      throw Object.assign(new Error("socket hang up"), { name: "TimeoutError", code: "ECONNRESET" });
    },
    { step: "deserialize", priority: "low", name: "loseAnswers" },
  );
  try {
    await action();
  } finally {
    client.middlewareStack.remove("loseAnswers");
  }
  expect(lost).toBe(count);
}

describe("a write that won although its answer was lost", () => {
  const now = new Date("2026-12-01T01:00:00.000Z");

  it("counts as ours: a plain change", async () => {
    const { tasks } = stores();
    const task = aTask({ accountId: asAccountId("lost-1") });
    await tasks.create(task, aContent(task));
    await losingAnswers(table.client, 1, async () => {
      expect(await tasks.save(claimForPrepare(task, now, asAttemptId("ours")))).toEqual({
        ok: true,
        value: undefined,
      });
    });
    expect(await tasks.get(task.id)).toMatchObject({ version: 2, attemptId: "ours" });
  });

  it("counts as ours: a transaction, and its gate is reserved once", async () => {
    const { tasks } = stores();
    const task = aTask({ accountId: asAccountId("lost-2") });
    await losingAnswers(table.client, 1, async () => {
      expect((await tasks.create(task, aContent(task))).ok).toBe(true);
    });
    await losingAnswers(table.client, 2, async () => {
      const intent = startPosting(task, now, { attemptId: asAttemptId("ours"), requestHash: "ff" });
      const gate = { kind: "reserve", accountId: task.accountId, at: now } as const;
      expect((await tasks.save(intent, { gate })).ok).toBe(true);
    });
    expect(await tasks.get(task.id)).toMatchObject({ version: 2, status: "posting" });
    expect(await tasks.getGate(task.accountId)).toMatchObject({ inFlight: 1 });
  });

  it("does not count as ours when somebody else's write came first", async () => {
    const { tasks } = stores();
    const task = aTask();
    await tasks.create(task, aContent(task));
    await tasks.save(claimForPrepare(task, now, asAttemptId("theirs")));
    const ours = await tasks.save(claimForPrepare(task, now, asAttemptId("ours")));
    expect(ours).toEqual({ ok: false, error: { reason: "stale" } });
  });
});

describe("a transaction conflict", () => {
  /** DynamoDB Local never conflicts by itself, so its answer is replaced. */
  async function conflicting(count: number, action: () => Promise<unknown>) {
    let left = count;
    table.client.middlewareStack.add(
      (next, context) => async (args) => {
        if (
          context.commandName !== TransactWriteItemsCommand.name &&
          context.commandName !== "TransactWriteCommand"
        )
          return next(args);
        if (left-- <= 0) return next(args);
        const { TransactionCanceledException } = await import("@aws-sdk/client-dynamodb");
        throw new TransactionCanceledException({
          message: "cancelled",
          $metadata: {},
          CancellationReasons: [{ Code: "None" }, { Code: "TransactionConflict" }],
        });
      },
      { step: "finalizeRequest", priority: "high", name: "conflict" },
    );
    try {
      await action();
    } finally {
      table.client.middlewareStack.remove("conflict");
    }
  }

  it("is repeated, and never taken for a refusal", async () => {
    const { tasks } = stores();
    const task = aTask();
    await conflicting(5, async () => {
      expect((await tasks.create(task, aContent(task))).ok).toBe(true);
    });
    expect(await tasks.get(task.id)).toMatchObject({ version: 1 });
  });

  it("that does not end is a fault: nothing took effect", async () => {
    const { tasks } = stores();
    const task = aTask();
    await conflicting(1_000, async () => {
      await expect(tasks.create(task, aContent(task))).rejects.toMatchObject({
        code: "dependency-unavailable",
        retry: "backoff",
      });
    });
    expect(await tasks.get(task.id)).toBeUndefined();
  });
});
