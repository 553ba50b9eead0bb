import { describe, expect, it, vi } from "vitest";
import { EXAMPLES, type RouteExample } from "#shared/contract/examples.ts";
import { ROUTES } from "#shared/contract/routes.ts";
import { asAttemptId, asOwnerId } from "#shared/domain/ids.ts";
import { markUnknown, recordPosted, startPosting, stop } from "#shared/domain/moves.ts";
import { UNREADABLE } from "#shared/domain/reconcile.ts";
import type { Task } from "#shared/domain/task.ts";
import { DependencyFault } from "#shared/errors.ts";
import {
  ANNES_BATCH,
  ANNES_JOB,
  ANNES_RECURRENCE,
  ANNES_RUN,
  type ApiRequest,
  BELA,
  START,
  setUpApi,
  TASKS,
} from "./serve-api-setup.ts";

const UNKNOWN_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const REASON = { code: "stuck", message: "It did not move.", remedy: "Publish it now." };
const intent = { attemptId: asAttemptId("attempt-1"), requestHash: "ab".repeat(32) };
const routes = Object.entries(ROUTES).filter(([, route]) => !("servedBy" in route));
/** Those that ask who comes. */
const keyed = routes.flatMap(([name, { scope, repeatable }]) =>
  scope === "public" ? [] : [[name, { scope, repeatable }] as const],
);
const open = routes.filter(([, { scope }]) => scope === "public");

/** Whose deployment it is. */
const OPERATOR = asOwnerId("main");

/** What is not a task has ids of its own. */
const OTHER_IDS: Readonly<Record<string, readonly [known: string, unknown: string]>> = {
  readPolicy: ["default", "nobody"],
  writePolicy: ["default", "nobody"],
  listPolicyVersions: ["default", "nobody"],
  replan: ["default", "nobody"],
  readBatch: [ANNES_BATCH, "0".repeat(32)],
  readBatchStatus: [ANNES_BATCH, "0".repeat(32)],
  readRun: [ANNES_RUN, UNKNOWN_ID],
  readRecurrence: [ANNES_RECURRENCE, UNKNOWN_ID],
  changeRecurrence: [ANNES_RECURRENCE, UNKNOWN_ID],
  deleteRecurrence: [ANNES_RECURRENCE, UNKNOWN_ID],
  skipOccurrence: [ANNES_RECURRENCE, UNKNOWN_ID],
  overrideOccurrence: [ANNES_RECURRENCE, UNKNOWN_ID],
  readJob: [ANNES_JOB, UNKNOWN_ID],
  changeJob: [ANNES_JOB, UNKNOWN_ID],
  deleteJob: [ANNES_JOB, UNKNOWN_ID],
  pauseJob: [ANNES_JOB, UNKNOWN_ID],
  resumeJob: [ANNES_JOB, UNKNOWN_ID],
  triggerJob: [ANNES_JOB, UNKNOWN_ID],
  readJobHistory: [ANNES_JOB, UNKNOWN_ID],
};
const A_JOB = { name: "nightly", type: "publishing-run", intervalSeconds: 3_600 };
const A_RECURRENCE = {
  name: "weekly",
  texts: ["hello"],
  rule: "FREQ=WEEKLY",
  dtStart: "2026-12-02 09:00",
};
const aScanOf = (project: string) => ({ ...A_JOB, type: "scan-source", params: { project } });

/** What the task has to be like, for a route that does not take just any. */
const TAKES: Readonly<Record<string, Partial<Task>>> = {
  retryTask: { status: "held", reason: REASON },
  resolveTask: { status: "held", reason: UNREADABLE, inDoubtSince: START },
};

const EXAMPLE: Readonly<Record<string, RouteExample>> = EXAMPLES;

/** A request that the route takes, for a task, or for whatever else the route is about. */
const fitting = (name: string, taskId: string): ApiRequest => {
  const route = ROUTES[name as keyof typeof ROUTES];
  const id = OTHER_IDS[name]?.[taskId === UNKNOWN_ID ? 1 : 0] ?? taskId;
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, one]) => one ?? "");
  const ids = Object.fromEntries(names.map((one) => [one, id]));
  const params = route.params.safeParse(ids).success ? ids : EXAMPLE[name]?.params;
  return {
    method: route.method,
    path: route.path.replaceAll(/\{(\w+)\}/g, (_, one) => params?.[one] ?? id),
    ...(EXAMPLE[name]?.body !== undefined && { json: EXAMPLE[name].body }),
    ...(name === "createTask" && { json: { text: "hello" } }),
    ...(name === "createTasks" && { json: { tasks: [{ text: "hello" }] } }),
    ...(name === "simulate" && { json: { drafts: [{ text: "hello" }] } }),
    ...(name === "publishNow" && { json: {} }),
    ...(name === "updateTask" && { json: { text: "hello" } }),
    ...(name === "rescheduleTask" && { json: { publishAt: "2026-12-05 09:00" } }),
    ...(name === "resolveTask" && { json: { as: "repost" } }),
    ...(name === "writePolicy" && { json: { version: 0, preset: "steady" } }),
    ...((name === "createJob" || name === "changeJob") && { json: A_JOB }),
    ...((name === "createRecurrence" || name === "changeRecurrence") && { json: A_RECURRENCE }),
    ...(name === "skipOccurrence" && { json: { occurrence: "2026-12-05 09:00" } }),
    ...(name === "writeSettings" && { json: { batchSize: 20 }, owner: OPERATOR }),
    ...(name === "rollbackSettings" && { json: { version: 0 }, owner: OPERATOR }),
    ...(name === "redriveQueue" && { json: { queue: "publish" }, owner: OPERATOR }),
    ...(name === "overrideOccurrence" && { json: { occurrence: "2026-12-05 09:00", text: "hi" } }),
  };
};

