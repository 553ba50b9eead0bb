import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { unknownProject } from "#functions/middleware/unknown-project.ts";
import { toJobHistory, toJobList, toJobView, toJobWish } from "#shared/contract/job-view.ts";
import { asJobId } from "#shared/domain/ids.ts";
import type { RegisterRefusal } from "#shared/domain/job.ts";
import { quote } from "#shared/domain/words.ts";
import type { ChangeJob } from "#shared/usecases/change-job.ts";
import type { ChangeJobRefusal } from "#shared/usecases/change-own-job.ts";
import type { CreateJob, JobWishRefusal } from "#shared/usecases/create-job.ts";
import type { DeleteJob } from "#shared/usecases/delete-job.ts";
import type { ListJobs } from "#shared/usecases/list-jobs.ts";
import type { ReadJob } from "#shared/usecases/read-job.ts";
import type { ReadJobHistory } from "#shared/usecases/read-job-history.ts";
import type { SwitchJob } from "#shared/usecases/switch-job.ts";
import type { TriggerJob } from "#shared/usecases/trigger-job.ts";

export interface JobRouteDeps {
  readonly createJob: CreateJob;
  readonly listJobs: ListJobs;
  readonly readJob: ReadJob;
  readonly changeJob: ChangeJob;
  readonly switchJob: SwitchJob;
  readonly triggerJob: TriggerJob;
  readonly deleteJob: DeleteJob;
  readonly readJobHistory: ReadJobHistory;
}

const NO_JOB = { problem: "job-not-found", detail: "No job of this key's owner has this id." } as const;
const CONFLICT = {
  problem: "job-conflict",
  detail: "Somebody else changed the owner's jobs every time. Try again.",
} as const;

function notChanged(refusal: ChangeJobRefusal) {
  switch (refusal.reason) {
    case "not-found":
      return NO_JOB;
    case "conflict":
      return CONFLICT;
    case "stale":
      return {
        problem: "precondition-failed",
        detail: `Version ${refusal.version} is the one by now: it was changed, or it ran. Read it, and decide again.`,
      } as const;
  }
}

function refuseWish(refusal: JobWishRefusal | RegisterRefusal) {
  switch (refusal.reason) {
    case "unknown-project":
      return unknownProject(refusal.name, refusal.known, { pointer: "/params/project" });
    case "bad-schedule": {
      const { field, message, remedy } = refusal.why;
      const detail = `${message} ${remedy}`;
      return { problem: "bad-schedule", detail, errors: [{ pointer: `/${field}`, detail }] } as const;
    }
    case "name-taken": {
      const detail = `There is a job ${quote(refusal.name)} already.`;
      return { problem: "job-name-taken", detail, errors: [{ pointer: "/name", detail }] } as const;
    }
    case "too-many":
      return {
        problem: "too-many-jobs",
        detail: `There are ${refusal.limit} jobs already, and more are not taken. Delete one first.`,
      } as const;
  }
}

type JobRoutes = Pick<
  RouteHandlers,
  | "createJob"
  | "listJobs"
  | "readJob"
  | "changeJob"
  | "deleteJob"
  | "pauseJob"
  | "resumeJob"
  | "triggerJob"
  | "readJobHistory"
>;

/** Managed jobs: which answer each outcome is. */
export const createJobRoutes = (usecases: JobRouteDeps): JobRoutes => ({
  async createJob({ caller: { ownerId }, body, newId }): Promise<RouteAnswer<"createJob">> {
    const id = newId === undefined ? undefined : asJobId(newId);
    const created = await usecases.createJob(ownerId, toJobWish(body), id);
    if (created.ok) {
      const job = toJobView(created.value);
      return { status: 201, body: job, headers: { location: `/api/v1/scheduling/jobs/${job.id}` } };
    }
    return created.error.reason === "conflict" ? CONFLICT : refuseWish(created.error);
  },

  async listJobs({ caller: { ownerId } }) {
    return { status: 200, body: toJobList(await usecases.listJobs(ownerId)) };
  },

  async readJob({ caller: { ownerId }, params }) {
    const read = await usecases.readJob(ownerId, params.id);
    return read.ok ? { status: 200, body: toJobView(read.value) } : NO_JOB;
  },

  async changeJob({ caller: { ownerId }, params, body, ifVersion }): Promise<RouteAnswer<"changeJob">> {
    const changed = await usecases.changeJob(ownerId, params.id, toJobWish(body), ifVersion);
    if (changed.ok) return { status: 200, body: toJobView(changed.value) };
    const { error } = changed;
    return error.reason === "not-found" || error.reason === "conflict" || error.reason === "stale"
      ? notChanged(error)
      : refuseWish(error);
  },

  async deleteJob({ caller: { ownerId }, params, ifVersion }): Promise<RouteAnswer<"deleteJob">> {
    const deleted = await usecases.deleteJob(ownerId, params.id, ifVersion);
    return deleted.ok ? { status: 200, body: toJobView(deleted.value) } : notChanged(deleted.error);
  },

  async pauseJob({ caller: { ownerId }, params, ifVersion }): Promise<RouteAnswer<"pauseJob">> {
    const paused = await usecases.switchJob(ownerId, params.id, false, ifVersion);
    return paused.ok ? { status: 200, body: toJobView(paused.value) } : notChanged(paused.error);
  },

  async resumeJob({ caller: { ownerId }, params, ifVersion }): Promise<RouteAnswer<"resumeJob">> {
    const resumed = await usecases.switchJob(ownerId, params.id, true, ifVersion);
    return resumed.ok ? { status: 200, body: toJobView(resumed.value) } : notChanged(resumed.error);
  },

  async triggerJob({ caller: { ownerId }, params, ifVersion }): Promise<RouteAnswer<"triggerJob">> {
    const triggered = await usecases.triggerJob(ownerId, params.id, ifVersion);
    return triggered.ok ? { status: 202, body: toJobView(triggered.value) } : notChanged(triggered.error);
  },

  async readJobHistory({ caller: { ownerId }, params, query: { limit, cursor } }) {
    const read = await usecases.readJobHistory(ownerId, params.id, { limit, before: cursor });
    return read.ok ? { status: 200, body: toJobHistory(read.value) } : NO_JOB;
  },
});
