import type { Session } from "#shared/domain/session.ts";
import type { Attempts } from "#shared/domain/session-attempts.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { AttemptStore, SessionStore } from "#shared/ports/session-store.ts";
import { err, ok } from "#shared/result.ts";

const keyOf = ({ ownerId, hash }: Pick<Session, "ownerId" | "hash">): string => `${ownerId}/${hash}`;

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemorySessions(clock: Pick<Clock, "now">): SessionStore & AttemptStore {
  const sessions = new Map<string, Session>();
  const attempts = new Map<string, Attempts>();
  const live = (session: Session): boolean => session.expiresAt > clock.now();
  return {
    async get(ownerId, hash) {
      const session = sessions.get(keyOf({ ownerId, hash }));
      return session && live(session) ? session : undefined;
    },
    async list(ownerId) {
      return [...sessions.values()]
        .filter((session) => session.ownerId === ownerId && live(session))
        .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    },
    async add(session) {
      sessions.set(keyOf(session), session);
    },
    async touch(session, at) {
      const known = sessions.get(keyOf(session));
      if (known && known.lastSeenAt < at) sessions.set(keyOf(session), { ...known, lastSeenAt: at });
    },
    async remove(ended) {
      for (const session of ended) sessions.delete(keyOf(session));
    },
    async getAttempts(key) {
      return attempts.get(key);
    },
    async saveAttempts(next) {
      if ((attempts.get(next.key)?.version ?? 0) !== next.version - 1) return err({ reason: "stale" });
      attempts.set(next.key, next);
      return ok(undefined);
    },
  };
}
