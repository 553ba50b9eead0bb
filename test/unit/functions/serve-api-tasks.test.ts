import { describe, expect, it, vi } from "vitest";
import { createIdSource } from "#infra/local/sandbox/snowflake.ts";
import { asAttemptId } from "#shared/domain/ids.ts";
import { UNREADABLE } from "#shared/domain/reconcile.ts";
import { TASK_STATUSES } from "#shared/domain/task.ts";
import {
  ANNES_BATCH,
  type ApiAnswer,
  type ApiRequest,
  BELA,
  START,
  setUpApi,
  TASKS,
} from "./serve-api-setup.ts";

const REASON = { code: "late", message: "Late.", remedy: "Wait." };
const later = (ms: number): Date => new Date(START.getTime() + ms);
const POST = createIdSource(() => later(2_000).getTime()).next();
const IN_DOUBT = { status: "held", reason: UNREADABLE, inDoubtSince: START } as const;

/** Everything that changes one task, for a task that it can be done to. */
const CHANGES: Readonly<Record<string, ApiRequest & { readonly over?: object }>> = {
  updateTask: { method: "PATCH", json: { text: "new" } },
  rescheduleTask: { method: "PUT", path: "/reschedule", json: { publishAt: "2026-12-03 09:00" } },
  cancelTask: { method: "DELETE" },
  publishNow: { method: "POST", path: "/publish-now" },
  retryTask: { method: "POST", path: "/retry", over: { status: "held", reason: REASON } },
  resolveTask: { method: "POST", path: "/resolve", json: { as: "repost" }, over: IN_DOUBT },
};
const changes = Object.entries(CHANGES);

const to = (id: string, { path = "", over: _, ...request }: (typeof CHANGES)[string]): ApiRequest => ({
  ...request,
  path: `${TASKS}/${id}${path}`,
});

/** Behind the version may stand what tells answers of one version apart. */
const tagOf = (version: number) => expect.stringMatching(new RegExp(`^"${version}\\b`));

describe("versions of a task", () => {
  it("are its ETag, which a read has too", async () => {
    const { call, put, read } = await setUpApi();
    const task = await put();
    const { headers, body } = await call({ path: `${TASKS}/${task.id}` });
    expect([headers["etag"], body.version]).toEqual([tagOf(1), 1]);
    const moved = await call({
      method: "PUT",
      path: `${TASKS}/${task.id}/reschedule`,
      json: { publishAt: "2026-12-03 09:00" },
      headers: { "if-match": headers["etag"] ?? "" },
    });
    // What is stored by now, its arrangement included: it can be sent back as it came.
    expect(moved.body.version).toBe((await read(task)).version);
    expect(moved.headers["etag"]).toEqual(tagOf(moved.body.version));
    const again = await call({
      method: "PATCH",
      path: `${TASKS}/${task.id}`,
      json: { priority: 1 },
      headers: { "if-match": moved.headers["etag"] ?? "" },
    });
    expect(again.status).toBe(200);
  });

  it.each(changes)("%s changes only the one that was read", async (_, change) => {
    const { call, put, snapshot } = await setUpApi();
    const task = await put(change.over);
    const before = snapshot();
    const stale = await call({ ...to(task.id, change), headers: { "if-match": '"7"' } });
    expect([stale.status, stale.body.code, stale.body.retryable]).toEqual([
      412,
      "precondition-failed",
      false,
    ]);
    expect(stale.body.detail).toContain("version 1");
    expect(snapshot()).toEqual(before);
    const fresh = await call({ ...to(task.id, change), headers: { "if-match": '"1"' } });
    expect(fresh.status).toBeLessThan(300);
    expect(fresh.headers["etag"]).toEqual(tagOf(fresh.body.version));
  });
});

