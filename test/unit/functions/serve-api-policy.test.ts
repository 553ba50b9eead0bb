import { describe, expect, it } from "vitest";
import { listPolicyVersionsQuery, policyView, writePolicyBody } from "#shared/contract/policy-view.ts";
import { asProjectId } from "#shared/domain/ids.ts";
import { PRESETS } from "#shared/domain/planning/presets.ts";
import { setUpApi, TASKS } from "./serve-api-setup.ts";

const POLICY = "/api/v1/projects/default/policy";
const PROJECT = asProjectId("anne-project");

async function setUp() {
  const api = await setUpApi();
  return {
    ...api,
    get: async (path = POLICY, query: Record<string, string> = {}) => api.call({ path, query }),
    put: async (json: object) => api.call({ method: "PUT", path: POLICY, json }),
    stored: async () => api.accounts.getProject(PROJECT),
  };
}

const STEADY = {
  timeZone: "Asia/Shanghai",
  weight: 5,
  minInterval: "90m",
  dailyMin: 6,
  dailyMax: 10,
  blackout: { fromHour: 0, toHour: 7 },
  blackoutDates: [],
  holidays: [],
  frozen: false,
  optimalHours: [9, 12, 15, 18, 21],
  preferredHours: [],
  jitter: "40m",
  lead: "1m",
  quotaBuffer: 0.2,
  urgentShare: 0.2,
  duplicates: { window: "30d", threshold: 0.6, near: "warns" },
  uniqueMedia: true,
  latePolicy: { postWithin: "30m", then: "missed" },
  reconcile: null,
  monthlyBudgetUsd: null,
};

describe("GET policy", () => {
  it("shows what holds where nobody said anything", async () => {
    const { get } = await setUp();
    const { status, body } = await get();
    expect([status, body.version, body.dailyMax, body.blackout, body.minInterval]).toEqual([
      200,
      0,
      null,
      null,
      "0s",
    ]);
    expect(body.optimalHours).toEqual([9, 12, 15, 18, 21]);
  });

  it("can be sent back as it is, whatever it says", async () => {
    const { accounts, get, put, stored } = await setUp();
    await accounts.setPolicy(PROJECT, {
      ...PRESETS.conservative,
      holidays: [{ name: "DE", dates: ["2026-12-25"] }],
      blackoutDates: ["2026-12-24"],
      frozen: true,
      latePolicy: { then: "hold" },
      reconcile: "hold",
      monthlyBudgetMicros: 12_345_678,
    });
    const before = await stored();
    const shown = await get();
    expect(shown.body).toMatchObject({
      version: 1,
      minInterval: "4h",
      monthlyBudgetUsd: 12.345678,
      latePolicy: { postWithin: "forever", then: "hold" },
    });
    const { status, body } = await put({ ...shown.body, weight: 6 });
    const { warnings, ...saved } = body;
    expect([status, warnings]).toEqual([200, []]);
    expect(saved).toEqual({ ...shown.body, version: 2, weight: 6 });
    expect(await stored()).toEqual({ ...before, policyVersion: 2, weight: 6, policy: expect.anything() });
    expect((await stored())?.policy).toEqual({ ...before?.policy, preferredHours: [] });
  });
});

