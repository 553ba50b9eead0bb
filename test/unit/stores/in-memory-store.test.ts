import { dropStoreContract } from "#test/contracts/drop-store.ts";
import { mediaProgressStoreContract } from "#test/contracts/media-progress-store.ts";
import { taskStoreContract } from "#test/contracts/task-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const clock = manualClock();
const store = createInMemoryStore(clock);

taskStoreContract("in memory", () => ({ tasks: store.tasks, clock }));
dropStoreContract("in memory", () => store.drops);
mediaProgressStoreContract("in memory", () => store.media);
