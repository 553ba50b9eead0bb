import { describe, expect, it } from "vitest";
import { ANONYMOUS_BUDGET, HOUR_MS, windowOf } from "#shared/domain/request-budget.ts";
import type { RequestBudgetStore } from "#shared/ports/request-budget-store.ts";

const NOW = new Date("2026-12-01T01:00:10.000Z");
const HOURLY = { name: "hour", limit: 1_000, windowMs: HOUR_MS };

/** What every `RequestBudgetStore` promises. Run it against each implementation. */
export function requestBudgetStoreContract(name: string, open: () => RequestBudgetStore): void {
  describe(`RequestBudgetStore: ${name}`, () => {
    it("counts every request of a window once, also those at the same time", async () => {
      const window = windowOf("KEY#many", HOURLY, NOW);
      const store = open();
      const counts = await Promise.all(Array.from({ length: 20 }, () => store.count(window)));
      expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    });

    it("counts senders, windows, and windows of other lengths apart", async () => {
      const store = open();
      for (const window of [
        windowOf("KEY#a", HOURLY, NOW),
        windowOf("KEY#b", HOURLY, NOW),
        windowOf("KEY#a", HOURLY, new Date(NOW.getTime() + HOUR_MS)),
        windowOf("KEY#a", ANONYMOUS_BUDGET, NOW),
      ])
        expect(await store.count(window)).toBe(1);
      expect(await store.count(windowOf("KEY#a", HOURLY, NOW))).toBe(2);
    });
  });
}
