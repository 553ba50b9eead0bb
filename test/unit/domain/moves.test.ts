import { describe, expect, it } from "vitest";
import { asAttemptId } from "#shared/domain/ids.ts";
import * as moves from "#shared/domain/moves.ts";
import {
  canBecome,
  decideLate,
  isActive,
  isFinal,
  isInFlight,
  TASK_STATUSES,
  type Task,
  type TaskStatus,
} from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { aTask } from "#test/support/builders.ts";

const now = new Date("2026-12-01T01:00:00.000Z");
const later = (ms: number) => new Date(now.getTime() + ms);
const attemptId = asAttemptId("attempt-1");
const reason = { code: "some-code", message: "No.", remedy: "Wait." };
const intent = { attemptId, requestHash: "ff", sinceId: "1" };
const posting = (over: Partial<Task> = {}) => moves.startPosting(aTask(over), now, intent);

describe("the life of a task", () => {
  it("ends in published, failed, missed and cancelled, and in nothing else", () => {
    expect(TASK_STATUSES.filter(isFinal)).toEqual(["published", "failed", "missed", "cancelled"]);
    expect(TASK_STATUSES.filter(isInFlight)).toEqual(["posting", "unknown"]);
    expect(TASK_STATUSES.filter(isActive)).toEqual([
      "pending",
      "preparing",
      "ready",
      "posting",
      "retrying",
      "unknown",
    ]);
  });

  it("lets nothing that may be out be posted again", () => {
    expect(TASK_STATUSES.filter((from) => canBecome(from, "posting"))).toEqual([
      "pending",
      "ready",
      "posting",
      "retrying",
    ]);
    expect(canBecome("unknown", "pending")).toBe(false);
    expect(canBecome("posting", "pending")).toBe(false);
  });

  it.each(TASK_STATUSES.filter(isFinal))("refuses every move of a %s task as a bug", (status: TaskStatus) => {
    const task = aTask({ status });
    for (const move of [
      () => moves.rearm(task, now),
      () => moves.claimForPrepare(task, now, attemptId),
      () => moves.startPosting(task, now, intent),
      () => moves.cancel(task, now),
      () => moves.reschedule(task, now, now),
      () => moves.markUnknown(task, now, reason),
    ])
      expect(move).toThrow(RangeError);
  });
});

