import { describe, expect, it } from "vitest";
import { Credentials, fingerprintOf } from "#shared/domain/credentials.ts";
import { asAccountId } from "#shared/domain/ids.ts";
import type { CredentialsRegister } from "#shared/ports/credentials-register.ts";
import type { CredentialsVault } from "#shared/ports/credentials-vault.ts";

let serial = 0;
const freshId = () => asAccountId(`account-${process.pid}-${++serial}`);
const at = (second: number): Date => new Date(Date.UTC(2026, 11, 1, 1, 0, second));

const pair = (n: number): Credentials =>
  new Credentials({
    kind: "oauth2",
    clientId: "client",
    clientSecret: "client-secret-风筝",
    refreshToken: `refresh-${n}`,
    accessToken: `access-${n}`,
    expiresAt: at(n),
  });

/** What every `CredentialsVault`, and the register of the same items, promises. Run it against each implementation. */
export function credentialsVaultContract(
  name: string,
  open: () => CredentialsVault & CredentialsRegister,
): void {
  const claim = (version: number, holder: string, second = 0, untilSecond = second + 20) => ({
    version,
    holder,
    now: at(second),
    until: at(untilSecond),
  });

  describe(`CredentialsVault: ${name}`, () => {
    it("gives back both kinds as they were connected", async () => {
      const vault = open();
      const oauth1 = new Credentials({
        kind: "oauth1",
        apiKey: "a",
        apiSecret: "b",
        accessToken: "c",
        accessSecret: "d",
      });
      for (const credentials of [oauth1, pair(1)]) {
        const id = freshId();
        expect(await vault.connect(id, credentials)).toMatchObject({ version: 1 });
        const stored = await vault.load(id);
        expect(stored?.credentials.reveal()).toEqual(credentials.reveal());
        expect(stored).toMatchObject({ version: 1, origin: fingerprintOf(credentials) });
      }
      expect(await vault.load(freshId())).toBeUndefined();
    });

    it("replaces what was connected before", async () => {
      const vault = open();
      const id = freshId();
      await vault.connect(id, pair(1));
      expect(await vault.connect(id, pair(2))).toMatchObject({ version: 2, origin: fingerprintOf(pair(2)) });
      expect((await vault.load(id))?.credentials.reveal()).toEqual(pair(2).reveal());
    });

    it("tells the kind without opening anything", async () => {
      const vault = open();
      const id = freshId();
      expect(await vault.describe(id)).toBeUndefined();
      await vault.connect(id, pair(1));
      expect(await vault.describe(id)).toEqual({ kind: "oauth2" });
      await vault.renew(id, pair(2), { version: 1, holder: "me" });
      expect(await vault.describe(id)).toEqual({ kind: "oauth2" });
    });

    it("removes them, for a renewal that is under way too", async () => {
      const vault = open();
      const id = freshId();
      await vault.remove(id);
      expect(await vault.load(id)).toBeUndefined();
      await vault.connect(id, pair(1));
      expect(await vault.claimRenewal(id, claim(1, "me"))).toMatchObject({ ok: true });
      await vault.remove(id);
      await vault.remove(id);
      expect(await vault.describe(id)).toBeUndefined();
      expect(await vault.load(id)).toBeUndefined();
      const stale = { ok: false, error: { reason: "stale" } };
      const late = { version: 1, holder: "me" };
      expect(await vault.renew(id, pair(2), late)).toEqual(stale);
      expect(await vault.load(id)).toBeUndefined();
      expect(await vault.connect(id, pair(3))).toMatchObject({ version: 3 });
      expect(await vault.renew(id, pair(2), late)).toEqual(stale);
      expect((await vault.load(id))?.credentials.reveal()).toEqual(pair(3).reveal());
    });

    it("grants a renewal to one holder at a time, and again to the same", async () => {
      const vault = open();
      const id = freshId();
      await vault.connect(id, pair(1));
      const claimed = await Promise.all(["a", "b", "c"].map((h) => vault.claimRenewal(id, claim(1, h))));
      expect(claimed.filter(({ ok }) => ok)).toHaveLength(1);
      expect(claimed.filter((answer) => !answer.ok && answer.error.reason === "taken")).toHaveLength(2);
      const winner = ["a", "b", "c"][claimed.findIndex(({ ok }) => ok)] ?? "";
      expect(await vault.claimRenewal(id, claim(1, winner))).toMatchObject({ ok: true });
    });

    it("grants it to another once it was given back or has ended", async () => {
      const vault = open();
      const id = freshId();
      await vault.connect(id, pair(1));
      await vault.claimRenewal(id, claim(1, "a"));
      await vault.releaseRenewal(id, "b");
      expect(await vault.claimRenewal(id, claim(1, "b"))).toMatchObject({ ok: false });
      await vault.releaseRenewal(id, "a");
      expect(await vault.claimRenewal(id, claim(1, "b", 0, 20))).toMatchObject({ ok: true });
      expect(await vault.claimRenewal(id, claim(1, "c", 19))).toMatchObject({ ok: false });
      expect(await vault.claimRenewal(id, claim(1, "c", 20))).toMatchObject({ ok: true });
    });

    it("grants it for the stored version only", async () => {
      const vault = open();
      const id = freshId();
      await vault.connect(id, pair(1));
      await vault.connect(id, pair(2));
      const stale = { ok: false, error: { reason: "stale" } };
      expect(await vault.claimRenewal(id, claim(1, "a"))).toEqual(stale);
      expect(await vault.claimRenewal(freshId(), claim(1, "a"))).toEqual(stale);
    });

    it("stores a renewed pair, keeps its origin and ends the claim", async () => {
      const vault = open();
      const id = freshId();
      await vault.connect(id, pair(1));
      await vault.claimRenewal(id, claim(1, "a"));
      expect(await vault.renew(id, pair(2), claim(1, "a"))).toMatchObject({
        ok: true,
        value: { version: 2, origin: fingerprintOf(pair(1)) },
      });
      expect((await vault.load(id))?.credentials.reveal()).toEqual(pair(2).reveal());
      expect(await vault.claimRenewal(id, claim(2, "b"))).toMatchObject({ ok: true });
    });

    it("stores the pair of a holder whose claim has ended: it is the valid one", async () => {
      const vault = open();
      const id = freshId();
      await vault.connect(id, pair(1));
      await vault.claimRenewal(id, claim(1, "a"));
      await vault.claimRenewal(id, claim(1, "b", 30));
      expect(await vault.renew(id, pair(2), claim(1, "a"))).toMatchObject({ ok: true });
      expect(await vault.renew(id, pair(3), claim(1, "b"))).toEqual({
        ok: false,
        error: { reason: "stale" },
      });
      expect((await vault.load(id))?.credentials.reveal()).toEqual(pair(2).reveal());
    });

    it("takes the repeat of our own renewal for what it is", async () => {
      const vault = open();
      const id = freshId();
      await vault.connect(id, pair(1));
      await vault.renew(id, pair(2), claim(1, "a"));
      expect(await vault.renew(id, pair(2), claim(1, "a"))).toMatchObject({
        ok: true,
        value: { version: 2 },
      });
      expect(await vault.load(id)).toMatchObject({ version: 2 });
    });

    it("drops a renewal that a new connection has overtaken", async () => {
      const vault = open();
      const id = freshId();
      await vault.connect(id, pair(1));
      await vault.claimRenewal(id, claim(1, "a"));
      await vault.connect(id, pair(9));
      expect(await vault.renew(id, pair(2), claim(1, "a"))).toMatchObject({ ok: false });
      expect((await vault.load(id))?.credentials.reveal()).toEqual(pair(9).reveal());
    });
  });
}