type Store = Record<string, () => Promise<unknown>>;

/** What reads and writes; a clock or a spy is none. */
const isStore = (value: unknown): value is Store =>
  typeof value === "object" &&
  value !== null &&
  !("now" in value) &&
  Object.values(value).length > 0 &&
  Object.values(value).every((method) => typeof method === "function" && !vi.isMockFunction(method));

/** What the authorizer has said is all that it says of a key that nobody signed in for. */
const NEED_NO_STORE: ReadonlySet<string> = new Set(["whoami"]);
/** They are asked whether the table can be: that it cannot is their answer. */
const TELL_OF_IT: ReadonlySet<string> = new Set(["checkHealth", "checkReadiness"]);

describe("every route", () => {
  it.each(keyed)("%s is no open door when the authorizer said nothing", async (name) => {
    for (const authorizer of [
      undefined,
      {},
      { ownerId: "", keyId: "k", scopes: "admin" },
      { ownerId: "anne", keyId: "k", scopes: "root" },
    ]) {
      const { call, snapshot, put, logger } = await setUpApi();
      const { id } = await put(TAKES[name]);
      const before = snapshot();
      const { status, body } = await call({ ...fitting(name, id), authorizer });
      expect([status, body.code, body.detail]).toEqual([
        500,
        "internal",
        expect.not.stringContaining("authorizer"),
      ]);
      expect(snapshot()).toEqual(before);
      expect(logger.error).toHaveBeenCalledOnce();
    }
  });

  it.each(open)("%s is answered to whoever asks", async (name) => {
    const { call, logger } = await setUpApi();
    const { status } = await call({ ...fitting(name, UNKNOWN_ID), authorizer: undefined });
    // What it asks for instead of a key may be wrong.
    expect(status).toBeLessThan(500);
    expect(logger.error).not.toHaveBeenCalled();
  });

  it.each(keyed)("%s needs its scope", async (name, { scope }) => {
    const { call, snapshot, put } = await setUpApi();
    const { id } = await put(TAKES[name]);
    const others = (["read", "write", "publish", "manage"] as const).filter((other) => other !== scope);
    const before = snapshot();
    const refused = await call({ ...fitting(name, id), scopes: others });
    expect([refused.status, refused.body.code]).toEqual([403, "missing-scope"]);
    expect(refused.body.detail).toContain(scope);
    expect(snapshot()).toEqual(before);
    const allowed = await call({ ...fitting(name, id), scopes: [scope] });
    expect(allowed.body?.code).not.toBe("missing-scope");
    expect(allowed.status, JSON.stringify(allowed.body)).toBeLessThan(500);
  });

  // A user is made of nothing that is there already, and the second of one address is refused.
  const naming = keyed.filter(([name]) => name !== "createUser");
  it.each(naming)("%s tells nobody of another owner's tasks", async (name) => {
    const { call, snapshot, put, create } = await setUpApi();
    const task = await put({ status: "held" });
    await create({ text: "Anne's secret" });
    const before = snapshot();
    const foreign = await call({
      ...fitting(name, task.id),
      owner: BELA,
      ...(name === "createTask" && { json: { text: "x", project: "default", account: "main" } }),
      ...(name === "createTasks" && { json: { tasks: [{ text: "x", project: "default" }] } }),
      ...(name === "simulate" && { json: { project: "default", account: "main" } }),
      ...(name === "suggestSlots" && { query: { project: "default", account: "main" } }),
      ...(name === "createJob" && { json: aScanOf("default") }),
      ...(name === "createRecurrence" && { json: { ...A_RECURRENCE, project: "default" } }),
    });
    const unknown = await call({
      ...fitting(name, UNKNOWN_ID),
      owner: BELA,
      ...(name === "createTask" && { json: { text: "x", project: "nobody", account: "main" } }),
      ...(name === "createTasks" && { json: { tasks: [{ text: "x", project: "nobody" }] } }),
      ...(name === "simulate" && { json: { project: "nobody", account: "main" } }),
      ...(name === "suggestSlots" && { query: { project: "nobody", account: "main" } }),
      ...(name === "createJob" && { json: aScanOf("nobody") }),
      ...(name === "createRecurrence" && { json: { ...A_RECURRENCE, project: "nobody" } }),
    });
    expect(JSON.stringify(foreign.body)).not.toMatch(/secret|anne/i);
    const same = ({ status, body }: typeof foreign) =>
      JSON.stringify([status, { ...body, requestId: "", checkedAt: "" }]).replaceAll(
        /default|nobody|01JZ\d{22}/g,
        "?",
      );
    expect(same(foreign)).toBe(same(unknown));
    expect(snapshot()).toEqual(before);
  });

  it.each(routes)("%s names a parameter that it does not know", async (name) => {
    const { call, put } = await setUpApi();
    const { id } = await put(TAKES[name]);
    const { status, body } = await call({ ...fitting(name, id), query: { colour: "red" } });
    expect([status, body.errors[0].parameter]).toEqual([400, "colour"]);
  });

  it.each(routes)("%s answers with the request's id and without a trace for others", async (name) => {
    const { call, put } = await setUpApi();
    const { id } = await put(TAKES[name]);
    const { headers } = await call(fitting(name, id));
    expect(headers).toMatchObject({
      "x-request-id": expect.stringMatching(/^request-\d+$/),
      "x-content-type-options": "nosniff",
      "cache-control": open.some(([one]) => one === name) ? expect.any(String) : "no-store",
      "content-security-policy": expect.stringContaining("default-src 'none'"),
      "strict-transport-security": expect.stringContaining("max-age"),
    });
  });

  it.each(keyed)("%s hides why a store failed", async (name, { repeatable }) => {
    const api = await setUpApi();
    const { id } = await api.put(TAKES[name]);
    const secret = new Error("arn:aws:dynamodb:eu-west-1:123456789012:table/tasks is throttled");
    // The last two keep books beside their methods.
    const stores = [...Object.values<unknown>(api).filter(isStore), api.audit, api.queues] as Store[];
    expect(stores.length).toBeGreaterThan(12);
    for (const store of stores)
      for (const method of Object.keys(store))
        if (typeof store[method] === "function") store[method] = () => Promise.reject(secret);
    const { status, body } = await api.call(fitting(name, id));
    expect(JSON.stringify(body)).not.toMatch(/arn|throttled|dynamo/i);
    if (NEED_NO_STORE.has(name)) return;
    expect(status).toBe(TELL_OF_IT.has(name) ? 503 : 500);
    if (TELL_OF_IT.has(name)) return;
    expect([body.code, body.retryable]).toEqual(["internal", repeatable]);
    expect(api.logger.error).toHaveBeenCalledWith(
      "request failed",
      expect.objectContaining({ error: secret, requestId: body.requestId }),
    );
  });
});

