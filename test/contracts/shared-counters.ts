import { describe, expect, it } from "vitest";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { CircuitStore } from "#shared/ports/circuit-store.ts";
import type { SharedCounter, SharedCounters } from "#shared/ports/shared-counters.ts";

let serial = 0;
const aSpend = (): SharedCounter => ({
  kind: "project-spend",
  ownerId: asOwnerId("owner-1"),
  projectId: asProjectId(`project-${process.pid}-${++serial}`),
  month: "2026-12",
});
/** A day of its own, so that suites can share a table. */
const aDay = (): SharedCounter => ({
  kind: "app-day",
  day: `2${String(process.pid % 1_000).padStart(3, "0")}-01-${String(++serial + 10).padStart(2, "0")}`,
});

/** What every `SharedCounters` promises. */
export function sharedCountersContract(name: string, open: () => SharedCounters): void {
  describe(`SharedCounters: ${name}`, () => {
    it("counts what is taken and what is given back", async () => {
      const counters = open();
      const counter = aSpend();
      expect(await counters.read(counter)).toBe(0);
      expect(await counters.take(counter, 200_000, 1_000_000)).toBe(true);
      expect(await counters.take(counter, 15_000, 1_000_000)).toBe(true);
      await counters.giveBack(counter, 200_000);
      expect(await counters.read(counter)).toBe(15_000);
    });

    it("never passes the limit, however many take at once", async () => {
      const counters = open();
      const counter = aSpend();
      const taken = await Promise.all(Array.from({ length: 12 }, () => counters.take(counter, 3, 20)));
      expect(taken.filter(Boolean)).toHaveLength(6);
      expect(await counters.read(counter)).toBe(18);
    });

    it("refuses more than the limit at once, and writes nothing", async () => {
      const counters = open();
      const counter = aSpend();
      expect(await counters.take(counter, 21, 20)).toBe(false);
      expect(await counters.read(counter)).toBe(0);
    });

    it("uses a day's limit up wherever its parts are kept", async () => {
      const counters = open();
      const counter = aDay();
      const taken = await Promise.all(Array.from({ length: 25 }, () => counters.take(counter, 1, 20)));
      expect(taken.filter(Boolean)).toHaveLength(20);
      expect(await counters.read(counter)).toBe(20);
    });

    it("lets others take what was given back, and no more", async () => {
      const counters = open();
      for (const counter of [aSpend(), aDay()]) {
        for (let unit = 0; unit < 20; unit++) expect(await counters.take(counter, 1, 20)).toBe(true);
        await counters.giveBack(counter, 1);
        await counters.giveBack(counter, 1);
        const taken = await Promise.all(Array.from({ length: 5 }, () => counters.take(counter, 1, 20)));
        expect(taken.filter(Boolean)).toHaveLength(2);
        expect(await counters.read(counter)).toBe(20);
      }
    });

    it("takes everything under no limit", async () => {
      const counters = open();
      const counter = aSpend();
      expect(await counters.take(counter, 200_000, Number.MAX_SAFE_INTEGER)).toBe(true);
      expect(await counters.read(counter)).toBe(200_000);
    });

    it("refuses everything under a limit of nothing", async () => {
      const counters = open();
      const counter = aSpend();
      expect(await counters.take(counter, 1, 0)).toBe(false);
      expect(await counters.read(counter)).toBe(0);
    });

    it("keeps every period and project apart", async () => {
      const counters = open();
      const counter = aSpend();
      await counters.take(counter, 5, 10);
      expect(await counters.read({ ...counter, month: "2027-01" } as SharedCounter)).toBe(0);
      expect(await counters.read(aSpend())).toBe(0);
    });
  });
}

/**
 * What every `CircuitStore` promises.
 *
 * @param open - a store in which nothing was written yet: there is one circuit for all
 */
export function circuitStoreContract(name: string, open: () => Promise<CircuitStore>): void {
  const openUntil = new Date("2026-12-01T01:00:00.250Z");
  const STALE = { ok: false, error: { reason: "stale" } };

  describe(`CircuitStore: ${name}`, () => {
    it("starts closed", async () => {
      const circuits = await open();
      expect(await circuits.get()).toEqual({ failures: 0, version: 0 });
    });

    it("gives back what was saved, without what a change removed", async () => {
      const circuits = await open();
      const probed = { failures: 6, openUntil, probeUntil: openUntil, version: 1 };
      expect(await circuits.save(probed)).toEqual({ ok: true, value: undefined });
      expect(await circuits.get()).toEqual(probed);
      await circuits.save({ failures: 0, version: 2 });
      expect(await circuits.get()).toEqual({ failures: 0, version: 2 });
    });

    it("replaces exactly the version that was read", async () => {
      const circuits = await open();
      expect(await circuits.save({ failures: 1, version: 2 })).toEqual(STALE);
      expect(await circuits.save({ failures: 1, version: 1 })).toMatchObject({ ok: true });
      expect(await circuits.save({ failures: 9, version: 1 })).toEqual(STALE);
      expect(await circuits.save({ failures: 9, version: 3 })).toEqual(STALE);
      expect(await circuits.get()).toEqual({ failures: 1, version: 1 });
    });

    it("lets one of several probes through", async () => {
      const circuits = await open();
      await circuits.save({ failures: 6, openUntil, version: 1 });
      const probes = await Promise.all(
        Array.from({ length: 5 }, () =>
          circuits.save({ failures: 6, openUntil, probeUntil: openUntil, version: 2 }),
        ),
      );
      expect(probes.filter(({ ok }) => ok)).toHaveLength(1);
    });
  });
}
