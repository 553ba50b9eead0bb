import type { User } from "#shared/domain/user.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import type { SessionStore } from "#shared/ports/session-store.ts";

export interface EndAccessDeps {
  readonly sessions: Pick<SessionStore, "list" | "remove">;
  readonly keys: Pick<KeyStore, "list" | "revoke">;
}

/** @param user - as stored now */
export type EndAccess = (user: Pick<User, "id" | "ownerId">) => Promise<void>;

/**
 * Takes the sessions and keys of a user out of their lists. They have ended already: whoever authorizes a request looks at
 * the user. So it may be cut off anywhere, and may be repeated.
 */
export function createEndAccess({ sessions, keys }: EndAccessDeps): EndAccess {
  return async ({ id, ownerId }) => {
    const [open, made] = await Promise.all([sessions.list(ownerId), keys.list(ownerId)]);
    await sessions.remove(open.filter(({ userId }) => userId === id));
    for (const key of made) if (key.createdBy === id) await keys.revoke(key);
  };
}
