import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asJobId, asOwnerId } from "#shared/domain/ids.ts";
import {
  changeJob,
  claimRun,
  emptyRegister,
  endRun,
  enterJob,
  type Job,
  type JobRegister,
  type JobWish,
  leaveRegister,
  MAX_JOBS,
  newJob,
  removeJob,
  stateOfRun,
  switchJob,
  triggerJob,
  wakeAtOf,
} from "#shared/domain/job.ts";
import { TIMING } from "#shared/domain/timing.ts";

const start = new Date("2026-12-01T01:00:00.000Z");
const at = (ms: number) => new Date(start.getTime() + ms);
const HOUR = 3_600_000;
const owner = asOwnerId("anne");

const wish: JobWish = {
  name: "hourly",
  action: { type: "publishing-run" },
  schedule: { kind: "interval", everyMs: HOUR },
  enabled: true,
};
const aJob = (over: Partial<JobWish> = {}): Job =>
  newJob(asJobId("job-1"), owner, { ...wish, ...over }, start);

const claim = (job: Job, now: Date) => {
  const claimed = claimRun(job, now);
  if (!claimed) throw new Error("it is not due");
  return claimed;
};

describe("a job", () => {
  it("runs for the first time one interval after it was made, or when its rule first comes", () => {
    expect(aJob()).toMatchObject({ nextAt: at(HOUR), runs: 0, version: 1 });
    const daily = aJob({ schedule: { kind: "cron", cron: "0 10 * * *", timeZone: "Asia/Shanghai" } });
    expect(daily.nextAt).toEqual(at(HOUR));
  });

  it("has no plan while it is paused, and begins a new one when it goes on", () => {
    const paused = switchJob(aJob(), false, at(10));
    expect(paused).toMatchObject({ enabled: false, version: 2, updatedAt: at(10) });
    expect(wakeAtOf(paused)).toBeUndefined();
    expect(aJob({ enabled: false })).not.toHaveProperty("nextAt");
    expect(switchJob(paused, true, at(5 * HOUR + 7))).toMatchObject({ nextAt: at(6 * HOUR + 7), version: 3 });
  });

  it("keeps its plan when something else changes, or when it is switched to what it is", () => {
    const job = aJob();
    expect(changeJob(job, { ...wish, name: "other" }, at(10))).toMatchObject({
      name: "other",
      nextAt: job.nextAt,
    });
    expect(switchJob(job, true, at(10)).nextAt).toEqual(job.nextAt);
    const faster: JobWish = { ...wish, schedule: { kind: "interval", everyMs: 60_000 } };
    expect(changeJob(job, faster, at(10)).nextAt).toEqual(at(60_010));
  });

  it("runs when it is asked to, also while it is paused, unless it was paused after that", () => {
    expect(wakeAtOf(triggerJob(aJob(), at(5)))).toEqual(at(5));
    expect(wakeAtOf(triggerJob(aJob({ enabled: false }), at(5)))).toEqual(at(5));
    expect(wakeAtOf(triggerJob(aJob(), at(2 * HOUR)))).toEqual(at(HOUR));
    expect(wakeAtOf(switchJob(triggerJob(aJob(), at(5)), false, at(6)))).toBeUndefined();
  });

  it("never runs again once it is deleted", () => {
    const removed = removeJob(triggerJob(aJob(), at(5)), at(6));
    expect(removed).toMatchObject({ enabled: false, deletedAt: at(6), version: 3 });
    expect(wakeAtOf(removed)).toBeUndefined();
    expect(claimRun(removed, at(100 * HOUR))).toBeUndefined();
  });
});

