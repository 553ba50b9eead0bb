import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { createListTasks } from "#shared/usecases/list-tasks.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ownerId = asOwnerId("anne");

async function setUp(count: number) {
  const store = createInMemoryStore(manualClock());
  const accounts = createInMemoryAccounts();
  await accounts.saveAccount({
    id: asAccountId("anne.main"),
    ownerId,
    name: "main",
    maxTextLength: 280,
    status: "active",
    version: 1,
  });
  for (let index = 0; index < count; index++) {
    const task = aTask({ ownerId, accountId: asAccountId("anne.main"), projectId: asProjectId("gone") });
    await store.tasks.create(task, aContent(task));
  }
  const list = createListTasks({
    tasks: store.tasks,
    accounts,
    show: createShowTasks({ tasks: store.tasks, accounts }),
  });
  return { ...store, accounts, list };
}

describe("listTasks", () => {
  it("reads every name once, however many tasks share it, and shows one that is gone by its id", async () => {
    const { list, accounts } = await setUp(45);
    const getAccount = vi.spyOn(accounts, "getAccount");
    const page = await list({ ownerId, filter: { by: "owner" }, limit: 100 });
    expect(page.ok && page.value.items).toHaveLength(45);
    expect(page.ok && page.value.items.at(-1)).toMatchObject({ project: "gone", account: "main" });
    expect(getAccount).toHaveBeenCalledOnce();
  });

  it("visits every task once, page by page", async () => {
    const { list } = await setUp(23);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list({ ownerId, filter: { by: "account", account: "main" }, limit: 5, cursor });
      if (!page.ok) throw new Error(page.error.reason);
      seen.push(...page.value.items.map(({ task }) => task.id));
      cursor = page.value.next;
    } while (cursor !== undefined);
    expect(seen).toHaveLength(23);
    expect(new Set(seen).size).toBe(23);
  });

  it("hands the store no position that no store ever gave", async () => {
    const { list, tasks } = await setUp(1);
    const query = vi.spyOn(tasks, "list");
    // The check is no secret: whoever reads the source can make one for any position.
    const subject = JSON.stringify({ by: "owner", ownerId });
    const forge = (position: string): string => {
      const check = createHash("sha256").update(`${ownerId}\n${subject}\n${position}`).digest("base64url");
      return `${Buffer.from(position).toString("base64url")}.${check.slice(0, 12)}`;
    };
    const real = forge("2026-12-01T01:10:00.000Z#01ARZ3NDEKTSV4RRFFQ69G5FAV");
    expect((await list({ ownerId, filter: { by: "owner" }, limit: 1, cursor: real })).ok).toBe(true);
    query.mockClear();
    for (const cursor of ["", ".", "x.y", forge(""), forge("#"), forge("a#b"), forge("x".repeat(3_000))])
      expect(await list({ ownerId, filter: { by: "owner" }, limit: 1, cursor })).toEqual({
        ok: false,
        error: { reason: "bad-cursor" },
      });
    expect(query).not.toHaveBeenCalled();
  });
});
