import { inactiveAccount, PROJECT_GONE } from "#shared/domain/account.ts";
import { planRetry } from "#shared/domain/arrangement.ts";
import { type BackoffPolicy, backoffOf, decideAfterFailure, type Failure } from "#shared/domain/failure.ts";
import type { AttemptId } from "#shared/domain/ids.ts";
import type { LogEntry } from "#shared/domain/log-entry.ts";
import {
  chooseAccount as chosenAccount,
  claimForPrepare,
  markReady,
  park,
  pausePrepare,
  scheduleRetry,
  stop,
} from "#shared/domain/moves.ts";
import type { Parking } from "#shared/domain/policy.ts";
import { pricePost } from "#shared/domain/price.ts";
import type { Reason } from "#shared/domain/reason.ts";
import {
  type Content,
  decideLate,
  dueAt,
  lateReason,
  mayChooseAgain,
  type Task,
} from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";
import type { ReceivedTaskMessage, TaskDispatch } from "#shared/ports/task-dispatch.ts";
import type { TaskStore } from "#shared/ports/task-store.ts";
import { wakeTask } from "./arrange-task.ts";
import { chooseAccount } from "./choose-account.ts";
import { deactivateAfter, resumeIfActive } from "./settle-attempt.ts";
import type { Phases, UploadMedia, UploadMediaOutcome } from "./upload-media.ts";
import type { WriteText, WriteTextOutcome, WritingFigures } from "./write-text.ts";

export interface PreparePostDeps {
  readonly tasks: TaskStore;
  readonly accounts: Pick<AccountStore, "getAccount" | "getProject" | "saveAccount" | "deactivateAccount">;
  readonly dispatch: TaskDispatch;
  readonly uploadMedia: UploadMedia;
  readonly writeText: WriteText;
  readonly settings: ServiceSettings;
  readonly clock: Clock;
  readonly entropy: Pick<Entropy, "random">;
}

export interface PrepareInvocation {
  readonly attemptId: AttemptId;
  /** The invocation is ended then, whatever it is doing. */
  readonly deadlineAt: Date;
}

export type PrepareReport = {
  /** What writing the text took in this invocation. Absent: there was none to write. */
  readonly writing?: WritingFigures;
} /** Another arrangement, revision or attempt is in force, or there is nothing left to prepare: acknowledged. */ & (
  | { readonly kind: "stale-message" }
  | { readonly kind: "ready"; readonly phases: Phases }
  | { readonly kind: "continues"; readonly nextAt: Date; readonly phases: Phases }
  | { readonly kind: "refused"; readonly code: string; readonly status: Task["status"] }
  | { readonly kind: "late"; readonly status: Task["status"] }
);

export type PreparePost = (
  message: ReceivedTaskMessage,
  invocation: PrepareInvocation,
) => Promise<PrepareReport>;

/** A request that began in time and its note in the table must fit between the last start and the deadline. */
const WIND_DOWN_MS = TIMING.prepare.requestDeadlineMs + TIMING.lookupDeadlineMs;

/**
 * Uploads what a task needs before its slot, and has its text written meanwhile, in slices that continue by a message to
 * itself.
 *
 * One attempt holds the task at a time, by a lease that outlives the invocation. Whatever an attempt reaches is in the
 * media progress and in the cache of written texts, so a message that comes twice, or after a crash, goes on from there.
 * A written text counts from the transaction that makes the task ready; until then, and if there is none, the text is
 * what it was.
 *
 * @throws whatever the table or a queue throws: the message is delivered again, or the sweeper finds the lease expired
 */
