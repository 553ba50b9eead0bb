import { describe, expect, it } from "vitest";
import * as z from "zod";
import { ROUTES } from "#shared/contract/routes.ts";
import { IDEMPOTENCY_TTL_MS } from "#shared/domain/idempotency.ts";
import { asProjectId } from "#shared/domain/ids.ts";
import { DependencyFault } from "#shared/errors.ts";
import { ANNE, ANNES_JOB, type ApiRequest, BELA, setUpApi, TASKS } from "./serve-api-setup.ts";

/** The function's own time in these tests, and what is added to it. */
const LEASE_MS = 25_000 + 5_000;
const KEY = "3b1f6a2e-one";
const A_POST = { text: "hello", publishAt: "2026-12-01 10:00" };

const post = (json: object = A_POST, over: Partial<ApiRequest> = {}, key = KEY): ApiRequest => ({
  method: "POST",
  path: TASKS,
  json,
  ...over,
  headers: { "idempotency-key": key, ...over.headers },
});

async function setUp() {
  const api = await setUpApi();
  return { ...api, countTasks: () => Object.keys(api.snapshot()["tasks"] as object).length };
}

describe("a request with an Idempotency-Key", () => {
  it("is answered a second time as the first time, and does nothing more", async () => {
    const { call, countTasks, dispatch } = await setUp();
    const first = await call(post());
    const again = await call(post());
    expect(first.status).toBe(202);
    expect(first.headers).not.toHaveProperty("idempotency-replayed");
    expect([again.status, again.body, again.headers["location"]]).toEqual([
      202,
      first.body,
      first.headers["location"],
    ]);
    expect(again.headers["idempotency-replayed"]).toBe("true");
    expect(again.headers["x-request-id"]).not.toBe(first.headers["x-request-id"]);
    expect([countTasks(), dispatch.scheduled.length]).toEqual([1, 1]);
  });

  it("is the same in other white space and another order, and at an address with a slash", async () => {
    const { call, countTasks } = await setUp();
    await call(post());
    const body = `{ "publishAt": "2026-12-01 10:00",\n  "text": "hello" }`;
    const again = await call(post(undefined, { body, path: `${TASKS}/` }));
    expect([again.status, again.headers["idempotency-replayed"], countTasks()]).toEqual([202, "true", 1]);
  });

  it.each([
    ["body", post({ ...A_POST, text: "bye" })],
    ["address", post({ tasks: [A_POST] }, { path: `${TASKS}/batch` })],
  ])("is refused under the key of another %s", async (_, other) => {
    const { call, countTasks } = await setUp();
    await call(post());
    const { status, body } = await call(other);
    expect([status, body.code, body.retryable]).toEqual([422, "idempotency-key-reused", false]);
    expect(countTasks()).toBe(1);
  });

  it("runs again with the version that is stored, after it came with another", async () => {
    const { call, tasks, countTasks } = await setUp();
    const { body } = await call(post());
    const task = await tasks.get(body.id);
    if (!task) throw new Error("there is no task");
    const now = (version: number) =>
      call({
        method: "POST",
        path: `${TASKS}/${body.id}/publish-now`,
        headers: { "idempotency-key": "now", "if-match": `"${version}"` },
      });
    expect((await now(99)).status).toBe(412);
    expect([(await now(task.version)).status, countTasks()]).toEqual([202, 1]);
  });

  it("knows nothing of another owner's keys", async () => {
    const { call, countTasks } = await setUp();
    await call(post());
    const belas = await call(post(A_POST, { owner: BELA }));
    expect([belas.status, belas.headers["idempotency-replayed"]]).toEqual([422, undefined]);
    expect(belas.body.code).toBe("unknown-project");
    const own = await call(post({ ...A_POST, project: "bakery" }, { owner: BELA }, "another"));
    expect([own.status, countTasks()]).toEqual([202, 2]);
  });

  it("runs again after it was refused: its cause may be mended, and it had made nothing", async () => {
    const { call, accounts, countTasks } = await setUp();
    const request = post({ ...A_POST, project: "later" });
    const refused = await call(request);
    expect([refused.status, refused.body.code]).toEqual([422, "unknown-project"]);
    const [project] = await accounts.listProjects(ANNE);
    if (!project) throw new Error("Anne has no project");
    await accounts.addProject({ ...project, id: asProjectId("anne-later"), name: "later" });
    const again = await call(request);
    expect([again.status, again.headers["idempotency-replayed"]]).toEqual([202, undefined]);
    expect((await call(request)).headers["idempotency-replayed"]).toBe("true");
    expect(countTasks()).toBe(1);
  });

  it.each([
    ["a key without the scope", { scopes: ["read"] }, 403],
    ["a body that is none", { body: "{" }, 400],
    ["a body with a wrong field", { json: { ...A_POST, colour: "red" } }, 400],
  ] as const)("is not bound by %s, which came before", async (_, over, status) => {
    const { call } = await setUp();
    expect((await call(post(A_POST, over))).status).toBe(status);
    const { status: then, headers } = await call(post());
    expect([then, headers["idempotency-replayed"]]).toEqual([202, undefined]);
  });

  it("is a new one after a day", async () => {
    const { call, clock } = await setUp();
    await call(post());
    clock.advance(IDEMPOTENCY_TTL_MS - 1);
    expect((await call(post())).headers["idempotency-replayed"]).toBe("true");
    clock.advance(1);
    const { status, headers } = await call(post());
    expect([status, headers["idempotency-replayed"]]).toEqual([422, undefined]);
  });

  it.each([[""], ["x".repeat(256)], ["Schlüssel"], ["tab\there"]])(
    "is refused with a key such as %j",
    async (key) => {
      const { call, countTasks } = await setUp();
      const { status, body } = await call(post(A_POST, {}, key));
      expect([status, body.code, body.errors[0].header]).toEqual([400, "invalid-input", "idempotency-key"]);
      expect(countTasks()).toBe(0);
    },
  );

  it("takes every other key", async () => {
    const { call } = await setUp();
    expect((await call(post(A_POST, {}, "x".repeat(255)))).status).toBe(202);
    expect((await call(post({ text: "two" }, {}, '"quoted # / key ~"'))).status).toBe(202);
  });
});

