import { describe, expect, it } from "vitest";
import { asOwnerId } from "#shared/domain/ids.ts";
import { DEFAULT_SETTINGS, SETTING_NAMES, SETTINGS } from "#shared/domain/settings.ts";
import { DependencyFault } from "#shared/errors.ts";
import { BELA, setUpApi, TASKS } from "./serve-api-setup.ts";

const OPERATOR = asOwnerId("main");
const PATH = "/api/v1/settings";
const SYSTEM = "/api/v1/system";

async function setUp() {
  const api = await setUpApi();
  return {
    ...api,
    get: (path = PATH, over: object = {}) => api.call({ path, owner: OPERATOR, ...over }),
    put: (json: object, over: object = {}) =>
      api.call({ method: "PUT", path: PATH, json, owner: OPERATOR, ...over }),
    rollback: (json: object, over: object = {}) =>
      api.call({ method: "POST", path: `${PATH}/rollback`, json, owner: OPERATOR, ...over }),
  };
}

describe("settings", () => {
  it("are the defaults with their ranges until somebody changes them", async () => {
    const { get } = await setUp();
    const { status, body, headers } = await get();
    expect([status, headers["etag"]]).toEqual([200, expect.stringMatching(/^"0\b/)]);
    expect(body).toEqual({ version: 0, settings: DEFAULT_SETTINGS, ranges: SETTINGS });
  });

  it("are changed one by one, each change a version with who and what", async () => {
    const { put, get, clock } = await setUp();
    const first = await put({ batchSize: 20 });
    expect([first.status, first.headers["etag"], first.body.savedBy]).toEqual([
      200,
      expect.stringMatching(/^"1\b/),
      "key 0123456789ab",
    ]);
    clock.advance(60_000);
    await put({ retryBaseSeconds: 30 }, { headers: { "if-match": '"1"' } });
    const { body } = await get(`${PATH}/versions`);
    expect(body.items).toMatchObject([
      {
        version: 2,
        savedAt: "2026-12-01T01:01:00Z",
        changed: [{ name: "retryBaseSeconds", from: 60, to: 30 }],
        settings: { batchSize: 20, retryBaseSeconds: 30 },
      },
      { version: 1, changed: [{ name: "batchSize", from: 50, to: 20 }] },
    ]);
  });

  it("are listed page by page", async () => {
    const { put, get } = await setUp();
    for (let size = 11; size <= 15; size++) await put({ batchSize: size });
    const seen: number[] = [];
    let query: Record<string, string> = { limit: "2" };
    for (;;) {
      const { body } = await get(`${PATH}/versions`, { query });
      seen.push(...body.items.map(({ version }: { version: number }) => version));
      if (body.next === undefined) break;
      query = { limit: "2", cursor: body.next };
    }
    expect(seen).toEqual([5, 4, 3, 2, 1]);
  });

  it.each(SETTING_NAMES)("refuse %s out of its range, and name the range", async (name) => {
    const { put, get } = await setUp();
    const { min, max, unit } = SETTINGS[name];
    for (const value of [min - 1, max + 1, min + 0.5, "many", null]) {
      const { status, body } = await put({ [name]: value });
      expect([status, body.code, body.errors[0].pointer]).toEqual([400, "invalid-input", `/${name}`]);
      expect(body.errors[0].detail).toContain(`${min} to ${max} ${unit}`);
    }
    expect((await get()).body.version).toBe(0);
  });

  it("refuse a name that there is not, and say which was meant", async () => {
    const { put } = await setUp();
    const { status, body } = await put({ batchsize: 20 });
    expect([status, body.errors[0].detail]).toEqual([400, expect.stringContaining("“batchSize”")]);
  });

  it("refuse whoever decided by an older version", async () => {
    const { put, rollback, get } = await setUp();
    await put({ batchSize: 20 });
    const old = { headers: { "if-match": '"0"' } };
    for (const { status, body } of [await put({ batchSize: 30 }, old), await rollback({ version: 0 }, old)])
      expect([status, body.code]).toEqual([412, "precondition-failed"]);
    expect((await get()).body.settings.batchSize).toBe(20);
  });

  it("come back from an old version, or from the defaults", async () => {
    const { put, rollback, get } = await setUp();
    await put({ batchSize: 20 });
    await put({ batchSize: 30 });
    expect((await rollback({ version: 1 })).body).toMatchObject({ version: 3, settings: { batchSize: 20 } });
    expect((await rollback({ version: 0 })).body).toMatchObject({ version: 4, settings: DEFAULT_SETTINGS });
    expect((await get(`${PATH}/versions`)).body.items[0].restores).toBe(0);
    const { status, body } = await rollback({ version: 9 });
    expect([status, body.code]).toEqual([404, "settings-version-not-found"]);
  });

  it("belong to the deployment: an admin of another owner may look and not change", async () => {
    const { put, rollback, get } = await setUp();
    for (const { status, body } of [
      await put({ batchSize: 20 }, { owner: BELA }),
      await rollback({ version: 0 }, { owner: BELA }),
    ])
      expect([status, body.code]).toEqual([403, "operator-only"]);
    expect((await get(PATH, { owner: BELA })).body.version).toBe(0);
  });

  it("need the scope manage to be read, and admin to be changed", async () => {
    const { put, get } = await setUp();
    expect((await get(PATH, { scopes: ["read"] })).status).toBe(403);
    expect((await put({ batchSize: 20 }, { scopes: ["manage"] })).body.code).toBe("missing-scope");
    expect((await get(PATH, { scopes: ["manage"] })).status).toBe(200);
  });

  it("are in force for the next request 15 s later: more posts than batchSize are refused, and none is made", async () => {
    const { call, put, clock } = await setUp();
    const send = (count: number) =>
      call({
        method: "POST",
        path: `${TASKS}/batch`,
        json: { tasks: Array.from({ length: count }, (_, index) => ({ text: `post ${index}` })) },
      });
    expect((await send(11)).status).toBe(200);
    await put({ batchSize: 10 });
    clock.advance(15_000);
    const { status, body } = await send(11);
    expect([status, body.code, body.errors[0].pointer]).toEqual([413, "batch-too-large", "/tasks"]);
    expect(body.detail).toContain("10");
    expect((await send(201)).body.code).toBe("invalid-input");
    expect((await call({ path: TASKS, query: { limit: "100" } })).body.items).toHaveLength(11);
  });
});

describe("the system", () => {
  it("is ready while the table can be read", async () => {
    const { get, settingsStore } = await setUp();
    expect(await get(`${SYSTEM}/ready`)).toMatchObject({ status: 200, body: { ready: true } });
    settingsStore.get = () => Promise.reject(new DependencyFault("no table at 10.0.0.1"));
    const { status, body } = await get(`${SYSTEM}/ready`);
    expect([status, body.ready]).toEqual([503, false]);
    expect(JSON.stringify(body)).not.toContain("10.0.0.1");
  });

  it("counts requests for Prometheus, in the table, whatever their answer is", async () => {
    const { get, put, clock } = await setUp();
    for (const value of [20, 1_000_000]) await put({ batchSize: value });
    await get("/api/v1/nowhere");
    clock.advance(10_000);
    await get();
    const { status, body, headers } = await get(`${SYSTEM}/metrics`);
    expect([status, headers["content-type"]]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(body).toContain('punctual_api_requests_total{route="writeSettings",status="2xx"} 1\n');
    expect(body).toContain('punctual_api_requests_total{route="writeSettings",status="4xx"} 1\n');
    expect(body).toContain('punctual_api_requests_total{route="readSettings",status="2xx"} 1\n');
    expect(body).toContain('punctual_api_requests_total{route="none",status="4xx"} 1\n');
    expect(body).toContain("punctual_api_request_duration_seconds_count 4\n");
    expect(body).toContain('punctual_info{version="1.2.3",stage="test",region="eu-central-1"} 1\n');
  });

  it("answers although a request cannot be counted", async () => {
    const { get, totals, aside } = await setUp();
    totals.add = () => Promise.reject(new DependencyFault("the table is busy"));
    expect((await get()).status).toBe(200);
    expect(aside).toHaveBeenCalledTimes(1);
  });

  it("says which release it is, and its limits", async () => {
    const { get, put, clock } = await setUp();
    await put({ batchSize: 20 });
    clock.advance(15_000);
    const { body } = await get(`${SYSTEM}/info`);
    expect(body).toEqual({
      version: "1.2.3",
      stage: "test",
      region: "eu-central-1",
      node: "v24.0.0",
      limits: { ...DEFAULT_SETTINGS, batchSize: 20 },
      since: "2026-12-01T01:00:00Z",
    });
  });

  it("tells what waits where, and moves dead letters for its operator", async () => {
    const { get, call, queues } = await setUp();
    queues.deadLetters.publish = 3;
    queues.work.intake = 2;
    const { body } = await get(`${SYSTEM}/queue-status`);
    const empty = { waiting: 0, inFlight: 0, delayed: 0 };
    expect(body.queues).toEqual([
      { name: "intake", work: { ...empty, waiting: 2 }, deadLetters: empty, oldestAgeSeconds: null },
      { name: "prepare", work: empty, deadLetters: empty, oldestAgeSeconds: null },
      { name: "publish", work: empty, deadLetters: { ...empty, waiting: 3 }, oldestAgeSeconds: null },
      { name: "webhooks", work: empty, deadLetters: empty, oldestAgeSeconds: null },
      { name: "background", deadLetters: empty, oldestAgeSeconds: null },
    ]);
    const redrive = (owner: typeof BELA, queue = "publish") =>
      call({ method: "POST", path: `${SYSTEM}/queue-status/redrive`, json: { queue }, owner });
    expect((await redrive(BELA)).body.code).toBe("operator-only");
    expect((await redrive(OPERATOR)).body).toEqual({
      queue: "publish",
      moved: 3,
      doubled: 0,
      failed: 0,
      more: false,
    });
    expect((await redrive(OPERATOR, "background")).body.code).toBe("invalid-input");
  });
});
