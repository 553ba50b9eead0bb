import { classifyXError, classifyXPostError, type XProblem } from "#shared/adapters/x/classify-x-error.ts";
import type { Failure } from "#shared/domain/failure.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { PostOutcome, PostPublisher, PostRequest, TimelinePost } from "#shared/ports/post-publisher.ts";
import type { Calls } from "./calls.ts";
import { type Fault, X_RATES, X_SLOWNESS } from "./faults.ts";
import type { Kernel } from "./kernel.ts";
import type { Process } from "./processes.ts";
import type { Random } from "./random.ts";

/** A post as X has it. Times are true times, in ms. */
export interface LivePost {
  readonly postId: string;
  readonly accountId: AccountId;
  readonly text: string;
  readonly mediaIds: readonly string[];
  readonly inReplyTo: string | undefined;
  /** When the request reached X. */
  readonly arrivedAt: number;
  /** When the post exists. */
  readonly landedAt: number;
  /** When timelines show it. */
  readonly shownAt: number;
  /** Who sent it; undefined: somebody by hand, not Punctual. */
  readonly by: Process | undefined;
}

interface AccountState {
  /** Newest last. */
  readonly posts: LivePost[];
  limitedUntil: number;
  revoked: boolean;
  unpaidUntil: number;
}

export interface XOptions {
  readonly kernel: Kernel;
  readonly calls: Calls;
  readonly random: Random;
  readonly severity: () => number;
  /** X as a whole does not answer between these instants. */
  readonly outages: readonly (readonly [from: number, to: number])[];
  readonly met: (fault: Fault, process: Process) => void;
  /** A request of a process has made a post; called when the request reaches X. */
  readonly onPost: (post: LivePost) => void;
}

export interface XPlatform {
  readonly publisher: PostPublisher;
  posts(accountId: AccountId): readonly LivePost[];
  find(accountId: AccountId, postId: string): LivePost | undefined;
  /** Somebody posts by hand. */
  postByHand(accountId: AccountId, text: string): void;
  /** The account's access is given anew, and its bill is paid. */
  reconnect(accountId: AccountId): void;
}

const answer = (status: number, body: object, headers: Record<string, string> = {}): XProblem => ({
  kind: "answer",
  status,
  headers,
  body,
});
const seconds = (ms: number): string => String(Math.ceil(ms / 1_000));

/**
 * X, as far as exactly-once depends on it: it may take a post and not say so, say no in every way it knows, make a post
 * a minute after the request, and show it minutes later.
 */
