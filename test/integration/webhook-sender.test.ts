import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, get } from "node:https";
import type { AddressInfo, LookupFunction } from "node:net";
import { Webhook as Verifier } from "standardwebhooks";
import { afterEach, describe, expect, it } from "vitest";
import { type MayReach, reachRule } from "#shared/adapters/http/reachable-address.ts";
import { createWebhookSender, type Resolve } from "#shared/adapters/http/webhook-sender.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { webhookPayload } from "#shared/contract/webhook-view.ts";
import { asAccountId, asOwnerId } from "#shared/domain/ids.ts";
import { asDeliveryId } from "#shared/domain/webhook.ts";
import { formatWebhookSecret, SECRET_BYTES } from "#shared/domain/webhook-signature.ts";
import type { ShownWebhookEvent } from "#shared/ports/webhook-sender.ts";
import { aContent, aMedium, aTask } from "#test/support/builders.ts";
import { selfSigned } from "#test/support/self-signed.ts";
import { aTaskEvent } from "#test/support/webhooks.ts";

const SECRET = formatWebhookSecret(new Uint8Array(SECRET_BYTES).fill(9));
const OLD_SECRET = formatWebhookSecret(new Uint8Array(SECRET_BYTES).fill(8));
const ID = asDeliveryId("01KDDDDDDDDDDDDDDDDDDDDDDD");
const PING: ShownWebhookEvent = { type: "ping", at: new Date("2026-12-01T01:00:00.000Z") };

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listen(server: Server, host = "127.0.0.1"): Promise<number> {
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** An endpoint, and what it got. */
async function anEndpoint(
  answer: RequestListener = (_, response) => response.writeHead(204).end(),
  host?: string,
) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  const port = await listen(server, host);
  return { received, port, url: `http://127.0.0.1:${port}/in?a=b` };
}

const localOnly = reachRule({ allowLoopback: true });
const aSender = (over: { mayReach?: MayReach; resolve?: Resolve; deadlineMs?: number } = {}) =>
  createWebhookSender({ mayReach: localOnly, clock, ...over });
const send = (url: string, sender = aSender(), event: ShownWebhookEvent = PING) =>
  sender.send({ url, deliveryId: ID, secrets: [SECRET, OLD_SECRET], event });

/** Answers with these addresses, look-up after look-up; the last one for ever. */
const resolving = (...answers: readonly (readonly string[])[]): Resolve & { readonly asked: string[] } => {
  const left = [...answers];
  const asked: string[] = [];
  const resolve: Resolve = async (hostname) => {
    asked.push(hostname);
    const addresses = (left.length > 1 ? left.shift() : left[0]) ?? [];
    return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  };
  return Object.assign(resolve, { asked });
};

const loopback: LookupFunction = (_, { all }, done) =>
  all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);