describe("moves", () => {
  it("count every write and keep the rest of the task", () => {
    const task = aTask({ priority: 2 });
    const next = moves.rearm(task, now);
    expect(next).toEqual({
      ...task,
      version: 2,
      arm: 2,
      updatedAt: now,
      wakeAt: later(TIMING.wake.unarrangedMs),
    });
    expect(task.version).toBe(1);
  });

  it("lease a task for longer than its function can run", () => {
    const prepared = moves.claimForPrepare(aTask(), now, attemptId);
    expect(prepared).toMatchObject({ status: "preparing", attemptId, leaseUntil: later(135_000) });
    expect(posting()).toMatchObject({
      status: "posting",
      attemptId,
      startedAt: now,
      leaseUntil: later(105_000),
      wakeAt: later(105_000),
      requestHash: "ff",
      sinceId: "1",
    });
  });

  it("end a plain post with its first part", () => {
    const done = moves.recordPosted(posting(), now, { postId: "1999", sentAt: now });
    expect(done).toMatchObject({
      status: "published",
      sentAt: now,
      posted: [{ postId: "1999", sentAt: now }],
    });
    for (const gone of ["leaseUntil", "attemptId", "startedAt", "requestHash", "sinceId", "wakeAt"])
      expect(done).not.toHaveProperty(gone);
  });

  it("space the parts of a thread, keep the first instant, and end with the last", () => {
    const first = moves.recordPosted(posting({ partCount: 2 }), now, { postId: "1", sentAt: now });
    expect(first).toMatchObject({ status: "ready", notBeforeAt: later(5_000), arm: 1 });
    const second = moves.startPosting(first, later(5_000), intent);
    const done = moves.recordPosted(second, later(5_100), { postId: "2", sentAt: later(5_050) });
    expect(done).toMatchObject({ status: "published", sentAt: now });
    expect(done.posted.map(({ postId }) => postId)).toEqual(["1", "2"]);
  });

  it("honour a remembered cancellation before the next part, and not for a post that is out", () => {
    const asked = (over: Partial<Task>) => moves.askToCancel(posting(over), now);
    const part = { postId: "1", sentAt: now };
    expect(moves.recordPosted(asked({ partCount: 2 }), now, part)).toMatchObject({
      status: "cancelled",
      reason: { code: "cancelled-in-thread" },
      posted: [part],
    });
    expect(moves.recordPosted(asked({}), now, part)).toMatchObject({ status: "published" });
    const between = aTask({ status: "ready", partCount: 2, posted: [part] });
    expect(moves.cancel(between, now)).toMatchObject({ reason: { code: "cancelled-in-thread" } });
    expect(moves.cancel(aTask(), now)).toMatchObject({ reason: { code: "cancelled" } });
  });

  it("retry under a new arm, counting only what counts", () => {
    const retryAt = later(60_000);
    const counted = moves.scheduleRetry(posting(), now, { retryAt, reason, counted: true });
    expect(counted).toMatchObject({
      status: "retrying",
      arm: 2,
      retries: 1,
      notBeforeAt: retryAt,
      wakeAt: later(120_000),
      reason,
    });
    expect(counted).not.toHaveProperty("leaseUntil");
    expect(moves.scheduleRetry(posting(), now, { retryAt, reason, counted: false }).retries).toBe(0);
  });

  it("keep the attempt of an unknown outcome, so that a slow worker can still settle it", () => {
    const unknown = moves.markUnknown(posting(), now, reason);
    expect(unknown).toMatchObject({ status: "unknown", attemptId, startedAt: now, reason });
    expect(moves.recordPosted(unknown, now, { postId: "1", sentAt: now }).status).toBe("published");
  });

  it("give a swept task a new arm; an uploader that died loses its lease, a publisher's is left alone", () => {
    const preparing = moves.claimForPrepare(aTask(), now, attemptId);
    const swept = moves.claimForSweep(preparing, later(135_000));
    expect(swept).toMatchObject({ status: "pending", arm: 2, recoveries: 1, wakeAt: later(435_000) });
    expect(swept).not.toHaveProperty("leaseUntil");
    expect(moves.claimForSweep(aTask({ status: "ready" }), now).status).toBe("ready");
  });

  it("raise the revision with every edit, reschedule and cancellation, the content's only with an edit", () => {
    const task = aTask({ rev: 3, contentRev: 2 });
    const { accountId, publishAt, slotAt, priority, language, latePolicy, partCount, mediaCount, source } =
      task;
    const edit = {
      accountId,
      publishAt,
      slotAt,
      priority,
      language,
      latePolicy,
      partCount,
      mediaCount,
      source,
    };
    expect(moves.revise(task, now, edit)).toMatchObject({ rev: 4, contentRev: 4, arm: 2, status: "pending" });
    expect(moves.reschedule(task, now, later(1))).toMatchObject({
      rev: 4,
      contentRev: 2,
      arm: 2,
      slotAt: later(1),
    });
    expect(moves.cancel(task, now)).toMatchObject({ rev: 4, contentRev: 2, status: "cancelled" });
    expect(moves.reschedule(aTask({ status: "ready" }), now, now).status).toBe("ready");
    expect(moves.reschedule(aTask({ status: "held" }), now, now).status).toBe("pending");
  });
});

describe("decideLate", () => {
  const slotAt = now;
  const latePolicy = { postWithinMs: 60_000, then: "missed" } as const;

  it("allows the last instant and not a millisecond more", () => {
    const task = aTask({ slotAt, latePolicy });
    expect(decideLate(task, later(60_000))).toBe("in-time");
    expect(decideLate(task, later(60_001))).toBe("missed");
    expect(decideLate({ ...task, latePolicy: { ...latePolicy, then: "hold" } }, later(60_001))).toBe("hold");
  });

  it("does not count a known wait, a started thread, or a task without a limit", () => {
    const at = later(1_000_000);
    expect(decideLate(aTask({ slotAt, latePolicy, notBeforeAt: at }), at)).toBe("in-time");
    expect(decideLate(aTask({ slotAt, latePolicy, posted: [{ postId: "1", sentAt: now }] }), at)).toBe(
      "in-time",
    );
    expect(decideLate(aTask({ slotAt, latePolicy: { then: "missed" } }), at)).toBe("in-time");
  });
});
