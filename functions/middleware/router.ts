/** Follows the table of routes: what is not in it is refused before any handler runs. */
import type { Context } from "aws-lambda";
import type * as z from "zod";
import type { InputError, ProblemCode } from "#shared/contract/problem.ts";
import { type RouteShape, takesVersion } from "#shared/contract/routes/route-shape.ts";
import { ROUTES, type RouteName, type Routes } from "#shared/contract/routes.ts";
import { allowsScope } from "#shared/domain/api-key.ts";
import { hashRequest } from "#shared/domain/idempotency.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { ok, type Result } from "#shared/result.ts";
import type { Caller } from "#shared/usecases/authorize-request.ts";
import type { CursorSeal } from "#shared/usecases/cursor-seal.ts";
import type { RunOnce } from "#shared/usecases/idempotency.ts";
import type { SpendRequest } from "#shared/usecases/request-budget.ts";
import {
  type HttpAnswer,
  type HttpEvent,
  type HttpLogger,
  httpHandler,
  problem,
  requestIdOf,
} from "./http.ts";
import type { AuditedRequest, HttpAudit } from "./http-audit.ts";
import { admitRequest } from "./http-budget.ts";
import { readCaller } from "./http-caller.ts";
import { bindingOf, openQuery, sealAnswer } from "./http-cursor.ts";
import { answerOnce, readIdempotencyKey } from "./http-idempotency.ts";
import { checkInput, type InputProblem, readJsonBody } from "./http-input.ts";
import { hasVersion, readIfMatch, tagOf } from "./http-preconditions.ts";
import type { CheckReach } from "./http-reach.ts";

type BodyOf<Route> = Route extends { readonly body: infer Body extends z.ZodType }
  ? z.output<Body>
  : undefined;

/** What a route's handler gets: all of it is checked. */
export interface RouteInput<Name extends RouteName> {
  /** Nobody, where nobody has to say who they are. */
  readonly caller: Routes[Name]["scope"] extends "public" ? undefined : Caller;
  readonly params: z.output<Routes[Name]["params"]>;
  readonly query: z.output<Routes[Name]["query"]>;
  readonly body: BodyOf<Routes[Name]>;
  /** `If-Match` of a versioned route; absent: whatever version there is. */
  readonly ifVersion?: number;
  /**
   * ULID for what is made, where the request has an `Idempotency-Key`: the same whenever it has to begin anew. Make it
   * under this id, and take what is there under it for your own: then nothing is made twice.
   */
  readonly newId?: string;
  /** The same as in the logs. */
  readonly requestId: string;
  /** Where the request came from, for throttling. */
  readonly sourceIp: string;
}

/** Problems of what a route declares, which its handler finds. */
type DeclaredProblem<Route> =
  | (Route extends { readonly versioned: true } ? "precondition-failed" : never)
  | (Route extends { readonly paged: true } ? "invalid-cursor" : never);

type Answers<Name extends RouteName> = Routes[Name]["answers"];

/** An answer that the table knows, or one of the route's problems. */
export type RouteAnswer<Name extends RouteName> =
  | {
      [Status in keyof Answers<Name>]: {
        readonly status: Status;
        readonly body: Answers<Name>[Status] extends z.ZodType ? z.output<Answers<Name>[Status]> : never;
        readonly headers?: Readonly<Record<string, string>>;
      };
    }[keyof Answers<Name>]
  | {
      readonly problem: Routes[Name]["problems"][number] | DeclaredProblem<Routes[Name]>;
      readonly detail: string;
      readonly errors?: readonly InputError[];
      readonly headers?: Readonly<Record<string, string>>;
    };

export type RouteHandler<Name extends RouteName> = (input: RouteInput<Name>) => Promise<RouteAnswer<Name>>;
export type RouteHandlers = { readonly [Name in RouteName]: RouteHandler<Name> };

/** A function with routes. */
export type ServerName = "serve-api" | NonNullable<RouteShape["servedBy"]>;

/** The routes that a function has to answer: no more, no fewer. */
export type HandlersOf<Server extends ServerName> = {
  readonly [Name in RouteName as Routes[Name] extends { readonly servedBy: infer Other }
    ? Other extends Server
      ? Name
      : never
    : "serve-api" extends Server
      ? Name
      : never]: RouteHandler<Name>;
};

/** Any route's, for the code that treats all alike. */
type AnyHandler = (input: {
  readonly caller: Caller | undefined;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly ifVersion?: number;
  readonly newId?: string;
  readonly requestId: string;
  readonly sourceIp: string;
}) => Promise<
  | HttpAnswer
  | {
      readonly problem: ProblemCode;
      readonly detail: string;
      readonly errors?: readonly InputError[];
      readonly headers?: Readonly<Record<string, string>>;
    }
>;