export function createPreparePost(deps: PreparePostDeps): PreparePost {
  const { tasks, accounts, dispatch, uploadMedia, writeText, clock } = deps;

  return async (message, { attemptId, deadlineAt }) => {
    const startedAt = clock.now();
    const log = (over: Pick<LogEntry, "status"> & Partial<LogEntry>): LogEntry => ({
      at: clock.now(),
      attemptId,
      step: "prepare",
      via: message.via,
      ...over,
    });

    const claim = await claimTask(deps, message, attemptId, log);
    if (claim.kind !== "claimed") return claim;
    let { task } = claim;
    const claimMs = clock.now().getTime() - startedAt.getTime();

    /** Writes what came of the attempt; undefined: the task is somebody else's by now. */
    async function settle(
      move: (task: Task) => { next: Task; log: LogEntry; content?: Content | undefined },
    ): Promise<Task | undefined> {
      for (;;) {
        const current = await tasks.get(task.id);
        if (current?.attemptId !== attemptId || !isMeantFor(message, current)) return undefined;
        const { next, log: entry, content } = move(current);
        const saved = await tasks.save(next, { log: entry, ...(content && { content }) });
        if (saved.ok) return next;
      }
    }

    async function refuse(failure: Failure, phases: Phases): Promise<PrepareReport> {
      const { code, message: text } = failure.reason;
      const random = deps.entropy.random();
      const backoff = backoffOf(await deps.settings.current());
      const next = await settle((current) => {
        const after = afterFailure(current, failure, clock.now(), random, backoff);
        return {
          next: after,
          log: log({ status: after.status, class: failure.class, code, message: text, phases }),
        };
      });
      if (!next) return { kind: "stale-message" };
      await deactivateAfter(deps, next.accountId, failure);
      await resumeIfActive(deps, next);
      if (next.status === "retrying" && next.notBeforeAt)
        await wakeTask(dispatch, next, "prepare", planRetry(next.notBeforeAt, clock.now(), 0));
      return { kind: "refused", code, status: next.status };
    }

    async function parkTask(parking: Parking, phases: Phases): Promise<PrepareReport> {
      const { code, message: text } = parking.reason;
      const next = await settle((current) => {
        const parked = park(current, clock.now(), parking);
        return { next: parked, log: log({ status: parked.status, code, message: text, phases }) };
      });
      if (!next) return { kind: "stale-message" };
      if (next.status === "retrying" && next.notBeforeAt)
        await wakeTask(dispatch, next, "prepare", planRetry(next.notBeforeAt, clock.now(), 0));
      return { kind: "refused", code, status: next.status };
    }

    if (task.pool === "open") {
      const project = await accounts.getProject(task.projectId);
      if (!project) return refuse(PROJECT_GONE, { claimMs });
      const chosen = await chooseAccount(deps, task, project, dueAt(task));
      if (!chosen.ok) return parkTask(chosen.error, { claimMs });
      const taken = await settle((current) => ({
        next: chosenAccount(current, clock.now(), chosen.value),
        log: log({ status: current.status, code: "account-chosen" }),
      }));
      if (!taken) return { kind: "stale-message" };
      task = taken;
    }
    const account = await accounts.getAccount(task.accountId);
    if (account?.status !== "active") {
      const failure = inactiveAccount(account);
      // Another account of its pool may take it.
      return mayChooseAgain(task)
        ? parkTask(
            { code: "no-service", until: clock.now(), known: true, reason: failure.reason },
            { claimMs },
          )
        : refuse(failure, { claimMs });
    }
    const content = await tasks.getContent(task);
    if (!content) throw new RangeError(`task ${task.id} has no content of revision ${task.contentRev}`);

    const stopMs = Math.min(
      startedAt.getTime() + TIMING.prepare.sliceMs,
      deadlineAt.getTime() - WIND_DOWN_MS,
    );
    const [upload, text] = await bothOf<UploadMediaOutcome, WriteTextOutcome | undefined>(
      uploadMedia({
        taskId: task.id,
        accountId: task.accountId,
        media: content.media,
        neededAt: dueAt(task),
        stopAt: new Date(stopMs),
      }),
      task.toWrite && content.writing
        ? writeText({
            taskId: task.id,
            rev: task.rev,
            ownerId: task.ownerId,
            writing: content.writing,
            texts: content.parts.map((part) => part.text),
            language: task.language,
            maxTextLength: account.maxTextLength,
            neededAt: dueAt(task),
            stopAt: new Date(stopMs),
          })
        : Promise.resolve(undefined),
    );
    const phases: Phases = {
      claimMs,
      ...upload.phases,
      ...(text && { writingMs: text.figures.writingMs }),
    };
    const reporting = (report: PrepareReport): PrepareReport => ({
      ...report,
      ...(text && { writing: text.figures }),
    });

    async function hold(reason: Reason): Promise<PrepareReport> {
      const { code, message: words } = reason;
      const next = await settle((current) => ({
        next: stop(current, clock.now(), "held", reason),
        log: log({ status: "held", code, message: words, phases }),
      }));
      return next ? { kind: "refused", code, status: next.status } : { kind: "stale-message" };
    }

    async function goOn(nextAt: Date): Promise<PrepareReport> {
      const next = await settle((current) => ({
        next: pausePrepare(current, clock.now(), nextAt),
        log: log({ status: current.status, phases }),
      }));
      if (!next) return { kind: "stale-message" };
      const delayMs = nextAt.getTime() - clock.now().getTime();
      await dispatch.enqueue(message, Math.max(0, Math.min(delayMs, TIMING.maxQueueDelayMs)));
      return { kind: "continues", nextAt, phases };
    }

    if (upload.kind === "failed") return reporting(await refuse(upload.failure, phases));
    if (text?.kind === "refused" && needsWriting(content)) {
      // What may pass is tried again while the task has tries left; then a person has to look.
      const isRetried = text.passing && task.retries < task.maxRetries;
      const { reason } = text;
      return reporting(isRetried ? await refuse({ class: "transient", reason }, phases) : await hold(reason));
    }
    const waits = [upload, text].flatMap((part) =>
      part?.kind === "continue" ? [part.nextAt.getTime()] : [],
    );
    if (waits.length > 0) return reporting(await goOn(new Date(Math.min(...waits))));

    const written = text?.kind === "written" ? writtenContent(content, text.texts) : undefined;
    // Sent before the task is ready: a publisher that is too early waits, and one that was never sent is missed.
    if (needsPublisher(task)) await sendPublisher(deps, task);
    const next = await settle((current) => ({
      next: markReady(
        current,
        clock.now(),
        written && { partCount: written.parts.length, costMicros: pricePost(written.parts, written.media) },
      ),
      log: log({
        status: "ready",
        phases,
        // Why the text as it was goes out.
        ...(text?.kind === "refused" && { code: text.reason.code, message: text.reason.message }),
      }),
      content: written,
    }));
    if (!next) return reporting({ kind: "stale-message" });
    // A publisher that waited for this looks again every ten seconds: it does not have to wait.
    if (isDue(deps, next)) await sendPublisher(deps, next);
    return reporting({ kind: "ready", phases });
  };
}

