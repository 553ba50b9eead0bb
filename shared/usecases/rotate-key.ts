import {
  type ApiKey,
  checkGrant,
  type GrantRefusal,
  KEY_RANDOM_BYTES,
  keyIdOf,
  limitScopes,
  retireKey,
} from "#shared/domain/api-key.ts";
import { ROLE_SCOPES } from "#shared/domain/role.ts";
import { standsFor } from "#shared/domain/user.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { Caller } from "./authorize-request.ts";
import { makeKey } from "./initialize-service.ts";
import { findKey } from "./revoke-key.ts";

export interface RotateKeyDeps {
  readonly keys: Pick<KeyStore, "list" | "replace">;
  readonly users: Pick<UserStore, "get">;
  readonly clock: Pick<Clock, "now">;
  /** From a cryptographic source. */
  readonly randomBytes: (size: number) => Uint8Array;
}

export interface RotatedKey {
  /** Never shown again. */
  readonly key: string;
  readonly record: ApiKey;
  /** The old one, with the instant at which it ends. */
  readonly retired: ApiKey & Required<Pick<ApiKey, "expiresAt">>;
}

export type RotateKeyRefusal =
  | { readonly reason: "not-found" }
  /** It was rotated already, has expired, or ended with the user who made it. */
  | { readonly reason: "ended" }
  | GrantRefusal;

/** @param overlapMs - how long both keys work, 0 to `MAX_OVERLAP_MS` */
export type RotateKey = (
  caller: Caller,
  id: string,
  overlapMs: number,
) => Promise<Result<RotatedKey, RotateKeyRefusal>>;

/**
 * Makes a key in place of another one: same name, restriction and lifetime, and the scopes that the old one has still. The
 * old one ends after the overlap.
 */
export function createRotateKey({ keys, users, clock, randomBytes }: RotateKeyDeps): RotateKey {
  return async (caller, id, overlapMs) => {
    const { ownerId, userId } = caller;
    const old = await findKey(keys, ownerId, id);
    if (!old) return err({ reason: "not-found" });
    const granted = checkGrant(caller, old);
    if (!granted.ok) return granted;
    const now = clock.now();
    const { name, projects, accounts, createdAt, expiresAt } = old;
    const maker = old.createdBy && (await users.get(ownerId, old.createdBy));
    if (old.createdBy !== undefined && !standsFor(maker, createdAt)) return err({ reason: "ended" });
    const scopes = maker ? limitScopes(old.scopes, ROLE_SCOPES[maker.role]) : old.scopes;
    if (scopes.length === 0) return err({ reason: "ended" });
    const createdBy = userId ?? old.createdBy;
    const made = makeKey(
      {
        ownerId,
        name,
        scopes,
        ...(projects && { projects }),
        ...(accounts && { accounts }),
        ...(createdBy !== undefined && { createdBy }),
        ...(expiresAt && {
          expiresAt: new Date(now.getTime() + expiresAt.getTime() - createdAt.getTime()),
        }),
      },
      randomBytes(KEY_RANDOM_BYTES),
      now,
    );
    const retired = retireKey(old, keyIdOf(made.record), overlapMs, now);
    if (!retired.ok) return retired;
    const replaced = await keys.replace(retired.value, made.record);
    return replaced.ok ? ok({ ...made, retired: retired.value }) : replaced;
  };
}