export function createX({ kernel, calls, random, severity, outages, met, onPost }: XOptions): XPlatform {
  const accounts = new Map<AccountId, AccountState>();
  let serial = 0;

  const stateOf = (accountId: AccountId): AccountState => {
    const known = accounts.get(accountId);
    if (known) return known;
    const state: AccountState = { posts: [], limitedUntil: 0, revoked: false, unpaidUntil: 0 };
    accounts.set(accountId, state);
    return state;
  };
  const inOutage = (at: number): boolean =>
    severity() > 0 && outages.some(([from, to]) => at >= from && at < to);
  const hits = (rate: number): boolean => random.next() * 1_000 < rate * severity();
  /** A snowflake in all that matters: digits of one length that grow. */
  const newPostId = (): string => `19${String(++serial).padStart(17, "0")}`;

  function add(post: Omit<LivePost, "postId">): LivePost {
    const made = { postId: newPostId(), ...post };
    stateOf(post.accountId).posts.push(made);
    onPost(made);
    return made;
  }

  /** What X says no to, if it does. */
  function refusal(accountId: AccountId, post: PostRequest, process: Process): XProblem | undefined {
    const now = kernel.now();
    const state = stateOf(accountId);
    if (state.revoked) {
      met("x-refused", process);
      return answer(401, { title: "Unauthorized" });
    }
    if (state.unpaidUntil > now) {
      met("x-refused", process);
      return answer(402, { title: "SpendCapReached", reset_date: new Date(state.unpaidUntil).toISOString() });
    }
    if (hits(X_RATES.rateLimited)) state.limitedUntil = now + random.between(5_000, 900_000);
    if (state.limitedUntil > now) {
      met("x-rate-limited", process);
      return answer(
        429,
        { title: "Too Many Requests" },
        { "x-rate-limit-remaining": "0", "x-rate-limit-reset": seconds(state.limitedUntil) },
      );
    }
    const parent = post.inReplyTo;
    if (
      parent !== undefined &&
      !state.posts.some(({ postId, landedAt }) => postId === parent && landedAt <= now)
    ) {
      met("x-refused", process);
      return answer(403, { errors: [{ code: 385, message: "The post is deleted or not visible." }] });
    }
    const isSeen = state.posts.some(
      ({ text, inReplyTo, landedAt }) => text === post.text && inReplyTo === parent && landedAt <= now,
    );
    if (isSeen && random.next() * 1_000 < X_RATES.duplicateSeen) {
      met("x-duplicate", process);
      return answer(403, { detail: "You are not allowed to create a Tweet with duplicate content." });
    }
    if (hits(X_RATES.billing)) {
      state.unpaidUntil = now + random.spread(600_000, 7_200_000);
      met("x-refused", process);
      return answer(402, { title: "SpendCapReached", reset_date: new Date(state.unpaidUntil).toISOString() });
    }
    if (hits(X_RATES.content)) {
      met("x-refused", process);
      return answer(403, { detail: "You are not permitted to perform this action." });
    }
    if (hits(X_RATES.configuration)) {
      met("x-refused", process);
      return answer(403, {
        type: "https://api.x.com/2/problems/client-forbidden",
        reason: "client-not-enrolled",
      });
    }
    return undefined;
  }

  const accessEnded: Failure = {
    class: "transient",
    reason: {
      code: "access-ended",
      message: "The account's access token has ended.",
      remedy: "Nothing to do: it is tried again with a new one.",
    },
  };
  const revokedFailure = (): Failure =>
    classifyXError("read", answer(401, { title: "Unauthorized" }), new Date(kernel.now()));
  const unavailable = (): Failure => classifyXError("read", answer(503, {}), new Date(kernel.now()));

  const unknown = (problem: XProblem): PostOutcome => classifyXPostError(problem, new Date(kernel.now()));

  const publisher: PostPublisher = {
    warmUp(accountId) {
      const process = runningProcess();
      return calls.ask<Awaited<ReturnType<PostPublisher["warmUp"]>>>(
        "x.warmUp",
        "platform",
        process.taskId,
        (reply) => {
          const state = stateOf(accountId);
          if (hits(X_RATES.revoked)) state.revoked = true;
          let failure: Failure | undefined;
          if (state.revoked) {
            met("x-refused", process);
            failure = revokedFailure();
          } else if (hits(X_RATES.accessEnded)) {
            met("x-access-ended", process);
            failure = accessEnded;
          }
          reply(failure ? { ok: false, failure } : { ok: true }, kernel.now() + random.between(0, 40));
        },
      );
    },

    create(accountId, post, deadlineMs) {
      const process = runningProcess();
      const askedAt = kernel.now();
      const deadlineAt = askedAt + deadlineMs;
      return calls.ask<PostOutcome>("x.create", "platform", process.taskId, (reply) => {
        if (hits(X_RATES.unreachable)) {
          met("not-sent", process);
          return reply(
            unknown({ kind: "network", sent: false, code: "ECONNREFUSED" }),
            askedAt + random.between(5, 400),
          );
        }
        if (hits(X_RATES.accessEnded)) {
          met("x-access-ended", process);
          return reply({ kind: "refused", failure: accessEnded }, askedAt + random.between(30, 400));
        }
        const travelMs = hits(X_RATES.slowArrival)
          ? random.between(1_000, deadlineMs - 500)
          : random.between(10, 150);
        const lost = (made: boolean): void => {
          met(made ? "x-lost-made" : "x-lost-unmade", process);
          const how = random.between(0, 2);
          const problem: XProblem =
            how === 0
              ? { kind: "network", sent: true, code: "deadline" }
              : how === 1
                ? { kind: "network", sent: true, code: "ECONNRESET" }
                : answer(503, {});
          const at = how === 0 ? deadlineAt : Math.min(deadlineAt, kernel.now() + random.spread(20, 8_000));
          reply(unknown(problem), at);
        };
        kernel.plan(askedAt + travelMs, () => {
          const now = kernel.now();
          if (inOutage(now)) {
            met("x-outage", process);
            return lost(false);
          }
          const problem = refusal(accountId, post, process);
          if (problem)
            return reply(
              classifyXPostError(problem, new Date(now + process.skewMs)),
              Math.min(deadlineAt, now + random.between(20, 500)),
            );
          if (hits(X_RATES.unavailable) || hits(X_RATES.lostUnmade)) return lost(false);
          const landsLate = hits(X_RATES.landedLate);
          const landedAt =
            now + (landsLate ? random.between(1_000, X_SLOWNESS.landMs) : random.between(5, 80));
          const isShownLate = hits(X_RATES.shownLate);
          const shownAt =
            landedAt + (isShownLate ? random.between(2_000, X_SLOWNESS.showMs) : random.between(0, 1_500));
          if (landsLate) met("x-landed-late", process);
          if (isShownLate) met("x-shown-late", process);
          const { text, mediaIds, inReplyTo } = post;
          const made = add({
            accountId,
            text,
            mediaIds,
            inReplyTo,
            arrivedAt: now,
            landedAt,
            shownAt,
            by: process,
          });
          if (hits(X_RATES.lostMade) || (landsLate && random.chance(0.8))) return lost(true);
          const answeredAt = Math.min(now + random.spread(20, 4_000), deadlineAt);
          reply({ kind: "posted", postId: made.postId }, answeredAt);
        });
      });
    },

    readTimeline(accountId, sinceId) {
      const process = runningProcess();
      return calls.ask<Awaited<ReturnType<PostPublisher["readTimeline"]>>>(
        "x.readTimeline",
        "platform",
        process.taskId,
        (reply) => {
          kernel.plan(kernel.now() + random.between(30, 300), () => {
            const now = kernel.now();
            const state = stateOf(accountId);
            const answeredAt = now + random.between(20, 200);
            if (state.revoked) {
              met("timeline-refused", process);
              return reply({ ok: false, failure: revokedFailure() }, answeredAt);
            }
            if (inOutage(now) || hits(X_RATES.timelineRefused)) {
              met("timeline-refused", process);
              return reply({ ok: false, failure: unavailable() }, answeredAt);
            }
            const posts = state.posts
              .filter(({ shownAt, postId }) => shownAt <= now && (sinceId === undefined || postId > sinceId))
              .toSorted((a, b) => (a.postId < b.postId ? 1 : -1))
              .slice(0, 10)
              .map(
                ({ postId, text, mediaIds, inReplyTo, landedAt }): TimelinePost => ({
                  postId,
                  text,
                  expandedText: text,
                  mediaKeys: mediaIds.map((id) => `3_${id}`),
                  ...(inReplyTo !== undefined && { inReplyTo }),
                  createdAt: new Date(landedAt),
                }),
              );
            reply({ ok: true, posts }, answeredAt);
          });
        },
      );
    },
  };

  function runningProcess(): Process {
    const process = calls.running();
    if (!process) throw new RangeError("X was called by nobody");
    return process;
  }

  return {
    publisher,
    posts: (accountId) => stateOf(accountId).posts,
    find: (accountId, id) => stateOf(accountId).posts.find(({ postId }) => postId === id),
    postByHand(accountId, text) {
      const now = kernel.now();
      add({
        accountId,
        text,
        mediaIds: [],
        inReplyTo: undefined,
        arrivedAt: now,
        landedAt: now,
        shownAt: now + random.between(0, 2_000),
        by: undefined,
      });
    },
    reconnect(accountId) {
      const state = stateOf(accountId);
      state.revoked = false;
      state.unpaidUntil = 0;
    },
  };
}