/** Waits for both, even when one of them throws: nothing goes on behind the back of whoever gets the error. */
async function bothOf<First, Second>(
  first: Promise<First>,
  second: Promise<Second>,
): Promise<readonly [First, Second]> {
  await Promise.allSettled([first, second]);
  return Promise.all([first, second]);
}

/** Without a written text nothing goes out: it was asked for, or there is no other. */
const needsWriting = ({ writing, parts, media }: Content): boolean =>
  writing?.onFailure === "hold" || (media.length === 0 && parts.every(({ text }) => text === ""));

const writtenContent = (content: Content, texts: readonly string[]): Content => ({
  ...content,
  parts: texts.map((text) => ({ text })),
  original: content.parts,
});

const isMeantFor = ({ rev, arm }: ReceivedTaskMessage, task: Task): boolean =>
  task.rev === rev && task.arm === arm;

type Claim =
  | { readonly kind: "claimed"; readonly task: Task }
  | Extract<PrepareReport, { kind: "stale-message" | "late" }>;

/** Another write in between (a note that the task is arranged) is no reason to give up, as long as the message counts. */
async function claimTask(
  { tasks, clock }: PreparePostDeps,
  message: ReceivedTaskMessage,
  attemptId: AttemptId,
  log: (over: Pick<LogEntry, "status"> & Partial<LogEntry>) => LogEntry,
): Promise<Claim> {
  for (;;) {
    const task = await tasks.get(message.taskId);
    const now = clock.now();
    if (!task || !isMeantFor(message, task) || !canBePrepared(task, now)) return { kind: "stale-message" };
    const late = decideLate(task, now);
    if (late !== "in-time") {
      const status = late === "hold" ? "held" : "missed";
      const reason = lateReason(task, status);
      const saved = await tasks.save(stop(task, now, status, reason), {
        log: log({ status, code: reason.code, message: reason.message }),
      });
      if (saved.ok) return { kind: "late", status };
      continue;
    }
    const claimed = claimForPrepare(task, now, attemptId);
    const saved = await tasks.save(claimed);
    if (saved.ok) return { kind: "claimed", task: claimed };
  }
}

/** A lease that nobody gave back counts until it ends: its holder may still be sending. */
function canBePrepared({ status, leaseUntil }: Task, now: Date): boolean {
  if (status === "pending" || status === "retrying") return true;
  return status === "preparing" && (!leaseUntil || leaseUntil <= now);
}

/**
 * Whether the arm's own publisher is missing. Arranging sends both wake-up calls, but a retry raises the arm and sends
 * only this step's: `notBeforeAt` is what it left behind.
 */
const needsPublisher = ({ notBeforeAt }: Task): boolean => notBeforeAt !== undefined;

/** In ms from now, when the publisher has to be woken; negative when that instant has passed. */
const publisherDelayMs = ({ clock }: PreparePostDeps, task: Task): number => {
  return dueAt(task).getTime() - TIMING.publish.holdLeadMs - clock.now().getTime();
};

const isDue = (deps: PreparePostDeps, { slotAt }: Task): boolean => slotAt <= deps.clock.now();

async function sendPublisher(deps: PreparePostDeps, task: Task): Promise<void> {
  const { dispatch } = deps;
  const delayMs = publisherDelayMs(deps, task);
  await wakeTask(dispatch, task, "publish", {
    by: "queue",
    delayMs: Math.max(0, Math.min(delayMs, TIMING.maxQueueDelayMs)),
  });
}

function afterFailure(task: Task, failure: Failure, now: Date, random: number, backoff: BackoffPolicy): Task {
  const decided = decideAfterFailure(task, failure, now, random, backoff);
  return decided.to === "retry"
    ? scheduleRetry(task, now, decided)
    : stop(task, now, decided.to, decided.reason, decided.heldFor);
}
