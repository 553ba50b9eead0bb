import type { OwnerId } from "#shared/domain/ids.ts";
import { ROLE_SCOPES } from "#shared/domain/role.ts";
import { isSessionOver, parseSessionToken, sessionIdOf, shouldTouchSession } from "#shared/domain/session.ts";
import { standsFor } from "#shared/domain/user.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { SessionStore } from "#shared/ports/session-store.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { Caller } from "./authorize-request.ts";

export interface AuthorizeSessionDeps {
  readonly sessions: Pick<SessionStore, "get" | "touch">;
  readonly users: Pick<UserStore, "get">;
  readonly clock: Pick<Clock, "now">;
  /** Told why a use could not be noted. */
  readonly report: (error: unknown) => void;
}

export type AuthorizeSessionRefusal =
  /** No cookie, or one that cannot be a session: the table was not asked. */
  | { readonly reason: "malformed" }
  | { readonly reason: "unknown"; readonly sessionId: string }
  /** `user-gone`: disabled, deleted or invited anew since. */
  | { readonly reason: "expired" | "user-gone"; readonly sessionId: string; readonly ownerId: OwnerId };

/** @param token - the session's cookie */
export type AuthorizeSession = (
  token: string | undefined,
) => Promise<Result<Caller, AuthorizeSessionRefusal>>;

/**
 * Asks for user and role at every request, so that whoever is disabled or demoted is so at once.
 *
 * @throws whatever the table throws: that a session cannot be looked up does not mean that it is over
 */
export function createAuthorizeSession({
  sessions,
  users,
  clock,
  report,
}: AuthorizeSessionDeps): AuthorizeSession {
  return async (token) => {
    const named = parseSessionToken(token ?? "");
    if (!named) return err({ reason: "malformed" });
    const { ownerId, hash } = named;
    const sessionId = sessionIdOf(named);
    const session = await sessions.get(ownerId, hash);
    if (!session) return err({ reason: "unknown", sessionId });
    const now = clock.now();
    if (isSessionOver(session, now)) return err({ reason: "expired", sessionId, ownerId });
    const user = await users.get(ownerId, session.userId);
    if (!standsFor(user, session.createdAt)) return err({ reason: "user-gone", sessionId, ownerId });
    if (shouldTouchSession(session, now)) await sessions.touch(session, now).catch(report);
    return ok({ ownerId, keyId: sessionId, sessionId, userId: user.id, scopes: ROLE_SCOPES[user.role] });
  };
}
