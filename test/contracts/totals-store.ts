import { describe, expect, it } from "vitest";
import { SLICE_MS, sliceOf } from "#shared/domain/totals.ts";
import type { TotalsStore } from "#shared/ports/totals-store.ts";
import type { ManualClock } from "#test/support/clock.ts";

export interface TotalsUnderTest {
  /** Nothing was counted yet. */
  readonly totals: TotalsStore;
  readonly clock: ManualClock;
}

/** What every `TotalsStore` promises. */
export function totalsStoreContract(name: string, open: () => Promise<TotalsUnderTest>): void {
  describe(`TotalsStore: ${name}`, () => {
    async function setUp() {
      const { totals, clock } = await open();
      const now = clock.now();
      const at = (ms: number) => new Date(now.getTime() + ms);
      return { totals, clock, at, keepUntil: at(86_400_000) };
    }

    it("has nothing until something is counted", async () => {
      const { totals, at } = await setUp();
      expect(await totals.read()).toBeUndefined();
      expect(await totals.listSlices(at(-SLICE_MS), at(SLICE_MS))).toEqual([]);
    });

    it("adds up what many add at once, since the first of them", async () => {
      const { totals, at, keepUntil } = await setUp();
      await totals.add({ posts: 1, "tasks/published": 2 }, at(0), keepUntil);
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          totals.add({ posts: 2, latenessMs: index }, at(index), keepUntil),
        ),
      );
      expect(await totals.read()).toEqual({
        since: at(0),
        totals: { posts: 41, "tasks/published": 2, latenessMs: 190 },
      });
    });

    it("takes more counts at once than one write has room for", async () => {
      const { totals, at, keepUntil } = await setUp();
      const many = Object.fromEntries(
        Array.from({ length: 250 }, (_, index) => [`requests/route${index}/2xx`, index + 1]),
      );
      await totals.add(many, at(0), keepUntil);
      expect((await totals.read())?.totals).toEqual(many);
      expect((await totals.listSlices(sliceOf(at(0)), at(1)))[0]?.totals).toEqual(many);
    });

    it("keeps slices apart, and lists those of a span, earliest first, over midnight too", async () => {
      const { totals, at, keepUntil } = await setUp();
      const midnight = new Date("2026-12-02T00:00:00.000Z");
      const from = (ms: number) => new Date(midnight.getTime() + ms);
      for (const [slice, posts] of [-2, -1, 0, 1].entries())
        await totals.add({ posts: slice + 1 }, from(posts * SLICE_MS + 1), keepUntil);
      await totals.add({ posts: 10 }, from(SLICE_MS - 1), keepUntil);
      expect(await totals.listSlices(from(-SLICE_MS), from(SLICE_MS))).toEqual([
        { startAt: from(-SLICE_MS), totals: { posts: 2 } },
        { startAt: from(0), totals: { posts: 13 } },
      ]);
      expect(await totals.listSlices(from(SLICE_MS), from(SLICE_MS + 1))).toEqual([
        { startAt: from(SLICE_MS), totals: { posts: 4 } },
      ]);
      expect((await totals.listSlices(at(0), from(0))).map(({ startAt }) => startAt)).toEqual([
        from(-2 * SLICE_MS),
        from(-SLICE_MS),
      ]);
    });

    it("forgets a slice when it is kept no longer, deleted or not, and never the whole", async () => {
      const { totals, clock, at } = await setUp();
      await totals.add({ posts: 1 }, at(0), at(60_000));
      const list = () => totals.listSlices(sliceOf(at(0)), at(1));
      expect(await list()).toHaveLength(1);
      clock.advance(60_000);
      expect(await list()).toEqual([]);
      expect((await totals.read())?.totals).toEqual({ posts: 1 });
    });

    it("writes nothing for nothing", async () => {
      const { totals, at, keepUntil } = await setUp();
      await totals.add({}, at(0), keepUntil);
      await totals.add({ posts: 0 }, at(0), keepUntil);
      expect(await totals.read()).toBeUndefined();
    });
  });
}
