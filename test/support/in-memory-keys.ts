import type { ApiKey, KeyHash } from "#shared/domain/api-key.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import { err, ok } from "#shared/result.ts";

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryKeys(): KeyStore {
  const keys = new Map<KeyHash, ApiKey>();
  return {
    async get(hash) {
      return keys.get(hash);
    },
    async list(ownerId) {
      return [...keys.values()]
        .filter((key) => key.ownerId === ownerId)
        .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    },
    async add(key) {
      keys.set(key.hash, key);
    },
    async touch(hash, at) {
      const key = keys.get(hash);
      if (key && (!key.lastUsedAt || key.lastUsedAt < at)) keys.set(hash, { ...key, lastUsedAt: at });
    },
    async replace({ hash, replacedBy, expiresAt }, next) {
      const old = keys.get(hash);
      if (!old || old.replacedBy !== undefined) return err({ reason: "ended" });
      keys.set(hash, { ...old, replacedBy, expiresAt });
      keys.set(next.hash, next);
      return ok(undefined);
    },
    async revoke({ hash }) {
      keys.delete(hash);
    },
  };
}
