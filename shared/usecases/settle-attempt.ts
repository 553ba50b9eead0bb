/** How an attempt to post ends in the table. Reading back an unknown outcome will end here too. */
import { planRetry } from "#shared/domain/arrangement.ts";
import { decideAfterFailure, type Failure } from "#shared/domain/failure.ts";
import type { AttemptId, TaskId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import { cancel, markUnknown, recordPosted, scheduleRetry, stop } from "#shared/domain/moves.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { isInFlight, type Task } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { GateChange, TaskStore, Together } from "#shared/ports/task-store.ts";
import { wakeTask } from "./arrange-task.ts";

/** The answer of the platform is worth more than a busy table: it is written as often as time allows. */
const PAUSE_MS = 500;

export interface SettleAttemptDeps {
  readonly tasks: TaskStore;
  readonly accounts: AccountStore;
  readonly dispatch: TaskDispatch;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly holdLeadMs: number;
}

/** The attempt that is being settled. */
export interface Attempt {
  readonly taskId: TaskId;
  readonly attemptId: AttemptId;
  /** Nothing is tried after this. */
  readonly deadlineAt: Date;
  /** Fills in what every entry of this attempt has in common. */
  log(over: Pick<LogEntry, "status"> & Partial<LogEntry>): LogEntry;
}

interface Written {
  readonly next: Task;
  readonly together: Together;
}

const UNKNOWN: Reason = {
  code: "outcome-unknown",
  message: "X did not answer: the post may be out, so it is not sent again.",
  remedy:
    "Look at the account's timeline. If the post is not there, create it again, or drop it under a new name.",
};

/**
 * Writes what became of the attempt, from the task as it is now.
 *
 * @param isOurs - tells whether the task still waits for this attempt; if not, nothing is written
 * @returns the task as written, or `undefined` when somebody else settled it first
 */
async function write(
  { tasks, clock }: SettleAttemptDeps,
  { taskId, deadlineAt }: Attempt,
  isOurs: (task: Task) => boolean,
  build: (task: Task) => Written,
): Promise<Task | undefined> {
  for (;;) {
    try {
      const task = await tasks.get(taskId);
      if (!task || !isOurs(task)) return undefined;
      const { next, together } = build(task);
      const saved = await tasks.save(next, together);
      if (saved.ok) return next;
      if (saved.error.reason !== "stale") throw new RangeError(`settling was refused: ${saved.error.reason}`);
    } catch (error) {
      const againAt = new Date(clock.now().getTime() + PAUSE_MS);
      if (error instanceof RangeError || againAt >= deadlineAt) throw error;
      await clock.sleepUntil(againAt);
    }
  }
}

/** A task waits for its attempt from the intent until it is settled, also while the sweeper calls it unknown. */
const waitsFor =
  ({ attemptId }: Attempt) =>
  (task: Task): boolean =>
    isInFlight(task.status) && task.attemptId === attemptId;

/** X took the part. The next part of a thread is due some seconds later. */
export async function settlePosted(
  deps: SettleAttemptDeps,
  attempt: Attempt,
  { postId, sentAt, phases }: { postId: string; sentAt: Date; phases: Readonly<Record<string, number>> },
): Promise<Task | undefined> {
  const { clock, dispatch } = deps;
  const written = await write(deps, attempt, waitsFor(attempt), (task) => {
    const next = recordPosted(task, clock.now(), { postId, sentAt });
    return {
      next,
      together: {
        log: attempt.log({ status: next.status, externalId: postId, phases }),
        gate: { kind: "confirm", accountId: task.accountId, at: sentAt, postId },
        adopt: { accountId: task.accountId, postId },
      },
    };
  });
  if (written?.status === "ready" && written.notBeforeAt)
    await wakeTask(dispatch, written, "publish", {
      by: "queue",
      delayMs: written.notBeforeAt.getTime() - clock.now().getTime(),
    });
  return written;
}

/** The answer was lost: the account's gate stays reserved, since the post may be out. */
export const settleUnknown = (
  deps: SettleAttemptDeps,
  attempt: Attempt,
  { cause, phases }: { cause: string; phases: Readonly<Record<string, number>> },
): Promise<Task | undefined> =>
  write(deps, attempt, waitsFor(attempt), (task) => ({
    next: markUnknown(task, deps.clock.now(), UNKNOWN),
    together: { log: attempt.log({ status: "unknown", class: "unknown", code: cause, phases }) },
  }));

export interface Refused {
  readonly failure: Failure;
  /** The intent was written: the gate's reservation is given back in the same transaction. */
  readonly reserved: boolean;
  /** Recognises the task while no intent was written. */
  readonly isOurs: (task: Task) => boolean;
  readonly phases?: Readonly<Record<string, number>>;
}

/** A definite no, before or after the intent: another try, or the end, by the class of the failure. */
export async function settleRefused(
  deps: SettleAttemptDeps,
  attempt: Attempt,
  { failure, reserved, isOurs, phases }: Refused,
): Promise<Task | undefined> {
  const { accounts, clock, dispatch, entropy, holdLeadMs } = deps;
  const written = await write(deps, attempt, reserved ? waitsFor(attempt) : isOurs, (task) => {
    const now = clock.now();
    const next = afterRefusal(task, failure, now, entropy.random());
    return {
      next,
      together: {
        log: attempt.log({
          status: next.status,
          class: failure.class,
          code: failure.reason.code,
          message: failure.reason.message,
          ...(phases && { phases }),
        }),
        ...(reserved && { gate: gateAfterRefusal(task, failure) }),
      },
    };
  });
  if (written && (failure.class === "credentials" || failure.class === "billing"))
    await accounts.deactivateAccount(
      written.accountId,
      failure.class === "billing" ? "paused" : "needs-reconnect",
      failure.reason,
    );
  if (written?.status === "retrying" && written.notBeforeAt)
    await wakeTask(dispatch, written, "publish", planRetry(written.notBeforeAt, clock.now(), holdLeadMs));
  return written;
}

function afterRefusal(task: Task, failure: Failure, now: Date, random: number): Task {
  if (task.cancelAskedAt) return cancel(task, now);
  const decided = decideAfterFailure(task, failure, now, random);
  const sent = task.posted.length;
  const reason: Reason =
    sent === 0
      ? decided.reason
      : {
          ...decided.reason,
          message: `${decided.reason.message} ${sent} of ${task.partCount} parts are out.`,
        };
  return decided.to === "retry"
    ? scheduleRetry(task, now, { ...decided, reason })
    : stop(task, now, decided.to, reason);
}

/** A reset that X named holds for the whole account: nobody else needs to ask before it. */
function gateAfterRefusal({ accountId }: Task, { class: kind, retryAt, reason }: Failure): GateChange {
  return kind === "rate-limited" && retryAt
    ? { kind: "close", accountId, until: retryAt, reason }
    : { kind: "give-back", accountId };
}
