import { describe, expect, it } from "vitest";
import { asJobId, asOwnerId, type OwnerId } from "#shared/domain/ids.ts";
import {
  claimRun,
  emptyRegister,
  endRun,
  enterJob,
  type Job,
  type JobRegister,
  type JobRun,
  newJob,
  removeJob,
  triggerJob,
} from "#shared/domain/job.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { type DueRef, WAKE_SHARDS } from "#shared/ports/task-store.ts";
import { freshTaskId } from "#test/support/builders.ts";
import type { ManualClock } from "#test/support/clock.ts";

export interface JobStoreUnderTest {
  readonly jobs: JobStore;
  readonly clock: ManualClock;
  readonly listDue: (shard: number, now: Date) => Promise<readonly DueRef[]>;
}

const STALE = { ok: false, error: { reason: "stale" } };
const SAVED = { ok: true, value: undefined };
const HOUR_MS = 3_600_000;

/** What every `JobStore` promises. Run it against each implementation. */
export function jobStoreContract(name: string, open: () => JobStoreUnderTest): void {
  let owners = 0;
  const anOwner = (): OwnerId => asOwnerId(`job-owner-${++owners}`);
  const aJob = (clock: ManualClock, over: Partial<Job> = {}): Job => ({
    ...newJob(
      asJobId(String(freshTaskId())),
      anOwner(),
      {
        name: "nightly",
        action: { type: "publishing-run" },
        schedule: { kind: "interval", everyMs: HOUR_MS },
        enabled: true,
      },
      clock.now(),
    ),
    ...over,
  });
  const enter = (register: JobRegister, job: Job): JobRegister => {
    const entered = enterJob(register, job);
    if (!entered.ok) throw new Error(entered.error.reason);
    return entered.value;
  };
  const aRun = (job: Job, clock: ManualClock, over: Partial<JobRun> = {}): JobRun => ({
    jobId: job.id,
    number: 1,
    type: "publishing-run",
    via: "schedule",
    plannedAt: clock.now(),
    startedAt: clock.now(),
    ...over,
  });

  describe(`JobStore: ${name}`, () => {
    it("gives back what was saved, and nothing else", async () => {
      const { jobs, clock } = open();
      const job = aJob(clock);
      expect(await jobs.save(job)).toEqual(SAVED);
      expect(await jobs.get(job.id)).toEqual(job);
      const paused: Job = {
        ...removeJob(triggerJob(job, clock.now()), clock.now()),
        name: "夜班",
        action: { type: "scan-source", project: "shop" },
        schedule: { kind: "cron", cron: "0 9 * * MON-FRI", timeZone: "Asia/Shanghai" },
        lastRunAt: clock.now(),
        triggeredAt: clock.now(),
        runs: 12,
        version: 2,
      };
      expect(await jobs.save(paused)).toEqual(SAVED);
      expect(await jobs.get(job.id)).toEqual(paused);
      expect(await jobs.get(asJobId("nobody"))).toBeUndefined();
    });

    it("refuses to replace any version but the one before, and lets one of several win", async () => {
      const { jobs, clock } = open();
      const job = aJob(clock);
      await jobs.save(job);
      for (const version of [1, 3]) expect(await jobs.save({ ...job, version })).toEqual(STALE);
      expect(await jobs.save(aJob(clock, { version: 2 }))).toEqual(STALE);
      const writes = await Promise.all(
        ["a", "b", "c"].map((written) => jobs.save({ ...job, name: written, version: 2 })),
      );
      expect(writes.filter(({ ok }) => ok)).toHaveLength(1);
    });

    it("writes a job and its owner's register together, or neither", async () => {
      const { jobs, clock } = open();
      const job = aJob(clock);
      expect(await jobs.getRegister(job.ownerId)).toEqual(emptyRegister(job.ownerId));
      const first = enter(emptyRegister(job.ownerId), job);
      expect(await jobs.save(job, { register: first })).toEqual(SAVED);
      expect(await jobs.getRegister(job.ownerId)).toEqual(first);

      const other = aJob(clock, { ownerId: job.ownerId, name: "daily" });
      expect(await jobs.save(other, { register: enter(emptyRegister(job.ownerId), other) })).toEqual(STALE);
      expect(await jobs.get(other.id)).toBeUndefined();
      expect(await jobs.save({ ...job, version: 3 }, { register: enter(first, other) })).toEqual(STALE);
      expect(await jobs.getRegister(job.ownerId)).toEqual(first);

      expect(await jobs.save(other, { register: enter(first, other) })).toEqual(SAVED);
      expect((await jobs.getRegister(job.ownerId)).entries.map((entry) => entry.name)).toEqual([
        "nightly",
        "daily",
      ]);
      expect(await jobs.getRegister(anOwner())).toMatchObject({ entries: [], version: 0 });
    });

    it("lets one of several jobs of one register win", async () => {
      const { jobs, clock } = open();
      const ownerId = anOwner();
      const writes = await Promise.all(
        ["a", "b", "c"].map((written) => {
          const job = aJob(clock, { ownerId, name: written });
          return jobs.save(job, { register: enter(emptyRegister(ownerId), job) });
        }),
      );
      expect(writes.filter(({ ok }) => ok)).toHaveLength(1);
      expect((await jobs.getRegister(ownerId)).entries).toHaveLength(1);
    });

    it("notes a run with the claim, or not at all, and then how it ended", async () => {
      const { jobs, clock } = open();
      const job = aJob(clock);
      await jobs.save(job);
      const claimed = claimRun({ ...job, nextAt: clock.now() }, clock.now());
      if (!claimed) throw new Error("it is due");
      expect(await jobs.save({ ...claimed.job, version: 3 }, { run: claimed.run })).toEqual(STALE);
      expect(await jobs.listRuns(job.id, { limit: 10 })).toEqual([]);
      expect(await jobs.save(claimed.job, { run: claimed.run })).toEqual(SAVED);
      expect(await jobs.listRuns(job.id, { limit: 10 })).toEqual([claimed.run]);
      const ended = endRun(
        claimed.run,
        { outcome: "errored", error: { code: "internal", message: "It broke." }, runId: "run-1" },
        clock.now(),
      );
      for (const _ of [1, 2]) await jobs.saveRun(ended);
      expect(await jobs.listRuns(job.id, { limit: 10 })).toEqual([ended]);
    });

    it("keeps what a run did to quiet days, and for which project it was", async () => {
      const { jobs, clock } = open();
      const job = aJob(clock, { action: { type: "fill-days", project: "default" } });
      await jobs.save(job);
      expect(await jobs.get(job.id)).toEqual(job);
      const day = {
        account: "main",
        date: "2026-12-02",
        planned: 4,
        missing: 2,
        message: "Two are missing.",
      };
      const filled = { moved: 3, skipped: 1, complete: false, shortDays: 9, shortfalls: [day] };
      const run = aRun(job, clock, { type: "fill-days", outcome: "succeeded", filled });
      await jobs.saveRun(run);
      expect(await jobs.listRuns(job.id, { limit: 10 })).toEqual([run]);
    });

    it("lists runs by number, newest first, page by page, of one job", async () => {
      const { jobs, clock } = open();
      const [job, other] = [aJob(clock), aJob(clock)];
      for (let number = 1; number <= 12; number++) await jobs.saveRun(aRun(job, clock, { number }));
      await jobs.saveRun(aRun(other, clock, { number: 99 }));
      const numbers = async (page: { readonly limit: number; readonly before?: number }) =>
        (await jobs.listRuns(job.id, page)).map(({ number }) => number);
      expect(await numbers({ limit: 3 })).toEqual([12, 11, 10]);
      expect(await numbers({ limit: 3, before: 10 })).toEqual([9, 8, 7]);
      expect(await numbers({ limit: 5, before: 3 })).toEqual([2, 1]);
      expect(await numbers({ limit: 5, before: 1 })).toEqual([]);
    });

    it("forgets a run after 90 days, deleted or not", async () => {
      const { jobs, clock } = open();
      const job = aJob(clock);
      await jobs.saveRun(aRun(job, clock));
      clock.advance(1_000);
      await jobs.saveRun(aRun(job, clock, { number: 2 }));
      clock.advance(TIMING.logRetentionMs - 1_000);
      expect((await jobs.listRuns(job.id, { limit: 10 })).map(({ number }) => number)).toEqual([2]);
    });

    it("is listed as due from its next instant, or the one it was asked for, until it is paused", async () => {
      const { jobs, clock, listDue } = open();
      const nextAt = new Date(clock.now().getTime() + HOUR_MS);
      const job = aJob(clock, { nextAt });
      await jobs.save(job);
      const find = async (now: Date) => {
        const shards = Array.from({ length: WAKE_SHARDS }, (_, shard) => listDue(shard, now));
        return (await Promise.all(shards)).flat().filter((ref) => ref.kind === "job" && ref.id === job.id);
      };
      expect(await find(new Date(nextAt.getTime() - 1))).toEqual([]);
      expect(await find(nextAt)).toEqual([{ kind: "job", id: job.id, wakeAt: nextAt }]);
      const asked = triggerJob(job, clock.now());
      await jobs.save(asked);
      expect(await find(nextAt)).toEqual([{ kind: "job", id: job.id, wakeAt: clock.now() }]);
      await jobs.save(removeJob(asked, clock.now()));
      expect(await find(nextAt)).toEqual([]);
    });
  });
}
