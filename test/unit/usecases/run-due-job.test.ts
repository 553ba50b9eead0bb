import { describe, expect, it, vi } from "vitest";
import { asJobId, asOwnerId, asProjectId, type JobId } from "#shared/domain/ids.ts";
import { type JobAction, type JobWish, newJob } from "#shared/domain/job.ts";
import { asRunId } from "#shared/domain/run.ts";
import { newSource } from "#shared/domain/source.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { FillDays } from "#shared/usecases/fill-days.ts";
import { createReadJobHistory } from "#shared/usecases/read-job-history.ts";
import { createRunDueJob } from "#shared/usecases/run-due-job.ts";
import { createStartRun } from "#shared/usecases/start-run.ts";
import { createSwitchJob } from "#shared/usecases/switch-job.ts";
import { createTriggerJob } from "#shared/usecases/trigger-job.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { OWNER, setUpPublishing } from "#test/support/publishing.ts";

const start = new Date("2026-12-01T03:00:00.000Z");
const at = (ms: number) => new Date(start.getTime() + ms);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const FOREVER = new Date(8.64e15);
const RUN: JobAction = { type: "publishing-run" };
const SCAN: JobAction = { type: "scan-source", project: "default" };
const FILL: JobAction = { type: "fill-days", project: "default" };

async function setUp() {
  const world = await setUpPublishing({ now: start });
  // The project's own source: looked through once an hour.
  await world.accounts.claimScan({ folder: "default" }, start);
  const { jobs, runs, accounts, intake, fillDays, clock } = world;
  const entropy = { newId: () => String(freshTaskId()), random: () => 0.5 };
  const faults: unknown[] = [];
  const report = (error: unknown) => faults.push(error);
  /** A sweeper; several of them share what is stored. */
  const aRunner = (over: Partial<Parameters<typeof createRunDueJob>[0]> = {}) => {
    const deps = {
      jobs,
      runs,
      accounts,
      intake,
      startRun: createStartRun({ runs, clock, entropy }),
      fillDays,
      clock,
      ...over,
    };
    const runDueJob = createRunDueJob(deps);
    return (id: JobId, deadline = FOREVER) => runDueJob(id, deadline, report);
  };
  const readHistory = createReadJobHistory({ jobs, clock });
  return {
    ...world,
    faults,
    aRunner,
    run: aRunner(),
    async put(action: JobAction, over: Partial<JobWish> = {}, ownerId = OWNER) {
      const wish = { name: "job", schedule: { kind: "interval", everyMs: HOUR }, enabled: true } as const;
      const job = newJob(asJobId(String(freshTaskId())), ownerId, { ...wish, action, ...over }, clock.now());
      await jobs.save(job);
      return job;
    },
    async history(id: JobId, ownerId = OWNER) {
      const read = await readHistory(ownerId, id, { limit: 100 });
      if (!read.ok) throw new Error(read.error.reason);
      return read.value.runs.map(({ run, state }) => ({ ...run, state }));
    },
  };
}