/** Of every answer, whatever it is. */
const ALWAYS = {
  "x-request-id": expect.stringMatching(/^request-\d+$/),
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
  ratelimit: expect.stringContaining('"hour";r='),
};

describe("addresses", () => {
  it.each([
    "/api/v1",
    "/api/v1/scheduling",
    "/api/v2/scheduling/tasks",
    `${TASKS}/a/b`,
    `${TASKS}//`,
    "/api/v1/__proto__",
    "/",
  ])("%s is 404", async (path) => {
    const { call } = await setUpApi();
    const { status, headers, body } = await call({ path });
    expect([status, body.code]).toEqual([404, "route-not-found"]);
    expect(headers).toMatchObject(ALWAYS);
  });

  it.each([
    ["PUT", TASKS, "POST, GET, HEAD, OPTIONS"],
    ["TRACE", "/api/v1/system/health", "GET, HEAD, OPTIONS"],
    ["GET", `${TASKS}/${UNKNOWN_ID}/publish-now`, "POST, OPTIONS"],
  ])("%s %s is 405 and says what is allowed", async (method, path, allow) => {
    const { call } = await setUpApi();
    const { status, headers, body } = await call({ method, path });
    expect([status, headers["allow"], body.code]).toEqual([405, allow, "method-not-allowed"]);
    expect(headers).toMatchObject(ALWAYS);
  });

  it("HEAD is GET without the body, also where that is refused or fails", async () => {
    const { call, put, tasks } = await setUpApi();
    const { id } = await put();
    const without = ({ "x-request-id": _, ratelimit: __, ...headers }: Readonly<Record<string, string>>) =>
      headers;
    const same = async (path: string) => {
      const get = await call({ path });
      const head = await call({ method: "HEAD", path });
      expect([head.status, without(head.headers), head.body]).toEqual([
        get.status,
        without(get.headers),
        undefined,
      ]);
      return head.status;
    };
    expect(await same(`${TASKS}/${id}`)).toBe(200);
    expect(await same(`${TASKS}/${UNKNOWN_ID}`)).toBe(404);
    expect(await same(`${TASKS}/${id}/publish-now`)).toBe(405);
    expect(await same("/api/v1/nowhere")).toBe(404);
    Object.assign(tasks, { get: () => Promise.reject(new Error("no")) });
    expect(await same(`${TASKS}/${id}`)).toBe(500);
  });

  it("OPTIONS says what an address takes, and does none of it", async () => {
    const { call, snapshot } = await setUpApi();
    const before = snapshot();
    const { status, headers, body } = await call({ method: "OPTIONS", path: TASKS, json: { text: "x" } });
    expect([status, headers["allow"], body]).toEqual([204, "POST, GET, HEAD, OPTIONS", undefined]);
    expect(headers).toMatchObject(ALWAYS);
    expect(headers).not.toHaveProperty("content-type");
    expect(snapshot()).toEqual(before);
    expect((await call({ method: "OPTIONS", path: "/api/v1/nowhere" })).status).toBe(404);
  });

  it.each([
    "nonsense",
    "..%2f..%2fother",
    "%E0%A4%A",
    "x".repeat(3_000),
    "01arz3ndektsv4rrffq69g5fav",
    "%00",
  ])("an id that is none is the same as an unknown one: %s", async (id) => {
    const { call } = await setUpApi();
    const { status, body } = await call({ path: `${TASKS}/${id}` });
    expect([status, body.code]).toEqual([404, "task-not-found"]);
  });

  it("undoes the encoding of an id, and forgives a slash", async () => {
    const { call, put } = await setUpApi();
    const { id } = await put();
    const encoded = [...id].map((char) => `%${char.charCodeAt(0).toString(16)}`).join("");
    expect((await call({ path: `${TASKS}/${encoded}/` })).body.id).toBe(id);
  });
});

