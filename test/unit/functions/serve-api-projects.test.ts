import { describe, expect, it } from "vitest";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { ANNES_JOB, ANNES_RECURRENCE, type ApiRequest, BELA, setUpApi } from "./serve-api-setup.ts";

const PROJECTS = "/api/v1/projects";
const SOURCES = "/api/v1/sources";
const SHOP = { name: "shop", timeZone: "Europe/Berlin", accounts: ["main", "second"], preset: "open" };

type Api = Awaited<ReturnType<typeof setUpApi>>;
const post = (api: Api, path: string, json: object, over: Partial<ApiRequest> = {}) =>
  api.call({ method: "POST", path, json, ...over });

describe("projects", () => {
  it("are made with their folder, and found by their name", async () => {
    const api = await setUpApi();
    const { status, body, headers } = await post(api, PROJECTS, SHOP);
    const shop = {
      name: "shop",
      timeZone: "Europe/Berlin",
      accounts: ["main", "second"],
      defaultAccount: "main",
      sources: ["shop"],
      weight: 5,
      policyVersion: 1,
      version: 2,
    };
    expect([status, body]).toEqual([201, { ...shop, warnings: [] }]);
    expect([headers["location"], headers["etag"]]).toEqual(["/api/v1/projects/shop", undefined]);
    const read = await api.call({ path: `${PROJECTS}/shop` });
    expect([read.body, read.headers["etag"]]).toEqual([shop, expect.stringMatching(/^"2\b/)]);
    const listed = await api.call({ path: PROJECTS });
    expect(listed.body.items.map(({ name }: { name: string }) => name)).toEqual(["default", "shop"]);
    const task = await api.create({ project: "shop", text: "Hello", account: "second" });
    expect([task.status, task.body.project]).toEqual([202, "shop"]);
  });

  it("get the job that their daily minimum needs", async () => {
    const api = await setUpApi();
    const { body } = await post(api, PROJECTS, { ...SHOP, preset: "steady" });
    expect(body.job).toBe("fill-days-shop");
    const jobs = await api.call({ path: "/api/v1/scheduling/jobs" });
    expect(jobs.body.items).toContainEqual(
      expect.objectContaining({ name: "fill-days-shop", params: { project: "shop" } }),
    );
  });

  it("have a name once for an owner; a folder that somebody has is a warning", async () => {
    const api = await setUpApi();
    await post(api, PROJECTS, SHOP);
    const twice = await post(api, PROJECTS, SHOP);
    expect([twice.status, twice.body]).toMatchObject([
      409,
      { code: "project-name-taken", errors: [{ pointer: "/name" }] },
    ]);
    const theirs = await post(api, PROJECTS, SHOP, { owner: BELA });
    expect([theirs.status, theirs.body]).toMatchObject([
      201,
      { sources: [], warnings: [{ code: "source-taken" }] },
    ]);
    // Whose project it is depends on who asks, not on whose folder it is.
    const read = await api.call({ path: `${PROJECTS}/shop`, owner: BELA });
    expect(read.body.sources).toEqual([]);
    const task = await api.create({ project: "shop", text: "Hello" }, { owner: BELA });
    const stored = await api.accounts.getProject((await api.read(task.body)).projectId);
    expect(stored?.ownerId).toBe(BELA);
    expect((await api.call({ path: `${PROJECTS}/default`, owner: BELA })).status).toBe(404);
  });

  it("are made once for one Idempotency-Key", async () => {
    const api = await setUpApi();
    const headers = { "idempotency-key": "make-the-shop" };
    const first = await post(api, PROJECTS, SHOP, { headers });
    const again = await post(api, PROJECTS, SHOP, { headers });
    expect([again.status, again.body]).toEqual([first.status, first.body]);
  });

  it("are at most 100 of an owner", async () => {
    const api = await setUpApi();
    const [project] = await api.accounts.listProjects(asOwnerId("anne"));
    if (!project) throw new Error("there is no project");
    for (let number = 2; number <= 100; number++)
      await api.accounts.addProject({ ...project, id: asProjectId(`p${number}`), name: `shop-${number}` });
    const more = await post(api, PROJECTS, SHOP);
    expect([more.status, more.body.code]).toEqual([409, "too-many-projects"]);
    expect((await post(api, PROJECTS, SHOP, { owner: BELA })).status).toBe(201);
  });

  it.each([
    [{ ...SHOP, accounts: ["nobody"] }, 422, "unknown-account"],
    [{ ...SHOP, defaultAccount: "third" }, 422, "unknown-account"],
    [{ ...SHOP, timeZone: "Berlin" }, 422, "bad-zone"],
    [{ ...SHOP, accounts: [] }, 400, "invalid-input"],
    [{ ...SHOP, accounts: ["main", "main"] }, 400, "invalid-input"],
    [{ ...SHOP, name: "Shop" }, 400, "invalid-input"],
    [{ ...SHOP, name: "a/b" }, 400, "invalid-input"],
  ])("are not made of %j", async (json, status, code) => {
    const api = await setUpApi();
    const refused = await post(api, PROJECTS, json);
    expect([refused.status, refused.body.code]).toEqual([status, code]);
    expect((await api.call({ path: PROJECTS })).body.items).toHaveLength(1);
  });

  it("change their accounts, and only as they were read if the request says so", async () => {
    const api = await setUpApi();
    const change = (json: object, version?: number) =>
      api.call({
        method: "PATCH",
        path: `${PROJECTS}/default`,
        json,
        ...(version !== undefined && { headers: { "if-match": `"${version}"` } }),
      });
    const { status, body } = await change({ accounts: ["second", "main"] }, 1);
    expect([status, body]).toMatchObject([
      200,
      { accounts: ["second", "main"], defaultAccount: "main", version: 2 },
    ]);
    expect((await change({ accounts: ["main"] }, 1)).body.code).toBe("precondition-failed");
    expect((await change({ defaultAccount: "second" })).body).toMatchObject({
      defaultAccount: "second",
      version: 3,
    });
    const left = await change({ accounts: ["main"] });
    expect([left.status, left.body]).toMatchObject([
      422,
      { code: "unknown-account", errors: [{ pointer: "/defaultAccount" }] },
    ]);
    expect((await change({ accounts: ["nobody"] })).body.errors).toMatchObject([{ pointer: "/accounts" }]);
    expect((await change({})).status).toBe(400);
    expect((await change({ name: "other" })).status).toBe(400);
    const foreign = await api.call({
      method: "PATCH",
      path: `${PROJECTS}/bakery`,
      json: { accounts: ["main"] },
    });
    expect([foreign.status, foreign.body.code]).toEqual([404, "project-not-found"]);
  });

  it("are deleted when nothing needs them, and leave their names", async () => {
    const api = await setUpApi();
    const remove = (name: string, over: Partial<ApiRequest> = {}) =>
      api.call({ method: "DELETE", path: `${PROJECTS}/${name}`, ...over });
    const used = await remove("default");
    expect([used.status, used.body]).toMatchObject([
      409,
      { code: "project-in-use", detail: expect.stringContaining("recurrences") },
    ]);
    await api.call({ method: "DELETE", path: `/api/v1/scheduling/recurrences/${ANNES_RECURRENCE}` });
    const task = await api.put();
    expect((await remove("default")).body.detail).toContain("open tasks");
    await api.tasks.save({ ...task, status: "cancelled", version: task.version + 1 });
    const job = { name: "scan", type: "scan-source", params: { project: "default" }, intervalSeconds: 3_600 };
    const made = await post(api, "/api/v1/scheduling/jobs", job);
    expect((await remove("default")).body.detail).toContain("jobs");
    await api.call({ method: "DELETE", path: `/api/v1/scheduling/jobs/${made.body.id}` });
    // A job of the owner that is for no project is in nobody's way.
    expect(await api.jobs.get(ANNES_JOB)).toBeDefined();

    expect((await remove("default", { headers: { "if-match": '"9"' } })).status).toBe(412);
    expect((await remove("default", { owner: BELA })).status).toBe(404);
    const removed = await remove("default");
    expect([removed.status, removed.body.name]).toEqual([200, "default"]);
    expect((await remove("default")).status).toBe(404);
    expect((await api.call({ path: SOURCES })).body.items).toEqual([]);
    const history = await api.call({ path: `/api/v1/scheduling/tasks/${task.id}` });
    expect(history.status).toBe(200);

    const theirs = await post(api, PROJECTS, { ...SHOP, name: "default" }, { owner: BELA });
    expect(theirs.body.warnings).toMatchObject([{ code: "source-taken" }]);
    const again = await post(api, PROJECTS, { ...SHOP, name: "default" });
    expect([again.status, again.body.sources]).toEqual([201, ["default"]]);
  });
});

describe("sources", () => {
  it("give a project another folder with defaults of its own", async () => {
    const api = await setUpApi();
    const defaults = {
      account: "main",
      priority: 2,
      language: "zh",
      latePolicy: { postWithin: "30m", then: "hold" },
      strategy: "optimal",
    };
    const made = await post(api, SOURCES, { name: "press", project: "default", defaults });
    const press = { name: "press", project: "default", enabled: true, defaults, version: 1 };
    expect([made.status, made.body, made.headers["location"]]).toEqual([201, press, "/api/v1/sources/press"]);
    const listed = await api.call({ path: SOURCES });
    expect(listed.body.items).toEqual([
      { name: "default", project: "default", enabled: true, defaults: {}, version: 1 },
      press,
    ]);
    expect((await api.call({ path: `${PROJECTS}/default` })).body).toMatchObject({
      sources: ["default", "press"],
      version: 2,
    });
    // A folder is no other name of its project.
    expect((await api.call({ path: `${PROJECTS}/press` })).status).toBe(404);
    expect(await api.accounts.getSource("press")).toMatchObject({
      projectId: asProjectId("anne-project"),
      defaults: { latePolicy: { postWithinMs: 1_800_000, then: "hold" } },
    });
  });

  it.each([
    [{ name: "bakery", project: "default" }, 409, "source-taken"],
    [{ name: "default", project: "default" }, 409, "source-taken"],
    [{ name: "press", project: "bakery" }, 422, "unknown-project"],
    [{ name: "press", project: "default", defaults: { account: "second" } }, 422, "unknown-account"],
    [{ name: "press", project: "default", defaults: { priority: 0 } }, 400, "invalid-input"],
    [{ name: "press", project: "default", defaults: { text: "Hello" } }, 400, "invalid-input"],
    [{ name: "_", project: "default" }, 400, "invalid-input"],
    [{ name: "a/b", project: "default" }, 400, "invalid-input"],
  ])("are not made of %j", async (json, status, code) => {
    const api = await setUpApi();
    const refused = await post(api, SOURCES, json);
    expect([refused.status, refused.body.code]).toEqual([status, code]);
  });

  it("are at most 20 of a project", async () => {
    const api = await setUpApi();
    for (let number = 2; number <= 20; number++)
      expect((await post(api, SOURCES, { name: `press-${number}`, project: "default" })).status).toBe(201);
    const more = await post(api, SOURCES, { name: "press-21", project: "default" });
    expect([more.status, more.body.code]).toEqual([409, "too-many-sources"]);
  });

  it("change one thing at a time, and only as they were read if the request says so", async () => {
    const api = await setUpApi();
    const change = (json: object, headers = {}) =>
      api.call({ method: "PATCH", path: `${SOURCES}/default`, json, headers });
    expect((await change({ defaults: { account: "any", priority: 1 } })).body).toMatchObject({ version: 2 });
    expect((await change({ enabled: false }, { "if-match": '"2"' })).body).toMatchObject({
      enabled: false,
      defaults: { account: "any", priority: 1 },
      version: 3,
    });
    expect((await change({ enabled: true }, { "if-match": '"2"' })).body.code).toBe("precondition-failed");
    expect((await change({ defaults: { account: "second" } })).body.code).toBe("unknown-account");
    expect((await change({ defaults: {} })).body).toMatchObject({ defaults: {}, enabled: false });
    expect((await change({})).status).toBe(400);
  });

  it("are scanned when somebody asks, and not while they are switched off", async () => {
    const api = await setUpApi();
    const scan = () => api.call({ method: "POST", path: `${SOURCES}/default/scan` });
    const { status, body } = await scan();
    expect([status, body]).toMatchObject([202, { lastScanAt: "2026-12-01T01:00:00Z" }]);
    expect(api.scanned).toEqual(["default"]);
    await api.call({ method: "PATCH", path: `${SOURCES}/default`, json: { enabled: false } });
    expect((await scan()).body.code).toBe("source-disabled");
    expect(api.scanned).toEqual(["default"]);
  });

  it("are let go of, and only their owner can have them again", async () => {
    const api = await setUpApi();
    const gone = await api.call({ method: "DELETE", path: `${SOURCES}/default` });
    expect([gone.status, gone.body.name]).toEqual([200, "default"]);
    expect((await api.call({ path: `${SOURCES}/default` })).status).toBe(404);
    expect((await api.call({ path: `${PROJECTS}/default` })).body.sources).toEqual([]);
    const theirs = await post(api, SOURCES, { name: "default", project: "bakery" }, { owner: BELA });
    expect(theirs.body.code).toBe("source-taken");
    expect((await post(api, SOURCES, { name: "default", project: "default" })).status).toBe(201);
  });

  it("of another owner are as unknown as those that do not exist", async () => {
    const api = await setUpApi();
    for (const [method, suffix, json] of [
      ["GET", "", undefined],
      ["PATCH", "", { enabled: false }],
      ["DELETE", "", undefined],
      ["POST", "/scan", undefined],
    ] as const) {
      const ask = (name: string) =>
        api.call({ method, path: `${SOURCES}/${name}${suffix}`, ...(json && { json }) });
      const [foreign, unknown] = [await ask("bakery"), await ask("none")];
      expect([foreign.status, foreign.body.code]).toEqual([404, "source-not-found"]);
      expect({ ...foreign.body, requestId: "" }).toEqual({ ...unknown.body, requestId: "" });
    }
    expect(api.scanned).toEqual([]);
    expect(await api.accounts.getSource("bakery")).toMatchObject({ enabled: true, version: 1 });
  });
});
