import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import * as z from "zod";
import { type Caller, type SandboxApp, type SandboxUser, SCOPES, type Scope } from "./accounts.ts";
import type { Answer } from "./problems.ts";
import { readJson, writeJson } from "./state-files.ts";

/** @see https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code */
const ACCESS_TOKEN_SECONDS = 7_200;
const CODE_LIFETIME_MS = 30_000;

const Grant = z.object({ userId: z.string(), clientId: z.string(), scopes: z.array(z.enum(SCOPES)) });
const State = z.object({
  refresh: z.record(z.string(), Grant.extend({ used: z.boolean() })),
  access: z.record(z.string(), Grant.extend({ expiresAtMs: z.number() })),
});
type Grant = z.infer<typeof Grant>;

/** What a person agreed to on the consent page. */
export interface Consent {
  readonly userId: string;
  readonly clientId: string;
  readonly scopes: readonly Scope[];
  readonly redirectUri: string;
  /** S256. */
  readonly challenge: string;
}

export interface OAuth2Tokens {
  verify(
    accessToken: string,
  ): { readonly caller: Caller } | { readonly refusal: "unknown-token" | "expired-token" };
  /** A code for it: it works once, for 30 seconds, and not after a restart. */
  grantCode(consent: Consent): string;
  /** `POST /2/oauth2/token`. `authorization` names a confidential client; a public one is named in the form. */
  exchange(form: ReadonlyMap<string, string>, authorization: string | undefined): Answer;
}

const refused = (status: number, error: string, description: string): Answer => ({
  status,
  body: { error, error_description: description },
});

/**
 * OAuth 2.0 user tokens. A refresh token works once and is replaced; the pairs survive a restart when a folder is
 * given, because the owner of the replaced one could not come back otherwise.
 */
export function createOAuth2Tokens(deps: {
  readonly apps: readonly SandboxApp[];
  readonly users: readonly SandboxUser[];
  readonly clock: () => number;
  readonly stateDir?: string;
}): OAuth2Tokens {
  const file = deps.stateDir === undefined ? undefined : join(deps.stateDir, "tokens.json");
  const stored = file === undefined ? undefined : readJson(file);
  const state = stored === undefined ? { refresh: {}, access: {} } : State.parse(stored);
  const refreshTokens = new Map(Object.entries(state.refresh));
  const accessTokens = new Map(Object.entries(state.access));
  const codes = new Map<string, Consent & { readonly expiresAtMs: number }>();

  for (const user of deps.users) {
    for (const { clientId, refreshToken, scopes } of user.oauth2 ?? []) {
      if (!refreshTokens.has(refreshToken)) {
        const grant = { userId: user.id, clientId, scopes: [...(scopes ?? SCOPES)], used: false };
        refreshTokens.set(refreshToken, grant);
      }
    }
  }

  const save = () => {
    if (file === undefined) return;
    writeJson(file, {
      refresh: Object.fromEntries(refreshTokens),
      access: Object.fromEntries(accessTokens),
    } satisfies z.infer<typeof State>);
  };

  const callerOf = ({ userId, clientId, scopes }: Grant): Caller | undefined => {
    const user = deps.users.find(({ id }) => id === userId);
    const app = deps.apps.find((candidate) => candidate.clientId === clientId);
    return user && app && { user, app, scopes };
  };

  return {
    verify(accessToken) {
      const grant = accessTokens.get(accessToken);
      const caller = grant && callerOf(grant);
      if (grant === undefined || caller === undefined) return { refusal: "unknown-token" };
      if (grant.expiresAtMs <= deps.clock()) return { refusal: "expired-token" };
      return { caller };
    },

    grantCode(consent) {
      const code = newToken();
      codes.set(code, { ...consent, expiresAtMs: deps.clock() + CODE_LIFETIME_MS });
      return code;
    },

    exchange(form, authorization) {
      const named = parseBasic(authorization);
      const clientId = named?.clientId ?? form.get("client_id");
      const app = deps.apps.find(
        (candidate) => candidate.clientId !== undefined && candidate.clientId === clientId,
      );
      if (app === undefined || app.clientSecret !== named?.clientSecret) {
        return {
          ...refused(401, "unauthorized_client", "Missing valid authorization header"),
          headers: { "x-sandbox-reason": "oauth2-bad-client" },
        };
      }
      switch (form.get("grant_type")) {
        case "authorization_code":
          return exchangeCode(form, app);
        case "refresh_token":
          return refresh(form.get("refresh_token") ?? "", app);
        default:
          return refused(
            400,
            "unsupported_grant_type",
            "grant_type must be authorization_code or refresh_token.",
          );
      }
    },
  };

  function exchangeCode(form: ReadonlyMap<string, string>, app: SandboxApp): Answer {
    const code = form.get("code") ?? "";
    const consent = codes.get(code);
    // Whatever is wrong with the attempt, it was the only one.
    codes.delete(code);
    const verifier = form.get("code_verifier") ?? "";
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    if (
      consent === undefined ||
      consent.expiresAtMs <= deps.clock() ||
      consent.clientId !== app.clientId ||
      consent.redirectUri !== form.get("redirect_uri")
    )
      return refused(400, "invalid_request", "Value passed for the authorization code was invalid.");
    if (!VERIFIER.test(verifier) || challenge !== consent.challenge)
      return refused(400, "invalid_request", "Value passed for the code verifier was invalid.");
    const { userId, clientId, scopes } = consent;
    return issue({ userId, clientId, scopes: [...scopes] });
  }

  function refresh(token: string, app: SandboxApp): Answer {
    const grant = refreshTokens.get(token);
    if (grant === undefined || grant.used || grant.clientId !== app.clientId)
      return refused(400, "invalid_request", "Value passed for the token was invalid.");
    refreshTokens.set(token, { ...grant, used: true });
    const { userId, clientId, scopes } = grant;
    return issue({ userId, clientId, scopes });
  }

  /** A pair of tokens; without `offline.access` only the one that ends. */
  function issue(grant: Grant): Answer {
    const now = deps.clock();
    for (const [old, { expiresAtMs }] of accessTokens) if (expiresAtMs <= now) accessTokens.delete(old);
    const pair = { access: newToken(), refresh: newToken() };
    const isLasting = grant.scopes.includes("offline.access");
    if (isLasting) refreshTokens.set(pair.refresh, { ...grant, used: false });
    accessTokens.set(pair.access, { ...grant, expiresAtMs: now + ACCESS_TOKEN_SECONDS * 1_000 });
    save();
    return {
      status: 200,
      body: {
        token_type: "bearer",
        expires_in: ACCESS_TOKEN_SECONDS,
        access_token: pair.access,
        scope: grant.scopes.join(" "),
        ...(isLasting && { refresh_token: pair.refresh }),
      },
    };
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc7636#section-4.1 */
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

const newToken = () => randomBytes(48).toString("base64url");

function parseBasic(header: string | undefined): { clientId: string; clientSecret: string } | undefined {
  const encoded = /^basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  try {
    // The client encodes each half before joining them (RFC 6749, section 2.3.1).
    return {
      clientId: decodeURIComponent(text.slice(0, colon)),
      clientSecret: decodeURIComponent(text.slice(colon + 1)),
    };
  } catch {
    return undefined;
  }
}