describe("POST tasks", () => {
  it("accepts a post for later and arranges it, publishing nothing", async () => {
    const { create, dispatch, tasks } = await setUpApi();
    const { status, headers, body } = await create({
      text: " 你好 ",
      publishAt: "2026-12-01 10:00",
      language: "cn",
    });
    expect(status).toBe(202);
    expect(headers["location"]).toBe(`${TASKS}/${body.id}`);
    expect(body).toEqual({
      id: expect.any(String),
      project: "default",
      account: "main",
      status: "pending",
      rev: 1,
      priority: 5,
      language: "zh",
      publishAt: "2026-12-01T02:00:00Z",
      slotAt: "2026-12-01T02:00:00Z",
      slotLocal: "2026-12-01 10:00:00",
      timeZone: "Asia/Shanghai",
      parts: [{ text: "你好" }],
      media: [],
      // As it is stored once it is arranged, for `If-Match`.
      version: (await tasks.get(body.id))?.version,
    });
    expect(
      dispatch.scheduled.map(({ message, at }) => [message.taskId, message.step, at.toISOString()]),
    ).toEqual([[body.id, "publish", "2026-12-01T01:58:55.000Z"]]);
    expect(await tasks.getLog(body.id)).toMatchObject([{ step: "accept", status: "pending" }]);
  });

  it("accepts a thread for now with every option", async () => {
    const { create, dispatch, read } = await setUpApi();
    const { status, body } = await create({
      project: "default",
      account: "main",
      thread: ["one", "two"],
      publishAt: "now",
      priority: 1,
      language: "pt_BR",
      latePolicy: { postWithin: "2h", then: "hold" },
      maxRetries: 0,
    });
    expect(status).toBe(202);
    expect(body.parts).toEqual([{ text: "one" }, { text: "two" }]);
    expect(await read(body)).toMatchObject({
      priority: 1,
      language: "pt-BR",
      latePolicy: { postWithinMs: 7_200_000, then: "hold" },
      maxRetries: 0,
      partCount: 2,
      source: { kind: "api" },
    });
    expect(dispatch.enqueued).toHaveLength(1);
  });

  it("accepts what could not be arranged: the sweeper finds it", async () => {
    const { create, dispatch, report, read } = await setUpApi();
    const error = new DependencyFault("no queue");
    dispatch.enqueue = () => Promise.reject(error);
    const { status, body } = await create({ text: "x" });
    expect(status).toBe(202);
    expect(report).toHaveBeenCalledWith(error, body.id);
    expect((await read(body)).wakeAt).toEqual(new Date(START.getTime() + 120_000));
  });

  it("says which of two instants a local time is", async () => {
    const { create, accounts } = await setUpApi();
    const berlin = await accounts.getProjectByFolder("default");
    Object.assign(berlin as object, { timeZone: "Europe/Berlin" });
    const { body } = await create({ text: "x", publishAt: "2027-03-28 02:30" });
    expect([body.publishAt, body.reason.code]).toEqual(["2027-03-28T01:30:00Z", "local-time-skipped"]);
  });

  const wrong: readonly (readonly [string, object, number, string, string])[] = [
    ["an unknown field", { text: "x", colour: "red" }, 400, "invalid-input", "/colour"],
    ["a field with strange signs", { text: "x", "a/b~c": 1 }, 400, "invalid-input", "/a~1b~0c"],
    [
      "an unknown field inside",
      { text: "x", latePolicy: { foo: 1 } },
      400,
      "invalid-input",
      "/latePolicy/foo",
    ],
    ["media by their names", { text: "x", media: ["a.jpg"] }, 400, "invalid-input", "/media/0"],
    ["no text", {}, 400, "invalid-input", "/text"],
    ["text and thread", { text: "x", thread: ["y"] }, 400, "invalid-input", "/thread"],
    ["a number as text", { text: 5 }, 400, "invalid-input", "/text"],
    ["a number in a thread", { thread: ["a", 5] }, 400, "invalid-input", "/thread/1"],
    ["an empty thread", { thread: [] }, 400, "invalid-input", "/thread"],
    ["priority 0", { text: "x", priority: 0 }, 400, "invalid-input", "/priority"],
    ["priority 11", { text: "x", priority: 11 }, 400, "invalid-input", "/priority"],
    ["priority as text", { text: "x", priority: "5" }, 400, "invalid-input", "/priority"],
    ["11 retries", { text: "x", maxRetries: 11 }, 400, "invalid-input", "/maxRetries"],
    ["null", { text: "x", account: null }, 400, "invalid-input", "/account"],
    ["an odd language", { text: "x", language: "!" }, 400, "invalid-input", "/language"],
    [
      "an odd wait",
      { text: "x", latePolicy: { postWithin: "soon" } },
      400,
      "invalid-input",
      "/latePolicy/postWithin",
    ],
    ["an unknown project", { text: "x", project: "nope" }, 422, "unknown-project", "/project"],
    ["an unknown account", { text: "x", account: "nope" }, 422, "unknown-account", "/account"],
    ["an account of another project", { text: "x", account: "second" }, 422, "unknown-account", "/account"],
    ["no time", { text: "x", publishAt: "tomorrow" }, 422, "bad-time", "/publishAt"],
    ["a day that is none", { text: "x", publishAt: "2026-02-30 09:00" }, 422, "bad-time", "/publishAt"],
    ["a time long ago", { text: "x", publishAt: "2026-11-30T00:00:00Z" }, 422, "slot-passed", "/publishAt"],
    [
      "a time in ten years",
      { text: "x", publishAt: "2036-12-01T00:00:00Z" },
      422,
      "too-far-ahead",
      "/publishAt",
    ],
    ["nothing but spaces", { text: "  " }, 422, "empty-post", "/text"],
    ["an empty part", { thread: ["a", " ", "c"] }, 422, "empty-part", "/thread/1"],
    ["26 parts", { thread: Array(26).fill("x") }, 422, "too-many-parts", "/thread"],
    ["a long text", { text: "x".repeat(281) }, 422, "text-too-long", "/text"],
    ["a long text in Chinese", { text: "字".repeat(141) }, 422, "text-too-long", "/text"],
    ["a long part", { thread: ["a", "b", "x".repeat(281)] }, 422, "text-too-long", "/thread/2"],
    ["a control character", { text: "a\u0007" }, 422, "invalid-text", "/text"],
  ];
  it.each(wrong)("refuses %s and stores nothing", async (_, json, status, code, pointer) => {
    const { create, snapshot } = await setUpApi();
    const before = snapshot();
    const answer = await create(json);
    expect([answer.status, answer.body.code, answer.body.errors[0].pointer]).toEqual([status, code, pointer]);
    expect(answer.body.retryable).toBe(false);
    expect(answer.body.detail).not.toMatch(/file|drop/i);
    expect(snapshot()).toEqual(before);
  });

  it("says which project there is, which field was meant, and which is missing", async () => {
    const { create } = await setUpApi();
    expect((await create({ text: "x", project: "nope" })).body.detail).toContain("default");
    expect((await create({ text: "x", prioriti: 5 })).body.detail).toContain("priority");
    expect((await create({}, { owner: BELA })).body.errors).toEqual([
      { pointer: "/text", detail: "give text, thread, generate or media" },
    ]);
  });

  const broken: readonly (readonly [string, Partial<ApiRequest>, number, string])[] = [
    ["no body", { body: "" }, 400, "invalid-input"],
    ["an array", { body: "[]" }, 400, "invalid-input"],
    ["broken JSON", { body: '{"text":' }, 400, "malformed-body"],
    ["an unpaired surrogate", { body: '{"text":"\\ud800"}' }, 400, "malformed-body"],
    ["an unpaired surrogate in a name", { body: '{"a\\ud800":1}' }, 400, "malformed-body"],
    [
      "a body nested too deep",
      { body: `{"text":${"[".repeat(5_000)}${"]".repeat(5_000)}}` },
      400,
      "malformed-body",
    ],
    [
      "bytes that are no UTF-8",
      { body: Buffer.from([0x7b, 0xff, 0x7d]).toString("base64"), base64: true },
      400,
      "malformed-body",
    ],
    ["bytes that were no UTF-8", { body: '{"text":"\ufffd"}' }, 400, "malformed-body"],
    ["too much", { body: JSON.stringify({ text: "字".repeat(90_000) }) }, 413, "body-too-large"],
    [
      "too much in base64",
      { body: Buffer.alloc(262_145, 32).toString("base64"), base64: true },
      413,
      "body-too-large",
    ],
    [
      "a form",
      { body: "text=x", headers: { "content-type": "application/x-www-form-urlencoded" } },
      415,
      "unsupported-media-type",
    ],
    [
      "another encoding",
      { body: "{}", headers: { "content-type": "application/json; charset=gb2312" } },
      415,
      "unsupported-media-type",
    ],
  ];
  it.each(broken)("refuses %s", async (_, request, status, code) => {
    const { call, snapshot } = await setUpApi();
    const before = snapshot();
    const answer = await call({ method: "POST", ...request });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(snapshot()).toEqual(before);
  });

  it.each([
    ["a byte order mark", { body: '\ufeff{"text":"x"}' }],
    ["base64", { body: Buffer.from('\ufeff{"text":"x"}').toString("base64"), base64: true }],
    ["a charset", { body: '{"text":"x"}', headers: { "content-type": 'application/json; charset="UTF-8"' } }],
  ])("takes %s", async (_, request) => {
    const { call } = await setUpApi();
    expect((await call({ method: "POST", ...request })).status).toBe(202);
  });
});

