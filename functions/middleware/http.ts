import middy, { type MiddyfiedHandler } from "@middy/core";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { type InputError, PROBLEMS, type Problem, type ProblemCode } from "#shared/contract/problem.ts";
import { Fault } from "#shared/errors.ts";

export type HttpEvent = APIGatewayProxyEventV2;
export type HttpResult = APIGatewayProxyStructuredResultV2;

/** The log of a function; Powertools' `Logger` is one. */
export interface HttpLogger {
  error(message: string, fields: Record<string, unknown>): void;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** For answers that no browser has to show, run or keep. @see https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html */
const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

/** Seconds after which a request that met a broken dependency may come again. */
const RETRY_AFTER_SECONDS = "5";

export interface ProblemOptions {
  readonly requestId: string;
  readonly errors?: readonly InputError[] | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default - what the code says */
  readonly retryable?: boolean;
}

/** An RFC 9457 problem. `detail` is for the caller: it names nothing that is ours. */
export function problem(
  code: ProblemCode,
  detail: string,
  { requestId, errors, headers, retryable }: ProblemOptions,
): HttpAnswer & { readonly body: Problem } {
  const kind = PROBLEMS[code];
  return {
    status: kind.status,
    body: {
      type: `urn:punctual:problem:${code}`,
      title: kind.title,
      status: kind.status,
      code,
      detail,
      retryable: retryable ?? kind.retryable,
      ...(errors && errors.length > 0 && { errors: [...errors] }),
      requestId,
    },
    ...(headers && { headers }),
  };
}

/** Of API Gateway: the access log and the function's log have the same. */
export const requestIdOf = (event: HttpEvent): string => event.requestContext.requestId;

/** A text with a content type of its own is sent as it is; all else is JSON. No body at all has no type. */
const toResult = ({ status, body, headers }: HttpAnswer, requestId: string): HttpResult => ({
  statusCode: status,
  headers: {
    ...SECURITY_HEADERS,
    ...(body !== undefined && {
      "content-type": isProblem(body) ? "application/problem+json" : "application/json",
    }),
    "x-request-id": requestId,
    ...headers,
  },
  ...(body !== undefined && {
    body: typeof body === "string" && headers?.["content-type"] ? body : JSON.stringify(body),
  }),
});

export const isProblem = (body: unknown): body is Problem =>
  typeof body === "object" && body !== null && "retryable" in body;

/** What a caller learns of a failure: that it is ours, and whether it may ask again. */
function failure(error: unknown, requestId: string, repeatable: boolean): HttpAnswer {
  if (error instanceof Fault && error.retry === "backoff")
    return problem("dependency-unavailable", "Nothing was changed. Try again in a few seconds.", {
      requestId,
      headers: { "retry-after": RETRY_AFTER_SECONDS },
    });
  return problem(
    "internal",
    repeatable
      ? "It failed on our side; the logs have it under this request id."
      : "It failed on our side; the logs have it under this request id. Look whether it took effect before you repeat it.",
    { requestId, retryable: repeatable },
  );
}

/** Whether a request is looked at, and what every answer to it says. */
export interface Admission {
  readonly headers: Readonly<Record<string, string>>;
  /** It is not. */
  readonly refusal?: HttpAnswer;
}

export interface HttpHandlerOptions {
  readonly logger: HttpLogger;
  /** Whether the same request may be sent again after a failure. */
  readonly isRepeatable: (event: HttpEvent) => boolean;
  readonly admit: (event: HttpEvent) => Promise<Admission>;
  readonly answer: (event: HttpEvent, context: Context) => Promise<HttpAnswer>;
}

/** What is remembered of a request until it is answered. */
type Said = { headers?: Admission["headers"] };

/**
 * A Lambda handler for the HTTP API. Nothing leaves it but answers: whatever is thrown is logged with the request's id,
 * and answered with a problem that tells nothing internal.
 */
export function httpHandler({
  logger,
  isRepeatable,
  admit,
  answer,
}: HttpHandlerOptions): MiddyfiedHandler<HttpEvent, HttpResult, Error, Context, Said> {
  const complete = (
    event: HttpEvent,
    { body, ...result }: HttpResult,
    said: Admission["headers"],
  ): HttpResult => ({
    ...result,
    headers: { ...result.headers, ...said },
    ...(body !== undefined && event.requestContext.http.method !== "HEAD" && { body }),
  });
  return middy<HttpEvent, HttpResult, Error, Context, Said>(async (event: HttpEvent, context: Context) =>
    toResult(await answer(event, context), requestIdOf(event)),
  )
    .before(async ({ event, internal }) => {
      const { headers, refusal } = await admit(event);
      internal.headers = headers;
      return refusal && complete(event, toResult(refusal, requestIdOf(event)), headers);
    })
    .after((request) => {
      if (request.response)
        request.response = complete(request.event, request.response, request.internal.headers ?? {});
    })
    .onError((request) => {
      const { error, event, internal } = request;
      const requestId = requestIdOf(event);
      const known =
        error instanceof Fault ? { code: error.code, details: error.details } : { code: "internal" };
      logger.error("request failed", { ...known, requestId, error });
      const failed = toResult(failure(error, requestId, isRepeatable(event)), requestId);
      request.response = complete(event, failed, internal.headers ?? {});
    });
}
