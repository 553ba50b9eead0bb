import { createHmac } from "node:crypto";
import { type AgentOptions, type ClientRequest, type ClientRequestArgs, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { connect, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import OAuth from "oauth-1.0a";
import {
  ApiPartialResponseError,
  ApiRequestError,
  ApiResponseError,
  type ITwitterApiClientPlugin,
  TwitterApi,
} from "twitter-api-v2";
import type { Credentials } from "#shared/domain/credentials.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { XProblem } from "./classify-x-error.ts";

/** Where every request says it goes, whatever host is dialled: signatures cover it. */
export const X_API_URL = "https://api.x.com";

/**
 * Sockets that are not connected (with TLS: whose handshake is not over) yet. Nothing of a request can have left by
 * one of them, whatever the error says.
 */
const unconnected = new WeakSet<Duplex>();

function watch<Socket extends Duplex>(socket: Socket, event: "connect" | "secureConnect"): Socket {
  unconnected.add(socket);
  socket.once(event, () => unconnected.delete(socket));
  return socket;
}

/** True only if the request certainly never left this machine. */
export const wasNeverSent = (request: Pick<ClientRequest, "socket">): boolean =>
  !request.socket || unconnected.has(request.socket);

class RealAgent extends HttpsAgent {
  override createConnection(
    ...args: Parameters<HttpsAgent["createConnection"]>
  ): ReturnType<HttpsAgent["createConnection"]> {
    const socket = super.createConnection(...args);
    return socket && watch(socket, "secureConnect");
  }
}

/** Dials a stand-in for requests that name the real host. */
class StandInAgent extends HttpAgent {
  // Named so by Node, which compares it with the protocol of the request.
  readonly protocol = "https:";
  readonly defaultPort = 443;
  readonly #endpoint: URL;

  constructor(endpoint: URL, options: AgentOptions) {
    super(options);
    this.#endpoint = endpoint;
  }

  override createConnection(): Duplex {
    const { protocol, hostname, port } = this.#endpoint;
    // An IPv6 address has brackets in a URL only.
    const host = hostname.replace(/^\[|\]$/g, "");
    if (protocol === "http:") return watch(connect({ host, port: Number(port || 80) }), "connect");
    // TLS names hosts only, never addresses.
    const name = isIP(host) === 0 ? { servername: host } : {};
    return watch(connectTls({ host, port: Number(port || 443), ...name }), "secureConnect");
  }
}

export interface XAgentOptions {
  /**
   * Only for requests that may be repeated: a socket that went stale while the function was frozen loses the answer
   * to a post. So never for `POST /2/tweets`.
   */
  readonly keepAlive: boolean;
  /**
   * Requests beyond it wait, and their deadline runs. Without keep-alive there is no limit: Node would reuse a
   * connection for whoever waits.
   *
   * @default 20
   */
  readonly maxSockets?: number;
}

/** Shorter than X's own, so that a connection is not closed there while a request is on its way. */
const IDLE_TIMEOUT_MS = 30_000;

/**
 * Connections to X, or to its stand-in: requests name `https://api.x.com` either way.
 *
 * @param endpoint - `https://api.x.com`, or the http(s) address of a stand-in
 */
export function createXAgent(
  endpoint: string | URL,
  { keepAlive, maxSockets = 20 }: XAgentOptions,
): HttpAgent {
  const url = new URL(endpoint);
  const options: AgentOptions = keepAlive
    ? { keepAlive, maxSockets, timeout: IDLE_TIMEOUT_MS }
    : { keepAlive };
  return url.origin === X_API_URL ? new RealAgent(options) : new StandInAgent(url, options);
}

/**
 * Headers that prove who asks: OAuth 1.0a (HMAC-SHA1 over method, address and query) or a bearer token. Bodies are
 * JSON or multipart, which OAuth 1.0a does not sign.
 *
 * @param url - as the request names it, `https://api.x.com/2/…`, query included
 * @returns the value of the `Authorization` header
 * @throws RangeError for OAuth 2 without an access token: the caller should have renewed it
 * @see https://docs.x.com/resources/fundamentals/authentication/oauth-1-0a/creating-a-signature
 */
export function signRequest(
  credentials: Credentials,
  { method, url }: { readonly method: string; readonly url: string | URL },
): string {
  const secrets = credentials.reveal();
  if (secrets.kind === "oauth2") {
    if (!secrets.accessToken) throw new RangeError("there is no access token to sign with");
    return `Bearer ${secrets.accessToken}`;
  }
  const oauth = new OAuth({
    consumer: { key: secrets.apiKey, secret: secrets.apiSecret },
    signature_method: "HMAC-SHA1",
    hash_function: (base, key) => createHmac("sha1", key).update(base).digest("base64"),
  });
  const token = { key: secrets.accessToken, secret: secrets.accessSecret };
  return oauth.toHeader(oauth.authorize({ method, url: String(url) }, token)).Authorization;
}

/**
 * One deadline from the first lookup to the last byte of the answer; the library itself has none. And bodies as they
 * come: the library reads errors of unforeseen shapes with errors of its own, outside of any promise.
 */
const everyRequest = (deadlineMs: number): ITwitterApiClientPlugin => ({
  onBeforeRequest({ params, requestOptions }) {
    const options: Partial<ClientRequestArgs> = requestOptions;
    options.signal = AbortSignal.timeout(deadlineMs);
    params.forceParseMode = "text";
  },
});

export interface XClientOptions {
  readonly agent: HttpAgent;
  /** For each request: from the first lookup to the last byte of the answer, in ms. */
  readonly deadlineMs: number;
}

// Compressed answers are not asked for: the library leaves an error of its decompressor unheard, which would end the process.
const settings = ({ agent, deadlineMs }: XClientOptions) => ({
  httpAgent: agent,
  compression: "identity" as const,
  plugins: [everyRequest(deadlineMs)],
});

/**
 * A client for one account. It never repeats a request.
 *
 * @throws RangeError for OAuth 2 without an access token: the caller should have renewed it
 */
export function createXClient(credentials: Credentials, options: XClientOptions): TwitterApi {
  const secrets = credentials.reveal();
  if (secrets.kind === "oauth1") {
    const { apiKey: appKey, apiSecret: appSecret, accessToken, accessSecret } = secrets;
    return new TwitterApi({ appKey, appSecret, accessToken, accessSecret }, settings(options));
  }
  if (!secrets.accessToken) throw new RangeError("there is no access token to ask with");
  return new TwitterApi(secrets.accessToken, settings(options));
}

/** A client of the application itself, which may only ask for tokens. */
export const createXTokenClient = (
  { clientId, clientSecret }: { readonly clientId: string; readonly clientSecret?: string },
  options: XClientOptions,
): TwitterApi =>
  new TwitterApi({ clientId, ...(clientSecret !== undefined && { clientSecret }) }, settings(options));

/** The library hides the cause of a failed request: `requestError` is always undefined. */
function causeOf(error: ApiRequestError): unknown {
  const options: unknown = Reflect.get(error, "_options");
  return typeof options === "object" && options !== null ? Reflect.get(options, "error") : undefined;
}

/** `ECONNRESET`, `deadline`: a code, never a message, which may quote a header. */
export function networkCodeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "unknown";
  if (cause.name === "AbortError" || cause.name === "TimeoutError") return "deadline";
  const code: unknown = Reflect.get(cause, "code");
  return typeof code === "string" ? code : "connection-closed";
}

const UNREADABLE = Symbol("unreadable");

/** Empty is `undefined`: uploads are answered so. */
function parseBody(text: unknown): unknown {
  if (typeof text !== "string") return text;
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return UNREADABLE;
  }
}

