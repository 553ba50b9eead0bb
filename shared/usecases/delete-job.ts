import type { JobId, OwnerId } from "#shared/domain/ids.ts";
import { type Job, leaveRegister, removeJob } from "#shared/domain/job.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { type ChangeJobRefusal, changeOwnJob } from "./change-own-job.ts";

export interface DeleteJobDeps {
  readonly jobs: Pick<JobStore, "get" | "getRegister" | "save">;
  readonly clock: Pick<Clock, "now">;
}

/** Its name is free at once; its runs fade within 90 days. */
export type DeleteJob = (
  ownerId: OwnerId,
  id: JobId,
  ifVersion?: number,
) => Promise<Result<Job, ChangeJobRefusal>>;

export function createDeleteJob({ jobs, clock }: DeleteJobDeps): DeleteJob {
  return (ownerId, id, ifVersion) =>
    changeOwnJob<never>(jobs, ownerId, id, ifVersion, async (job) =>
      ok({
        next: removeJob(job, clock.now()),
        register: leaveRegister(await jobs.getRegister(ownerId), id),
      }),
    );
}
