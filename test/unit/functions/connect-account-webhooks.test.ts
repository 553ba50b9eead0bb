import { describe, expect, it } from "vitest";
import { createWebhookSecretRoutes } from "#functions/connect-account/webhook-secret-routes.ts";
import { rotateBody, secretRotated, webhookBody, webhookCreated } from "#shared/contract/webhook-view.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { asWebhookId, MAX_WEBHOOKS } from "#shared/domain/webhook.ts";
import { formatWebhookSecret, SECRET_BYTES } from "#shared/domain/webhook-signature.ts";
import { createCreateWebhook } from "#shared/usecases/create-webhook.ts";
import { createRotateWebhookSecret } from "#shared/usecases/rotate-webhook-secret.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryWebhooks, createInMemoryWebhookVault } from "#test/support/in-memory-webhooks.ts";

const ANNE = asOwnerId("anne");
const BODY = { url: "https://hooks.example.com/in", events: ["published"] };

function setUp() {
  const clock = manualClock();
  let made = 0;
  const deps = {
    webhooks: { ...createInMemoryWebhooks(clock) },
    vault: createInMemoryWebhookVault(),
    accounts: createInMemoryAccounts(),
    urls: { allowLoopback: false },
    newSecret: () => formatWebhookSecret(new Uint8Array(SECRET_BYTES).fill(++made)),
    clock,
    entropy: { newId: () => String(freshTaskId()) },
  };
  const routes = createWebhookSecretRoutes({
    createWebhook: createCreateWebhook(deps),
    rotateWebhookSecret: createRotateWebhookSecret(deps),
  });
  const asked = {
    caller: { ownerId: ANNE, keyId: "0123456789ab", scopes: ["manage"] },
    query: {},
    requestId: "request-1",
    sourceIp: "192.0.2.1",
  } as const;
  return {
    ...deps,
    create: (json: object) => routes.createWebhook({ ...asked, params: {}, body: webhookBody.parse(json) }),
    rotate: (id: string, json?: object) =>
      routes.rotateWebhookSecret({
        ...asked,
        params: { id: asWebhookId(id) },
        body: rotateBody.parse(json),
      }),
  };
}

async function created(world: ReturnType<typeof setUp>) {
  const answer = await world.create(BODY);
  if ("problem" in answer) throw new Error(answer.detail);
  return answer;
}

describe("the secrets of webhooks", () => {
  it("are answered when a webhook is made, with where it is", async () => {
    const { status, body, headers } = await created(setUp());
    expect(status).toBe(201);
    expect(webhookCreated.parse(body)).toMatchObject({ url: BODY.url, status: "active", version: 1 });
    expect(headers).toEqual({ location: `/api/v1/webhooks/${body.id}` });
  });

  it("are made for no address that may not be called, no foreign project, and no webhook too many", async () => {
    const world = setUp();
    expect(await world.create({ ...BODY, url: "https://localhost/" })).toMatchObject({
      problem: "webhook-url-refused",
      errors: [{ pointer: "/url" }],
    });
    expect(await world.create({ ...BODY, project: "shop" })).toMatchObject({
      problem: "unknown-project",
      errors: [{ pointer: "/project" }],
    });
    for (let count = 0; count < MAX_WEBHOOKS; count++) await created(world);
    expect(await world.create(BODY)).toMatchObject({ problem: "too-many-webhooks" });
  });

  it("are a conflict when somebody else is always faster", async () => {
    const world = setUp();
    world.webhooks.saveRegister = async () => ({ ok: false, error: { reason: "stale" } });
    expect(await world.create(BODY)).toMatchObject({ problem: "webhook-conflict" });
  });

  it("are rotated, for a day with the old one unless it is to end", async () => {
    const world = setUp();
    const { body } = await created(world);
    const rotated = await world.rotate(body.id);
    if ("problem" in rotated) throw new Error(rotated.detail);
    expect(secretRotated.parse(rotated.body).oldValidUntil).toBe("2026-12-02T01:00:00Z");
    expect(rotated.body.secret).not.toBe(body.secret);
    const ended = await world.rotate(body.id, { overlapHours: 0 });
    if ("problem" in ended) throw new Error(ended.detail);
    expect(ended.body).not.toHaveProperty("oldValidUntil");
    expect(await world.rotate("01KZZZZZZZZZZZZZZZZZZZZZZZ")).toMatchObject({ problem: "webhook-not-found" });
  });
});
