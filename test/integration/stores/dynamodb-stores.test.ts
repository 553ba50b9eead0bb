import { type DynamoDBClient, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoCircuitStore } from "#shared/adapters/dynamodb/circuit-store.ts";
import { createDynamoDropStore } from "#shared/adapters/dynamodb/drop-store.ts";
import { createDynamoMediaProgressStore } from "#shared/adapters/dynamodb/media-progress-store.ts";
import { createDynamoSharedCounters } from "#shared/adapters/dynamodb/shared-counters.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { confirm, newGate, reserve } from "#shared/domain/gate.ts";
import { asAccountId, asAttemptId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { claimForPrepare, recordPosted, startPosting } from "#shared/domain/moves.ts";
import type { Task } from "#shared/domain/task.ts";
import type { CircuitStore } from "#shared/ports/circuit-store.ts";
import { dropStoreContract } from "#test/contracts/drop-store.ts";
import { mediaProgressStoreContract } from "#test/contracts/media-progress-store.ts";
import { circuitStoreContract, sharedCountersContract } from "#test/contracts/shared-counters.ts";
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

const counters = () => createDynamoSharedCounters({ ...table, entropy });
sharedCountersContract("DynamoDB", counters);

/** There is one circuit in a table: each test starts as if nobody had written it. */
async function freshCircuits(): Promise<CircuitStore> {
  const Key = { pk: "CIRCUIT#x", sk: "CIRCUIT" };
  await table.documents.send(new DeleteCommand({ TableName: table.tableName, Key }));
  return createDynamoCircuitStore({ ...table, entropy });
}
circuitStoreContract("DynamoDB", freshCircuits);

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

const now = new Date("2026-12-01T01:00:00.000Z");
const placeFor = (task: Task) =>
  reserve(newGate(task.accountId), {
    taskId: task.id,
    attemptId: asAttemptId("ours"),
    ownerId: task.ownerId,
    now,
    units: 1,
    policy: {},
  });

describe("a write that won although its answer was lost", () => {
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

  it("counts as ours: a transaction, whose gate is reserved once and does not count as somebody else's", async () => {
    const { tasks } = stores();
    const task = aTask({ accountId: asAccountId("lost-2") });
    await losingAnswers(table.client, 1, async () => {
      expect((await tasks.create(task, aContent(task))).ok).toBe(true);
    });
    await losingAnswers(table.client, 2, async () => {
      const intent = startPosting(task, now, { attemptId: asAttemptId("ours"), requestHash: "ff" });
      const log = { at: now, attemptId: asAttemptId("ours"), step: "publish", status: "posting" } as const;
      expect(await tasks.save(intent, { gate: placeFor(task), log })).toEqual({ ok: true, value: undefined });
    });
    expect(await tasks.get(task.id)).toMatchObject({ version: 2, status: "posting" });
    expect(await tasks.getGate(task.accountId)).toEqual(placeFor(task));
    expect(await tasks.getLog(task.id)).toHaveLength(1);
  });

  it("counts as ours: the settlement of a post, with its gate and its id", async () => {
    const { tasks } = stores();
    const task = aTask({ accountId: asAccountId("lost-3") });
    await tasks.create(task, aContent(task));
    const posting = startPosting(task, now, { attemptId: asAttemptId("ours"), requestHash: "ff" });
    const reserved = placeFor(task);
    await tasks.save(posting, { gate: reserved });
    const { accountId, id: taskId } = task;
    const gate = confirm(reserved, { taskId, at: now, postId: "1999", isLast: true });
    const done = recordPosted(posting, now, { postId: "1999", sentAt: now });
    await losingAnswers(table.client, 1, async () => {
      const saved = await tasks.save(done, { gate, adopt: { accountId, postId: "1999" } });
      expect(saved).toEqual({ ok: true, value: undefined });
    });
    expect(await tasks.getGate(accountId)).toEqual(gate);
  });

  it("does not make a gate ours that somebody else wrote first", async () => {
    const { tasks } = stores();
    const [task, rival] = [
      aTask({ accountId: asAccountId("lost-4") }),
      aTask({ accountId: asAccountId("lost-4") }),
    ];
    for (const one of [task, rival]) await tasks.create(one, aContent(one));
    const intentOf = (one: Task) =>
      startPosting(one, now, { attemptId: asAttemptId("x"), requestHash: "ff" });
    await tasks.save(intentOf(rival), { gate: placeFor(rival) });
    expect(await tasks.save(intentOf(task), { gate: placeFor(task) })).toEqual({
      ok: false,
      error: { reason: "gate-stale" },
    });
    expect(await tasks.getGate(task.accountId)).toEqual(placeFor(rival));
  });

  it("counts as ours: the circuit of X", async () => {
    const circuits = await freshCircuits();
    await losingAnswers(table.client, 1, async () => {
      expect(await circuits.save({ failures: 1, version: 1 })).toEqual({ ok: true, value: undefined });
    });
    expect(await circuits.get()).toEqual({ failures: 1, version: 1 });
  });

  it("may count more of a shared counter than was taken, and never less than is used", async () => {
    const month = (project: string) =>
      ({
        kind: "project-spend",
        ownerId: asOwnerId("lost"),
        projectId: asProjectId(project),
        month: "2026-12",
      }) as const;
    await losingAnswers(table.client, 1, async () => {
      expect(await counters().take(month("lost-take"), 5, 100)).toBe(true);
    });
    expect(await counters().read(month("lost-take"))).toBeGreaterThanOrEqual(5);

    await counters().take(month("lost-return"), 30, 100);
    await losingAnswers(table.client, 1, () => counters().giveBack(month("lost-return"), 10));
    expect(await counters().read(month("lost-return"))).toBe(20);
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
