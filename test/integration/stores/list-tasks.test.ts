import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import { asOwnerId, asProjectId, asTaskId } from "#shared/domain/ids.ts";
import type { Task } from "#shared/domain/task.ts";
import { createListTasks, type TaskFilter } from "#shared/usecases/list-tasks.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";

const OWNER = asOwnerId("anne");
const PROJECT = asProjectId("anne-one");
const at = (minutes: number): Date => new Date(Date.UTC(2026, 11, 1, 0, minutes));
let table: TestTable;

beforeAll(async () => {
  table = await startTestTable();
});
afterAll(() => table.close());

/**
 * Lists are merged, and begin in their middle, by positions at which an index may hold nothing: only the real database can
 * show that it goes on from there.
 */
describe("the lists of tasks, on DynamoDB", () => {
  it("show every task of each filter once, in order, whatever the pages", async () => {
    const clock = manualClock();
    let serial = 0;
    const entropy = { newId: () => `write-${++serial}`, random: () => 0.5 };
    const tasks = createDynamoTaskStore({
      documents: table.documents,
      tableName: table.tableName,
      clock,
      entropy,
    });
    const accounts = createInMemoryAccounts();
    for (const name of ["main", "second"])
      await accounts.saveAccount({
        id: accountIdFor(OWNER, name),
        ownerId: OWNER,
        name,
        maxTextLength: 280,
        status: "active",
        version: 1,
      });
    await accounts.addProject({
      id: PROJECT,
      ownerId: OWNER,
      name: "one",
      timeZone: "UTC",
      accountIds: [accountIdFor(OWNER, "main"), accountIdFor(OWNER, "second")],
      defaultAccountId: accountIdFor(OWNER, "main"),
    });

    const stored: Task[] = [];
    for (let index = 0; index < 36; index++) {
      const task = aTask({
        // ULIDs in no order of their slots.
        id: asTaskId(`01JZ${((index * 7) % 36).toString().padStart(22, "0")}`),
        ownerId: OWNER,
        projectId: index % 5 === 0 ? asProjectId("anne-other") : PROJECT,
        accountId: accountIdFor(OWNER, index % 3 === 0 ? "second" : "main"),
        status: (["pending", "held", "published", "failed"] as const)[index % 4] ?? "pending",
        slotAt: at(Math.floor(index / 3)),
        ...(index === 0 && { retryOf: asTaskId("01ARZ3NDEKTSV4RRFFQ69G5FAV") }),
      });
      await tasks.create(task, aContent(task));
      stored.push(task);
    }
    const ordered = stored.toSorted(
      (a, b) => a.slotAt.getTime() - b.slotAt.getTime() || (a.id < b.id ? -1 : 1),
    );
    const list = createListTasks({ tasks, accounts, show: createShowTasks({ tasks, accounts }) });

    const filters: TaskFilter[] = [
      {},
      { project: "one" },
      { account: "main" },
      { status: "held" },
      { project: "one", status: "held" },
      { account: "main", status: "published" },
      { project: "one", account: "second" },
    ];
    const ranges = [{}, { from: at(2), until: at(9) }];
    for (const filter of filters)
      for (const range of ranges)
        for (const limit of [4, 50]) {
          const wanted = ordered.filter(
            ({ slotAt, status, projectId, accountId }) =>
              (filter.status ?? status) === status &&
              (filter.project === undefined || projectId === PROJECT) &&
              (filter.account === undefined || accountId === accountIdFor(OWNER, filter.account)) &&
              (!("from" in range) || !range.from || slotAt >= range.from) &&
              (!("until" in range) || !range.until || slotAt < range.until),
          );
          const seen: Task[] = [];
          let cursor: string | undefined;
          do {
            const page = await list({ ownerId: OWNER, filter: { ...filter, ...range }, limit, cursor });
            if (!page.ok) throw new Error(page.error.reason);
            seen.push(...page.value.items.map(({ task }) => task));
            cursor = page.value.next;
          } while (cursor !== undefined);
          expect(seen, JSON.stringify([filter, range, limit])).toEqual(wanted);
        }
  });
});
