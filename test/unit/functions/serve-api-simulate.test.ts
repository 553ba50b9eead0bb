import { describe, expect, it } from "vitest";
import { accountIdFor } from "#shared/domain/account.ts";
import { asProjectId } from "#shared/domain/ids.ts";
import { BELA, setUpApi } from "./serve-api-setup.ts";

const SIMULATE = "/api/v1/scheduling/simulate";
const SUGGESTIONS = "/api/v1/scheduling/suggestions";

async function setUp() {
  const api = await setUpApi();
  return {
    ...api,
    simulate: (json: object, over: object = {}) =>
      api.call({ method: "POST", path: SIMULATE, json, ...over }),
    suggest: (query: Readonly<Record<string, string>> = {}) => api.call({ path: SUGGESTIONS, query }),
  };
}

describe("POST simulate", () => {
  it("answers with an entry for each draft, refused ones too, with pointers into the request", async () => {
    const { simulate, snapshot } = await setUp();
    const before = structuredClone(snapshot());
    const { status, body } = await simulate(
      {
        drafts: [
          { text: "a".repeat(300) },
          { text: "fine", publishAt: "2026-12-01 12:00" },
          { text: "x", colour: "red" },
          "no draft",
          { thread: ["see example.com", "漢".repeat(150)], publishAt: "2026-12-01 13:00" },
          { text: "planned", strategy: "optimal", account: "any", project: "default" },
          { text: "elsewhere", project: "bakery" },
        ],
      },
      { scopes: ["read"] },
    );
    expect(status).toBe(200);
    expect(snapshot()).toEqual(before);
    expect(body.drafts).toMatchObject([
      {
        pointer: "/drafts/0",
        outcome: "refused",
        code: "text-too-long",
        errors: [{ pointer: "/drafts/0/text" }],
        tooLong: [{ part: 0, length: 300, limit: 280, excess: 20 }],
      },
      {
        pointer: "/drafts/1",
        outcome: "goes-out",
        at: "2026-12-01T04:00:00Z",
        parts: [{ text: "fine", micros: 15_000, usd: 0.015 }],
      },
      { outcome: "refused", code: "invalid-input", errors: [{ pointer: "/drafts/2/colour" }] },
      { outcome: "refused", code: "invalid-input", errors: [{ pointer: "/drafts/3" }] },
      { outcome: "refused", code: "text-too-long", errors: [{ pointer: "/drafts/4/thread/1" }] },
      { pointer: "/drafts/5", plan: { strategy: "optimal", reasons: [{ code: "optimal-hour" }] } },
      { outcome: "refused", code: "invalid-input", errors: [{ pointer: "/drafts/6/project" }] },
    ]);
    expect(body.drafts[5].plan.alternatives).toHaveLength(3);
    expect(body).toMatchObject({
      at: "2026-12-01T01:00:00Z",
      until: "2026-12-07T16:00:00Z",
      timeZone: "Asia/Shanghai",
      tasks: [],
      tasksLeftOut: 0,
      total: { outcomes: { "goes-out": 2, warns: 0, moves: 0, stops: 0, refused: 5 }, costUsd: 0.03 },
    });
  });

  it("points at the draft that it means, however many before it were refused", async () => {
    const { simulate, accounts } = await setUp();
    await accounts.setPolicy(asProjectId("anne-project"), {
      monthlyBudgetMicros: 20_000,
      minIntervalMs: 3_600_000,
      dailyMax: 5,
    });
    const { body } = await simulate({
      drafts: [
        { text: "" },
        { text: "one", publishAt: "2026-12-01 12:00" },
        { text: "two", publishAt: "2026-12-01 12:30" },
      ],
    });
    expect(body.drafts).toMatchObject([
      { outcome: "refused", code: "empty-post" },
      { pointer: "/drafts/1", outcome: "goes-out" },
      {
        pointer: "/drafts/2",
        outcome: "moves",
        notBeforeAt: "2027-01-01T00:00:00Z",
        conflicts: [{ code: "account-busy", with: [{ id: "drafts/1" }] }, { code: "budget" }],
      },
    ]);
    expect(body.total).toMatchObject({
      beyondBudget: { pointer: "/drafts/2" },
      months: [{ month: "2026-12", spentUsd: 0, plannedUsd: 0.015, budgetUsd: 0.02 }],
    });
    expect(body.accounts).toMatchObject([
      {
        name: "main",
        posts: 1,
        days: [{ date: "2026-12-01", posts: 1, used: 1, limit: 5 }, ...Array(6).fill({})],
      },
    ]);
  });

  it("tells of stored tasks those that do not simply go out, and counts the others", async () => {
    const { simulate, put, accounts } = await setUp();
    const main = accountIdFor(BELA, "main");
    const account = await accounts.getAccount(main);
    if (account) await accounts.saveAccount({ ...account, status: "needs-reconnect", version: 2 });
    for (let minutes = 0; minutes < 201; minutes++)
      await put({ ownerId: BELA, accountId: main, slotAt: new Date(Date.UTC(2026, 11, 1, 2, minutes)) });
    await put({ slotAt: new Date("2026-12-01T02:00:00Z") });
    const { body } = await simulate({ project: "bakery", days: 1 }, { owner: BELA });
    expect(body.tasks).toHaveLength(200);
    expect(body.tasks[0]).toMatchObject({ outcome: "stops", reasons: [{ code: "account-inactive" }] });
    expect(body).toMatchObject({ tasksLeftOut: 1, drafts: [], total: { outcomes: { stops: 201 } } });
    expect(body.accounts).toMatchObject([{ problems: [{ code: "account-inactive" }] }]);
    expect((await simulate({ days: 1 })).body).toMatchObject({
      tasks: [],
      total: { outcomes: { "goes-out": 1 } },
    });
  });

  it("refuses what it cannot look at", async () => {
    const { simulate } = await setUp();
    const refusals = [
      [{ project: "bakery" }, 422, "unknown-project", "/project"],
      [{ account: "second" }, 422, "unknown-account", "/account"],
      [{ days: 32 }, 400, "invalid-input", "/days"],
      [{ days: 0 }, 400, "invalid-input", "/days"],
      [{ drafts: Array(51).fill({ text: "x" }) }, 400, "invalid-input", "/drafts"],
    ] as const;
    for (const [json, status, code, pointer] of refusals)
      expect(await simulate(json)).toMatchObject({ status, body: { code, errors: [{ pointer }] } });
    expect(await simulate({}, { scopes: ["write"] })).toMatchObject({ status: 403 });
  });
});

