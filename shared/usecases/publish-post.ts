import { inactiveAccount, PROJECT_GONE, type Project } from "#shared/domain/account.ts";
import type { Failure } from "#shared/domain/failure.ts";
import { circumstancesOf } from "#shared/domain/features.ts";
import { decideGate, type Gate, type Heard, reserve } from "#shared/domain/gate.ts";
import type { AccountId, AttemptId } from "#shared/domain/ids.ts";
import { chooseAccount as chosenAccount, prepareAgain, startPosting, stop } from "#shared/domain/moves.ts";
import { decidePolicy, type Parking } from "#shared/domain/policy.ts";
import {
  decideLate,
  dueAt,
  lateReason,
  mayChooseAgain,
  needsPreparation,
  type Task,
} from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { CircuitStore } from "#shared/ports/circuit-store.ts";
import type { MediaProgressStore } from "#shared/ports/media-progress-store.ts";
import type { PostPublisher, PostRequest } from "#shared/ports/post-publisher.ts";
import type { PublisherSlots } from "#shared/ports/publisher-slots.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";
import type { SharedCounters } from "#shared/ports/shared-counters.ts";
import type { ReceivedTaskMessage } from "#shared/ports/task-dispatch.ts";
import { wakeTask } from "./arrange-task.ts";
import { buildRequest, hashRequest } from "./build-request.ts";
import { chooseAccount } from "./choose-account.ts";
import {
  type Attempt,
  type SettleAttemptDeps,
  settleParked,
  settlePosted,
  settleRefused,
  settleUnknown,
} from "./settle-attempt.ts";
import { takePublisherSlot } from "./take-publisher-slot.ts";
import { isSameDay, returnShares, sharesOf, takeShares } from "./take-shares.ts";
import { admitToPlatform, heardFrom, reportToPlatform } from "./watch-platform.ts";

/** Media that the platform forgets sooner than this after the due second are uploaded again. */
const MEDIA_MARGIN_MS = 60_000;

/** What was read longer before the intent is read again. */
const STANDING_FRESH_MS = 2_000;

export type PublishTiming = Pick<typeof TIMING.publish, "intentFreshMs">;

export interface PublishPostDeps extends SettleAttemptDeps {
  readonly accounts: AccountStore;
  readonly media: MediaProgressStore;
  readonly publisher: PostPublisher;
  readonly counters: SharedCounters;
  readonly circuits: CircuitStore;
  readonly slots: PublisherSlots;
  readonly settings: ServiceSettings;
  /** @default TIMING.publish */
  readonly timing?: PublishTiming;
}

export interface PublishInvocation {
  readonly attemptId: AttemptId;
  /** The invocation is ended then, whatever it is doing. */
  readonly deadlineAt: Date;
}

export type PublishReport =
  /** Another arrangement, revision or part is in force, or the task is settled: the message is acknowledged. */
  | { readonly kind: "stale-message" }
  | { readonly kind: "waits-for-media" }
  /** Woken too early to hold, or with too little time left: the same message comes back. */
  | { readonly kind: "put-off"; readonly delayMs: number }
  | { readonly kind: "prepares-again" }
  | { readonly kind: "posted"; readonly postId: string; readonly latenessMs: number }
  /** The answer was lost, or came after somebody else had settled the attempt. */
  | { readonly kind: "unknown"; readonly cause: string }
  | { readonly kind: "refused"; readonly code: string; readonly status: Task["status"] | "settled-by-others" }
  /** It may not be posted now, by a rule. */
  | { readonly kind: "parked"; readonly code: string; readonly status: Task["status"] | "settled-by-others" }
  | { readonly kind: "late"; readonly status: Task["status"] | "settled-by-others" };

export type PublishPost = (
  message: ReceivedTaskMessage,
  invocation: PublishInvocation,
) => Promise<PublishReport>;

/**
 * Posts what is due, once.
 *
 * Everything slow (account, media, token, shared counters) happens before the due second. Then the intent is written
 * together with the account's gate, and only after it the one request is sent. What X answered is settled in one
 * transaction; an answer that was lost leaves the task `unknown`, and nothing here repeats a request that may have
 * taken effect.
 *
 * @throws whatever the table or a queue throws; a post that was already sent is then settled by reading back
 */
