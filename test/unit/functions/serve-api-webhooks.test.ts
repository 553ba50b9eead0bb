import { describe, expect, it } from "vitest";
import { asDeliveryId, ENDPOINT_GONE, pauseWebhook, replaceWebhook } from "#shared/domain/webhook.ts";
import { newDelivery, settleDelivery } from "#shared/domain/webhook-delivery.ts";
import { ANNE, ANNES_WEBHOOK, BELA, setUpApi } from "./serve-api-setup.ts";

const WEBHOOKS = "/api/v1/webhooks";
const MINE = `${WEBHOOKS}/${ANNES_WEBHOOK}`;
const DELIVERY = asDeliveryId("01KDDDDDDDDDDDDDDDDDDDDDDD");
const NOBODYS = `${WEBHOOKS}/01KZZZZZZZZZZZZZZZZZZZZZZZ`;

async function setUp() {
  const world = await setUpApi();
  const { webhooks, clock } = world;
  return {
    ...world,
    /** Stores deliveries of Anne's webhook, a minute between them. */
    async deliver(count: number) {
      for (let index = 0; index < count; index++) {
        const at = new Date(clock.now().getTime() + index * 60_000);
        const id = asDeliveryId(`${DELIVERY.slice(0, -1)}${index}`);
        const fresh = newDelivery(id, ANNES_WEBHOOK, { type: "ping", at });
        const attempt = { at, durationMs: 12, status: 503, code: "status-refused" } as const;
        await webhooks.saveDelivery(settleDelivery(fresh, attempt, { random: 0.5 }));
      }
    },
    async pause() {
      const register = await webhooks.getRegister(ANNE);
      const paused = pauseWebhook(world.annesWebhook, ENDPOINT_GONE, clock.now());
      await webhooks.saveRegister(replaceWebhook(register, ANNES_WEBHOOK, paused));
    },
  };
}

