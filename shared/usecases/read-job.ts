import type { JobId, OwnerId } from "#shared/domain/ids.ts";
import type { Job } from "#shared/domain/job.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface ReadJobDeps {
  readonly jobs: Pick<JobStore, "get">;
}

/** Another owner's job, and a deleted one, are refused like one that does not exist. */
export type ReadJob = (ownerId: OwnerId, id: JobId) => Promise<Result<Job, { readonly reason: "not-found" }>>;

export function createReadJob({ jobs }: ReadJobDeps): ReadJob {
  return async (ownerId, id) => {
    const job = await jobs.get(id);
    return job?.ownerId === ownerId && !job.deletedAt ? ok(job) : err({ reason: "not-found" });
  };
}
