import type { JobId, OwnerId } from "#shared/domain/ids.ts";
import { emptyRegister, type Job, type JobRegister, type JobRun, wakeAtOf } from "#shared/domain/job.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import type { DueRef } from "#shared/ports/task-store.ts";
import { err, ok } from "#shared/result.ts";

export interface InMemoryJobs extends JobStore {
  /** What the `wake` index shows of jobs, for a `listDue` that shows them too. */
  due(): readonly DueRef[];
}

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryJobs(clock: Pick<Clock, "now">): InMemoryJobs {
  const jobs = new Map<JobId, Job>();
  const registers = new Map<OwnerId, JobRegister>();
  const runs = new Map<JobId, Map<number, JobRun>>();
  const registerOf = (ownerId: OwnerId) => registers.get(ownerId) ?? emptyRegister(ownerId);
  const keep = (run: JobRun) =>
    runs.set(run.jobId, (runs.get(run.jobId) ?? new Map<number, JobRun>()).set(run.number, run));
  return {
    async get(id) {
      return jobs.get(id);
    },
    async getRegister(ownerId) {
      return registerOf(ownerId);
    },
    async save(next, { run, register } = {}) {
      if ((jobs.get(next.id)?.version ?? 0) !== next.version - 1) return err({ reason: "stale" });
      if (register && registerOf(register.ownerId).version !== register.version - 1)
        return err({ reason: "stale" });
      jobs.set(next.id, next);
      if (run) keep(run);
      if (register) registers.set(register.ownerId, register);
      return ok(undefined);
    },
    async saveRun(run) {
      keep(run);
    },
    async listRuns(id, { limit, before = Number.POSITIVE_INFINITY }) {
      const oldest = clock.now().getTime() - TIMING.logRetentionMs;
      return [...(runs.get(id)?.values() ?? [])]
        .filter(({ number, startedAt }) => number < before && startedAt.getTime() > oldest)
        .toSorted((a, b) => b.number - a.number)
        .slice(0, limit);
    },
    due: () =>
      [...jobs.values()].flatMap((job) => {
        const wakeAt = wakeAtOf(job);
        return wakeAt ? [{ kind: "job" as const, id: job.id, wakeAt }] : [];
      }),
  };
}