interface Address {
  readonly name: RouteName;
  readonly route: RouteShape;
  /** `/tasks/{id}` with a group for each name; a slash at the end is forgiven. */
  readonly pattern: RegExp;
}

const placesIn = (path: string): number => path.split("{").length - 1;

/** What is said word for word goes before what fits anything: `/sessions/current` before `/sessions/{id}`. */
const addresses: readonly Address[] = (Object.keys(ROUTES) as RouteName[])
  .map((name): Address => {
    const route: RouteShape = ROUTES[name];
    const text = route.path.replaceAll(".", "\\.").replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)");
    return { name, route, pattern: new RegExp(`^${text}/?$`) };
  })
  .toSorted((one, other) => placesIn(one.route.path) - placesIn(other.route.path));

const addressesAt = (path: string): readonly Address[] =>
  addresses.filter(({ pattern }) => pattern.test(path));

/** A session's requests come below `/console`, where API Gateway looks at the cookie; they are the same routes. */
const pathOf = ({ requestContext: { http } }: HttpEvent): string =>
  http.path.replace(/^\/console(?=\/api\/)/, "");

/** `HEAD` is `GET` without the body. */
const methodOf = ({ requestContext: { http } }: HttpEvent): string =>
  http.method === "HEAD" ? "GET" : http.method;

const addressOf = (event: HttpEvent): Address | undefined =>
  addressesAt(pathOf(event)).find(({ route }) => route.method === methodOf(event));

/** Undefined: no route takes it. */
export const routeNameOf = (event: HttpEvent): RouteName | undefined => addressOf(event)?.name;

