import { describe, expect, it } from "vitest";
import { networkOf } from "#functions/middleware/http-budget.ts";
import { toAuthorizerContext } from "#functions/middleware/http-caller.ts";
import { ANONYMOUS_BUDGET, HOUR_MS, spend, windowOf } from "#shared/domain/request-budget.ts";
import { ANNE, BELA, setUpApi, TASKS } from "./serve-api-setup.ts";

const DOCS = "/api/v1/openapi.json";
const asKey = (keyId: string, ownerId = ANNE) => ({
  authorizer: toAuthorizerContext({ ownerId, keyId, scopes: ["admin"] }),
});

async function setUp(requestsPerHour = 3) {
  const api = await setUpApi();
  api.limits.requestsPerHour = requestsPerHour;
  return api;
}

describe("the budget of a key", () => {
  it("is told with every answer, and refuses what is above it until the hour ends", async () => {
    const { call, clock, create, snapshot } = await setUp();
    clock.set("2026-12-01T01:59:50.200Z");
    for (const left of [2, 1, 0]) {
      const { status, headers } = await call({});
      expect([status, headers["ratelimit-policy"], headers["ratelimit"]]).toEqual([
        200,
        '"hour";q=3;w=3600',
        `"hour";r=${left};t=10`,
      ]);
    }
    const before = snapshot();
    const refused = await create({ text: "one too many" });
    expect([refused.status, refused.body.code, refused.body.retryable]).toEqual([429, "rate-limited", true]);
    expect(refused.headers).toMatchObject({
      "retry-after": "10",
      ratelimit: '"hour";r=0;t=10',
      "ratelimit-policy": '"hour";q=3;w=3600',
      "x-request-id": refused.body.requestId,
      "x-content-type-options": "nosniff",
    });
    expect(snapshot()).toEqual(before);
    clock.advance(9_799);
    expect((await call({})).status).toBe(429);
    clock.advance(1);
    expect((await call({})).headers["ratelimit"]).toBe('"hour";r=2;t=3600');
  });

  it("counts what is refused and what fails too", async () => {
    const { call, tasks } = await setUp(100);
    Object.assign(tasks, { list: () => Promise.reject(new Error("boom")) });
    const requests = [
      { path: "/api/v1/nowhere" },
      { method: "PUT" },
      { method: "OPTIONS" },
      { query: { colour: "red" } },
      { method: "POST", body: "{" },
      { method: "POST", json: { text: "x" }, headers: { "idempotency-key": "" } },
      {},
    ];
    const statuses: number[] = [];
    for (const [index, request] of requests.entries()) {
      const { status, headers } = await call(request);
      statuses.push(status);
      expect(headers["ratelimit"]).toMatch(new RegExp(`^"hour";r=${100 - index - 1};`));
    }
    expect(statuses).toEqual([404, 405, 204, 400, 400, 400, 500]);
  });

  it("is each key's own", async () => {
    const { call } = await setUp(1);
    for (const key of [asKey("one"), asKey("two"), asKey("one", BELA)])
      expect((await call({ ...key })).status).toBe(200);
    expect((await call({ ...asKey("one") })).status).toBe(429);
  });

  it("follows the setting at once", async () => {
    const { call, limits } = await setUp(1);
    await call({});
    expect((await call({})).status).toBe(429);
    limits.requestsPerHour = 60;
    const { status, headers } = await call({});
    expect([status, headers["ratelimit-policy"], headers["ratelimit"]]).toEqual([
      200,
      '"hour";q=60;w=3600',
      '"hour";r=57;t=3600',
    ]);
  });

  it("lets a request pass that cannot be counted, and says so in the log", async () => {
    const { call, requestBudgets, aside } = await setUp();
    const error = new Error("throttled");
    Object.assign(requestBudgets, { count: () => Promise.reject(error) });
    const { status, headers } = await call({});
    expect([status, headers["ratelimit"], headers["ratelimit-policy"]]).toEqual([200, undefined, undefined]);
    expect(aside).toHaveBeenCalledWith(error);
  });
});

describe("the budget of an address that needs no key", () => {
  const from = (sourceIp: string) => ({ path: DOCS, authorizer: undefined, sourceIp });

  it("is small, and no key's", async () => {
    const { call } = await setUp(1);
    const { limit } = ANONYMOUS_BUDGET;
    for (let sent = 1; sent <= limit; sent++) {
      const { status, headers } = await call(from("192.0.2.1"));
      expect([status, headers["ratelimit"]]).toEqual([200, `"minute";r=${limit - sent};t=60`]);
    }
    const refused = await call(from("192.0.2.1"));
    expect([refused.status, refused.body.code, refused.headers["retry-after"]]).toEqual([
      429,
      "rate-limited",
      "60",
    ]);
    expect((await call(from("192.0.2.2"))).status).toBe(200);
    expect((await call({ path: TASKS })).status).toBe(200);
  });

  it("is counted for the address also when a key is sent along", async () => {
    const { call } = await setUp();
    for (let sent = 0; sent < ANONYMOUS_BUDGET.limit; sent++)
      await call({ path: DOCS, ...asKey(`k${sent}`) });
    expect((await call({ path: DOCS, ...asKey("another") })).status).toBe(429);
  });

  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:bbbb:cccc:dddd:eeee", "2001:db8:1:2::/64"],
    ["2001:db8:1:3::1", "2001:db8:1:3::/64"],
    ["nonsense", "unknown"],
    ["", "unknown"],
  ])("counts %j as %s", (sourceIp, network) => expect(networkOf(sourceIp)).toBe(network));
});

describe("a window", () => {
  const HOURLY = { name: "hour", limit: 2, windowMs: HOUR_MS };

  it("is a full hour of UTC", () => {
    const window = windowOf("anne", HOURLY, new Date("2026-12-01T01:59:59.999Z"));
    expect(window).toEqual({
      sender: "anne",
      startAt: new Date("2026-12-01T01:00:00.000Z"),
      endAt: new Date("2026-12-01T02:00:00.000Z"),
    });
    expect(windowOf("anne", HOURLY, window.endAt).startAt).toEqual(window.endAt);
  });

  it("has room for exactly its limit", () => {
    const now = new Date("2026-12-01T01:59:59.999Z");
    const window = windowOf("anne", HOURLY, now);
    expect([1, 2, 3, 4].map((sent) => spend(HOURLY, window, sent, now))).toEqual([
      { isWithin: true, remaining: 1, resetSeconds: 1 },
      { isWithin: true, remaining: 0, resetSeconds: 1 },
      { isWithin: false, remaining: 0, resetSeconds: 1 },
      { isWithin: false, remaining: 0, resetSeconds: 1 },
    ]);
  });
});
