import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { POOL_STATUSES } from "#shared/domain/publish-pool.ts";
import { TASK_STATUSES, type Task } from "#shared/domain/task.ts";
import { createListPool } from "#shared/usecases/list-pool.ts";
import { createReadPoolStats } from "#shared/usecases/read-pool-stats.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryPoolCounts } from "#test/support/in-memory-pool-counts.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ownerId = asOwnerId("anne");
const START = new Date("2026-12-01T01:00:00Z").getTime();

async function setUp() {
  const clock = manualClock();
  const { tasks } = createInMemoryStore(clock);
  const accounts = createInMemoryAccounts();
  for (const [owner, name] of [
    ["anne", "one"],
    ["anne", "two"],
    ["bela", "other"],
  ] as const)
    await accounts.addProject({
      id: asProjectId(name),
      ownerId: asOwnerId(owner),
      name,
      timeZone: "UTC",
      accountIds: [],
      defaultAccountId: asAccountId("a"),
    });
  const show = createShowTasks({ tasks, accounts });
  return {
    tasks,
    async put(over: Partial<Task>) {
      const task = aTask({ ownerId, projectId: asProjectId("one"), ...over });
      await tasks.create(task, aContent(task));
      return task;
    },
    list: createListPool({ tasks, accounts, show }),
    stats: createReadPoolStats({ counts: createInMemoryPoolCounts(tasks), accounts }),
  };
}

describe("listPool", () => {
  it("gives every waiting task of the owner once, by slot, whatever the size of a page", async () => {
    const entry = fc.record({
      project: fc.constantFrom("one", "two"),
      status: fc.constantFrom(...TASK_STATUSES),
      minute: fc.nat(5),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        async (entries, limit) => {
          const { list, put } = await setUp();
          const made = await Promise.all(
            entries.map(({ project, status, minute }) =>
              put({
                projectId: asProjectId(project),
                status,
                slotAt: new Date(START + minute * 60_000),
              }),
            ),
          );
          await put({ ownerId: asOwnerId("bela"), projectId: asProjectId("other") });
          const expected = made
            .filter(({ status }) => POOL_STATUSES.includes(status))
            .toSorted((a, b) => a.slotAt.getTime() - b.slotAt.getTime() || (a.id < b.id ? -1 : 1))
            .map(({ id }) => id);
          const found: string[] = [];
          let cursor: string | undefined;
          do {
            const page = await list({ ownerId, limit, cursor });
            if (!page.ok) throw new Error(page.error.reason);
            expect(page.value.items.length).toBeLessThanOrEqual(limit);
            found.push(...page.value.items.map(({ task }) => task.id));
            cursor = page.value.next;
          } while (cursor !== undefined);
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("shows one project when asked, and none of another owner", async () => {
    const { list, put } = await setUp();
    await put({ projectId: asProjectId("two") });
    const own = await put({});
    const page = await list({ ownerId, project: "one", limit: 10 });
    expect(page.ok && page.value.items.map(({ task }) => task.id)).toEqual([own.id]);
    expect(await list({ ownerId, project: "other", limit: 10 })).toMatchObject({
      error: { reason: "unknown-project", known: ["one", "two"] },
    });
  });

  it("shows a task once that moves between two reads, and skips nobody behind it", async () => {
    const { tasks, put } = await setUp();
    const first = await put({ slotAt: new Date(START) });
    const second = await put({ slotAt: new Date(START + 30_000) });
    const third = await put({ slotAt: new Date(START + 60_000), status: "ready" });
    const moved = { ...first, status: "held", slotAt: new Date(START + 120_000) } as const;
    const racing = createListPool({
      tasks: {
        async list(query) {
          const page = await tasks.list(query);
          return query.by === "project" && query.status === "held" ? { items: [moved] } : page;
        },
      },
      accounts: await accountsOf(),
      show: async (found) => found.map((task) => ({ task }) as never),
    });
    const ids: string[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < 9; pages++) {
      const page = await racing({ ownerId, project: "one", limit: 1, cursor });
      if (!page.ok) throw new Error(page.error.reason);
      ids.push(...page.value.items.map(({ task }) => task.id));
      cursor = page.value.next;
      if (cursor === undefined) break;
    }
    expect(ids).toEqual([second.id, third.id, first.id]);
  });

  it("refuses a cursor that is no position", async () => {
    const { list } = await setUp();
    expect(await list({ ownerId, limit: 10, cursor: "nonsense" })).toEqual({
      ok: false,
      error: { reason: "bad-cursor" },
    });
  });
});

async function accountsOf() {
  const accounts = createInMemoryAccounts();
  await accounts.addProject({
    id: asProjectId("one"),
    ownerId,
    name: "one",
    timeZone: "UTC",
    accountIds: [],
    defaultAccountId: asAccountId("a"),
  });
  return accounts;
}

describe("readPoolStats", () => {
  it("counts what the list shows, and what became of the others", async () => {
    const { list, stats, put } = await setUp();
    for (const status of TASK_STATUSES) await put({ status });
    await put({ status: "published", projectId: asProjectId("two") });
    await put({ ownerId: asOwnerId("bela"), projectId: asProjectId("other") });
    const read = await stats(ownerId);
    expect(read).toEqual({
      ok: true,
      value: { total: 12, pending: 6, publishing: 2, published: 2, failed: 2, complete: true },
    });
    const page = await list({ ownerId, limit: 100 });
    expect(page.ok && page.value.items).toHaveLength(6);
    expect(await stats(ownerId, "two")).toMatchObject({ value: { total: 1, published: 1 } });
    expect(await stats(ownerId, "other")).toMatchObject({ error: { reason: "unknown-project" } });
  });
});
