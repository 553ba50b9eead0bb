import { circuitStoreContract, sharedCountersContract } from "#test/contracts/shared-counters.ts";
import { createInMemoryCircuits, createInMemoryCounters } from "#test/support/in-memory-counters.ts";

const counters = createInMemoryCounters();
sharedCountersContract("in memory", () => counters);
circuitStoreContract("in memory", async () => createInMemoryCircuits());
