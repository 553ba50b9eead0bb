import { QueryCommand, TransactWriteCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDynamoPublisherSlots } from "#shared/adapters/dynamodb/publisher-slots.ts";
import { createDynamoSettingsStore } from "#shared/adapters/dynamodb/settings-store.ts";
import { createDynamoTotalsStore } from "#shared/adapters/dynamodb/totals-store.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { asAttemptId } from "#shared/domain/ids.ts";
import { DEFAULT_SETTINGS } from "#shared/domain/settings.ts";
import { publisherSlotsContract } from "#test/contracts/publisher-slots.ts";
import { settingsStoreContract } from "#test/contracts/settings-store.ts";
import { totalsStoreContract } from "#test/contracts/totals-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

/** A deployment has one of each, so every test starts without what the one before has written. */
async function empty(...partitions: readonly string[]): Promise<void> {
  for (const pk of partitions) {
    const { Items = [] } = await table.documents.send(
      new QueryCommand({
        TableName: table.tableName,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": pk },
      }),
    );
    const items = Items.map((item) => ({
      Delete: { TableName: table.tableName, Key: { pk: item["pk"], sk: item["sk"] } },
    }));
    if (items.length > 0) await table.documents.send(new TransactWriteCommand({ TransactItems: items }));
  }
}

const clock = manualClock();
beforeEach(() => clock.set("2026-12-01T01:00:00.000Z"));

settingsStoreContract("DynamoDB", async () => {
  await empty("SETTINGS");
  return createDynamoSettingsStore({ ...table, clock, entropy });
});
publisherSlotsContract("DynamoDB", async () => {
  await empty("PUBLISHERS");
  return { slots: createDynamoPublisherSlots({ ...table, clock, entropy }), clock };
});
totalsStoreContract("DynamoDB", async () => {
  await empty("TOTALS", "TOTALS#2026-12-01", "TOTALS#2026-12-02");
  return { totals: createDynamoTotalsStore({ ...table, clock }), clock };
});

/** Runs `action` and counts the commands that it sends. */
async function countCommands(action: () => Promise<unknown>): Promise<readonly string[]> {
  const sent: string[] = [];
  table.client.middlewareStack.add(
    (next, context) => async (args) => {
      sent.push(context.commandName ?? "");
      return next(args);
    },
    { step: "initialize", name: "countCommands" },
  );
  try {
    await action();
  } finally {
    table.client.middlewareStack.remove("countCommands");
  }
  return sent;
}

describe("a slot", () => {
  it("costs whoever posts alone one write, and one to give it back", async () => {
    await empty("PUBLISHERS");
    const slots = createDynamoPublisherSlots({ ...table, clock, entropy });
    const holder = asAttemptId("alone");
    let slot: number | undefined;
    const taken = await countCommands(async () => {
      slot = await slots.take(holder, 10);
    });
    const given = await countCommands(() => slots.giveBack(slot ?? Number.NaN, holder));
    expect([taken, given].map((commands) => commands.map((name) => name.replace("Command", "")))).toEqual([
      ["UpdateItem"],
      ["UpdateItem"],
    ]);
  });

  it("is taken although the answer was lost: the repeat finds its own name there", async () => {
    await empty("PUBLISHERS");
    let lost = 0;
    table.client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        if (lost++ > 0) return answer;
        throw Object.assign(new Error("socket hang up"), { name: "TimeoutError", code: "ECONNRESET" });
      },
      { step: "deserialize", priority: "low", name: "loseAnswer" },
    );
    const slots = createDynamoPublisherSlots({ ...table, clock, entropy });
    try {
      expect(await slots.take(asAttemptId("ours"), 1)).toBe(0);
    } finally {
      table.client.middlewareStack.remove("loseAnswer");
    }
    expect(lost).toBe(2);
    expect(await slots.take(asAttemptId("other"), 1)).toBeUndefined();
  });
});

describe("settings of another release", () => {
  it("are read as far as this one knows them", async () => {
    await empty("SETTINGS");
    const store = createDynamoSettingsStore({ ...table, clock, entropy });
    const saved = { version: 1, savedAt: clock.now(), savedBy: "key 1" };
    await store.save({ ...saved, values: DEFAULT_SETTINGS, changed: [] });
    await table.documents.send(
      new UpdateCommand({
        TableName: table.tableName,
        Key: { pk: "SETTINGS", sk: "CURRENT" },
        UpdateExpression: "SET #values = :values, changed = :changed",
        ExpressionAttributeNames: { "#values": "values" },
        ExpressionAttributeValues: {
          ":values": { batchSize: 20, workers: 7, concurrentPublishers: 500 },
          ":changed": [
            { name: "workers", from: 1, to: 7 },
            { name: "batchSize", from: 50, to: 20 },
          ],
        },
      }),
    );
    expect(await store.get()).toEqual({
      ...saved,
      values: { ...DEFAULT_SETTINGS, batchSize: 20, concurrentPublishers: 50 },
      changed: [{ name: "batchSize", from: 50, to: 20 }],
    });
  });
});
