import { describe, expect, it } from "vitest";
import { type AuditEntry, emptyHead, headAfter, type SealedEntry, sealEntry } from "#shared/domain/audit.ts";
import { asOwnerId, type OwnerId } from "#shared/domain/ids.ts";
import type { AuditStore } from "#shared/ports/audit-store.ts";

let serial = 0;

export const anAuditEntry = (ownerId: OwnerId, over: Partial<AuditEntry> = {}): AuditEntry => ({
  id: `01KE${String(++serial).padStart(22, "0")}`,
  at: new Date("2026-12-01T01:00:00.000Z"),
  ownerId,
  actor: { keyId: "0123456789ab" },
  action: "createTask",
  target: {},
  phase: "outcome",
  status: 202,
  requestId: `request-${serial}`,
  sourceIp: "192.0.2.1",
  ...over,
});

/** What every `AuditStore` promises. Run it against each implementation. */
export function auditStoreContract(name: string, open: () => AuditStore): void {
  const anOwner = () => asOwnerId(`owner-${process.pid}-${++serial}`);
  async function fill(store: AuditStore, ownerId: OwnerId, count: number): Promise<SealedEntry[]> {
    const sealed: SealedEntry[] = [];
    for (let made = 0; made < count; made++) {
      const entry = sealEntry(await store.getHead(ownerId, 3), anAuditEntry(ownerId));
      expect(await store.append(ownerId, entry)).toMatchObject({ ok: true });
      sealed.push(entry);
    }
    return sealed;
  }

  describe(`AuditStore: ${name}`, () => {
    it("begins with an empty head, and moves it with every entry", async () => {
      const store = open();
      const ownerId = anOwner();
      expect(await store.getHead(ownerId, 3)).toEqual(emptyHead(ownerId, 3));
      const [, last] = await fill(store, ownerId, 2);
      expect(await store.getHead(ownerId, 3)).toEqual(last && headAfter(last));
      expect(await store.getHead(ownerId, 4)).toEqual(emptyHead(ownerId, 4));
      expect(await store.follow(anOwner(), 3, 10, 0)).toEqual([]);
    });

    it("takes one of two entries for the same place, and overwrites none", async () => {
      const store = open();
      const ownerId = anOwner();
      const [first] = await fill(store, ownerId, 1);
      const stale = { ok: false, error: { reason: "stale" } };
      const rival = sealEntry(emptyHead(ownerId, 3), anAuditEntry(ownerId, { action: "rival" }));
      expect(await store.append(ownerId, rival)).toEqual(stale);
      expect(await store.append(ownerId, { ...rival, number: 3 })).toEqual(stale);
      expect(await store.follow(ownerId, 3, 10, 0)).toEqual([first]);
    });

    it("reads both ways, page by page", async () => {
      const store = open();
      const ownerId = anOwner();
      const sealed = await fill(store, ownerId, 12);
      expect(await store.follow(ownerId, 3, 5, 0)).toEqual(sealed.slice(0, 5));
      expect(await store.follow(ownerId, 3, 50, 5)).toEqual(sealed.slice(5));
      expect(await store.follow(ownerId, 3, 5, 12)).toEqual([]);
      const newest = sealed.toReversed();
      expect(await store.listNewest(ownerId, 3, 5)).toEqual(newest.slice(0, 5));
      expect(await store.listNewest(ownerId, 3, 50, 8)).toEqual(newest.slice(5));
      expect(await store.listNewest(ownerId, 3, 5, 1)).toEqual([]);
    });
  });
}
