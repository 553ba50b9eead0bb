import type { ProxyRequest } from "./events.ts";
import type { CorsSettings } from "./settings.ts";

const allows = (origins: readonly string[], origin: string): boolean =>
  origins.some((allowed) => {
    if (allowed === "*" || allowed === origin) return true;
    const star = allowed.indexOf("*");
    return star >= 0 && origin.startsWith(allowed.slice(0, star)) && origin.endsWith(allowed.slice(star + 1));
  });

/** Headers that API Gateway adds to every answer to this origin; none when it is not allowed. */
export function corsHeaders(cors: CorsSettings | undefined, request: ProxyRequest): Record<string, string> {
  const origin = request.headers["origin"];
  if (!cors || origin === undefined || !allows(cors.origins, origin)) return {};
  const anyone = cors.origins.includes("*") && !cors.credentials;
  return {
    "access-control-allow-origin": anyone ? "*" : origin,
    ...(!anyone && { vary: "Origin" }),
    ...(cors.credentials && { "access-control-allow-credentials": "true" }),
    ...(cors.exposed.length > 0 && { "access-control-expose-headers": cors.exposed.join(",") }),
  };
}

/** Answer to a preflight request; undefined when this is none, or CORS is not configured. */
export function preflightHeaders(
  cors: CorsSettings | undefined,
  request: ProxyRequest,
): Record<string, string> | undefined {
  const preflight = request.method === "OPTIONS" && "access-control-request-method" in request.headers;
  if (!cors || !preflight) return undefined;
  const headers = corsHeaders(cors, request);
  if (Object.keys(headers).length === 0) return {};
  return {
    ...headers,
    ...(cors.methods.length > 0 && { "access-control-allow-methods": cors.methods.join(",") }),
    ...(cors.headers.length > 0 && { "access-control-allow-headers": cors.headers.join(",") }),
    ...(cors.maxAgeSeconds !== undefined && { "access-control-max-age": String(cors.maxAgeSeconds) }),
  };
}
