import { describe, expect, it } from "vitest";
import { NO_COUNTS } from "#shared/domain/batch.ts";
import {
  checkHeldFor,
  checkPost,
  checkSchedule,
  checkTask,
  compareBatch,
  expectedSchedules,
  type LoggedState,
  summarizeLog,
  type TaskEvidence,
  wakeAnew,
} from "#shared/domain/consistency.ts";
import { compareCounter, countFacts } from "#shared/domain/counter-consistency.ts";
import { type Gate, newGate } from "#shared/domain/gate.ts";
import { compareGate } from "#shared/domain/gate-consistency.ts";
import { asAccountId, asAttemptId, asBatchId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { TASK_STATUSES, type Task, type TaskStep } from "#shared/domain/task.ts";
import { aTask } from "#test/support/builders.ts";

const NOW = new Date("2026-12-01T12:00:00.000Z");
const fromNow = (ms: number) => new Date(NOW.getTime() + ms);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const REASON = { code: "late", message: "Late.", remedy: "None." };

/** Arranged an hour ago, due in three. */
const arranged = (over: Partial<Task> = {}): Task =>
  aTask({
    slotAt: fromNow(3 * HOUR),
    arrangedFor: fromNow(3 * HOUR - MINUTE),
    wakeAt: fromNow(2 * HOUR),
    updatedAt: fromNow(-HOUR),
    ...over,
  });
const published = (over: Partial<Task> = {}): Task => {
  const { wakeAt: _, ...task } = aTask({
    status: "published",
    updatedAt: fromNow(-HOUR),
    posted: [{ postId: "1", sentAt: fromNow(-HOUR) }],
    ...over,
  });
  return task;
};
const without = <Key extends keyof Task>(task: Task, key: Key): Task => {
  const { [key]: _, ...rest } = task;
  return rest as Task;
};
const logOf = (...entries: LoggedState[]) => summarizeLog(entries);
const evidence = (task: Task, over: Partial<TaskEvidence> = {}): TaskEvidence => ({
  task,
  isIndexed: true,
  log: logOf({ at: task.updatedAt, status: task.status }),
  scheduled: new Set<TaskStep>(["prepare", "publish"]),
  ...over,
});
const codes = (found: readonly { readonly code: string }[]) => found.map(({ code }) => code);

describe("checkTask", () => {
  it("finds nothing about tasks as they should be", () => {
    expect(checkTask(evidence(arranged()), NOW)).toEqual([]);
    expect(checkTask(evidence(published()), NOW)).toEqual([]);
    const held = without(aTask({ status: "held", reason: REASON, updatedAt: fromNow(-HOUR) }), "wakeAt");
    expect(checkTask(evidence(held), NOW)).toEqual([]);
  });

  it.each(["pending", "preparing", "ready", "posting", "retrying", "unknown"] as const)(
    "finds a %s task that nobody would look at",
    (status) => {
      const task = without(aTask({ status, updatedAt: fromNow(-HOUR) }), "wakeAt");
      expect(checkTask(evidence(task), NOW)).toMatchObject([
        { code: "task-not-woken", severity: "severe", repair: expect.any(String) },
      ]);
    },
  );

  it("finds a task that the index lists otherwise", () => {
    expect(codes(checkTask(evidence(arranged(), { isIndexed: false }), NOW))).toEqual(["task-not-indexed"]);
  });

  it("finds what the sweeper should have moved, after ten minutes", () => {
    const overdue = (ms: number) =>
      evidence(aTask({ slotAt: NOW, wakeAt: fromNow(-ms), updatedAt: fromNow(-HOUR) }));
    expect(checkTask(overdue(10 * MINUTE), NOW)).toEqual([]);
    const [found] = checkTask(overdue(10 * MINUTE + 1), NOW);
    expect(found).toMatchObject({ code: "task-overdue", severity: "severe" });
    expect(found).not.toHaveProperty("repair");
  });

  it("finds a published task with fewer posts than parts", () => {
    expect(codes(checkTask(evidence(published({ posted: [] })), NOW))).toEqual(["posts-missing"]);
    expect(codes(checkTask(evidence(published({ partCount: 2 })), NOW))).toEqual(["posts-missing"]);
  });

  it.each(["failed", "missed", "cancelled", "held"] as const)(
    "finds a %s task that does not say why",
    (status) => {
      const task = without(aTask({ status, updatedAt: fromNow(-HOUR) }), "wakeAt");
      expect(codes(checkTask(evidence(task), NOW))).toEqual(["reason-missing"]);
    },
  );
});

describe("the log of a task", () => {
  const at = fromNow(-HOUR);
  const check = (task: Task, ...entries: LoggedState[]) =>
    codes(checkTask(evidence(task, { log: logOf(...entries) }), NOW));

  it("must exist, as long as it is kept", () => {
    expect(check(published())).toEqual(["log-missing"]);
    expect(check(published({ updatedAt: fromNow(-89.5 * DAY) }))).toEqual([]);
  });

  it("must end with the state of the task", () => {
    expect(
      check(published(), { at, status: "published" }, { at: fromNow(-30 * MINUTE), status: "failed" }),
    ).toEqual(["log-differs"]);
    expect(check(published(), { at, status: "unknown" })).toEqual(["log-differs"]);
  });

  it("may end with an entry of a worker whose clock is ahead", () => {
    const entries = (aheadMs: number) =>
      [
        { at, status: "published" },
        { at: new Date(at.getTime() + aheadMs), status: "unknown" },
      ] as const;
    expect(check(published(), ...entries(60_000))).toEqual([]);
    expect(check(published(), ...entries(60_001))).toEqual(["log-differs"]);
  });

  it("says nothing about states that are entered without an entry", () => {
    for (const status of TASK_STATUSES.filter((one) =>
      ["pending", "preparing", "ready", "posting", "retrying"].includes(one),
    ))
      expect(check(arranged({ status }))).toEqual([]);
  });
});

describe("schedules of a task", () => {
  const lacks = (task: Task, ...scheduled: TaskStep[]) =>
    codes(checkTask(evidence(task, { scheduled: new Set(scheduled) }), NOW)).includes(
      "task-without-schedule",
    );

  it("are missed where no queue can hold the call", () => {
    expect(lacks(arranged())).toBe(true);
    expect(lacks(arranged(), "publish")).toBe(false);
    expect(lacks(arranged({ slotAt: fromNow(15 * MINUTE + 1) }))).toBe(true);
    expect(lacks(arranged({ slotAt: fromNow(15 * MINUTE) }))).toBe(false);
  });

  it("are not missed before the task was arranged, or while it is", () => {
    expect(lacks(without(arranged(), "arrangedFor"))).toBe(false);
    expect(lacks(arranged({ updatedAt: fromNow(-119_000) }))).toBe(false);
  });

  it("belong to uploads as well, until they began", () => {
    const media = arranged({ mediaCount: 1, arrangedFor: fromNow(2 * HOUR) });
    expect(lacks(media, "publish")).toBe(true);
    expect(lacks(media, "prepare")).toBe(true);
    expect(lacks(media, "prepare", "publish")).toBe(false);
    expect(lacks({ ...media, status: "ready", arrangedFor: fromNow(-MINUTE) }, "publish")).toBe(false);
    // Uploads that were tried again are followed by messages.
    expect(lacks({ ...media, status: "ready", notBeforeAt: fromNow(-MINUTE) })).toBe(false);
  });

  it("bring a long wait to its end: one of them will do", () => {
    const parked = arranged({ status: "retrying", notBeforeAt: fromNow(DAY) });
    expect(lacks(parked)).toBe(true);
    expect(lacks(parked, "prepare")).toBe(false);
    expect(lacks(parked, "publish")).toBe(false);
    expect(lacks({ ...parked, notBeforeAt: fromNow(10 * MINUTE) })).toBe(false);
  });

  it.each(["posting", "unknown", "held", "published", "draft"] as const)(
    "are not expected of a %s task",
    (status) => {
      expect(expectedSchedules(arranged({ status }), NOW).steps).toEqual([]);
    },
  );
});

describe("wakeAnew", () => {
  const publish = new Set<TaskStep>(["publish"]);

  it("keeps an arrangement that stands", () => {
    const task = without(arranged(), "wakeAt");
    const next = wakeAnew(task, publish, NOW);
    expect(next).toMatchObject({ version: 2, arm: task.arm, arrangedFor: task.arrangedFor });
    expect(next.wakeAt?.getTime()).toBeGreaterThan(NOW.getTime());
    expect(checkTask(evidence(next), NOW)).toEqual([]);
  });

  it("hands everything else to the sweeper at once, as something that has to be arranged", () => {
    const next = wakeAnew(arranged(), new Set(), NOW);
    expect(next).toMatchObject({ version: 2, wakeAt: NOW });
    expect(next).not.toHaveProperty("arrangedFor");
  });

  it("never shortens the lease of what may be with X", () => {
    const leaseUntil = fromNow(MINUTE);
    expect(wakeAnew(aTask({ status: "posting", leaseUntil }), publish, NOW).wakeAt).toEqual(leaseUntil);
    expect(wakeAnew(without(aTask({ status: "unknown" }), "wakeAt"), publish, NOW).wakeAt).toEqual(NOW);
  });
});

describe("checkSchedule", () => {
  const schedule = (task: Task, arm = task.arm) => ({
    name: `t-${task.id}-${arm}-publish`,
    taskId: task.id,
    arm,
    step: "publish" as const,
  });

  it("lets the schedules of the arm in force stand", () => {
    const task = arranged({ arm: 3 });
    expect(checkSchedule(schedule(task), task)).toBeUndefined();
  });

  it("finds those that nobody would listen to", () => {
    const task = arranged({ arm: 3 });
    expect(checkSchedule(schedule(task, 2), task)).toMatchObject({
      severity: "harmless",
      repair: "delete it",
    });
    expect(checkSchedule(schedule(task), undefined)?.message).toContain("does not exist");
    expect(checkSchedule(schedule(task), { ...task, status: "cancelled" })?.message).toContain(
      "is cancelled",
    );
    expect(checkSchedule(schedule(task), { ...task, status: "held" })?.message).toContain("is held");
  });
});

describe("checkPost", () => {
  const [one, other] = [aTask().id, aTask().id];
  const post = { accountId: asAccountId("account-1"), postId: "7" };
  const exists = (id: Task["id"]) => id === one || id === other;

  it("lets a post with its marker stand", () => {
    expect(checkPost({ ...post, claimedBy: [one], markedFor: one }, exists)).toBeUndefined();
  });

  it.each([
    ["two tasks have it", { claimedBy: [one, other], markedFor: one }, "post-shared", false],
    ["its marker is another's", { claimedBy: [one], markedFor: other }, "post-shared", false],
    ["it has no marker", { claimedBy: [one] }, "post-unmarked", true],
    ["its task does not know of it", { claimedBy: [], markedFor: one }, "post-unclaimed", false],
  ])("finds that %s", (_, over, code, isRepaired) => {
    const found = checkPost({ ...post, ...over }, exists);
    expect(found).toMatchObject({ code, severity: "severe" });
    expect(found?.repair !== undefined).toBe(isRepaired);
  });

  it("leaves the marker of a task that is gone: it keeps others away", () => {
    expect(checkPost({ ...post, claimedBy: [], markedFor: one }, () => false)).toBeUndefined();
  });
});

describe("checkHeldFor", () => {
  const id = asAccountId("account-1");
  const task = aTask().id;

  it("finds tasks that wait for an account that waits for nothing", () => {
    expect(checkHeldFor(id, { status: "active" }, [task])).toMatchObject({ code: "held-for-nothing" });
    expect(checkHeldFor(id, { status: "active", wakeAt: NOW }, [task])).toBeUndefined();
    expect(checkHeldFor(id, { status: "paused" }, [task])).toBeUndefined();
    expect(checkHeldFor(id, { status: "active" }, [])).toBeUndefined();
  });
});

describe("compareGate", () => {
  const accountId = asAccountId("account-1");
  const lastPostAt = fromNow(-HOUR);
  const aGate = (over: Partial<Gate> = {}): Gate => ({ ...newGate(accountId), version: 5, ...over });
  const place = (task: Task, over: object = {}) => ({
    taskId: task.id,
    attemptId: asAttemptId("a"),
    at: fromNow(-10 * MINUTE),
    units: task.partCount,
    used: 0,
    quarterAt: fromNow(-12 * MINUTE),
    dayAt: fromNow(-HOUR),
    ...over,
  });
  const windowFrom = (ms: number, used: number) => ({ startAt: fromNow(-ms), used });
  const settledGate = (over: Partial<Gate> = {}) =>
    aGate({
      lastPostAt,
      lastPostId: "1",
      day: windowFrom(2 * HOUR, 1),
      quarter: windowFrom(2 * HOUR, 1),
      ...over,
    });

  it("finds nothing about a gate that says what its tasks say", () => {
    expect(compareGate({ gate: settledGate(), tasks: [published()] }, NOW)).toEqual({ disagreements: [] });
    const posting = aTask({ status: "posting", startedAt: fromNow(-MINUTE) });
    const gate = aGate({
      reservations: [place(posting)],
      day: windowFrom(HOUR, 1),
      quarter: windowFrom(12 * MINUTE, 1),
    });
    expect(compareGate({ gate, tasks: [posting] }, NOW)).toEqual({ disagreements: [] });
    const thread = aTask({ status: "ready", partCount: 2, posted: [{ postId: "1", sentAt: lastPostAt }] });
    const half = settledGate({
      reservations: [place(thread, { used: 1, at: lastPostAt, dayAt: fromNow(-2 * HOUR) })],
      day: windowFrom(2 * HOUR, 2),
    });
    expect(compareGate({ gate: half, tasks: [thread] }, NOW)).toEqual({ disagreements: [] });
  });

  it("gives the place of a task back that never posted, with its units", () => {
    const task = aTask({ status: "failed", reason: REASON });
    const gate = aGate({
      reservations: [place(task)],
      day: windowFrom(HOUR, 4),
      quarter: windowFrom(12 * MINUTE, 4),
    });
    const { disagreements, mended } = compareGate({ gate, tasks: [task] }, NOW);
    expect(disagreements).toMatchObject([{ code: "place-leaked", severity: "degraded" }]);
    expect(mended).toMatchObject({ version: 6, reservations: [], day: { used: 3 }, quarter: { used: 3 } });
  });

  it("keeps the units of what was posted", () => {
    const posted = [{ postId: "1", sentAt: fromNow(-9 * MINUTE) }];
    const task = aTask({ status: "cancelled", partCount: 3, posted, reason: REASON });
    const gate = aGate({
      reservations: [place(task)],
      day: windowFrom(HOUR, 3),
      quarter: windowFrom(12 * MINUTE, 3),
      lastPostAt: fromNow(-9 * MINUTE),
      lastPostId: "1",
    });
    expect(compareGate({ gate, tasks: [task] }, NOW).mended).toMatchObject({
      day: { used: 1 },
      quarter: { used: 1 },
    });
  });

  it("keeps the units of a post that is too near to the start of its window to be told by its time", () => {
    const startAt = fromNow(-10 * MINUTE);
    const posted = [{ postId: "1", sentAt: fromNow(-10 * MINUTE + 30_000) }];
    const task = aTask({ status: "cancelled", partCount: 3, posted, reason: REASON });
    const gate = aGate({
      reservations: [place(task, { at: startAt, quarterAt: startAt, dayAt: startAt })],
      day: { startAt, used: 3 },
      quarter: { startAt, used: 3 },
      lastPostAt: fromNow(-10 * MINUTE + 30_000),
      lastPostId: "1",
    });
    expect(compareGate({ gate, tasks: [task] }, NOW).mended).toMatchObject({
      day: { used: 1 },
      quarter: { used: 1 },
    });
  });

  it.each([
    ["gone", undefined],
    ["held", aTask({ status: "held", reason: REASON })],
    ["in doubt", aTask({ status: "failed", inDoubtSince: fromNow(-HOUR), reason: REASON })],
  ])("keeps all units of a task that is %s: it may be out", (_, task) => {
    const gate = aGate({
      reservations: [place(task ?? aTask())],
      day: windowFrom(HOUR, 1),
      quarter: windowFrom(12 * MINUTE, 1),
    });
    const { mended } = compareGate({ gate, tasks: task ? [task] : [] }, NOW);
    expect(mended).toMatchObject({ reservations: [], day: { used: 1 }, quarter: { used: 1 } });
  });

  it.each(["posting", "unknown"] as const)(
    "keeps a place for a %s task that has none, and counts it",
    (status) => {
      const task = aTask({
        status,
        startedAt: fromNow(-MINUTE),
        attemptId: asAttemptId("a-1"),
        partCount: 2,
      });
      const gate = aGate({ day: windowFrom(HOUR, 1), quarter: windowFrom(12 * MINUTE, 0) });
      const { disagreements, mended } = compareGate({ gate, tasks: [task] }, NOW);
      expect(codes(disagreements)).toEqual(["place-missing", "window-below", "window-below"]);
      expect(mended).toMatchObject({
        reservations: [
          {
            taskId: task.id,
            attemptId: "a-1",
            units: 2,
            used: 0,
            at: fromNow(-MINUTE),
            quarterAt: fromNow(-12 * MINUTE),
            dayAt: fromNow(-HOUR),
          },
        ],
        day: { used: 2 },
        quarter: { used: 2 },
      });
    },
  );

  it("counts in a window only the places that are counted in it", () => {
    const thread = aTask({ status: "posting", partCount: 3, startedAt: fromNow(-MINUTE) });
    const gate = (dayAt: Date) =>
      aGate({
        reservations: [place(thread, { dayAt })],
        day: windowFrom(HOUR, 0),
        quarter: windowFrom(12 * MINUTE, 3),
      });
    expect(compareGate({ gate: gate(fromNow(-HOUR)), tasks: [thread] }, NOW).mended).toMatchObject({
      day: { used: 3 },
    });
    expect(compareGate({ gate: gate(fromNow(-26 * HOUR)), tasks: [thread] }, NOW)).toEqual({
      disagreements: [],
    });
  });

  it("names the newest post", () => {
    const newer = published({ posted: [{ postId: "2", sentAt: fromNow(-30 * MINUTE) }] });
    const { disagreements, mended } = compareGate(
      { gate: settledGate({ day: windowFrom(2 * HOUR, 2) }), tasks: [published(), newer] },
      NOW,
    );
    expect(codes(disagreements)).toEqual(["last-post-behind"]);
    expect(mended).toMatchObject({ lastPostId: "2", lastPostAt: fromNow(-30 * MINUTE) });
  });

  it("raises a window to the posts in it, and counts none near its start", () => {
    const tasks = [published(), published({ posted: [{ postId: "2", sentAt: fromNow(-90 * MINUTE) }] })];
    const check = (startedMs: number) =>
      compareGate({ gate: settledGate({ day: windowFrom(startedMs, 1) }), tasks }, NOW);
    expect(check(2 * HOUR).mended).toMatchObject({ day: { used: 2, startAt: fromNow(-2 * HOUR) } });
    expect(check(90 * MINUTE).disagreements).toEqual([]);
    expect(check(25 * HOUR).disagreements).toEqual([]);
  });

  it("builds a gate that was lost from what is known", () => {
    const { disagreements, mended } = compareGate({ gate: newGate(accountId), tasks: [published()] }, NOW);
    expect(codes(disagreements)).toEqual(["last-post-behind", "window-below"]);
    expect(mended).toMatchObject({ version: 1, lastPostId: "1", day: { used: 1 } });
    if (!mended) throw new Error("nothing was mended");
    expect(compareGate({ gate: mended, tasks: [published()] }, NOW).disagreements).toEqual([]);
  });
});

describe("shared counters", () => {
  const ownerId = asOwnerId("owner-1");
  const projectId = asProjectId("project-1");
  const day = { kind: "app-day", day: "2026-12-01" } as const;
  const month = { kind: "project-spend", ownerId, projectId, month: "2026-12" } as const;
  const NO_LOG = summarizeLog([]);
  const lives = (...tasks: Task[]) => tasks.map((task) => ({ task, log: NO_LOG }));

  it("count each part, by what it costs", () => {
    const thread = published({
      partCount: 2,
      costMicros: 215_000,
      posted: [
        { postId: "1", sentAt: fromNow(-HOUR) },
        { postId: "2", sentAt: fromNow(-HOUR) },
      ],
    });
    expect(countFacts(day, lives(thread), NOW)).toEqual({ certain: 2, possible: 2, isQuiet: true });
    expect(countFacts(month, lives(thread), NOW)).toMatchObject({ certain: 215_000, possible: 215_000 });
  });

  it("leave other projects and periods out", () => {
    const other = published({ projectId: asProjectId("other") });
    const before = published({ posted: [{ postId: "1", sentAt: new Date("2026-11-30T12:00:00.000Z") }] });
    expect(countFacts(month, lives(other, before), NOW)).toMatchObject({ certain: 0, possible: 0 });
    expect(countFacts(day, lives(other, before), NOW)).toMatchObject({ certain: 1, possible: 1 });
  });

  it("are unsure about midnight", () => {
    const sentAt = (iso: string) => published({ posted: [{ postId: "1", sentAt: new Date(iso) }] });
    const facts = (iso: string) => countFacts(day, lives(sentAt(iso)), NOW);
    expect(facts("2026-12-01T00:04:59.000Z")).toMatchObject({ certain: 0, possible: 1 });
    expect(facts("2026-11-30T23:56:00.000Z")).toMatchObject({ certain: 0, possible: 1 });
    expect(facts("2026-12-01T00:05:00.000Z")).toMatchObject({ certain: 1, possible: 1 });
  });

  it.each(["outcome-unreadable", "absent-twice", "twin-posted"])(
    "may count what is on its way, and what was given up on: %s",
    (code) => {
      const unknown = aTask({ status: "unknown", sharesAt: fromNow(-HOUR), updatedAt: fromNow(-HOUR) });
      const held = published({ status: "held", posted: [], reason: REASON });
      const log = summarizeLog([{ at: fromNow(-HOUR), status: "held", code }]);
      expect(countFacts(day, [...lives(unknown), { task: held, log }], NOW)).toEqual({
        certain: 0,
        possible: 2,
        isQuiet: true,
      });
    },
  );

  it.each([
    ["a task was written a moment ago", published({ updatedAt: fromNow(-119_000) }), false],
    ["a task waits for its second", aTask({ slotAt: fromNow(MINUTE), updatedAt: fromNow(-HOUR) }), false],
    ["a task is due later", aTask({ slotAt: fromNow(3 * MINUTE), updatedAt: fromNow(-HOUR) }), true],
    ["nothing has happened for a while", published(), true],
  ])("tell whether somebody may hold a share: %s", (_, task, isQuiet) => {
    expect(countFacts(day, lives(task), NOW).isQuiet).toBe(isQuiet);
    expect(countFacts({ kind: "app-day", day: "2026-11-29" }, lives(task), NOW).isQuiet).toBe(true);
  });

  it("disagree below what is certain, and above what is possible", () => {
    const facts = { certain: 2, possible: 4, isQuiet: true };
    expect(compareCounter(day, 1, facts)).toMatchObject({
      code: "counter-below",
      severity: "severe",
      missing: 1,
    });
    for (const used of [2, 3, 4]) expect(compareCounter(day, used, facts)).toBeUndefined();
    expect(compareCounter(day, 7, facts)).toMatchObject({ code: "counter-above", missing: -3 });
    expect(compareCounter(day, 7, { ...facts, isQuiet: false })).toBeUndefined();
  });
});

describe("compareBatch", () => {
  const batchId = asBatchId("batch-1");
  const batch = (counts: object) => ({
    id: batchId,
    ownerId: asOwnerId("owner-1"),
    name: "spring",
    createdAt: NOW,
    counts: { ...NO_COUNTS, ...counts },
  });
  const done = published({ batchId, version: 4 });
  const marker = (task: Task, over: object = {}) => ({
    taskId: task.id,
    bucket: "done" as const,
    version: task.version,
    ...over,
  });

  it("finds nothing where markers, counts and tasks agree", () => {
    expect(compareBatch(batch({ done: 1 }), [marker(done)], [done], NOW)).toEqual({
      disagreements: [],
      behind: [],
    });
  });

  it("finds tasks that are counted where they no longer stand", () => {
    const behind = [{ taskId: done.id, bucket: "done", version: 4 }];
    const earlier = marker(done, { bucket: "pending", version: 1 });
    expect(compareBatch(batch({ pending: 1 }), [earlier], [done], NOW)).toMatchObject({
      disagreements: [{ code: "batch-behind" }],
      behind,
    });
    expect(compareBatch(batch({}), [], [done], NOW)).toMatchObject({ behind });
    const fresh = { ...done, updatedAt: fromNow(-MINUTE) };
    expect(compareBatch(batch({}), [], [fresh], NOW).disagreements).toEqual([]);
    expect(
      compareBatch(batch({ done: 1 }), [marker(done, { version: 3 })], [done], NOW).disagreements,
    ).toEqual([]);
  });

  it("finds counts that their tasks do not add up to", () => {
    expect(compareBatch(batch({ done: 3 }), [marker(done)], [done], NOW)).toMatchObject({
      disagreements: [{ code: "batch-sum-differs" }],
      counts: { pending: 0, processing: 0, done: 1 },
    });
  });
});