describe("GET tasks", () => {
  const slot = (minute: number) => new Date(START.getTime() + minute * 60_000);

  it("pages through the owner's tasks by slot", async () => {
    const { call, put } = await setUpApi();
    for (const minute of [3, 1, 2]) await put({ slotAt: slot(minute) });
    await put({ ownerId: BELA });
    const first = await call({ query: { limit: "2" } });
    expect(first.body.items.map(({ slotAt }: { slotAt: string }) => slotAt)).toEqual([
      "2026-12-01T01:01:00Z",
      "2026-12-01T01:02:00Z",
    ]);
    expect(first.body.items[0]).toMatchObject({
      project: "default",
      account: "main",
      parts: [{ text: expect.any(String) }],
    });
    const second = await call({ query: { limit: "2", cursor: first.body.next } });
    expect(second.body).toEqual({ items: [expect.objectContaining({ slotAt: "2026-12-01T01:03:00Z" })] });
  });

  it("filters by project and status, and by account", async () => {
    const { call, put } = await setUpApi();
    const held = await put({ status: "held" });
    const pending = await put({ slotAt: slot(1) });
    const ids = async (query: Record<string, string>) =>
      (await call({ query })).body.items.map(({ id }: { id: string }) => id);
    expect(await ids({ project: "default", status: "held" })).toEqual([held.id]);
    expect(await ids({ account: "main" })).toEqual([pending.id, held.id]);
    expect(await ids({ account: "second" })).toEqual([]);
  });

  it("shows nothing of another owner, even if it lies in the same list", async () => {
    const { call, put } = await setUpApi();
    const { accountId, projectId } = await put({ status: "held" });
    await put({ ownerId: BELA, accountId, projectId, status: "held" });
    expect((await call({ query: { account: "main" } })).body.items).toHaveLength(1);
    expect((await call({ query: { project: "default", status: "held" } })).body.items).toHaveLength(1);
  });

  it.each([
    [{ limit: "0" }, "limit"],
    [{ limit: "101" }, "limit"],
    [{ limit: "" }, "limit"],
    [{ limit: "1e1" }, "limit"],
    [{ status: "odd" }, "status"],
    [{ from: "2026-12-01 09:00" }, "from"],
    [{ from: "2026-12-02T00:00:00Z", until: "2026-12-01T00:00:00Z" }, "until"],
    [{ limt: "5" }, "limt"],
  ])("refuses %j", async (query, parameter) => {
    const { call } = await setUpApi();
    const { status, body } = await call({ query: query as Record<string, string> });
    expect([status, body.code, body.errors[0].parameter]).toEqual([400, "invalid-input", parameter]);
  });

  it.each([
    [{ project: "bakery", status: "held" }, "unknown-project", "project"],
    [{ account: "nope" }, "unknown-account", "account"],
  ])("refuses %j, which is not there for this owner", async (query, code, parameter) => {
    const { call } = await setUpApi();
    const { status, body } = await call({ query: query as Record<string, string> });
    expect([status, body.code, body.errors[0].parameter]).toEqual([422, code, parameter]);
  });
});

