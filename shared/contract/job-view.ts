import * as z from "zod";
import { asJobId } from "#shared/domain/ids.ts";
import {
  JOB_TYPES,
  type Job,
  type JobRun,
  type JobWish,
  MAX_JOBS,
  PROJECT_JOB_TYPES,
} from "#shared/domain/job.ts";
import { type JobSchedule, MAX_INTERVAL_MS, MIN_INTERVAL_MS } from "#shared/domain/job-schedule.ts";
import { batchField, nameField } from "#shared/domain/post-fields.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { instantInWords } from "#shared/domain/words.ts";
import { cursorField, limitField, nextField } from "./paging.ts";

const SECOND_MS = 1_000;
const MAX_PAGE = 100;

export const jobPath = z.strictObject({ id: z.ulid().transform(asJobId) });

const isOfProject = (type: JobWish["action"]["type"]): type is (typeof PROJECT_JOB_TYPES)[number] =>
  PROJECT_JOB_TYPES.some((one) => one === type);

const params = z.strictObject({
  /** For `scan-source` and `fill-days` only. */
  project: nameField.optional(),
});

const intervalSeconds = z
  .int()
  .min(MIN_INTERVAL_MS / SECOND_MS)
  .max(MAX_INTERVAL_MS / SECOND_MS);

/** Body of a new job, and of one that replaces another. */
export const jobBody = z
  .strictObject({
    /** Any name that the owner has no other job of. */
    name: batchField,
    type: z.enum(JOB_TYPES),
    params: params.default({}),
    /** Counted from the planned run before. */
    intervalSeconds: intervalSeconds.optional(),
    /** Minute, hour, day of the month, month, weekday. */
    cron: z.string().min(1).max(200).optional(),
    /** IANA name: whose clock the rule reads. */
    timeZone: z.string().min(1).max(100).optional(),
    /** False: it waits until it is resumed, or runs when it is triggered. */
    enabled: z.boolean().default(true),
  })
  .refine(({ intervalSeconds, cron }) => (intervalSeconds === undefined) !== (cron === undefined), {
    path: ["cron"],
    error: "give intervalSeconds, or cron and timeZone",
  })
  .refine(({ cron, timeZone }) => (cron === undefined) === (timeZone === undefined), {
    path: ["timeZone"],
    error: "cron and timeZone are given together",
  })
  .refine(({ type, params: { project } }) => isOfProject(type) === (project !== undefined), {
    path: ["params", "project"],
    error: "scan-source and fill-days have a project, no other job has one",
  });

export function toJobWish(body: z.output<typeof jobBody>): JobWish {
  const { name, type, intervalSeconds, cron = "", timeZone = "", enabled } = body;
  return {
    name,
    action: isOfProject(type) ? { type, project: body.params.project ?? "" } : { type },
    schedule:
      intervalSeconds === undefined
        ? { kind: "cron", cron, timeZone }
        : { kind: "interval", everyMs: intervalSeconds * SECOND_MS },
    enabled,
  };
}

