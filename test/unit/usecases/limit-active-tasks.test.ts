import { describe, expect, it, vi } from "vitest";
import type { Project } from "#shared/domain/account.ts";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { cancel } from "#shared/domain/moves.ts";
import { SETTINGS, type Settings } from "#shared/domain/settings.ts";
import { ok } from "#shared/result.ts";
import type { CreatedTask, NewTask } from "#shared/usecases/create-task.ts";
import { limitActiveTasks } from "#shared/usecases/limit-active-tasks.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryPoolCounts } from "#test/support/in-memory-pool-counts.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ownerId = asOwnerId("anne");
const projectId = asProjectId("anne-default");
const POST = { ownerId } as NewTask;
const FULL = { ok: false, error: { reason: "too-many-active-tasks", most: 3 } };

function setUp() {
  const clock = manualClock();
  const { tasks } = createInMemoryStore(clock);
  const accounts = { listProjects: async () => [{ id: projectId } as Project] };
  const counts = createInMemoryPoolCounts(tasks);
  const counting = vi.spyOn(counts, "count");
  const defaults = Object.fromEntries(Object.entries(SETTINGS).map(([name, range]) => [name, range.default]));
  const settings = { current: async () => ({ ...(defaults as Settings), activeTasksPerOwner: 3 }) };
  const putOne = async () => {
    const task = aTask({ ownerId, projectId });
    await tasks.create(task, aContent(task));
    return task;
  };
  const createTask = async () => ok({ task: await putOne() } as CreatedTask);
  const open = () => limitActiveTasks({ createTask, accounts, counts, settings, clock });
  return { clock, tasks, counting, putOne, open, create: open() };
}

describe("active tasks of an owner", () => {
  it("are as many as the setting says, also of those that come at once, and counted once", async () => {
    const { create, putOne, counting, tasks } = setUp();
    await putOne();
    const answers = await Promise.all(Array.from({ length: 5 }, () => create(POST)));
    expect(answers.filter((answer) => answer.ok)).toHaveLength(2);
    expect(answers.filter((answer) => !answer.ok)).toEqual([FULL, FULL, FULL]);
    expect((await tasks.list({ by: "owner", ownerId, limit: 9 })).items).toHaveLength(3);
    const perCount = new Set(counting.mock.calls.map(([, status]) => status)).size;
    expect(counting).toHaveBeenCalledTimes(perCount);
  });

  it("make room when one ends, which is seen within seconds", async () => {
    const { create, putOne, tasks, clock } = setUp();
    const [first] = [await putOne(), await putOne(), await putOne()];
    expect(await create(POST)).toEqual(FULL);
    await tasks.save(cancel(first, clock.now()));
    expect(await create(POST)).toEqual(FULL);
    clock.advance(5_000);
    expect((await create(POST)).ok).toBe(true);
    expect(await create(POST)).toEqual(FULL);
  });

  it("that another process makes are seen within a minute", async () => {
    const { create, putOne, clock } = setUp();
    expect((await create(POST)).ok).toBe(true);
    await putOne();
    await putOne();
    clock.advance(60_000);
    expect(await create(POST)).toEqual(FULL);
  });

  it("are counted anew after a count that failed", async () => {
    const { create, counting } = setUp();
    counting.mockRejectedValueOnce(new Error("no table"));
    await expect(create(POST)).rejects.toThrow("no table");
    expect((await create(POST)).ok).toBe(true);
  });

  it("of many owners are kept: only the one that was counted longest ago is forgotten", async () => {
    const { create, counting } = setUp();
    expect((await create(POST)).ok).toBe(true);
    const statuses = counting.mock.calls.length;
    for (let other = 1; other < 1_000; other++)
      await create({ ownerId: asOwnerId(`owner-${other}`) } as NewTask);
    expect((await create(POST)).ok).toBe(true);
    expect(counting).toHaveBeenCalledTimes(1_000 * statuses);
    await create({ ownerId: asOwnerId("one more") } as NewTask);
    await create({ ownerId: asOwnerId("owner-999") } as NewTask);
    expect(counting).toHaveBeenCalledTimes(1_001 * statuses);
    await create(POST);
    expect(counting).toHaveBeenCalledTimes(1_002 * statuses);
  });
});
