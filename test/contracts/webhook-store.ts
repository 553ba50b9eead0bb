import { describe, expect, it } from "vitest";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import {
  asWebhookId,
  emptyWebhookRegister,
  enterWebhook,
  pauseWebhook,
  replaceWebhook,
  UNUSED,
  type Webhook,
  type WebhookRegister,
} from "#shared/domain/webhook.ts";
import {
  DELIVERY_KEPT_MS,
  type Delivery,
  newDelivery,
  settleDelivery,
} from "#shared/domain/webhook-delivery.ts";
import { deliveryIdFor, type WebhookEvent } from "#shared/domain/webhook-event.ts";
import type { WebhookStore } from "#shared/ports/webhook-store.ts";
import { aTask, freshTaskId } from "#test/support/builders.ts";
import type { ManualClock } from "#test/support/clock.ts";
import { aTaskEvent, aWebhook } from "#test/support/webhooks.ts";

export interface WebhookStoreUnderTest {
  readonly webhooks: WebhookStore;
  readonly clock: ManualClock;
}

const STALE = { ok: false, error: { reason: "stale" } };
const SAVED = { ok: true, value: undefined };
const REASON = { code: "endpoint-gone", message: "It is gone.", remedy: "Delete it." };

/** What every `WebhookStore` promises. Run it against each implementation. */
export function webhookStoreContract(name: string, open: () => WebhookStoreUnderTest): void {
  let owners = 0;
  const anOwner = () => asOwnerId(`webhook-owner-${++owners}`);
  const enter = (register: WebhookRegister, webhook: Webhook): WebhookRegister => {
    const entered = enterWebhook(register, webhook);
    if (!entered.ok) throw new Error(entered.error.reason);
    return entered.value;
  };
  const newId = () => asWebhookId(String(freshTaskId()));
  const attemptOf = (delivery: Delivery, at: Date): Delivery =>
    settleDelivery(delivery, { at, durationMs: 12, status: 503, code: "status-refused" }, { random: 0.5 });
  const aDelivery = (event: WebhookEvent, webhookId = newId()): Delivery =>
    newDelivery(deliveryIdFor(webhookId, event), webhookId, event);

  describe(`WebhookStore: ${name}`, () => {
    it("gives back an owner's webhooks as they were saved, and nobody else's", async () => {
      const { webhooks, clock } = open();
      const ownerId = anOwner();
      expect(await webhooks.getRegister(ownerId)).toEqual(emptyWebhookRegister(ownerId));
      const plain = aWebhook();
      const full = pauseWebhook(
        aWebhook({
          description: "新闻",
          events: ["held"],
          project: { id: asProjectId("p-1"), name: "shop" },
        }),
        REASON,
        clock.now(),
      );
      const register = enter(enter(emptyWebhookRegister(ownerId), plain), full);
      const saved = { ...register, version: 1 };
      expect(await webhooks.saveRegister(saved)).toEqual(SAVED);
      expect(await webhooks.getRegister(ownerId)).toEqual({ ...saved, webhooks: [plain, full] });
      expect((await webhooks.getRegister(anOwner())).webhooks).toEqual([]);
      const emptied = replaceWebhook(replaceWebhook(saved, plain.id, undefined), full.id, undefined);
      expect(await webhooks.saveRegister({ ...emptied, version: 2 })).toEqual(SAVED);
      expect(await webhooks.getRegister(ownerId)).toMatchObject({ webhooks: [], version: 2 });
    });

    it("refuses to replace any register but the one before, and lets one of several win", async () => {
      const { webhooks } = open();
      const register = enter(emptyWebhookRegister(anOwner()), aWebhook());
      await webhooks.saveRegister(register);
      for (const version of [1, 3])
        expect(await webhooks.saveRegister({ ...register, version })).toEqual(STALE);
      const writes = await Promise.all(
        [1, 2, 3].map(() => webhooks.saveRegister(enter(register, aWebhook()))),
      );
      expect(writes.filter(({ ok }) => ok)).toHaveLength(1);
      expect((await webhooks.getRegister(register.ownerId)).webhooks).toHaveLength(2);
    });

    it("counts failures whoever notes them, since the first one, until something is delivered", async () => {
      const { webhooks, clock } = open();
      const [id, other] = [newId(), newId()];
      expect(await webhooks.listHealth([id, other])).toEqual([UNUSED, UNUSED]);
      const first = clock.now();
      expect(await webhooks.noteFailed(id, first)).toEqual({
        failedInRow: 1,
        failingSince: first,
        lastFailedAt: first,
      });
      clock.advance(60_000);
      const later = clock.now();
      await Promise.all([1, 2, 3].map(() => webhooks.noteFailed(id, later)));
      expect(await webhooks.listHealth([other, id])).toEqual([
        UNUSED,
        { failedInRow: 4, failingSince: first, lastFailedAt: later },
      ]);
      await webhooks.noteDelivered(id, later);
      expect(await webhooks.listHealth([id])).toEqual([
        { failedInRow: 0, lastFailedAt: later, lastDeliveredAt: later },
      ]);
      clock.advance(1_000);
      expect(await webhooks.noteFailed(id, clock.now())).toMatchObject({
        failedInRow: 1,
        failingSince: clock.now(),
      });
      await webhooks.forgetFailures(id);
      const [health] = await webhooks.listHealth([id]);
      expect(health).toEqual({ failedInRow: 0, lastFailedAt: clock.now(), lastDeliveredAt: later });
    });

    it("forgets failures of one that never failed", async () => {
      const { webhooks } = open();
      const id = newId();
      await webhooks.forgetFailures(id);
      expect(await webhooks.listHealth([id])).toEqual([UNUSED]);
    });

    it("keeps a delivery with its event and its attempts, one attempt after the other", async () => {
      const { webhooks, clock } = open();
      const task = aTask({
        status: "published",
        version: 6,
        written: true,
        sentAt: new Date("2026-12-01T01:10:00.310Z"),
        posted: [{ postId: "77", sentAt: new Date("2026-12-01T01:10:00.310Z") }],
        reason: REASON,
      });
      const { wakeAt: _wakeAt, ...rest } = task;
      const event = aTaskEvent({ task: rest });
      const delivery = aDelivery(event);
      const { webhookId, id } = delivery;
      expect(await webhooks.getDelivery(webhookId, id)).toBeUndefined();

      const once = attemptOf(delivery, clock.now());
      expect(await webhooks.saveDelivery(once)).toEqual(SAVED);
      expect(await webhooks.saveDelivery(once)).toEqual(STALE);
      const kept = await webhooks.getDelivery(webhookId, id);
      expect(kept).toMatchObject({ ...once, event: { type: "published", at: event.at } });
      expect(kept?.event).toMatchObject({
        task: { id: task.id, written: true, sentAt: task.sentAt, posted: task.posted, reason: REASON },
      });

      const replayed = settleDelivery(
        once,
        { at: clock.now(), durationMs: 3, manual: true, status: 200 },
        { random: 0 },
      );
      const writes = await Promise.all([1, 2].map(() => webhooks.saveDelivery(replayed)));
      expect(writes.filter(({ ok }) => ok)).toHaveLength(1);
      const { event: _event, ...noted } = replayed;
      expect(await webhooks.getDelivery(webhookId, id)).toMatchObject(noted);
      expect(await webhooks.getDelivery(webhookId, id)).not.toHaveProperty("nextAt");
      expect(await webhooks.getDelivery(newId(), id)).toBeUndefined();
    });

    it("keeps events of accounts and pings", async () => {
      const { webhooks, clock } = open();
      const account = {
        id: "owner.main",
        ownerId: "owner",
        name: "main",
        status: "paused",
        reason: REASON,
        pausedUntil: clock.now(),
        version: 3,
      };
      const events = [
        { type: "account-needs-attention", at: clock.now(), account },
        { type: "ping", at: clock.now() },
      ] as unknown as readonly WebhookEvent[];
      for (const event of events) {
        const delivery = attemptOf(aDelivery(event), clock.now());
        await webhooks.saveDelivery(delivery);
        expect(await webhooks.getDelivery(delivery.webhookId, delivery.id)).toEqual(delivery);
      }
    });

    it("lists deliveries of one webhook, the newest event first, page by page", async () => {
      const { webhooks, clock } = open();
      const webhookId = newId();
      for (let minute = 1; minute <= 7; minute++) {
        const event = { type: "ping", at: new Date(clock.now().getTime() + minute * 60_000) } as const;
        await webhooks.saveDelivery(attemptOf(aDelivery(event, webhookId), clock.now()));
      }
      await webhooks.saveDelivery(attemptOf(aDelivery({ type: "ping", at: clock.now() }), clock.now()));
      await webhooks.noteFailed(webhookId, clock.now());
      const first = await webhooks.listDeliveries(webhookId, { limit: 3 });
      const minutes = (page: readonly Delivery[]) =>
        page.map(({ event }) => (event.at.getTime() - clock.now().getTime()) / 60_000);
      expect(minutes(first)).toEqual([7, 6, 5]);
      const [, , last] = first;
      if (!last) throw new Error("there are three");
      const second = await webhooks.listDeliveries(webhookId, { limit: 3, before: last.id });
      expect(minutes(second)).toEqual([4, 3, 2]);
      const third = await webhooks.listDeliveries(webhookId, { limit: 3, before: second[2]?.id ?? last.id });
      expect(minutes(third)).toEqual([1]);
    });

    it("forgets a delivery 30 days after its event, deleted or not", async () => {
      const { webhooks, clock } = open();
      const webhookId = newId();
      const delivery = attemptOf(aDelivery({ type: "ping", at: clock.now() }, webhookId), clock.now());
      await webhooks.saveDelivery(delivery);
      clock.advance(DELIVERY_KEPT_MS - 1_000);
      expect(await webhooks.listDeliveries(webhookId, { limit: 5 })).toHaveLength(1);
      clock.advance(1_000);
      expect(await webhooks.listDeliveries(webhookId, { limit: 5 })).toEqual([]);
      expect(await webhooks.getDelivery(webhookId, delivery.id)).toBeUndefined();
    });
  });
}
