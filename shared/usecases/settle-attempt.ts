/** How an attempt to post ends in the table: at once, or after reading back. */
import { planRetry } from "#shared/domain/arrangement.ts";
import { type BackoffPolicy, backoffOf, decideAfterFailure, type Failure } from "#shared/domain/failure.ts";
import { featuresOf, type PostCircumstances, type PostFeatures } from "#shared/domain/features.ts";
import {
  confirm,
  doubt,
  type Gate,
  giveBack,
  type Heard,
  hasPlace,
  noteResponse,
} from "#shared/domain/gate.ts";
import type { AccountId, AttemptId, TaskId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import { cancel, markUnknown, park, recordPosted, scheduleRetry, stop } from "#shared/domain/moves.ts";
import type { Parking } from "#shared/domain/policy.ts";
import { nextReading, UNKNOWN } from "#shared/domain/reconcile.ts";
import { isInFlight, mayChooseAgain, type PostedPart, type Task } from "#shared/domain/task.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";
import type { TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { TaskStore, Together } from "#shared/ports/task-store.ts";
import { wakeTask } from "./arrange-task.ts";

/** The answer of the platform is worth more than a busy table: it is written as often as time allows. */
const PAUSE_MS = 500;
/** An account is written by whoever resumes it, and by nobody else at that time. */
const MAX_RACES = 5;

export interface SettleAttemptDeps {
  readonly tasks: TaskStore;
  readonly accounts: Pick<AccountStore, "getAccount" | "saveAccount" | "deactivateAccount">;
  readonly dispatch: TaskDispatch;
  readonly clock: Clock;
  readonly entropy: Pick<Entropy, "random">;
  readonly holdLeadMs: number;
}

/** The attempt that is being settled. */
export interface Attempt {
  readonly taskId: TaskId;
  readonly accountId: AccountId;
  readonly attemptId: AttemptId;
  /** Nothing is tried after this. */
  readonly deadlineAt: Date;
  /** Fills in what every entry of this attempt has in common. */
  log(over: Pick<LogEntry, "status"> & Partial<LogEntry>): LogEntry;
}

export interface Settlement {
  readonly next: Task;
  readonly together: Together;
}

export type SettleResult =
  | { readonly kind: "written"; readonly task: Task }
  /** Somebody else settled it first. */
  | { readonly kind: "not-ours" }
  /** The post belongs to another task. */
  | { readonly kind: "post-taken" };

/**
 * Writes what became of the attempt, from the task and its account's gate as they are now.
 *
 * @param isOurs - tells whether the task still waits for this attempt; if not, nothing is written
 */
export async function writeSettlement(
  { tasks, clock }: Pick<SettleAttemptDeps, "tasks" | "clock">,
  { taskId, accountId, deadlineAt }: Pick<Attempt, "taskId" | "accountId" | "deadlineAt">,
  isOurs: (task: Task) => boolean,
  build: (task: Task, gate: Gate) => Settlement,
): Promise<SettleResult> {
  for (;;) {
    try {
      const [task, gate] = await Promise.all([tasks.get(taskId), tasks.getGate(accountId)]);
      if (!task || !isOurs(task)) return { kind: "not-ours" };
      const { next, together } = build(task, gate);
      const saved = await tasks.save(next, together);
      if (saved.ok) return { kind: "written", task: next };
      if (saved.error.reason === "post-taken") return { kind: "post-taken" };
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

export interface Posted extends PostedPart {
  /** Absent: nobody knows them any more. */
  readonly circumstances?: PostCircumstances;
  readonly phases?: Readonly<Record<string, number>>;
}

/** X has the part. The next part of a thread is due some seconds later. */
export async function settlePosted(
  deps: SettleAttemptDeps,
  attempt: Attempt,
  { postId, sentAt, circumstances, phases }: Posted,
  isOurs: (task: Task) => boolean = waitsFor(attempt),
): Promise<SettleResult> {
  const { clock, dispatch } = deps;
  const result = await writeSettlement(deps, attempt, isOurs, (task, gate) => {
    const next = recordPosted(task, clock.now(), { postId, sentAt });
    const features = circumstances && describe(task, circumstances, gate, sentAt);
    return {
      next,
      together: {
        log: attempt.log({ status: next.status, externalId: postId, ...(phases && { phases }) }),
        gate: confirm(gate, { taskId: task.id, at: sentAt, postId, isLast: next.status !== "ready" }),
        adopt: { accountId: task.accountId, postId },
        ...(features && { features }),
      },
    };
  });
  if (result.kind === "written" && result.task.status === "ready" && result.task.notBeforeAt)
    await wakeTask(dispatch, result.task, "publish", {
      by: "queue",
      delayMs: result.task.notBeforeAt.getTime() - clock.now().getTime(),
    });
  return result;
}

/** Of the first part. The post is out: nothing that only describes it may keep that from being written down. */
function describe(
  task: Task,
  circumstances: PostCircumstances,
  gate: Gate,
  sentAt: Date,
): PostFeatures | undefined {
  if (task.posted.length > 0) return undefined;
  try {
    return featuresOf(task, circumstances, gate, sentAt);
  } catch {
    return undefined;
  }
}

/** The answer was lost: the account's gate stays reserved, since the post may be out. */
export async function settleUnknown(
  deps: SettleAttemptDeps,
  attempt: Attempt,
  {
    cause,
    heard,
    phases,
  }: {
    readonly cause: string;
    /** X may have answered, and still nobody knows what became of the post. */
    readonly heard: Heard;
    readonly phases: Readonly<Record<string, number>>;
  },
): Promise<SettleResult> {
  const { clock, dispatch } = deps;
  const result = await writeSettlement(deps, attempt, waitsFor(attempt), (task, gate) => ({
    next: markUnknown(task, clock.now(), UNKNOWN),
    together: {
      log: attempt.log({ status: "unknown", class: "unknown", code: cause, phases }),
      gate: heard === "silence" ? doubt(gate, clock.now()) : noteResponse(gate, { now: clock.now(), heard }),
    },
  }));
  if (result.kind === "written")
    await wakeTask(dispatch, result.task, "settle", planRetry(nextReading(result.task), clock.now(), 0));
  return result;
}

export interface Refused {
  readonly failure: Failure;
  /** What the failure says about the platform. */
  readonly heard: Heard;
  /** The intent was written: the gate's reservation is given back in the same transaction. */
  readonly reserved: boolean;
  /** Recognises the task while no intent was written. */
  readonly isOurs: (task: Task) => boolean;
  readonly phases?: Readonly<Record<string, number>>;
}

/** A definite no, before or after the intent: another try, or the end, by the class of the failure. */
export async function settleRefused(
  deps: SettleAttemptDeps & { readonly settings: ServiceSettings },
  attempt: Attempt,
  { failure, heard, reserved, isOurs, phases }: Refused,
): Promise<Task | undefined> {
  const { clock, entropy, settings } = deps;
  const backoff = backoffOf(await settings.current());
  const { class: kind, reason, retryAt } = failure;
  const closed = kind === "rate-limited" && retryAt ? { until: retryAt, reason } : undefined;
  const result = await writeSettlement(deps, attempt, reserved ? waitsFor(attempt) : isOurs, (task, gate) => {
    const now = clock.now();
    const next = afterRefusal(task, failure, now, entropy.random(), backoff);
    return {
      next,
      together: {
        log: attempt.log({
          status: next.status,
          class: kind,
          code: reason.code,
          message: reason.message,
          ...(phases && { phases }),
        }),
        ...afterwards(gate, task, next, reserved ? { now, heard, closed } : undefined),
      },
    };
  });
  if (result.kind !== "written") return undefined;
  await deactivateAfter(deps, result.task.accountId, failure);
  await resumeIfActive(deps, result.task);
  await wakeAgain(deps, result.task);
  return result.task;
}

/** It may not be posted now, by a rule. It waits, or is held when it waited too often. */
export async function settleParked(
  deps: SettleAttemptDeps,
  attempt: Attempt,
  parking: Parking,
  isOurs: (task: Task) => boolean,
): Promise<Task | undefined> {
  const result = await writeSettlement(deps, attempt, isOurs, (task, gate) => {
    const next = park(task, deps.clock.now(), parking);
    const { code, message } = parking.reason;
    return {
      next,
      together: {
        log: attempt.log({ status: next.status, code, message }),
        ...afterwards(gate, task, next, undefined),
      },
    };
  });
  if (result.kind !== "written") return undefined;
  await wakeAgain(deps, result.task);
  return result.task;
}

/**
 * The gate after a definite no. A thread that goes on keeps its place; whatever ends leaves it. A task that never had a
 * place changes nothing.
 */
function afterwards(
  gate: Gate,
  task: Task,
  next: Task,
  response: Parameters<typeof noteResponse>[1] | undefined,
): { readonly gate?: Gate } {
  const goesOn = task.posted.length > 0 && next.status === "retrying";
  if (response) return { gate: goesOn ? noteResponse(gate, response) : giveBack(gate, task.id, response) };
  return hasPlace(gate, task.id) && !goesOn ? { gate: giveBack(gate, task.id) } : {};
}

/** An account that X no longer serves is left alone; its other tasks are held when they are due, and go on with it. */
export async function deactivateAfter(
  { accounts }: { readonly accounts: Pick<AccountStore, "deactivateAccount"> },
  accountId: AccountId,
  failure: Failure,
): Promise<void> {
  if (failure.class === "credentials")
    await accounts.deactivateAccount(accountId, { status: "needs-reconnect", reason: failure.reason });
  if (failure.class === "billing")
    await accounts.deactivateAccount(accountId, {
      status: "paused",
      reason: failure.reason,
      ...(failure.retryAt && { until: failure.retryAt }),
    });
}

/** Somebody may resume the account between the look at it and the hold: what is held afterwards must not be forgotten. */
export async function resumeIfActive(
  {
    accounts,
    clock,
  }: { readonly accounts: SettleAttemptDeps["accounts"]; readonly clock: Pick<Clock, "now"> },
  { heldFor, accountId }: Task,
): Promise<void> {
  if (heldFor !== "account") return;
  for (let race = 0; race < MAX_RACES; race++) {
    const account = await accounts.getAccount(accountId);
    if (account?.status !== "active") return;
    const roused = { ...account, wakeAt: clock.now(), version: account.version + 1 };
    if ((await accounts.saveAccount(roused)).ok) return;
  }
}

async function wakeAgain({ dispatch, clock, holdLeadMs }: SettleAttemptDeps, task: Task): Promise<void> {
  if (task.status === "retrying" && task.notBeforeAt)
    await wakeTask(dispatch, task, "publish", planRetry(task.notBeforeAt, clock.now(), holdLeadMs));
}

function afterRefusal(task: Task, failure: Failure, now: Date, random: number, backoff: BackoffPolicy): Task {
  if (task.cancelAskedAt) return cancel(task, now);
  const decided = decideAfterFailure(task, failure, now, random, backoff);
  if (decided.to === "held" && decided.heldFor && mayChooseAgain(task))
    return park(task, now, { until: now, known: true, reason: decided.reason });
  return decided.to === "retry"
    ? scheduleRetry(task, now, decided)
    : stop(task, now, decided.to, decided.reason, decided.heldFor);
}
