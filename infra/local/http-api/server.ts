import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Access } from "../iam/access.ts";
import type { Invocation, LambdaRuntime } from "../lambda/runtime.ts";
import type { FunctionSettings } from "../lambda/settings.ts";
import { type ReportFault, WiringFault } from "../services/wiring-fault.ts";
import type { Assembly, Resource } from "../template/assembly.ts";
import { type HttpAnswer, readAnswer, refusal } from "./answers.ts";
import { createAuthorizer } from "./authorizer.ts";
import { corsHeaders, preflightHeaders } from "./cors.ts";
import { type EventParts, type ProxyRequest, proxyEvent, readRequest } from "./events.ts";
import { matchRoute } from "./routes.ts";
import { type AuthorizerSettings, readHttpApi } from "./settings.ts";

export interface HttpApiOptions {
  readonly assembly: Assembly;
  readonly access: Access;
  readonly runtime: Pick<LambdaRuntime, "find" | "invoke">;
  readonly onFault: ReportFault;
  /**
   * A server that listens already: its address is part of the resolved template, so it must be known before.
   *
   * @default - a new one on `port`
   */
  readonly server?: Server;
  /** @default 0: any free port */
  readonly port?: number;
}

export interface HttpApi {
  /** Without a trailing slash. */
  readonly url: string;
  /** Takes no more requests; those that are being answered have 2 s. */
  close(): Promise<void>;
}

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const MAX_BODY_BYTES = 10 * 1024 * 1024;
/** Requests that are being answered when the API closes may take so long. */
const CLOSE_GRACE_MS = 2_000;
const PRINCIPAL = "apigateway.amazonaws.com";

/** The whole body; undefined as soon as it is larger than API Gateway takes. */
async function readBody(message: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return sizeBytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
}

