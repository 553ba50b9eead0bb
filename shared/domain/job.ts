import { err, ok, type Result } from "#shared/result.ts";
import type { JobId, OwnerId } from "./ids.ts";
import { type JobSchedule, nextPlannedAt } from "./job-schedule.ts";
import { TIMING } from "./timing.ts";

/** Of one owner: as many as a person can look through, and a minute's sweep can do. */
export const MAX_JOBS = 50;

export const JOB_TYPES = ["publishing-run", "scan-source", "fill-days"] as const;
/** Those that are done for one project. */
export const PROJECT_JOB_TYPES = ["scan-source", "fill-days"] as const;

/** What a job does. */
export type JobAction =
  /** Publishes everything of the owner that is due, as a batch run. */
  | { readonly type: "publishing-run" }
  /** Looks through a project's drop folder for files whose event was lost. */
  | { readonly type: "scan-source"; readonly project: string }
  /** Pulls a project's posts that can wait into days with too few. */
  | { readonly type: "fill-days"; readonly project: string };

/** What an owner says about a job. */
export interface JobWish {
  /** Unique for an owner. */
  readonly name: string;
  readonly action: JobAction;
  readonly schedule: JobSchedule;
  readonly enabled: boolean;
}

/** Something that is done again and again, at planned instants or when it is asked for. */
export interface Job extends JobWish {
  readonly id: JobId;
  readonly ownerId: OwnerId;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** When it is to run; absent while it is paused. */
  readonly nextAt?: Date;
  /** Somebody asked for a run that has not begun. */
  readonly triggeredAt?: Date;
  readonly lastRunAt?: Date;
  /** How often it has begun: the number of its newest run. */
  readonly runs: number;
  /** From then on it is nothing but a place for its history to fade. */
  readonly deletedAt?: Date;
  /** Grows by one with every write. */
  readonly version: number;
}

export type JobOutcome =
  | "succeeded"
  /** A rule refused it; a person has to change something. */
  | "failed"
  /** Our own fault. */
  | "errored"
  /** There was nothing to do. */
  | "skipped";

/** What became of the days that have too few posts. */
export interface FillReport {
  readonly moved: number;
  /** Somebody changed the post meanwhile, or got the slot. */
  readonly skipped: number;
  /** False: the time ended first. The next run begins with another account. */
  readonly complete: boolean;
  /** Days of an account that still have too few. */
  readonly shortDays: number;
  /** The first of them. */
  readonly shortfalls: readonly DayShortfall[];
}

export interface DayShortfall {
  /** The account's name. */
  readonly account: string;
  /** `YYYY-MM-DD` of the project. */
  readonly date: string;
  readonly planned: number;
  readonly missing: number;
  readonly message: string;
}

export interface JobResult {
  readonly outcome: JobOutcome;
  /** Why it did not succeed. */
  readonly error?: { readonly code: string; readonly message: string };
  /** The batch run that it began, or that it found open. */
  readonly runId?: string;
  /** What a `fill-days` did. */
  readonly filled?: FillReport;
}

/** One run of a job. Kept for 90 days. */
export interface JobRun extends Partial<JobResult> {
  readonly jobId: JobId;
  /** From 1. */
  readonly number: number;
  readonly type: JobAction["type"];
  readonly via: "schedule" | "trigger";
  /** When it should have begun. Earlier planned instants that were missed are not made up for. */
  readonly plannedAt: Date;
  readonly startedAt: Date;
  readonly endedAt?: Date;
}

const wake = ({ nextAt: _, ...job }: Job, nextAt: Date | undefined): Job => ({
  ...job,
  ...(nextAt && { nextAt }),
});

const written = (job: Job, now: Date): Job => ({ ...job, updatedAt: now, version: job.version + 1 });

const withoutTrigger = ({ triggeredAt: _, ...job }: Job): Job => job;

const firstAt = ({ enabled, schedule }: JobWish, now: Date): Date | undefined =>
  enabled ? nextPlannedAt(schedule, now, now) : undefined;

/** An interval counts from its beginning: the first run is one interval away. */
export const newJob = (id: JobId, ownerId: OwnerId, wish: JobWish, now: Date): Job =>
  wake({ ...wish, id, ownerId, createdAt: now, updatedAt: now, runs: 0, version: 1 }, firstAt(wish, now));