/**
 * What went wrong, without the library's errors: those carry the request, and with it the `Authorization` header, so
 * they must reach no log.
 *
 * @throws whatever did not come from the library: a bug
 */
function toXProblem(error: unknown): XProblem {
  if (error instanceof ApiResponseError) {
    const body = parseBody(error.data);
    const { code: status, headers } = error;
    return body === UNREADABLE
      ? { kind: "unreadable", status, headers }
      : { kind: "answer", status, headers, body };
  }
  if (error instanceof ApiPartialResponseError) {
    const { statusCode: status = 0, headers } = error.response;
    return { kind: "unreadable", status, headers };
  }
  if (error instanceof ApiRequestError)
    return { kind: "network", sent: !wasNeverSent(error.request), code: networkCodeOf(causeOf(error)) };
  throw error;
}

/**
 * Makes one request with a client of this module.
 *
 * @param request - exactly one call of the library
 * @returns the parsed JSON body of a good answer, `undefined` when it is empty
 */
export async function askX(request: () => Promise<unknown>): Promise<Result<unknown, XProblem>> {
  try {
    const body = parseBody(await request());
    // The library tells the status of refusals only; whatever the good one was, this is no answer.
    return body === UNREADABLE ? err({ kind: "unreadable", status: 200, headers: {} }) : ok(body);
  } catch (error) {
    return err(toXProblem(error));
  }
}
