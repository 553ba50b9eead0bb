import { describe, expect, it } from "vitest";
import { accountIdFor } from "#shared/domain/account.ts";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import {
  asDeliveryId,
  asWebhookId,
  ENDPOINT_GONE,
  MAX_WEBHOOKS,
  pauseWebhook,
  replaceWebhook,
  type Webhook,
} from "#shared/domain/webhook.ts";
import { newDelivery, settleDelivery } from "#shared/domain/webhook-delivery.ts";
import { formatWebhookSecret, SECRET_BYTES } from "#shared/domain/webhook-signature.ts";
import { createCreateWebhook, type WrittenWebhook } from "#shared/usecases/create-webhook.ts";
import { createListWebhooks, createReadWebhook } from "#shared/usecases/read-webhooks.ts";
import { createRotateWebhookSecret } from "#shared/usecases/rotate-webhook-secret.ts";
import {
  createDeleteWebhook,
  createResumeWebhook,
  createUpdateWebhook,
} from "#shared/usecases/update-webhook.ts";
import {
  createListDeliveries,
  createPingWebhook,
  createReplayDelivery,
} from "#shared/usecases/webhook-deliveries.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryWebhooks, createInMemoryWebhookVault } from "#test/support/in-memory-webhooks.ts";
import { createInMemoryWebhookQueue } from "#test/support/webhooks.ts";

const ANNE = asOwnerId("anne");
const BELA = asOwnerId("bela");
const NOBODY = asWebhookId("01KZZZZZZZZZZZZZZZZZZZZZZZ");
const WISH: WrittenWebhook = { url: "https://hooks.example.com/in", events: ["published", "failed"] };

async function setUp() {
  const clock = manualClock();
  const webhooks = { ...createInMemoryWebhooks(clock) };
  const vault = { ...createInMemoryWebhookVault() };
  const queue = createInMemoryWebhookQueue();
  const accounts = createInMemoryAccounts();
  for (const [ownerId, name] of [
    [ANNE, "shop"],
    [BELA, "bakery"],
  ] as const)
    await accounts.addProject({
      id: asProjectId(`${ownerId}-project`),
      ownerId,
      name,
      timeZone: "UTC",
      accountIds: [accountIdFor(ownerId, "main")],
      defaultAccountId: accountIdFor(ownerId, "main"),
    });
  let secrets = 0;
  const deps = {
    webhooks,
    vault,
    eraser: vault,
    queue,
    accounts,
    clock,
    urls: { allowLoopback: false },
    newSecret: () => formatWebhookSecret(new Uint8Array(SECRET_BYTES).fill(++secrets)),
    entropy: { newId: () => String(freshTaskId()) },
  };
  const create = createCreateWebhook(deps);
  const made = async (wish: Partial<WrittenWebhook> = {}, owner = ANNE) => {
    const created = await create(owner, { ...WISH, ...wish });
    if (!created.ok) throw new Error(created.error.reason);
    return created.value;
  };
  /** Changes a webhook as if something had happened to it. */
  const put = async (next: Webhook) => {
    await webhooks.saveRegister(replaceWebhook(await webhooks.getRegister(ANNE), next.id, next));
    return next;
  };
  return { ...deps, create, made, put };
}

const refusal = (reason: string) => ({ ok: false, error: expect.objectContaining({ reason }) });

