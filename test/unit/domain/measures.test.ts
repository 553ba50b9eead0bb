import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FAILURE_CLASSES } from "#shared/domain/failure.ts";
import { asAccountId, asAttemptId, asTaskId } from "#shared/domain/ids.ts";
import {
  type MeasuredAttempt,
  type MeasuredGate,
  type MeasuredTask,
  observe,
  observeStandstill,
} from "#shared/domain/measures.ts";
import { isWithoutProgress, WITHOUT_PROGRESS_MS } from "#shared/domain/progress.ts";
import { TASK_STATUSES, type Task } from "#shared/domain/task.ts";
import { aTask } from "#test/support/builders.ts";

const start = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(start.getTime() + ms);
const part = (ms: number) => ({ postId: `post-${ms}`, sentAt: at(ms) });

const moved = (before: Task, over: Partial<Task>) =>
  observe({ kind: "task", before, after: { ...before, ...over } });

describe("what a task tells", () => {
  it("measures a post that was due at once from its acceptance", () => {
    const task = aTask({ createdAt: at(0), slotAt: at(0) });
    expect(moved(task, { status: "published", sentAt: at(1_900), posted: [part(1_900)] })).toEqual({
      at: at(1_900),
      values: { Posts: 1, WaitTime: 1_900, Lateness: 1_900, AcceptToFirstPost: 1_900, CompletionTime: 1_900 },
      facts: {
        taskId: task.id,
        ownerId: "owner-1",
        projectId: "project-1",
        accountId: "account-1",
        parts: 1,
      },
    });
  });

  it("measures a post of later from its slot: nobody waited for it before", () => {
    const task = aTask({ createdAt: at(0), slotAt: at(3_600_000) });
    const sentAt = at(3_600_041);
    const posted = [{ postId: "1", sentAt }];
    expect(moved(task, { status: "published", sentAt, posted })?.values).toEqual({
      Posts: 1,
      WaitTime: 41,
      Lateness: 41,
      CompletionTime: 41,
    });
  });

  it("counts a wait that was known beforehand as waiting, and not as late", () => {
    const task = aTask({ createdAt: at(0), slotAt: at(10_000), excusedUntil: at(70_000) });
    expect(moved(task, { status: "published", sentAt: at(70_300), posted: [part(70_300)] })?.values).toEqual({
      Posts: 1,
      WaitTime: 60_300,
      Lateness: 300,
      CompletionTime: 60_300,
    });
  });

  it("shows a post that went out early, which is a bug", () => {
    const task = aTask({ createdAt: at(0), slotAt: at(10_000) });
    expect(
      moved(task, { status: "published", sentAt: at(9_999), posted: [part(9_999)] })?.values.Lateness,
    ).toBe(-1);
  });

  it("measures a thread's first part once, each part as a post, and the whole at its end", () => {
    const one = aTask({ createdAt: at(0), slotAt: at(0), partCount: 3, status: "posting" });
    const two = { ...one, status: "ready" as const, sentAt: at(100), posted: [part(100)] };
    const three = { ...two, posted: [part(100), part(5_200)] };
    const done = { ...three, status: "published" as const, posted: [...three.posted, part(10_300)] };
    expect(
      [moved(one, two), moved(two, three), moved(three, done)].map((observation) => observation?.values),
    ).toEqual([
      { Posts: 1, WaitTime: 100, Lateness: 100, AcceptToFirstPost: 100 },
      { Posts: 1 },
      { Posts: 1, CompletionTime: 10_300 },
    ]);
  });

  it("does not call a thread complete that was cancelled half-way", () => {
    const task = aTask({ createdAt: at(0), slotAt: at(0), partCount: 3, status: "posting" });
    const stopped = moved(task, { status: "cancelled", sentAt: at(100), posted: [part(100)] });
    expect(stopped?.values).not.toHaveProperty("CompletionTime");
  });

  it("has nothing to say about a task of which no part went out", () => {
    const task = aTask();
    expect(observe({ kind: "task", after: task })).toBeUndefined();
    for (const status of TASK_STATUSES) expect(moved(task, { status })).toBeUndefined();
    const published = { ...task, status: "published" as const, sentAt: at(1), posted: [part(1)] };
    expect(moved(published, { version: 9 })).toBeUndefined();
  });

  it("counts every part once, however the writes cut a thread up", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(25), { maxLength: 10 }), (lengths) => {
        const grown = lengths.toSorted((a, b) => a - b);
        let before: MeasuredTask = aTask({ partCount: 25 });
        let posts = 0;
        let firsts = 0;
        for (const length of grown) {
          const posted = Array.from({ length }, (_, index) => part(index * 6_000));
          const after: MeasuredTask = { ...before, posted, ...(length > 0 && { sentAt: at(0) }) };
          const observed = observe({ kind: "task", before, after });
          posts += observed?.values.Posts ?? 0;
          if (observed?.values.WaitTime !== undefined) firsts++;
          before = after;
        }
        expect(posts).toBe(grown.at(-1) ?? 0);
        expect(firsts).toBe(posts > 0 ? 1 : 0);
      }),
    );
  });
});

