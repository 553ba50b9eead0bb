import type { Agent } from "node:http";
import * as z from "zod";
import type { Failure } from "#shared/domain/failure.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import {
  type PostOutcome,
  type PostPublisher,
  type PostRequest,
  TIMELINE_SIZE,
} from "#shared/ports/post-publisher.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { type AccountCallDeps, callAsAccount } from "./account-calls.ts";
import { createXAccountVerifier } from "./account-verifier.ts";
import { classifyXError, classifyXPostError } from "./classify-x-error.ts";
import { parseTimeline, TIMELINE_FIELDS } from "./timeline.ts";
import { askX, createXClient } from "./x-client.ts";
import { ACCESS_ENDED, type XSession } from "./x-sessions.ts";

/** Only the id counts. X may report errors (a field it could not show) beside a post that it made. */
const createdAnswer = z.object({ data: z.object({ id: z.string().regex(/^\d+$/) }) });

/** Less than this is not worth a connection: it would end in a lost answer. */
const MIN_DEADLINE_MS = 500;

export interface XPostPublisherDeps extends AccountCallDeps {
  readonly accounts: Pick<AccountStore, "getAccount">;
  /** For posts only: without keep-alive, so that every post has a connection of its own. */
  readonly postAgent: Agent;
}

const toBody = ({ text, mediaIds, inReplyTo }: PostRequest) => ({
  ...(text !== "" && { text }),
  ...(mediaIds.length > 0 && { media: { media_ids: [...mediaIds] } }),
  ...(inReplyTo !== undefined && { reply: { in_reply_to_tweet_id: inReplyTo } }),
});

const refused = (failure: Failure): PostOutcome => ({ kind: "refused", failure });

const NO_TIME: Failure = {
  class: "transient",
  reason: {
    code: "no-time-left",
    message: "There was no time left to send the post.",
    remedy: "Nothing to do: it is tried again.",
  },
};

const credentialsUnavailable = (error: unknown): Failure => ({
  class: "transient",
  reason: {
    code: "credentials-unavailable",
    message: "The account's credentials could not be read.",
    remedy: "Nothing to do: it is tried again. If it lasts, check the table and the credentials key.",
  },
  details: { cause: error instanceof Error ? error.name : "unknown" },
});

/**
 * Posts to X by `POST /2/tweets`, which has no idempotency key. So one call of `create` is one request, and what is
 * neither a yes nor a definite no is `unknown`.
 *
 * A 401 is a definite no, and the access token is not used again. But neither it nor the post is tried once more in
 * the same call: the caller planned with one request and its deadline. The next `warmUp` renews the token.
 *
 * @see https://docs.x.com/x-api/posts/create-post
 */
export function createXPostPublisher(deps: XPostPublisherDeps): PostPublisher {
  const { sessions, clock, accounts, postAgent } = deps;
  const verifier = createXAccountVerifier(deps);
  const userIds = new Map<AccountId, string>();

  async function userIdOf(accountId: AccountId): Promise<Result<string, Failure>> {
    const known = userIds.get(accountId) ?? (await accounts.getAccount(accountId))?.userId;
    if (known !== undefined) return ok(known);
    const verified = await verifier.verify(accountId);
    if (!verified.ok) return verified;
    userIds.set(accountId, verified.value.userId);
    return ok(verified.value.userId);
  }

  /** Before the request, nothing can be unknown: whatever goes wrong here is a definite no. */
  async function recall(accountId: AccountId, forMs: number): Promise<Result<XSession, Failure>> {
    try {
      return await sessions.recall(accountId, forMs);
    } catch (error) {
      return err(credentialsUnavailable(error));
    }
  }

  async function afterUnauthorized(session: XSession): Promise<PostOutcome> {
    try {
      const discarded = await sessions.discard(session);
      return refused(discarded.ok ? ACCESS_ENDED : discarded.error);
    } catch (error) {
      return refused(credentialsUnavailable(error));
    }
  }

  return {
    async warmUp(accountId) {
      const opened = await sessions.open(accountId);
      return opened.ok ? { ok: true } : { ok: false, failure: opened.error };
    },

    async create(accountId, post, deadlineMs) {
      const startedAt = clock.now().getTime();
      const opened = await recall(accountId, deadlineMs);
      if (!opened.ok) return refused(opened.error);
      const leftMs = deadlineMs - (clock.now().getTime() - startedAt);
      if (leftMs < MIN_DEADLINE_MS) return refused(NO_TIME);

      const client = createXClient(opened.value.credentials, { agent: postAgent, deadlineMs: leftMs });
      const answer = await askX(() => client.v2.post("tweets", toBody(post)));
      if (!answer.ok) {
        const problem = answer.error;
        return problem.kind !== "network" && problem.status === 401
          ? afterUnauthorized(opened.value)
          : classifyXPostError(problem, clock.now());
      }
      const created = createdAnswer.safeParse(answer.value);
      return created.success
        ? { kind: "posted", postId: created.data.data.id }
        : { kind: "unknown", cause: "answer-without-id" };
    },

    async readTimeline(accountId, sinceId) {
      const userId = await userIdOf(accountId);
      if (!userId.ok) return { ok: false, failure: userId.error };
      const options = { call: "read", deadlineMs: TIMING.lookupDeadlineMs } as const;
      const answer = await callAsAccount(deps, accountId, options, (client) =>
        client.v2.get(`users/${userId.value}/tweets`, {
          max_results: TIMELINE_SIZE,
          "tweet.fields": TIMELINE_FIELDS.join(","),
          ...(sinceId !== undefined && { since_id: sinceId }),
        }),
      );
      if (!answer.ok) return { ok: false, failure: answer.error };
      const posts = parseTimeline(answer.value);
      if (posts) return { ok: true, posts };
      const unreadable = { kind: "unreadable", status: 200, headers: {} } as const;
      return { ok: false, failure: classifyXError("read", unreadable, clock.now()) };
    },
  };
}
