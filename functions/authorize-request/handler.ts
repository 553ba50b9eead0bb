import type { APIGatewayRequestAuthorizerEventV2 } from "aws-lambda";
import { type AuthorizerContext, toAuthorizerContext } from "#functions/middleware/http-caller.ts";
import { CONSOLE_HEADER, readSessionCookie } from "#functions/middleware/session-cookie.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Result } from "#shared/result.ts";
import type { AuthorizeRequest, Caller } from "#shared/usecases/authorize-request.ts";
import type { AuthorizeSession } from "#shared/usecases/authorize-session.ts";
import type { NoteDenial } from "#shared/usecases/note-denial.ts";

/** Simple response of a Lambda authorizer, payload format 2.0. @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html */
export type Authorization =
  | { readonly isAuthorized: false }
  | { readonly isAuthorized: true; readonly context: AuthorizerContext };

export interface AuthorizeRequestHandlerDeps {
  readonly authorizeRequest: AuthorizeRequest;
  readonly authorizeSession: AuthorizeSession;
  readonly noteDenial: NoteDenial;
  readonly logger: { warn(message: string, fields: Record<string, unknown>): void };
}

/** What is read of the event. */
export type AuthorizeEvent = Pick<
  APIGatewayRequestAuthorizerEventV2,
  "headers" | "cookies" | "rawPath" | "requestContext"
>;

interface Refusal {
  readonly reason: string;
  readonly ownerId?: OwnerId;
  readonly keyId?: string;
  readonly sessionId?: string;
}

/** The routes that a cookie opens. Nothing else does there, and nothing there opens anything else. */
const CONSOLE = "/console/";
const READS: readonly string[] = ["GET", "HEAD"];

/**
 * Decides whether a request may pass: by its key, or below `/console/` by its session. API Gateway remembers the answer for
 * a key for a minute by the header, so a revoked key lives that much longer; for a session it asks every time.
 *
 * @throws when it could not be looked up: a refusal would be remembered, a fault is not
 */
export function createHandler(deps: AuthorizeRequestHandlerDeps) {
  const { authorizeRequest, authorizeSession, noteDenial, logger } = deps;

  async function decide(event: AuthorizeEvent): Promise<Result<Caller, Refusal>> {
    const { headers, cookies, rawPath, requestContext } = event;
    if (!rawPath.startsWith(CONSOLE)) return authorizeRequest(headers?.["authorization"]);
    const caller = await authorizeSession(readSessionCookie(cookies));
    const isSafe = READS.includes(requestContext.http.method) || headers?.[CONSOLE_HEADER] === "1";
    if (!caller.ok || isSafe) return caller;
    const { ownerId, sessionId = "" } = caller.value;
    return { ok: false, error: { reason: "console-header-missing", ownerId, sessionId } };
  }

  return async (event: AuthorizeEvent): Promise<Authorization> => {
    const caller = await decide(event);
    if (caller.ok) return { isAuthorized: true, context: toAuthorizerContext(caller.value) };
    const { requestId, http } = event.requestContext;
    // The refusal knows the key or the session by the start of its hash at most.
    const { ownerId: _, ...told } = caller.error;
    logger.warn("a request was refused", { requestId, ...told });
    try {
      await noteDenial({ ...caller.error, status: 403, requestId, sourceIp: http.sourceIp });
    } catch (error) {
      // It stays refused; a fault would only have it asked again.
      logger.warn("a denial was not noted", { requestId, error });
    }
    return { isAuthorized: false };
  };
}
