import { batchStoreContract } from "#test/contracts/batch-store.ts";
import { runStoreContract } from "#test/contracts/run-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryBatches } from "#test/support/in-memory-batches.ts";
import { createInMemoryRuns } from "#test/support/in-memory-runs.ts";

const batches = createInMemoryBatches();
batchStoreContract("in memory", () => batches);

const clock = manualClock();
const runs = createInMemoryRuns(clock);
runStoreContract("in memory", () => ({
  runs,
  clock,
  listDue: async (shard, now) => runs.listDue(shard, now),
}));