describe("GET task", () => {
  it("shows the task with its log", async () => {
    const { call, create, clock } = await setUpApi();
    const { id } = (await create({ text: "x", publishAt: "2026-12-01T02:00:00Z" })).body;
    clock.advance(1_000);
    await call({ method: "DELETE", path: `${TASKS}/${id}` });
    const { status, body } = await call({ path: `${TASKS}/${id}` });
    expect([status, body.status, body.reason.code]).toEqual([200, "cancelled", "cancelled"]);
    expect(body.log).toMatchObject([
      { at: "2026-12-01T01:00:00Z", step: "accept", status: "pending" },
      { at: "2026-12-01T01:00:01Z", step: "change", status: "cancelled", code: "cancelled" },
    ]);
  });
});

describe("DELETE task", () => {
  it("cancels, takes the schedules back, and may be repeated", async () => {
    const { call, create, dispatch, read } = await setUpApi();
    const { id } = (await create({ text: "x", publishAt: "2026-12-01T02:00:00Z" })).body;
    for (const _ of [1, 2]) {
      const { status, body } = await call({ method: "DELETE", path: `${TASKS}/${id}` });
      expect([status, body.status]).toEqual([200, "cancelled"]);
    }
    expect(dispatch.scheduled).toEqual([]);
    expect(await read({ id })).toMatchObject({ rev: 2, status: "cancelled" });
  });

  it("takes both schedules of a task with media back, and cancels even if that fails", async () => {
    const { call, put, dispatch, report } = await setUpApi();
    const task = await put({ mediaCount: 1, arm: 4 });
    const error = new DependencyFault("no scheduler");
    const asked: unknown[] = [];
    dispatch.unschedule = async ({ step, arm }) => {
      asked.push([step, arm]);
      throw error;
    };
    const { status, body } = await call({ method: "DELETE", path: `${TASKS}/${task.id}` });
    expect([status, body.status]).toEqual([200, "cancelled"]);
    expect(asked).toEqual([
      ["prepare", 4],
      ["publish", 4],
    ]);
    expect(report.mock.calls).toEqual([[error], [error]]);
  });

  it.each(["posting", "unknown"])("only remembers the wish while it is %s", async (state) => {
    const { call, tasks, put, read } = await setUpApi();
    const task = await put();
    const posting = startPosting(task, START, intent);
    await tasks.save(posting);
    if (state === "unknown") await tasks.save(markUnknown(posting, START, REASON));
    for (const _ of [1, 2]) {
      const { status, body } = await call({ method: "DELETE", path: `${TASKS}/${task.id}` });
      expect([status, body.status, body.cancelAskedAt]).toEqual([202, state, "2026-12-01T01:00:00Z"]);
    }
    expect(await read(task)).toMatchObject({ cancelAskedAt: START, attemptId: intent.attemptId });
    expect((await tasks.getLog(task.id)).map(({ code }) => code)).toEqual(["cancel-asked"]);
  });

  it.each(["failed", "missed"] as const)("refuses a task that is %s", async (status) => {
    const { call, put, tasks } = await setUpApi();
    const task = await put();
    await tasks.save(stop(task, START, status, REASON));
    const { body } = await call({ method: "DELETE", path: `${TASKS}/${task.id}` });
    expect([body.status, body.code]).toEqual([409, "task-final"]);
  });
});

describe("POST publish-now", () => {
  const path = (id: string) => `${TASKS}/${id}/publish-now`;

  it("moves the slot to now under a new arm", async () => {
    const { call, create, dispatch, clock, read } = await setUpApi();
    const { id } = (await create({ text: "x", publishAt: "2026-12-01T02:00:00Z" })).body;
    clock.advance(1_500);
    const { status, body } = await call({ method: "POST", path: path(id) });
    expect([status, body.slotAt, body.publishAt]).toEqual([
      202,
      "2026-12-01T01:00:01.500Z",
      "2026-12-01T02:00:00Z",
    ]);
    expect(await read({ id })).toMatchObject({ rev: 2, arm: 2 });
    expect(dispatch.enqueued.map(({ message }) => [message.rev, message.arm, message.step])).toEqual([
      [2, 2, "publish"],
    ]);
  });

  it("answers 202 for what could not be arranged: the sweeper finds it", async () => {
    const { call, put, dispatch, report, read } = await setUpApi();
    const task = await put();
    const error = new DependencyFault("no queue");
    dispatch.enqueue = () => Promise.reject(error);
    expect((await call({ method: "POST", path: path(task.id) })).status).toBe(202);
    expect(report).toHaveBeenCalledWith(error);
    expect((await read(task)).wakeAt).toEqual(new Date(START.getTime() + 120_000));
  });

  it("wakes a held task with media up again, from the upload on", async () => {
    const { call, put, tasks, dispatch } = await setUpApi();
    const task = await put({ mediaCount: 1 });
    await tasks.save(stop(task, START, "held", REASON));
    const { status, body } = await call({ method: "POST", path: path(task.id), json: {} });
    expect([status, body.status, body.reason]).toEqual([202, "pending", undefined]);
    expect(dispatch.enqueued.map(({ message }) => message.step)).toEqual(["prepare", "publish"]);
  });

  it("lets a held thread go on with the part that is due, and takes its old calls back", async () => {
    const { call, put, tasks, dispatch } = await setUpApi();
    const task = await put({ partCount: 2, slotAt: START });
    const posting = startPosting(task, START, intent);
    await tasks.save(posting);
    const between = recordPosted(posting, START, { postId: "1999", sentAt: START });
    await tasks.save(between);
    await dispatch.schedule({ taskId: task.id, rev: 1, arm: 1, step: "publish", part: 1 }, START);
    await tasks.save(stop(between, START, "held", REASON));
    const { status, body } = await call({ method: "POST", path: path(task.id) });
    expect([status, body.status]).toEqual([202, "pending"]);
    expect(dispatch.enqueued.map(({ message }) => [message.step, message.part])).toEqual([["publish", 1]]);
    expect(dispatch.scheduled).toEqual([]);
  });

  it("refuses what X may have, what has ended, and a thread that is on its way", async () => {
    const { call, put, tasks } = await setUpApi();
    const now = async (id: string) => {
      const { status, body } = await call({ method: "POST", path: path(id) });
      return [status, body.code];
    };
    const task = await put({ partCount: 2 });
    const posting = startPosting(task, START, intent);
    await tasks.save(posting);
    expect(await now(task.id)).toEqual([409, "in-flight"]);
    const between = recordPosted(posting, START, { postId: "1999", sentAt: START });
    await tasks.save(between);
    expect(await now(task.id)).toEqual([409, "parts-posted"]);
    const ended = await put({ status: "published" });
    expect(await now(ended.id)).toEqual([409, "task-final"]);
  });

  it("refuses fields, since it takes none", async () => {
    const { call, put } = await setUpApi();
    const { id } = await put();
    const { status, body } = await call({ method: "POST", path: path(id), json: { publishAt: "now" } });
    expect([status, body.errors[0].pointer]).toEqual([400, "/publishAt"]);
  });
});