export function createPublishPost(deps: PublishPostDeps): PublishPost {
  const { tasks, accounts, publisher, counters, dispatch, clock, holdLeadMs } = deps;
  const { intentFreshMs } = deps.timing ?? TIMING.publish;

  return async (message, { attemptId, deadlineAt }) => {
    const arrivedAt = clock.now();
    const arrived = await tasks.get(message.taskId);
    if (!arrived || !isMeantFor(message, arrived)) return { kind: "stale-message" };

    const late = decideLate(arrived, arrivedAt);
    if (late !== "in-time") return stopLate(deps, message, attemptId, late === "hold" ? "held" : "missed");
    if (awaitsPreparation(arrived)) {
      await dispatch.enqueue(message, TIMING.publish.waitForMediaMs);
      return { kind: "waits-for-media" };
    }
    const putOff = async (delayMs: number) => {
      await dispatch.enqueue(message, Math.min(delayMs, TIMING.maxQueueDelayMs));
      return { kind: "put-off", delayMs } as const;
    };
    const due = dueAt(arrived);
    const holdFrom = due.getTime() - holdLeadMs;
    if (arrivedAt.getTime() < holdFrom - TIMING.publish.holdSlackMs)
      return putOff(holdFrom - arrivedAt.getTime());

    const project = await accounts.getProject(arrived.projectId);
    const soonest = later(due, clock.now());
    const isOurs = (current: Task) => isMeantFor(message, current);
    const attemptOf = ({ id, accountId }: Task): Attempt => ({
      taskId: id,
      accountId,
      attemptId,
      deadlineAt,
      log: (over) => ({ at: clock.now(), attemptId, step: "publish", via: message.via, ...over }),
    });
    const parkTask = async (parking: Parking, parked: Task) => {
      const written = await settleParked(deps, attemptOf(parked), parking, isOurs);
      return { kind: "parked", code: parking.code, status: written?.status ?? "settled-by-others" } as const;
    };
    /** Another account of its pool may have room at once: one is chosen anew. */
    const parkAtGate = (parking: Parking, parked: Task) =>
      parkTask(
        mayChooseAgain(parked) && isOfAccount(parking)
          ? { ...parking, until: later(due, clock.now()), known: true }
          : parking,
        parked,
      );
    let task = arrived;
    const refuse = async (
      failure: Failure,
      reserved: boolean,
      { heard = "nothing", phases }: { heard?: Heard; phases?: Record<string, number> } = {},
    ) => {
      const written = await settleRefused(deps, attemptOf(task), {
        failure,
        heard,
        reserved,
        isOurs,
        ...(phases && { phases }),
      });
      const status = written?.status ?? "settled-by-others";
      return { kind: "refused", code: failure.reason.code, status } as const;
    };
    if (!project) return refuse(PROJECT_GONE, false);
    if (task.pool === "open") {
      const chosen = await chooseAccount(deps, task, project, soonest);
      if (!chosen.ok) return parkTask(chosen.error, task);
      const taken = await takeAccount(deps, message, chosen.value);
      if (!taken) return { kind: "stale-message" };
      task = taken;
    }
    const attempt = attemptOf(task);

    const account = await accounts.getAccount(task.accountId);
    if (account?.status !== "active") return refuse(inactiveAccount(account), false);
    // Known to be impossible at the due second: the many posts of a busy account need not wait for it one by one.
    const early = decideNow(task, project, await tasks.getGate(task.accountId), soonest);
    if (early) return parkAtGate(early, task);
    const content = await tasks.getContent(task);
    if (!content) throw new RangeError(`task ${task.id} has no content of revision ${task.contentRev}`);
    const usableUntil = new Date(due.getTime() + MEDIA_MARGIN_MS);
    const request = await buildRequest(deps.media, task, content, usableUntil);
    if (!request) return task.reposts > 0 ? refuse(CHANGED, false) : uploadAgain(deps, message);
    if (task.reposts > 0 && task.requestHash !== hashRequest(request)) return refuse(CHANGED, false);
    const warm = await publisher.warmUp(task.accountId);
    if (!warm.ok) return refuse(warm.failure, false);
    const shut = await admitToPlatform(deps, soonest);
    if (shut) return parkTask(shut, task);

    const startBy = deadlineAt.getTime() - TIMING.publish.minRemainingMs;
    if (later(due, clock.now()).getTime() > startBy) return putOff(0);
    const sharesAt = later(due, clock.now());
    const lacking = await takeShares(counters, task, sharesAt, project);
    if (lacking) return parkTask(lacking, task);
    const shares = sharesOf(task, sharesAt);
    const postDue = async (): Promise<PublishReport> => {
      const ahead = await readStanding(deps, task);
      await clock.sleepUntil(due);

      const dueReachedAt = clock.now();
      if (!isSameDay(sharesAt, dueReachedAt)) {
        // It waited for its place, or stood still, beyond midnight: the shares are those of the day before.
        await returnShares(counters, shares);
        return putOff(0);
      }
      const intent = await writeIntent(deps, message, { task, ahead, attemptId, request, sharesAt, startBy });
      if (intent.kind !== "written") {
        await returnShares(counters, shares);
        if (intent.kind === "parked") return parkAtGate(intent.parking, task);
        return intent.kind === "no-time" ? putOff(0) : { kind: "stale-message" };
      }

      const calledAt = clock.now();
      const stalledMs = calledAt.getTime() - intent.startedAt.getTime();
      if (stalledMs > intentFreshMs || calledAt.getTime() > startBy) {
        const report = await refuse(STALLED, true);
        if (report.status !== "settled-by-others") await returnShares(counters, shares);
        return report;
      }
      const outcome = await publisher.create(task.accountId, request, TIMING.publish.requestDeadlineMs);
      const phases = {
        waitedMs: dueReachedAt.getTime() - arrivedAt.getTime(),
        intentMs: calledAt.getTime() - dueReachedAt.getTime(),
        callMs: clock.now().getTime() - calledAt.getTime(),
        latenessMs: calledAt.getTime() - due.getTime(),
      };

      switch (outcome.kind) {
        case "posted": {
          const { postId } = outcome;
          const circumstances = circumstancesOf(content, project, account);
          const settled = await settlePosted(deps, attempt, {
            postId,
            sentAt: calledAt,
            circumstances,
            phases,
          });
          // Another task of the same text has adopted it: reading back finds that one's.
          if (settled.kind === "post-taken")
            await settleUnknown(deps, attempt, { cause: "post-taken", heard: "answer", phases });
          await reportToPlatform(deps, "answer");
          return settled.kind === "written"
            ? { kind: "posted", postId, latenessMs: phases.latenessMs }
            : { kind: "unknown", cause: settled.kind };
        }
        case "refused": {
          const { failure } = outcome;
          const heard = heardFrom(failure);
          // X refuses a text that it has: the request before, whose answer was lost, took effect.
          if (task.reposts > 0 && failure.reason.code === "duplicate-text") {
            await settleUnknown(deps, attempt, { cause: failure.reason.code, heard, phases });
            await reportToPlatform(deps, heard);
            return { kind: "unknown", cause: failure.reason.code };
          }
          const report = await refuse(failure, true, { heard, phases });
          if (report.status !== "settled-by-others") await returnShares(counters, shares);
          await reportToPlatform(deps, heard);
          return report;
        }
        case "unknown":
          await settleUnknown(deps, attempt, { cause: outcome.cause, heard: "silence", phases });
          await reportToPlatform(deps, "silence");
          return { kind: "unknown", cause: outcome.cause };
      }
    };

    await clock.sleepUntil(new Date(due.getTime() - TIMING.publish.readAheadMs));
    const slot = await takePublisherSlot(deps, attemptId, new Date(startBy)).catch(async (error: unknown) => {
      await returnShares(counters, shares);
      throw error;
    });
    if (!("giveBack" in slot)) {
      await returnShares(counters, shares);
      return parkTask(slot, task);
    }
    try {
      return await postDue();
    } finally {
      await slot.giveBack();
    }
  };
}

