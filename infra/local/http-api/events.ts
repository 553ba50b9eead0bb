import type { IncomingMessage } from "node:http";
import type { HttpApiSettings, RouteSettings } from "./settings.ts";

/** A request as API Gateway hands it on, before it is known who asks. */
export interface ProxyRequest {
  readonly method: string;
  /** As sent, without the query. */
  readonly rawPath: string;
  readonly rawQueryString: string;
  /** Lower-case names; values that came more than once are joined with commas. No cookies. */
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  readonly requestId: string;
  readonly receivedAt: Date;
  readonly sourceIp: string;
  readonly protocol: string;
}

export function readRequest(message: IncomingMessage, requestId: string): ProxyRequest {
  const [rawPath = "/", ...rest] = (message.url ?? "/").split("?");
  const rawQueryString = rest.join("?");
  const headers: Record<string, string> = {};
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    const name = (message.rawHeaders[index] ?? "").toLowerCase();
    const value = message.rawHeaders[index + 1] ?? "";
    if (name === "cookie" || name === "connection") continue;
    headers[name] = name in headers ? `${headers[name]},${value}` : value;
  }
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    query[name] = name in query ? `${query[name]},${value}` : value;
  }
  return {
    method: message.method ?? "GET",
    rawPath,
    rawQueryString,
    headers,
    cookies: (message.headers.cookie ?? "").split("; ").filter(Boolean),
    query,
    requestId,
    receivedAt: new Date(),
    sourceIp: message.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "127.0.0.1",
    protocol: `HTTP/${message.httpVersion}`,
  };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `12/Mar/2020:19:03:58 +0000` */
function commonLogTime(at: Date): string {
  const [year, month, day] = at.toISOString().slice(0, 10).split("-");
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${at.toISOString().slice(11, 19)} +0000`;
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
function requestContext(
  settings: HttpApiSettings,
  accountId: string,
  route: RouteSettings,
  request: ProxyRequest,
) {
  const domainName = request.headers["host"] ?? "";
  return {
    accountId,
    apiId: settings.resource.physicalId,
    domainName,
    domainPrefix: domainName.split(/[.:]/)[0] ?? "",
    http: {
      method: request.method,
      path: request.rawPath,
      protocol: request.protocol,
      sourceIp: request.sourceIp,
      userAgent: request.headers["user-agent"] ?? "",
    },
    requestId: request.requestId,
    routeKey: route.key,
    stage: settings.stage,
    time: commonLogTime(request.receivedAt),
    timeEpoch: request.receivedAt.getTime(),
  };
}

export interface EventParts {
  readonly settings: HttpApiSettings;
  readonly accountId: string;
  readonly route: RouteSettings;
  readonly parameters: Readonly<Record<string, string>>;
  readonly request: ProxyRequest;
}

const shared = ({ settings, accountId, route, parameters, request }: EventParts) => ({
  version: "2.0",
  routeKey: route.key,
  rawPath: request.rawPath,
  rawQueryString: request.rawQueryString,
  ...(request.cookies.length > 0 && { cookies: request.cookies }),
  headers: request.headers,
  ...(!isEmpty(request.query) && { queryStringParameters: request.query }),
  requestContext: requestContext(settings, accountId, route, request),
  ...(!isEmpty(parameters) && { pathParameters: parameters }),
  ...(!isEmpty(settings.stageVariables) && { stageVariables: settings.stageVariables }),
});

/** Event of a REQUEST authorizer, payload format 2.0. */
export const authorizerEvent = (parts: EventParts, routeArn: string, identitySource: readonly string[]) => ({
  ...shared(parts),
  type: "REQUEST",
  routeArn,
  identitySource,
});

/** Texts travel as they are, everything else as base64. */
const isText = (contentType: string | undefined): boolean =>
  contentType === undefined ||
  /^(text\/|application\/(json|xml|javascript|[\w.-]+\+(json|xml))\b)/i.test(contentType.trim());

/** Event of a Lambda proxy integration, payload format 2.0. */
export function proxyEvent(
  parts: EventParts,
  body: Buffer,
  authorizerContext: Readonly<Record<string, unknown>> | undefined,
) {
  const event = shared(parts);
  const text = isText(parts.request.headers["content-type"]);
  return {
    ...event,
    requestContext: {
      ...event.requestContext,
      ...(authorizerContext && { authorizer: { lambda: authorizerContext } }),
    },
    ...(body.length > 0 && { body: body.toString(text ? "utf8" : "base64") }),
    isBase64Encoded: body.length > 0 && !text,
  };
}
