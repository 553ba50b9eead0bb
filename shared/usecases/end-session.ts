import { allowsScope } from "#shared/domain/api-key.ts";
import { isSessionOver, type Session, sessionIdOf } from "#shared/domain/session.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { SessionStore } from "#shared/ports/session-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { Caller } from "./authorize-request.ts";

export interface ListSessionsDeps {
  readonly sessions: Pick<SessionStore, "list">;
  readonly clock: Pick<Clock, "now">;
}

/** Oldest first: everybody's for an administrator, else the caller's own. */
export type ListSessions = (caller: Caller) => Promise<readonly Session[]>;

export function createListSessions({ sessions, clock }: ListSessionsDeps): ListSessions {
  return async (caller) => {
    const { ownerId, userId } = caller;
    const now = clock.now();
    return (await sessions.list(ownerId)).filter(
      (session) =>
        !isSessionOver(session, now) && (session.userId === userId || allowsScope(caller, "admin")),
    );
  };
}

export interface EndSessionDeps extends ListSessionsDeps {
  readonly sessions: Pick<SessionStore, "list" | "remove">;
}

/** @param id - of a session that the caller may see; absent: the one that the request came with */
export type EndSession = (
  caller: Caller,
  id?: string,
) => Promise<Result<Session, { readonly reason: "not-found" }>>;

/** Ends a session for good: its next request is refused. */
export function createEndSession({ sessions, clock }: EndSessionDeps): EndSession {
  const list = createListSessions({ sessions, clock });
  return async (caller, id = caller.sessionId) => {
    const session = (await list(caller)).find((one) => sessionIdOf(one) === id);
    if (!session) return err({ reason: "not-found" });
    await sessions.remove([session]);
    return ok(session);
  };
}
