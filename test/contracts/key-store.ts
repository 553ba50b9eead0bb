import { describe, expect, it } from "vitest";
import { type ApiKey, asKeyHash } from "#shared/domain/api-key.ts";
import { asOwnerId, asUserId } from "#shared/domain/ids.ts";
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
      const key = aKey({
        expiresAt: later,
        lastUsedAt: now,
        projects: ["shop"],
        accounts: ["main", "second"],
        createdBy: asUserId("01KUUUUUUUUUUUUUUUUUUUUUUU"),
      });
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

    it("replaces a key once: both or neither", async () => {
      const keys = open();
      const old = aKey();
      const next = aKey({ ownerId: old.ownerId, createdAt: later });
      const retired = { ...old, replacedBy: "0123456789ab", expiresAt: later };
      await keys.add(old);
      await keys.touch(old.hash, now);
      expect(await keys.replace(retired, next)).toMatchObject({ ok: true });
      expect(await keys.list(old.ownerId)).toEqual([{ ...retired, lastUsedAt: now }, next]);
      const third = aKey({ ownerId: old.ownerId });
      expect(await keys.replace({ ...retired, replacedBy: "fedcba987654" }, third)).toEqual({
        ok: false,
        error: { reason: "ended" },
      });
      expect(await keys.get(third.hash)).toBeUndefined();
      expect(await keys.get(old.hash)).toMatchObject({ replacedBy: "0123456789ab" });
    });

    it("does not replace a key that was revoked meanwhile", async () => {
      const keys = open();
      const old = aKey();
      const next = aKey({ ownerId: old.ownerId });
      await keys.add(old);
      await keys.revoke(old);
      const replaced = await keys.replace({ ...old, replacedBy: "0123456789ab", expiresAt: later }, next);
      expect(replaced.ok).toBe(false);
      expect(await keys.list(old.ownerId)).toEqual([]);
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
