import { describe, expect, it } from "vitest";
import { asAttemptId } from "#shared/domain/ids.ts";
import { TIMING } from "#shared/domain/timing.ts";
import type { PublisherSlots } from "#shared/ports/publisher-slots.ts";
import type { ManualClock } from "#test/support/clock.ts";

export interface SlotsUnderTest {
  /** Nobody has one yet. */
  readonly slots: PublisherSlots;
  readonly clock: ManualClock;
}

const attempt = (name: string | number) => asAttemptId(`attempt-${name}`);

/** What every `PublisherSlots` promises. */
export function publisherSlotsContract(name: string, open: () => Promise<SlotsUnderTest>): void {
  /** How many of these get one, one after the other. */
  async function countTaken(slots: PublisherSlots, tries: number, most: number, name = "other") {
    let taken = 0;
    for (let index = 0; index < tries; index++)
      if ((await slots.take(attempt(`${name}-${index}`), most)) !== undefined) taken++;
    return taken;
  }

  describe(`PublisherSlots: ${name}`, () => {
    it("gives a slot of its own to each, and none to one too many", async () => {
      const { slots } = await open();
      const taken: (number | undefined)[] = [];
      for (let index = 0; index < 5; index++) taken.push(await slots.take(attempt(index), 4));
      expect(taken.slice(0, 4).toSorted()).toEqual([0, 1, 2, 3]);
      expect(taken[4]).toBeUndefined();
    });

    it("never has more than `most` holders, however many ask at once, and leaves none unused", async () => {
      const { slots } = await open();
      const asked = Array.from({ length: 30 }, (_, index) => slots.take(attempt(index), 7));
      const taken = (await Promise.all(asked)).filter((slot) => slot !== undefined);
      expect(new Set(taken).size).toBe(taken.length);
      // Those that lost the race for the same free ones come again.
      expect(taken.length + (await countTaken(slots, 10, 7))).toBe(7);
    });

    it("gives to the next what was given back", async () => {
      const { slots } = await open();
      const mine = await slots.take(attempt("mine"), 1);
      expect(await slots.take(attempt("next"), 1)).toBeUndefined();
      await slots.giveBack(mine ?? Number.NaN, attempt("mine"));
      expect(await slots.take(attempt("next"), 1)).toBe(mine);
    });

    it("lets nobody give back what is somebody else's", async () => {
      const { slots } = await open();
      const mine = await slots.take(attempt("mine"), 1);
      await slots.giveBack(mine ?? Number.NaN, attempt("other"));
      await slots.giveBack(0, attempt("nobody"));
      expect(await slots.take(attempt("next"), 1)).toBeUndefined();
    });

    it("frees the slot of a holder that died when its lease is over, and not before", async () => {
      const { slots, clock } = await open();
      const died = await slots.take(attempt("died"), 1);
      clock.advance(TIMING.publish.leaseMs - 1);
      expect(await slots.take(attempt("early"), 1)).toBeUndefined();
      clock.advance(1);
      expect(await slots.take(attempt("next"), 1)).toBe(died);
      // It was only frozen: what it gives back is not its own any more.
      await slots.giveBack(died ?? Number.NaN, attempt("died"));
      expect(await slots.take(attempt("third"), 1)).toBeUndefined();
    });

    it("follows a setting that is raised or lowered while slots are taken", async () => {
      const { slots } = await open();
      const held = new Map<number, string>();
      for (let index = 0; index < 3; index++) {
        const slot = await slots.take(attempt(`first-${index}`), 3);
        if (slot !== undefined) held.set(slot, `first-${index}`);
      }
      expect(await countTaken(slots, 1, 1)).toBe(0);
      expect(await countTaken(slots, 5, 5)).toBe(2);
      await slots.giveBack(2, attempt(held.get(2) ?? ""));
      expect(await slots.take(attempt("lowered"), 2)).toBeUndefined();
      expect(await slots.take(attempt("raised"), 3)).toBe(2);
    });
  });
}
