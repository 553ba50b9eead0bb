import * as z from "zod";
import type { Failure } from "#shared/domain/failure.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountVerifier, VerifiedUser } from "#shared/ports/account-verifier.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { type AccountCallDeps, callAsAccount } from "./account-calls.ts";
import { classifyXError } from "./classify-x-error.ts";

const meAnswer = z.object({
  data: z.object({
    id: z.string().regex(/^\d+$/),
    username: z.string().min(1),
    // Only for the features of posts: an account works without.
    public_metrics: z.object({ followers_count: z.int().nonnegative() }).optional().catch(undefined),
  }),
});

/** What `GET /2/users/me` says. */
export function readMe(answer: unknown, now: Date): Result<VerifiedUser, Failure> {
  const parsed = meAnswer.safeParse(answer);
  if (!parsed.success)
    return err(classifyXError("read", { kind: "unreadable", status: 200, headers: {} }, now));
  const { id: userId, username, public_metrics: metrics } = parsed.data.data;
  return ok({ userId, username, ...(metrics && { followers: metrics.followers_count }) });
}

/** Asks `GET /2/users/me`. @see https://docs.x.com/x-api/users/get-my-user */
export const createXAccountVerifier = (deps: AccountCallDeps): AccountVerifier => ({
  async verify(accountId) {
    const options = { call: "read", deadlineMs: TIMING.lookupDeadlineMs } as const;
    const answer = await callAsAccount(deps, accountId, options, (client) =>
      client.v2.get("users/me", { "user.fields": "public_metrics" }),
    );
    return answer.ok ? readMe(answer.value, deps.clock.now()) : answer;
  },
});
