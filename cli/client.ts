/** The API as functions. Everything about a request comes from the table of routes; nothing is written twice. */
import * as z from "zod";
import { type Problem, problemSchema } from "#shared/contract/problem.ts";
import type { RouteShape } from "#shared/contract/routes/route-shape.ts";
import { ROUTES, type RouteName, type Routes } from "#shared/contract/routes.ts";

/** How long an operation may take, with its repetitions. */
const DEFAULT_TIMEOUT_MS = 60_000;
/** API Gateway answers within 30 s, or never. @see https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
const ATTEMPT_TIMEOUT_MS = 31_000;
const MAX_ATTEMPTS = 5;
const BASE_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;

export interface ClientDeps {
  /** Where the API is: what comes before `/api/v1`. */
  readonly url: string;
  readonly key?: string;
  readonly fetch: typeof fetch;
  /** Milliseconds of any clock that does not go back. */
  readonly now: () => number;
  /** @throws the reason of the signal when it is aborted */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  /** Unique forever. */
  readonly newKey: () => string;
  /** Ends whatever is under way. */
  readonly signal?: AbortSignal;
  /** @default 60 s for an operation with its repetitions */
  readonly timeoutMs?: number;
}

type BodyOf<Route> = Route extends { readonly body: infer Body extends z.ZodType } ? z.input<Body> : never;

/** May be left out where nothing in it is needed. */
type Part<Key extends string, Value> = [Value] extends [never]
  ? object
  : undefined extends Value
    ? { readonly [K in Key]?: Value }
    : // biome-ignore lint/complexity/noBannedTypes: asks whether an object without any field would do
      {} extends Value
      ? { readonly [K in Key]?: Value }
      : { readonly [K in Key]: Value };

export type CallInput<Name extends RouteName> = Part<"params", z.input<Routes[Name]["params"]>> &
  Part<"query", z.input<Routes[Name]["query"]>> &
  Part<"body", BodyOf<Routes[Name]>> & {
    /** Refused when another version is stored by now. */
    readonly ifVersion?: number;
    /** Two requests with the same key take effect once. @default - a new one wherever the route takes it */
    readonly idempotencyKey?: string;
  };

type Answers<Name extends RouteName> = Routes[Name]["answers"];

export type CallAnswer<Name extends RouteName> = {
  [Status in keyof Answers<Name>]: Answers<Name>[Status] extends infer Schema extends z.ZodType
    ? z.output<Schema>
    : never;
}[keyof Answers<Name>];

export interface Answered<Name extends RouteName> {
  readonly status: number;
  readonly body: CallAnswer<Name>;
  readonly requestId?: string;
}

type Args<Name extends RouteName> =
  // biome-ignore lint/complexity/noBannedTypes: asks whether an object without any field would do
  {} extends CallInput<Name> ? [input?: CallInput<Name>] : [input: CallInput<Name>];

export interface Client {
  readonly url: string;
  /**
   * Calls a route. What may be repeated without harm is repeated: after `retryable` problems and 429 when the server
   * says, after a lost answer where the route is repeatable or an `Idempotency-Key` was sent.
   *
   * @throws ApiProblem, LostAnswer, OddAnswer
   */
  call<Name extends RouteName>(name: Name, ...args: Args<Name>): Promise<CallAnswer<Name>>;
  /** The same with its status: some routes answer 200 or 202. */
  answer<Name extends RouteName>(name: Name, ...args: Args<Name>): Promise<Answered<Name>>;
}

/** The API said no. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  /** Of `PROBLEMS`, or `http-<status>` where something before the API answered. */
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly errors: NonNullable<Problem["errors"]>;
  readonly requestId: string | undefined;
  /** When it may be asked again. */
  readonly retryAfterMs: number | undefined;

  constructor(said: Omit<ApiProblem, "name" | "message" | "stack" | "cause">) {
    super(`${said.code}: ${said.detail}`);
    this.status = said.status;
    this.code = said.code;
    this.detail = said.detail;
    this.retryable = said.retryable;
    this.errors = said.errors;
    this.requestId = said.requestId;
    this.retryAfterMs = said.retryAfterMs;
  }
}

/** No answer came. */
export class LostAnswer extends Error {
  override readonly name = "LostAnswer";
  readonly url: string;
  /** Whether the request may have taken effect. */
  readonly maybeDone: boolean;
  readonly requestId: string | undefined;

  constructor(
    message: string,
    options: ErrorOptions & {
      readonly url: string;
      readonly maybeDone: boolean;
      readonly requestId?: string | undefined;
    },
  ) {
    super(message, options);
    this.url = options.url;
    this.maybeDone = options.maybeDone;
    this.requestId = options.requestId;
  }
}

/** An answer came that is not in the contract of this version. */
export class OddAnswer extends Error {
  override readonly name = "OddAnswer";
  readonly requestId: string | undefined;

  constructor(message: string, options: ErrorOptions & { readonly requestId: string | undefined }) {
    super(message, options);
    this.requestId = options.requestId;
  }
}

interface AnyInput {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly ifVersion?: number;
  readonly idempotencyKey?: string;
}

interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** What was not even connected to has done nothing. */
const NOT_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** The code that Node gives a failed connection: `fetch` hides it in its cause, or in one of several. */
function causeCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = Reflect.get(error, "code");
  if (typeof code === "string") return code;
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  return causeCode(inner);
}