describe("creating a webhook", () => {
  it("keeps it with its secret, which is told once", async () => {
    const { made, webhooks, vault, clock } = await setUp();
    const { webhook, secret } = await made({ description: "Newsroom", project: "shop" });
    expect(webhook).toMatchObject({
      ...WISH,
      description: "Newsroom",
      project: { id: "anne-project", name: "shop" },
      status: "active",
      version: 1,
      createdAt: clock.now(),
    });
    expect((await webhooks.getRegister(ANNE)).webhooks).toEqual([webhook]);
    expect((await webhooks.getRegister(BELA)).webhooks).toEqual([]);
    expect(await vault.load(webhook.id)).toEqual({ current: secret, version: 1 });
    expect(JSON.stringify(await webhooks.getRegister(ANNE))).not.toContain(secret);
  });

  it("names each event once", async () => {
    const { made } = await setUp();
    const { webhook } = await made({ events: ["held", "held", "missed"] });
    expect(webhook.events).toEqual(["held", "missed"]);
  });

  it("refuses an address that may not be called, and another owner's project, and stores nothing", async () => {
    const { create, webhooks, vault } = await setUp();
    expect(await create(ANNE, { ...WISH, url: "http://127.0.0.1/" })).toEqual(refusal("url-refused"));
    expect(await create(ANNE, { ...WISH, project: "bakery" })).toEqual({
      ok: false,
      error: { reason: "unknown-project", name: "bakery", known: ["shop"] },
    });
    expect((await webhooks.getRegister(ANNE)).version).toBe(0);
    expect(await vault.load(NOBODY)).toBeUndefined();
  });

  it("makes so many, and seals no secret for one too many", async () => {
    const { create, made, vault } = await setUp();
    for (let count = 0; count < MAX_WEBHOOKS; count++) await made();
    let saved = 0;
    vault.save = async () => {
      saved++;
      return { ok: true, value: undefined };
    };
    expect(await create(ANNE, WISH)).toEqual(refusal("too-many"));
    expect(saved).toBe(0);
  });

  it("gets through a race, and gives up when it loses every one", async () => {
    const { create, made, webhooks } = await setUp();
    const { saveRegister } = webhooks;
    let races = 2;
    webhooks.saveRegister = (next) =>
      races-- > 0 ? Promise.resolve({ ok: false, error: { reason: "stale" } }) : saveRegister(next);
    await made();
    races = 100;
    expect(await create(ANNE, WISH)).toEqual(refusal("conflict"));
  });
});

describe("reading webhooks", () => {
  it("shows an owner's own, with how they do", async () => {
    const deps = await setUp();
    const { webhook } = await deps.made();
    await deps.made({}, BELA);
    await deps.webhooks.noteFailed(webhook.id, deps.clock.now());
    const health = { failedInRow: 1, failingSince: deps.clock.now(), lastFailedAt: deps.clock.now() };
    expect(await createListWebhooks(deps)(ANNE)).toEqual([{ webhook, health }]);
    expect(await createReadWebhook(deps)(ANNE, webhook.id)).toEqual({ ok: true, value: { webhook, health } });
    for (const [owner, id] of [
      [BELA, webhook.id],
      [ANNE, NOBODY],
    ] as const)
      expect(await createReadWebhook(deps)(owner, id)).toEqual(refusal("not-found"));
  });
});

