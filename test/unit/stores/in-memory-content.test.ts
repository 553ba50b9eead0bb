import { draftStoreContract } from "#test/contracts/draft-store.ts";
import { mediumStoreContract } from "#test/contracts/medium-store.ts";
import { poolCountsContract } from "#test/contracts/pool-counts.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryDrafts } from "#test/support/in-memory-drafts.ts";
import { createInMemoryMedia } from "#test/support/in-memory-media.ts";
import { createInMemoryPoolCounts } from "#test/support/in-memory-pool-counts.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

draftStoreContract("in memory", createInMemoryDrafts);
mediumStoreContract("in memory", () => {
  const clock = manualClock();
  return { clock, media: createInMemoryMedia(clock) };
});
poolCountsContract("in memory", () => {
  const { tasks } = createInMemoryStore(manualClock());
  return { tasks, counts: createInMemoryPoolCounts(tasks), bounded: createInMemoryPoolCounts(tasks, 6) };
});
