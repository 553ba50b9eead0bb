import { describe, expect, it } from "vitest";
import { type ApiKey, asKeyHash } from "#shared/domain/api-key.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";

let serial = 0;
const now = new Date("2026-12-01T01:00:00.000Z");
const later = new Date("2026-12-01T01:10:00.000Z");

/** What every `KeyStore` promises. Run it against each implementation. */
export function keyStoreContract(name: string, open: () => KeyStore): void {
  const aKey = (over: Partial<ApiKey> = {}): ApiKey => ({
    hash: asKeyHash(`${process.pid}${++serial}`.padStart(64, "a")),
    ownerId: asOwnerId(`owner-${process.pid}-${serial}`),
    name: "ci",
    scopes: ["read", "write"],
    createdAt: now,
    ...over,
  });

  describe(`KeyStore: ${name}`, () => {
    it("gives back what was added, and nothing else", async () => {
      const keys = open();
      const key = aKey({ expiresAt: later, lastUsedAt: now });
      await keys.add(key);
      await keys.add(key);
      expect(await keys.get(key.hash)).toEqual(key);
      expect(await keys.list(key.ownerId)).toEqual([key]);
      expect(await keys.get(aKey().hash)).toBeUndefined();
    });

    it("lists an owner's keys, oldest first, expired ones too", async () => {
      const keys = open();
      const second = aKey({ createdAt: later });
      const first = aKey({ ownerId: second.ownerId, expiresAt: new Date("2020-01-01T00:00:00.000Z") });
      for (const key of [second, first, aKey()]) await keys.add(key);
      expect(await keys.list(second.ownerId)).toEqual([first, second]);
    });

    it("notes the latest use", async () => {
      const keys = open();
      const key = aKey();
      await keys.add(key);
      await keys.touch(key.hash, later);
      await keys.touch(key.hash, now);
      expect(await keys.get(key.hash)).toEqual({ ...key, lastUsedAt: later });
    });

    it("knows a revoked key no more, and a late note of its use does not bring it back", async () => {
      const keys = open();
      const key = aKey();
      await keys.add(key);
      await keys.revoke(key);
      await keys.revoke(key);
      await keys.touch(key.hash, later);
      expect(await keys.get(key.hash)).toBeUndefined();
      expect(await keys.list(key.ownerId)).toEqual([]);
    });
  });
}