describe("changing a webhook", () => {
  it("changes what is given, and takes away what is null", async () => {
    const deps = await setUp();
    const update = createUpdateWebhook(deps);
    const { webhook } = await deps.made({ description: "Newsroom", project: "shop" });
    deps.clock.advance(1_000);
    const moved = await update(ANNE, webhook.id, { url: "https://b.example.com" });
    expect(moved).toMatchObject({
      ok: true,
      value: {
        url: "https://b.example.com/",
        events: WISH.events,
        description: "Newsroom",
        project: { name: "shop" },
        version: 2,
        updatedAt: deps.clock.now(),
      },
    });
    const bare = await update(ANNE, webhook.id, { description: null, project: null, events: ["held"] });
    expect(bare).toMatchObject({ ok: true, value: { events: ["held"], version: 3 } });
    if (!bare.ok) throw new Error(bare.error.reason);
    expect(bare.value).not.toHaveProperty("description");
    expect(bare.value).not.toHaveProperty("project");
    expect((await deps.webhooks.getRegister(ANNE)).webhooks).toEqual([bare.value]);
  });

  it("forgets how the old address did, and only then", async () => {
    const deps = await setUp();
    const update = createUpdateWebhook(deps);
    const { webhook } = await deps.made();
    await deps.webhooks.noteFailed(webhook.id, deps.clock.now());
    await update(ANNE, webhook.id, { events: ["held"] });
    expect(await deps.webhooks.listHealth([webhook.id])).toMatchObject([{ failedInRow: 1 }]);
    await update(ANNE, webhook.id, { url: "https://b.example.com" });
    expect(await deps.webhooks.listHealth([webhook.id])).toMatchObject([{ failedInRow: 0 }]);
  });

  it("refuses what a new one is refused for", async () => {
    const deps = await setUp();
    const update = createUpdateWebhook(deps);
    const { webhook } = await deps.made();
    expect(await update(ANNE, webhook.id, { url: "https://localhost/" })).toEqual(refusal("url-refused"));
    expect(await update(ANNE, webhook.id, { project: "bakery" })).toEqual(refusal("unknown-project"));
    expect(await update(BELA, webhook.id, { events: ["held"] })).toEqual(refusal("not-found"));
  });

  it("keeps to the version that was asked for, whatever is done", async () => {
    const deps = await setUp();
    const { webhook } = await deps.made();
    const { id } = webhook;
    await createUpdateWebhook(deps)(ANNE, id, { events: ["held"] });
    const differs = { ok: false, error: { reason: "version-differs", version: 2 } };
    expect(await createUpdateWebhook(deps)(ANNE, id, { events: ["failed"] }, 1)).toEqual(differs);
    expect(await createDeleteWebhook(deps)(ANNE, id, 1)).toEqual(differs);
    expect(await createResumeWebhook(deps)(ANNE, id, 3)).toEqual(differs);
    expect((await deps.webhooks.getRegister(ANNE)).webhooks).toMatchObject([
      { events: ["held"], version: 2 },
    ]);
    expect(await createUpdateWebhook(deps)(ANNE, id, { events: ["failed"] }, 2)).toMatchObject({ ok: true });
  });

  it("is a conflict when somebody changes it between the check and the write", async () => {
    const deps = await setUp();
    const { webhook } = await deps.made();
    const { getRegister } = deps.webhooks;
    let reads = 0;
    deps.webhooks.getRegister = async (owner) => {
      if (reads++ === 1) await deps.put({ ...webhook, version: 2 });
      return getRegister(owner);
    };
    expect(await createUpdateWebhook(deps)(ANNE, webhook.id, { events: ["held"] })).toEqual(
      refusal("conflict"),
    );
  });

  it("deletes it with its secrets, once", async () => {
    const deps = await setUp();
    const { webhook } = await deps.made();
    const { webhook: other } = await deps.made();
    const remove = createDeleteWebhook(deps);
    expect(await remove(BELA, webhook.id)).toEqual(refusal("not-found"));
    expect(await deps.vault.load(webhook.id)).toBeDefined();
    expect(await remove(ANNE, webhook.id)).toEqual({ ok: true, value: webhook });
    expect(await remove(ANNE, webhook.id)).toEqual(refusal("not-found"));
    expect((await deps.webhooks.getRegister(ANNE)).webhooks).toEqual([other]);
    expect(await deps.vault.load(webhook.id)).toBeUndefined();
    expect(await deps.vault.load(other.id)).toBeDefined();
  });

  it("resumes a paused one, whose failures are forgotten, and leaves an active one as it is", async () => {
    const deps = await setUp();
    const { webhook } = await deps.made();
    const resume = createResumeWebhook(deps);
    expect(await resume(ANNE, webhook.id)).toEqual({ ok: true, value: webhook });
    await deps.put(pauseWebhook(webhook, ENDPOINT_GONE, deps.clock.now()));
    await deps.webhooks.noteFailed(webhook.id, deps.clock.now());
    const resumed = await resume(ANNE, webhook.id);
    expect(resumed).toMatchObject({ ok: true, value: { status: "active", version: 3 } });
    expect(await deps.webhooks.listHealth([webhook.id])).toMatchObject([{ failedInRow: 0 }]);
    expect(await resume(BELA, webhook.id)).toEqual(refusal("not-found"));
  });
});

