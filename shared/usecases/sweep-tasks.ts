import { planRetry } from "#shared/domain/arrangement.ts";
import { giveBack, hasPlace, writeOff } from "#shared/domain/gate.ts";
import { asAttemptId, type TaskId } from "#shared/domain/ids.ts";
import { claimForReading, claimForSweep, markUnknown, markVerified, stop } from "#shared/domain/moves.ts";
import { isWithoutProgress } from "#shared/domain/progress.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { nextReading, UNREADABLE } from "#shared/domain/reconcile.ts";
import { asRunId } from "#shared/domain/run.ts";
import type { Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { DropStore } from "#shared/ports/drop-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { IntakeQueue } from "#shared/ports/intake-queue.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import { type DueRef, type TaskStore, type Together, WAKE_SHARDS } from "#shared/ports/task-store.ts";
import { type ArrangeTask, wakeTask } from "./arrange-task.ts";
import { type OrderTasks, type Worked, workOff } from "./dispatch-fairly.ts";
import type { ResumeAccount } from "./resume-account.ts";
import type { RunDueJob } from "./run-due-job.ts";
import type { RunDueTasks } from "./run-due-tasks.ts";

/** Read at once from a shard; more are read after these. */
const PAGE = 100;
/** Worked on at the same time. */
const CONCURRENCY = 10;

export interface SweepTasksDeps {
  readonly tasks: TaskStore;
  readonly drops: DropStore;
  readonly accounts: Pick<AccountStore, "listSources" | "claimScan">;
  readonly intake: IntakeQueue;
  readonly dispatch: TaskDispatch;
  readonly arrange: ArrangeTask;
  readonly resumeAccount: ResumeAccount;
  readonly runDueTasks: RunDueTasks;
  readonly runDueJob: RunDueJob;
  readonly order: OrderTasks;
  readonly settings: ServiceSettings;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export interface SweepReport {
  /** Dispatched anew: overdue, un-arranged, or left behind by an uploader that died. */
  readonly dispatched: number;
  /** Publishers that died after their intent. */
  readonly unknown: number;
  /** Lost answers whose reading was sent again. */
  readonly readings: number;
  /** Tasks whose account is verified ahead of their slot. */
  readonly verified: number;
  /** Accounts whose pause has ended, or whose held tasks went on. */
  readonly resumed: number;
  /** Given up on after too many recoveries. */
  readonly held: number;
  readonly drops: number;
  /** Batch runs that were started or followed. */
  readonly runs: number;
  /** Managed jobs whose instant has come. */
  readonly jobs: number;
  /** Sources that are looked through for files whose event was lost. */
  readonly scans: number;
  /** The index lagged, or somebody was faster. */
  readonly skipped: number;
  /** Faults while one item was handled; the others were handled all the same. */
  readonly failed: number;
  /** Tasks that stand still for ten minutes, whatever else became of them in this run. */
  readonly withoutProgress: readonly TaskId[];
  /** False when the time ended first: the next run goes on. */
  readonly complete: boolean;
}

type Swept = Exclude<keyof SweepReport, "complete" | "scans" | "withoutProgress">;

const STUCK: Reason = {
  code: "stuck",
  message: `It did not move in ${TIMING.sweep.maxRecoveries} recoveries.`,
  remedy: "Look at the log and the dead letters, then publish it now or cancel it.",
};

const DIED: Reason = {
  code: "outcome-unknown",
  message:
    "The publisher ended before it could tell what X answered: the post may be out, so it is not sent again before the timeline was read.",
  remedy: "Nothing to do: the account's timeline is read after 2 and 5 minutes.",
};

/**
 * @param deadline - no new page is started after it
 * @param report - told of every fault; the other items are handled all the same
 */
export type SweepTasks = (deadline: Date, report: (error: unknown) => void) => Promise<SweepReport>;

/**
 * Finds everything that should have moved by now and moves it. Reads the `wake` index only, decides by the base item,
 * and claims before it acts, so that two sweeps never act on the same thing.
 */
export function createSweepTasks({
  tasks,
  drops,
  accounts,
  intake,
  dispatch,
  arrange,
  resumeAccount,
  runDueTasks,
  runDueJob,
  order,
  settings,
  clock,
  entropy,
}: SweepTasksDeps): SweepTasks {
  const readClaimMs = async (): Promise<number> => (await settings.current()).stuckAfterSeconds * 1_000;

  /** A task that stops leaves its place at the gate; one that may be out keeps counting there. */
  async function hold(
    task: Task,
    now: Date,
    reason: Reason,
    log: (status: Task["status"], reason: Reason) => Pick<Together, "log">,
  ): Promise<Swept> {
    const gate = await tasks.getGate(task.accountId);
    const leave = task.status === "unknown" ? writeOff : giveBack;
    const saved = await tasks.save(stop(task, now, "held", reason), {
      ...log("held", reason),
      ...(hasPlace(gate, task.id) && { gate: leave(gate, task.id) }),
    });
    return saved.ok ? "held" : "skipped";
  }

  async function sweepTask(task: Task): Promise<Swept> {
    const now = clock.now();
    const log = (status: Task["status"], { code, message }: Reason) => ({
      log: {
        at: now,
        attemptId: asAttemptId(entropy.newId()),
        step: "sweep" as const,
        status,
        code,
        message,
      },
    });
    switch (task.status) {
      case "posting": {
        if (task.leaseUntil && task.leaseUntil > now) return "skipped";
        const next = markUnknown(task, now, DIED);
        const saved = await tasks.save(next, log("unknown", DIED));
        if (!saved.ok) return "skipped";
        await wakeTask(dispatch, next, "settle", planRetry(nextReading(next), now, 0));
        return "unknown";
      }
      case "unknown": {
        if (task.recoveries >= TIMING.sweep.maxRecoveries) return hold(task, now, UNREADABLE, log);
        const claimed = claimForReading(task, now, await readClaimMs());
        const saved = await tasks.save(claimed);
        if (!saved.ok) return "skipped";
        await wakeTask(dispatch, claimed, "settle", { by: "queue", delayMs: 0 });
        return "readings";
      }
      case "pending":
      case "preparing":
      case "ready":
      case "retrying": {
        if (task.arrangedFor && task.arrangedFor > now) {
          const next = markVerified(task, now);
          const saved = await tasks.save(next);
          if (!saved.ok) return "skipped";
          await wakeTask(dispatch, next, "verify", { by: "queue", delayMs: 0 });
          return "verified";
        }
        if (task.recoveries >= TIMING.sweep.maxRecoveries) return hold(task, now, STUCK, log);
        const claimed = claimForSweep(task, now, await readClaimMs());
        const saved = await tasks.save(claimed);
        if (!saved.ok) return "skipped";
        const content = await tasks.getContent(task);
        await arrange(claimed, content?.media ?? []);
        return "dispatched";
      }
      case "draft":
      case "held":
      case "published":
      case "failed":
      case "missed":
      case "cancelled":
        return "skipped";
    }
  }

  /** The index lags: what it names is due only if the item says so. */
  async function readDue({ id }: DueTask): Promise<Task | undefined> {
    const task = await tasks.get(id);
    return task?.wakeAt && task.wakeAt <= clock.now() ? task : undefined;
  }

  async function sweepDue(
    ref: Exclude<DueRef, DueTask>,
    deadline: Date,
    report: (error: unknown) => void,
  ): Promise<Swept> {
    if (ref.kind === "account") return (await resumeAccount(ref.id)) ? "resumed" : "skipped";
    if (ref.kind === "run")
      return (await runDueTasks(asRunId(ref.id), deadline, report)) === "skipped" ? "skipped" : "runs";
    if (ref.kind === "job") return (await runDueJob(ref.id, deadline, report)) === "ran" ? "jobs" : "skipped";
    const now = clock.now();
    const drop = await drops.get(ref.project, ref.base);
    if (!drop?.wakeAt || drop.wakeAt > now) return "skipped";
    const wakeAt = new Date(now.getTime() + (await readClaimMs()));
    const claimed = await drops.save({ ...drop, wakeAt, version: drop.version + 1 });
    if (!claimed.ok) return "skipped";
    await intake.settle(ref.project, ref.base, 0);
    return "drops";
  }

  async function scanSources(): Promise<number> {
    const now = clock.now();
    let scans = 0;
    for (const source of await accounts.listSources()) {
      const nextAt = (source.lastScanAt?.getTime() ?? 0) + TIMING.sweep.scanEveryMs;
      if (!source.enabled || nextAt > now.getTime() || !(await accounts.claimScan(source, now))) continue;
      await intake.scan(source.folder);
      scans++;
    }
    return scans;
  }

  return async (deadline, report) => {
    const counts = {
      dispatched: 0,
      unknown: 0,
      readings: 0,
      verified: 0,
      resumed: 0,
      held: 0,
      drops: 0,
      runs: 0,
      jobs: 0,
      scans: 0,
      skipped: 0,
      failed: 0,
    };
    const withoutProgress: TaskId[] = [];
    let complete = true;
    const note = <Value>(worked: readonly Worked<unknown, Value>[]): Value[] =>
      worked.flatMap((one) => {
        if (one.kind === "done") return [one.value];
        if (one.kind === "left") complete = false;
        else {
          counts.failed++;
          report(one.error);
        }
        return [];
      });
    for (let shard = 0; shard < WAKE_SHARDS; shard++) {
      const seen = new Set<string>();
      for (;;) {
        if (clock.now() >= deadline) {
          complete = false;
          break;
        }
        const page = await tasks.listDue(shard, clock.now(), PAGE);
        // The index lags: what was handled may still be listed. A page without news ends the shard.
        const fresh = page.filter((ref) => !seen.has(keyOf(ref)));
        for (const ref of fresh) seen.add(keyOf(ref));
        const limits = { concurrency: CONCURRENCY, deadline, clock };
        const read = note(await workOff(fresh.filter(isTask), readDue, limits));
        const due = read.filter((task) => task !== undefined);
        counts.skipped += read.length - due.length;
        withoutProgress.push(
          ...due.filter((task) => isWithoutProgress(task, clock.now())).map(({ id }) => id),
        );
        // When the time is short, those are served first who should be.
        const ordered = await order(due, { report });
        for (const swept of note(await workOff(ordered, sweepTask, limits))) counts[swept]++;
        const others = fresh.filter((ref): ref is Exclude<DueRef, DueTask> => !isTask(ref));
        const sweepOther = (ref: (typeof others)[number]) => sweepDue(ref, deadline, report);
        for (const swept of note(await workOff(others, sweepOther, limits))) counts[swept]++;
        if (fresh.length === 0 || page.length < PAGE) break;
      }
    }
    try {
      counts.scans = await scanSources();
    } catch (error) {
      counts.failed++;
      report(error);
    }
    return { ...counts, withoutProgress, complete };
  };
}

type DueTask = Extract<DueRef, { readonly kind: "task" }>;

const isTask = (ref: DueRef): ref is DueTask => ref.kind === "task";

const keyOf = (ref: DueRef): string => (ref.kind === "drop" ? `${ref.project}/${ref.base}` : ref.id);
