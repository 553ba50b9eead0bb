import { describe, expect, it } from "vitest";
import { accountIdFor } from "#shared/domain/account.ts";
import { Credentials } from "#shared/domain/credentials.ts";
import { newGate, reserve } from "#shared/domain/gate.ts";
import { asAttemptId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import { BELA, START, setUpApi } from "./serve-api-setup.ts";

const ANNE = asOwnerId("anne");
const MAIN = accountIdFor(ANNE, "main");
const ACCOUNTS = "/api/v1/accounts";
const TOKENS = new Credentials({
  kind: "oauth1",
  apiKey: "k-secret",
  apiSecret: "s-secret",
  accessToken: "t-secret",
  accessSecret: "u-secret",
});

describe("accounts", () => {
  it("are listed by name, those of the owner and no other", async () => {
    const api = await setUpApi();
    const { status, body } = await api.call({ path: ACCOUNTS });
    expect([status, body.items]).toEqual([
      200,
      ["main", "second"].map((name) => ({ name, status: "active", maxTextLength: 280, version: 1 })),
    ]);
    const only = { ...(await api.accounts.getAccount(accountIdFor(BELA, "main"))), name: "only" };
    await api.accounts.saveAccount({
      ...only,
      id: accountIdFor(BELA, "only"),
      ownerId: BELA,
      maxTextLength: 280,
      status: "active",
      version: 1,
    });
    expect((await api.call({ path: `${ACCOUNTS}/only`, owner: BELA })).status).toBe(200);
    for (const [method, suffix] of [
      ["GET", ""],
      ["GET", "/quota"],
      ["GET", "/health"],
      ["POST", "/pause"],
      ["POST", "/resume"],
      ["DELETE", ""],
    ] as const) {
      const foreign = await api.call({ method, path: `${ACCOUNTS}/only${suffix}` });
      const unknown = await api.call({ method, path: `${ACCOUNTS}/none${suffix}` });
      expect([foreign.status, foreign.body.code]).toEqual([404, "account-not-found"]);
      expect({ ...foreign.body, requestId: "" }).toEqual({ ...unknown.body, requestId: "" });
    }
  });

  it("are paused until they are resumed, or until an instant, and then go on", async () => {
    const api = await setUpApi();
    await api.vault.connect(MAIN, TOKENS);
    const paused = await api.call({ method: "POST", path: `${ACCOUNTS}/main/pause` });
    expect([paused.status, paused.body]).toMatchObject([
      200,
      { status: "paused", version: 2, reason: { code: "paused-by-owner" } },
    ]);
    expect(paused.headers["etag"]).toMatch(/^"2\b/);
    const until = "2026-12-02T00:00:00Z";
    const dated = await api.call({ method: "POST", path: `${ACCOUNTS}/main/pause`, json: { until } });
    expect(dated.body).toMatchObject({ pausedUntil: until, version: 3 });
    expect(await api.accounts.getAccount(MAIN)).toMatchObject({ wakeAt: new Date(until) });

    const resumed = await api.call({ method: "POST", path: `${ACCOUNTS}/main/resume` });
    expect(resumed.body).toEqual({ name: "main", status: "active", maxTextLength: 280, version: 4 });
    // The sweeper sends on what was held.
    expect(await api.accounts.getAccount(MAIN)).toMatchObject({ wakeAt: START });
    const again = await api.call({ method: "POST", path: `${ACCOUNTS}/main/resume` });
    expect(again.body.version).toBe(4);
  });

  it("are not paused into the past", async () => {
    const api = await setUpApi();
    const json = { until: "2026-12-01T01:00:00Z" };
    const { status, body } = await api.call({ method: "POST", path: `${ACCOUNTS}/main/pause`, json });
    expect([status, body]).toMatchObject([422, { code: "bad-time", errors: [{ pointer: "/until" }] }]);
  });

  it("change only as they were read, if the request says so", async () => {
    const api = await setUpApi();
    await api.vault.connect(MAIN, TOKENS);
    const headers = { "if-match": '"7"' };
    for (const [method, suffix] of [
      ["POST", "/pause"],
      ["POST", "/resume"],
      ["DELETE", ""],
    ] as const) {
      const { status, body } = await api.call({ method, path: `${ACCOUNTS}/main${suffix}`, headers });
      expect([status, body.code]).toEqual([412, "precondition-failed"]);
    }
    expect(await api.accounts.getAccount(MAIN)).toMatchObject({ version: 1, status: "active" });
    expect(await api.vault.describe(MAIN)).toBeDefined();
    const exact = await api.call({
      method: "POST",
      path: `${ACCOUNTS}/main/pause`,
      headers: { "if-match": '"1"' },
    });
    expect(exact.status).toBe(200);
  });

  it("lose their credentials and keep the rest; only connecting lets them go on", async () => {
    const api = await setUpApi();
    await api.vault.connect(MAIN, TOKENS);
    const gone = await api.call({ method: "DELETE", path: `${ACCOUNTS}/main` });
    expect([gone.status, gone.body]).toMatchObject([
      200,
      { status: "needs-reconnect", reason: { code: "account-disconnected" }, version: 2 },
    ]);
    expect(await api.vault.load(MAIN)).toBeUndefined();
    for (const suffix of ["pause", "resume"]) {
      const { status, body } = await api.call({ method: "POST", path: `${ACCOUNTS}/main/${suffix}` });
      expect([status, body.code]).toEqual([409, "account-needs-reconnect"]);
    }
    const again = await api.call({ method: "DELETE", path: `${ACCOUNTS}/main` });
    expect(again.body.version).toBe(2);
  });

  it("that X had locked are resumed by their owner", async () => {
    const api = await setUpApi();
    await api.vault.connect(MAIN, TOKENS);
    const reason = { code: "account-locked", message: "Locked.", remedy: "Unlock it, then resume it." };
    await api.accounts.deactivateAccount(MAIN, { status: "needs-reconnect", reason });
    expect((await api.call({ method: "POST", path: `${ACCOUNTS}/main/resume` })).body.status).toBe("active");
  });
});

describe("the quota of an account", () => {
  it("is what its gate has counted, beside what its projects allow", async () => {
    const api = await setUpApi();
    await api.accounts.setPolicy(asProjectId("anne-project"), {
      minIntervalMs: 90 * 60_000,
      dailyMax: 10,
      monthlyBudgetMicros: 5_000_000,
    });
    const task = await api.put();
    const gate = reserve(newGate(MAIN), {
      taskId: task.id,
      attemptId: asAttemptId("a"),
      ownerId: ANNE,
      now: START,
      units: 3,
      policy: { minIntervalMs: 90 * 60_000 },
    });
    await api.tasks.save({ ...task, version: task.version + 1 }, { gate });
    const { status, body } = await api.call({ path: `${ACCOUNTS}/main/quota` });
    expect([status, body]).toEqual([
      200,
      {
        account: "main",
        quarterHour: { used: 3, limit: 100, remaining: 97, resetAt: "2026-12-01T01:15:00Z" },
        day: { used: 3, resetAt: "2026-12-02T01:00:00Z" },
        reserved: 3,
        nextPostAt: expect.any(String),
        projects: [
          { project: "default", minIntervalSeconds: 5_400, dailyMax: 10, monthlyBudgetUsd: 5, spentUsd: 0 },
        ],
      },
    ]);
    api.clock.advance(15 * 60_000);
    const later = await api.call({ path: `${ACCOUNTS}/main/quota` });
    expect(later.body.quarterHour).toEqual({ used: 0, limit: 100, remaining: 100 });
  });
});

describe("the health of an account", () => {
  it("tells of its access and shows none of it", async () => {
    const api = await setUpApi();
    const none = await api.call({ path: `${ACCOUNTS}/main/health` });
    expect(none.body).toEqual({
      account: "main",
      status: "active",
      credentials: { stored: false, kind: null, needsReconnect: true },
      circuit: { state: "closed", failures: 0 },
      successRate: 1,
    });
    await api.vault.connect(MAIN, TOKENS);
    const { body } = await api.call({ path: `${ACCOUNTS}/main/health` });
    expect(body.credentials).toEqual({ stored: true, kind: "oauth1", needsReconnect: false });
    expect(JSON.stringify(body)).not.toContain("secret");
    const reason = { code: "needs-reconnect", message: "No.", remedy: "Connect it." };
    await api.accounts.deactivateAccount(MAIN, { status: "needs-reconnect", reason });
    const refused = await api.call({ path: `${ACCOUNTS}/main/health` });
    expect(refused.body).toMatchObject({
      status: "needs-reconnect",
      reason,
      credentials: { stored: true, needsReconnect: true },
    });
  });

  it("tells of a circuit that is open, and of one that is tried", async () => {
    const api = await setUpApi();
    const task = await api.put();
    const openUntil = new Date(START.getTime() + 60_000);
    const gate = { ...newGate(MAIN), version: 1, circuit: { failures: 3, openUntil }, successRate: 0.7 };
    await api.tasks.save({ ...task, version: task.version + 1 }, { gate });
    const { body } = await api.call({ path: `${ACCOUNTS}/main/health` });
    expect(body).toMatchObject({
      circuit: { state: "open", failures: 3, openUntil: "2026-12-01T01:01:00Z" },
      successRate: 0.7,
    });
    api.clock.advance(60_000);
    const later = await api.call({ path: `${ACCOUNTS}/main/health` });
    expect(later.body.circuit.state).toBe("probing");
  });
});