describe("PATCH …/tasks/{id}", () => {
  it("changes what is given, and answers the task as it is", async () => {
    const { call, put } = await setUpApi();
    const task = await put({ priority: 7 });
    const { status, body } = await call(
      to(task.id, { method: "PATCH", json: { thread: ["one", "two"], language: "cn" } }),
    );
    expect([status, body.rev, body.priority, body.language]).toEqual([200, 2, 7, "zh"]);
    expect(body.parts.map(({ text }: { text: string }) => text)).toEqual(["one", "two"]);
    expect(body.slotAt).toBe("2026-12-01T01:10:00Z");
  });

  it.each([
    [{ text: "x".repeat(281) }, 422, "text-too-long", "/text"],
    [{ thread: ["a", "x".repeat(281)] }, 422, "text-too-long", "/thread/1"],
    [{ thread: ["a", ""] }, 422, "empty-part", "/thread/1"],
    [{ text: " " }, 422, "empty-post", "/text"],
    [{ text: "a", thread: ["b"] }, 400, "invalid-input", "/thread"],
    [{ account: "third" }, 422, "unknown-account", "/account"],
    [{ status: "published" }, 400, "invalid-input", "/status"],
    [{ publishAt: "now" }, 400, "invalid-input", "/publishAt"],
    [{ priority: null }, 400, "invalid-input", "/priority"],
    [[], 400, "invalid-input", ""],
  ])("refuses %j", async (json, status, code, pointer) => {
    const { call, put, snapshot } = await setUpApi();
    const task = await put();
    const before = snapshot();
    const refused = await call(to(task.id, { method: "PATCH", json }));
    expect([refused.status, refused.body.code, refused.body.errors[0].pointer]).toEqual([
      status,
      code,
      pointer,
    ]);
    expect(snapshot()).toEqual(before);
  });

  it("says at which field another task is in the way", async () => {
    const { call, create, accounts } = await setUpApi();
    await accounts.savePolicy(
      "anne-project" as never,
      {
        version: 1,
        policy: { urgentShare: 0, duplicates: { windowMs: 86_400_000, threshold: 0.6, near: "warns" } },
        timeZone: "Asia/Shanghai",
        savedAt: START,
        savedBy: "key",
      } as never,
    );
    const [one, two] = [
      await create({ text: "one", publishAt: "2026-12-02 09:00" }),
      await create({ text: "two", publishAt: "2026-12-02 10:00" }),
    ];
    const { status, body } = await call(to(two.body.id, { method: "PATCH", json: { text: "one" } }));
    expect([status, body.code, body.errors[0].pointer]).toEqual([409, "duplicate-content", "/text"]);
    expect(body.detail).toContain(one.body.id);
  });
});

describe("PUT …/reschedule", () => {
  it("answers with the plan, where a strategy chose the slot", async () => {
    const { call, put } = await setUpApi();
    const task = await put();
    const { status, body } = await call(
      to(task.id, { method: "PUT", path: "/reschedule", json: { strategy: "next-free" } }),
    );
    expect([status, body.strategy, body.plan.at]).toEqual([200, "next-free", body.slotAt]);
  });

  it.each([
    [{}, 400, "invalid-input", "/publishAt"],
    [{ publishAt: "noon" }, 422, "bad-time", "/publishAt"],
    [{ publishAt: "2020-01-01 09:00" }, 422, "slot-passed", "/publishAt"],
    [{ strategy: "fixed" }, 422, "strategy-and-time", "/strategy"],
    [{ strategy: "soon" }, 400, "invalid-input", "/strategy"],
  ])("refuses %j", async (json, status, code, pointer) => {
    const { call, put, snapshot } = await setUpApi();
    const task = await put();
    const before = snapshot();
    const refused = await call(to(task.id, { method: "PUT", path: "/reschedule", json }));
    expect([refused.status, refused.body.code, refused.body.errors[0].pointer]).toEqual([
      status,
      code,
      pointer,
    ]);
    expect(snapshot()).toEqual(before);
  });
});

describe("what stands against a change", () => {
  const POSTED = { partCount: 2, posted: [{ postId: "1", sentAt: START }] };
  it.each([
    ["updateTask", { status: "posting" }, "in-flight", /may have the post/],
    ["updateTask", { status: "failed" }, "task-final", /retry it/],
    ["updateTask", { status: "cancelled" }, "task-final", /any more\.$/],
    ["updateTask", { status: "ready", ...POSTED }, "parts-posted", /1 of 2/],
    ["updateTask", IN_DOUBT, "in-doubt", /resolve/],
    ["rescheduleTask", { status: "unknown" }, "in-flight", /may have the post/],
    ["rescheduleTask", { status: "published" }, "task-final", /slot/],
    ["rescheduleTask", { status: "held", ...POSTED }, "parts-posted", /1 of 2/],
    ["rescheduleTask", IN_DOUBT, "in-doubt", /resolve/],
    ["retryTask", { status: "unknown" }, "in-flight", /may have the post/],
    ["retryTask", IN_DOUBT, "in-doubt", /resolve/],
    ["retryTask", { status: "pending" }, "not-failed", /by itself/],
    ["retryTask", { status: "published" }, "task-final", /did not fail/],
    ["retryTask", { status: "failed", ...POSTED }, "parts-posted", /twice/],
    ["resolveTask", { status: "held", reason: REASON }, "not-in-doubt", /retry it/],
    ["resolveTask", { status: "pending" }, "not-in-doubt", /reschedule it/],
    ["resolveTask", { status: "unknown" }, "in-flight", /Wait/],
    ["resolveTask", { status: "failed" }, "task-final", /nothing is in doubt/],
  ] as const)("%s of %o is 409 %s, and says what can be done", async (name, over, code, says) => {
    const { call, put, snapshot } = await setUpApi();
    const task = await put(over);
    const before = snapshot();
    const change = CHANGES[name];
    if (!change) throw new Error(name);
    const { status, body } = await call(to(task.id, change));
    expect([status, body.code, body.detail]).toEqual([409, code, expect.stringMatching(says)]);
    expect(snapshot()).toEqual(before);
  });
});

