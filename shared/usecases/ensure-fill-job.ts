import { asJobId, type OwnerId } from "#shared/domain/ids.ts";
import { enterJob, type JobWish, newJob } from "#shared/domain/job.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { MAX_RACES } from "./change-own-job.ts";

/** When a new project's days are filled, by its clock: early, so that a person can still do something about the day after. */
const FILL_CRON = "15 0 * * *";

export interface EnsureFillJobDeps {
  readonly jobs: Pick<JobStore, "getRegister" | "save">;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

/** What became of the job that a new project needs; nothing, if it needs none. */
export interface FillJob {
  /** Its name. */
  readonly job?: string;
  readonly warning?: Reason;
}

/**
 * The job that keeps a project's daily minimum. One of that name stays as it is.
 *
 * @throws DependencyFault when somebody else changes the owner's jobs without end
 */
export async function ensureFillJob(
  { jobs, clock, entropy }: EnsureFillJobDeps,
  ownerId: OwnerId,
  { project, timeZone }: { readonly project: string; readonly timeZone: string },
): Promise<FillJob> {
  const wish: JobWish = {
    name: `fill-days-${project}`,
    action: { type: "fill-days", project },
    schedule: { kind: "cron", cron: FILL_CRON, timeZone },
    enabled: true,
  };
  for (let race = 0; race < MAX_RACES; race++) {
    const job = newJob(asJobId(entropy.newId()), ownerId, wish, clock.now());
    const register = enterJob(await jobs.getRegister(ownerId), job);
    if (!register.ok && register.error.reason === "too-many")
      return { warning: tooManyJobs(project, register.error.limit) };
    if (!register.ok || (await jobs.save(job, { register: register.value })).ok) return { job: wish.name };
  }
  throw new DependencyFault(`the jobs of ${ownerId} were changed by somebody else every time`);
}

const tooManyJobs = (project: string, limit: number): Reason => ({
  code: "too-many-jobs",
  message: `There are ${limit} jobs already, so none fills the quiet days of the project ${project}.`,
  remedy: "Delete a job that is not needed, then create one of the type fill-days.",
});
