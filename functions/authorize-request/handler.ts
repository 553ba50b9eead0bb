import type { APIGatewayRequestAuthorizerEventV2 } from "aws-lambda";
import { type AuthorizerContext, toAuthorizerContext } from "#functions/middleware/http-caller.ts";
import type { AuthorizeRequest } from "#shared/usecases/authorize-request.ts";

/** Simple response of a Lambda authorizer, payload format 2.0. @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html */
export type Authorization =
  | { readonly isAuthorized: false }
  | { readonly isAuthorized: true; readonly context: AuthorizerContext };

export interface AuthorizeRequestHandlerDeps {
  readonly authorizeRequest: AuthorizeRequest;
  readonly logger: { warn(message: string, fields: Record<string, unknown>): void };
}

/** What is read of the event. */
export type AuthorizeEvent = Pick<APIGatewayRequestAuthorizerEventV2, "headers" | "requestContext">;

/**
 * Decides whether a request may pass. API Gateway remembers the answer for a minute by the header, so a revoked key
 * lives that much longer.
 *
 * @throws when the key could not be looked up: a refusal would be remembered, a fault is not
 */
export const createHandler =
  ({ authorizeRequest, logger }: AuthorizeRequestHandlerDeps) =>
  async ({ headers, requestContext }: AuthorizeEvent): Promise<Authorization> => {
    const caller = await authorizeRequest(headers?.["authorization"]);
    if (caller.ok) return { isAuthorized: true, context: toAuthorizerContext(caller.value) };
    // The refusal knows the key by the start of its hash at most.
    logger.warn("a request was refused", { requestId: requestContext.requestId, ...caller.error });
    return { isAuthorized: false };
  };
