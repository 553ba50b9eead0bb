import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COUNTED_STATUSES, POOL_STATUSES, poolBucketOf, sumPool } from "#shared/domain/publish-pool.ts";
import { isFinal, TASK_STATUSES } from "#shared/domain/task.ts";

describe("the pool", () => {
  it("counts every state in one place, and cancelled ones nowhere", () => {
    const buckets = Object.fromEntries(TASK_STATUSES.map((status) => [status, poolBucketOf(status)]));
    expect(buckets).toEqual({
      draft: "pending",
      pending: "pending",
      preparing: "pending",
      ready: "pending",
      retrying: "pending",
      held: "pending",
      posting: "publishing",
      unknown: "publishing",
      published: "published",
      failed: "failed",
      missed: "failed",
      cancelled: undefined,
    });
  });

  it("holds what is still to be published, and nothing that has ended", () => {
    expect(POOL_STATUSES).toEqual(["draft", "pending", "preparing", "ready", "retrying", "held"]);
    expect(POOL_STATUSES.filter(isFinal)).toEqual([]);
    expect(COUNTED_STATUSES).toEqual(TASK_STATUSES.filter((status) => status !== "cancelled"));
  });

  it("has as many tasks as were counted, whoever they belong to", () => {
    const count = fc.record({
      status: fc.constantFrom(...COUNTED_STATUSES),
      count: fc.nat(10_000),
      complete: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(count), (counts) => {
        const { total, pending, publishing, published, failed, complete } = sumPool(counts);
        expect(total).toBe(counts.reduce((sum, one) => sum + one.count, 0));
        expect(total).toBe(pending + publishing + published + failed);
        expect(complete).toBe(!counts.some((one) => !one.complete));
      }),
    );
  });
});