describe("while the first request is at work", () => {
  it("the second is told to come again, and then gets the answer", async () => {
    const { call, tasks, countTasks } = await setUp();
    const { create } = tasks;
    const gate = Promise.withResolvers<void>();
    Object.assign(tasks, {
      create: async (...args: Parameters<typeof create>) => {
        await gate.promise;
        return create(...args);
      },
    });
    const first = call(post());
    // The first one has to hold the key: it waits for the table.
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    const second = await call(post());
    expect([second.status, second.body.code, second.body.retryable]).toEqual([
      409,
      "idempotency-in-flight",
      true,
    ]);
    expect(Number(second.headers["retry-after"])).toBeGreaterThan(0);
    expect((await call(post({ text: "other" }))).body.code).toBe("idempotency-key-reused");
    gate.resolve();
    const { body } = await first;
    expect((await call(post())).body).toEqual(body);
    expect(countTasks()).toBe(1);
  });
});

describe("a request whose end is unknown", () => {
  /** The function ends after everything is stored, and before it can say so. */
  async function crash(request: ApiRequest) {
    const api = await setUp();
    const { save } = api.idempotency;
    Object.assign(api.idempotency, {
      save: async (...[next]: Parameters<typeof save>) =>
        next.version === 1 ? save(next) : Promise.reject(new Error("the sandbox is gone")),
    });
    await api.call(request);
    expect(api.aside).toHaveBeenCalledOnce();
    Object.assign(api.idempotency, { save });
    return api;
  }

  it("waits until nobody can be at work on it, and then finds what it made", async () => {
    const { call, clock, countTasks } = await crash(post());
    clock.advance(LEASE_MS - 1);
    expect((await call(post())).body.code).toBe("idempotency-in-flight");
    clock.advance(1);
    const again = await call(post());
    expect([again.status, again.headers["idempotency-replayed"]]).toEqual([202, undefined]);
    expect(countTasks()).toBe(1);
    expect((await call(post())).headers["idempotency-replayed"]).toBe("true");
  });

  it.each([
    ["a batch", { path: `${TASKS}/batch`, json: { tasks: [{ text: "one" }, { text: "two" }] } }, "tasks"],
    ["a run", { path: "/api/v1/publish-pool/run", json: undefined }, undefined],
    [
      "a job",
      {
        path: "/api/v1/scheduling/jobs",
        json: { name: "nightly", type: "publishing-run", intervalSeconds: 3_600 },
      },
      undefined,
    ],
    [
      "a recurrence",
      {
        path: "/api/v1/scheduling/recurrences",
        json: { name: "weekly", texts: ["hello"], rule: "FREQ=WEEKLY", dtStart: "2026-12-02 09:00" },
      },
      "tasks",
    ],
  ] as const)("makes %s once", async (_, over, kind) => {
    const request = post(undefined, over);
    const { call, clock, snapshot } = await crash(request);
    const stored = () => (kind ? Object.keys(snapshot()[kind] as object) : undefined);
    const before = stored();
    clock.advance(LEASE_MS);
    const again = await call(request);
    expect(again.status).toBeLessThan(300);
    expect(again.headers).not.toHaveProperty("idempotency-replayed");
    expect(stored()).toEqual(before);
    // What it shows now is what it made then.
    const known = await call(request);
    expect([known.headers["idempotency-replayed"], known.body]).toEqual(["true", again.body]);
  });

  it("may come again at once after a fault that says that nothing happened, and makes it once all the same", async () => {
    const { call, tasks, countTasks } = await setUp();
    const { create } = tasks;
    let lost = 0;
    Object.assign(tasks, {
      create: async (...args: Parameters<typeof create>) => {
        await create(...args);
        lost++;
        throw new DependencyFault("the answer was lost after all");
      },
    });
    expect((await call(post())).body.code).toBe("dependency-unavailable");
    Object.assign(tasks, { create });
    const again = await call(post());
    expect([again.status, countTasks(), lost]).toEqual([202, 1, 1]);
  });

  it("has to wait after any other failure", async () => {
    const { call, tasks, clock, countTasks } = await setUp();
    const { create } = tasks;
    Object.assign(tasks, { create: () => Promise.reject(new Error("boom")) });
    expect((await call(post())).status).toBe(500);
    Object.assign(tasks, { create });
    expect((await call(post())).body.code).toBe("idempotency-in-flight");
    clock.advance(LEASE_MS);
    expect([(await call(post())).status, countTasks()]).toEqual([202, 1]);
  });

  it("did nothing when the key could not be taken", async () => {
    const { call, idempotency, countTasks } = await setUp();
    Object.assign(idempotency, { save: () => Promise.reject(new Error("throttled")) });
    const { status, body } = await call(post());
    expect([status, body.code, body.retryable, countTasks()]).toEqual([
      503,
      "dependency-unavailable",
      true,
      0,
    ]);
  });
});

