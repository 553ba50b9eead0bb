import type { JobId } from "#shared/domain/ids.ts";
import {
  claimRun,
  endRun,
  type Job,
  type JobAction,
  type JobResult,
  type JobRun,
} from "#shared/domain/job.ts";
import { rulesOf } from "#shared/domain/planning/rules.ts";
import { asRunId } from "#shared/domain/run.ts";
import { quote } from "#shared/domain/words.ts";
import { Fault } from "#shared/errors.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { IntakeQueue } from "#shared/ports/intake-queue.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import type { RunStore } from "#shared/ports/run-store.ts";
import type { FillDays } from "./fill-days.ts";
import { findProject } from "./find-project.ts";
import type { StartRun } from "./start-run.ts";

/** Of a sweep, whose other work waits meanwhile. */
const FILL_MS = 15_000;

export interface RunDueJobDeps {
  readonly jobs: Pick<JobStore, "get" | "save" | "saveRun" | "listRuns">;
  readonly runs: Pick<RunStore, "get">;
  readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects" | "listOwnSources">;
  readonly intake: Pick<IntakeQueue, "scan">;
  readonly startRun: StartRun;
  readonly fillDays: FillDays;
  readonly clock: Pick<Clock, "now">;
}

/**
 * Runs a job whose instant has come, at most once for each: the plan goes on and the run is noted before anything is
 * done, so whoever dies in between leaves a run that was `interrupted`, not one that is done twice. A fault ends the run
 * and is not repeated before the next planned instant.
 *
 * @param deadline - what takes its time begins nothing more after it
 * @param report - told of a fault
 * @returns `skipped`: it is not due, or somebody else is at work on it
 */
export type RunDueJob = (
  id: JobId,
  deadline: Date,
  report: (error: unknown) => void,
) => Promise<"ran" | "skipped">;

export function createRunDueJob(deps: RunDueJobDeps): RunDueJob {
  const { jobs, runs, accounts, intake, startRun, fillDays, clock } = deps;

  /** The batch run of the time before, if it is still open: a second one would find nothing that the first has not. */
  async function findOpenRun({ jobId, number }: JobRun): Promise<string | undefined> {
    const [before] = await jobs.listRuns(jobId, { limit: 1, before: number });
    const run = before?.runId === undefined ? undefined : await runs.get(asRunId(before.runId));
    return run && run.status !== "ended" ? run.id : undefined;
  }

  async function act({ ownerId, action }: Job, run: JobRun, deadline: Date): Promise<JobResult> {
    switch (action.type) {
      case "publishing-run": {
        const open = await findOpenRun(run);
        return open === undefined
          ? { outcome: "succeeded", runId: (await startRun(ownerId)).id }
          : {
              outcome: "skipped",
              runId: open,
              error: { code: "run-open", message: "The run that it began before is still open." },
            };
      }
      case "scan-source": {
        const project = await findProject(accounts, ownerId, action.project);
        if (!project.ok) return withoutProject(action);
        for (const { folder, projectId, enabled } of await accounts.listOwnSources(ownerId))
          if (enabled && projectId === project.value.id) await intake.scan(folder);
        return { outcome: "succeeded" };
      }
      case "fill-days": {
        const project = await findProject(accounts, ownerId, action.project);
        if (!project.ok) return withoutProject(action);
        const { policy } = project.value;
        if (rulesOf(policy).dailyMin === 0)
          return {
            outcome: "skipped",
            error: { code: "no-daily-min", message: "The project's policy has no daily minimum." },
          };
        if (policy?.frozen)
          return {
            outcome: "skipped",
            error: {
              code: "frozen",
              message: "Nothing of the project is posted until the freeze is lifted.",
            },
          };
        const endMs = Math.min(deadline.getTime(), clock.now().getTime() + FILL_MS);
        const options = { deadline: new Date(endMs), turn: run.number };
        return { outcome: "succeeded", filled: await fillDays(project.value, options) };
      }
    }
  }

  return async (id, deadline, report) => {
    const found = await jobs.get(id);
    const claimed = found && claimRun(found, clock.now());
    if (!claimed) return "skipped";
    const { job, run } = claimed;
    if (!(await jobs.save(job, { run })).ok) return "skipped";
    let result: JobResult;
    try {
      result = await act(job, run, deadline);
    } catch (error) {
      report(error);
      result = { outcome: "errored", error: ourFault(error) };
    }
    await jobs.saveRun(endRun(run, result, clock.now()));
    return "ran";
  };
}

const withoutProject = ({ project }: Extract<JobAction, { readonly project: string }>): JobResult => ({
  outcome: "failed",
  error: { code: "unknown-project", message: `There is no project ${quote(project)}.` },
});

/** Of a fault only its code is told: its words are for the logs. */
const ourFault = (error: unknown) => ({
  code: error instanceof Fault ? error.code : "internal",
  message: "It could not be done. The logs say why; it is tried again when its time comes.",
});
