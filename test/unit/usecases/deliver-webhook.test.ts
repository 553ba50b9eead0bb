import { describe, expect, it } from "vitest";
import { accountIdFor } from "#shared/domain/account.ts";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import {
  emptyWebhookRegister,
  newSecrets,
  PAUSE_AFTER,
  pauseWebhook,
  rotateSecret,
} from "#shared/domain/webhook.ts";
import { RETRY_DELAYS_MS } from "#shared/domain/webhook-delivery.ts";
import { deliveryIdFor } from "#shared/domain/webhook-event.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { WebhookMessage } from "#shared/ports/webhook-queue.ts";
import type { WebhookAnswer } from "#shared/ports/webhook-sender.ts";
import { createDeliverWebhook } from "#shared/usecases/deliver-webhook.ts";
import { aContent, aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";
import { createInMemoryWebhooks, createInMemoryWebhookVault } from "#test/support/in-memory-webhooks.ts";
import { aWebhook, createInMemoryWebhookQueue, scriptedSender } from "#test/support/webhooks.ts";

const OWNER = asOwnerId("owner-1");
const REFUSED: WebhookAnswer = { status: 503, code: "status-refused" };
const WHY = { code: "endpoint-failing", message: "m", remedy: "r" };

async function setUp(...answers: readonly WebhookAnswer[]) {
  const clock = manualClock();
  const { tasks } = createInMemoryStore(clock);
  const accounts = createInMemoryAccounts();
  const webhooks = { ...createInMemoryWebhooks(clock) };
  const vault = createInMemoryWebhookVault();
  const queue = { ...createInMemoryWebhookQueue() };
  const sender = { ...scriptedSender(...answers) };
  const webhook = aWebhook();
  const register = { ...emptyWebhookRegister(OWNER), webhooks: [webhook], version: 1 };
  await webhooks.saveRegister(register);
  await vault.save(webhook.id, newSecrets("whsec_b25l"));
  const accountId = accountIdFor(OWNER, "main");
  await accounts.saveAccount({
    id: accountId,
    ownerId: OWNER,
    name: "main",
    maxTextLength: 280,
    status: "active",
    version: 1,
  });
  const projectId = asProjectId("project-1");
  await accounts.addProject({
    id: projectId,
    ownerId: OWNER,
    name: "shop",
    timeZone: "Asia/Shanghai",
    accountIds: [accountId],
    defaultAccountId: accountId,
  });
  const task = aTask({ ownerId: OWNER, accountId, projectId });
  const content = aContent(task);
  await tasks.create(task, content);
  const event = { type: "accepted", at: clock.now(), task } as const;
  const first: WebhookMessage = {
    ownerId: OWNER,
    webhookId: webhook.id,
    deliveryId: deliveryIdFor(webhook.id, event),
    attempt: 1,
    event,
  };
  const deliver = createDeliverWebhook({
    webhooks,
    vault,
    tasks,
    accounts,
    sender,
    queue,
    clock,
    entropy: { random: () => 0.5 },
  });
  const delivery = () => webhooks.getDelivery(webhook.id, first.deliveryId);
  const state = async () => (await webhooks.getRegister(OWNER)).webhooks[0];
  /** Works the queue off as time goes by. */
  async function workOff(limit = 1_000): Promise<void> {
    for (let done = 0; queue.sent.length > 0 && done < limit; done++) {
      const next = queue.sent.shift();
      if (!next) return;
      if (next.dueAt && next.dueAt > clock.now()) clock.set(next.dueAt);
      await deliver(next);
    }
  }
  return {
    clock,
    webhooks,
    vault,
    queue,
    sender,
    webhook,
    register,
    task,
    content,
    first,
    deliver,
    delivery,
    state,
    workOff,
  };
}

describe("delivering an event", () => {
  it("sends it with all that is shown, notes it, and is done", async () => {
    const { deliver, first, sender, webhook, content, delivery, queue, webhooks, clock } = await setUp({
      status: 204,
    });
    expect(await deliver(first)).toMatchObject({ kind: "delivered", status: 204 });
    expect(sender.sent).toEqual([
      {
        url: webhook.url,
        deliveryId: first.deliveryId,
        secrets: ["whsec_b25l"],
        event: { ...first.event, content, project: "shop", account: "main", timeZone: "Asia/Shanghai" },
      },
    ]);
    expect(await delivery()).toMatchObject({
      status: "delivered",
      attemptCount: 1,
      attempts: [{ status: 204 }],
    });
    expect(queue.sent).toEqual([]);
    expect(await webhooks.listHealth([webhook.id])).toEqual([
      { failedInRow: 0, lastDeliveredAt: clock.now() },
    ]);
  });

  it("signs with both secrets while they overlap", async () => {
    const { deliver, first, vault, webhook, sender, clock } = await setUp({ status: 200 });
    await vault.save(webhook.id, rotateSecret(newSecrets("whsec_b25l"), "whsec_dHdv", clock.now(), 1_000));
    await deliver(first);
    expect(sender.sent[0]?.secrets).toEqual(["whsec_dHdv", "whsec_b25l"]);
  });

  it("drops what comes twice, and what somebody else did at the same time", async () => {
    const { deliver, first, sender, webhooks, delivery } = await setUp({ status: 200 });
    await deliver(first);
    expect(await deliver(first)).toEqual({ kind: "stale" });
    expect(sender.sent).toHaveLength(1);

    const { getDelivery } = webhooks;
    webhooks.getDelivery = async () => undefined;
    expect(await deliver(first)).toEqual({ kind: "stale" });
    webhooks.getDelivery = getDelivery;
    expect(await delivery()).toMatchObject({ attemptCount: 1 });
  });

  it("ends with its webhook, or with the secrets of it", async () => {
    const { deliver, first, sender, webhooks, register, vault, webhook } = await setUp({ status: 200 });
    await vault.erase(webhook.id);
    expect(await deliver(first)).toEqual({ kind: "gone" });
    await webhooks.saveRegister({ ...register, webhooks: [], version: 2 });
    expect(await deliver(first)).toEqual({ kind: "gone" });
    expect(sender.sent).toEqual([]);
  });

  it("sends what comes too early on, without looking anything up", async () => {
    const { deliver, first, queue, sender, clock, webhooks } = await setUp({ status: 200 });
    webhooks.getRegister = () => Promise.reject(new Error("nobody asked"));
    const early = { ...first, dueAt: new Date(clock.now().getTime() + 1) };
    expect(await deliver(early)).toEqual({ kind: "waits" });
    expect(queue.sent).toEqual([early]);
    expect(sender.sent).toEqual([]);
  });
});

describe("an endpoint that does not take it", () => {
  it("is tried again for about a day, later and later", async () => {
    const { deliver, first, queue, clock, workOff, delivery, sender, state } = await setUp(REFUSED);
    const start = clock.now().getTime();
    expect(await deliver(first)).toMatchObject({ kind: "pending", status: 503, code: "status-refused" });
    expect(queue.sent).toMatchObject([
      { attempt: 2, dueAt: new Date(start + RETRY_DELAYS_MS[0]), event: first.event },
    ]);
    await workOff();
    expect(await delivery()).toMatchObject({ status: "failed", attemptCount: RETRY_DELAYS_MS.length + 1 });
    expect(sender.sent).toHaveLength(RETRY_DELAYS_MS.length + 1);
    const hours = (clock.now().getTime() - start) / 3_600_000;
    expect(hours).toBeGreaterThan(23);
    expect(hours).toBeLessThan(25);
    // One lost event is no reason to stop.
    expect(await state()).toMatchObject({ status: "active" });
  });

  it("is left alone for as long as it asks", async () => {
    const { deliver, first, queue, clock } = await setUp({ ...REFUSED, retryAfterMs: 3_600_000 });
    await deliver(first);
    expect(queue.sent[0]?.dueAt).toEqual(new Date(clock.now().getTime() + 3_600_000));
  });

  it("takes it later", async () => {
    const { deliver, first, workOff, delivery, sender, webhooks, webhook } = await setUp(
      { code: "timed-out" },
      { code: "address-refused" },
      { status: 200 },
    );
    await deliver(first);
    await workOff();
    expect(await delivery()).toMatchObject({
      status: "delivered",
      attempts: [{ code: "timed-out" }, { code: "address-refused" }, { status: 200 }],
    });
    expect(sender.sent.map(({ deliveryId }) => deliveryId)).toEqual(Array(3).fill(first.deliveryId));
    expect(await webhooks.listHealth([webhook.id])).toMatchObject([{ failedInRow: 0 }]);
  });

  it("is asked again when the message for it was lost with whoever was to send it", async () => {
    const { deliver, first, queue, sender, delivery } = await setUp(REFUSED);
    const { send } = queue;
    queue.send = () => Promise.reject(new DependencyFault("the queue is away"));
    await expect(deliver(first)).rejects.toThrow(DependencyFault);
    queue.send = send;
    expect(await deliver(first)).toEqual({ kind: "stale" });
    expect(sender.sent).toHaveLength(1);
    expect(queue.sent).toMatchObject([{ attempt: 2, dueAt: (await delivery())?.nextAt }]);
  });

  it("hears it again when the note of the attempt was lost", async () => {
    const { deliver, first, webhooks, sender, delivery } = await setUp({ status: 200 });
    const { saveDelivery } = webhooks;
    webhooks.saveDelivery = () => Promise.reject(new DependencyFault("the table is away"));
    await expect(deliver(first)).rejects.toThrow(DependencyFault);
    webhooks.saveDelivery = saveDelivery;
    expect(await deliver(first)).toMatchObject({ kind: "delivered" });
    expect(sender.sent).toHaveLength(2);
    expect(await delivery()).toMatchObject({ attemptCount: 1 });
  });

  it("that answers 410 gets nothing more, and says so", async () => {
    const { deliver, first, queue, delivery, state } = await setUp({ status: 410, code: "status-refused" });
    expect(await deliver(first)).toMatchObject({ kind: "failed", paused: "endpoint-gone" });
    expect(await delivery()).toMatchObject({ status: "failed", attemptCount: 1 });
    expect(queue.sent).toEqual([]);
    expect(await state()).toMatchObject({ status: "paused", reason: { code: "endpoint-gone" }, version: 2 });
  });

  it("is not paused for what the address of before answered", async () => {
    const { deliver, first, webhooks, register, webhook, sender, state } = await setUp();
    const moved = { ...webhook, url: "https://new.example.com/", version: 2 };
    sender.send = async () => {
      await webhooks.saveRegister({ ...register, webhooks: [moved], version: 2 });
      return { status: 410, code: "status-refused" };
    };
    expect(await deliver(first)).not.toHaveProperty("paused");
    expect(await state()).toEqual(moved);
  });

  it("is paused when it keeps failing: so many in a row, for so long", async () => {
    const { deliver, first, clock, webhooks, webhook, state } = await setUp(REFUSED);
    for (let count = 1; count < PAUSE_AFTER.failedInRow; count++)
      await webhooks.noteFailed(webhook.id, clock.now());
    expect(await deliver(first)).not.toHaveProperty("paused");
    expect(await state()).toMatchObject({ status: "active" });
    clock.advance(PAUSE_AFTER.failingForMs);
    expect(await deliver({ ...first, attempt: 2 })).toMatchObject({
      kind: "pending",
      paused: "endpoint-failing",
    });
    expect(await state()).toMatchObject({ status: "paused", reason: { code: "endpoint-failing" } });
  });
});

describe("a paused webhook", () => {
  it("ends what was under way to it, without a call", async () => {
    const { deliver, first, webhooks, register, webhook, sender, delivery, queue, clock } = await setUp({
      status: 200,
    });
    const paused = pauseWebhook(webhook, WHY, clock.now());
    await webhooks.saveRegister({ ...register, webhooks: [paused], version: 2 });
    expect(await deliver(first)).toMatchObject({ kind: "failed", code: "webhook-paused" });
    expect(await delivery()).toMatchObject({ status: "failed", attempts: [{ code: "webhook-paused" }] });
    expect([sender.sent, queue.sent]).toEqual([[], []]);
    expect(await webhooks.listHealth([webhook.id])).toEqual([{ failedInRow: 0 }]);
  });

  it("takes what somebody asked for: a ping, a replay", async () => {
    const { deliver, first, webhooks, register, webhook, sender, delivery, clock } = await setUp({
      status: 200,
    });
    const paused = pauseWebhook(webhook, WHY, clock.now());
    await webhooks.saveRegister({ ...register, webhooks: [paused], version: 2 });
    await deliver(first);
    const replay = { ...first, attempt: 2, manual: true } as const;
    expect(await deliver(replay)).toMatchObject({ kind: "delivered" });
    expect(await deliver(replay)).toEqual({ kind: "stale" });
    expect(sender.sent).toHaveLength(1);
    expect(await delivery()).toMatchObject({ status: "delivered", attemptCount: 2, tries: 1 });
  });
});

describe("what somebody asked for", () => {
  it("is tried once, and neither counts nor changes what is planned", async () => {
    const { deliver, first, queue, webhooks, webhook, delivery, clock, workOff, sender } = await setUp(
      REFUSED,
      REFUSED,
      { status: 200 },
    );
    await deliver(first);
    const planned = (await delivery())?.nextAt;
    clock.advance(1_000);
    expect(await deliver({ ...first, attempt: 2, manual: true })).toMatchObject({ kind: "pending" });
    expect(await delivery()).toMatchObject({ attemptCount: 2, tries: 1, nextAt: planned });
    expect(await webhooks.listHealth([webhook.id])).toMatchObject([{ failedInRow: 1 }]);
    // The waiting message is of attempt 2, which was made meanwhile: it asks for the third.
    expect(queue.sent).toHaveLength(1);
    await workOff();
    expect(sender.sent).toHaveLength(3);
    expect(await delivery()).toMatchObject({ status: "delivered", attemptCount: 3 });
  });

  it("does not end the retry whose numbers it took", async () => {
    const { deliver, first, queue, sender, delivery, workOff } = await setUp(REFUSED, REFUSED, REFUSED, {
      status: 200,
    });
    await deliver(first);
    await deliver({ ...first, attempt: 2, manual: true });
    await deliver({ ...first, attempt: 3, manual: true });
    await workOff();
    expect(sender.sent).toHaveLength(4);
    expect(await delivery()).toMatchObject({ status: "delivered", attemptCount: 4, tries: 2 });
    // A delivery that is done asks for nothing more.
    expect(await deliver({ ...first, attempt: 2 })).toEqual({ kind: "stale" });
    expect(queue.sent).toEqual([]);
  });

  it("does not end the retry that was being sent when it took the number", async () => {
    const { deliver, first, queue, webhooks, sender, delivery, clock, workOff } = await setUp(
      REFUSED,
      REFUSED,
      REFUSED,
      { status: 200 },
    );
    await deliver(first);
    const waiting = queue.sent.shift();
    if (!waiting?.dueAt) throw new Error("a retry waits");
    clock.set(waiting.dueAt);
    const { saveDelivery } = webhooks;
    webhooks.saveDelivery = async (next) => {
      webhooks.saveDelivery = saveDelivery;
      await deliver({ ...first, attempt: 2, manual: true });
      return saveDelivery(next);
    };
    expect(await deliver(waiting)).toEqual({ kind: "stale" });
    expect(queue.sent).toMatchObject([{ attempt: 3 }]);
    await workOff();
    expect(sender.sent).toHaveLength(4);
    expect(await delivery()).toMatchObject({ status: "delivered", attemptCount: 3, tries: 2 });
  });

  it("asks for no attempt more when its message comes twice, nor does one that is long past", async () => {
    const { deliver, first, queue } = await setUp(REFUSED);
    const replay = { ...first, attempt: 2, manual: true } as const;
    await deliver(first);
    await deliver(replay);
    queue.sent.length = 0;
    expect(await deliver(replay)).toEqual({ kind: "stale" });
    expect(await deliver(first)).toEqual({ kind: "stale" });
    expect(queue.sent).toEqual([]);
  });

  it("may be a ping, which is about nothing", async () => {
    const { deliver, first, sender, webhooks, queue, clock } = await setUp(REFUSED);
    const ping = { ...first, manual: true, event: { type: "ping", at: clock.now() } } as const;
    expect(await deliver(ping)).toMatchObject({ kind: "failed" });
    expect(sender.sent).toMatchObject([{ event: { type: "ping" } }]);
    expect(queue.sent).toEqual([]);
    expect(await webhooks.listHealth([first.webhookId])).toEqual([{ failedInRow: 0 }]);
  });
});
