import { consistencyStoreContract } from "#test/contracts/consistency-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryConsistency } from "#test/support/in-memory-consistency.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const inMemory = createInMemoryConsistency(createInMemoryStore(manualClock()));
consistencyStoreContract("in memory", () => inMemory);