describe("races", () => {
  it.each([
    ["DELETE", "", 200],
    ["POST", "/publish-now", 202],
  ])("%s%s decides again when somebody was faster", async (method, suffix, status) => {
    const { call, put, tasks, read } = await setUpApi();
    const task = await put();
    const { save } = tasks;
    let races = 2;
    tasks.save = async (next, together) => {
      if (races-- > 0) {
        const current = await read(task);
        await save({ ...current, recoveries: current.recoveries + 1, version: current.version + 1 });
      }
      return save(next, together);
    };
    expect((await call({ method, path: `${TASKS}/${task.id}${suffix}` })).status).toBe(status);
  });

  it("a publisher that was faster makes a cancellation a wish", async () => {
    const { call, put, tasks, read } = await setUpApi();
    const task = await put();
    const { save } = tasks;
    let done = false;
    tasks.save = async (next, together) => {
      if (!done) {
        done = true;
        await save(startPosting(task, START, intent));
      }
      return save(next, together);
    };
    expect((await call({ method: "DELETE", path: `${TASKS}/${task.id}` })).status).toBe(202);
    expect(await read(task)).toMatchObject({ status: "posting", cancelAskedAt: START });
  });

  it.each([
    ["DELETE", ""],
    ["POST", "/publish-now"],
  ])("%s%s gives up in the end, and says that it may be repeated", async (method, suffix) => {
    const { call, put, tasks } = await setUpApi();
    const { id } = await put();
    let saves = 0;
    tasks.save = async () => {
      saves++;
      return { ok: false, error: { reason: "stale" } };
    };
    const { status, body } = await call({ method, path: `${TASKS}/${id}${suffix}` });
    expect([status, body.code, body.retryable, saves]).toEqual([409, "write-conflict", true, 5]);
  });
});

describe("GET health", () => {
  const path = "/api/v1/system/health";

  it("says what works and what was not tried", async () => {
    const { call } = await setUpApi();
    const { status, body } = await call({ path });
    expect([status, body.status, body.stage, body.accounts]).toEqual([
      200,
      "ok",
      "test",
      { total: 1, active: 1, available: 1, utilisation: 0 },
    ]);
    expect(
      body.dependencies.map(({ name, status: one }: { name: string; status: string }) => [name, one]),
    ).toEqual([
      ["table", "ok"],
      ["scheduler", "ok"],
      ["queues", "ok"],
      ["bucket", "not-checked"],
    ]);
  });

  it("counts the accounts that may post", async () => {
    const { call, accounts } = await setUpApi();
    await accounts.deactivateAccount("anne.main" as never, { status: "paused", reason: REASON });
    expect((await call({ path })).body.accounts).toEqual({
      total: 1,
      active: 0,
      available: 0,
      utilisation: null,
    });
  });

  it("is degraded without the scheduler and down without the table", async () => {
    const { call, dispatch, accounts, report } = await setUpApi();
    dispatch.unschedule = () => Promise.reject(new DependencyFault("no scheduler at 10.0.0.1"));
    const degraded = await call({ path });
    expect([degraded.status, degraded.body.status]).toEqual([200, "degraded"]);
    expect(degraded.body.dependencies[1].why).toContain("dependency-unavailable");
    accounts.listProjects = () => Promise.reject(new Error("no table at 10.0.0.1"));
    const down = await call({ path });
    expect([down.status, down.body.status, down.body.accounts]).toEqual([503, "down", undefined]);
    expect(JSON.stringify([degraded.body, down.body])).not.toContain("10.0.0.1");
    expect(report).toHaveBeenCalledTimes(3);
  });
});

describe("faults", () => {
  it("a dependency that did nothing may be asked again", async () => {
    const { call, tasks } = await setUpApi();
    tasks.create = () => Promise.reject(new DependencyFault("the table did not answer"));
    const { status, headers, body } = await call({ method: "POST", json: { text: "x" } });
    expect([status, body.code, body.retryable, headers["retry-after"]]).toEqual([
      503,
      "dependency-unavailable",
      true,
      "5",
    ]);
  });
});