describe("claimRun", () => {
  it("takes nothing before its time", () => {
    expect(claimRun(aJob(), at(HOUR - 1))).toBeUndefined();
    expect(claimRun(aJob({ enabled: false }), at(100 * HOUR))).toBeUndefined();
    expect(claimRun(triggerJob(aJob(), at(10)), at(9))).toBeUndefined();
  });

  it("takes the planned instant, and plans the next one from it, however late it is", () => {
    const { job, run } = claim(aJob(), at(HOUR + 59_000));
    expect(run).toEqual({
      jobId: "job-1",
      number: 1,
      type: "publishing-run",
      via: "schedule",
      plannedAt: at(HOUR),
      startedAt: at(HOUR + 59_000),
    });
    expect(job).toMatchObject({ nextAt: at(2 * HOUR), lastRunAt: at(HOUR + 59_000), runs: 1, version: 2 });
  });

  it("takes all that was missed as one", () => {
    const { job, run } = claim(aJob(), at(7.5 * HOUR));
    expect(run.plannedAt).toEqual(at(HOUR));
    expect(job.nextAt).toEqual(at(8 * HOUR));
    expect(claimRun(job, at(7.5 * HOUR))).toBeUndefined();
  });

  it("leaves the plan alone when it was only asked for", () => {
    const { job, run } = claim(triggerJob(aJob(), at(10)), at(20));
    expect(run).toMatchObject({ via: "trigger", plannedAt: at(10), startedAt: at(20) });
    expect(job.nextAt).toEqual(at(HOUR));
    expect(job).not.toHaveProperty("triggeredAt");
  });

  it("does once what is planned and asked for at the same time, and later what is asked for later", () => {
    const both = claim(triggerJob(aJob(), at(HOUR)), at(HOUR));
    expect(both.run.via).toBe("schedule");
    expect(claimRun(both.job, at(HOUR))).toBeUndefined();
    const later = claim({ ...aJob(), triggeredAt: at(HOUR + 1) }, at(HOUR));
    expect(later.job.triggeredAt).toEqual(at(HOUR + 1));
  });

  it("runs each planned instant at most once, whenever somebody looks", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60_000, max: 3 * HOUR }),
        fc.array(fc.integer({ min: 0, max: 2 * HOUR }), { maxLength: 40 }),
        (everyMs, waits) => {
          let job = aJob({ schedule: { kind: "interval", everyMs } });
          let now = start;
          const planned: number[] = [];
          for (const wait of waits) {
            now = new Date(now.getTime() + wait);
            const claimed = claimRun(job, now);
            // Due if, and only if, an instant of the schedule lies behind.
            expect(claimed !== undefined).toBe((job.nextAt?.getTime() ?? 0) <= now.getTime());
            if (!claimed) continue;
            planned.push(claimed.run.plannedAt.getTime());
            job = claimed.job;
          }
          expect(new Set(planned).size).toBe(planned.length);
          expect(planned.every((instant) => (instant - start.getTime()) % everyMs === 0)).toBe(true);
        },
      ),
    );
  });
});

describe("a run", () => {
  it("is running until it ends, and interrupted when no sweep can be at it any more", () => {
    const { run } = claim(aJob(), at(HOUR));
    expect(stateOfRun(run, at(HOUR + TIMING.sweep.timeoutMs))).toBe("running");
    expect(stateOfRun(run, at(HOUR + TIMING.sweep.timeoutMs + 1))).toBe("interrupted");
    const ended = endRun(run, { outcome: "succeeded", runId: "run-1" }, at(HOUR + 40));
    expect(ended).toEqual({ ...run, outcome: "succeeded", runId: "run-1", endedAt: at(HOUR + 40) });
    expect(stateOfRun(ended, at(90 * 24 * HOUR))).toBe("succeeded");
  });
});

describe("a register", () => {
  const enter = (register: JobRegister, id: string, name: string) =>
    enterJob(register, { id: asJobId(id), name });
  const full = Array.from({ length: MAX_JOBS }, (_, index) => `job-${index}`).reduce((register, id) => {
    const entered = enter(register, id, id);
    if (!entered.ok) throw new Error(entered.error.reason);
    return entered.value;
  }, emptyRegister(owner));

  it("has each name once, and takes a job's own name again", () => {
    expect(enter(full, "job-1", "job-2")).toEqual({
      ok: false,
      error: { reason: "name-taken", name: "job-2" },
    });
    expect(enter(full, "job-1", "job-1")).toMatchObject({ ok: true, value: { version: MAX_JOBS + 1 } });
    const renamed = enter(full, "job-1", "other");
    if (!renamed.ok) throw new Error(renamed.error.reason);
    expect(renamed.value.entries).toHaveLength(MAX_JOBS);
    expect(renamed.value.entries.some(({ name }) => name === "job-1")).toBe(false);
  });

  it("has room for 50", () => {
    expect(enter(full, "one-more", "one-more")).toEqual({
      ok: false,
      error: { reason: "too-many", limit: 50 },
    });
    const left = leaveRegister(full, asJobId("job-7"));
    expect(left.version).toBe(full.version + 1);
    expect(enter(left, "one-more", "job-7").ok).toBe(true);
  });
});
