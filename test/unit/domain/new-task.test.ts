import { describe, expect, it } from "vitest";
import { asBatchId } from "#shared/domain/ids.ts";
import { newTask } from "#shared/domain/new-task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { aTask } from "#test/support/builders.ts";

const now = new Date("2026-12-01T01:00:00Z");
const { id, ownerId, projectId, accountId, publishAt, slotAt, latePolicy, source } = aTask();
const facts = {
  accountId,
  publishAt,
  slotAt,
  latePolicy,
  source,
  priority: 4,
  language: "en",
  partCount: 2,
  mediaCount: 1,
  costMicros: 30_000,
};
const origin = { id, ownerId, projectId, maxRetries: 3, now };

describe("newTask", () => {
  it("is the first version of a task that nobody has arranged, and that the sweeper finds", () => {
    expect(newTask(facts, origin)).toEqual({
      ...facts,
      id,
      ownerId,
      projectId,
      maxRetries: 3,
      status: "pending",
      version: 1,
      rev: 1,
      contentRev: 1,
      arm: 1,
      wakeAt: new Date(now.getTime() + TIMING.wake.unarrangedMs),
      retries: 0,
      recoveries: 0,
      parkings: 0,
      reposts: 0,
      createdAt: now,
      updatedAt: now,
      posted: [],
    });
  });

  it("has what is said of it, and no field for what is not", () => {
    const said = { toWrite: true, pool: "chosen", strategy: "optimal", reconcile: "hold" } as const;
    const reason = { code: "local-time-skipped", message: "x", remedy: "y" };
    const batchId = asBatchId("b");
    expect(newTask({ ...facts, ...said }, { ...origin, batchId, reason })).toMatchObject({
      ...said,
      batchId,
      reason,
    });
    const unsaid = { toWrite: undefined, pool: undefined, strategy: undefined, reconcile: undefined };
    const plain = newTask({ ...facts, ...unsaid }, { ...origin, batchId: undefined });
    for (const field of [...Object.keys(unsaid), "batchId", "reason"])
      expect(plain).not.toHaveProperty(field);
  });
});