describe("what an attempt tells", () => {
  const attempt = (over: Partial<MeasuredAttempt> = {}): MeasuredAttempt => ({
    taskId: asTaskId("01JZ"),
    at: at(0),
    attemptId: asAttemptId("attempt-1"),
    step: "publish",
    status: "published",
    ...over,
  });
  const observed = (over: Partial<MeasuredAttempt>) => observe({ kind: "attempt", after: attempt(over) });

  it("measures the phases of a post, and keeps all of them in the line", () => {
    const phases = { waitedMs: 64_959, intentMs: 12, callMs: 180, latenessMs: 41 };
    expect(observed({ via: "scheduler", phases })).toEqual({
      at: at(0),
      values: { IntentTime: 12, CallTime: 180, DeliveryDelay: 0 },
      facts: {
        taskId: "01JZ",
        attemptId: "attempt-1",
        step: "publish",
        via: "scheduler",
        status: "published",
        phases,
      },
    });
  });

  it.each([
    ["long before the due second, and held", { waitedMs: 60_000, intentMs: 10, latenessMs: 30 }, 0],
    ["4 s after it", { waitedMs: 50, intentMs: 10, latenessMs: 4_060 }, 4_000],
  ])("says how late the publisher was woken: %s", (_, phases, delayMs) => {
    expect(observed({ phases })?.values.DeliveryDelay).toBe(delayMs);
  });

  it("measures the phases of an upload", () => {
    const phases = { claimMs: 5, initializeMs: 90, transferMs: 1_400, finalizeMs: 80, statusMs: 2_000 };
    expect(observed({ step: "prepare", status: "ready", phases })?.values).toEqual({
      TransferTime: 1_400,
      ProcessingTime: 2_000,
    });
  });

  it.each([...FAILURE_CLASSES, "unknown"] as const)("counts a failure of the class %s", (failure) => {
    const observation = observed({ class: failure, code: "some-code", status: "retrying" });
    expect(observation?.values).toEqual({ Failures: 1 });
    expect(observation?.facts).toMatchObject({ class: failure, code: "some-code" });
  });

  it("has nothing to say about a step that neither failed nor took time", () => {
    expect(observed({ step: "change", status: "cancelled", code: "cancelled" })).toBeUndefined();
  });
});

describe("what a gate tells", () => {
  const gate = (over: Partial<MeasuredGate> = {}): MeasuredGate => ({
    accountId: asAccountId("account-1"),
    reservations: [],
    ...over,
  });
  const reserved = (ms: number) => ({
    taskId: asTaskId("01JZ"),
    attemptId: asAttemptId("attempt-1"),
    at: at(ms),
    units: 1,
    used: 0,
  });
  const quarter = (used: number, startMs = 0) => ({ startAt: at(startMs), used });

  it("measures how much of X's quota an account uses, when it takes more", () => {
    const before = gate({ quarter: quarter(24) });
    const after = gate({ quarter: quarter(25), reservations: [reserved(60_000)] });
    expect(observe({ kind: "gate", before, after })).toEqual({
      at: at(60_000),
      values: { AccountUtilisation: 25 },
      facts: { accountId: "account-1", used: 25 },
    });
  });

  it("measures the first post of all, and the first of a new window", () => {
    const after = gate({ quarter: quarter(1, 900_000) });
    expect(observe({ kind: "gate", after })?.values).toEqual({ AccountUtilisation: 1 });
    expect(observe({ kind: "gate", before: gate({ quarter: quarter(80) }), after })?.values).toEqual({
      AccountUtilisation: 1,
    });
  });

  it.each([
    ["a confirmation", quarter(25)],
    ["what is given back", quarter(24)],
  ])("says nothing about %s", (_, left) => {
    const before = gate({ quarter: quarter(25) });
    expect(observe({ kind: "gate", before, after: gate({ quarter: left }) })).toBeUndefined();
  });

  it("says nothing of a gate that nothing went through", () => {
    expect(observe({ kind: "gate", after: gate() })).toBeUndefined();
  });
});

describe("standing still", () => {
  const task = aTask({ wakeAt: at(0) });
  const late = at(WITHOUT_PROGRESS_MS);

  it("begins ten minutes after the instant at which somebody should have moved the task", () => {
    expect(isWithoutProgress(task, at(WITHOUT_PROGRESS_MS - 1))).toBe(false);
    expect(isWithoutProgress(task, late)).toBe(true);
  });

  it("goes on while the sweeper sends one after the other in vain", () => {
    const swept = { ...task, wakeAt: at(480_000), stalledSince: at(0) };
    expect(isWithoutProgress(swept, at(480_001))).toBe(false);
    expect(isWithoutProgress(swept, late)).toBe(true);
  });

  it("is not what somebody was just sent to, or what waits for its second", () => {
    expect(
      isWithoutProgress({ ...task, stalledSince: at(0), wakeAt: at(WITHOUT_PROGRESS_MS + 1) }, late),
    ).toBe(false);
    expect(isWithoutProgress({ ...task, arrangedFor: at(86_400_000) }, late)).toBe(false);
  });

  it.each(["draft", "held", "published", "failed", "missed", "cancelled"] as const)(
    "is not what a %s task does",
    (status) => {
      expect(isWithoutProgress({ ...task, status }, late)).toBe(false);
    },
  );

  it("is not measured while nothing stands still", () => {
    expect(observeStandstill([], late)).toBeUndefined();
  });

  it("counts all, and names the first ten", () => {
    const ids = Array.from({ length: 12 }, (_, index) => asTaskId(`T${index}`));
    expect(observeStandstill(ids, late)).toEqual({
      at: late,
      values: { TasksWithoutProgress: 12 },
      facts: { taskIds: "T0 T1 T2 T3 T4 T5 T6 T7 T8 T9" },
    });
  });
});
