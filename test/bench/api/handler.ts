/** The deployed file of `serve-api` in this process: what a request costs without network, API Gateway and runtime. */
import { pathToFileURL } from "node:url";
import type { BenchCloud } from "#test/bench/cloud/start.ts";

export interface HandlerRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface HandlerAnswer {
  readonly status: number;
  readonly ms: number;
  readonly body: string;
}

export type CallHandler = (request: HandlerRequest) => Promise<HandlerAnswer>;

type Handler = (event: unknown, context: unknown) => Promise<{ statusCode?: number; body?: string }>;

const TIMEOUT_MS = 25_000;

/** @param entry - absolute path of the bundle @param caller - what the authorizer would say */
export async function loadHandler(
  { cloud, functionId, variables }: Pick<BenchCloud, "cloud" | "functionId" | "variables">,
  entry: string,
  caller: Readonly<Record<string, string>>,
): Promise<CallHandler> {
  // Set before it is loaded, as Lambda does. The id is what the gateway knows the function by.
  Object.assign(process.env, variables("serve-api"), {
    AWS_ENDPOINT_URL: cloud.gatewayUrl,
    AWS_REGION: cloud.assembly.region,
    AWS_ACCESS_KEY_ID: functionId("serve-api"),
    AWS_SECRET_ACCESS_KEY: "local",
    POWERTOOLS_LOG_LEVEL: "CRITICAL",
  });
  const { handler } = (await import(pathToFileURL(entry).href)) as { readonly handler: Handler };
  let serial = 0;
  return async ({ method, path, query, body }) => {
    const requestId = `bench-${++serial}`;
    const event = {
      version: "2.0",
      routeKey: "ANY /api/v1/{proxy+}",
      rawPath: `/api/v1${path}`,
      rawQueryString: new URLSearchParams(query).toString(),
      headers: { ...(body !== undefined && { "content-type": "application/json" }) },
      ...(query && { queryStringParameters: query }),
      requestContext: {
        http: {
          method,
          path: `/api/v1${path}`,
          protocol: "HTTP/1.1",
          sourceIp: "192.0.2.1",
          userAgent: "bench",
        },
        requestId,
        authorizer: { lambda: caller },
      },
      pathParameters: { proxy: path.slice(1) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      isBase64Encoded: false,
    };
    const startedAt = performance.now();
    const deadline = Date.now() + TIMEOUT_MS;
    const answer = await handler(event, {
      awsRequestId: requestId,
      getRemainingTimeInMillis: () => deadline - Date.now(),
    });
    return {
      status: answer.statusCode ?? 0,
      ms: performance.now() - startedAt,
      body: answer.body ?? "",
    };
  };
}
