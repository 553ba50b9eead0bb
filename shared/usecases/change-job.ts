import type { JobId, OwnerId } from "#shared/domain/ids.ts";
import { changeJob, enterJob, type Job, type JobWish, type RegisterRefusal } from "#shared/domain/job.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { type ChangeJobRefusal, changeOwnJob } from "./change-own-job.ts";
import { checkWish, type JobWishRefusal } from "./create-job.ts";

export interface ChangeJobDeps {
  readonly jobs: Pick<JobStore, "get" | "getRegister" | "save">;
  readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects">;
  readonly clock: Pick<Clock, "now">;
}

export type ChangeJob = (
  ownerId: OwnerId,
  id: JobId,
  wish: JobWish,
  ifVersion?: number,
) => Promise<Result<Job, JobWishRefusal | RegisterRefusal | ChangeJobRefusal>>;

/** Puts other wishes in the place of the old ones. A run that has begun goes on as it began. */
export function createChangeJob({ jobs, accounts, clock }: ChangeJobDeps): ChangeJob {
  return (ownerId, id, written, ifVersion) =>
    changeOwnJob<JobWishRefusal | RegisterRefusal>(jobs, ownerId, id, ifVersion, async (job) => {
      const now = clock.now();
      const wish = await checkWish(accounts, ownerId, written, now);
      if (!wish.ok) return wish;
      const next = changeJob(job, wish.value, now);
      if (next.name === job.name) return ok({ next });
      const register = enterJob(await jobs.getRegister(ownerId), next);
      return register.ok ? ok({ next, register: register.value }) : register;
    });
}