/**
 * Serves the template's HTTP API as API Gateway does: routes, Lambda authorizer, proxy event and answer of payload
 * format 2.0, and the permission of each function checked for the very route that calls it.
 *
 * @throws TemplateFault when the template has no HTTP API, or one that cannot be run here.
 */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const { assembly, access, runtime, onFault } = options;
  const settings = readHttpApi(assembly, runtime);
  if (!settings) throw new Error("the template has no AWS::ApiGatewayV2::Api");
  const { accountId, region } = assembly;
  const apiArn = `arn:aws:execute-api:${region}:${accountId}:${settings.resource.physicalId}`;
  const prefix = settings.stage === "$default" ? "" : `/${settings.stage}`;
  const authorizers = new Map<AuthorizerSettings, ReturnType<typeof createAuthorizer>>();
  for (const { authorizer } of settings.routes) {
    if (authorizer) authorizers.set(authorizer, createAuthorizer(authorizer, runtime));
  }

  async function mayInvoke(owner: Resource, lambda: FunctionSettings, sourceArn: string): Promise<boolean> {
    const principal = { service: PRINCIPAL, sourceArn };
    const action = "lambda:InvokeFunction";
    const decision = await access.check({ principal, action, resource: lambda.arn });
    if (decision.allowed) return true;
    const problem = `${PRINCIPAL} may not invoke ${lambda.logicalId} for ${sourceArn}: ${decision.message}`;
    onFault(new WiringFault(owner.logicalId, action, problem));
    return false;
  }

  const broken = (lambda: FunctionSettings, problem: string): HttpAnswer => {
    onFault(new Error(`${lambda.logicalId} could not answer a request: ${problem}`));
    return refusal(500);
  };

  /** Undefined: go on; with the context that the authorizer gave. */
  async function authorize(
    parts: EventParts,
  ): Promise<{ refused: HttpAnswer } | { context: Readonly<Record<string, unknown>> | undefined }> {
    const { authorizer } = parts.route;
    const ask = authorizer && authorizers.get(authorizer);
    if (!authorizer || !ask) return { context: undefined };
    const sourceArn = `${apiArn}/authorizers/${authorizer.resource.physicalId}`;
    if (!(await mayInvoke(authorizer.resource, authorizer.lambda, sourceArn)))
      return { refused: refusal(500) };
    const routeArn = `${apiArn}/${settings?.stage}/${parts.request.method}${parts.request.rawPath}`;
    const answer = await ask(parts, routeArn);
    switch (answer.outcome) {
      case "allowed":
        return { context: answer.context };
      case "unauthorized":
        return { refused: refusal(401) };
      case "forbidden":
        return { refused: refusal(403) };
      case "broken":
        return { refused: broken(authorizer.lambda, answer.problem) };
    }
  }

  async function integrate(
    parts: EventParts,
    body: Buffer,
    context: Readonly<Record<string, unknown>> | undefined,
  ) {
    const { route, request } = parts;
    const { integration } = route;
    const where = route.path === undefined ? `/${route.key}` : `/${route.method ?? "*"}${route.path}`;
    const sourceArn = `${apiArn}/${settings?.stage}${where}`;
    if (!(await mayInvoke(route.resource, integration.lambda, sourceArn))) return refusal(500);

    const late = Promise.withResolvers<"late">();
    const limit = setTimeout(() => late.resolve("late"), integration.timeoutMs);
    const event = proxyEvent(parts, body, context);
    const invoked: Promise<Invocation> = runtime.invoke(integration.lambda.logicalId, event, {
      urgent: true,
      requestId: request.requestId,
    });
    const outcome = await Promise.race([invoked, late.promise]).finally(() => clearTimeout(limit));
    // The function runs on; API Gateway only stops to wait for it.
    if (outcome === "late") {
      invoked.catch(() => {});
      return refusal(503);
    }
    if (!outcome.ok) {
      return broken(integration.lambda, `${outcome.error.errorType}: ${outcome.error.errorMessage}`);
    }
    return (
      readAnswer(outcome.payload) ?? broken(integration.lambda, "its answer is not of payload format 2.0")
    );
  }

  async function respond(request: ProxyRequest, message: IncomingMessage): Promise<HttpAnswer> {
    const preflight = preflightHeaders(settings?.cors, request);
    if (preflight) return { status: 204, headers: preflight, cookies: [], body: Buffer.alloc(0) };
    const path = request.rawPath.startsWith(`${prefix}/`) ? request.rawPath.slice(prefix.length) : undefined;
    const match = path === undefined ? undefined : matchRoute(settings?.routes ?? [], request.method, path);
    if (!match || !settings) return refusal(404);
    const parts: EventParts = { settings, accountId, ...match, request };

    const body = await readBody(message);
    if (!body) return refusal(413);
    const authorized = await authorize(parts);
    if ("refused" in authorized) return authorized.refused;
    return integrate(parts, body, authorized.context);
  }

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = readRequest(message, randomUUID());
    let answer: HttpAnswer;
    try {
      answer = await respond(request, message);
    } catch (error) {
      if (message.destroyed && !message.complete) return;
      onFault(new Error(`${request.method} ${request.rawPath} failed`, { cause: error }));
      answer = refusal(500);
    }
    // What was not read would be taken for the next request on this connection.
    if (!message.complete) message.resume();
    response.writeHead(answer.status, {
      ...answer.headers,
      ...corsHeaders(settings?.cors, request),
      "apigw-requestid": request.requestId,
      ...(answer.cookies.length > 0 && { "set-cookie": [...answer.cookies] }),
      "content-length": answer.status === 204 ? 0 : answer.body.length,
    });
    response.end(request.method === "HEAD" ? undefined : answer.body);
  }

  const server = options.server ?? createServer();
  server.on("request", handle);
  if (!server.listening) {
    server.listen(options.port ?? 0, "127.0.0.1");
    await once(server, "listening");
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${prefix}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      await closed;
      clearTimeout(grace);
    },
  };
}