/** Puts other wishes in the place of the old ones. The plan begins anew only if the schedule or the switch changed. */
export function changeJob(job: Job, wish: JobWish, now: Date): Job {
  const isSamePlan =
    job.enabled === wish.enabled && JSON.stringify(job.schedule) === JSON.stringify(wish.schedule);
  const kept = wish.enabled ? job : withoutTrigger(job);
  return written(wake({ ...kept, ...wish }, isSamePlan ? job.nextAt : firstAt(wish, now)), now);
}

/** A pause also forgets a run that was asked for and has not begun. What has begun goes on. */
export const switchJob = (job: Job, enabled: boolean, now: Date): Job =>
  changeJob(job, { name: job.name, action: job.action, schedule: job.schedule, enabled }, now);

/** Asks for one run besides the planned ones, also of a paused job. Asked twice before it begins, it runs once. */
export const triggerJob = (job: Job, now: Date): Job => written({ ...job, triggeredAt: now }, now);

export const removeJob = (job: Job, now: Date): Job => ({
  ...wake(withoutTrigger(written(job, now)), undefined),
  enabled: false,
  deletedAt: now,
});

/** When the sweeper looks at it; undefined: not at all. */
export const wakeAtOf = ({ nextAt, triggeredAt }: Job): Date | undefined =>
  nextAt && triggeredAt ? (nextAt < triggeredAt ? nextAt : triggeredAt) : (nextAt ?? triggeredAt);

export interface ClaimedRun {
  /** To be saved together, before anything is done: whoever saves it runs it. */
  readonly job: Job;
  readonly run: JobRun;
}

/**
 * Takes everything that is due of a job as one run: the planned instant, all that were missed before it, and what was
 * asked for by hand. Undefined: nothing is due.
 */
export function claimRun(job: Job, now: Date): ClaimedRun | undefined {
  const { nextAt, triggeredAt, schedule } = job;
  const isPlanned = nextAt !== undefined && nextAt <= now;
  const plannedAt = isPlanned ? nextAt : triggeredAt;
  if (plannedAt === undefined || plannedAt > now) return undefined;
  const number = job.runs + 1;
  const kept = triggeredAt && triggeredAt <= now ? withoutTrigger(job) : job;
  return {
    job: {
      ...wake(kept, isPlanned ? nextPlannedAt(schedule, nextAt, now) : nextAt),
      lastRunAt: now,
      runs: number,
      version: job.version + 1,
    },
    run: {
      jobId: job.id,
      number,
      type: job.action.type,
      via: isPlanned ? "schedule" : "trigger",
      plannedAt,
      startedAt: now,
    },
  };
}

export const endRun = (run: JobRun, result: JobResult, now: Date): JobRun => ({
  ...run,
  ...result,
  endedAt: now,
});

/** No sweep lives longer: what has not ended by then was cut off, and may have taken effect. */
export const stateOfRun = (
  { outcome, startedAt }: JobRun,
  now: Date,
): JobOutcome | "running" | "interrupted" =>
  outcome ?? (now.getTime() - startedAt.getTime() > TIMING.sweep.timeoutMs ? "interrupted" : "running");

/** Which jobs an owner has. Written in the same transaction as they are, so that no name is there twice. */
export interface JobRegister {
  readonly ownerId: OwnerId;
  readonly entries: readonly { readonly id: JobId; readonly name: string }[];
  /** Grows by one with every write; 0: nothing is stored. */
  readonly version: number;
}

export const emptyRegister = (ownerId: OwnerId): JobRegister => ({ ownerId, entries: [], version: 0 });

export type RegisterRefusal =
  | { readonly reason: "name-taken"; readonly name: string }
  | { readonly reason: "too-many"; readonly limit: number };

/** Enters a job, or another name of one that is entered. */
export function enterJob(
  register: JobRegister,
  { id, name }: Pick<Job, "id" | "name">,
): Result<JobRegister, RegisterRefusal> {
  const others = register.entries.filter((entry) => entry.id !== id);
  if (others.some((entry) => entry.name === name)) return err({ reason: "name-taken", name });
  if (others.length >= MAX_JOBS) return err({ reason: "too-many", limit: MAX_JOBS });
  return ok({ ...register, entries: [...others, { id, name }], version: register.version + 1 });
}

export const leaveRegister = (register: JobRegister, id: JobId): JobRegister => ({
  ...register,
  entries: register.entries.filter((entry) => entry.id !== id),
  version: register.version + 1,
});