describe("POST …/retry", () => {
  it("answers with the task that takes the place, the same for every repetition", async () => {
    const { call, put, read } = await setUpApi();
    const task = await put({ status: "failed", reason: REASON });
    const first = await call(to(task.id, { method: "POST", path: "/retry" }));
    expect([first.status, first.body.status, first.body.retryOf]).toEqual([202, "pending", task.id]);
    expect(first.headers["location"]).toBe(`${TASKS}/${first.body.id}`);
    const second = await call(to(task.id, { method: "POST", path: "/retry" }));
    expect(second.body.id).toBe(first.body.id);
    expect((await call({ path: first.headers["location"] ?? "" })).body.retryOf).toBe(task.id);
    expect(await read(task)).toEqual(task);
  });
});

describe("POST …/resolve", () => {
  it("adopts a post once", async () => {
    const { call, put, clock } = await setUpApi();
    const [one, two] = [await put(IN_DOUBT), await put(IN_DOUBT)];
    clock.set(later(900_000));
    const json = { as: "posted", postId: POST };
    const { status, body } = await call(to(one.id, { method: "POST", path: "/resolve", json }));
    expect([status, body.status, body.parts[0].link]).toEqual([
      200,
      "published",
      `https://x.com/i/status/${POST}`,
    ]);
    const taken = await call(to(two.id, { method: "POST", path: "/resolve", json }));
    expect([taken.status, taken.body.code, taken.body.errors[0].pointer]).toEqual([
      409,
      "post-taken",
      "/postId",
    ]);
    const dropped = await call(to(two.id, { method: "POST", path: "/resolve", json: { as: "drop" } }));
    expect([dropped.status, dropped.body.status]).toEqual([200, "cancelled"]);
  });

  it.each([
    [{ as: "posted", postId: "12" }, 422, "wrong-post"],
    [{ as: "posted", postId: createIdSource(() => later(-900_000).getTime()).next() }, 422, "wrong-post"],
    [{ as: "posted" }, 400, "invalid-input"],
    [{ as: "posted", postId: "https://x.com/i/status/1" }, 400, "invalid-input"],
    [{ as: "gone" }, 400, "invalid-input"],
    [{ as: "drop", postId: POST }, 400, "invalid-input"],
  ])("refuses %j", async (json, status, code) => {
    const { call, put, snapshot } = await setUpApi();
    const task = await put(IN_DOUBT);
    const before = snapshot();
    const refused = await call(to(task.id, { method: "POST", path: "/resolve", json }));
    expect([refused.status, refused.body.code]).toEqual([status, code]);
    expect(snapshot()).toEqual(before);
  });
});

