import * as z from "zod";
import type { LambdaRuntime } from "../lambda/runtime.ts";
import { authorizerEvent, type EventParts, type ProxyRequest } from "./events.ts";
import type { AuthorizerSettings, HttpApiSettings } from "./settings.ts";

export type Authorization =
  | { readonly outcome: "allowed"; readonly context: Readonly<Record<string, unknown>> }
  /** An identity source is missing: the function is not asked. */
  | { readonly outcome: "unauthorized" }
  | { readonly outcome: "forbidden" }
  /** The function failed or answered something else. */
  | { readonly outcome: "broken"; readonly problem: string };

const simpleResponse = z.object({
  isAuthorized: z.boolean(),
  context: z.record(z.string(), z.unknown()).nullish(),
});

function identityOf(
  source: string,
  request: ProxyRequest,
  settings: HttpApiSettings,
  routeKey: string,
): string | undefined {
  const dot = source.lastIndexOf(".");
  const name = source.slice(dot + 1);
  switch (source.slice(0, dot)) {
    case "$request.header":
      // API Gateway hands cookies over by themselves, and still knows the header by its name.
      return name.toLowerCase() === "cookie"
        ? request.cookies.join("; ")
        : request.headers[name.toLowerCase()];
    case "$request.querystring":
      return request.query[name];
    case "$stageVariables":
      return settings.stageVariables[name];
    default:
      return {
        routeKey,
        httpMethod: request.method,
        path: request.rawPath,
        identitySourceIp: request.sourceIp,
        stage: settings.stage,
        apiId: settings.resource.physicalId,
      }[name];
  }
}

/** More entries than any test or laptop needs; oldest go first. */
const MAX_CACHED = 1_000;

/**
 * Asks a REQUEST authorizer, or remembers what it said for the same identity sources.
 *
 * As in API Gateway the cache knows nothing of the route unless `$context.routeKey` is an identity source.
 */
export function createAuthorizer(
  authorizer: AuthorizerSettings,
  runtime: Pick<LambdaRuntime, "invoke">,
): (parts: EventParts, routeArn: string) => Promise<Authorization> {
  const cached = new Map<string, { readonly answer: Authorization; readonly until: number }>();

  async function ask(
    parts: EventParts,
    routeArn: string,
    identity: readonly string[],
  ): Promise<Authorization> {
    const event = authorizerEvent(parts, routeArn, identity);
    const outcome = await runtime.invoke(authorizer.lambda.logicalId, event, { urgent: true });
    if (!outcome.ok) {
      return { outcome: "broken", problem: `${outcome.error.errorType}: ${outcome.error.errorMessage}` };
    }
    const parsed = simpleResponse.safeParse(outcome.payload);
    if (!parsed.success) return { outcome: "broken", problem: "its answer is no simple response" };
    if (!parsed.data.isAuthorized) return { outcome: "forbidden" };
    return { outcome: "allowed", context: parsed.data.context ?? {} };
  }

  return async (parts, routeArn) => {
    const identity: string[] = [];
    for (const source of authorizer.identitySources) {
      const value = identityOf(source, parts.request, parts.settings, parts.route.key);
      if (value === undefined || value === "") return { outcome: "unauthorized" };
      identity.push(value);
    }
    const key = JSON.stringify(identity);
    const known = cached.get(key);
    if (known && known.until > Date.now()) return known.answer;

    const answer = await ask(parts, routeArn, identity);
    cached.delete(key);
    if (authorizer.cacheMs > 0 && answer.outcome !== "broken") {
      const oldest = cached.size >= MAX_CACHED ? cached.keys().next().value : undefined;
      if (oldest !== undefined) cached.delete(oldest);
      cached.set(key, { answer, until: Date.now() + authorizer.cacheMs });
    }
    return answer;
  };
}
