import { describe, expect, it } from "vitest";
import { MAX_JOBS, newJob } from "#shared/domain/job.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { ANNES_JOB, BELA, START, setUpApi } from "./serve-api-setup.ts";

const JOBS = "/api/v1/scheduling/jobs";
const HOURLY = { name: "hourly 2", type: "publishing-run", intervalSeconds: 3_600 };
const NIGHTLY = {
  name: "夜班",
  type: "scan-source",
  params: { project: "default" },
  cron: "30  3 * * MON-FRI",
  timeZone: "Asia/Shanghai",
};

async function setUp() {
  const world = await setUpApi();
  const post = (path: string, json?: unknown) =>
    world.call({ method: "POST", path, ...(json !== undefined && { json }) });
  return {
    ...world,
    post,
    make: (json: unknown) => post(JOBS, json),
    read: (id: string) => world.call({ path: `${JOBS}/${id}` }),
    history: (query: Readonly<Record<string, string>> = {}) =>
      world.call({ path: `${JOBS}/${ANNES_JOB}/history`, query }),
  };
}

describe("POST jobs", () => {
  it("makes a job that is found where the answer says, with its next run", async () => {
    const { make, call } = await setUp();
    const made = await make(NIGHTLY);
    expect(made).toMatchObject({
      status: 201,
      headers: { location: `${JOBS}/${made.body.id}` },
      body: {
        ...NIGHTLY,
        cron: "30 3 * * MON-FRI",
        enabled: true,
        nextRunAt: "2026-12-01T19:30:00Z",
        createdAt: "2026-12-01T01:00:00Z",
      },
    });
    expect((await call({ path: made.headers["location"] ?? "" })).body).toEqual(made.body);
    const hourly = await make({ ...HOURLY, enabled: false });
    expect(hourly.body).toMatchObject({ intervalSeconds: 3_600, params: {}, enabled: false });
    expect(hourly.body).not.toHaveProperty("nextRunAt");
  });

  it.each([
    ["another job's name", { ...HOURLY, name: " hourly " }, 409, "job-name-taken", "/name"],
    [
      "a project of another owner",
      { ...NIGHTLY, params: { project: "bakery" } },
      422,
      "unknown-project",
      "/params/project",
    ],
    ["a rule that never comes", { ...NIGHTLY, cron: "0 0 31 2 *" }, 422, "bad-schedule", "/cron"],
    ["a rule with seconds", { ...NIGHTLY, cron: "0 0 3 * * *" }, 422, "bad-schedule", "/cron"],
    ["a zone that is none", { ...NIGHTLY, timeZone: "Asia/Peking" }, 422, "bad-schedule", "/timeZone"],
    ["a rule without a zone", { ...NIGHTLY, timeZone: undefined }, 400, "invalid-input", "/timeZone"],
    ["no schedule", { ...HOURLY, intervalSeconds: undefined }, 400, "invalid-input", "/cron"],
    ["two schedules", { ...NIGHTLY, intervalSeconds: 60 }, 400, "invalid-input", "/cron"],
    ["a zone for an interval", { ...HOURLY, timeZone: "UTC" }, 400, "invalid-input", "/timeZone"],
    ["less than a minute", { ...HOURLY, intervalSeconds: 59 }, 400, "invalid-input", "/intervalSeconds"],
    [
      "more than 30 days",
      { ...HOURLY, intervalSeconds: 2_592_001 },
      400,
      "invalid-input",
      "/intervalSeconds",
    ],
    ["half a second", { ...HOURLY, intervalSeconds: 60.5 }, 400, "invalid-input", "/intervalSeconds"],
    ["a scan of nothing", { ...NIGHTLY, params: {} }, 400, "invalid-input", "/params/project"],
    [
      "a run with a project",
      { ...HOURLY, params: { project: "default" } },
      400,
      "invalid-input",
      "/params/project",
    ],
    ["a type that is none", { ...HOURLY, type: "sweep" }, 400, "invalid-input", "/type"],
    ["a parameter that is none", { ...HOURLY, params: { x: 1 } }, 400, "invalid-input", "/params/x"],
    ["no name", { ...HOURLY, name: " " }, 400, "invalid-input", "/name"],
  ])("refuses %s and stores nothing", async (_, json, status, code, pointer) => {
    const { make, call } = await setUp();
    const refused = await make(json);
    expect([refused.status, refused.body.code, refused.body.errors?.[0].pointer]).toEqual([
      status,
      code,
      pointer,
    ]);
    expect((await call({ path: JOBS })).body.items).toHaveLength(1);
  });

  it("takes 50, and says so", async () => {
    const { make } = await setUp();
    for (let count = 2; count <= MAX_JOBS; count++)
      expect((await make({ ...HOURLY, name: `job ${count}` })).status).toBe(201);
    const refused = await make({ ...HOURLY, name: "one more" });
    expect([refused.status, refused.body.code]).toEqual([409, "too-many-jobs"]);
    expect(refused.body.detail).toContain("50");
  });
});