describe("GET …/log and …/realtime-status", () => {
  it("page the log, by a cursor that is sealed for it", async () => {
    const { call, put, tasks } = await setUpApi();
    const [task, other] = [await put(), await put()];
    for (let index = 0; index < 3; index++)
      await tasks.addLog(task.id, {
        at: later(index),
        attemptId: asAttemptId("a"),
        step: "publish",
        status: "retrying",
      });
    const path = `${TASKS}/${task.id}/log`;
    const first = await call({ path, query: { limit: "2" } });
    expect(first.body.items).toHaveLength(2);
    const { next } = first.body;
    const last = await call({ path, query: { limit: "2", cursor: next } });
    expect([last.body.items.length, last.body.next]).toEqual([1, undefined]);
    for (const [where, cursor] of [
      [`${TASKS}/${other.id}/log`, next],
      [path, `${next}x`],
    ])
      expect((await call({ path: where, query: { limit: "2", cursor } })).body.code).toBe("invalid-cursor");
  });

  it("tell how far a task and a batch are", async () => {
    const { call, put, batches } = await setUpApi();
    const task = await put({ batchId: ANNES_BATCH });
    await batches.count(ANNES_BATCH, [{ taskId: task.id, bucket: "pending", version: 1 }]);
    const counts = { total: 1, sent: 0, pending: 1, failed: 0, waitMs: 600_000 };
    const told = await call({ path: `${TASKS}/${task.id}/realtime-status` });
    expect(told.body).toEqual({
      taskId: task.id,
      status: "pending",
      ...counts,
      estimatedCompletionAt: "2026-12-01T01:10:00Z",
      lastActivityAt: "2026-12-01T01:00:00Z",
    });
    const batch = await call({ path: `/api/v1/batches/${ANNES_BATCH}/realtime-status` });
    expect(batch.body).toMatchObject({ batchId: ANNES_BATCH, name: "spring", looked: 1, ...counts });
    const foreign = await call({ path: `/api/v1/batches/${ANNES_BATCH}/realtime-status`, owner: BELA });
    expect([foreign.status, foreign.body.code]).toEqual([404, "batch-not-found"]);
  });
});

describe("GET …/tasks", () => {
  it("takes every filter alone and together, also over pages", async () => {
    const { call, put } = await setUpApi();
    for (const status of TASK_STATUSES) for (let count = 0; count < 3; count++) await put({ status });
    const all = { project: "default", account: "main", status: "held" };
    const wanted = [
      { query: {}, count: 36 },
      { query: { project: all.project }, count: 36 },
      { query: { account: all.account }, count: 36 },
      { query: { status: all.status }, count: 3 },
      { query: { project: all.project, status: all.status }, count: 3 },
      { query: { account: all.account, status: all.status }, count: 3 },
      { query: { project: all.project, account: all.account }, count: 36 },
      { query: all, count: 3 },
      { query: { from: "2026-12-01T09:10:00+08:00" }, count: 36 },
      { query: { until: "2026-12-01T01:10:00Z" }, count: 0 },
    ];
    for (const { query, count } of wanted) {
      const seen = new Set<string>();
      let cursor: string | undefined;
      do {
        const { status, body } = await call({
          query: { ...query, limit: "7", ...(cursor && { cursor }) } as never,
        });
        expect(status).toBe(200);
        for (const { id } of body.items) seen.add(id);
        cursor = body.next;
      } while (cursor);
      expect([query, seen.size]).toEqual([query, count]);
    }
  });

  it.each([
    [{ from: "2026-12-01" }, "from"],
    [{ from: "2026-12-02T00:00:00Z", until: "2026-12-01T00:00:00Z" }, "until"],
    [{ status: "gone" }, "status"],
  ])("refuses %j", async (query, parameter) => {
    const { call } = await setUpApi();
    const { status, body } = await call({ query: query as never });
    expect([status, body.code, body.errors[0].parameter]).toEqual([400, "invalid-input", parameter]);
  });
});

describe("Idempotency-Key", () => {
  it("makes no second task of a batch that died in its middle", async () => {
    const { call, tasks, clock } = await setUpApi();
    const send = (key: string): Promise<ApiAnswer> =>
      call({
        method: "POST",
        path: `${TASKS}/batch`,
        json: { tasks: [{ text: "one" }, { text: 7 }, { text: "two" }, { text: "three" }] },
        headers: { "idempotency-key": key },
      });
    const { create } = tasks;
    let created = 0;
    vi.spyOn(tasks, "create").mockImplementation(async (...task) => {
      if (++created === 2) throw new Error("the worker died");
      return create(...task);
    });
    expect((await send("first")).status).toBe(500);
    const before = (await call({})).body.items.map(({ id }: { id: string }) => id);
    expect(before.length).toBeGreaterThan(0);
    clock.advance(120_000);
    const { status, body } = await send("first");
    expect([status, body.accepted, body.refused]).toEqual([200, 3, 1]);
    const after = (await call({})).body.items.map(({ id }: { id: string }) => id);
    expect(after).toHaveLength(3);
    expect(after).toEqual(expect.arrayContaining(before));
    // Another request makes others.
    expect((await send("second")).body.accepted).toBe(3);
    expect((await call({})).body.items).toHaveLength(6);
  });
});
