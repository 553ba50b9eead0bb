import { describe, expect, it, vi } from "vitest";
import { asJobId, asOwnerId, type JobId } from "#shared/domain/ids.ts";
import type { JobWish } from "#shared/domain/job.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import { createChangeJob } from "#shared/usecases/change-job.ts";
import { createCreateJob } from "#shared/usecases/create-job.ts";
import { createDeleteJob } from "#shared/usecases/delete-job.ts";
import { createListJobs } from "#shared/usecases/list-jobs.ts";
import { createReadJob } from "#shared/usecases/read-job.ts";
import { createSwitchJob } from "#shared/usecases/switch-job.ts";
import { createTriggerJob } from "#shared/usecases/trigger-job.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryJobs } from "#test/support/in-memory-jobs.ts";

const anne = asOwnerId("anne");
const wishFor = (name: string, over: Partial<JobWish> = {}): JobWish => ({
  name,
  action: { type: "publishing-run" },
  schedule: { kind: "interval", everyMs: 3_600_000 },
  enabled: true,
  ...over,
});
const CONFLICT = { ok: false, error: { reason: "conflict" } };

function setUp() {
  const clock = manualClock();
  const jobs: JobStore = { ...createInMemoryJobs(clock) };
  const accounts = createInMemoryAccounts();
  const entropy = { newId: () => String(freshTaskId()) };
  const deps = { jobs, accounts, clock, entropy };
  const createJob = createCreateJob(deps);
  return {
    clock,
    jobs,
    createJob,
    changeJob: createChangeJob(deps),
    deleteJob: createDeleteJob(deps),
    listJobs: createListJobs(deps),
    readJob: createReadJob(deps),
    switchJob: createSwitchJob(deps),
    triggerJob: createTriggerJob(deps),
    async make(name: string): Promise<JobId> {
      const created = await createJob(anne, wishFor(name));
      if (!created.ok) throw new Error(created.error.reason);
      return created.value.id;
    },
    /** Somebody else writes between the next read and its write. */
    race(write: () => Promise<unknown>) {
      const { save } = jobs;
      vi.spyOn(jobs, "save").mockImplementationOnce(async (...args) => {
        await write();
        return save(...args);
      });
    },
  };
}

describe("jobs that are made at the same time", () => {
  it("have each name once", async () => {
    const { createJob, listJobs } = setUp();
    const made = await Promise.all(["a", "a", "b", "c"].map((name) => createJob(anne, wishFor(name))));
    expect(made.map((one) => (one.ok ? one.value.name : one.error.reason)).toSorted()).toEqual([
      "a",
      "b",
      "c",
      "name-taken",
    ]);
    expect((await listJobs(anne)).map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  it("are 50 at most", async () => {
    const { createJob, listJobs, make } = setUp();
    for (let index = 0; index < 48; index++) await make(`job ${index}`);
    const made = await Promise.all(["x", "y", "z"].map((name) => createJob(anne, wishFor(name))));
    expect(made.filter(({ ok }) => ok)).toHaveLength(2);
    expect(made.filter(({ ok }) => !ok)).toEqual([{ ok: false, error: { reason: "too-many", limit: 50 } }]);
    expect(await listJobs(anne)).toHaveLength(50);
    expect(await listJobs(asOwnerId("bela"))).toEqual([]);
  });

  it("are refused after five races, and nothing is left of them", async () => {
    const { createJob, jobs, listJobs } = setUp();
    const save = vi.spyOn(jobs, "save").mockResolvedValue({ ok: false, error: { reason: "stale" } });
    expect(await createJob(anne, wishFor("a"))).toEqual(CONFLICT);
    expect(save).toHaveBeenCalledTimes(5);
    expect(await listJobs(anne)).toEqual([]);
  });
});

describe("a change", () => {
  it("decides again when the job was written meanwhile, and loses nothing of that", async () => {
    const { make, race, triggerJob, switchJob, changeJob, readJob, clock } = setUp();
    const id = await make("a");
    race(() => triggerJob(anne, id));
    expect(await changeJob(anne, id, wishFor("b"))).toMatchObject({ ok: true });
    expect(await readJob(anne, id)).toMatchObject({
      value: { name: "b", triggeredAt: clock.now(), version: 3 },
    });
    race(() => changeJob(anne, id, wishFor("c")));
    expect(await switchJob(anne, id, false)).toMatchObject({ ok: true, value: { name: "c" } });
  });

  it.each(["changeJob", "switchJob", "triggerJob", "deleteJob"] as const)(
    "gives up after five races: %s",
    async (name) => {
      const { make, jobs, ...usecases } = setUp();
      const id = await make("a");
      const save = vi.spyOn(jobs, "save").mockResolvedValue({ ok: false, error: { reason: "stale" } });
      const act = {
        changeJob: () => usecases.changeJob(anne, id, wishFor("b")),
        switchJob: () => usecases.switchJob(anne, id, false),
        triggerJob: () => usecases.triggerJob(anne, id),
        deleteJob: () => usecases.deleteJob(anne, id),
      };
      expect(await act[name]()).toEqual(CONFLICT);
      expect(save).toHaveBeenCalledTimes(5);
    },
  );

  it("of a name keeps names unique", async () => {
    const { make, changeJob, createJob } = setUp();
    await make("a");
    const id = await make("b");
    expect(await changeJob(anne, id, wishFor("a"))).toEqual({
      ok: false,
      error: { reason: "name-taken", name: "a" },
    });
    expect(await changeJob(anne, id, wishFor("c"))).toMatchObject({ ok: true });
    expect(await createJob(anne, wishFor("c"))).toMatchObject({ error: { reason: "name-taken" } });
    expect(await createJob(anne, wishFor("b"))).toMatchObject({ ok: true });
  });

  it("of a schedule that never comes is refused, and the job stays as it was", async () => {
    const { make, changeJob, readJob } = setUp();
    const id = await make("a");
    const before = await readJob(anne, id);
    const never = wishFor("a", { schedule: { kind: "cron", cron: "0 0 30 2 *", timeZone: "UTC" } });
    expect(await changeJob(anne, id, never)).toMatchObject({ error: { reason: "bad-schedule" } });
    expect(await readJob(anne, id)).toEqual(before);
  });
});

describe("a deleted job", () => {
  it("is gone for everybody, and its name is free", async () => {
    const { make, deleteJob, readJob, listJobs, triggerJob, switchJob, changeJob } = setUp();
    const id = await make("a");
    expect(await deleteJob(anne, id)).toMatchObject({ ok: true });
    const gone = { ok: false, error: { reason: "not-found" } };
    expect([
      await readJob(anne, id),
      await triggerJob(anne, id),
      await switchJob(anne, id, true),
      await changeJob(anne, id, wishFor("b")),
      await deleteJob(anne, id),
    ]).toEqual([gone, gone, gone, gone, gone]);
    expect(await listJobs(anne)).toEqual([]);
    expect(await make("a")).not.toBe(id);
  });
});

it("another owner's job does not exist", async () => {
  const { make, deleteJob, readJob, triggerJob } = setUp();
  const id = await make("a");
  const bela = asOwnerId("bela");
  const gone = { ok: false, error: { reason: "not-found" } };
  expect([await readJob(bela, id), await triggerJob(bela, id), await deleteJob(bela, id)]).toEqual([
    gone,
    gone,
    gone,
  ]);
  expect(await readJob(anne, asJobId("nobody"))).toEqual(gone);
  expect(await readJob(anne, id)).toMatchObject({ ok: true });
});