const later = (a: Date, b: Date): Date => (a > b ? a : b);

const isOfAccount = ({ code }: Parking): boolean =>
  code === "too-close" || code === "no-quota" || code === "rate-limited" || code === "circuit-open";

/** Only the newest arrangement of a task that may still be posted counts. */
const isMeantFor = ({ rev, arm, part }: ReceivedTaskMessage, task: Task): boolean =>
  task.rev === rev &&
  task.arm === arm &&
  task.posted.length === part &&
  (["pending", "preparing", "ready", "retrying"] as const).some((status) => status === task.status);

/** Media of a retry that are not uploaded yet are noticed when the request is built; a text that is not written is not. */
const awaitsPreparation = (task: Task): boolean =>
  task.status === "preparing" ||
  (task.status === "pending" && needsPreparation(task)) ||
  (task.status === "retrying" && task.toWrite === true && task.posted.length === 0);

const decideNow = (
  task: Task,
  { policy = {}, timeZone }: Project,
  gate: Gate,
  now: Date,
): Parking | undefined => {
  const units = task.partCount - task.posted.length;
  return (
    decidePolicy(policy, timeZone, now, units, task.override) ??
    decideGate(gate, { taskId: task.id, now, units, policy })
  );
};

/** Writes the choice down before anything belongs to the account. */
async function takeAccount(
  { tasks, clock }: PublishPostDeps,
  message: ReceivedTaskMessage,
  accountId: AccountId,
): Promise<Task | undefined> {
  for (;;) {
    const task = await tasks.get(message.taskId);
    if (!task || !isMeantFor(message, task)) return undefined;
    if (task.pool !== "open") return task;
    const next = chosenAccount(task, clock.now(), accountId);
    const saved = await tasks.save(next);
    if (saved.ok) return next;
  }
}

/** What decides at the due second. */
interface Standing {
  readonly readAt: Date;
  readonly task: Task | undefined;
  readonly gate: Gate;
  readonly project: Project | undefined;
}

