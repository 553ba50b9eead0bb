import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { accountIdFor } from "#shared/domain/account.ts";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { TASK_STATUSES, type Task, type TaskStatus } from "#shared/domain/task.ts";
import { createListTasks, type TaskFilter } from "#shared/usecases/list-tasks.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ownerId = asOwnerId("anne");
const BELA = asOwnerId("bela");
const START = new Date("2026-12-01T00:00:00.000Z");
const NAMES = ["main", "second"] as const;
const PROJECTS = ["one", "two"] as const;
const at = (minutes: number): Date => new Date(START.getTime() + minutes * 60_000);

async function setUp(put: readonly Partial<Task>[]) {
  const store = createInMemoryStore(manualClock());
  const accounts = createInMemoryAccounts();
  for (const owner of [ownerId, BELA]) {
    for (const name of NAMES)
      await accounts.saveAccount({
        id: accountIdFor(owner, name),
        ownerId: owner,
        name,
        maxTextLength: 280,
        status: "active",
        version: 1,
      });
    for (const name of PROJECTS)
      await accounts.addProject({
        id: asProjectId(`${owner}-${name}`),
        ownerId: owner,
        name: owner === ownerId ? name : `${owner}-${name}`,
        timeZone: "UTC",
        accountIds: NAMES.map((account) => accountIdFor(owner, account)),
        defaultAccountId: accountIdFor(owner, "main"),
      });
  }
  const stored: Task[] = [];
  for (const over of put) {
    const owner = over.ownerId ?? ownerId;
    const task = aTask({
      ownerId: owner,
      projectId: asProjectId(`${owner}-one`),
      accountId: accountIdFor(owner, "main"),
      ...over,
    });
    await store.tasks.create(task, aContent(task));
    stored.push(task);
  }
  const query = vi.fn(store.tasks.list);
  const list = createListTasks({
    tasks: { list: query },
    accounts,
    show: createShowTasks({ tasks: store.tasks, accounts }),
  });

  /** Every page, as somebody gets them who follows `next`. */
  async function listAll(filter: TaskFilter, limit: number) {
    const seen: Task[] = [];
    const pages: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await list({ ownerId, filter, limit, cursor });
      if (!page.ok) throw new Error(page.error.reason);
      seen.push(...page.value.items.map(({ task }) => task));
      pages.push(page.value.items.length);
      cursor = page.value.next;
    } while (cursor !== undefined);
    return { seen, pages };
  }
  return { ...store, accounts, list, listAll, query, stored };
}

const filters: fc.Arbitrary<TaskFilter> = fc.record(
  {
    project: fc.constantFrom(...PROJECTS),
    account: fc.constantFrom(...NAMES),
    status: fc.constantFrom<TaskStatus>("pending", "held", "published"),
    from: fc.integer({ min: 0, max: 30 }).map(at),
    until: fc.integer({ min: 0, max: 30 }).map(at),
  },
  { requiredKeys: [] },
);

const puts: fc.Arbitrary<readonly Partial<Task>[]> = fc.array(
  fc
    .record({
      owner: fc.constantFrom(ownerId, ownerId, BELA),
      project: fc.constantFrom(...PROJECTS),
      account: fc.constantFrom(...NAMES),
      status: fc.constantFrom(...TASK_STATUSES, "held", "published", "pending"),
      // Several at the same instant.
      minutes: fc.integer({ min: 0, max: 30 }),
    })
    .map(({ owner, project, account, status, minutes }) => ({
      ownerId: owner,
      projectId: asProjectId(`${owner}-${project}`),
      accountId: accountIdFor(owner, account),
      status,
      slotAt: at(minutes),
    })),
  { maxLength: 40 },
);

