import { describe, expect, it, vi } from "vitest";
import { createHandler } from "#functions/deliver-webhook/handler.ts";
import { createSqsWebhookQueue } from "#shared/adapters/dispatch/webhook-queue.ts";
import { TIMING } from "#shared/domain/timing.ts";
import { deliveryIdFor } from "#shared/domain/webhook-event.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { WebhookMessage } from "#shared/ports/webhook-queue.ts";
import type { DeliverWebhook } from "#shared/usecases/deliver-webhook.ts";
import { manualClock } from "#test/support/clock.ts";
import { aTaskEvent, aWebhook, WEBHOOK_OWNER } from "#test/support/webhooks.ts";

interface Entry {
  readonly Id: string;
  readonly MessageBody: string;
  readonly MessageGroupId: string;
  readonly DelaySeconds: number;
}

/** SQS as far as it takes messages. */
function recordingSqs(failed: readonly string[] = []) {
  const batches: (readonly Entry[])[] = [];
  return {
    batches,
    entries: () => batches.flat(),
    sqs: {
      send: async ({ input }: { readonly input: { readonly Entries: readonly Entry[] } }) => {
        batches.push(input.Entries);
        return { Failed: failed.map((Id) => ({ Id, Code: "Throttled", SenderFault: false })) };
      },
    } as never,
  };
}

const webhook = aWebhook();
const aMessage = (over: Partial<WebhookMessage> = {}): WebhookMessage => {
  const event = aTaskEvent();
  return {
    ownerId: WEBHOOK_OWNER,
    webhookId: webhook.id,
    deliveryId: deliveryIdFor(webhook.id, event),
    attempt: 1,
    event,
    ...over,
  };
};

function setUp(deliver: DeliverWebhook = async () => ({ kind: "delivered" })) {
  const seen: WebhookMessage[] = [];
  const logger = { info: vi.fn(), error: vi.fn() };
  const handler = createHandler({
    logger,
    deliverWebhook: (message) => {
      seen.push(message);
      return deliver(message);
    },
  });
  const receive = (...bodies: readonly string[]) =>
    handler({ Records: bodies.map((body, index) => ({ messageId: `m-${index + 1}`, body })) });
  return { seen, logger, receive };
}

describe("the queue of webhooks", () => {
  const clock = manualClock();
  const soon = (ms: number) => new Date(clock.now().getTime() + ms);

  it("hands on what the function reads again, without a task's inner life", async () => {
    const { sqs, entries } = recordingSqs();
    const queue = createSqsWebhookQueue({ sqs, queueUrl: "https://sqs/queue", clock });
    const dueAt = soon(5_000);
    const sent = aMessage({ dueAt, attempt: 2 });
    await queue.send([sent]);
    const { seen, receive } = setUp();
    await receive(...entries().map(({ MessageBody }) => MessageBody));
    expect(seen).toHaveLength(1);
    expect(sent).toMatchObject(seen[0] as object);
    expect(seen[0]).toMatchObject({ dueAt, attempt: 2, event: { at: sent.event.at } });
    expect(seen[0]).not.toHaveProperty("event.task.latePolicy");
    expect(seen[0]).not.toHaveProperty("manual");
  });

  it("delays as long as it can, one group for each owner, ten at a time", async () => {
    const { sqs, batches, entries } = recordingSqs();
    const queue = createSqsWebhookQueue({ sqs, queueUrl: "https://sqs/queue", clock });
    const waits = [undefined, soon(-1_000), soon(0), soon(1), soon(4_200), soon(86_400_000)];
    await queue.send([
      ...waits.map((dueAt) => aMessage({ ...(dueAt && { dueAt }) })),
      ...Array.from({ length: 6 }, () => aMessage()),
    ]);
    expect(batches.map((batch) => batch.length)).toEqual([10, 2]);
    const longest = TIMING.maxQueueDelayMs / 1_000;
    expect(
      entries()
        .slice(0, 6)
        .map(({ DelaySeconds }) => DelaySeconds),
    ).toEqual([0, 0, 0, 1, 5, longest]);
    expect(new Set(entries().map(({ MessageGroupId }) => MessageGroupId))).toEqual(new Set([WEBHOOK_OWNER]));
    for (const batch of batches) expect(new Set(batch.map(({ Id }) => Id)).size).toBe(batch.length);
  });

  it("fails when it took not every message", async () => {
    const { sqs } = recordingSqs(["0"]);
    const queue = createSqsWebhookQueue({ sqs, queueUrl: "https://sqs/queue", clock });
    await expect(queue.send([aMessage()])).rejects.toThrow(DependencyFault);
  });
});

describe("deliver-webhook", () => {
  const text = (message: WebhookMessage) => JSON.stringify(message);

  it("sends the events of one task in their order, however they came, and logs no content", async () => {
    const { seen, receive, logger } = setUp();
    const { task } = aTaskEvent();
    const versions = [6, 2, 3].map((version) =>
      text(aMessage({ event: aTaskEvent({ task: { ...task, version } }) })),
    );
    expect(await receive(...versions)).toEqual({ batchItemFailures: [] });
    expect(seen.map(({ event }) => "task" in event && event.task.version)).toEqual([2, 3, 6]);
    expect(logger.info).toHaveBeenCalledTimes(3);
    expect(logger.info).toHaveBeenCalledWith("webhook attempted", {
      webhookId: webhook.id,
      deliveryId: expect.any(String),
      attempt: 1,
      type: "published",
      subject: task.id,
      outcome: { kind: "delivered" },
    });
  });

  it("has a message delivered again that failed, with those of the same task after it, and no other", async () => {
    const { task } = aTaskEvent();
    const ofTask = (version: number) => aMessage({ event: aTaskEvent({ task: { ...task, version } }) });
    const { receive, seen } = setUp(async ({ event }) => {
      if ("task" in event && event.task.id === task.id && event.task.version === 3)
        throw new DependencyFault("the table is busy");
      return { kind: "delivered" };
    });
    const bodies = [ofTask(2), ofTask(3), ofTask(4), aMessage()].map(text);
    expect(await receive(...bodies)).toEqual({
      batchItemFailures: [{ itemIdentifier: "m-2" }, { itemIdentifier: "m-3" }],
    });
    expect(seen).toHaveLength(3);
  });

  it.each([
    ["no JSON", "{"],
    ["nothing of ours", "{}"],
    ["an event that nobody knows", text(aMessage()).replace('"published"', '"exploded"')],
    ["an attempt that is none", text(aMessage({ attempt: 0 }))],
  ])("sets %s aside", async (_, body) => {
    const { receive, seen, logger } = setUp();
    expect(await receive(body, text(aMessage()))).toEqual({ batchItemFailures: [{ itemIdentifier: "m-1" }] });
    expect(seen).toHaveLength(1);
    expect(logger.error).toHaveBeenCalledWith(
      "a record failed",
      expect.objectContaining({ id: "m-1", code: "malformed-message" }),
    );
  });
});
