import type { Agent } from "node:http";
import type { TwitterApi } from "twitter-api-v2";
import type { Failure } from "#shared/domain/failure.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { err, type Result } from "#shared/result.ts";
import { classifyXError, type XCall } from "./classify-x-error.ts";
import { askX, createXClient } from "./x-client.ts";
import type { XSessions } from "./x-sessions.ts";

export interface AccountCallDeps {
  readonly sessions: XSessions;
  readonly clock: Pick<Clock, "now">;
  /** Keep-alive is fine here. */
  readonly agent: Agent;
}

export interface AccountCallOptions {
  /** Decides what a refusal means; never `post`, which has rules of its own. */
  readonly call: Exclude<XCall, "post" | "token">;
  /** Of each request, in ms. */
  readonly deadlineMs: number;
}

/**
 * Makes a call that may be repeated: one that X refused with 401 is made once more with renewed access.
 *
 * @param request - exactly one call of the library
 * @returns the parsed JSON body, `undefined` when it is empty
 */
export async function callAsAccount(
  { sessions, clock, agent }: AccountCallDeps,
  accountId: AccountId,
  { call, deadlineMs }: AccountCallOptions,
  request: (client: TwitterApi) => Promise<unknown>,
): Promise<Result<unknown, Failure>> {
  let session = await sessions.open(accountId);
  for (let renewed = false; ; renewed = true) {
    if (!session.ok) return session;
    const client = createXClient(session.value.credentials, { agent, deadlineMs });
    const answer = await askX(() => request(client));
    if (answer.ok) return answer;
    const problem = answer.error;
    if (problem.kind === "network" || problem.status !== 401 || renewed)
      return err(classifyXError(call, problem, clock.now()));
    session = await sessions.renew(session.value);
  }
}