describe("PUT policy", () => {
  it("takes a preset, and what differs from it", async () => {
    const { put, get, stored } = await setUp();
    const { status, body } = await put({ version: 0, preset: "steady" });
    expect([status, body]).toEqual([200, { version: 1, ...STEADY, warnings: [] }]);
    expect((await stored())?.policy).toEqual(PRESETS.steady);

    const second = await put({ version: 1, preset: "steady", dailyMax: 8, blackout: null, lead: "2h" });
    expect(second.body).toMatchObject({ version: 2, dailyMax: 8, blackout: null, lead: "2h" });
    expect((await get()).body).toMatchObject({ version: 2, dailyMin: 6, dailyMax: 8, blackout: null });
    expect((await stored())?.policy).not.toHaveProperty("blackout");
  });

  it("leaves to a preset what it speaks of: no freeze is lifted and no budget lost by it", async () => {
    const { put, stored } = await setUp();
    const own = {
      frozen: true,
      monthlyBudgetUsd: 5,
      blackoutDates: ["2026-12-24"],
      holidays: [{ name: "DE", dates: ["2026-12-25"] }],
      preferredHours: [10],
      reconcile: "hold",
      weight: 7,
    };
    await put({ version: 0, minInterval: "3h", ...own });
    expect((await put({ version: 1, preset: "quiet" })).body).toMatchObject({
      ...own,
      minInterval: "1h",
      timeZone: "Asia/Shanghai",
    });
    expect((await put({ version: 2, preset: "quiet", frozen: null })).body).toMatchObject({ frozen: false });
    expect((await put({ version: 3, dailyMax: 3 })).body).toMatchObject({
      frozen: false,
      monthlyBudgetUsd: null,
      weight: 7,
    });
    expect((await stored())?.policy).toEqual({ dailyMax: 3 });
  });

  it("changes zone and weight with it", async () => {
    const { put, stored } = await setUp();
    await put({ version: 0, preset: "steady", timeZone: "Europe/Vienna", weight: 2 });
    expect(await stored()).toMatchObject({ timeZone: "Europe/Vienna", weight: 2 });
    await put({ version: 1, preset: "steady", weight: null });
    expect(await stored()).toMatchObject({ timeZone: "Europe/Vienna", policyVersion: 2 });
    expect(await stored()).not.toHaveProperty("weight");
  });

  it("refuses what was decided by an old version, and changes nothing", async () => {
    const { put, stored } = await setUp();
    await put({ version: 0, preset: "steady" });
    const before = await stored();
    for (const version of [0, 2]) {
      const { status, body } = await put({ version, preset: "quiet" });
      expect([status, body.code, body.detail]).toEqual([
        409,
        "policy-stale",
        "Version 1 is in force by now. Read it, and decide again.",
      ]);
    }
    expect(await stored()).toEqual(before);
  });

  it("answers a repetition after a lost answer as it did the first time, and saves nothing", async () => {
    const { put, accounts } = await setUp();
    const wish = { version: 0, preset: "steady" };
    const first = await put(wish);
    expect((await put(wish)).body).toEqual(first.body);
    expect(await accounts.listPolicyVersions(PROJECT, 10)).toHaveLength(1);
  });

  it("refuses what cannot be kept, with all the arithmetic at once and each field's pointer", async () => {
    const { put, stored } = await setUp();
    const before = await stored();
    const { status, body } = await put({
      version: 0,
      preset: "steady",
      minInterval: "4h",
      preferredHours: [6],
    });
    expect([status, body.code]).toEqual([422, "policy-refused"]);
    expect(body.errors).toEqual([
      { pointer: "/dailyMin", detail: expect.stringContaining("is at most 5 posts a day") },
      { pointer: "/preferredHours/0", detail: "6:00 lies in the blackout from 0:00 to 7:00." },
      { pointer: "/optimalHours", detail: expect.stringContaining("leave 9, 15, 21 of the optimal hours") },
    ]);
    expect(body.detail).toContain("4 hours apart outside 0:00 to 7:00 (17 hours a day)");
    expect(await stored()).toEqual(before);
  });

  it("warns of what never takes effect, and saves it", async () => {
    const { put } = await setUp();
    const { status, body } = await put({ version: 0, minInterval: "4h", dailyMax: 10 });
    expect([status, body.version]).toEqual([200, 1]);
    expect(body.warnings).toEqual([
      { code: "daily-max-unreachable", pointer: "/dailyMax", message: expect.stringContaining("at most 6") },
    ]);
  });

  it.each<[object, string]>([
    [{}, "/version"],
    [{ version: 0, preset: "stedy" }, "/preset"],
    [{ version: 0, minInterval: "90 minutes" }, "/minInterval"],
    [{ version: 0, minInterval: 90 }, "/minInterval"],
    [{ version: 0, dailyMax: "10" }, "/dailyMax"],
    [{ version: 0, blackout: { fromHour: 1 } }, "/blackout/toHour"],
    [{ version: 0, duplicates: { window: "30d", threshold: 0.6 } }, "/duplicates/near"],
    [{ version: 0, timeZone: null }, "/timeZone"],
    [{ version: 0, savedBy: "me" }, "/savedBy"],
  ])("answers 400 to %j", async (json, pointer) => {
    const { put } = await setUp();
    const { status, body } = await put(json);
    expect([status, body.errors[0].pointer]).toEqual([400, pointer]);
  });

  it("guesses which field was meant", async () => {
    const { put } = await setUp();
    expect((await put({ version: 0, optimalHour: [9] })).body.detail).toContain(
      "Did you mean “optimalHours”?",
    );
  });

  it("takes every field that it shows, and shows every field that it takes", () => {
    const { preset: _preset, ...taken } = writePolicyBody.shape;
    expect(Object.keys(policyView.shape).toSorted()).toEqual(Object.keys(taken).toSorted());
  });
});

