import type { JobId, OwnerId } from "#shared/domain/ids.ts";
import { type Job, triggerJob } from "#shared/domain/job.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { type ChangeJobRefusal, changeOwnJob } from "./change-own-job.ts";

export interface TriggerJobDeps {
  readonly jobs: Pick<JobStore, "get" | "save">;
  readonly clock: Pick<Clock, "now">;
}

/** Notes the wish to run a job once, besides its schedule; the next sweep begins with it. */
export type TriggerJob = (
  ownerId: OwnerId,
  id: JobId,
  ifVersion?: number,
) => Promise<Result<Job, ChangeJobRefusal>>;

export function createTriggerJob({ jobs, clock }: TriggerJobDeps): TriggerJob {
  return (ownerId, id, ifVersion) =>
    changeOwnJob<never>(jobs, ownerId, id, ifVersion, async (job) =>
      ok({ next: triggerJob(job, clock.now()) }),
    );
}
