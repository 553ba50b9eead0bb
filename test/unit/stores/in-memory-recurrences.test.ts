import { recurrenceStoreContract } from "#test/contracts/recurrence-store.ts";
import { createInMemoryRecurrences } from "#test/support/in-memory-recurrences.ts";

const recurrences = createInMemoryRecurrences();
recurrenceStoreContract("in memory", () => recurrences);