async function readStanding({ tasks, accounts, clock }: PublishPostDeps, task: Task): Promise<Standing> {
  const readAt = clock.now();
  const [current, gate, project] = await Promise.all([
    tasks.get(task.id),
    tasks.getGate(task.accountId),
    accounts.getProject(task.projectId),
  ]);
  return { readAt, task: current, gate, project };
}

type IntentOutcome =
  | { readonly kind: "written"; readonly startedAt: Date }
  | { readonly kind: "stale" }
  | { readonly kind: "no-time" }
  | { readonly kind: "parked"; readonly parking: Parking };

/**
 * Another write in between (a note that the task is arranged, another post of the account) is no reason to give up, as
 * long as the message still counts and the rules still allow it.
 */
async function writeIntent(
  deps: PublishPostDeps,
  message: ReceivedTaskMessage,
  {
    task: known,
    ahead,
    attemptId,
    request,
    sharesAt,
    startBy,
  }: {
    readonly task: Task;
    /** Serves the first try; what it misses, the versions of task and gate refuse. */
    readonly ahead: Standing;
    readonly attemptId: AttemptId;
    readonly request: PostRequest;
    readonly sharesAt: Date;
    readonly startBy: number;
  },
): Promise<IntentOutcome> {
  const requestHash = hashRequest(request);
  for (let standing = ahead; ; standing = await readStanding(deps, known)) {
    const { task, gate, project } = standing;
    if (!task || !project || !isMeantFor(message, task) || task.accountId !== known.accountId)
      return { kind: "stale" };
    const startedAt = deps.clock.now();
    if (startedAt.getTime() > startBy) return { kind: "no-time" };
    // No version guards the policy: a worker that was frozen since must not go by an old one.
    if (startedAt.getTime() - standing.readAt.getTime() > STANDING_FRESH_MS) continue;
    const parking = decideNow(task, project, gate, startedAt);
    if (parking) return { kind: "parked", parking };
    const sinceId = gate.lastPostId;
    const { mediaIds } = request;
    const intent = { attemptId, requestHash, mediaIds, sharesAt, ...(sinceId !== undefined && { sinceId }) };
    const saved = await deps.tasks.save(startPosting(task, startedAt, intent), {
      gate: reserve(gate, {
        taskId: task.id,
        attemptId,
        ownerId: task.ownerId,
        now: startedAt,
        units: task.partCount - task.posted.length,
        policy: project.policy ?? {},
      }),
    });
    if (saved.ok) return { kind: "written", startedAt };
  }
}
/** Repeated like the intent: the message is acknowledged, and nobody else would do it before the sweeper. */
async function uploadAgain(
  { tasks, dispatch, clock }: PublishPostDeps,
  message: ReceivedTaskMessage,
): Promise<PublishReport> {
  for (;;) {
    const task = await tasks.get(message.taskId);
    if (!task || !isMeantFor(message, task)) return { kind: "stale-message" };
    const next = prepareAgain(task, clock.now());
    const saved = await tasks.save(next);
    if (!saved.ok) continue;
    await wakeTask(dispatch, next, "prepare", { by: "queue", delayMs: 0 });
    await wakeTask(dispatch, next, "publish", { by: "queue", delayMs: TIMING.publish.waitForMediaMs });
    return { kind: "prepares-again" };
  }
}

async function stopLate(
  { tasks, clock }: PublishPostDeps,
  message: ReceivedTaskMessage,
  attemptId: AttemptId,
  status: "held" | "missed",
): Promise<PublishReport> {
  for (;;) {
    const task = await tasks.get(message.taskId);
    if (!task || !isMeantFor(message, task)) return { kind: "stale-message" };
    const reason = lateReason(task, status);
    const next = stop(task, clock.now(), status, reason);
    const saved = await tasks.save(next, {
      log: {
        at: clock.now(),
        attemptId,
        step: "publish",
        via: message.via,
        status,
        code: reason.code,
        message: reason.message,
      },
    });
    if (saved.ok) return { kind: "late", status };
  }
}

/** A worker that was frozen between intent and call does not call: its lease may be somebody else's by then. */
const STALLED: Failure = {
  class: "system",
  reason: {
    code: "worker-stalled",
    message: "The publisher was stopped just before it sent the post.",
    remedy: "Nothing to do: it is tried again.",
  },
};

/** It can be sent a second time only if X would recognise it: the same text, the same media. */
const CHANGED: Failure = {
  class: "configuration",
  reason: {
    code: "repeat-differs",
    message: "X's answer was lost and the post is not there, but its media would have to be uploaded anew.",
    remedy: "Look at the account's timeline. If the post is not there, publish it now; else cancel it.",
  },
};