/** What an address takes that is not taken this way. */
function answerAddress(event: HttpEvent): HttpAnswer {
  const requestId = requestIdOf(event);
  const { method } = event.requestContext.http;
  const taken = addressesAt(pathOf(event)).map(({ route }) => route.method);
  if (taken.length === 0)
    return problem("route-not-found", "docs/api.md lists the addresses.", { requestId });
  const allow = [...taken, ...(taken.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
  if (method === "OPTIONS") return { status: 204, body: undefined, headers: { allow } };
  return problem("method-not-allowed", `It takes ${allow}.`, { requestId, headers: { allow } });
}

/** What the path says, with percent-encoding undone once; `undefined` where that is broken. */
function readParameters(pattern: RegExp, path: string): Readonly<Record<string, string>> | undefined {
  try {
    const parameters = Object.entries(pattern.exec(path)?.groups ?? {});
    return Object.fromEntries(parameters.map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    return undefined;
  }
}

interface ReadBody {
  /** As it was sent. */
  readonly json: unknown;
  readonly body: unknown;
}

function readBody(route: RouteShape, event: HttpEvent): Result<ReadBody, InputProblem> {
  if (!route.body) return ok({ json: undefined, body: undefined });
  const read = readJsonBody(event);
  if (!read.ok) return read;
  const checked = checkInput(route.body, read.value, "body");
  return checked.ok ? ok({ json: read.value, body: checked.value }) : checked;
}

/** After the last instant at which the function can be at work: clocks differ. */
const LEASE_MARGIN_MS = 5_000;

/** Of each parameter of an address in the audit log: no name is longer, and what is none may be as long as an address. */
const MAX_TARGET_LENGTH = 128;

export interface RouterDeps {
  readonly spendRequest: SpendRequest;
  readonly runOnce: RunOnce;
  readonly cursorSeal: CursorSeal;
  readonly checkReach: CheckReach;
  readonly audit: HttpAudit;
  readonly clock: Pick<Clock, "now">;
  readonly logger: HttpLogger;
}

/**
 * The routes of one function: every request is answered by exactly one of them, or with 404, or 405 and what is allowed.
 *
 * Each is counted first; then come the scope, the address, the query with its cursor, the body, `If-Match`, the
 * `Idempotency-Key`, and what a restricted key reaches. A handler sees only what is fine, and whatever it changes is noted.
 *
 * @param handlers - of the routes that API Gateway sends to this function
 */
export function createRouter<Name extends RouteName>(
  handlers: { readonly [Mine in Name]: RouteHandler<Mine> },
  { spendRequest, runOnce, cursorSeal, checkReach, audit, clock, logger }: RouterDeps,
) {
  const handlerOf = (name: RouteName): AnyHandler | undefined =>
    Object.hasOwn(handlers, name) ? (handlers[name as Name] as AnyHandler) : undefined;

  async function answerRoute(
    { name, route, pattern }: Address,
    handle: AnyHandler,
    event: HttpEvent,
    context: Pick<Context, "getRemainingTimeInMillis">,
  ): Promise<HttpAnswer> {
    const requestId = requestIdOf(event);
    const refuse = ({ code, detail, errors }: InputProblem) => problem(code, detail, { requestId, errors });
    const { headers } = event;
    const { sourceIp } = event.requestContext.http;
    const path = pathOf(event);
    // Not what API Gateway's own route matched: that may be only `proxy`.
    const named = readParameters(pattern, path);

    const caller = route.scope === "public" ? undefined : readCaller(event);
    const request: AuditedRequest | undefined = caller && {
      name,
      route,
      caller,
      target: Object.fromEntries(
        Object.entries(named ?? {}).map(([key, value]) => [key, value.slice(0, MAX_TARGET_LENGTH)]),
      ),
      requestId,
      sourceIp,
    };
    const deny = async (why: InputProblem) => (request ? audit.denied(request, refuse(why)) : refuse(why));
    if (caller && route.scope !== "public" && !allowsScope(caller, route.scope))
      return deny({ code: "missing-scope", detail: `This needs a key with the scope ${route.scope}.` });

    const params = route.params.safeParse(named);
    if (!named || !params.success) return refuse({ code: route.notFound, detail: "Check the address." });
    const given = event.queryStringParameters ?? {};
    const list = route.paged && bindingOf(name, caller, named, given);
    const opened = list ? await openQuery(cursorSeal, list, given) : ok(given);
    if (!opened.ok) return refuse(opened.error);
    const query = checkInput(route.query, opened.value, "query");
    if (!query.ok) return refuse(query.error);
    const read = readBody(route, event);
    if (!read.ok) return refuse(read.error);
    const { json, body } = read.value;
    const ifMatch = takesVersion(route) ? readIfMatch(headers) : ok(undefined);
    if (!ifMatch.ok) return refuse(ifMatch.error);
    const key = route.idempotent ? readIdempotencyKey(headers) : ok(undefined);
    if (!key.ok) return refuse(key.error);
    const reached = caller
      ? await checkReach({ caller, route, params: params.data, query: query.value, body })
      : ok(params.data);
    if (!reached.ok) return deny(reached.error);

    const input = {
      caller,
      params: reached.value,
      query: query.value,
      body,
      ...(ifMatch.value !== undefined && { ifVersion: ifMatch.value }),
      requestId,
      sourceIp,
    };
    async function run(newId?: string): Promise<HttpAnswer> {
      const told = await handle({ ...input, ...(newId !== undefined && { newId }) });
      if ("problem" in told) {
        const { problem: code, detail, errors, headers: said } = told;
        return problem(code, detail, { requestId, errors, ...(said && { headers: said }) });
      }
      const answer = list ? await sealAnswer(cursorSeal, list, told) : told;
      const etag = route.versioned && tagOf(answer);
      return etag ? { ...answer, headers: { etag, ...answer.headers } } : answer;
    }

    /** What a GET route says of the same thing. */
    async function show(other: RouteName): Promise<HttpAnswer | undefined> {
      const shown = handlerOf(other);
      const defaults = ROUTES[other].query.safeParse({});
      if (!shown || !defaults.success) return undefined;
      const told = await shown({ ...input, query: defaults.data, body: undefined });
      return "problem" in told ? undefined : told;
    }
    // For a restricted key, what it does not reach is not there: nothing to repeat, and nothing to note.
    const isElsewhere = reached.value !== params.data;
    const change = (newId?: string): Promise<HttpAnswer> =>
      request && !isElsewhere ? audit.run(request, show, () => run(newId)) : run(newId);

    if (caller && key.value !== undefined && !isElsewhere) {
      const { ownerId } = caller;
      const hash = hashRequest({ method: route.method, path, query: given, body: json });
      const leaseUntil = new Date(
        clock.now().getTime() + context.getRemainingTimeInMillis() + LEASE_MARGIN_MS,
      );
      return answerOnce(
        runOnce,
        { request: { ownerId, key: key.value, hash }, leaseUntil, requestId },
        change,
      );
    }
    const answer = await change();
    const etag = answer.headers?.["etag"];
    return route.method === "GET" && etag !== undefined && hasVersion(headers, etag)
      ? { status: 304, body: undefined, headers: { etag } }
      : answer;
  }

  return httpHandler({
    logger,
    // What no route took has done nothing.
    isRepeatable: (event) => addressOf(event)?.route.repeatable ?? true,
    async admit(event) {
      // Only routes that say so are open, so whoever asks for nothing that exists has a key too.
      const caller = addressOf(event)?.route.scope === "public" ? undefined : readCaller(event);
      const { sourceIp } = event.requestContext.http;
      return admitRequest(spendRequest, { caller, sourceIp, requestId: requestIdOf(event) });
    },
    async answer(event, context) {
      const address = addressOf(event);
      // Another function's, such as with a slash at the end, which API Gateway does not forgive, is nowhere here.
      const handle = address && handlerOf(address.name);
      if (address && !handle)
        return problem("route-not-found", "Check the address.", { requestId: requestIdOf(event) });
      return address && handle ? answerRoute(address, handle, event, context) : answerAddress(event);
    },
  });
}
