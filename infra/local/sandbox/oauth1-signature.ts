import { createHmac, timingSafeEqual } from "node:crypto";
import type { Caller, SandboxApp, SandboxUser } from "./accounts.ts";

/** Requests are signed for this address, whatever socket they arrive on. */
const SIGNED_ORIGIN = "https://api.x.com";

/** X refuses timestamps further away than this. */
const MAX_DRIFT_MS = 300_000;

export type OAuth1Refusal =
  | "malformed"
  | "unknown-token"
  | "timestamp-drift"
  | "bad-signature"
  | "nonce-reused";

type Pair = readonly [name: string, value: string];

/** RFC 3986: everything but letters, digits and `-._~`. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * The text that is signed: method, address without query, and every parameter of query and header, sorted.
 * JSON and multipart bodies are not part of it.
 * @see https://www.rfc-editor.org/rfc/rfc5849#section-3.4.1
 */
export function signatureBaseString(method: string, path: string, parameters: readonly Pair[]): string {
  const sorted = parameters
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    // By encoded name, then encoded value. "=" would sort between characters of a name, so it becomes the lowest.
    .sort((a, b) => compare(a.replace("=", "\0"), b.replace("=", "\0")));
  return [method.toUpperCase(), SIGNED_ORIGIN + path, sorted.join("&")].map(percentEncode).join("&");
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function sign(baseString: string, apiSecret: string, accessSecret: string): string {
  return createHmac("sha1", `${percentEncode(apiSecret)}&${percentEncode(accessSecret)}`)
    .update(baseString)
    .digest("base64");
}

/** The parameters of an `Authorization: OAuth …` header, or `undefined` when it is not one. */
export function parseOAuthHeader(header: string): ReadonlyMap<string, string> | undefined {
  if (!/^oauth /i.test(header)) return undefined;
  const parameters = new Map<string, string>();
  for (const part of header.slice("oauth ".length).split(",")) {
    const [, name, value] = /^\s*([^\s="]+)="([^"]*)"\s*$/.exec(part) ?? [];
    if (name === undefined || value === undefined || parameters.has(name)) return undefined;
    try {
      parameters.set(decodeURIComponent(name), decodeURIComponent(value));
    } catch {
      return undefined;
    }
  }
  return parameters;
}

export interface SignedRequest {
  readonly method: string;
  /** As it was sent, percent-encoding included. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string;
}

export interface OAuth1Verifier {
  verify(request: SignedRequest): { readonly caller: Caller } | { readonly refusal: OAuth1Refusal };
}

/**
 * Verifies OAuth 1.0a HMAC-SHA1 signatures on its own, sharing no code with the client that made them.
 * A nonce counts as used only after its signature was right, so that nobody can burn another one's nonces.
 */
export function createOAuth1Verifier(deps: {
  readonly apps: readonly SandboxApp[];
  readonly users: readonly SandboxUser[];
  readonly clock: () => number;
}): OAuth1Verifier {
  const apps = new Map(deps.apps.map((app) => [app.apiKey, app]));
  const tokens = new Map(
    deps.users.flatMap((user) =>
      (user.oauth1 ?? []).map((token) => [token.accessToken, { user, token }] as const),
    ),
  );
  /** Used nonce → the instant in ms after which its timestamp is refused anyway. */
  const usedNonces = new Map<string, number>();

  const forgetOldNonces = (now: number) => {
    for (const [nonce, until] of usedNonces) {
      if (until >= now) break; // kept in order of insertion, so the rest is younger within the drift
      usedNonces.delete(nonce);
    }
  };

  return {
    verify({ method, path, query, authorization }) {
      const oauth = parseOAuthHeader(authorization);
      const timestamp = oauth?.get("oauth_timestamp") ?? "";
      const nonce = oauth?.get("oauth_nonce") ?? "";
      const signature = oauth?.get("oauth_signature") ?? "";
      if (
        oauth === undefined ||
        oauth.get("oauth_signature_method") !== "HMAC-SHA1" ||
        (oauth.get("oauth_version") ?? "1.0") !== "1.0" ||
        !/^[1-9]\d{0,15}$/.test(timestamp) ||
        nonce === "" ||
        signature === ""
      ) {
        return { refusal: "malformed" };
      }

      const app = apps.get(oauth.get("oauth_consumer_key") ?? "");
      const known = tokens.get(oauth.get("oauth_token") ?? "");
      if (app === undefined || known === undefined || known.token.apiKey !== app.apiKey) {
        return { refusal: "unknown-token" };
      }

      const now = deps.clock();
      if (Math.abs(Number(timestamp) * 1_000 - now) > MAX_DRIFT_MS) return { refusal: "timestamp-drift" };

      const signed = [...oauth].filter(([name]) => name !== "oauth_signature" && name !== "realm");
      const expected = sign(
        signatureBaseString(method, path, [...signed, ...query]),
        app.apiSecret,
        known.token.accessSecret,
      );
      if (!equalInConstantTime(signature, expected)) return { refusal: "bad-signature" };

      forgetOldNonces(now);
      const key = `${app.apiKey} ${known.token.accessToken} ${timestamp} ${nonce}`;
      if (usedNonces.has(key)) return { refusal: "nonce-reused" };
      usedNonces.set(key, now + 2 * MAX_DRIFT_MS);
      return { caller: { user: known.user, app } };
    },
  };
}

function equalInConstantTime(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
