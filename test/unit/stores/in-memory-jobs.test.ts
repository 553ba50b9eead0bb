import { jobStoreContract } from "#test/contracts/job-store.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryJobs } from "#test/support/in-memory-jobs.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const clock = manualClock();
const jobs = createInMemoryJobs(clock);
const { tasks } = createInMemoryStore(clock, jobs.due);

jobStoreContract("in memory", () => ({
  jobs,
  clock,
  listDue: (shard, now) => tasks.listDue(shard, now, 1_000),
}));