describe("GET jobs", () => {
  it("lists the owner's by name, and what is built in", async () => {
    const { make, call } = await setUp();
    await make({ ...HOURLY, name: "a" });
    const { body } = await call({ path: JOBS });
    expect(body.items.map(({ name }: { readonly name: string }) => name)).toEqual(["a", "hourly"]);
    expect(body.builtIn).toMatchObject([
      { name: "sweep", intervalSeconds: 60 },
      { name: "scan", intervalSeconds: 3_600 },
    ]);
    const bela = await call({ path: JOBS, owner: BELA });
    expect(bela.body.items).toEqual([]);
  });
});

describe("PUT job", () => {
  it("replaces everything but its id, its age and its runs", async () => {
    const { call, clock } = await setUp();
    clock.advance(60_000);
    const changed = await call({ method: "PUT", path: `${JOBS}/${ANNES_JOB}`, json: NIGHTLY });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({
      id: ANNES_JOB,
      name: "夜班",
      type: "scan-source",
      nextRunAt: "2026-12-01T19:30:00Z",
      createdAt: "2026-12-01T01:00:00Z",
      updatedAt: "2026-12-01T01:01:00Z",
    });
    expect(changed.body).not.toHaveProperty("intervalSeconds");
  });

  it.each([
    [{ ...NIGHTLY, cron: "x" }, 422, "bad-schedule"],
    [{ ...NIGHTLY, params: { project: "x" } }, 422, "unknown-project"],
    [{ name: "only a name" }, 400, "invalid-input"],
  ])("refuses %j and changes nothing", async (json, status, code) => {
    const { call, read } = await setUp();
    const before = await read(ANNES_JOB);
    const { body, ...refused } = await call({ method: "PUT", path: `${JOBS}/${ANNES_JOB}`, json });
    expect([refused.status, body.code]).toEqual([status, code]);
    expect((await read(ANNES_JOB)).body).toEqual(before.body);
  });
});

describe("pause, resume, trigger", () => {
  it("switch a job off and on, and may be repeated", async () => {
    const { post, clock } = await setUp();
    for (const _ of [1, 2]) {
      const { status, body } = await post(`${JOBS}/${ANNES_JOB}/pause`);
      expect([status, body.enabled, body.nextRunAt]).toEqual([200, false, undefined]);
    }
    clock.advance(600_000);
    for (const _ of [1, 2]) {
      const { status, body } = await post(`${JOBS}/${ANNES_JOB}/resume`, {});
      expect([status, body.enabled, body.nextRunAt]).toEqual([200, true, "2026-12-01T02:10:00Z"]);
    }
  });

  it("note a run, and begin none inside the request", async () => {
    const { post, jobs } = await setUp();
    const { status, body } = await post(`${JOBS}/${ANNES_JOB}/trigger`);
    expect([status, body.triggeredAt, body.nextRunAt]).toEqual([
      202,
      "2026-12-01T01:00:00Z",
      "2026-12-01T02:00:00Z",
    ]);
    expect(await jobs.get(ANNES_JOB)).toMatchObject({ runs: 0 });
  });

  it.each(["pause", "resume", "trigger"])("%s takes no field", async (verb) => {
    const { post } = await setUp();
    const { status, body } = await post(`${JOBS}/${ANNES_JOB}/${verb}`, { at: "now" });
    expect([status, body.errors[0].pointer]).toEqual([400, "/at"]);
  });

  it("may be tried again when somebody else was faster every time", async () => {
    const { post, jobs } = await setUp();
    Object.assign(jobs, { save: async () => ({ ok: false, error: { reason: "stale" } }) });
    for (const verb of ["pause", "resume", "trigger"]) {
      const { status, body } = await post(`${JOBS}/${ANNES_JOB}/${verb}`);
      expect([status, body.code, body.retryable]).toEqual([409, "job-conflict", true]);
    }
    expect((await post(JOBS, HOURLY)).body.code).toBe("job-conflict");
  });
});