describe("listTasks", () => {
  it("shows a task of a project once that changes its status between two reads", async () => {
    const { tasks, accounts, stored } = await setUp([{ slotAt: at(1) }, { slotAt: at(2), status: "held" }]);
    const [first, second] = stored;
    if (!first || !second) throw new RangeError("two tasks are needed");
    const moved: Task = { ...first, status: "published" };
    const racing = createListTasks({
      tasks: {
        list: async (query) =>
          query.by === "project" && query.status === "published" ? { items: [moved] } : tasks.list(query),
      },
      accounts,
      show: createShowTasks({ tasks, accounts }),
    });
    const page = await racing({ ownerId, filter: { project: "one" }, limit: 10 });
    expect(page.ok && page.value.items.map(({ task }) => task.id)).toEqual([first.id, second.id]);
  });

  it("shows what every filter asks for, each task once and in order, whatever the pages", async () => {
    await fc.assert(
      fc.asyncProperty(puts, filters, fc.integer({ min: 1, max: 7 }), async (put, filter, limit) => {
        const { listAll, stored } = await setUp(put);
        const { project, account, status, from, until } = filter;
        const wanted = stored
          .filter(
            (task) =>
              task.ownerId === ownerId &&
              (project === undefined || task.projectId === asProjectId(`anne-${project}`)) &&
              (account === undefined || task.accountId === accountIdFor(ownerId, account)) &&
              (status === undefined || task.status === status) &&
              (!from || task.slotAt >= from) &&
              (!until || task.slotAt < until),
          )
          .toSorted((a, b) => a.slotAt.getTime() - b.slotAt.getTime() || (a.id < b.id ? -1 : 1));
        const { seen, pages } = await listAll(filter, limit);
        expect(seen).toEqual(wanted);
        // The last page promises no more.
        expect(pages).toHaveLength(Math.max(1, Math.ceil(wanted.length / limit)));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    [{}, 1],
    [{ account: "main" }, 1],
    [{ project: "one", status: "held" }, 1],
    [{ project: "one" }, TASK_STATUSES.length],
  ] as const)(
    "asks the indexes for a page of %o %i times, and for no more than the page",
    async (filter, queries) => {
      const { list, query } = await setUp(
        Array.from({ length: 60 }, (_, index) => ({ slotAt: at(index), status: "held" as const })),
      );
      const page = await list({ ownerId, filter, limit: 10 });
      expect(page.ok && page.value.items).toHaveLength(10);
      expect(query).toHaveBeenCalledTimes(queries);
      // One more tells whether another page follows.
      for (const [{ limit }] of query.mock.calls) expect(limit).toBe(11);
    },
  );

  it.each([
    { status: "held" },
    { account: "main", status: "held" },
    { account: "main", project: "two" },
  ] as const)(
    "looks through 1,000 tasks at most for a page of %o, and goes on with the next one",
    async (filter) => {
      const others = Array.from({ length: 1_050 }, (_, index) => ({ slotAt: at(index) }));
      const wanted = {
        slotAt: at(2_000),
        status: "held" as const,
        projectId: asProjectId("anne-two"),
      };
      const { list, listAll, query } = await setUp([...others, wanted]);
      const page = await list({ ownerId, filter, limit: 5 });
      expect(page).toMatchObject({ ok: true, value: { items: [], next: expect.any(String) } });
      expect(query).toHaveBeenCalledTimes(10);
      expect((await listAll(filter, 5)).seen).toHaveLength(1);
    },
  );

  it("reads nothing after the end of the range", async () => {
    const { list, query } = await setUp(Array.from({ length: 500 }, (_, index) => ({ slotAt: at(index) })));
    const page = await list({ ownerId, filter: { status: "held", until: at(50) }, limit: 5 });
    expect(page).toEqual({ ok: true, value: { items: [] } });
    expect(query).toHaveBeenCalledTimes(1);
  });

  it("shows nobody else's task, whatever project and account it says that it is of", async () => {
    const { list } = await setUp([
      { ownerId: BELA, projectId: asProjectId("anne-one"), accountId: accountIdFor(ownerId, "main") },
    ]);
    for (const filter of [
      { project: "one" },
      { account: "main" },
      { project: "one", status: "pending" } as const,
    ])
      expect(await list({ ownerId, filter, limit: 5 })).toEqual({ ok: true, value: { items: [] } });
  });

  it("knows nobody else's projects and accounts", async () => {
    const { list, query } = await setUp([]);
    expect(await list({ ownerId, filter: { project: "bela-one" }, limit: 5 })).toMatchObject({
      ok: false,
      error: { reason: "unknown-project", name: "bela-one", known: ["one", "two"] },
    });
    expect(await list({ ownerId, filter: { account: "third" }, limit: 5 })).toEqual({
      ok: false,
      error: { reason: "unknown-account", name: "third" },
    });
    expect(query).not.toHaveBeenCalled();
  });

  it("reads every name once, however many tasks share it, and shows one that is gone by its id", async () => {
    const gone = Array.from({ length: 45 }, () => ({ projectId: asProjectId("gone") }));
    const { list, accounts } = await setUp(gone);
    const getAccount = vi.spyOn(accounts, "getAccount");
    const page = await list({ ownerId, filter: {}, limit: 100 });
    expect(page.ok && page.value.items).toHaveLength(45);
    expect(page.ok && page.value.items.at(-1)).toMatchObject({ project: "gone", account: "main" });
    expect(getAccount).toHaveBeenCalledOnce();
  });
});
