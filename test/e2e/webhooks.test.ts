/** Events on their way out: from a dropped file to an endpoint on this machine, which the parameter allows. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook as Verifier } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as z from "zod";
import {
  deliveryList,
  type WebhookPayload,
  watchedWebhookView,
  webhookCreated,
  webhookPayload,
} from "#shared/contract/webhook-view.ts";
import { FAST, startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

interface Received {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

let punctual: TestPunctual;
let receiver: Server;
const received: Received[] = [];
/** How often a path still answers 503. */
const failing = new Map<string, number>();

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const path = request.url ?? "";
      received.push({
        path,
        headers: request.headers as Record<string, string>,
        body: Buffer.concat(chunks).toString(),
      });
      const left = failing.get(path) ?? 0;
      failing.set(path, left - 1);
      response.writeHead(left > 0 ? 503 : 204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  punctual = await startPunctual({ parameters: { ...FAST, AllowLoopbackWebhooks: "true" } });
});
afterAll(async () => {
  await punctual?.close();
  receiver?.close();
});

const call = (method: string, path: string, body?: object) =>
  punctual.api(path, {
    method,
    ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });

const urlOf = (path: string) => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${path}`;

async function makeWebhook(path: string, events: readonly string[]) {
  const answer = await call("POST", "/webhooks", { url: urlOf(path), events });
  expect(answer.status, await answer.clone().text()).toBe(201);
  return webhookCreated.parse(await answer.json());
}

/** What came to a path, verified as a receiver would. */
const verified = (path: string, secret: string): readonly WebhookPayload[] =>
  received
    .filter((one) => one.path === path)
    .map(({ body, headers }) => webhookPayload.parse(new Verifier(secret).verify(body, headers)));

async function deliveriesOf(id: string): Promise<z.output<typeof deliveryList>["items"]> {
  const answer = await call("GET", `/webhooks/${id}/deliveries?limit=100`);
  return deliveryList.parse(await answer.json()).items;
}

describe("webhooks", () => {
  it("tell of a dropped file from its acceptance to its post, and try again where they fail", async () => {
    failing.set("/flaky", 1);
    const good = await makeWebhook("/good", ["accepted", "scheduled", "published", "failed"]);
    const flaky = await makeWebhook("/flaky", ["published"]);
    const publishAt = new Date(Date.now() + 9_000).toISOString();
    await punctual.put("kite.md", `---\npublishAt: ${publishAt}\n---\nA kite, 风筝\n`);
    const outcome = await punctual.outcomeWhen("kite", ["published"]);
    const task = "id" in outcome ? outcome : undefined;

    const told = await waitFor("three events", () => {
      const payloads = verified("/good", good.secret);
      return payloads.length >= 3 ? payloads : undefined;
    });
    const ofTask = told.flatMap((payload) =>
      payload.type === "ping" || payload.type === "account-needs-attention"
        ? []
        : [{ ...payload.data, type: payload.type }],
    );
    const inOrder = ofTask.toSorted((one, other) => one.sequence - other.sequence);
    expect(inOrder.map(({ type }) => type)).toEqual(["accepted", "scheduled", "published"]);
    expect(new Set(inOrder.map((one) => one.task.id))).toEqual(new Set([task?.id]));
    expect(inOrder.map((one) => one.task.status)).toEqual(["pending", "pending", "published"]);
    expect(inOrder[2]?.task).toMatchObject({
      project: "default",
      account: "main",
      sentAt: task?.sentAt,
      parts: [{ text: "A kite, 风筝", postId: expect.any(String) }],
    });
    const delivered = await waitFor("three deliveries to be noted", async () => {
      const done = (await deliveriesOf(good.id)).filter(({ status }) => status === "delivered");
      return done.length >= 3 ? done : undefined;
    });
    expect(delivered.map(({ type }) => type).toSorted()).toEqual(["accepted", "published", "scheduled"]);

    const delivery = await waitFor("the second attempt", async () => {
      const [one] = await deliveriesOf(flaky.id);
      return one?.status === "delivered" ? one : undefined;
    });
    expect(delivery.attempts).toMatchObject([{ status: 503, code: "status-refused" }, { status: 204 }]);
    const [first, second] = delivery.attempts.map(({ at }) => new Date(at).getTime());
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(4_000);
    const again = received.filter(({ path }) => path === "/flaky");
    expect(again.map(({ headers }) => headers["webhook-id"])).toEqual([delivery.id, delivery.id]);
    expect(verified("/flaky", flaky.secret)).toHaveLength(2);
    // Each endpoint has ids of its own.
    expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(4);
    const watched = watchedWebhookView.parse(await (await call("GET", `/webhooks/${flaky.id}`)).json());
    expect(watched).toMatchObject({ status: "active", health: { failedInRow: 0 } });

    // Once more, because somebody asks for it.
    const replayed = await call("POST", `/webhooks/${flaky.id}/deliveries/${delivery.id}/replay`);
    expect(replayed.status).toBe(202);
    await waitFor("the replay", async () =>
      (await deliveriesOf(flaky.id))[0]?.attemptCount === 3 ? true : undefined,
    );
    const third = received.filter(({ path }) => path === "/flaky");
    expect(third[2]?.headers["webhook-id"]).toBe(delivery.id);
    expect(third[2]?.body).toBe(third[1]?.body);
  });

  it("can be pinged, with the old and the new secret after a rotation, until they are deleted", async () => {
    const webhook = await makeWebhook("/ping", ["held"]);
    const rotated = await call("POST", `/webhooks/${webhook.id}/rotate`);
    expect(rotated.status).toBe(200);
    const { secret } = (await rotated.json()) as { readonly secret: string };
    const sent = await call("POST", `/webhooks/${webhook.id}/ping`);
    expect(sent.status).toBe(202);
    const { deliveryId } = (await sent.json()) as { readonly deliveryId: string };
    const delivery = await waitFor("the ping", async () =>
      (await deliveriesOf(webhook.id)).find(({ status }) => status === "delivered"),
    );
    expect(delivery).toMatchObject({ id: deliveryId, type: "ping" });
    for (const one of [webhook.secret, secret])
      expect(verified("/ping", one)).toMatchObject([{ type: "ping", data: {} }]);

    expect((await call("DELETE", `/webhooks/${webhook.id}`)).status).toBe(200);
    expect((await call("POST", `/webhooks/${webhook.id}/ping`)).status).toBe(404);
  });

  it("lead to this machine only, and nowhere inside", async () => {
    for (const url of ["http://10.0.0.1/", "https://169.254.169.254/", "http://hooks.example.com/"]) {
      const answer = await call("POST", "/webhooks", { url, events: ["held"] });
      expect([answer.status, (await answer.json()) as object]).toMatchObject([
        422,
        { code: "webhook-url-refused" },
      ]);
    }
  });
});
