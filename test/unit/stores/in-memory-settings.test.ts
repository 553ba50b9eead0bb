import { publisherSlotsContract } from "#test/contracts/publisher-slots.ts";
import { settingsStoreContract } from "#test/contracts/settings-store.ts";
import { totalsStoreContract } from "#test/contracts/totals-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemorySettings } from "#test/support/in-memory-settings.ts";
import { createInMemorySlots } from "#test/support/in-memory-slots.ts";
import { createInMemoryTotals } from "#test/support/in-memory-totals.ts";

settingsStoreContract("in memory", async () => createInMemorySettings());
publisherSlotsContract("in memory", async () => {
  const clock = manualClock();
  return { slots: createInMemorySlots(clock), clock };
});
totalsStoreContract("in memory", async () => {
  const clock = manualClock();
  return { totals: createInMemoryTotals(clock), clock };
});
