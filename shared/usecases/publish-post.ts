import { createHash } from "node:crypto";
import { type Gate, inactiveAccount } from "#shared/domain/account.ts";
import type { Failure } from "#shared/domain/failure.ts";
import type { AttemptId } from "#shared/domain/ids.ts";
import { prepareAgain, startPosting, stop } from "#shared/domain/moves.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { type Content, decideLate, lateReason, type Task } from "#shared/domain/task.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { MediaProgressStore } from "#shared/ports/media-progress-store.ts";
import type { PostPublisher, PostRequest } from "#shared/ports/post-publisher.ts";
import type { ReceivedTaskMessage } from "#shared/ports/task-dispatch.ts";
import { wakeTask } from "./arrange-task.ts";
import {
  type Attempt,
  type SettleAttemptDeps,
  settlePosted,
  settleRefused,
  settleUnknown,
} from "./settle-attempt.ts";

/** Media that the platform forgets sooner than this after the due second are uploaded again. */
const MEDIA_MARGIN_MS = 60_000;

export interface PublishPostDeps extends SettleAttemptDeps {
  readonly media: MediaProgressStore;
  readonly publisher: PostPublisher;
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
  | { readonly kind: "late"; readonly status: Task["status"] | "settled-by-others" };

export type PublishPost = (
  message: ReceivedTaskMessage,
  invocation: PublishInvocation,
) => Promise<PublishReport>;

/**
 * Posts what is due, once.
 *
 * Everything slow (account, media, token) happens before the due second. Then the intent is written together with
 * the account's gate, and only after it the one request is sent. What X answered is settled in one transaction; an
 * answer that was lost leaves the task `unknown`, and nothing here repeats a request that may have taken effect.
 *
 * @throws whatever the table or a queue throws; a post that was already sent is then settled by the sweeper
 */
export function createPublishPost(deps: PublishPostDeps): PublishPost {
  const { tasks, accounts, publisher, dispatch, clock, holdLeadMs } = deps;

  return async (message, { attemptId, deadlineAt }) => {
    const arrivedAt = clock.now();
    const task = await tasks.get(message.taskId);
    if (!task || !isMeantFor(message, task)) return { kind: "stale-message" };

    const attempt: Attempt = {
      taskId: task.id,
      attemptId,
      deadlineAt,
      log: (over) => ({ at: clock.now(), attemptId, step: "publish", via: message.via, ...over }),
    };
    const refuse = async (failure: Failure, reserved: boolean, phases?: Record<string, number>) => {
      const isOurs = (current: Task) => isMeantFor(message, current);
      const written = await settleRefused(deps, attempt, {
        failure,
        reserved,
        isOurs,
        ...(phases && { phases }),
      });
      const status = written?.status ?? "settled-by-others";
      return { kind: "refused", code: failure.reason.code, status } as const;
    };
    const putOff = async (delayMs: number) => {
      await dispatch.enqueue(message, Math.min(delayMs, TIMING.maxQueueDelayMs));
      return { kind: "put-off", delayMs } as const;
    };

    const late = decideLate(task, arrivedAt);
    if (late !== "in-time") return stopLate(deps, attempt, message, late === "hold" ? "held" : "missed");
    if (task.status === "preparing" || (task.status === "pending" && task.mediaCount > 0)) {
      await dispatch.enqueue(message, TIMING.publish.waitForMediaMs);
      return { kind: "waits-for-media" };
    }

    const dueAt = new Date(Math.max(task.slotAt.getTime(), task.notBeforeAt?.getTime() ?? 0));
    const holdFrom = dueAt.getTime() - holdLeadMs;
    if (arrivedAt.getTime() < holdFrom - TIMING.publish.holdSlackMs)
      return putOff(holdFrom - arrivedAt.getTime());

    const account = await accounts.getAccount(task.accountId);
    if (account?.status !== "active") return refuse(inactiveAccount(account), false);
    // Known to be closed at the due second: the many posts of a busy account need not ask X one by one.
    const gate = await tasks.getGate(task.accountId);
    const soonest = Math.max(dueAt.getTime(), clock.now().getTime());
    if (gate.closedUntil && gate.closedUntil.getTime() > soonest) return refuse(closedGate(gate), false);
    const content = await tasks.getContent(task.id, task.contentRev);
    if (!content) throw new RangeError(`task ${task.id} has no content of revision ${task.contentRev}`);
    const request = await requestFor(deps, task, content, dueAt);
    if (!request) return uploadAgain(deps, message);
    const warm = await publisher.warmUp(task.accountId);
    if (!warm.ok) return refuse(warm.failure, false);

    const startBy = deadlineAt.getTime() - TIMING.publish.minRemainingMs;
    if (Math.max(dueAt.getTime(), clock.now().getTime()) > startBy) return putOff(0);
    await clock.sleepUntil(dueAt);

    const dueReachedAt = clock.now();
    const intent = await writeIntent(deps, message, { attemptId, request, sinceId: gate.lastPostId });
    if (intent.kind === "stale") return { kind: "stale-message" };
    if (intent.kind === "closed") return refuse(intent.failure, false);

    const calledAt = clock.now();
    const stalledMs = calledAt.getTime() - intent.startedAt.getTime();
    if (stalledMs > TIMING.publish.intentFreshMs || calledAt.getTime() > startBy)
      return refuse(STALLED, true);
    const outcome = await publisher.create(task.accountId, request, TIMING.publish.requestDeadlineMs);
    const phases = {
      waitedMs: dueReachedAt.getTime() - arrivedAt.getTime(),
      intentMs: calledAt.getTime() - dueReachedAt.getTime(),
      callMs: clock.now().getTime() - calledAt.getTime(),
      latenessMs: calledAt.getTime() - dueAt.getTime(),
    };

    switch (outcome.kind) {
      case "posted": {
        const { postId } = outcome;
        const settled = await settlePosted(deps, attempt, { postId, sentAt: calledAt, phases });
        return settled
          ? { kind: "posted", postId, latenessMs: phases.latenessMs }
          : { kind: "unknown", cause: "settled-by-others" };
      }
      case "refused":
        return refuse(outcome.failure, true, phases);
      case "unknown":
        await settleUnknown(deps, attempt, { cause: outcome.cause, phases });
        return { kind: "unknown", cause: outcome.cause };
    }
  };
}

/** Only the newest arrangement of a task that may still be posted counts. */
const isMeantFor = ({ rev, arm, part }: ReceivedTaskMessage, task: Task): boolean =>
  task.rev === rev &&
  task.arm === arm &&
  task.posted.length === part &&
  (["pending", "preparing", "ready", "retrying"] as const).some((status) => status === task.status);

type IntentOutcome =
  | { readonly kind: "written"; readonly startedAt: Date }
  | { readonly kind: "stale" }
  | { readonly kind: "closed"; readonly failure: Failure };

/** Another write in between (a note that the task is arranged) is no reason to give up, as long as the message still counts. */
async function writeIntent(
  { tasks, clock }: PublishPostDeps,
  message: ReceivedTaskMessage,
  intent: {
    readonly attemptId: AttemptId;
    readonly request: PostRequest;
    readonly sinceId: string | undefined;
  },
): Promise<IntentOutcome> {
  const { attemptId, request, sinceId } = intent;
  const requestHash = createHash("sha256").update(JSON.stringify(request)).digest("hex");
  for (;;) {
    const task = await tasks.get(message.taskId);
    if (!task || !isMeantFor(message, task)) return { kind: "stale" };
    const startedAt = clock.now();
    const saved = await tasks.save(startPosting(task, startedAt, { attemptId, requestHash, sinceId }), {
      gate: { kind: "reserve", accountId: task.accountId, at: startedAt },
    });
    if (saved.ok) return { kind: "written", startedAt };
    if (saved.error.reason === "gate-closed")
      return { kind: "closed", failure: closedGate(saved.error.gate) };
  }
}

const closedGate = ({ closedUntil, closedReason }: Gate): Failure => ({
  class: "rate-limited",
  reason: closedReason ?? CLOSED,
  ...(closedUntil && { retryAt: closedUntil }),
});

/** Adds the media to the first part. `undefined`: they are not, or no longer, uploaded. */
async function requestFor(
  { media }: PublishPostDeps,
  task: Task,
  content: Content,
  dueAt: Date,
): Promise<PostRequest | undefined> {
  const text = content.parts[task.posted.length]?.text ?? "";
  const before = task.posted.at(-1);
  if (before) return { text, mediaIds: [], inReplyTo: before.postId };
  if (content.media.length === 0) return { text, mediaIds: [] };
  const uploaded = await media.list(task.id);
  const mediaIds = content.media.flatMap(({ sha256 }, index) =>
    uploaded
      .filter(
        (progress) =>
          progress.index === index &&
          progress.sha256 === sha256 &&
          progress.state === "ready" &&
          progress.accountId === task.accountId &&
          progress.expiresAt.getTime() > dueAt.getTime() + MEDIA_MARGIN_MS,
      )
      .map(({ mediaId }) => mediaId),
  );
  return mediaIds.length === content.media.length ? { text, mediaIds } : undefined;
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
  attempt: Attempt,
  message: ReceivedTaskMessage,
  status: "held" | "missed",
): Promise<PublishReport> {
  for (;;) {
    const task = await tasks.get(message.taskId);
    if (!task || !isMeantFor(message, task)) return { kind: "stale-message" };
    const reason = lateReason(task, status);
    const next = stop(task, clock.now(), status, reason);
    const saved = await tasks.save(next, {
      log: attempt.log({ status, code: reason.code, message: reason.message }),
    });
    if (saved.ok) return { kind: "late", status };
  }
}

const CLOSED: Reason = {
  code: "rate-limited",
  message: "X takes no post of this account for now.",
  remedy: "Nothing to do: it waits.",
};

/** A worker that was frozen between intent and call does not call: its lease may be somebody else's by then. */
const STALLED: Failure = {
  class: "system",
  reason: {
    code: "worker-stalled",
    message: "The publisher was stopped just before it sent the post.",
    remedy: "Nothing to do: it is tried again.",
  },
};