describe("webhooks", () => {
  it("are listed and read with how they do, and without a secret", async () => {
    const { call, webhooks, clock } = await setUp();
    await webhooks.noteFailed(ANNES_WEBHOOK, clock.now());
    const { body: list } = await call({ path: WEBHOOKS });
    const { body: one, headers } = await call({ path: MINE });
    expect(list.items).toEqual([one]);
    expect(one).toMatchObject({
      id: ANNES_WEBHOOK,
      status: "active",
      health: { failedInRow: 1, failingSince: "2026-12-01T01:00:00Z" },
    });
    expect(JSON.stringify(list)).not.toMatch(/whsec_|secret/);
    expect(headers).not.toHaveProperty("location");
    expect((await call({ path: WEBHOOKS, owner: BELA })).body).toEqual({ items: [] });
  });

  it("are changed field by field, by the version that was read", async () => {
    const { call } = await setUp();
    const patch = (json: object, headers: Record<string, string> = {}) =>
      call({ method: "PATCH", path: MINE, json, headers });
    const read = await call({ path: MINE });
    const changed = await patch({ events: ["held"], project: "default" });
    expect(changed).toMatchObject({
      status: 200,
      body: { events: ["held"], project: "default", version: 2 },
    });
    expect(await patch({ project: null }, { "if-match": read.headers["etag"] ?? "" })).toMatchObject({
      status: 412,
      body: { code: "precondition-failed" },
    });
    const bare = await patch({ project: null }, { "if-match": changed.headers["etag"] ?? "" });
    expect(bare.status).toBe(200);
    expect(bare.body).not.toHaveProperty("project");
  });

  it.each([
    [{ url: "http://hooks.example.com/" }, "webhook-url-refused", "/url"],
    [{ url: "https://169.254.169.254/latest" }, "webhook-url-refused", "/url"],
    [{ project: "bakery" }, "unknown-project", "/project"],
  ])("refuse %j", async (json, code, pointer) => {
    const { call } = await setUp();
    const refused = await call({ method: "PATCH", path: MINE, json });
    expect(refused).toMatchObject({ status: 422, body: { code, errors: [{ pointer }] } });
  });

  it.each([
    { events: [] },
    { events: ["exploded"] },
    { url: "" },
    { url: `https://e.com/${"x".repeat(500)}` },
    { description: "" },
    { secret: "whsec_mine" },
  ])("refuse %j before anything is looked up", async (json) => {
    const { call } = await setUp();
    expect(await call({ method: "PATCH", path: MINE, json })).toMatchObject({
      status: 400,
      body: { code: "invalid-input" },
    });
  });

  it("are resumed", async () => {
    const { call, pause } = await setUp();
    await pause();
    expect((await call({ path: MINE })).body).toMatchObject({
      status: "paused",
      reason: { code: "endpoint-gone" },
    });
    const resumed = await call({ method: "POST", path: `${MINE}/resume` });
    expect(resumed).toMatchObject({ status: 200, body: { status: "active", version: 3 } });
    expect(resumed.body).not.toHaveProperty("reason");
  });

  it("are deleted, with their secrets", async () => {
    const { call, webhookVault } = await setUp();
    await webhookVault.save(ANNES_WEBHOOK, { current: "whsec_b25l", version: 1 });
    expect(await call({ method: "DELETE", path: MINE })).toMatchObject({
      status: 200,
      body: { id: ANNES_WEBHOOK },
    });
    expect(await webhookVault.load(ANNES_WEBHOOK)).toBeUndefined();
    expect((await call({ path: MINE })).status).toBe(404);
  });

  it("are pinged", async () => {
    const { call, webhookQueue } = await setUp();
    const { status, body } = await call({ method: "POST", path: `${MINE}/ping` });
    expect(status).toBe(202);
    expect(webhookQueue.sent).toMatchObject([
      { webhookId: ANNES_WEBHOOK, deliveryId: body.deliveryId, manual: true, event: { type: "ping" } },
    ]);
  });

  it("list their deliveries page by page", async () => {
    const { call, deliver } = await setUp();
    await deliver(3);
    const path = `${MINE}/deliveries`;
    const first = await call({ path, query: { limit: "2" } });
    expect(first.body.items).toMatchObject([
      { type: "ping", occurredAt: "2026-12-01T01:02:00Z", status: "pending", attemptCount: 1 },
      { occurredAt: "2026-12-01T01:01:00Z", attempts: [{ status: 503, code: "status-refused" }] },
    ]);
    expect(first.body.items[0]).not.toHaveProperty("sequence");
    const second = await call({ path, query: { limit: "2", cursor: first.body.next } });
    expect(second.body.items).toMatchObject([{ occurredAt: "2026-12-01T01:00:00Z" }]);
    expect(second.body).not.toHaveProperty("next");
  });

  it("send a delivery once more", async () => {
    const { call, deliver, webhookQueue } = await setUp();
    await deliver(1);
    const id = `${DELIVERY.slice(0, -1)}0`;
    const replayed = await call({ method: "POST", path: `${MINE}/deliveries/${id}/replay` });
    expect(replayed).toMatchObject({ status: 202, body: { id, attemptCount: 1 } });
    expect(webhookQueue.sent).toMatchObject([{ deliveryId: id, attempt: 2, manual: true }]);
    expect(await call({ method: "POST", path: `${MINE}/deliveries/${DELIVERY}/replay` })).toMatchObject({
      status: 404,
      body: { code: "delivery-not-found" },
    });
  });

  it.each([
    ["GET", ""],
    ["PATCH", ""],
    ["DELETE", ""],
    ["POST", "/resume"],
    ["POST", "/ping"],
    ["GET", "/deliveries"],
    ["POST", `/deliveries/${DELIVERY}/replay`],
  ])("of somebody else answer %s …%s as if there were none", async (method, rest) => {
    const { call, webhooks, webhookQueue, deliver } = await setUp();
    await deliver(1);
    const before = await webhooks.getRegister(ANNE);
    const json = method === "PATCH" ? { events: ["held"] } : undefined;
    const foreign = await call({ method, path: `${MINE}${rest}`, owner: BELA, json });
    const unknown = await call({ method, path: `${NOBODYS}${rest}`, owner: BELA, json });
    expect(foreign).toMatchObject({ status: 404, body: { code: "webhook-not-found" } });
    const { requestId: _one, ...told } = foreign.body;
    const { requestId: _other, ...same } = unknown.body;
    expect(told).toEqual(same);
    expect(await webhooks.getRegister(ANNE)).toEqual(before);
    expect(webhookQueue.sent).toEqual([]);
  });

  it("need the right to manage for every change, and to read for a look", async () => {
    const { call } = await setUp();
    const scopes = ["read", "write", "publish"] as const;
    expect((await call({ path: MINE, scopes: ["read"] })).status).toBe(200);
    for (const request of [
      { method: "PATCH", path: MINE, json: { events: ["held"] } },
      { method: "DELETE", path: MINE },
      { method: "POST", path: `${MINE}/ping` },
      { method: "POST", path: `${MINE}/resume` },
      { method: "POST", path: `${MINE}/deliveries/${DELIVERY}/replay` },
    ])
      expect(await call({ ...request, scopes })).toMatchObject({
        status: 403,
        body: { code: "missing-scope" },
      });
  });
});