function addressOf(url: string, route: RouteShape, { params = {}, query = {} }: AnyInput): string {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ""),
  );
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `${url}${path}${given.length > 0 ? `?${new URLSearchParams(given)}` : ""}`;
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function readRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

const requestIdOf = (headers: Headers): string | undefined =>
  headers.get("x-request-id") ?? headers.get("apigw-requestid") ?? undefined;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A newer server may know problems that this version does not. */
const anyProblem = z.object({ ...problemSchema.shape, type: z.string(), code: z.string() });

/** Some routes answer 503 with a report, and may meet a problem with the same status. */
const isFailure = (route: RouteShape, { status, headers }: Received): boolean =>
  headers.get("content-type")?.startsWith("application/problem+json") === true ||
  (status >= 300 && !(status in route.answers));

/** What a failed request means. */
function toFailure(
  name: RouteName,
  url: string,
  { status, headers, text }: Received,
): ApiProblem | LostAnswer {
  const requestId = requestIdOf(headers);
  const retryAfterMs = readRetryAfter(headers.get("retry-after"));
  const said = anyProblem.safeParse(parseJson(text));
  if (said.success) return new ApiProblem({ ...said.data, errors: said.data.errors ?? [], retryAfterMs });
  // Not the API but something before it, such as API Gateway at its time limit: the API may still be at work.
  if (status >= 500)
    return new LostAnswer(`${name} was answered ${status}, and not by the API.`, {
      url,
      maybeDone: ROUTES[name].method !== "GET",
      requestId,
    });
  return new ApiProblem({
    status,
    code: `http-${status}`,
    detail: status < 400 ? "The address leads elsewhere." : `The server answered ${status}.`,
    retryable: status === 429,
    errors: [],
    requestId,
    retryAfterMs,
  });
}

function readAnswer<Name extends RouteName>(
  name: Name,
  route: RouteShape,
  { status, headers, text }: Received,
): Answered<Name> {
  const requestId = requestIdOf(headers);
  const isJson = /\bjson\b/.test(headers.get("content-type") ?? "");
  const parsed = route.answers[status]?.safeParse(isJson ? parseJson(text) : text === "" ? undefined : text);
  if (!parsed?.success)
    throw new OddAnswer(`${name} was answered ${status} with what its contract does not know.`, {
      requestId,
      cause: parsed?.error,
    });
  return { status, body: parsed.data as CallAnswer<Name>, ...(requestId !== undefined && { requestId }) };
}

export function createClient(deps: ClientDeps): Client {
  const { url, key, now, sleep, random, newKey, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = deps;

  async function send(name: RouteName, route: RouteShape, input: AnyInput, limitMs: number) {
    const { body, ifVersion, idempotencyKey } = input;
    const limit = AbortSignal.timeout(Math.max(1, Math.min(ATTEMPT_TIMEOUT_MS, limitMs)));
    try {
      const response = await deps.fetch(addressOf(url, route, input), {
        method: route.method,
        headers: {
          accept: "application/json",
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { "content-type": "application/json" }),
          ...(ifVersion !== undefined && { "if-match": `"${ifVersion}"` }),
          ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        // The key is for this address and for no other.
        redirect: "manual",
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (error) {
      signal?.throwIfAborted();
      const code = causeCode(error);
      const maybeDone = code === undefined || !NOT_SENT.has(code);
      const why = limit.aborted ? "no answer came in time" : (code ?? "the connection broke");
      throw new LostAnswer(`${name}: ${why}.`, {
        url,
        maybeDone: maybeDone && route.method !== "GET",
        cause: error,
      });
    }
  }

  /** How long to wait before the next attempt; `undefined`: there must be none. */
  function delayAfter(failure: unknown, attempt: number, mayRepeat: boolean): number | undefined {
    const backoffMs = random() * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** attempt);
    if (failure instanceof ApiProblem) {
      if (!failure.retryable && failure.status !== 429) return undefined;
      return failure.retryAfterMs === undefined ? backoffMs : failure.retryAfterMs + random() * BASE_DELAY_MS;
    }
    return failure instanceof LostAnswer && (mayRepeat || !failure.maybeDone) ? backoffMs : undefined;
  }

  async function answer<Name extends RouteName>(name: Name, given: AnyInput = {}): Promise<Answered<Name>> {
    const route: RouteShape = ROUTES[name];
    const { idempotencyKey, ...rest } = given;
    const input: AnyInput = route.idempotent ? { ...rest, idempotencyKey: idempotencyKey ?? newKey() } : rest;
    const mayRepeat = route.repeatable || input.idempotencyKey !== undefined;
    const endsAt = now() + timeoutMs;
    for (let attempt = 1; ; attempt++) {
      try {
        const received = await send(name, route, input, endsAt - now());
        if (isFailure(route, received)) throw toFailure(name, url, received);
        return readAnswer(name, route, received);
      } catch (failure) {
        signal?.throwIfAborted();
        const waitMs = delayAfter(failure, attempt, mayRepeat);
        // Its first attempt is still at work: whoever gives up now does not know what it made.
        const isUnderWay = failure instanceof ApiProblem && failure.code === "idempotency-in-flight";
        if (waitMs === undefined || (attempt >= MAX_ATTEMPTS && !isUnderWay) || now() + waitMs >= endsAt)
          throw failure;
        await sleep(waitMs, signal);
      }
    }
  }

  return {
    url,
    answer: (name, ...[input]) => answer(name, input as AnyInput | undefined),
    call: async (name, ...[input]) => (await answer(name, input as AnyInput | undefined)).body,
  };
}
