import { planRetry } from "#shared/domain/arrangement.ts";
import { circumstancesOf, type PostCircumstances } from "#shared/domain/features.ts";
import { type Gate, giveBack, writeOff } from "#shared/domain/gate.ts";
import type { AttemptId } from "#shared/domain/ids.ts";
import { awaitReading, cancel, noteAbsence, repost, stop } from "#shared/domain/moves.ts";
import {
  ABSENT_HELD,
  findMatches,
  isComplete,
  isProvenAbsent,
  isWrittenOff,
  NOT_POSTED,
  nextReading,
  type ReconcileTiming,
  reconcilePolicyOf,
  STILL_ABSENT,
  TWIN_POSTED,
  UNREADABLE,
} from "#shared/domain/reconcile.ts";
import type { Content, Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { type PostPublisher, TIMELINE_SIZE } from "#shared/ports/post-publisher.ts";
import type { SharedCounters } from "#shared/ports/shared-counters.ts";
import type { ReceivedTaskMessage } from "#shared/ports/task-dispatch.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { wakeTask } from "./arrange-task.ts";
import {
  type Attempt,
  deactivateAfter,
  type SettleAttemptDeps,
  settlePosted,
  writeSettlement,
} from "./settle-attempt.ts";
import { returnShares, sharesOf } from "./take-shares.ts";

export interface ReconcilePostDeps extends SettleAttemptDeps {
  readonly tasks: TaskStore;
  readonly accounts: SettleAttemptDeps["accounts"] & Pick<AccountStore, "getProject">;
  readonly publisher: Pick<PostPublisher, "readTimeline">;
  readonly counters: SharedCounters;
  /** @default TIMING.reconcile */
  readonly timing?: ReconcileTiming;
}

export type ReconcileReport =
  /** Settled meanwhile, or another arrangement is in force: acknowledged. */
  | { readonly kind: "stale-message" }
  /** A reading could tell nothing yet. */
  | { readonly kind: "put-off"; readonly delayMs: number }
  | { readonly kind: "adopted"; readonly postId: string }
  /** Not seen for the first time: proof of nothing yet. */
  | { readonly kind: "not-seen"; readonly nextAt: Date }
  | { readonly kind: "unreadable"; readonly code: string; readonly status: Task["status"] }
  | { readonly kind: "absent"; readonly status: Task["status"] };

export type ReconcilePost = (
  message: ReceivedTaskMessage,
  invocation: { readonly attemptId: AttemptId; readonly deadlineAt: Date },
) => Promise<ReconcileReport>;

/**
 * Finds out what became of a request whose answer was lost, from the account's own timeline.
 *
 * A post that is found is adopted. That it is not there is believed only after a second complete reading, 300 s after
 * the request: X is assumed to show every post by then. A reading that was refused, or does not reach back far enough,
 * proves nothing. Then the place in the gate is given back in the same transaction, and the task's own policy decides.
 *
 * @throws whatever the table or a queue throws: the message comes again, or the sweeper sends another
 */
export function createReconcilePost(deps: ReconcilePostDeps): ReconcilePost {
  const { tasks, publisher, dispatch, clock, counters, timing = TIMING.reconcile } = deps;

  return async (message, { attemptId, deadlineAt }) => {
    const task = await tasks.get(message.taskId);
    if (!task || !isMeantFor(message, task)) return { kind: "stale-message" };
    const attempt: Attempt = {
      taskId: task.id,
      accountId: task.accountId,
      attemptId,
      deadlineAt,
      log: (over) => ({ at: clock.now(), attemptId, step: "settle", via: message.via, ...over }),
    };
    // Two readers of one message: whoever writes first sends for the next reading.
    const isOurs = (current: Task) =>
      isMeantFor(message, current) &&
      current.attemptId === task.attemptId &&
      current.readAt?.getTime() === task.readAt?.getTime();
    const settle = (build: (current: Task, gate: Gate) => { next: Task; code?: string; gate?: Gate }) =>
      writeSettlement(deps, attempt, isOurs, (current, seen) => {
        const { next, code, gate } = build(current, seen);
        const { status, reason } = next;
        const told = code ?? reason?.code;
        return {
          next,
          together: { log: attempt.log({ status, ...(told && { code: told }) }), ...(gate && { gate }) },
        };
      });

    const askedAt = clock.now();
    const planned = nextReading(task, timing);
    const readAt = task.readAt && task.readAt > planned ? task.readAt : planned;
    if (readAt > askedAt) {
      const earlyMs = readAt.getTime() - askedAt.getTime();
      // Doubled messages would send for ever more: one is on its way for this reading, if the queue could hold it so long.
      const isOvertaken = readAt.getTime() - task.updatedAt.getTime() <= TIMING.maxQueueDelayMs;
      if (isOvertaken && earlyMs > EARLY_MS) return { kind: "stale-message" };
      const delayMs = Math.min(earlyMs, TIMING.maxQueueDelayMs);
      await dispatch.enqueue(message, delayMs);
      return { kind: "put-off", delayMs };
    }

    const content = await tasks.getContent(task);
    if (!content) throw new RangeError(`task ${task.id} has no content of revision ${task.contentRev}`);
    const sought = describePost(task, content);
    const read = await publisher.readTimeline(task.accountId, task.sinceId);

    const giveUp = async (): Promise<ReconcileReport> => {
      const written = await settle((current, gate) => ({
        next: stop(current, clock.now(), "held", UNREADABLE),
        gate: writeOff(gate, current.id),
      }));
      return reportOf(written, (status) => ({ kind: "unreadable", code: UNREADABLE.code, status }));
    };

    if (!read.ok) {
      const { failure } = read;
      await deactivateAfter(deps, task.accountId, failure);
      if (askedAt.getTime() - sought.sentFrom.getTime() > TIMING.reconcile.giveUpMs) return giveUp();
      const { retryMs, maxRetryMs } = TIMING.reconcile;
      const doubtMs = askedAt.getTime() - sought.sentFrom.getTime();
      const soonest = askedAt.getTime() + Math.min(maxRetryMs, Math.max(retryMs, doubtMs / 4));
      const nextAt = new Date(Math.max(soonest, failure.retryAt?.getTime() ?? 0));
      const written = await settle((current) => ({
        next: awaitReading(current, clock.now(), nextAt),
        code: failure.reason.code,
      }));
      if (written.kind === "written") await readAgain(deps, written.task, nextAt);
      return reportOf(written, (status) => ({ kind: "unreadable", code: failure.reason.code, status }));
    }

    let hasTwin = false;
    const matches = findMatches(read.posts, sought);
    const circumstances = matches.length > 0 ? await readCircumstances(deps, task, content) : undefined;
    for (const { postId, createdAt } of matches) {
      // X's clock has whole seconds, and may be behind ours: nothing was sent before it was asked for.
      const sentAt = createdAt > sought.sentFrom ? createdAt : sought.sentFrom;
      const found = { postId, sentAt, ...(circumstances && { circumstances }) };
      const adopted = await settlePosted(deps, attempt, found, isOurs);
      if (adopted.kind === "written") return { kind: "adopted", postId };
      if (adopted.kind === "not-ours") return { kind: "stale-message" };
      hasTwin = true;
    }

    // A page that does not reach back counts as no reading. Newer posts only push the one sought further down, so it is
    // given up as soon as X would have to show it.
    const isWhole = isComplete(read.posts, TIMELINE_SIZE, sought.sentFrom);
    const shownBy = new Date((task.startedAt ?? task.updatedAt).getTime() + timing.absentAfterMs);
    if (!isWhole && askedAt >= shownBy) return giveUp();
    if (!isWhole || !isProvenAbsent(task, askedAt, timing)) {
      const written = await settle((current) => ({
        next: isWhole ? noteAbsence(current, askedAt, timing) : awaitReading(current, clock.now(), shownBy),
        code: "not-seen-yet",
      }));
      if (written.kind !== "written") return { kind: "stale-message" };
      const nextAt = isWhole ? nextReading(written.task, timing) : shownBy;
      await readAgain(deps, written.task, nextAt);
      return { kind: "not-seen", nextAt };
    }

    const written = await settle((current, gate) => {
      const now = clock.now();
      if (hasTwin) return { next: stop(current, now, "held", TWIN_POSTED), gate: writeOff(gate, current.id) };
      if (current.cancelAskedAt) return { next: cancel(current, now), gate: giveBack(gate, current.id) };
      if (current.reposts > 0)
        return { next: stop(current, now, "held", STILL_ABSENT), gate: writeOff(gate, current.id) };
      if (reconcilePolicyOf(current) === "hold")
        return { next: stop(current, now, "held", ABSENT_HELD), gate: giveBack(gate, current.id) };
      const next = repost(current, now, NOT_POSTED);
      return { next, ...(current.posted.length === 0 && { gate: giveBack(gate, current.id) }) };
    });
    if (written.kind !== "written") return { kind: "stale-message" };
    if (!isWrittenOff(written.task.reason?.code))
      await returnShares(counters, sharesOf(task, task.sharesAt ?? sought.sentFrom));
    if (written.task.status === "retrying")
      await wakeTask(dispatch, written.task, "publish", { by: "queue", delayMs: 0 });
    return { kind: "absent", status: written.task.status };
  };
}

/** Clocks differ, and the queue counts in whole seconds. */
const EARLY_MS = 5_000;

const isMeantFor = ({ rev, arm, part }: ReceivedTaskMessage, task: Task): boolean =>
  task.status === "unknown" && task.rev === rev && task.arm === arm && task.posted.length === part;

async function readCircumstances(
  { accounts }: ReconcilePostDeps,
  { projectId, accountId }: Task,
  content: Content,
): Promise<PostCircumstances | undefined> {
  const [project, account] = await Promise.all([
    accounts.getProject(projectId),
    accounts.getAccount(accountId),
  ]);
  return project && circumstancesOf(content, project, account);
}

const reportOf = (
  written: Awaited<ReturnType<typeof writeSettlement>>,
  report: (status: Task["status"]) => ReconcileReport,
): ReconcileReport => (written.kind === "written" ? report(written.task.status) : { kind: "stale-message" });

const readAgain = ({ dispatch, clock }: ReconcilePostDeps, task: Task, at: Date): Promise<void> => {
  const now = clock.now();
  const until = new Date(Math.min(at.getTime(), now.getTime() + TIMING.maxQueueDelayMs));
  return wakeTask(dispatch, task, "settle", planRetry(until, now, 0));
};

function describePost(task: Task, content: Content) {
  const before = task.posted.at(-1);
  return {
    text: content.parts[task.posted.length]?.text ?? "",
    mediaIds: task.mediaIds ?? [],
    ...(before && { inReplyTo: before.postId }),
    sentFrom: task.inDoubtSince ?? task.startedAt ?? task.updatedAt,
  };
}
