import { type ApiKey, keyIdOf } from "#shared/domain/api-key.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

/** The owner's key of that id: another owner's is the same as one that does not exist. */
export const findKey = async (
  keys: Pick<KeyStore, "list">,
  ownerId: OwnerId,
  id: string,
): Promise<ApiKey | undefined> => (await keys.list(ownerId)).find((key) => keyIdOf(key) === id);

export interface RevokeKeyDeps {
  readonly keys: Pick<KeyStore, "list" | "revoke">;
}

export type RevokeKey = (
  ownerId: OwnerId,
  id: string,
) => Promise<Result<ApiKey, { readonly reason: "not-found" }>>;

/** Ends a key for good: for requests after the API's memory of it (a minute). */
export function createRevokeKey({ keys }: RevokeKeyDeps): RevokeKey {
  return async (ownerId, id) => {
    const key = await findKey(keys, ownerId, id);
    if (!key) return err({ reason: "not-found" });
    await keys.revoke(key);
    return ok(key);
  };
}
