import type { ApiKey, KeyHash } from "#shared/domain/api-key.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";

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
    async revoke({ hash }) {
      keys.delete(hash);
    },
  };
}
