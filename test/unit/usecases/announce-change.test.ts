import { describe, expect, it } from "vitest";
import { accountIdFor } from "#shared/domain/account.ts";
import { asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { Task } from "#shared/domain/task.ts";
import {
  ENDPOINT_GONE,
  emptyWebhookRegister,
  pauseWebhook,
  WEBHOOK_EVENTS,
  type Webhook,
} from "#shared/domain/webhook.ts";
import { deliveryIdFor } from "#shared/domain/webhook-event.ts";
import { DependencyFault } from "#shared/errors.ts";
import { createAnnounceChange, REGISTER_FRESH_MS } from "#shared/usecases/announce-change.ts";
import { aTask } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryWebhooks } from "#test/support/in-memory-webhooks.ts";
import { aWebhook, createInMemoryWebhookQueue } from "#test/support/webhooks.ts";

const OWNER = asOwnerId("owner-1");
const SHOP = { id: asProjectId("project-1"), name: "shop" };
const AT = new Date("2026-12-01T01:10:00.000Z");

async function setUp(...webhooks: readonly Webhook[]) {
  const clock = manualClock();
  const store = createInMemoryWebhooks(clock);
  const queue = { ...createInMemoryWebhookQueue() };
  const accounts = createInMemoryAccounts();
  await accounts.addProject({
    ...SHOP,
    ownerId: OWNER,
    timeZone: "UTC",
    accountIds: [accountIdFor(OWNER, "main")],
    defaultAccountId: accountIdFor(OWNER, "main"),
  });
  let version = 0;
  const keep = async (...kept: readonly Webhook[]) => {
    await store.saveRegister({ ...emptyWebhookRegister(OWNER), webhooks: kept, version: ++version });
  };
  await keep(...webhooks);
  let reads = 0;
  const announce = createAnnounceChange({
    webhooks: {
      getRegister: (owner) => {
        reads++;
        return store.getRegister(owner);
      },
    },
    accounts,
    queue,
    clock,
  });
  const published = (over: Partial<Task> = {}) => ({
    kind: "task" as const,
    before: aTask({ status: "posting" }),
    after: aTask({ status: "published", version: 6, ...over }),
    at: AT,
  });
  const stopped = (name: string) => ({
    kind: "account" as const,
    before: { status: "active" as const },
    after: {
      id: accountIdFor(OWNER, name),
      ownerId: OWNER,
      name,
      status: "needs-reconnect" as const,
      version: 3,
    },
    at: AT,
  });
  return { announce, keep, queue, clock, published, stopped, reads: () => reads };
}

describe("announcing a change", () => {
  it("sends one message for each endpoint that wants to know, with the task as it was", async () => {
    const [one, two] = [aWebhook(), aWebhook({ events: ["published"] })];
    const { announce, queue, published } = await setUp(one, two, aWebhook({ events: ["failed"] }));
    const change = published();
    expect(await announce(change)).toBe(2);
    expect(queue.sent).toMatchObject(
      [one, two].map((webhook) => ({
        ownerId: OWNER,
        webhookId: webhook.id,
        attempt: 1,
        event: { type: "published", at: AT, task: { id: change.after.id, version: 6 } },
      })),
    );
    expect(queue.sent[0]?.deliveryId).toBe(
      deliveryIdFor(one.id, { type: "published", at: AT, task: change.after }),
    );
    expect(queue.sent[0]).not.toHaveProperty("event.task.recoveries");
  });

  it("gives what is told twice the same ids", async () => {
    const { announce, queue, published } = await setUp(aWebhook());
    const change = published();
    await announce(change);
    await announce(change);
    const [first, second] = queue.sent.map(({ deliveryId }) => deliveryId);
    expect(second).toBe(first);
  });

  it("sends nothing to a paused one, nor about another project", async () => {
    const paused = pauseWebhook(aWebhook(), ENDPOINT_GONE, AT);
    const { announce, queue, published, stopped } = await setUp(paused, aWebhook({ project: SHOP }));
    expect(await announce(published({ projectId: asProjectId("project-2") }))).toBe(0);
    expect(await announce(published())).toBe(1);
    expect(await announce(stopped("other"))).toBe(0);
    expect(await announce(stopped("main"))).toBe(1);
    expect(queue.sent.map(({ event }) => event.type)).toEqual(["published", "account-needs-attention"]);
  });

  it("asks for an owner once a minute, and not at all when nothing happened", async () => {
    const { announce, keep, clock, published, reads } = await setUp();
    const quiet = { kind: "task" as const, before: aTask(), after: aTask(), at: AT };
    expect([await announce(quiet), reads()]).toEqual([0, 0]);
    for (const _ of [1, 2, 3]) await announce(published());
    expect(reads()).toBe(1);
    await keep(aWebhook());
    clock.advance(REGISTER_FRESH_MS - 1);
    expect(await announce(published())).toBe(0);
    clock.advance(1);
    expect(await announce(published())).toBe(1);
    expect(reads()).toBe(2);
  });

  it("fails when the queue does, so that it is told again", async () => {
    const { announce, queue, published } = await setUp(aWebhook({ events: WEBHOOK_EVENTS }));
    queue.send = () => Promise.reject(new DependencyFault("the queue is busy"));
    await expect(announce(published())).rejects.toThrow(DependencyFault);
  });
});
