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

export const toResult = ({ status, body, headers }: HttpAnswer, requestId: string): HttpResult => ({
  statusCode: status,
  headers: {
    ...SECURITY_HEADERS,
    "content-type": status >= 400 && isProblem(body) ? "application/problem+json" : "application/json",
    "x-request-id": requestId,
    ...headers,
  },
  body: JSON.stringify(body),
});

const isProblem = (body: unknown): boolean =>
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

/**
 * A Lambda handler for the HTTP API. Nothing leaves it but answers: whatever is thrown is logged with the request's id,
 * and answered with a problem that tells nothing internal.
 *
 * @param isRepeatable - whether the same request may be sent again after a failure
 */
export function httpHandler(
  logger: HttpLogger,
  isRepeatable: (event: HttpEvent) => boolean,
  answer: (event: HttpEvent, context: Context) => Promise<HttpResult>,
): MiddyfiedHandler<HttpEvent, HttpResult> {
  return middy<HttpEvent, HttpResult>(answer).onError((request) => {
    const { error, event } = request;
    const requestId = requestIdOf(event);
    const known =
      error instanceof Fault ? { code: error.code, details: error.details } : { code: "internal" };
    logger.error("request failed", { ...known, requestId, error });
    request.response = toResult(failure(error, requestId, isRepeatable(event)), requestId);
  });
}
