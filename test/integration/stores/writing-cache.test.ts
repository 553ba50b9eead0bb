import { afterAll, beforeAll } from "vitest";
import { createDynamoWritingCache } from "#shared/adapters/dynamodb/writing-cache.ts";
import { writingCacheContract } from "#test/contracts/writing-cache.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";

let table: TestTable;
beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table?.close());

writingCacheContract("DynamoDB", (clock) => createDynamoWritingCache({ ...table, clock }));
