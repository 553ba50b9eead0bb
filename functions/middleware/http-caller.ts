import type { APIGatewayProxyEventV2 } from "aws-lambda";
import * as z from "zod";
import { KEY_SCOPES } from "#shared/domain/api-key.ts";
import type { AuditActor } from "#shared/domain/audit.ts";
import { asOwnerId, asUserId } from "#shared/domain/ids.ts";
import { ConfigurationFault } from "#shared/errors.ts";
import type { Caller } from "#shared/usecases/authorize-request.ts";

/** Names of projects and accounts have no spaces. */
const words = z.string().transform((text) => text.split(" ").filter(Boolean));

/** What the authorizer tells the routes. Plain texts: every version of API Gateway hands them on unchanged. */
const authorizerContext = z.object({
  ownerId: z.string().min(1).transform(asOwnerId),
  keyId: z.string().min(1),
  /** Divided by spaces, as the lists below. */
  scopes: words.pipe(z.array(z.enum(KEY_SCOPES))),
  userId: z.string().min(1).transform(asUserId).exactOptional(),
  sessionId: z.string().min(1).exactOptional(),
  projects: words.exactOptional(),
  accounts: words.exactOptional(),
});
export type AuthorizerContext = z.input<typeof authorizerContext>;

export const toAuthorizerContext = (caller: Caller): AuthorizerContext => {
  const { ownerId, keyId, scopes, userId, sessionId, projects, accounts } = caller;
  return {
    ownerId,
    keyId,
    scopes: scopes.join(" "),
    ...(userId !== undefined && { userId }),
    ...(sessionId !== undefined && { sessionId }),
    ...(projects && { projects: projects.join(" ") }),
    ...(accounts && { accounts: accounts.join(" ") }),
  };
};

/**
 * Who asks, as the authorizer said.
 *
 * @throws ConfigurationFault when it said nothing: then a route was deployed without it, and must not be an open door
 */
export function readCaller(event: APIGatewayProxyEventV2): Caller {
  // The types of the event know authorizers only as an extension.
  const { authorizer } = event.requestContext as { readonly authorizer?: { readonly lambda?: unknown } };
  const parsed = authorizerContext.safeParse(authorizer?.lambda);
  if (!parsed.success) throw new ConfigurationFault("a request came without the authorizer's context");
  return parsed.data;
}

/** Who it was, for the audit log. */
export const actorOf = ({ keyId, userId, sessionId }: Caller): AuditActor => ({
  ...(sessionId === undefined ? { keyId } : { sessionId }),
  ...(userId !== undefined && { userId }),
});

/** Who it was, for people. */
export const callerInWords = ({ keyId, sessionId }: Caller): string =>
  sessionId === undefined ? `key ${keyId}` : `session ${sessionId}`;
