import { TransactionConflictException } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoKeyStore } from "#shared/adapters/dynamodb/key-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { asKeyHash } from "#shared/domain/api-key.ts";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { accountStoreContract } from "#test/contracts/account-store.ts";
import { keyStoreContract } from "#test/contracts/key-store.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

const accounts = () => createDynamoAccountStore({ ...table, clock, entropy });
const tasks = () => createDynamoTaskStore({ ...table, clock, entropy });
const keys = () => createDynamoKeyStore({ ...table, clock, entropy });

accountStoreContract("DynamoDB", () => ({ accounts: accounts(), tasks: tasks() }));
keyStoreContract("DynamoDB", keys);

/** Throws the next answer away after the write took effect; the SDK then repeats it. */
async function losingAnAnswer<Value>(action: () => Promise<Value>): Promise<Value> {
  let lost = false;
  table.client.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      if (lost) return answer;
      lost = true;
      throw Object.assign(new Error("socket hang up"), { name: "TimeoutError", code: "ECONNRESET" });
    },
    { step: "deserialize", priority: "low", name: "loseAnswer" },
  );
  try {
    return await action();
  } finally {
    table.client.middlewareStack.remove("loseAnswer");
    expect(lost).toBe(true);
  }
}

describe("a write that won although its answer was lost", () => {
  it("counts as ours: an account", async () => {
    const account = {
      id: asAccountId("lost"),
      ownerId: asOwnerId("o"),
      name: "main",
      maxTextLength: 280,
      status: "active",
      version: 1,
    } as const;
    expect(await losingAnAnswer(() => accounts().saveAccount(account))).toMatchObject({ ok: true });
  });

  it("changes an account once: a pause", async () => {
    const id = asAccountId("lost-pause");
    const account = { id, ownerId: asOwnerId("o"), name: "main", maxTextLength: 280, version: 1 } as const;
    await accounts().saveAccount({ ...account, status: "active" });
    const until = new Date("2026-12-02T00:00:00.000Z");
    const reason = { code: "spend-cap-reached", message: "Spent.", remedy: "Wait." };
    await losingAnAnswer(() => accounts().deactivateAccount(id, { status: "paused", reason, until }));
    const paused = { ...account, status: "paused", reason, pausedUntil: until, wakeAt: until, version: 2 };
    expect(await accounts().getAccount(id)).toEqual(paused);
  });

  it("counts as ours: a project", async () => {
    const project = {
      id: asProjectId("lost"),
      ownerId: asOwnerId("o"),
      name: "lost",
      timeZone: "UTC",
      accountIds: [asAccountId("lost")],
      defaultAccountId: asAccountId("lost"),
    };
    expect(await losingAnAnswer(() => accounts().addProject(project))).toMatchObject({ ok: true });
    const next = { version: 1, policy: { dailyMax: 1 }, timeZone: "UTC", savedAt: new Date(0), savedBy: "o" };
    const saved = await losingAnAnswer(() => accounts().savePolicy(project.id, next));
    expect(saved).toEqual({ ok: true, value: undefined });
    expect(await accounts().listPolicyVersions(project.id, 10)).toEqual([next]);
  });
});

describe("in the table", () => {
  it("a project whose id is taken is a bug, not a taken name", async () => {
    const project = {
      id: asProjectId("twice"),
      ownerId: asOwnerId("o"),
      name: "first",
      timeZone: "UTC",
      accountIds: [asAccountId("a")],
      defaultAccountId: asAccountId("a"),
    };
    await accounts().addProject(project);
    await expect(accounts().addProject({ ...project, name: "second" })).rejects.toThrow(RangeError);
    expect(await accounts().listFolders()).not.toContain("second");
  });

  it("a note of a key's use gives way to whoever revokes the key", async () => {
    const hash = asKeyHash("b".repeat(64));
    const key = {
      hash,
      ownerId: asOwnerId("conflict"),
      name: "ci",
      scopes: ["read"],
      createdAt: new Date(0),
    } as const;
    await keys().add(key);
    table.client.middlewareStack.add(
      () => async () => {
        throw new TransactionConflictException({ message: "in use", $metadata: {} });
      },
      { step: "finalizeRequest", priority: "high", name: "conflict" },
    );
    try {
      await keys().touch(hash, new Date());
    } finally {
      table.client.middlewareStack.remove("conflict");
    }
    expect(await keys().get(hash)).toEqual(key);
  });
});
