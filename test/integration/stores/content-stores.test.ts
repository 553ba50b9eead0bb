import { afterAll, beforeAll } from "vitest";
import { createDynamoDraftStore } from "#shared/adapters/dynamodb/draft-store.ts";
import { createDynamoMediumStore } from "#shared/adapters/dynamodb/medium-store.ts";
import { createDynamoPoolCounts } from "#shared/adapters/dynamodb/pool-counts.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { draftStoreContract } from "#test/contracts/draft-store.ts";
import { mediumStoreContract } from "#test/contracts/medium-store.ts";
import { poolCountsContract } from "#test/contracts/pool-counts.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
const clock = manualClock();

beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

draftStoreContract("DynamoDB", () => createDynamoDraftStore({ ...table, clock, entropy }));
mediumStoreContract("DynamoDB", () => ({
  clock,
  media: createDynamoMediumStore({ ...table, clock, entropy }),
}));
poolCountsContract("DynamoDB", () => ({
  tasks: createDynamoTaskStore({ ...table, clock, entropy }),
  counts: createDynamoPoolCounts(table),
  bounded: createDynamoPoolCounts({ ...table, pageSize: 3, maxPages: 2 }),
}));