describe("a job that is due", () => {
  it("does nothing before its time", async () => {
    const { put, run, history, intake, clock } = await setUp();
    const { id } = await put(SCAN);
    clock.set(at(HOUR - 1));
    expect([await run(id), await run(asJobId("nobody"))]).toEqual(["skipped", "skipped"]);
    expect([intake.sent, await history(id)]).toEqual([[], []]);
  });

  it("has a source looked through, once for each planned instant", async () => {
    const { put, run, history, intake, clock, jobs } = await setUp();
    const { id } = await put(SCAN);
    clock.set(at(HOUR));
    expect([await run(id), await run(id)]).toEqual(["ran", "skipped"]);
    expect(intake.sent).toEqual([{ kind: "scan", project: "default" }]);
    expect(await history(id)).toMatchObject([
      { number: 1, state: "succeeded", via: "schedule", plannedAt: at(HOUR), endedAt: at(HOUR) },
    ]);
    expect(await jobs.get(id)).toMatchObject({ nextAt: at(2 * HOUR), runs: 1 });
  });

  it("begins a batch run of its owner, and names it", async () => {
    const { put, run, history, runs, clock } = await setUp();
    const { id } = await put(RUN);
    clock.set(at(HOUR));
    expect(await run(id)).toBe("ran");
    const [noted] = await history(id);
    expect(noted).toMatchObject({ state: "succeeded", type: "publishing-run" });
    expect(await runs.get(asRunId(noted?.runId ?? ""))).toMatchObject({ ownerId: OWNER, status: "queued" });
  });

  it("begins none while the one before is open, and says which", async () => {
    const { put, run, history, runs, clock } = await setUp();
    const { id } = await put(RUN, { schedule: { kind: "interval", everyMs: MINUTE } });
    for (const minute of [1, 2, 3]) {
      clock.set(at(minute * MINUTE));
      expect(await run(id)).toBe("ran");
    }
    const [third, second, first] = await history(id);
    expect([third?.state, second?.state, first?.state]).toEqual(["skipped", "skipped", "succeeded"]);
    expect(third).toMatchObject({ runId: first?.runId, error: { code: "run-open" } });

    const open = await runs.get(asRunId(first?.runId ?? ""));
    if (!open) throw new Error("the run is gone");
    const { wakeAt: _, ...rest } = open;
    await runs.save({ ...rest, status: "ended", endedAt: clock.now(), version: open.version + 1 });
    clock.set(at(4 * MINUTE));
    await run(id);
    const [fourth] = await history(id);
    expect(fourth).toMatchObject({ state: "succeeded" });
    expect(fourth?.runId).not.toBe(first?.runId);
  });

  it("catches up once after a long silence", async () => {
    const { put, run, history, intake, clock } = await setUp();
    const { id } = await put(SCAN);
    clock.set(at(9.5 * HOUR));
    expect([await run(id), await run(id)]).toEqual(["ran", "skipped"]);
    clock.set(at(10 * HOUR));
    expect(await run(id)).toBe("ran");
    expect(intake.sent).toHaveLength(2);
    expect((await history(id)).map(({ plannedAt }) => plannedAt)).toEqual([at(10 * HOUR), at(HOUR)]);
  });

  it("looks through every folder of its project that is switched on, and through no other", async () => {
    const { put, run, intake, accounts, project, clock } = await setUp();
    await accounts.addSource(newSource("press", project.id), project);
    await accounts.addSource({ ...newSource("attic", project.id), enabled: false }, project);
    // Found by its name, which another owner's folder has.
    const bela = asOwnerId("bela");
    const shop = { ...project, id: asProjectId("p2"), ownerId: bela, name: "shop" };
    await accounts.addProject(shop);
    await accounts.addProject({ ...project, id: asProjectId("p3"), name: "shop" }, { withSource: false });
    const { id } = await put({ type: "scan-source", project: project.name });
    const ofShop = await put({ type: "scan-source", project: "shop" });
    clock.set(at(HOUR));
    await run(id);
    await run(ofShop.id);
    expect(intake.sent).toEqual([
      { kind: "scan", project: project.name },
      { kind: "scan", project: "press" },
    ]);
  });

  it("fails by its own project being gone, and never scans another owner's", async () => {
    const { put, run, history, intake, accounts, project, clock } = await setUp();
    const bela = asOwnerId("bela");
    await accounts.addProject({ ...project, id: asProjectId("p2"), ownerId: bela, name: "bakery" });
    const { id } = await put({ type: "scan-source", project: "bakery" });
    clock.set(at(HOUR));
    expect(await run(id)).toBe("ran");
    expect(intake.sent).toEqual([]);
    expect(await history(id)).toMatchObject([{ state: "failed", error: { code: "unknown-project" } }]);
  });
});

