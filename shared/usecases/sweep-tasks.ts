import { asAttemptId } from "#shared/domain/ids.ts";
import { claimForSweep, markUnknown, stop } from "#shared/domain/moves.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { DropStore } from "#shared/ports/drop-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { IntakeQueue } from "#shared/ports/intake-queue.ts";
import { type DueRef, type TaskStore, WAKE_SHARDS } from "#shared/ports/task-store.ts";
import type { ArrangeTask } from "./arrange-task.ts";

/** Read at once from a shard; more are read after these. */
const PAGE = 100;
/** Worked on at the same time. */
const CONCURRENCY = 10;

export interface SweepTasksDeps {
  readonly tasks: TaskStore;
  readonly drops: DropStore;
  readonly accounts: Pick<AccountStore, "listSources" | "claimScan">;
  readonly intake: IntakeQueue;
  readonly arrange: ArrangeTask;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export interface SweepReport {
  /** Dispatched anew: overdue, un-arranged, or left behind by an uploader that died. */
  readonly dispatched: number;
  /** Publishers that died after their intent. */
  readonly unknown: number;
  /** Given up on after too many recoveries. */
  readonly held: number;
  readonly drops: number;
  /** Sources that are looked through for files whose event was lost. */
  readonly scans: number;
  /** The index lagged, or somebody was faster. */
  readonly skipped: number;
  /** Faults while one item was handled; the others were handled all the same. */
  readonly failed: number;
  /** False when the time ended first: the next run goes on. */
  readonly complete: boolean;
}

type Swept = Exclude<keyof SweepReport, "complete" | "scans">;

const STUCK: Reason = {
  code: "stuck",
  message: `It did not move in ${TIMING.sweep.maxRecoveries} recoveries.`,
  remedy: "Look at the log and the dead letters, then publish it now or cancel it.",
};

const DIED: Reason = {
  code: "outcome-unknown",
  message:
    "The publisher ended before it could tell what X answered: the post may be out, so it is not sent again.",
  remedy:
    "Look at the account's timeline. If the post is not there, create it again, or drop it under a new name.",
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
  arrange,
  clock,
  entropy,
}: SweepTasksDeps): SweepTasks {
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
        const saved = await tasks.save(markUnknown(task, now, DIED), log("unknown", DIED));
        return saved.ok ? "unknown" : "skipped";
      }
      case "pending":
      case "preparing":
      case "ready":
      case "retrying": {
        if (task.recoveries >= TIMING.sweep.maxRecoveries) {
          const saved = await tasks.save(stop(task, now, "held", STUCK), log("held", STUCK));
          return saved.ok ? "held" : "skipped";
        }
        const claimed = claimForSweep(task, now);
        const saved = await tasks.save(claimed);
        if (!saved.ok) return "skipped";
        const content = await tasks.getContent(task.id, task.contentRev);
        await arrange(claimed, content?.media ?? []);
        return "dispatched";
      }
      case "draft":
      case "unknown":
      case "held":
      case "published":
      case "failed":
      case "missed":
      case "cancelled":
        return "skipped";
    }
  }

  async function sweepDue(ref: DueRef): Promise<Swept> {
    const now = clock.now();
    if (ref.kind === "task") {
      const task = await tasks.get(ref.id);
      return task?.wakeAt && task.wakeAt <= now ? sweepTask(task) : "skipped";
    }
    const drop = await drops.get(ref.project, ref.base);
    if (!drop?.wakeAt || drop.wakeAt > now) return "skipped";
    const wakeAt = new Date(now.getTime() + TIMING.sweep.claimMs);
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
      if (nextAt > now.getTime() || !(await accounts.claimScan(source, now))) continue;
      await intake.scan(source.folder);
      scans++;
    }
    return scans;
  }

  return async (deadline, report) => {
    const counts = { dispatched: 0, unknown: 0, held: 0, drops: 0, scans: 0, skipped: 0, failed: 0 };
    let complete = true;
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
        for (let start = 0; start < fresh.length; start += CONCURRENCY)
          await Promise.all(
            fresh.slice(start, start + CONCURRENCY).map(async (ref) => {
              try {
                counts[await sweepDue(ref)]++;
              } catch (error) {
                counts.failed++;
                report(error);
              }
            }),
          );
        if (fresh.length === 0 || page.length < PAGE) break;
      }
    }
    try {
      counts.scans = await scanSources();
    } catch (error) {
      counts.failed++;
      report(error);
    }
    return { ...counts, complete };
  };
}

const keyOf = (ref: DueRef): string => (ref.kind === "task" ? ref.id : `${ref.project}/${ref.base}`);
