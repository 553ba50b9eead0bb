import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { statusOfBatch, statusOfTask } from "#shared/domain/realtime-status.ts";
import { isActive, isFinal, TASK_STATUSES, type Task } from "#shared/domain/task.ts";
import { aTask } from "#test/support/builders.ts";

const now = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number): Date => new Date(now.getTime() + ms);
const MINUTE_MS = 60_000;
const sentAt = (...instants: readonly number[]) =>
  instants.map((ms, index) => ({ postId: String(index), sentAt: at(ms) }));

const tasks: fc.Arbitrary<Task> = fc
  .record({
    status: fc.constantFrom(...TASK_STATUSES),
    partCount: fc.integer({ min: 1, max: 25 }),
    sent: fc.nat(25),
    slotMs: fc.integer({ min: -86_400_000, max: 86_400_000 }),
    waitMs: fc.option(fc.integer({ min: -3_600_000, max: 3_600_000 }), { nil: undefined }),
  })
  .map(({ status, partCount, sent, slotMs, waitMs }) => {
    const posted = status === "published" ? partCount : Math.min(sent, partCount - 1);
    const parts = sentAt(...Array.from({ length: posted }, (_, index) => index * 6_000 - 3_600_000));
    return aTask({
      status,
      partCount,
      slotAt: at(slotMs),
      posted: parts,
      ...(parts[0] && { sentAt: parts[0].sentAt }),
      ...(waitMs !== undefined && { notBeforeAt: at(waitMs) }),
    });
  });

describe("the status of a task", () => {
  it("counts every part once, and tells of what comes only what will come by itself", () => {
    fc.assert(
      fc.property(tasks, (task) => {
        const { total, sent, pending, failed, waitMs, completionAt } = statusOfTask(task, now);
        expect(sent + pending + failed).toBe(total);
        expect(total).toBe(task.partCount);
        expect(sent).toBe(task.posted.length);
        expect(Math.min(sent, pending, failed)).toBeGreaterThanOrEqual(0);
        expect(isFinal(task.status) ? pending : failed).toBe(0);
        expect(waitMs !== undefined).toBe(isActive(task.status));
        expect(waitMs ?? 0).toBeGreaterThanOrEqual(0);
        expect(completionAt !== undefined).toBe(isActive(task.status) || task.status === "published");
        if (isActive(task.status))
          expect(completionAt?.getTime()).toBeGreaterThanOrEqual(now.getTime() + (waitMs ?? 0));
      }),
    );
  });

  it("waits for the slot, or for the end of a wait behind it", () => {
    expect(statusOfTask(aTask({ slotAt: at(90_000) }), now)).toEqual({
      total: 1,
      sent: 0,
      pending: 1,
      failed: 0,
      waitMs: 90_000,
      completionAt: at(90_000),
      lastActivityAt: new Date("2026-12-01T01:00:00.000Z"),
    });
    const parked = aTask({ status: "retrying", slotAt: at(-5_000), notBeforeAt: at(30_000) });
    expect(statusOfTask(parked, now)).toMatchObject({ waitMs: 30_000, completionAt: at(30_000) });
  });

  it("gives a thread 6 s for each part that follows the next one", () => {
    const thread = aTask({
      status: "ready",
      partCount: 5,
      slotAt: at(-20_000),
      posted: sentAt(-18_000, -12_000),
    });
    expect(statusOfTask(thread, now)).toMatchObject({
      total: 5,
      sent: 2,
      pending: 3,
      waitMs: 0,
      completionAt: at(12_000),
      // Two in 18 s.
      perMinute: 2 / 0.3,
    });
  });

  it("keeps the rate of a thread that is out, and has none for a single post", () => {
    const out = (...instants: readonly number[]) =>
      aTask({ status: "published", partCount: instants.length, posted: sentAt(...instants) });
    expect(statusOfTask(out(-600_000, -594_000, -588_000), now)).toMatchObject({
      perMinute: 10,
      completionAt: at(-588_000),
    });
    expect(statusOfTask(out(-600_000), now)).not.toHaveProperty("perMinute");
  });

  it.each(["failed", "missed", "cancelled"] as const)("gives up what is left of a %s thread", (status) => {
    const ended = aTask({ status, partCount: 4, posted: sentAt(-9_000) });
    const told = statusOfTask(ended, now);
    expect(told).toMatchObject({ total: 4, sent: 1, pending: 0, failed: 3 });
    expect(told).not.toHaveProperty("completionAt");
  });
});

describe("the status of a batch", () => {
  const batchOf = (found: readonly Task[], total = found.length) =>
    statusOfBatch({ total, tasks: found, createdAt: at(-3_600_000) }, now);
  const published = (ms: number) => aTask({ status: "published", posted: sentAt(ms), sentAt: at(ms) });

  it("counts every post once, whatever share of them was looked at", () => {
    fc.assert(
      fc.property(fc.array(tasks, { maxLength: 30 }), fc.nat(1_000), (found, others) => {
        const total = found.length === 0 ? 0 : found.length + others;
        const told = batchOf(found, total);
        expect(told.sent + told.pending + told.failed).toBe(total);
        expect(Math.min(told.sent, told.pending, told.failed)).toBeGreaterThanOrEqual(0);
        if (others > 0) return;
        expect(told.sent).toBe(found.filter(({ status }) => status === "published").length);
        expect(told.failed).toBe(found.filter((task) => isFinal(task.status)).length - told.sent);
      }),
    );
  });

  it("is over when the last of its slots is, and counts posts per minute since the first", () => {
    const waiting = [aTask({ slotAt: at(MINUTE_MS) }), aTask({ slotAt: at(9 * MINUTE_MS), partCount: 3 })];
    const told = batchOf([
      published(-4 * MINUTE_MS),
      published(-2 * MINUTE_MS),
      ...waiting,
      aTask({ status: "held" }),
    ]);
    expect(told).toMatchObject({
      total: 5,
      sent: 2,
      pending: 3,
      failed: 0,
      waitMs: MINUTE_MS,
      perMinute: 0.5,
      completionAt: at(9 * MINUTE_MS + 12_000),
    });
  });

  it("tells when it was over, and at what rate it went", () => {
    const told = batchOf([published(-9 * MINUTE_MS), published(-8 * MINUTE_MS), published(-7 * MINUTE_MS)]);
    expect(told).toMatchObject({ sent: 3, pending: 0, perMinute: 1, completionAt: at(-7 * MINUTE_MS) });
    expect(told).not.toHaveProperty("waitMs");
  });

  it("takes what it looked at for the whole", () => {
    const told = batchOf(
      [published(-4 * MINUTE_MS), published(-2 * MINUTE_MS), aTask(), aTask({ status: "failed" })],
      400,
    );
    expect(told).toMatchObject({ total: 400, sent: 200, pending: 100, failed: 100, perMinute: 50 });
  });

  it("has nothing to tell of an empty one but when it was made", () => {
    expect(batchOf([])).toEqual({ total: 0, sent: 0, pending: 0, failed: 0, lastActivityAt: at(-3_600_000) });
  });
});
