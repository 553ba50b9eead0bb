import { describe, expect, it } from "vitest";
import { IDEMPOTENCY_TTL_MS, type IdempotencyRecord } from "#shared/domain/idempotency.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import type { IdempotencyStore } from "#shared/ports/idempotency-store.ts";
import { freshTaskId } from "#test/support/builders.ts";
import type { ManualClock } from "#test/support/clock.ts";

export interface IdempotencyStoreUnderTest {
  readonly idempotency: IdempotencyStore;
  readonly clock: ManualClock;
}

const STALE = { ok: false, error: { reason: "stale" } };
const SAVED = { ok: true, value: undefined };

/** What every `IdempotencyStore` promises. Run it against each implementation. */
export function idempotencyStoreContract(name: string, open: () => IdempotencyStoreUnderTest): void {
  const aRecord = (clock: ManualClock, over: Partial<IdempotencyRecord> = {}): IdempotencyRecord => {
    const now = clock.now().getTime();
    return {
      ownerId: asOwnerId("owner-1"),
      key: String(freshTaskId()),
      hash: "hash-1",
      newId: String(freshTaskId()),
      leaseUntil: new Date(now + 30_000),
      forgottenAt: new Date(now + IDEMPOTENCY_TTL_MS),
      version: 1,
      ...over,
    };
  };

  describe(`IdempotencyStore: ${name}`, () => {
    it("gives back what was saved, under its owner and key only", async () => {
      const { idempotency, clock } = open();
      const record = aRecord(clock, { key: 'a key # with "signs" ~' });
      expect(await idempotency.save(record)).toEqual(SAVED);
      expect(await idempotency.get(record.ownerId, record.key)).toEqual(record);
      expect(await idempotency.get(asOwnerId("owner-2"), record.key)).toBeUndefined();
      expect(await idempotency.get(record.ownerId, "another")).toBeUndefined();

      const body = JSON.stringify({ text: "你好 👋", nested: [1, null] });
      const answer = { status: 202, headers: { location: "/here" }, body };
      const answered = { ...record, answer, version: 2 };
      expect(await idempotency.save(answered)).toEqual(SAVED);
      expect(await idempotency.get(record.ownerId, record.key)).toEqual(answered);
    });

    it("lets one of many take a key", async () => {
      const { idempotency, clock } = open();
      const record = aRecord(clock);
      const saved = await Promise.all(
        Array.from({ length: 5 }, (_, index) => idempotency.save({ ...record, newId: `id-${index}` })),
      );
      expect(saved.filter(({ ok }) => ok)).toHaveLength(1);
    });

    it("refuses whoever has seen another version", async () => {
      const { idempotency, clock } = open();
      const record = aRecord(clock);
      expect(await idempotency.save({ ...record, version: 2 })).toEqual(STALE);
      await idempotency.save(record);
      expect(await idempotency.save({ ...record, version: 2 })).toEqual(SAVED);
      expect(await idempotency.save({ ...record, hash: "late", version: 2 })).toEqual(STALE);
      expect((await idempotency.get(record.ownerId, record.key))?.hash).toBe("hash-1");
    });

    it("forgets a key after its time, and lets it be taken anew", async () => {
      const { idempotency, clock } = open();
      const record = aRecord(clock);
      await idempotency.save(record);
      clock.advance(IDEMPOTENCY_TTL_MS - 1);
      expect(await idempotency.save(aRecord(clock, { key: record.key }))).toEqual(STALE);
      expect(await idempotency.get(record.ownerId, record.key)).toBeDefined();
      clock.advance(1);
      expect(await idempotency.get(record.ownerId, record.key)).toBeUndefined();
      const anew = aRecord(clock, { key: record.key, hash: "hash-2" });
      expect(await idempotency.save(anew)).toEqual(SAVED);
      expect(await idempotency.get(record.ownerId, record.key)).toEqual(anew);
    });

    it("keeps the largest answer that is kept", async () => {
      const { idempotency, clock } = open();
      const answer = { status: 200, headers: {}, body: `"${"x".repeat(300_000 - 2)}"` };
      const record = aRecord(clock, { answer });
      expect(await idempotency.save(record)).toEqual(SAVED);
      expect((await idempotency.get(record.ownerId, record.key))?.answer?.body).toHaveLength(300_000);
    });
  });
}
