import type { JobId, OwnerId } from "#shared/domain/ids.ts";
import type { Job, JobRegister, JobRun } from "#shared/domain/job.ts";
import type { Result } from "#shared/result.ts";

/** Written in the same transaction as the job, or not at all. */
export interface WithJob {
  /** A run that begins. */
  readonly run?: JobRun;
  /** Replaces the owner's register whose version is one less. */
  readonly register?: JobRegister;
}

/**
 * Managed jobs, and their runs for 90 days. A job is listed by `TaskStore.listDue` from `wakeAtOf` on. A deleted one is
 * still given back, with `deletedAt`, until its history is gone. Passes `test/contracts/job-store.ts`.
 */
export interface JobStore {
  get(id: JobId): Promise<Job | undefined>;
  /** An empty one, if nothing is stored. */
  getRegister(ownerId: OwnerId): Promise<JobRegister>;
  /** Replaces the job whose version is one less (version 1: none). `stale`: it, or the register, was written meanwhile. */
  save(next: Job, together?: WithJob): Promise<Result<void, { readonly reason: "stale" }>>;
  /** Replaces a run by how it ended. Repeatable. */
  saveRun(run: JobRun): Promise<void>;
  /** Newest first. */
  listRuns(
    id: JobId,
    page: { readonly limit: number; readonly before?: JobRun["number"] },
  ): Promise<readonly JobRun[]>;
}
