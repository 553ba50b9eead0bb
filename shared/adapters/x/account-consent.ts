import type { Agent } from "node:http";
import type { Credentials } from "#shared/domain/credentials.ts";
import type { Failure } from "#shared/domain/failure.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { AccountConsent } from "#shared/ports/account-consent.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { readMe } from "./account-verifier.ts";
import { classifyXError } from "./classify-x-error.ts";
import { requestTokens } from "./token-request.ts";
import { askX, createXClient } from "./x-client.ts";

export interface AccountConsentDeps {
  readonly clock: Pick<Clock, "now">;
  /** Connections to X; keep-alive is fine. */
  readonly agent: Agent;
}

/** Credentials that are not stored yet. */
export function createXAccountConsent(deps: AccountConsentDeps): AccountConsent {
  const { clock, agent } = deps;

  /** A refresh token becomes a pair; everything else is what it is. */
  async function ready(credentials: Credentials): Promise<Result<Credentials, Failure>> {
    const secrets = credentials.reveal();
    if (secrets.kind === "oauth1" || secrets.accessToken !== undefined) return ok(credentials);
    return requestTokens(deps, secrets, { kind: "refresh", refreshToken: secrets.refreshToken });
  }

  return {
    exchange({ clientId, callbackUrl, secrets }, code) {
      const { verifier, clientSecret } = secrets.reveal();
      const app = { clientId, ...(clientSecret !== undefined && { clientSecret }) };
      return requestTokens(deps, app, { kind: "code", code, verifier, callbackUrl });
    },

    async identify(given) {
      const credentials = await ready(given);
      if (!credentials.ok) return credentials;
      const client = createXClient(credentials.value, { agent, deadlineMs: TIMING.lookupDeadlineMs });
      const answer = await askX(() => client.v2.get("users/me", { "user.fields": "public_metrics" }));
      if (!answer.ok) return err(classifyXError("read", answer.error, clock.now()));
      const user = readMe(answer.value, clock.now());
      return user.ok ? ok({ user: user.value, credentials: credentials.value }) : user;
    },
  };
}
