import { describe, expect, it, vi } from "vitest";
import { runBatch } from "#functions/middleware/record-batch.ts";
import { DependencyFault } from "#shared/errors.ts";

interface Numbered {
  readonly id: string;
  readonly group: string;
}
const records = (...names: string[]): Numbered[] => names.map((id) => ({ id, group: id.slice(0, 1) }));
const setUp = (concurrency = 3) => {
  const logger = { error: vi.fn() };
  const options = {
    idOf: ({ id }: Numbered) => id,
    groupOf: ({ group }: Numbered) => group,
    concurrency,
    logger,
  };
  return { options, logger };
};

describe("runBatch", () => {
  it("names the failed records only, and logs why without a text", async () => {
    const { options, logger } = setUp();
    const fault = new DependencyFault("no answer", { details: { table: "t" } });
    const answer = await runBatch(records("a1", "b1", "c1"), options, async ({ id }) => {
      if (id === "b1") throw fault;
    });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "b1" }] });
    expect(logger.error).toHaveBeenCalledExactlyOnceWith("a record failed", {
      id: "b1",
      code: "dependency-unavailable",
      retry: "backoff",
      details: { table: "t" },
      error: fault,
    });
  });

  it("keeps the order within a group, and gives up the rest of a group that failed", async () => {
    const { options } = setUp();
    const ran: string[] = [];
    const answer = await runBatch(records("a1", "b1", "a2", "b2", "a3"), options, async ({ id }) => {
      ran.push(id);
      if (id === "a2") throw new Error("no");
    });
    expect(ran.filter((id) => id.startsWith("a"))).toEqual(["a1", "a2"]);
    expect(ran.filter((id) => id.startsWith("b"))).toEqual(["b1", "b2"]);
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: "a2" }, { itemIdentifier: "a3" }]);
  });

  it("runs different groups side by side, never more than allowed", async () => {
    const { options } = setUp(2);
    let running = 0;
    let most = 0;
    await runBatch(records("a", "b", "c", "d", "e"), options, async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
    });
    expect(most).toBe(2);
  });

  it("has nothing to do for an empty batch", async () => {
    expect(await runBatch([], setUp().options, async () => {})).toEqual({ batchItemFailures: [] });
  });
});
