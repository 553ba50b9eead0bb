import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asAttemptId, asTaskId } from "#shared/domain/ids.ts";
import { TASK_STATUSES } from "#shared/domain/task.ts";
import {
  addTotals,
  LATENESS_BUCKETS_MS,
  REQUEST_BUCKETS_MS,
  SETTLED_STATUSES,
  SLICE_MS,
  sliceOf,
  summarizeHour,
  totalsOfChange,
  totalsOfRequest,
} from "#shared/domain/totals.ts";
import { aTask } from "#test/support/builders.ts";

const start = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(start.getTime() + ms);

describe("what a change of a task adds", () => {
  it.each(TASK_STATUSES)(
    "a task that becomes %s is counted by its state, once, if it is an end",
    (status) => {
      const before = aTask({ status: status === "pending" ? "ready" : "pending" });
      const isEnd = SETTLED_STATUSES.some((one) => one === status);
      const totals = totalsOfChange({ kind: "task", before, after: { ...before, status } });
      expect(totals).toEqual({
        ...(isEnd && { [`tasks/${status}`]: 1 }),
        ...(status === "retrying" && { retries: 1 }),
      });
      const same = { ...before, status };
      expect(totalsOfChange({ kind: "task", before: same, after: same })).toEqual({});
    },
  );

  it("posts, and how late the first of them was", () => {
    const before = aTask({ status: "posting", createdAt: at(0), slotAt: at(60_000) });
    const sentAt = at(60_300);
    const after = { ...before, status: "published" as const, sentAt, posted: [{ postId: "1", sentAt }] };
    expect(totalsOfChange({ kind: "task", before, after })).toEqual({
      "tasks/published": 1,
      posts: 1,
      "lateness/500": 1,
      latenessMs: 300,
    });
  });

  it.each([
    [0, "100"],
    [100, "100"],
    [101, "250"],
    [1_800_000, "1800000"],
    [1_800_001, "inf"],
    [-5, "100"],
  ])("a lateness of %i ms belongs to the bucket %s", (ms, bucket) => {
    const before = aTask({ status: "posting", createdAt: at(-1), slotAt: at(0) });
    const after = { ...before, sentAt: at(ms), posted: [{ postId: "1", sentAt: at(ms) }] };
    const totals = totalsOfChange({ kind: "task", before, after });
    expect(totals[`lateness/${bucket}`]).toBe(1);
    expect(totals["latenessMs"]).toBe(Math.max(0, ms));
  });

  it("an attempt that failed, by its class", () => {
    const attempt = {
      taskId: asTaskId("1"),
      at: start,
      attemptId: asAttemptId("1"),
      step: "publish",
      status: "retrying",
    } as const;
    expect(totalsOfChange({ kind: "attempt", after: { ...attempt, class: "rate-limited" } })).toEqual({
      "failures/rate-limited": 1,
    });
    expect(totalsOfChange({ kind: "attempt", after: attempt })).toEqual({});
  });
});

describe("totals", () => {
  const someTotals = fc.dictionary(fc.constantFrom("a", "b", "c/d"), fc.integer({ min: 0, max: 1_000 }));

  it("add up the same in any order", () => {
    fc.assert(
      fc.property(someTotals, someTotals, someTotals, (one, two, three) => {
        expect(addTotals(addTotals(one, two), three)).toEqual(addTotals(addTotals(three, two), one));
        expect(addTotals(one, {})).toEqual(one);
      }),
    );
  });

  it("belong to the five minutes in which they were counted", () => {
    expect(sliceOf(at(0))).toEqual(at(0));
    expect(sliceOf(at(SLICE_MS - 1))).toEqual(at(0));
    expect(sliceOf(at(SLICE_MS))).toEqual(at(SLICE_MS));
  });
});

describe("the last hour", () => {
  const answered = (status: number, durationMs: number) =>
    totalsOfRequest({ route: "x", status, durationMs });

  it("says nothing about nothing", () => {
    expect(summarizeHour([], at(0))).toEqual({ postsPerMinute: 0, requests: 0 });
  });

  it("knows posts per minute, errors and response times, and leaves out what is older", () => {
    const slices = [
      { startAt: at(-65 * 60_000), totals: { posts: 1_000, "requests/x/5xx": 99 } },
      { startAt: at(-60 * 60_000), totals: { posts: 50 } },
      { startAt: at(-5 * 60_000), totals: addTotals({ posts: 10 }, answered(200, 20)) },
      { startAt: at(0), totals: [answered(503, 40), answered(404, 2), answered(200, 6)].reduce(addTotals) },
    ];
    expect(summarizeHour(slices, at(0))).toEqual({
      postsPerMinute: 1,
      requests: 4,
      errorRate: 0.25,
      meanResponseMs: 17,
      p90ResponseMs: 50,
    });
  });

  it("names the end of the bucket in which nine of ten were answered, or none", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 12_000 }), { minLength: 1, maxLength: 50 }), (times) => {
        const totals = times.map((ms) => answered(200, ms)).reduce(addTotals);
        const { p90ResponseMs } = summarizeHour([{ startAt: at(0), totals }], at(1));
        const ends = [...REQUEST_BUCKETS_MS, Number.POSITIVE_INFINITY];
        const expected = ends.find((end) => times.filter((ms) => ms <= end).length >= 0.9 * times.length);
        expect(p90ResponseMs ?? Number.POSITIVE_INFINITY).toBe(expected);
      }),
    );
  });

  it("has buckets in their order", () => {
    for (const buckets of [LATENESS_BUCKETS_MS, REQUEST_BUCKETS_MS])
      expect(buckets.toSorted((a, b) => a - b)).toEqual([...buckets]);
  });
});