describe("what an endpoint gets", () => {
  it("is one POST of JSON that the public library verifies with either secret", async () => {
    const { received, url, port } = await anEndpoint();
    expect(await send(url)).toEqual({ status: 204 });
    const [{ method = "", url: path = "", headers = {}, body = "" } = {}] = received;
    expect(received).toHaveLength(1);
    expect([method, path]).toEqual(["POST", "/in?a=b"]);
    expect(headers).toMatchObject({
      host: `127.0.0.1:${port}`,
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      "webhook-id": ID,
    });
    expect(headers["transfer-encoding"]).toBeUndefined();
    for (const secret of [SECRET, OLD_SECRET])
      expect(new Verifier(secret).verify(body, headers as Record<string, string>)).toEqual({
        type: "ping",
        timestamp: "2026-12-01T01:00:00Z",
        data: {},
      });
  });

  it("is the task as it was then, with its texts, as the API shows it", async () => {
    const { received, url } = await anEndpoint();
    const event = aTaskEvent();
    const task = aTask({ ...event.task, sentAt: event.at, posted: [{ postId: "77", sentAt: event.at }] });
    await send(url, aSender(), {
      ...event,
      task,
      content: aContent(task, { parts: [{ text: "风筝 🪁" }], media: [aMedium()] }),
      project: "default",
      account: "main",
      timeZone: "Asia/Shanghai",
    });
    const payload = webhookPayload.parse(JSON.parse(received[0]?.body ?? ""));
    expect(payload).toMatchObject({
      type: "published",
      data: {
        sequence: 6,
        task: {
          id: task.id,
          account: "main",
          slotLocal: "2026-12-01 09:10:00",
          parts: [{ text: "风筝 🪁", postId: "77", link: "https://x.com/i/status/77" }],
          media: [{ name: "kite.jpg" }],
        },
      },
    });
    expect(received[0]?.body).not.toMatch(/ownerId|sha256|etag|drop\//);
  });

  it("is the account's name and state, without whose it is", async () => {
    const { received, url } = await anEndpoint();
    const at = new Date("2026-12-01T01:00:00.000Z");
    await send(url, aSender(), {
      type: "account-needs-attention",
      at,
      account: {
        id: asAccountId("owner-1.main"),
        ownerId: asOwnerId("owner-1"),
        name: "main",
        status: "paused",
        reason: { code: "spend-cap-reached", message: "m", remedy: "r" },
        pausedUntil: at,
        version: 4,
      },
    });
    const payload = webhookPayload.parse(JSON.parse(received[0]?.body ?? ""));
    expect(payload).toMatchObject({ data: { sequence: 4, account: { name: "main", status: "paused" } } });
    expect(received[0]?.body).not.toContain("owner-1");
  });
});

describe("what an endpoint answers", () => {
  it.each([200, 201, 202, 204, 299])("is taken with %i", async (status) => {
    const { url } = await anEndpoint((_, response) => response.writeHead(status).end());
    expect(await send(url)).toEqual({ status });
  });

  it.each([304, 400, 404, 410, 500])("is not taken with %i", async (status) => {
    const { url } = await anEndpoint((_, response) => response.writeHead(status).end());
    expect(await send(url)).toEqual({ status, code: "status-refused" });
  });

  it.each([301, 302, 303, 307, 308])("leads nowhere with %i", async (status) => {
    const inner = await anEndpoint();
    const { url, received } = await anEndpoint((_, response) =>
      response.writeHead(status, { location: inner.url }).end(),
    );
    expect(await send(url)).toEqual({ status, code: "status-refused" });
    expect([received.length, inner.received.length]).toEqual([1, 0]);
  });

  it("may ask for time, in seconds or with a date", async () => {
    const asking = (value: string) =>
      anEndpoint((_, response) => response.writeHead(503, { "retry-after": value }).end());
    expect(await send((await asking("120")).url)).toMatchObject({ status: 503, retryAfterMs: 120_000 });
    const inAnHour = new Date(clock.now().getTime() + 3_600_000).toUTCString();
    const { retryAfterMs = 0 } = await send((await asking(inAnHour)).url);
    expect(retryAfterMs).toBeGreaterThan(3_500_000);
    expect(retryAfterMs).toBeLessThanOrEqual(3_600_000);
    for (const useless of ["soon", "-5", "1e9"])
      expect(await send((await asking(useless)).url)).not.toHaveProperty("retryAfterMs");
    expect(await send((await asking("Tue, 01 Dec 2020 01:00:00 GMT")).url)).toMatchObject({
      retryAfterMs: 0,
    });
  });

  it("is not read: an endless body ends with 64 kB", async () => {
    let closed: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { url } = await anEndpoint((_, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384)));
      };
      response.on("drain", more);
      response.on("close", closed);
      more();
    });
    // Not by the deadline: that one is longer than any test may take.
    expect(await send(url, aSender({ deadlineMs: 600_000 }))).toEqual({ status: 200 });
    await ended;
  });

  it("counts by its status when its body never ends", async () => {
    const { url } = await anEndpoint((_, response) => {
      response.writeHead(200);
      response.write("half");
    });
    expect(await send(url, aSender({ deadlineMs: 150 }))).toEqual({ status: 200 });
  });

  it("is none when it comes after the deadline, or is cut off", async () => {
    const silent = await anEndpoint(() => undefined);
    expect(await send(silent.url, aSender({ deadlineMs: 150 }))).toEqual({ code: "timed-out" });
    const rude = await anEndpoint((request) => request.socket.destroy());
    expect(await send(rude.url)).toEqual({ code: "connection-failed" });
    const gone = await anEndpoint();
    for (const close of closing.splice(0)) close();
    expect(await send(gone.url)).toEqual({ code: "connection-failed" });
  });

  it("is none when the name leads nowhere, or takes too long to look up", async () => {
    const url = "http://hooks.test/";
    const failing: Resolve = () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" }));
    expect(await send(url, aSender({ resolve: failing }))).toEqual({ code: "name-not-resolved" });
    expect(await send(url, aSender({ resolve: resolving([]) }))).toEqual({ code: "name-not-resolved" });
    const slow: Resolve = () => new Promise(() => undefined);
    expect(await send(url, aSender({ resolve: slow, deadlineMs: 100 }))).toEqual({ code: "timed-out" });
  });
});