describe("GET policy versions", () => {
  it("says what, when and by whom, newest first", async () => {
    const { put, get, clock } = await setUp();
    await put({ version: 0, preset: "steady" });
    clock.advance(60_000);
    await put({ version: 1, preset: "quiet" });
    const { status, body } = await get(`${POLICY}/versions`);
    expect([status, body.next]).toEqual([200, undefined]);
    const who = { savedBy: "key 0123456789ab" };
    expect(body.items).toMatchObject([
      { version: 2, dailyMax: 6, savedAt: "2026-12-01T01:01:00Z", ...who },
      { version: 1, ...STEADY, savedAt: "2026-12-01T01:00:00Z", ...who },
    ]);
  });

  it("come page by page", async () => {
    const { put, get } = await setUp();
    for (let version = 0; version < 5; version++) await put({ version, dailyMax: version + 1 });
    const seen: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const { body } = await get(`${POLICY}/versions`, { limit: "2", ...(cursor && { cursor }) });
      seen.push(...body.items.map((item: { version: number }) => item.version));
      if (body.next === undefined) break;
      cursor = body.next;
    }
    expect(seen).toEqual([5, 4, 3, 2, 1]);
  });

  it.each([{ limit: "0" }, { limit: "101" }, { limit: "x" }, { cursor: "" }])("refuse %j", (query) =>
    expect(listPolicyVersionsQuery.safeParse(query).success).toBe(false),
  );
});

describe("POST publish-now with override", () => {
  const path = (id: string) => `${TASKS}/${id}/publish-now`;

  it("needs the scope manage besides, and says so", async () => {
    const { call, create, read, snapshot } = await setUp();
    const { id } = (await create({ text: "x", publishAt: "2026-12-01T02:00:00Z" })).body;
    const before = snapshot();
    const json = { override: true };
    const { status, body } = await call({ method: "POST", path: path(id), json, scopes: ["publish"] });
    expect([status, body.code, body.errors]).toEqual([
      403,
      "missing-scope",
      [{ pointer: "/override", detail: "It needs the scope manage." }],
    ]);
    expect(snapshot()).toEqual(before);
    const both = ["publish", "manage"] as const;
    expect((await call({ method: "POST", path: path(id), json, scopes: both })).status).toBe(202);
    expect(await read({ id })).toMatchObject({ override: true, rev: 2 });
  });

  it("is over with the next slot", async () => {
    const { call, create, read } = await setUp();
    const { id } = (await create({ text: "x", publishAt: "2026-12-01T02:00:00Z" })).body;
    await call({ method: "POST", path: path(id), json: { override: true } });
    await call({ method: "POST", path: path(id), json: { override: false }, scopes: ["publish"] });
    expect(await read({ id })).not.toHaveProperty("override");
  });

  it("stands in the log", async () => {
    const { call, create } = await setUp();
    const { id } = (await create({ text: "x", publishAt: "2026-12-01T02:00:00Z" })).body;
    await call({ method: "POST", path: path(id), json: { override: true } });
    const { body } = await call({ path: `${TASKS}/${id}` });
    expect(body.log).toContainEqual(
      expect.objectContaining({ code: "publish-now", message: "A blackout does not bind it." }),
    );
  });
});
