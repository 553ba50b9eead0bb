import type { RequestWindow } from "#shared/domain/request-budget.ts";

/** Counts requests. Passes `test/contracts/request-budget-store.ts`. */
export interface RequestBudgetStore {
  /**
   * Counts one more request of the window, at once for everybody. One whose answer was lost may count twice.
   *
   * @returns how many there were, this one included
   */
  count(window: RequestWindow): Promise<number>;
}