describe("GET suggestions", () => {
  it("answers with three to five slots, best first", async () => {
    const { suggest, snapshot } = await setUp();
    const before = structuredClone(snapshot());
    const { status, body } = await suggest({ strategy: "optimal", from: "2026-12-02 06:00", priority: "2" });
    expect(status).toBe(200);
    expect(snapshot()).toEqual(before);
    expect(body).toMatchObject({ project: "default", timeZone: "Asia/Shanghai", strategy: "optimal" });
    expect(body.slots).toHaveLength(4);
    expect(body.slots[0].at >= "2026-12-02T01:00:00Z" && body.slots[0].at < "2026-12-02T02:00:00Z").toBe(
      true,
    );
    expect(body.slots[0].reasons[0]).toMatchObject({ code: "optimal-hour" });
  });

  it("names the parameter that is wrong", async () => {
    const { suggest, accounts } = await setUp();
    await accounts.setPolicy(asProjectId("anne-project"), { dailyMax: 3 });
    const refusals = [
      [{ project: "bakery" }, 422, "unknown-project", "project"],
      [{ account: "second" }, 422, "unknown-account", "account"],
      [{ from: "soon" }, 422, "bad-time", "from"],
      [{ from: "2099-01-01" }, 422, "bad-time", "from"],
      [{ parts: "4" }, 422, "no-free-slot", "strategy"],
      [{ parts: "26" }, 400, "invalid-input", "parts"],
      [{ priority: "0" }, 400, "invalid-input", "priority"],
      [{ strategy: "fixed" }, 400, "invalid-input", "strategy"],
    ] as const;
    for (const [query, status, code, parameter] of refusals)
      expect(await suggest(query)).toMatchObject({ status, body: { code, errors: [{ parameter }] } });
    expect((await suggest({ from: "soon" })).body.detail).toContain("from “soon”");
  });
});