describe("DELETE job", () => {
  it("takes it out of the list, for good", async () => {
    const { call, read, make } = await setUp();
    const path = `${JOBS}/${ANNES_JOB}`;
    expect((await call({ method: "DELETE", path })).status).toBe(200);
    expect((await call({ path: JOBS })).body.items).toEqual([]);
    for (const gone of [await read(ANNES_JOB), await call({ method: "DELETE", path })])
      expect([gone.status, gone.body.code]).toEqual([404, "job-not-found"]);
    expect((await make({ ...HOURLY, name: "hourly" })).status).toBe(201);
  });
});

describe("GET history", () => {
  it("shows runs newest first, page by page, and what became of each", async () => {
    const { history, jobs, clock } = await setUp();
    for (let number = 1; number <= 5; number++) {
      const startedAt = new Date(START.getTime() + number * 1_000);
      const run = { jobId: ANNES_JOB, number, type: "publishing-run", via: "schedule" } as const;
      await jobs.saveRun({ ...run, plannedAt: START, startedAt });
      if (number === 5) continue;
      await jobs.saveRun({
        ...run,
        plannedAt: START,
        startedAt,
        endedAt: new Date(startedAt.getTime() + 12),
        outcome: number === 4 ? "failed" : "succeeded",
        ...(number === 4
          ? { error: { code: "unknown-project", message: "There is no project “x”." } }
          : { runId: "01KBBBBBBBBBBBBBBBBBBBBBBB" }),
      });
    }
    clock.advance(10_000);
    const first = await history({ limit: "2" });
    expect(first.body).toEqual({
      items: [
        {
          number: 5,
          type: "publishing-run",
          via: "schedule",
          outcome: "running",
          plannedAt: "2026-12-01T01:00:00Z",
          startedAt: "2026-12-01T01:00:05Z",
        },
        expect.objectContaining({
          number: 4,
          outcome: "failed",
          durationMs: 12,
          error: { code: "unknown-project", message: "There is no project “x”." },
        }),
      ],
      next: expect.any(String),
    });
    const second = await history({ limit: "2", cursor: first.body.next });
    expect(second.body.items.map(({ number }: { readonly number: number }) => number)).toEqual([3, 2]);
    const last = await history({ limit: "2", cursor: second.body.next });
    expect(last.body).toMatchObject({ items: [{ number: 1, runId: "01KBBBBBBBBBBBBBBBBBBBBBBB" }] });
    expect(last.body).not.toHaveProperty("next");
    expect((await history({ limit: "1", cursor: second.body.next })).body).not.toHaveProperty("next");
    clock.advance(TIMING.sweep.timeoutMs);
    expect((await history({ limit: "1" })).body.items[0].outcome).toBe("interrupted");
  });

  it.each(["0", "x", "-1", "1e3", "1234567890"])("has no page at the cursor %s", async (cursor) => {
    const { history } = await setUp();
    expect((await history({ cursor })).body.errors[0].parameter).toBe("cursor");
  });

  it("is empty for a job that never ran", async () => {
    const { history } = await setUp();
    expect((await history()).body).toEqual({ items: [] });
  });
});

it("a paused job that was triggered shows both", async () => {
  const { jobs, read } = await setUp();
  const job = await jobs.get(ANNES_JOB);
  if (!job) throw new Error("the job is gone");
  const paused = newJob(job.id, job.ownerId, { ...job, enabled: false }, START);
  await jobs.save({ ...paused, triggeredAt: START, lastRunAt: START, version: job.version + 1 });
  const { body } = await read(ANNES_JOB);
  expect(body).toMatchObject({
    enabled: false,
    triggeredAt: "2026-12-01T01:00:00Z",
    lastRunAt: "2026-12-01T01:00:00Z",
  });
});
