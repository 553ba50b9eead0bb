import type { JobId, OwnerId } from "#shared/domain/ids.ts";
import type { Job, JobRegister } from "#shared/domain/job.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { createReadJob } from "./read-job.ts";

/** Others write a job when it runs, and a register when a job comes or goes: one of these gets through. */
export const MAX_RACES = 5;

export type ChangeJobRefusal =
  | { readonly reason: "not-found" }
  /** It is not the version any more that the caller has seen. */
  | { readonly reason: "stale"; readonly version: number }
  /** Somebody else was faster every time. */
  | { readonly reason: "conflict" };

/** What to write; refused with the caller's own reasons. */
export interface DecidedJob {
  readonly next: Job;
  readonly register?: JobRegister;
}

/**
 * Decides by the job as it is now and writes what was decided; when somebody was faster, decides again.
 *
 * @param ifVersion - the version that the caller has seen; absent: whatever there is
 */
export async function changeOwnJob<Refusal>(
  jobs: Pick<JobStore, "get" | "save">,
  ownerId: OwnerId,
  id: JobId,
  ifVersion: number | undefined,
  decide: (job: Job) => Promise<Result<DecidedJob, Refusal>>,
): Promise<Result<Job, Refusal | ChangeJobRefusal>> {
  const readJob = createReadJob({ jobs });
  for (let race = 0; race < MAX_RACES; race++) {
    const read = await readJob(ownerId, id);
    if (!read.ok) return read;
    const { version } = read.value;
    if (ifVersion !== undefined && version !== ifVersion) return err({ reason: "stale", version });
    const decided = await decide(read.value);
    if (!decided.ok) return decided;
    const { next, register } = decided.value;
    const saved = await jobs.save(next, { ...(register && { register }) });
    if (saved.ok) return ok(next);
  }
  return err({ reason: "conflict" });
}
