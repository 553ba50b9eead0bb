import { describe, expect, it, vi } from "vitest";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import { asAccountId, asOwnerId, asProjectId, asTaskId } from "#shared/domain/ids.ts";
import { DEFAULT_LATE_POLICY } from "#shared/domain/task.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { createCreateTask } from "#shared/usecases/create-task.ts";
import { createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryBatches } from "#test/support/in-memory-batches.ts";
import { createInMemoryFingerprints } from "#test/support/in-memory-fingerprints.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ownerId = asOwnerId("anne");
const accountId = asAccountId("anne.main");
const wanted = {
  ownerId,
  project: "default",
  texts: ["hello"],
  publishAt: "now",
  priority: 5,
  language: "zh",
  latePolicy: DEFAULT_LATE_POLICY,
  maxRetries: 3,
};

async function setUp(ids: readonly string[], accountOwner = ownerId) {
  const clock = manualClock();
  const store = createInMemoryStore(clock);
  const accounts = createInMemoryAccounts();
  await accounts.saveAccount({
    id: accountId,
    ownerId: accountOwner,
    name: "main",
    maxTextLength: 280,
    status: "active",
    version: 1,
  });
  await accounts.addProject({
    id: asProjectId("project-1"),
    ownerId,
    name: "default",
    timeZone: "UTC",
    accountIds: [accountId],
    defaultAccountId: accountId,
  });
  const batches = createInMemoryBatches();
  const left = [...ids];
  const arrange = vi.fn(async () => ({
    publish: { by: "queue" as const, delayMs: 0 },
    firstAt: clock.now(),
  }));
  const tasks: TaskStore = {
    ...store.tasks,
    async create(task, content, together) {
      if (task.batchId) expect(await batches.get(task.batchId)).toBeDefined();
      return store.tasks.create(task, content, together);
    },
  };
  const placePost = createPlacePost({
    tasks,
    planSlot: createPlanSlot({ tasks, accounts, clock }),
    fingerprints: createInMemoryFingerprints(clock),
    arrange,
    clock,
    entropy: { newId: () => left.shift() ?? "more", random: () => 0 },
    report: vi.fn(),
  });
  const create = createCreateTask({ accounts, batches, placePost, clock });
  return { ...store, accounts, batches, create, arrange };
}

describe("createTask", () => {
  it("leaves the account open, and keeps what is to be done about a lost answer", async () => {
    const { create, tasks } = await setUp(["a", "log-1", "b", "log-2"]);
    await create({ ...wanted, account: "any", reconcile: "hold" });
    expect(await tasks.get(asTaskId("a"))).toMatchObject({ accountId, pool: "open", reconcile: "hold" });
    await create(wanted);
    const plain = await tasks.get(asTaskId("b"));
    expect(plain).not.toHaveProperty("pool");
    expect(plain).not.toHaveProperty("reconcile");
  });

  it("refuses a thread that would run into a blackout, and stores nothing", async () => {
    const { create, accounts, snapshot } = await setUp(["a", "log-1"]);
    await accounts.setPolicy(asProjectId("project-1"), { blackout: { fromHour: 2, toHour: 3 } });
    const late = { ...wanted, texts: ["one", "two"], publishAt: "2026-12-01T01:59:58Z" };
    expect(await create(late)).toMatchObject({ ok: false, error: { code: "thread-meets-blackout" } });
    expect(snapshot()["tasks"]).toEqual({});
    expect(await create({ ...late, texts: ["one"] })).toMatchObject({ ok: true });
  });

  it("takes another id when one is taken, and leaves the other task alone", async () => {
    const { create, tasks, arrange } = await setUp(["a", "log-1", "a", "log-2", "b", "log-3"]);
    await create(wanted);
    const first = await tasks.get("a" as never);
    const second = await create({ ...wanted, texts: ["again"] });
    expect(second.ok && second.value.task.id).toBe("b");
    expect(await tasks.get("a" as never)).toEqual(first);
    expect(arrange).toHaveBeenCalledTimes(2);
  });

  it("gives up when every id is taken, rather than to loop", async () => {
    const { create } = await setUp(["more", "log"]);
    await create(wanted);
    await expect(create(wanted)).rejects.toThrow("3 new ids were taken");
  });

  it("arranges what it stored, and only that", async () => {
    const { create, arrange, snapshot } = await setUp(["a"]);
    const refused = await create({ ...wanted, texts: ["x".repeat(281)] });
    expect(refused).toMatchObject({ ok: false, error: { reason: "bad-text", code: "text-too-long" } });
    expect(arrange).not.toHaveBeenCalled();
    expect(snapshot()["tasks"]).toEqual({});
    const created = await create(wanted);
    expect(arrange).toHaveBeenCalledWith(created.ok && created.value.task, []);
  });

  it("does not post with a default account that belongs to somebody else", async () => {
    const { create, snapshot } = await setUp(["a"], asOwnerId("bela"));
    expect(await create(wanted)).toMatchObject({ ok: false, error: { reason: "unknown-account" } });
    expect(snapshot()["tasks"]).toEqual({});
  });

  it("makes the batch that a task names before the task, once", async () => {
    const { create, batches, tasks } = await setUp(["a", "log-1", "b"]);
    const id = batchIdFor(ownerId, "spring");
    const first = await create({ ...wanted, batch: "spring" });
    const made = await batches.get(id);
    expect(made).toMatchObject({ ownerId, name: "spring" });
    await create({ ...wanted, batch: "spring" });
    expect(await batches.get(id)).toEqual(made);
    for (const taskId of ["a", "b"]) expect(await tasks.get(taskId as never)).toMatchObject({ batchId: id });
    expect(first.ok && first.value.task.batchId).toBe(id);
    const alone = await create({ ...wanted });
    expect(alone.ok && alone.value.task).not.toHaveProperty("batchId");
  });
});
