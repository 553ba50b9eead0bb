import type { Agent } from "node:http";
import * as z from "zod";
import { Credentials, type OAuth2Secrets } from "#shared/domain/credentials.ts";
import type { Failure } from "#shared/domain/failure.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { classifyXError, type XProblem } from "./classify-x-error.ts";
import { askX, createXTokenClient } from "./x-client.ts";

const tokenAnswer = z.object({
  access_token: z.string().min(1),
  /** Absent without the scope `offline.access`: then the old one goes on. */
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().positive(),
});

/** What tokens are asked for with. */
export type TokenGrant =
  | { readonly kind: "refresh"; readonly refreshToken: string }
  | {
      readonly kind: "code";
      readonly code: string;
      readonly verifier: string;
      readonly callbackUrl: string;
    };

const NO_REFRESH_TOKEN: Failure = {
  class: "credentials",
  reason: {
    code: "no-refresh-token",
    message: "X gave access for two hours only.",
    remedy: "Connect the account again with the scope offline.access.",
  },
};

const formOf = (grant: TokenGrant, clientId: string): Record<string, string> =>
  grant.kind === "refresh"
    ? { grant_type: "refresh_token", refresh_token: grant.refreshToken, client_id: clientId }
    : {
        grant_type: "authorization_code",
        code: grant.code,
        redirect_uri: grant.callbackUrl,
        code_verifier: grant.verifier,
        client_id: clientId,
      };

/**
 * One request for tokens. A lost answer may have used the grant up; nothing can tell, so the next attempt finds out.
 *
 * @see https://docs.x.com/fundamentals/authentication/oauth-2-0/user-access-token
 */
export async function requestTokens(
  { clock, agent }: { readonly clock: Pick<Clock, "now">; readonly agent: Agent },
  { clientId, clientSecret }: Pick<OAuth2Secrets, "clientId" | "clientSecret">,
  grant: TokenGrant,
): Promise<Result<Credentials, Failure>> {
  const app = { clientId, ...(clientSecret !== undefined && { clientSecret }) };
  const askedAt = clock.now();
  const client = createXTokenClient(app, { agent, deadlineMs: TIMING.lookupDeadlineMs });
  const fail = (problem: XProblem) => err(classifyXError("token", problem, clock.now()));
  const answer = await askX(() =>
    client.v2.post("oauth2/token", formOf(grant, clientId), { forceBodyMode: "url" }),
  );
  if (!answer.ok) return fail(answer.error);
  const parsed = tokenAnswer.safeParse(answer.value);
  if (!parsed.success) return fail({ kind: "unreadable", status: 200, headers: {} });
  const { access_token: accessToken, refresh_token: next, expires_in } = parsed.data;
  const refreshToken = next ?? (grant.kind === "refresh" ? grant.refreshToken : undefined);
  if (refreshToken === undefined) return err(NO_REFRESH_TOKEN);
  return ok(
    new Credentials({
      kind: "oauth2",
      ...app,
      accessToken,
      refreshToken,
      // Counted from the question, so that it is never taken for valid too long.
      expiresAt: new Date(askedAt.getTime() + expires_in * 1_000),
    }),
  );
}