describe("a job that fills quiet days", () => {
  it("does so, and keeps what is still missing with its run", async () => {
    const { put, run, history, clock, setPolicy } = await setUp();
    setPolicy({ dailyMin: 2 });
    const { id } = await put(FILL);
    clock.set(at(HOUR));
    expect(await run(id)).toBe("ran");
    const [noted] = await history(id);
    expect(noted).toMatchObject({
      state: "succeeded",
      type: "fill-days",
      filled: { moved: 0, skipped: 0, complete: true, shortDays: 7 },
    });
    expect(noted?.filled?.shortfalls[0]).toEqual({
      account: "account-1",
      date: "2026-12-02",
      planned: 0,
      missing: 2,
      message: expect.stringContaining("Wednesday 2 December has 0 of at least 2 posts"),
    });
  });

  it("has nothing to do without a minimum or in a freeze, and fails without its project", async () => {
    const { put, run, history, clock, setPolicy } = await setUp();
    const [plain, gone] = [await put(FILL), await put({ type: "fill-days", project: "gone" })];
    clock.set(at(HOUR));
    expect([await run(plain.id), await run(gone.id)]).toEqual(["ran", "ran"]);
    expect(await history(plain.id)).toMatchObject([{ state: "skipped", error: { code: "no-daily-min" } }]);
    expect(await history(gone.id)).toMatchObject([{ state: "failed", error: { code: "unknown-project" } }]);
    setPolicy({ dailyMin: 2, frozen: true });
    clock.set(at(2 * HOUR));
    await run(plain.id);
    expect((await history(plain.id))[0]).toMatchObject({ state: "skipped", error: { code: "frozen" } });
  });

  it("ends with the sweep, or before it needs all of it, and begins with another account the next time", async () => {
    const { put, aRunner, clock, setPolicy } = await setUp();
    setPolicy({ dailyMin: 2 });
    const { id } = await put(FILL);
    const fillDays = vi.fn<FillDays>(async () => ({
      moved: 0,
      skipped: 0,
      complete: false,
      shortDays: 0,
      shortfalls: [],
    }));
    clock.set(at(HOUR));
    await aRunner({ fillDays })(id, at(HOUR + 5_000));
    clock.set(at(2 * HOUR));
    await aRunner({ fillDays })(id);
    expect(fillDays.mock.calls.map(([, options]) => options)).toEqual([
      { deadline: at(HOUR + 5_000), turn: 1 },
      { deadline: at(2 * HOUR + 15_000), turn: 2 },
    ]);
  });
});

