import { addTotals, sliceOf, type Totals } from "#shared/domain/totals.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { TotalsStore } from "#shared/ports/totals-store.ts";

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryTotals(clock: Pick<Clock, "now">): TotalsStore {
  let whole: { readonly since: Date; readonly totals: Totals } | undefined;
  const slices = new Map<number, { readonly totals: Totals; readonly keepUntil: Date }>();
  return {
    async add(totals, at, keepUntil) {
      if (Object.values(totals).every((value) => value === 0)) return;
      whole = { since: whole?.since ?? at, totals: addTotals(whole?.totals ?? {}, totals) };
      const startMs = sliceOf(at).getTime();
      slices.set(startMs, { totals: addTotals(slices.get(startMs)?.totals ?? {}, totals), keepUntil });
    },
    async read() {
      return whole;
    },
    async listSlices(from, until) {
      return [...slices]
        .filter(
          ([startMs, { keepUntil }]) =>
            startMs >= from.getTime() && startMs < until.getTime() && keepUntil > clock.now(),
        )
        .toSorted(([one], [other]) => one - other)
        .map(([startMs, { totals }]) => ({ startAt: new Date(startMs), totals }));
    },
  };
}