/** What is repeated, and when it is due next. */
export const jobView = z.strictObject({
  id: z.ulid(),
  name: z.string(),
  type: z.enum(JOB_TYPES),
  params,
  intervalSeconds: intervalSeconds.optional(),
  cron: z.string().optional(),
  timeZone: z.string().optional(),
  enabled: z.boolean(),
  /** It begins within a minute of it. Absent while it is paused. */
  nextRunAt: z.iso.datetime().optional(),
  /** Somebody asked for a run that has not begun. */
  triggeredAt: z.iso.datetime().optional(),
  lastRunAt: z.iso.datetime().optional(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  /** Grows with every change and every run. */
  version: z.int().positive(),
});

/** All jobs of an owner, by name, and what is repeated for everybody whether or not there are any. */
export const jobList = z.strictObject({
  items: z.array(jobView).max(MAX_JOBS),
  /** Cannot be changed, paused or deleted. */
  builtIn: z.array(z.strictObject({ name: z.string(), intervalSeconds, does: z.string() })),
});

const BUILT_IN: z.output<typeof jobList>["builtIn"] = [
  {
    name: "sweep",
    intervalSeconds: TIMING.sweep.everyMs / SECOND_MS,
    does: "Moves whatever should have moved by now, and begins the jobs that are due.",
  },
  {
    name: "scan",
    intervalSeconds: TIMING.sweep.scanEveryMs / SECOND_MS,
    does: "Looks through every project's drop folder for files whose event was lost.",
  },
];

export const jobHistoryQuery = z.strictObject({
  limit: limitField,
  cursor: cursorField.transform(Number).optional(),
});

const jobRunView = z.strictObject({
  /** From 1. */
  number: z.int().positive(),
  type: z.enum(JOB_TYPES),
  via: z.enum(["schedule", "trigger"]),
  /** `interrupted`: whoever ran it was cut off. What it was to do may have been done; it is not done again. */
  outcome: z.enum(["running", "succeeded", "failed", "errored", "skipped", "interrupted"]),
  /** Earlier planned instants that were missed are not made up for. */
  plannedAt: z.iso.datetime(),
  startedAt: z.iso.datetime(),
  durationMs: z.int().nonnegative().optional(),
  /** Why it did not succeed. */
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  /** The batch run that it began, or found open: `GET /api/v1/publish-pool/runs/{id}`. */
  runId: z.ulid().optional(),
  /** What a `fill-days` did. */
  filled: z
    .strictObject({
      moved: z.int().nonnegative(),
      /** Somebody changed the post meanwhile, or got the slot. */
      skipped: z.int().nonnegative(),
      /** False: the time ended first. The next run goes on. */
      complete: z.boolean(),
      /** Days of an account that still have too few posts. */
      shortDays: z.int().nonnegative(),
      /** The first 50 of them. */
      shortfalls: z.array(
        z.strictObject({
          account: z.string(),
          date: z.iso.date(),
          planned: z.int().nonnegative(),
          missing: z.int().positive(),
          message: z.string(),
        }),
      ),
    })
    .optional(),
});

/** Runs of the last 90 days, newest first. */
export const jobHistory = z.strictObject({
  items: z.array(jobRunView).max(MAX_PAGE),
  next: nextField,
});

const scheduleView = (schedule: JobSchedule) =>
  schedule.kind === "interval"
    ? { intervalSeconds: schedule.everyMs / SECOND_MS }
    : { cron: schedule.cron, timeZone: schedule.timeZone };

export const toJobView = (job: Job): z.output<typeof jobView> => {
  const { id, name, action, schedule, enabled, nextAt, triggeredAt, lastRunAt } = job;
  const { type, ...named } = action;
  return {
    id,
    name,
    type,
    params: named,
    ...scheduleView(schedule),
    enabled,
    ...(nextAt && { nextRunAt: instantInWords(nextAt) }),
    ...(triggeredAt && { triggeredAt: instantInWords(triggeredAt) }),
    ...(lastRunAt && { lastRunAt: instantInWords(lastRunAt) }),
    createdAt: instantInWords(job.createdAt),
    updatedAt: instantInWords(job.updatedAt),
    version: job.version,
  };
};

export const toJobList = (jobs: readonly Job[]): z.output<typeof jobList> => ({
  items: jobs.map(toJobView),
  builtIn: BUILT_IN,
});

interface ShownHistory {
  readonly runs: readonly {
    readonly run: JobRun;
    readonly state: z.output<typeof jobRunView>["outcome"];
  }[];
  readonly next?: number;
}

export const toJobHistory = ({ runs, next }: ShownHistory): z.output<typeof jobHistory> => ({
  items: runs.map(({ run, state }) => toJobRunView(run, state)),
  ...(next !== undefined && { next: String(next) }),
});

const toJobRunView = (
  { number, type, via, plannedAt, startedAt, endedAt, error, runId, filled }: JobRun,
  state: z.output<typeof jobRunView>["outcome"],
): z.output<typeof jobRunView> => ({
  number,
  type,
  via,
  outcome: state,
  plannedAt: instantInWords(plannedAt),
  startedAt: instantInWords(startedAt),
  ...(endedAt && { durationMs: endedAt.getTime() - startedAt.getTime() }),
  ...(error && { error: { ...error } }),
  ...(runId !== undefined && { runId }),
  ...(filled && { filled: { ...filled, shortfalls: filled.shortfalls.map((day) => ({ ...day })) } }),
});
