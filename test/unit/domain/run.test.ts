import { describe, expect, it } from "vitest";
import { asAttemptId, asOwnerId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import { PARKING_CODES } from "#shared/domain/policy.ts";
import {
  asRunId,
  decideItem,
  logIdOf,
  newRun,
  RUN_GRACE_MS,
  type Run,
  type RunItem,
  summarize,
  sumUp,
  whyNotDue,
} from "#shared/domain/run.ts";
import { TASK_STATUSES, type Task, type TaskStatus } from "#shared/domain/task.ts";
import { aTask, freshTaskId } from "#test/support/builders.ts";

const now = new Date("2026-12-01T02:00:00.000Z");
const ago = (ms: number) => new Date(now.getTime() - ms);
const ahead = (ms: number) => new Date(now.getTime() + ms);
/** Due for an hour, and not touched for as long. */
const overdue = (over: Partial<Task> = {}) =>
  aTask({ slotAt: ago(3_600_000), updatedAt: ago(3_600_000), ...over });
const reason = (code: string) => ({ code, message: `It is ${code}.`, remedy: "Wait." });

describe("whyNotDue", () => {
  it.each(TASK_STATUSES)("knows what a %s task is", (status) => {
    const expected: Record<TaskStatus, string | undefined> = {
      draft: "not-due",
      pending: undefined,
      preparing: "taken",
      ready: undefined,
      posting: "taken",
      retrying: undefined,
      unknown: "taken",
      held: "not-due",
      published: "not-due",
      failed: "not-due",
      missed: "not-due",
      cancelled: "not-due",
    };
    expect(whyNotDue(overdue({ status }), now)?.code).toBe(expected[status]);
  });

  it("leaves what is ahead, and what waits for an instant", () => {
    expect(whyNotDue(overdue({ slotAt: ahead(1) }), now)).toMatchObject({ code: "not-due" });
    const parked = overdue({ status: "retrying", notBeforeAt: ahead(1), reason: reason("blackout") });
    expect(whyNotDue(parked, now)).toEqual({ code: "parked", message: "It is blackout." });
  });

  it("leaves what has just become due, was just written, or has just stopped waiting, to whoever has it", () => {
    for (const over of [
      { slotAt: ago(RUN_GRACE_MS - 1) },
      { updatedAt: ago(RUN_GRACE_MS - 1) },
      { status: "retrying", notBeforeAt: ago(RUN_GRACE_MS - 1) },
    ] as const)
      expect(whyNotDue(overdue(over), now)).toMatchObject({ code: "taken" });
    for (const over of [{ slotAt: ago(RUN_GRACE_MS) }, { updatedAt: ago(RUN_GRACE_MS) }])
      expect(whyNotDue(overdue(over), now)).toBeUndefined();
  });
});

describe("decideItem", () => {
  const handedAt = ago(120_000);
  const moved = (over: Partial<Task>) => overdue({ updatedAt: ago(60_000), ...over });
  const entry = (over: Partial<LogEntry> = {}): LogEntry => ({
    at: now,
    attemptId: asAttemptId("a"),
    step: "publish",
    status: "failed",
    ...over,
  });
  const decide = (task: Task, newest?: LogEntry, closing = false) =>
    decideItem({ handedAt }, task, newest, now, closing);

  it("is a success once it is published", () => {
    expect(decide(moved({ status: "published" }))).toEqual({ kind: "ended", outcome: "succeeded" });
  });

  it.each(["failed", "missed", "held"] as const)("is a failure when the task is %s by a rule", (status) => {
    expect(
      decide(moved({ status, reason: reason("duplicate-content") }), entry({ class: "content" })),
    ).toEqual({
      kind: "ended",
      outcome: "failed",
      error: { code: "duplicate-content", message: "It is duplicate-content." },
    });
  });

  it("is our error when the class says so, when it got stuck, or when nobody says why", () => {
    const task = moved({ status: "failed", reason: reason("internal") });
    expect(decide(task, entry({ class: "system" }))).toMatchObject({ outcome: "errored" });
    expect(decide(moved({ status: "held", reason: reason("stuck") }), entry())).toMatchObject({
      outcome: "errored",
      error: { code: "stuck" },
    });
    expect(decide(moved({ status: "failed" }), entry())).toMatchObject({
      outcome: "errored",
      error: { code: "internal" },
    });
  });

  it("is skipped when it was cancelled, moved, or made a draft", () => {
    expect(decide(moved({ status: "cancelled", reason: reason("cancelled") }))).toMatchObject({
      outcome: "skipped",
      error: { code: "cancelled" },
    });
    expect(decide(moved({ slotAt: ahead(1) }))).toMatchObject({
      outcome: "skipped",
      error: { code: "not-due" },
    });
    expect(decide(moved({ status: "draft" }))).toMatchObject({ outcome: "skipped" });
  });

  it.each(PARKING_CODES)("is skipped when the task is parked: %s", (code) => {
    const task = moved({ status: "retrying", notBeforeAt: ahead(60_000), reason: reason(code) });
    expect(decide(task)).toEqual({
      kind: "ended",
      outcome: "skipped",
      error: { code: "parked", message: `It is ${code}.` },
    });
  });

  it.each(["pending", "preparing", "ready", "posting", "retrying", "unknown"] as const)(
    "stays open while the task is %s, until the run closes",
    (status) => {
      const task = moved({ status, reason: reason("x-unavailable") });
      expect(decide(task)).toEqual({ kind: "open" });
      const closed = decide(task, undefined, true);
      expect(closed).toMatchObject(
        status === "pending"
          ? { outcome: "errored", error: { code: "no-progress" } }
          : { outcome: "skipped", error: { code: "run-closed" } },
      );
    },
  );

  it("goes back to the queue when whoever was to hand it on had died before", () => {
    const untouched = overdue({ status: "ready", updatedAt: ago(120_001) });
    expect(decide(untouched)).toEqual({ kind: "waiting" });
    expect(decide(untouched, undefined, true)).toMatchObject({ outcome: "errored" });
  });
});

describe("a run", () => {
  const run = newRun(asRunId("01"), asOwnerId("anne"), now);
  const item = (over: Partial<RunItem> = {}): RunItem => ({
    taskId: freshTaskId(),
    state: "ended",
    status: "published",
    outcome: "succeeded",
    mediaIds: [],
    ...over,
  });
  const ended = (over: Partial<Run>): Run => ({
    ...run,
    status: "ended",
    startedAt: now,
    endedAt: ahead(90_000),
    ...over,
  });

  it("begins with nothing, due at once", () => {
    expect(run).toMatchObject({ id: "01", status: "queued", wakeAt: now, total: 0, more: false, version: 1 });
  });

  it("names an entry of a log by its instant and attempt", () => {
    expect(logIdOf({ at: now, attemptId: asAttemptId("a1") })).toBe("2026-12-01T02:00:00.000Z#a1");
  });

  it("is counted from its pages", () => {
    expect(
      summarize([
        { items: [item({ durationMs: 100 }), item({ durationMs: 200 }), item({ outcome: "skipped" })] },
        {
          items: [
            item({ outcome: "failed", durationMs: 0 }),
            item({ outcome: "errored" }),
            { taskId: freshTaskId(), state: "open", status: "posting", mediaIds: [] },
          ],
        },
      ]),
    ).toEqual({
      counts: { succeeded: 2, failed: 1, errored: 1, skipped: 1 },
      workedMs: 300,
      timed: 3,
      left: 1,
    });
  });

  it("says how it went", () => {
    expect(sumUp(run)).toEqual({ message: "It starts within a minute." });
    expect(sumUp({ ...run, status: "running", total: 3 })).toEqual({ message: "0 of 3 have ended." });
    const some = { succeeded: 4, failed: 3, errored: 2, skipped: 1 };
    expect(sumUp({ ...run, status: "running", total: 12, counts: some }).message).toBe(
      "10 of 12 have ended.",
    );
    const { startedAt: _startedAt, ...unstarted } = ended({});
    expect(sumUp(unstarted)).not.toHaveProperty("durationMs");
    expect(sumUp(ended({}))).toEqual({ success: true, message: "Nothing was due.", durationMs: 90_000 });
    const counts = { succeeded: 3, failed: 0, errored: 0, skipped: 1 };
    expect(sumUp(ended({ total: 4, counts, timed: 3, workedMs: 1_000, more: true }))).toEqual({
      success: true,
      message: "3 of 4 published, 0 failed, 0 errored, 1 skipped. More is due: start another run.",
      durationMs: 90_000,
      averageMs: 333,
    });
    for (const wrong of [{ failed: 1 }, { errored: 1 }])
      expect(sumUp(ended({ total: 1, counts: { ...counts, ...wrong } })).success).toBe(false);
  });
});