describe("rotating a secret", () => {
  it("tells the new one, and keeps the old one for as long as was asked", async () => {
    const deps = await setUp();
    const rotate = createRotateWebhookSecret(deps);
    const { webhook, secret: old } = await deps.made();
    const until = new Date(deps.clock.now().getTime() + 60_000);
    const rotated = await rotate(ANNE, webhook.id, 60_000);
    if (!rotated.ok) throw new Error(rotated.error.reason);
    expect(rotated.value.oldValidUntil).toEqual(until);
    expect(rotated.value.secret).not.toBe(old);
    expect(await deps.vault.load(webhook.id)).toEqual({
      current: rotated.value.secret,
      previous: { secret: old, until },
      version: 2,
    });
    const ended = await rotate(ANNE, webhook.id, 0);
    expect(ended).toMatchObject({ ok: true });
    if (ended.ok) expect(ended.value).not.toHaveProperty("oldValidUntil");
  });

  it("is of nobody else's webhook, nor of a deleted one", async () => {
    const deps = await setUp();
    const rotate = createRotateWebhookSecret(deps);
    const { webhook } = await deps.made();
    expect(await rotate(BELA, webhook.id, 0)).toEqual(refusal("not-found"));
    await deps.vault.erase(webhook.id);
    expect(await rotate(ANNE, webhook.id, 0)).toEqual(refusal("not-found"));
  });

  it("gets through a race", async () => {
    const deps = await setUp();
    const { webhook } = await deps.made();
    const { save } = deps.vault;
    let races = 1;
    deps.vault.save = (id, next) =>
      races-- > 0 ? Promise.resolve({ ok: false, error: { reason: "stale" } }) : save(id, next);
    expect(await createRotateWebhookSecret(deps)(ANNE, webhook.id, 0)).toMatchObject({ ok: true });
    races = 100;
    expect(await createRotateWebhookSecret(deps)(ANNE, webhook.id, 0)).toEqual(refusal("conflict"));
  });
});

describe("deliveries", () => {
  it("are listed page by page, for their owner", async () => {
    const deps = await setUp();
    const list = createListDeliveries(deps);
    const { webhook } = await deps.made();
    const ids = ["1", "2", "3"].map((last) => asDeliveryId(`01KDDDDDDDDDDDDDDDDDDDDDD${last}`));
    const event = { type: "ping", at: deps.clock.now() } as const;
    for (const id of ids)
      await deps.webhooks.saveDelivery(
        settleDelivery(
          newDelivery(id, webhook.id, event),
          { at: event.at, durationMs: 1, status: 200 },
          { random: 0 },
        ),
      );
    const first = await list(ANNE, webhook.id, { limit: 2 });
    expect(first).toMatchObject({
      ok: true,
      value: { deliveries: [{ id: ids[2] }, { id: ids[1] }], next: ids[1] },
    });
    const second = await list(ANNE, webhook.id, { limit: 2, before: ids[1] as never });
    expect(second).toMatchObject({ ok: true, value: { deliveries: [{ id: ids[0] }] } });
    if (second.ok) expect(second.value).not.toHaveProperty("next");
    expect(await list(BELA, webhook.id, { limit: 2 })).toEqual(refusal("not-found"));
  });

  it("begin with a ping that somebody asked for", async () => {
    const deps = await setUp();
    const { webhook } = await deps.made();
    const sent = await createPingWebhook(deps)(ANNE, webhook.id);
    if (!sent.ok) throw new Error(sent.error.reason);
    expect(deps.queue.sent).toEqual([
      {
        ownerId: ANNE,
        webhookId: webhook.id,
        deliveryId: sent.value,
        attempt: 1,
        manual: true,
        event: { type: "ping", at: deps.clock.now() },
      },
    ]);
    expect(await createPingWebhook(deps)(BELA, webhook.id)).toEqual(refusal("not-found"));
    expect(deps.queue.sent).toHaveLength(1);
  });

  it("are replayed as their next attempt, whatever became of them", async () => {
    const deps = await setUp();
    const replay = createReplayDelivery(deps);
    const { webhook } = await deps.made();
    const { webhook: belas } = await deps.made({}, BELA);
    const id = asDeliveryId("01KDDDDDDDDDDDDDDDDDDDDDDD");
    const event = { type: "ping", at: deps.clock.now() } as const;
    const delivered = settleDelivery(
      newDelivery(id, webhook.id, event),
      { at: event.at, durationMs: 1, status: 200 },
      { random: 0 },
    );
    await deps.webhooks.saveDelivery(delivered);
    expect(await replay(ANNE, webhook.id, id)).toEqual({ ok: true, value: delivered });
    expect(deps.queue.sent).toEqual([
      { ownerId: ANNE, webhookId: webhook.id, deliveryId: id, attempt: 2, manual: true, event },
    ]);
    expect(await replay(BELA, webhook.id, id)).toEqual(refusal("not-found"));
    expect(await replay(BELA, belas.id, id)).toEqual(refusal("delivery-not-found"));
    expect(deps.queue.sent).toHaveLength(1);
  });
});