describe("where it never goes", () => {
  const strict = reachRule({ allowLoopback: false });
  /** 127.0.0.1 stands for an address of somebody outside, 127.0.0.2 for one inside. */
  const outside: MayReach = (_, address) => address === "127.0.0.1";

  it.each([
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "::ffff:127.0.0.1",
    "fd00:ec2::254",
    "64:ff9b::7f00:1",
  ])("is %s, whatever the name", async (address) => {
    const { port, received } = await anEndpoint();
    const resolve = resolving([address]);
    const url = `http://hooks.example.com:${port}/`;
    expect(await send(url, aSender({ mayReach: strict, resolve }))).toEqual({ code: "address-refused" });
    expect(resolve.asked).toEqual(["hooks.example.com"]);
    expect(received).toEqual([]);
  });

  it.each(["127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "[::1]", "[::ffff:7f00:1]", "[::]"])(
    "is the address http://%s itself",
    async (host) => {
      const { port, received } = await anEndpoint();
      expect(await send(`http://${host}:${port}/`, aSender({ mayReach: strict }))).toEqual({
        code: "address-refused",
      });
      expect(received).toEqual([]);
    },
  );

  it("is anywhere when one of a name's addresses is inside", async () => {
    const { port, received } = await anEndpoint();
    const resolve = resolving(["127.0.0.1", "127.0.0.2"]);
    const sender = aSender({ mayReach: outside, resolve });
    expect(await send(`http://hooks.example.com:${port}/`, sender)).toEqual({ code: "address-refused" });
    expect(received).toEqual([]);
  });

  it("is where a name leads a moment later: it is looked up once for a connection, and again for the next", async () => {
    const { port, received } = await anEndpoint();
    const inside = await anEndpoint(undefined, "127.0.0.2");
    const resolve = resolving(["127.0.0.1"], ["127.0.0.2"]);
    const sender = aSender({ mayReach: outside, resolve });
    const url = `http://hooks.example.com:${port}/`;
    expect(await send(url, sender)).toEqual({ status: 204 });
    expect(resolve.asked).toHaveLength(1);
    expect(received[0]?.headers.host).toBe(`hooks.example.com:${port}`);
    expect(await send(url, sender)).toEqual({ code: "address-refused" });
    expect([received.length, inside.received.length]).toEqual([1, 0]);
  });

  it("is through a proxy that the environment names", async () => {
    const proxy = await anEndpoint();
    const { url, received } = await anEndpoint();
    const before = { ...process.env };
    try {
      for (const name of ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
        process.env[name] = `http://127.0.0.1:${proxy.port}`;
      process.env["NODE_USE_ENV_PROXY"] = "1";
      expect(await send(url)).toEqual({ status: 204 });
    } finally {
      process.env = before;
    }
    expect([received.length, proxy.received.length]).toEqual([1, 0]);
  });

  it("is with a certificate that nobody vouches for, whatever the environment says; it names the host before that", async () => {
    const names: string[] = [];
    const received: string[] = [];
    const server = createTlsServer(
      {
        ...selfSigned("hooks.example.com"),
        SNICallback: (name, done) => {
          names.push(name);
          done(null);
        },
      },
      (request, response) => {
        received.push(request.url ?? "");
        response.end();
      },
    );
    const port = await listen(server);
    const sender = aSender({ mayReach: outside, resolve: resolving(["127.0.0.1"]) });
    const url = `https://hooks.example.com:${port}/`;
    // The certificate is none to complain about, but for who vouches for it.
    const trusting = await new Promise<number | undefined>((answered, failed) => {
      const options = { rejectUnauthorized: false, lookup: loopback, servername: "hooks.example.com" };
      get(url, options, ({ statusCode }) => answered(statusCode)).once("error", failed);
    });
    expect([trusting, received.length]).toEqual([200, 1]);
    const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    try {
      process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
      expect(await send(url, sender)).toEqual({ code: "tls-failed" });
    } finally {
      if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
      else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
    }
    expect(new Set(names)).toEqual(new Set(["hooks.example.com"]));
    expect(received).toHaveLength(1);
  });
});
