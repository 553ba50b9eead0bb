import type { OwnerId } from "#shared/domain/ids.ts";
import type { Session, SessionHash } from "#shared/domain/session.ts";
import type { Attempts } from "#shared/domain/session-attempts.ts";
import type { Result } from "#shared/result.ts";

/** Who is signed in, by the hash of their token; the tokens are nowhere. Passes `test/contracts/session-store.ts`. */
export interface SessionStore {
  /** Consistent: a session that was ended is refused by the next read. Not those past their absolute end. */
  get(ownerId: OwnerId, hash: SessionHash): Promise<Session | undefined>;
  /** Oldest first. */
  list(ownerId: OwnerId): Promise<readonly Session[]>;
  add(session: Session): Promise<void>;
  /** Notes a use. Without effect on a session that was ended meanwhile, or was used later. */
  touch(session: Pick<Session, "ownerId" | "hash">, at: Date): Promise<void>;
  /** Ends them for good. Repeating it is harmless. */
  remove(sessions: readonly Pick<Session, "ownerId" | "hash">[]): Promise<void>;
}

/** Attempts to sign in. Passes `test/contracts/session-store.ts`. */
export interface AttemptStore {
  getAttempts(key: string): Promise<Attempts | undefined>;
  /** Replaces the count whose version is one less (version 1: none). */
  saveAttempts(next: Attempts): Promise<Result<void, { readonly reason: "stale" }>>;
}
