import type { Totals, TotalsSlice } from "#shared/domain/totals.ts";

/** Counts of the deployment, and of each five minutes. Passes `test/contracts/totals-store.ts`. */
export interface TotalsStore {
  /**
   * Adds to the counts of the deployment and to the slice of `at`. A repeat after a lost answer may count twice; an end
   * between the two leaves one of them behind.
   *
   * @param keepUntil - nobody asks for the slice after this
   */
  add(totals: Totals, at: Date, keepUntil: Date): Promise<void>;
  /** Since the first count. `undefined`: nothing was counted yet. */
  read(): Promise<{ readonly since: Date; readonly totals: Totals } | undefined>;
  /** Slices with counts that begin from `from` on and before `until`; earliest first. May lag by a second. */
  listSlices(from: Date, until: Date): Promise<readonly TotalsSlice[]>;
}
