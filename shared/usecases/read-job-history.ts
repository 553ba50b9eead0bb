import type { JobId, OwnerId } from "#shared/domain/ids.ts";
import { type JobRun, stateOfRun } from "#shared/domain/job.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { createReadJob } from "./read-job.ts";

export interface ReadJobHistoryDeps {
  readonly jobs: Pick<JobStore, "get" | "listRuns">;
  readonly clock: Pick<Clock, "now">;
}

export interface ShownJobRun {
  readonly run: JobRun;
  readonly state: ReturnType<typeof stateOfRun>;
}

export interface JobHistory {
  /** Newest first. */
  readonly runs: readonly ShownJobRun[];
  /** `before` of the next page; absent on the last one. */
  readonly next?: number;
}

/** @param page - runs with a number below `before`; 1 to 100 of them */
export type ReadJobHistory = (
  ownerId: OwnerId,
  id: JobId,
  page: { readonly limit: number; readonly before?: number | undefined },
) => Promise<Result<JobHistory, { readonly reason: "not-found" }>>;

export function createReadJobHistory({ jobs, clock }: ReadJobHistoryDeps): ReadJobHistory {
  const readJob = createReadJob({ jobs });
  return async (ownerId, id, { limit, before }) => {
    const job = await readJob(ownerId, id);
    if (!job.ok) return job;
    const runs = await jobs.listRuns(id, { limit, ...(before !== undefined && { before }) });
    const last = runs.at(-1);
    const more = last !== undefined && runs.length === limit && last.number > 1;
    return ok({
      runs: runs.map((run) => ({ run, state: stateOfRun(run, clock.now()) })),
      ...(more && { next: last.number }),
    });
  };
}
