import { describe, expect, it } from "vitest";
import { asAttemptId, asOwnerId } from "#shared/domain/ids.ts";
import { createReadTaskLog } from "#shared/usecases/read-task-log.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const OWNER = asOwnerId("owner-1");

async function setUp(entries: number) {
  const clock = manualClock();
  const { tasks } = createInMemoryStore(clock);
  const task = aTask();
  await tasks.create(task, aContent(task));
  for (let index = 0; index < entries; index++) {
    // Two at every instant.
    const at = new Date(clock.now().getTime() + Math.floor(index / 2) * 1_000);
    const attemptId = asAttemptId(`attempt-${index % 2}`);
    await tasks.addLog(task.id, { at, attemptId, step: "publish", status: "retrying", code: String(index) });
  }
  return { clock, task, tasks, read: createReadTaskLog({ tasks }) };
}

describe("readTaskLog", () => {
  it.each([1, 3, 7, 100])("shows every entry once, oldest first, %i on a page", async (limit) => {
    const { read, task } = await setUp(14);
    const seen: unknown[] = [];
    let pages = 0;
    let cursor: string | undefined;
    do {
      const page = await read(OWNER, task.id, { limit, cursor });
      if (!page.ok) throw new Error(page.error.reason);
      seen.push(...page.value.items.map(({ code }) => code));
      cursor = page.value.next;
      pages++;
    } while (cursor !== undefined);
    expect(seen).toEqual(Array.from({ length: 14 }, (_, index) => String(index)));
    expect(pages).toBe(Math.ceil(14 / limit));
  });

  it("shows nothing that is older than 90 days, and nobody else's", async () => {
    const { read, task, clock } = await setUp(4);
    expect(await read(asOwnerId("owner-2"), task.id, { limit: 5 })).toEqual({
      ok: false,
      error: { reason: "not-found" },
    });
    clock.advance(91 * 86_400_000);
    expect(await read(OWNER, task.id, { limit: 5 })).toEqual({ ok: true, value: { items: [] } });
  });
});
