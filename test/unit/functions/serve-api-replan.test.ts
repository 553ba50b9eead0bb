import { describe, expect, it } from "vitest";
import { asProjectId } from "#shared/domain/ids.ts";
import type { Task } from "#shared/domain/task.ts";
import { BELA, setUpApi } from "./serve-api-setup.ts";

const PROJECT = asProjectId("anne-project");
const REPLAN = "/api/v1/projects/default/replan";
/** 9:05 on Wednesday in Shanghai. */
const NINE = new Date("2026-12-02T01:05:00.000Z");
const MOVED = { version: 1, preset: "open", minInterval: "1h", optimalHours: [15] };

async function setUp() {
  const api = await setUpApi();
  await api.accounts.setPolicy(PROJECT, { optimalHours: [9], minIntervalMs: 3_600_000 });
  const planned = (over: Partial<Task> = {}) =>
    api.put({
      strategy: "optimal",
      slotAt: NINE,
      publishAt: new Date("2026-12-02T00:00:00.000Z"),
      createdAt: api.clock.now(),
      ...over,
    });
  return {
    ...api,
    planned,
    replan: (json?: object, over: object = {}) =>
      api.call({ method: "POST", path: REPLAN, ...(json && { json }), ...over }),
    change: async (json: object) => {
      api.clock.advance(1_000);
      const { status } = await api.call({ method: "PUT", path: "/api/v1/projects/default/policy", json });
      expect(status).toBe(200);
    },
  };
}

describe("POST replan", () => {
  it("previews without a body, in the project's time, and writes nothing", async () => {
    const { planned, replan, change, read } = await setUp();
    const task = await planned();
    const kept = await planned({ slotAt: new Date("2026-12-02T07:30:00.000Z") });
    await change(MOVED);
    const { status, body } = await replan(undefined, { scopes: ["read"] });
    expect([status, body.items.length]).toEqual([200, 2]);
    const [item, other] = body.items;
    expect(body).toMatchObject({
      project: "default",
      version: 2,
      comparedWith: 1,
      timeZone: "Asia/Shanghai",
      applied: false,
      counts: { keeps: 1, moves: 1, noPlace: 0, moved: 0, notMoved: 0 },
    });
    expect(item).toEqual({
      taskId: task.id,
      account: "main",
      strategy: "optimal",
      slotAt: "2026-12-02T01:05:00Z",
      slotLocal: expect.stringMatching(/^2026-12-02 09:05:\d\d$/),
      change: "moves",
      newSlotAt: expect.stringMatching(/^2026-12-0[23]T07:/),
      newSlotLocal: expect.stringMatching(/ 15:\d\d:\d\d$/),
      reasons: [expect.objectContaining({ code: "optimal-hour" }), ...item.reasons.slice(1)],
    });
    expect(other).toMatchObject({ taskId: kept.id, change: "keeps", reasons: [] });
    expect(await read(task)).toEqual(task);
  });

  it("applies what the preview was of, with the scope for it, and can be repeated", async () => {
    const { planned, replan, change, read } = await setUp();
    const task = await planned();
    await change(MOVED);
    const preview = await replan({});
    const refused = await replan({ apply: true }, { scopes: ["read", "write", "publish"] });
    expect([refused.status, refused.body.code, refused.body.errors[0].pointer]).toEqual([
      403,
      "missing-scope",
      "/apply",
    ]);
    expect(await read(task)).toEqual(task);

    const wish = { apply: true, version: preview.body.version };
    const applied = await replan(wish, { scopes: ["read", "manage"] });
    expect(applied.body).toMatchObject({ applied: true, counts: { moves: 1, moved: 1, notMoved: 0 } });
    expect(applied.body.items[0]).toEqual({ ...preview.body.items[0], outcome: "moved" });
    expect((await read(task)).slotAt.toISOString()).toBe(
      new Date(preview.body.items[0].newSlotAt).toISOString(),
    );
    expect((await replan(wish)).body.counts).toEqual({
      keeps: 1,
      moves: 0,
      noPlace: 0,
      moved: 0,
      notMoved: 0,
    });
  });

  it("tells what was not moved because somebody changed it meanwhile", async () => {
    const { planned, replan, change, tasks } = await setUp();
    const task = await planned();
    await change(MOVED);
    const { save } = tasks;
    tasks.save = async (next, together) => {
      tasks.save = save;
      await save({ ...task, version: 2, priority: 1 });
      return save(next, together);
    };
    const { body } = await replan({ apply: true });
    expect(body.counts).toMatchObject({ moves: 1, moved: 0, notMoved: 1 });
    expect(body.items[0]).toMatchObject({ outcome: "changed" });
  });

  it("tells tasks that may go out at no time", async () => {
    const { planned, replan, accounts } = await setUp();
    await planned({ partCount: 3 });
    await accounts.setPolicy(PROJECT, { dailyMax: 2 });
    const { body } = await replan({ apply: true });
    expect(body).toMatchObject({ counts: { noPlace: 1, notMoved: 0 } });
    expect(body.items[0]).toMatchObject({ change: "no-place", reasons: [{ code: "no-free-slot" }] });
  });

  it("is refused for a policy that is not in force, another owner's project, and a wrong body", async () => {
    const { replan, change, call } = await setUp();
    await change(MOVED);
    const stale = await replan({ apply: true, version: 1 });
    expect([stale.status, stale.body.code]).toEqual([409, "policy-stale"]);
    const foreign = await call({ method: "POST", path: REPLAN, owner: BELA });
    expect([foreign.status, foreign.body.code]).toEqual([404, "project-not-found"]);
    for (const json of [{ aply: true }, { apply: "yes" }, { version: -1 }, { from: "tomorrow" }])
      expect((await replan(json)).status).toBe(400);
  });
});
