import type { ApiKey, KeyHash } from "#shared/domain/api-key.ts";
import type { OwnerId } from "#shared/domain/ids.ts";

/** API keys by their hash; the keys themselves are nowhere. Passes `test/contracts/key-store.ts`. */
export interface KeyStore {
  /** Consistent: a revoked key is refused by the next read. */
  get(hash: KeyHash): Promise<ApiKey | undefined>;
  /** Oldest first. */
  list(ownerId: OwnerId): Promise<readonly ApiKey[]>;
  /** Repeating it writes the same again. */
  add(key: ApiKey): Promise<void>;
  /** Notes a use. Without effect on a key that was revoked meanwhile, or was used later. */
  touch(hash: KeyHash, at: Date): Promise<void>;
  /** Ends the key for good. */
  revoke(key: Pick<ApiKey, "hash" | "ownerId">): Promise<void>;
}
