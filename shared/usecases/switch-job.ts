import type { JobId, OwnerId } from "#shared/domain/ids.ts";
import { type Job, switchJob } from "#shared/domain/job.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { type ChangeJobRefusal, changeOwnJob } from "./change-own-job.ts";

export interface SwitchJobDeps {
  readonly jobs: Pick<JobStore, "get" | "save">;
  readonly clock: Pick<Clock, "now">;
}

/** @param enabled - false pauses it, true plans it anew from now on; repeating either changes nothing more */
export type SwitchJob = (
  ownerId: OwnerId,
  id: JobId,
  enabled: boolean,
  ifVersion?: number,
) => Promise<Result<Job, ChangeJobRefusal>>;

export function createSwitchJob({ jobs, clock }: SwitchJobDeps): SwitchJob {
  return (ownerId, id, enabled, ifVersion) =>
    changeOwnJob<never>(jobs, ownerId, id, ifVersion, async (job) =>
      ok({ next: switchJob(job, enabled, clock.now()) }),
    );
}