describe("when something goes wrong", () => {
  it("two sweepers do it once", async () => {
    const { put, aRunner, history, intake, clock } = await setUp();
    const { id } = await put(SCAN);
    clock.set(at(HOUR));
    const reports = await Promise.all([aRunner()(id), aRunner()(id), aRunner()(id)]);
    expect(reports.toSorted()).toEqual(["ran", "skipped", "skipped"]);
    expect(intake.sent).toHaveLength(1);
    expect(await history(id)).toHaveLength(1);
  });

  it("a sweeper that dies after its claim leaves an interrupted run, and nobody does it again", async () => {
    const { put, aRunner, run, history, intake, clock } = await setUp();
    const { id } = await put(SCAN);
    clock.set(at(HOUR));
    // It never comes back from the action.
    const reached = Promise.withResolvers<void>();
    const scan = () => {
      reached.resolve();
      return new Promise<void>(() => {});
    };
    void aRunner({ intake: { scan } })(id);
    await reached.promise;
    expect(await run(id)).toBe("skipped");
    expect((await history(id)).map(({ state }) => state)).toEqual(["running"]);
    clock.set(at(HOUR + MINUTE));
    expect(await run(id)).toBe("skipped");
    expect((await history(id)).map(({ state }) => state)).toEqual(["interrupted"]);
    expect(intake.sent).toEqual([]);

    clock.set(at(2 * HOUR));
    expect(await run(id)).toBe("ran");
    expect((await history(id)).map(({ state }) => state)).toEqual(["succeeded", "interrupted"]);
  });

  it("a fault ends the run with its code, and is told", async () => {
    const { put, aRunner, history, faults, clock } = await setUp();
    const { id } = await put(SCAN);
    const fault = new DependencyFault("the queue did not answer");
    const scan = vi.fn().mockRejectedValueOnce(fault).mockRejectedValueOnce(new TypeError("secret"));
    const run = aRunner({ intake: { scan } });
    for (const hour of [1, 2]) {
      clock.set(at(hour * HOUR));
      expect([await run(id), await run(id)]).toEqual(["ran", "skipped"]);
    }
    expect(faults).toEqual([fault, new TypeError("secret")]);
    const shown = await history(id);
    expect(shown).toMatchObject([
      { state: "errored", error: { code: "internal" } },
      { state: "errored", error: { code: "dependency-unavailable" } },
    ]);
    expect(JSON.stringify(shown)).not.toContain("secret");
  });

  it("a pause during a run lets it end, and stops those after it", async () => {
    const { put, aRunner, run, history, intake, jobs, clock } = await setUp();
    const { id } = await put(SCAN);
    const pauseJob = createSwitchJob({ jobs, clock });
    clock.set(at(HOUR));
    const scan = async (project: string) => {
      expect(await pauseJob(OWNER, id, false)).toMatchObject({ ok: true, value: { enabled: false } });
      await intake.scan(project);
    };
    expect(await aRunner({ intake: { scan } })(id)).toBe("ran");
    expect(await history(id)).toMatchObject([{ state: "succeeded" }]);
    expect(await jobs.get(id)).toMatchObject({ enabled: false, runs: 1 });
    clock.set(at(5 * HOUR));
    expect(await run(id)).toBe("skipped");
    expect(intake.sent).toHaveLength(1);
  });
});

describe("the sweeper", () => {
  it("runs the jobs that are due, and reads nothing of them while there are none", async () => {
    const { put, sweep, jobs, runs, intake, clock, history } = await setUp();
    const get = vi.spyOn(jobs, "get");
    expect(await sweep()).toMatchObject({ jobs: 0, skipped: 0, failed: 0 });
    const scan = await put(SCAN);
    const run = await put(RUN);
    expect(await sweep()).toMatchObject({ jobs: 0, skipped: 0 });
    expect(get).not.toHaveBeenCalled();

    await createTriggerJob({ jobs, clock })(OWNER, scan.id);
    await createTriggerJob({ jobs, clock })(OWNER, run.id);
    expect(await sweep()).toMatchObject({ jobs: 2, scans: 0, failed: 0 });
    expect(intake.sent).toEqual([{ kind: "scan", project: "default" }]);
    expect(await history(scan.id)).toMatchObject([{ via: "trigger", state: "succeeded" }]);
    // The batch run that it began is swept in its turn, by this sweep or by the next.
    clock.advance(MINUTE);
    expect(await sweep()).toMatchObject({ jobs: 0 });
    const [begun] = await history(run.id);
    expect(await runs.get(asRunId(begun?.runId ?? ""))).toMatchObject({ status: "ended", total: 0 });
  });

  it("goes on with the others when one cannot be read", async () => {
    const { put, sweep, jobs, clock, history } = await setUp();
    const both = [await put(SCAN), await put(SCAN, { name: "second" })];
    clock.set(at(HOUR));
    vi.spyOn(jobs, "get").mockRejectedValueOnce(new TypeError("damaged"));
    expect(await sweep()).toMatchObject({ jobs: 1, failed: 1 });
    const runs = await Promise.all(both.map(({ id }) => history(id)));
    expect(runs.flat()).toHaveLength(1);
    expect(await sweep()).toMatchObject({ jobs: 1, failed: 0 });
  });
});