describe("batches", () => {
  it("are made by the first post that names them, and are one per owner and name", async () => {
    const { create, call, read } = await setUpApi();
    const first = await create({ text: "one", batch: " autumn " });
    const second = await create({ text: "two", batch: "autumn" });
    const foreign = await create({ text: "x", project: "bakery", batch: "autumn" }, { owner: BELA });
    expect(first.body.batchId).toBe(second.body.batchId);
    expect(foreign.body.batchId).not.toBe(first.body.batchId);
    expect((await read(first.body)).batchId).toBe(first.body.batchId);
    const { body } = await call({ path: `/api/v1/batches/${first.body.batchId}` });
    expect(body).toEqual({
      id: first.body.batchId,
      name: "autumn",
      createdAt: "2026-12-01T01:00:00Z",
      total: 0,
      counts: { pending: 0, processing: 0, done: 0 },
      percentDone: 0,
    });
  });

  it("show where their tasks stand", async () => {
    const { call, batches, put } = await setUpApi();
    const buckets = ["pending", "processing", "done"] as const;
    const told = await Promise.all(
      buckets.map(async (bucket) => ({ taskId: (await put()).id, bucket, version: 1 })),
    );
    await batches.count(ANNES_BATCH, told);
    expect((await call({ path: `/api/v1/batches/${ANNES_BATCH}` })).body).toMatchObject({
      total: 3,
      counts: { pending: 1, processing: 1, done: 1 },
      percentDone: 33,
    });
  });

  it("are not made by a post that is refused", async () => {
    const { create, batches } = await setUpApi();
    const open = vi.spyOn(batches, "open");
    expect((await create({ text: "x".repeat(281), batch: "autumn" })).status).toBe(422);
    expect(open).not.toHaveBeenCalled();
  });

  it.each(["", "  ", "a\u0000b", "\ud800", "x".repeat(101), 5])("refuse the name %j", async (batch) => {
    const { create } = await setUpApi();
    const { status, body } = await create({ text: "x", batch });
    expect([status, body.errors[0].pointer]).toEqual([400, "/batch"]);
  });
});

describe("runs", () => {
  const RUN = "/api/v1/publish-pool/run";
  const path = `/api/v1/publish-pool/runs/${ANNES_RUN}`;

  it("are noted, and nothing is handed on inside the request", async () => {
    const { call, put, dispatch, snapshot, runs } = await setUpApi();
    await put({ slotAt: new Date(START.getTime() - 3_600_000) });
    const before = snapshot();
    const { status, headers, body } = await call({ method: "POST", path: RUN });
    expect(status).toBe(202);
    expect(body).toEqual({ runId: expect.any(String), href: `/api/v1/publish-pool/runs/${body.runId}` });
    expect(headers["location"]).toBe(body.href);
    expect([dispatch.enqueued, dispatch.scheduled]).toEqual([[], []]);
    expect(snapshot()).toEqual(before);
    expect(await runs.get(body.runId)).toMatchObject({ ownerId: "anne", status: "queued", wakeAt: START });
    expect((await call({ path: body.href })).body).toMatchObject({
      status: "queued",
      message: "It starts within a minute.",
      total: 0,
      items: [],
    });
  });

  it("are not noted without the scope", async () => {
    const { call, runs } = await setUpApi();
    const save = vi.spyOn(runs, "save");
    expect((await call({ method: "POST", path: RUN, scopes: ["write"] })).status).toBe(403);
    expect(save).not.toHaveBeenCalled();
  });

  it("show what became of each task, page by page", async () => {
    const { call, runs, annesRun } = await setUpApi();
    const at = new Date(START.getTime() + 1_500);
    const ended = {
      state: "ended",
      status: "failed",
      outcome: "failed",
      error: { code: "text-too-long", message: "Too long." },
      logId: `${at.toISOString()}#attempt-1`,
      mediaIds: ["7"],
      handedAt: START,
      durationMs: 1_500,
    } as const;
    const page = { runId: ANNES_RUN, version: 1 };
    await runs.savePage(annesRun, { ...page, index: 0, items: [{ taskId: UNKNOWN_ID as never, ...ended }] });
    await runs.savePage(annesRun, {
      ...page,
      index: 1,
      items: [
        { taskId: UNKNOWN_ID as never, state: "open", status: "posting", mediaIds: [] },
        { taskId: UNKNOWN_ID as never, state: "waiting", status: "pending", mediaIds: [] },
      ],
    });
    await runs.save({
      ...annesRun,
      status: "running",
      startedAt: START,
      total: 3,
      pages: 2,
      counts: { succeeded: 0, failed: 1, errored: 0, skipped: 0 },
      workedMs: 1_500,
      timed: 1,
      version: 2,
    });
    const first = await call({ path });
    const { state: _, outcome, handedAt: __, ...item } = ended;
    expect(first.body).toEqual({
      id: ANNES_RUN,
      status: "running",
      message: "1 of 3 have ended.",
      total: 3,
      succeeded: 0,
      failed: 1,
      errored: 0,
      skipped: 0,
      createdAt: "2026-12-01T01:00:00Z",
      startedAt: "2026-12-01T01:00:00Z",
      averageMs: 1_500,
      items: [{ taskId: UNKNOWN_ID, outcome, handedAt: "2026-12-01T01:00:00Z", ...item }],
      next: expect.any(String),
    });
    const second = await call({ path, query: { cursor: first.body.next } });
    expect(second.body.items.map((one: { outcome: string }) => one.outcome)).toEqual(["open", "waiting"]);
    expect(second.body.next).toBeUndefined();
  });

  it.each(["2", "0", "x", "1e3", "-1"])("have no page at the cursor %s", async (cursor) => {
    const { call } = await setUpApi();
    const { status, body } = await call({ path, query: { cursor } });
    expect([status, body.errors[0].parameter]).toEqual([400, "cursor"]);
  });
});
