import {
  type ApiKey,
  isKeyExpired,
  type KeyScope,
  keyIdOf,
  parseApiKey,
  shouldTouch,
} from "#shared/domain/api-key.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface AuthorizeRequestDeps {
  readonly keys: Pick<KeyStore, "get" | "touch">;
  readonly clock: Pick<Clock, "now">;
  /** Told why a use could not be noted. */
  readonly report: (error: unknown) => void;
}

/** On whose behalf a request is made. */
export interface Caller {
  readonly ownerId: OwnerId;
  /** Names the key in logs. */
  readonly keyId: string;
  readonly scopes: readonly KeyScope[];
}

export type AuthorizeRefusal =
  /** No bearer token, or one that cannot be a key: the table was not asked. */
  { readonly reason: "malformed" } | { readonly reason: "unknown" | "expired"; readonly keyId: string };

/** @param authorization - the header of that name */
export type AuthorizeRequest = (
  authorization: string | undefined,
) => Promise<Result<Caller, AuthorizeRefusal>>;

const BEARER = /^Bearer +(\S{1,200})$/i;

/** @throws whatever the table throws: that a key cannot be looked up does not mean that it is wrong */
export function createAuthorizeRequest({ keys, clock, report }: AuthorizeRequestDeps): AuthorizeRequest {
  return async (authorization) => {
    const [, token = ""] = BEARER.exec(authorization?.trim() ?? "") ?? [];
    const parsed = parseApiKey(token);
    if (!parsed.ok) return parsed;
    const hash = parsed.value;
    const keyId = keyIdOf({ hash });
    const key: ApiKey | undefined = await keys.get(hash);
    if (!key) return err({ reason: "unknown", keyId });
    const now = clock.now();
    if (isKeyExpired(key, now)) return err({ reason: "expired", keyId });
    if (shouldTouch(key, now)) await keys.touch(hash, now).catch(report);
    return ok({ ownerId: key.ownerId, keyId, scopes: key.scopes });
  };
}
