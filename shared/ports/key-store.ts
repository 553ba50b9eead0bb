import type { ApiKey, KeyHash } from "#shared/domain/api-key.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Result } from "#shared/result.ts";

/** API keys by their hash; the keys themselves are nowhere. Passes `test/contracts/key-store.ts`. */
export interface KeyStore {
  /** Consistent: a revoked key is refused by the next read. */
  get(hash: KeyHash): Promise<ApiKey | undefined>;
  /** Oldest first. Keys that ended are listed for 90 days more. */
  list(ownerId: OwnerId): Promise<readonly ApiKey[]>;
  /** Repeating it writes the same again. */
  add(key: ApiKey): Promise<void>;
  /** Notes a use. Without effect on a key that was revoked meanwhile, or was used later. */
  touch(hash: KeyHash, at: Date): Promise<void>;
  /**
   * Adds a key that takes the place of another one, which ends when it says. Both or neither.
   *
   * Refused: the old one was replaced or revoked meanwhile.
   */
  replace(
    retired: ApiKey & Required<Pick<ApiKey, "expiresAt" | "replacedBy">>,
    next: ApiKey,
  ): Promise<Result<void, { readonly reason: "ended" }>>;
  /** Ends the key for good. Repeating it is harmless. */
  revoke(key: Pick<ApiKey, "hash" | "ownerId">): Promise<void>;
}
