import {
  type ApiKey,
  type Grant,
  isKeyExpired,
  keyIdOf,
  limitScopes,
  parseApiKey,
  shouldTouch,
} from "#shared/domain/api-key.ts";
import type { OwnerId, UserId } from "#shared/domain/ids.ts";
import { ROLE_SCOPES } from "#shared/domain/role.ts";
import { standsFor } from "#shared/domain/user.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface AuthorizeRequestDeps {
  readonly keys: Pick<KeyStore, "get" | "touch">;
  readonly users: Pick<UserStore, "get">;
  readonly clock: Pick<Clock, "now">;
  /** Told why a use could not be noted. */
  readonly report: (error: unknown) => void;
}

/** On whose behalf a request is made, and what it may do. */
export interface Caller extends Grant {
  readonly ownerId: OwnerId;
  /** Names the key in logs; of a session, the session. */
  readonly keyId: string;
  /** Who made the key, or signed in. */
  readonly userId?: UserId;
  /** Of a person who signed in. */
  readonly sessionId?: string;
}

export type AuthorizeRefusal =
  /** No bearer token, or one that cannot be a key: the table was not asked. */
  | { readonly reason: "malformed" }
  | { readonly reason: "unknown"; readonly keyId: string }
  /** `maker-gone`: the user who made it was disabled or deleted. */
  | { readonly reason: "expired" | "maker-gone"; readonly keyId: string; readonly ownerId: OwnerId };

/** @param authorization - the header of that name */
export type AuthorizeRequest = (
  authorization: string | undefined,
) => Promise<Result<Caller, AuthorizeRefusal>>;

const BEARER = /^Bearer +(\S{1,200})$/i;

/** @throws whatever the table throws: that a key cannot be looked up does not mean that it is wrong */
export function createAuthorizeRequest({
  keys,
  users,
  clock,
  report,
}: AuthorizeRequestDeps): AuthorizeRequest {
  /** A key can never do more than the user who made it can now; undefined: it can do nothing any more. */
  async function scopesOf({ ownerId, createdBy, createdAt, scopes }: ApiKey) {
    if (createdBy === undefined) return scopes;
    const maker = await users.get(ownerId, createdBy);
    return standsFor(maker, createdAt) ? limitScopes(scopes, ROLE_SCOPES[maker.role]) : undefined;
  }

  return async (authorization) => {
    const [, token = ""] = BEARER.exec(authorization?.trim() ?? "") ?? [];
    const parsed = parseApiKey(token);
    if (!parsed.ok) return parsed;
    const hash = parsed.value;
    const keyId = keyIdOf({ hash });
    const key = await keys.get(hash);
    if (!key) return err({ reason: "unknown", keyId });
    const { ownerId, createdBy, projects, accounts } = key;
    const now = clock.now();
    if (isKeyExpired(key, now)) return err({ reason: "expired", keyId, ownerId });
    const scopes = await scopesOf(key);
    if (!scopes) return err({ reason: "maker-gone", keyId, ownerId });
    if (shouldTouch(key, now)) await keys.touch(hash, now).catch(report);
    return ok({
      ownerId,
      keyId,
      scopes,
      ...(createdBy !== undefined && { userId: createdBy }),
      ...(projects && { projects }),
      ...(accounts && { accounts }),
    });
  };
}
