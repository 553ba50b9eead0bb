import { asJobId, type JobId, type OwnerId } from "#shared/domain/ids.ts";
import { enterJob, type Job, type JobWish, newJob, type RegisterRefusal } from "#shared/domain/job.ts";
import { type BadSchedule, parseCron } from "#shared/domain/job-schedule.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { MAX_RACES } from "./change-own-job.ts";
import { findProject, type UnknownProject } from "./find-project.ts";

export interface CreateJobDeps {
  readonly jobs: Pick<JobStore, "get" | "getRegister" | "save">;
  readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects">;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

export type JobWishRefusal = UnknownProject | { readonly reason: "bad-schedule"; readonly why: BadSchedule };

/** Reads a wish as its owner wrote it: the schedule is one that comes, the project is the owner's. */
export async function checkWish(
  accounts: CreateJobDeps["accounts"],
  ownerId: OwnerId,
  wish: JobWish,
  now: Date,
): Promise<Result<JobWish, JobWishRefusal>> {
  const schedule = wish.schedule.kind === "cron" ? parseCron(wish.schedule, now) : ok(wish.schedule);
  if (!schedule.ok) return err({ reason: "bad-schedule", why: schedule.error });
  if (wish.action.type !== "publishing-run") {
    const project = await findProject(accounts, ownerId, wish.action.project);
    if (!project.ok) return project;
  }
  return ok({ ...wish, schedule: schedule.value });
}

/** @param id - of the job. Absent: any. The owner's job that has it already is the one that was wished for */
export type CreateJob = (
  ownerId: OwnerId,
  wish: JobWish,
  id?: JobId,
) => Promise<Result<Job, JobWishRefusal | RegisterRefusal | { readonly reason: "conflict" }>>;

/** Notes a job. It runs when its first planned instant has come, or when it is asked for. */
export function createCreateJob({ jobs, accounts, clock, entropy }: CreateJobDeps): CreateJob {
  return async (ownerId, written, id) => {
    const made = id && (await jobs.get(id));
    if (made?.ownerId === ownerId) return ok(made);
    const now = clock.now();
    const wish = await checkWish(accounts, ownerId, written, now);
    if (!wish.ok) return wish;
    for (let race = 0; race < MAX_RACES; race++) {
      const job = newJob(id ?? asJobId(entropy.newId()), ownerId, wish.value, now);
      const register = enterJob(await jobs.getRegister(ownerId), job);
      if (!register.ok) return register;
      if ((await jobs.save(job, { register: register.value })).ok) return ok(job);
    }
    return err({ reason: "conflict" });
  };
}
