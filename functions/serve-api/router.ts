/** Follows the table of routes: what is not in it is refused before any handler runs. */
import httpRouter from "@middy/http-router";
import type * as z from "zod";
import {
  type HttpAnswer,
  type HttpEvent,
  type HttpLogger,
  type HttpResult,
  httpHandler,
  problem,
  requestIdOf,
  toResult,
} from "#functions/middleware/http.ts";
import { readCaller } from "#functions/middleware/http-caller.ts";
import { checkInput, type InputProblem, readJsonBody } from "#functions/middleware/http-input.ts";
import type { InputError, ProblemCode } from "#shared/contract/problem.ts";
import type { RouteShape } from "#shared/contract/routes/route-shape.ts";
import { ROUTES, type RouteName, type Routes } from "#shared/contract/routes.ts";
import { allowsScope } from "#shared/domain/api-key.ts";
import type { Result } from "#shared/result.ts";
import type { Caller } from "#shared/usecases/authorize-request.ts";

type BodyOf<Route> = Route extends { readonly body: infer Body extends z.ZodType }
  ? z.output<Body>
  : undefined;

/** What a route's handler gets: all of it is checked. */
export interface RouteInput<Name extends RouteName> {
  readonly caller: Caller;
  readonly params: z.output<Routes[Name]["params"]>;
  readonly query: z.output<Routes[Name]["query"]>;
  readonly body: BodyOf<Routes[Name]>;
  /** `If-Match` of a versioned route; absent: whatever version there is. */
  readonly ifVersion?: number;
  /** The same as in the logs. */
  readonly requestId: string;
  /** Where the request came from, for throttling. */
  readonly sourceIp: string;
}

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
      readonly problem: Routes[Name]["problems"][number];
      readonly detail: string;
      readonly errors?: readonly InputError[];
    };

export type RouteHandler<Name extends RouteName> = (input: RouteInput<Name>) => Promise<RouteAnswer<Name>>;
export type RouteHandlers = { readonly [Name in RouteName]: RouteHandler<Name> };

/** Any route's, for the code that treats all alike. */
type AnyHandler = (input: {
  readonly caller: Caller;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly requestId: string;
  readonly sourceIp: string;
}) => Promise<
  | HttpAnswer
  | { readonly problem: ProblemCode; readonly detail: string; readonly errors?: readonly InputError[] }
>;

const routes: readonly (readonly [name: RouteName, route: RouteShape])[] = (
  Object.keys(ROUTES) as RouteName[]
).map((name) => [name, ROUTES[name]]);

/** `/tasks/{id}` as a pattern; a slash at the end is forgiven, as the router does. */
const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}/?$`);

const patterns = routes.map(([, route]) => ({ route, pattern: patternOf(route.path) }));

const routesAt = (path: string): readonly RouteShape[] =>
  patterns.filter(({ pattern }) => pattern.test(path)).map(({ route }) => route);

const routeOf = ({ requestContext: { http } }: HttpEvent): RouteShape | undefined =>
  routesAt(http.path).find(({ method }) => method === http.method);

function refuseAddress(event: HttpEvent): HttpAnswer {
  const requestId = requestIdOf(event);
  const allowed = routesAt(event.requestContext.http.path).map(({ method }) => method);
  if (allowed.length === 0)
    return problem("route-not-found", "docs/api.md lists the addresses.", { requestId });
  const allow = allowed.join(", ");
  return problem("method-not-allowed", `It takes ${allow}.`, { requestId, headers: { allow } });
}

/** Percent-encoding undone once; `undefined` where it is broken. */
function decodeParameters(
  parameters: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> | undefined {
  try {
    return Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name, decodeURIComponent(value ?? "")]),
    );
  } catch {
    return undefined;
  }
}

const namesIn = (path: string): readonly string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");

async function answerRoute(route: RouteShape, handle: AnyHandler, event: HttpEvent): Promise<HttpAnswer> {
  const requestId = requestIdOf(event);
  const refuse = ({ code, detail, errors }: InputProblem) => problem(code, detail, { requestId, errors });

  const caller = readCaller(event);
  if (route.scope !== "public" && !allowsScope(caller, route.scope))
    return refuse({ code: "missing-scope", detail: `This needs a key with the scope ${route.scope}.` });

  // The event may hold what API Gateway's own route matched, such as `proxy`: only what the path names is looked at.
  const named = namesIn(route.path).map((name) => [name, event.pathParameters?.[name]] as const);
  const params = route.params.safeParse(decodeParameters(Object.fromEntries(named)));
  if (!params.success) return refuse({ code: route.notFound, detail: "Check the address." });
  const query = checkInput(route.query, event.queryStringParameters ?? {}, "query");
  if (!query.ok) return refuse(query.error);
  const body = readBody(route, event);
  if (!body.ok) return refuse(body.error);

  const { sourceIp } = event.requestContext.http;
  const answer = await handle({
    caller,
    params: params.data,
    query: query.value,
    body: body.value,
    requestId,
    sourceIp,
  });
  if (!("problem" in answer)) return answer;
  return refuse({
    code: answer.problem,
    detail: answer.detail,
    ...(answer.errors && { errors: answer.errors }),
  });
}

function readBody(route: RouteShape, event: HttpEvent): Result<unknown, InputProblem> {
  if (!route.body) return { ok: true, value: undefined };
  const read = readJsonBody(event);
  return read.ok ? checkInput(route.body, read.value, "body") : read;
}

/** The API: every request is answered by exactly one route of the table, or with 404, or 405 and what is allowed. */
export function createRouter(handlers: RouteHandlers, logger: HttpLogger) {
  const dispatch = httpRouter<HttpEvent, HttpResult>(
    routes.map(([name, route]) => ({
      method: route.method,
      path: route.path,
      handler: async (event: HttpEvent): Promise<HttpResult> =>
        toResult(await answerRoute(route, handlers[name] as AnyHandler, event), requestIdOf(event)),
    })),
  );
  return httpHandler(
    logger,
    // What no route took has done nothing.
    (event) => routeOf(event)?.repeatable ?? true,
    async (event, context) =>
      routeOf(event) ? dispatch(event, context) : toResult(refuseAddress(event), requestIdOf(event)),
  );
}