describe("routes", () => {
  it("that are not idempotent do not look at the key", async () => {
    const { call } = await setUp();
    const pause = { method: "POST", path: `/api/v1/scheduling/jobs/${ANNES_JOB}/pause` };
    for (let time = 0; time < 2; time++) {
      const { status, headers } = await call({ ...pause, headers: { "idempotency-key": KEY } });
      expect([status, headers["idempotency-replayed"]]).toEqual([200, undefined]);
    }
  });

  it("that make something without being repeatable take a key", () => {
    for (const [name, route] of Object.entries(ROUTES)) {
      if (route.method !== "POST" || route.repeatable || route.scope === "public") continue;
      // An answer that is shown only once is not stored, and what it shows can be made anew.
      expect([name, "idempotent" in route || showsSecret(route)]).toEqual([name, true]);
    }
  });

  it.each(Object.entries(ROUTES).filter(([, route]) => "idempotent" in route))(
    "%s answers with nothing that may be shown only once, since its answer is stored",
    (_, route) => {
      expect(showsSecret(route)).toBe(false);
    },
  );
});

/** Whether a field of an answer is something that must not be kept in plain text. */
function showsSecret({ answers }: { readonly answers: Readonly<Record<number, z.ZodType>> }): boolean {
  const names = Object.values(answers).flatMap((schema) => {
    const text = JSON.stringify(z.toJSONSchema(schema, { io: "output", unrepresentable: "any" }));
    return [...text.matchAll(/"(\w+)":\{/g)].map(([, name]) => name ?? "");
  });
  return names.some((name) =>
    /^(key|secret|token|password|invitation|session)$|Secret$|Token$|Key$/.test(name),
  );
}
