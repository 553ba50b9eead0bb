import { describe, expect, it } from "vitest";
import { asOwnerId, asUserId } from "#shared/domain/ids.ts";
import { formatSessionToken, newSession, SESSION_MS, SESSION_RANDOM_BYTES } from "#shared/domain/session.ts";
import { ACCOUNT_RULE, countAttempt } from "#shared/domain/session-attempts.ts";
import type { AttemptStore, SessionStore } from "#shared/ports/session-store.ts";
import type { ManualClock } from "#test/support/clock.ts";

let serial = 0;

/** What every `SessionStore` and `AttemptStore` promises. Run it against each implementation. */
export function sessionStoreContract(
  name: string,
  open: () => { readonly store: SessionStore & AttemptStore; readonly clock: ManualClock },
): void {
  const anOwner = () => asOwnerId(`owner-${process.pid}-${++serial}`);
  const aSession = (now: Date, ownerId = anOwner()) => {
    const token = formatSessionToken(ownerId, new Uint8Array(SESSION_RANDOM_BYTES).fill(++serial));
    return newSession(token, { ownerId, userId: asUserId("01KU"), sourceIp: "192.0.2.1" }, now);
  };
  const plus = (at: Date, ms: number) => new Date(at.getTime() + ms);

  describe(`SessionStore: ${name}`, () => {
    it("gives back what was added, to its owner only", async () => {
      const { store, clock } = open();
      const session = aSession(clock.now());
      await store.add(session);
      expect(await store.get(session.ownerId, session.hash)).toEqual(session);
      expect(await store.get(anOwner(), session.hash)).toBeUndefined();
      expect(await store.list(anOwner())).toEqual([]);
    });

    it("lists oldest first, and forgets what is past its end", async () => {
      const { store, clock } = open();
      const first = aSession(clock.now());
      const second = aSession(plus(clock.now(), 1_000), first.ownerId);
      for (const session of [second, first]) await store.add(session);
      expect(await store.list(first.ownerId)).toEqual([first, second]);
      clock.advance(SESSION_MS);
      expect(await store.list(first.ownerId)).toEqual([second]);
      expect(await store.get(first.ownerId, first.hash)).toBeUndefined();
    });

    it("notes the latest use, and brings no ended session back by it", async () => {
      const { store, clock } = open();
      const session = aSession(clock.now());
      await store.add(session);
      const later = plus(clock.now(), 120_000);
      await store.touch(session, later);
      await store.touch(session, plus(clock.now(), 60_000));
      expect(await store.get(session.ownerId, session.hash)).toEqual({ ...session, lastSeenAt: later });
      await store.remove([session]);
      await store.remove([session]);
      await store.touch(session, plus(later, 1));
      expect(await store.get(session.ownerId, session.hash)).toBeUndefined();
    });

    it("ends many at once, and no other", async () => {
      const { store, clock } = open();
      const kept = aSession(clock.now());
      const ended = Array.from({ length: 30 }, () => aSession(clock.now(), kept.ownerId));
      for (const session of [kept, ...ended]) await store.add(session);
      await store.remove(ended);
      expect(await store.list(kept.ownerId)).toEqual([kept]);
      await store.remove([]);
    });

    it("counts attempts one after the other: of two at once one is stale", async () => {
      const { store, clock } = open();
      const key = `key-${process.pid}-${++serial}`;
      expect(await store.getAttempts(key)).toBeUndefined();
      const first = countAttempt(undefined, key, ACCOUNT_RULE, clock.now());
      if (!first.ok) throw new Error("the first is free");
      expect(await store.saveAttempts(first.value)).toMatchObject({ ok: true });
      expect(await store.saveAttempts({ ...first.value, count: 9 })).toEqual({
        ok: false,
        error: { reason: "stale" },
      });
      expect(await store.getAttempts(key)).toEqual(first.value);
      const blocked = { ...first.value, blockedUntil: plus(clock.now(), 2_000), version: 2 };
      expect(await store.saveAttempts(blocked)).toMatchObject({ ok: true });
      expect(await store.getAttempts(key)).toEqual(blocked);
    });
  });
}
