/**
 * Connecting an account of X by its owner's consent: OAuth 2.0, authorization code with PKCE.
 *
 * @see https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code
 */
import { createHash } from "node:crypto";
import type { AuditActor } from "./audit.ts";
import type { Hidden } from "./hidden.ts";
import type { AccountId, OwnerId } from "./ids.ts";
import { isLoopbackHost } from "./webhook-url.ts";

/** How long a person has for X's page. */
export const CONNECTION_TTL_MS = 10 * 60_000;
/** 256 bits, as text 43 characters: the shortest verifier that RFC 7636 takes, and nothing to guess for a state. */
export const CONNECTION_RANDOM_BYTES = 32;
/** Where X sends the browser back to, below the address of the API. */
export const CALLBACK_PATH = "/api/v1/oauth/x/callback";

/** Without `offline.access` there is no refresh token, and the account would have to be connected every two hours. */
const SCOPES = ["tweet.read", "tweet.write", "users.read", "media.write", "offline.access"] as const;

declare const brand: unique symbol;
/** SHA-256 of a state, hex: what is stored. Whoever reads the table cannot finish anybody's connection. */
export type StateHash = string & { readonly [brand]: "StateHash" };

/** What a connection is finished with, and nobody else must know. */
export interface ConnectionSecrets {
  /** PKCE: proves that whoever has the code is whoever asked for it. */
  readonly verifier: string;
  /** Of confidential clients only. */
  readonly clientSecret?: string;
}

/** Somebody was sent to X and has not come back. */
export interface PendingConnection {
  readonly ownerId: OwnerId;
  readonly accountId: AccountId;
  /** Name of the account. */
  readonly account: string;
  /** Name of a project that is to post with it too. */
  readonly project?: string;
  /** Who began it: whoever comes back from X has no key. */
  readonly startedBy: AuditActor;
  readonly clientId: string;
  /** As it was given to X: the code is good for it alone. */
  readonly callbackUrl: string;
  readonly secrets: Hidden<ConnectionSecrets>;
  readonly expiresAt: Date;
}

const sha256 = (text: string) => createHash("sha256").update(text);

export const hashState = (state: string): StateHash => sha256(state).digest("hex") as StateHash;

/** Both a state and a verifier. @param randomBytes - `CONNECTION_RANDOM_BYTES`, from a cryptographic source */
export function formatRandom(randomBytes: Uint8Array): string {
  if (randomBytes.length !== CONNECTION_RANDOM_BYTES)
    throw new RangeError(`it takes ${CONNECTION_RANDOM_BYTES} random bytes, not ${randomBytes.length}`);
  return Buffer.from(randomBytes).toString("base64url");
}

/** S256. @see https://www.rfc-editor.org/rfc/rfc7636#section-4.2 */
export const challengeOf = (verifier: string): string => sha256(verifier).digest("base64url");

/** The address that the person opens. @param website - `https://x.com`, or a stand-in */
export function authorizeUrl(
  website: string,
  connection: Pick<PendingConnection, "clientId" | "callbackUrl">,
  { state, verifier }: { readonly state: string; readonly verifier: string },
): string {
  const url = new URL("/i/oauth2/authorize", website);
  const query = {
    response_type: "code",
    client_id: connection.clientId,
    redirect_uri: connection.callbackUrl,
    scope: SCOPES.join(" "),
    state,
    code_challenge: challengeOf(verifier),
    code_challenge_method: "S256",
  };
  // A space is %20: X shows its own error page for a plus.
  url.search = Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  return url.href;
}

/** With it the API of a deployment, or of this machine: a code must not go to another place. */
export function isCallbackUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(text);
  if (protocol !== "https:" && !(protocol === "http:" && isLoopbackHost(hostname))) return false;
  return pathname === CALLBACK_PATH && search === "" && hash === "" && username === "" && password === "";
}
