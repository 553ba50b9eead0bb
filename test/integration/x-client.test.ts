import { createServer, type Server, type ServerResponse } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { SANDBOX_OAUTH1, SANDBOX_USER_ID } from "#infra/local/sandbox/credentials.ts";
import { type SandboxOptions, startSandbox } from "#infra/local/sandbox/sandbox.ts";
import { systemClock } from "#shared/adapters/system/clock.ts";
import { systemEntropy } from "#shared/adapters/system/entropy.ts";
import { createXAccountVerifier } from "#shared/adapters/x/account-verifier.ts";
import { createXPostPublisher } from "#shared/adapters/x/post-publisher.ts";
import {
  askX,
  createXAgent,
  createXClient,
  signRequest,
  wasNeverSent,
  type XAgentOptions,
} from "#shared/adapters/x/x-client.ts";
import { createXSessions } from "#shared/adapters/x/x-sessions.ts";
import { type CredentialSecrets, Credentials } from "#shared/domain/credentials.ts";
import { asAccountId, asOwnerId } from "#shared/domain/ids.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryVault } from "#test/support/in-memory-vault.ts";
import { anXServer, sendJson } from "#test/support/x-server.ts";

const ACCOUNT = asAccountId("main.main");
const OAUTH1 = { kind: "oauth1", ...SANDBOX_OAUTH1 } as const;
const TEXT = { text: "A red kite over the harbour — 风筝 🪁", mediaIds: [] };

/** A publisher for one account, and everything it stands on. */
async function aPublisher(
  endpoint: string,
  {
    secrets = OAUTH1,
    postOptions = { keepAlive: false },
  }: { secrets?: CredentialSecrets; postOptions?: XAgentOptions } = {},
) {
  const vault = createInMemoryVault();
  await vault.connect(ACCOUNT, new Credentials(secrets));
  const accounts = createInMemoryAccounts();
  const clock = systemClock;
  const agent = createXAgent(endpoint, { keepAlive: true });
  const postAgent = createXAgent(endpoint, postOptions);
  onTestFinished(() => {
    agent.destroy();
    postAgent.destroy();
  });
  const sessions = createXSessions({ vault, clock, entropy: systemEntropy, agent });
  const deps = { sessions, clock, agent, postAgent, accounts };
  return {
    vault,
    accounts,
    sessions,
    publisher: createXPostPublisher(deps),
    verifier: createXAccountVerifier(deps),
  };
}

async function aSandbox(options: SandboxOptions = {}) {
  const broken: unknown[] = [];
  const sandbox = await startSandbox({ onError: (error) => broken.push(error), ...options });
  onTestFinished(async () => {
    await sandbox.close();
    expect(broken).toEqual([]);
  });
  return sandbox;
}

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return (server.address() as AddressInfo).port;
}
/** Accepts connections and says nothing, so that a TLS handshake never ends. */
async function aSilentPort(onSocket: (socket: Socket) => void = () => {}): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  const port = await listening(server);
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return port;
}

describe("create", () => {
  it("makes one request that names api.x.com, on a connection of its own", async () => {
    const server = await anXServer((response) => sendJson(response, 201, { data: { id: "20", text: "…" } }));
    const { publisher } = await aPublisher(server.url);
    const post = { text: TEXT.text, mediaIds: ["1", "2"], inReplyTo: "19" };
    expect(await publisher.create(ACCOUNT, post, 5_000)).toEqual({ kind: "posted", postId: "20" });
    expect(server.seen).toHaveLength(1);
    const [request] = server.seen;
    expect(request).toMatchObject({
      method: "POST",
      path: "/2/tweets",
      headers: {
        host: "api.x.com",
        connection: "close",
        "content-type": expect.stringContaining("application/json"),
        authorization: expect.stringMatching(/^OAuth .*oauth_signature="/),
      },
    });
    expect(request?.headers).not.toHaveProperty("accept-encoding");
    expect(JSON.parse(request?.body ?? "")).toEqual({
      text: TEXT.text,
      media: { media_ids: ["1", "2"] },
      reply: { in_reply_to_tweet_id: "19" },
    });
  });

  it("leaves out what a post does not have", async () => {
    const server = await anXServer((response) => sendJson(response, 201, { data: { id: "20" } }));
    const { publisher } = await aPublisher(server.url);
    await publisher.create(ACCOUNT, TEXT, 5_000);
    await publisher.create(ACCOUNT, { text: "", mediaIds: ["7"] }, 5_000);
    expect(server.seen.map(({ body }) => JSON.parse(body))).toEqual([
      { text: TEXT.text },
      { media: { media_ids: ["7"] } },
    ]);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ["errors beside the id", (r) => sendJson(r, 201, { data: { id: "20" }, errors: [{ detail: "…" }] })],
    ["errors as texts beside the id", (r) => sendJson(r, 200, { data: { id: "20" }, errors: ["…"] })],
    [
      "JSON that is not called so",
      (r) => r.writeHead(201, { "content-type": "text/plain" }).end('{"data":{"id":"20"}}'),
    ],
  ])("is posted with %s", async (_, answer) => {
    const server = await anXServer(answer);
    const { publisher } = await aPublisher(server.url);
    expect(await publisher.create(ACCOUNT, TEXT, 5_000)).toEqual({ kind: "posted", postId: "20" });
  });

  const head = (response: ServerResponse, status: number, length: number) =>
    response.writeHead(status, { "content-type": "application/json", "content-length": length });
  const cut = (response: ServerResponse, status: number) => {
    head(response, status, 500).write('{"data":{"id":"2');
    setImmediate(() => response.destroy());
  };

  it.each<[string, string, (response: ServerResponse) => void]>([
    ["a server error", "status-503", (r) => sendJson(r, 503, { title: "Service Unavailable" })],
    [
      "a page instead of a server error",
      "unreadable-answer",
      (r) => r.writeHead(502, { "content-type": "text/html" }).end("<html>"),
    ],
    ["a good answer without an id", "answer-without-id", (r) => sendJson(r, 201, { data: {} })],
    ["an id that is none", "answer-without-id", (r) => sendJson(r, 201, { data: { id: 2e19 } })],
    ["an empty good answer", "answer-without-id", (r) => sendJson(r, 201, undefined)],
    ["errors only", "answer-without-id", (r) => sendJson(r, 200, { errors: [null] })],
    ["a page", "unreadable-answer", (r) => r.writeHead(200, { "content-type": "text/html" }).end("<html>…")],
    [
      "half an answer that claims to be whole",
      "unreadable-answer",
      (r) => r.writeHead(201, { "content-type": "application/json" }).end('{"data":{"id":'),
    ],
    ["a cut body", "unreadable-answer", (r) => cut(r, 201)],
    ["a cut server error", "unreadable-answer", (r) => cut(r, 500)],
    ["a body that never comes", "deadline", (r) => void head(r, 201, 500).flushHeaders()],
    ["a body that never ends", "deadline", (r) => void head(r, 201, 500).write('{"data":{"id":"20"')],
    ["a dropped connection", "connection-lost", (r) => r.destroy()],
    ["a reset connection", "connection-lost", (r) => void r.socket?.resetAndDestroy()],
    ["no answer within the deadline", "deadline", () => {}],
  ])("is unknown after %s, and is not repeated", async (_, cause, answer) => {
    const server = await anXServer(answer);
    const { publisher } = await aPublisher(server.url);
    const startedAt = Date.now();
    expect(await publisher.create(ACCOUNT, TEXT, 600)).toEqual({ kind: "unknown", cause });
    expect(Date.now() - startedAt).toBeLessThan(3_000);
    expect(server.seen).toHaveLength(1);
  });

  it.each<[string, string, (response: ServerResponse) => void]>([
    [
      "a duplicate",
      "duplicate-text",
      (r) =>
        sendJson(r, 403, {
          detail: "You are not allowed to create a Tweet with duplicate content.",
          title: "Forbidden",
          type: "about:blank",
          status: 403,
        }),
    ],
    ["errors of no shape", "not-permitted", (r) => sendJson(r, 403, { errors: [null] })],
    ["errors that are a text", "not-permitted", (r) => sendJson(r, 403, { errors: "no" })],
    ["a cut refusal", "blocked-before-x", (r) => cut(r, 403)],
    ["no access", "needs-reconnect", (r) => sendJson(r, 401, { title: "Unauthorized", status: 401 })],
  ])("is refused by %s, once", async (_, code, answer) => {
    const server = await anXServer(answer);
    const { publisher } = await aPublisher(server.url);
    expect(await publisher.create(ACCOUNT, TEXT, 5_000)).toMatchObject({
      kind: "refused",
      failure: { reason: { code } },
    });
    expect(server.seen).toHaveLength(1);
  });

  it("waits for the reset that a refusal names", async () => {
    const resetAt = Math.ceil(Date.now() / 1_000) + 300;
    const headers = { "x-rate-limit-remaining": "0", "x-rate-limit-reset": `${resetAt}` };
    const server = await anXServer((response) =>
      sendJson(response, 429, { title: "Too Many Requests" }, headers),
    );
    const { publisher } = await aPublisher(server.url);
    expect(await publisher.create(ACCOUNT, TEXT, 5_000)).toMatchObject({
      failure: { class: "rate-limited", retryAt: new Date(resetAt * 1_000) },
    });
  });

  describe("is a definite no when nothing can have been sent:", () => {
    const unreachable = {
      kind: "refused",
      failure: { class: "transient", reason: { code: "x-unreachable" } },
    };

    it("nobody listens", async () => {
      const server = createServer();
      const port = await listening(server);
      await new Promise((resolve) => server.close(resolve));
      const { publisher } = await aPublisher(`http://127.0.0.1:${port}`);
      const outcome = await publisher.create(ACCOUNT, TEXT, 2_000);
      expect(outcome).toMatchObject(unreachable);
      expect(outcome).toMatchObject({ failure: { details: { cause: "ECONNREFUSED" } } });
    });

    it("the name is unknown", async () => {
      const { publisher } = await aPublisher("http://x.invalid");
      expect(await publisher.create(ACCOUNT, TEXT, 5_000)).toMatchObject(unreachable);
    });

    it("the deadline ends during the TLS handshake", async () => {
      const { publisher } = await aPublisher(`https://127.0.0.1:${await aSilentPort()}`);
      const outcome = await publisher.create(ACCOUNT, TEXT, 600);
      expect(outcome).toMatchObject(unreachable);
      expect(outcome).toMatchObject({ failure: { details: { cause: "deadline" } } });
    });

    it("the other side speaks no TLS", async () => {
      const port = await aSilentPort((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
      const { publisher } = await aPublisher(`https://127.0.0.1:${port}`);
      expect(await publisher.create(ACCOUNT, TEXT, 5_000)).toMatchObject(unreachable);
    });

    it("the connection is reset during the TLS handshake", async () => {
      const port = await aSilentPort((socket) => void socket.once("data", () => socket.resetAndDestroy()));
      const { publisher } = await aPublisher(`https://127.0.0.1:${port}`);
      const outcome = await publisher.create(ACCOUNT, TEXT, 5_000);
      expect(outcome).toMatchObject(unreachable);
      expect(outcome).toMatchObject({ failure: { details: { cause: "ECONNRESET" } } });
    });

    it("no connection became free before the deadline", async () => {
      const server = await anXServer(() => {});
      const { publisher } = await aPublisher(server.url, { postOptions: { keepAlive: true, maxSockets: 1 } });
      const first = publisher.create(ACCOUNT, TEXT, 1_500);
      await expect.poll(() => server.seen.length).toBe(1);
      expect(await publisher.create(ACCOUNT, TEXT, 600)).toMatchObject(unreachable);
      expect(await first).toEqual({ kind: "unknown", cause: "deadline" });
      expect(server.seen).toHaveLength(1);
    });

    it("there are no credentials", async () => {
      const server = await anXServer(() => {});
      const { publisher } = await aPublisher(server.url);
      const other = asAccountId("other");
      expect(await publisher.create(other, TEXT, 5_000)).toMatchObject({
        kind: "refused",
        failure: { class: "credentials", reason: { code: "no-credentials" } },
      });
      expect(server.seen).toEqual([]);
    });

    it("the credentials cannot be read", async () => {
      const server = await anXServer(() => {});
      const { publisher, vault } = await aPublisher(server.url);
      vault.load = async () => {
        throw new Error("KMS is away");
      };
      expect(await publisher.create(ACCOUNT, TEXT, 5_000)).toMatchObject({
        kind: "refused",
        failure: { class: "transient", reason: { code: "credentials-unavailable" } },
      });
    });

    it("there is no time left", async () => {
      const server = await anXServer(() => {});
      const { publisher } = await aPublisher(server.url);
      expect(await publisher.create(ACCOUNT, TEXT, 100)).toMatchObject({
        kind: "refused",
        failure: { reason: { code: "no-time-left" } },
      });
      expect(server.seen).toEqual([]);
    });
  });
});

describe("readTimeline", () => {
  it("asks for the account's own newest posts", async () => {
    const server = await anXServer((response, { path }) =>
      path.startsWith("/2/users/me")
        ? sendJson(response, 200, { data: { id: "1500", username: "kites", name: "Kites" } })
        : sendJson(response, 200, { meta: { result_count: 0 } }),
    );
    const { publisher } = await aPublisher(server.url);
    expect(await publisher.readTimeline(ACCOUNT, "19")).toEqual({ ok: true, posts: [] });
    await publisher.readTimeline(ACCOUNT);
    expect(server.seen.map(({ path }) => path.split("?")[0])).toEqual([
      "/2/users/me",
      "/2/users/1500/tweets",
      "/2/users/1500/tweets",
    ]);
    const query = new URL(`http://x${server.seen[1]?.path}`).searchParams;
    expect(Object.fromEntries(query)).toEqual({
      since_id: "19",
      max_results: "10",
      "tweet.fields": "created_at,entities,attachments,referenced_tweets,note_tweet",
    });
  });

  it("does not ask who it is when that is known", async () => {
    const server = await anXServer((response) => sendJson(response, 200, { meta: { result_count: 0 } }));
    const { publisher, accounts } = await aPublisher(server.url);
    await accounts.saveAccount({
      id: ACCOUNT,
      ownerId: asOwnerId("main"),
      name: "main",
      userId: "1600",
      maxTextLength: 280,
      status: "active",
      version: 1,
    });
    await publisher.readTimeline(ACCOUNT);
    expect(server.seen.map(({ path }) => path.split("?")[0])).toEqual(["/2/users/1600/tweets"]);
  });

  it.each<[string, string, (response: ServerResponse) => void]>([
    ["a server error", "x-unavailable", (r) => sendJson(r, 500, {})],
    ["errors only", "x-unreadable", (r) => sendJson(r, 200, { errors: [{ title: "Not Found Error" }] })],
    ["a dropped connection", "x-unreachable", (r) => r.destroy()],
    ["a rate limit", "rate-limited", (r) => sendJson(r, 429, {})],
  ])("never takes %s for an empty timeline", async (_, code, answer) => {
    const server = await anXServer(answer);
    const { publisher } = await aPublisher(server.url);
    expect(await publisher.readTimeline(ACCOUNT)).toMatchObject({ ok: false, failure: { reason: { code } } });
  });
});

describe("against the sandbox", () => {
  it("posts a thread, and reads it back as it was meant", async () => {
    const sandbox = await aSandbox();
    const { publisher, verifier } = await aPublisher(sandbox.url);
    expect(await verifier.verify(ACCOUNT)).toEqual({
      ok: true,
      value: { userId: SANDBOX_USER_ID, username: "punctual_dev", followers: 1_024 },
    });
    const text = "Kites & <strings>: https://kites.com/shop?a=1&b=2 风筝 🪁";
    const first = await publisher.create(ACCOUNT, { text, mediaIds: [] }, 5_000);
    if (first.kind !== "posted") throw new Error(JSON.stringify(first));
    const inReplyTo = first.postId;
    const second = await publisher.create(ACCOUNT, { text: "Second part", mediaIds: [], inReplyTo }, 5_000);
    if (second.kind !== "posted") throw new Error(JSON.stringify(second));

    const read = await publisher.readTimeline(ACCOUNT);
    if (!read.ok) throw new Error(JSON.stringify(read));
    expect(read.posts).toMatchObject([
      { postId: second.postId, expandedText: "Second part", inReplyTo: first.postId },
      { postId: first.postId, expandedText: text, mediaKeys: [] },
    ]);
    expect(read.posts[1]?.text).toContain("https://t.co/");
    expect(await publisher.readTimeline(ACCOUNT, first.postId)).toMatchObject({
      ok: true,
      posts: [{ postId: second.postId }],
    });
    expect(await publisher.create(ACCOUNT, { text, mediaIds: [] }, 5_000)).toMatchObject({
      kind: "refused",
      failure: { class: "content", reason: { code: "duplicate-text" } },
    });
    expect(sandbox.posts()).toHaveLength(2);
  });

  it("tells a refusal before the post from a loss after it", async () => {
    const sandbox = await aSandbox();
    const { publisher } = await aPublisher(sandbox.url);
    const match = { method: "POST", path: "/2/tweets" };
    sandbox.addFault({ match, action: { drop: "after-commit" } });
    expect(await publisher.create(ACCOUNT, TEXT, 5_000)).toEqual({
      kind: "unknown",
      cause: "connection-lost",
    });
    expect(sandbox.posts()).toHaveLength(1);
    sandbox.addFault({ match, action: { cutBody: true } });
    expect(await publisher.create(ACCOUNT, { ...TEXT, text: "Two" }, 5_000)).toEqual({
      kind: "unknown",
      cause: "unreadable-answer",
    });
    expect(sandbox.posts()).toHaveLength(2);
  });

  it("is refused with wrong keys, by X's own check of the signature", async () => {
    const sandbox = await aSandbox();
    const secrets = { ...OAUTH1, accessSecret: "wrong" };
    const { publisher, verifier } = await aPublisher(sandbox.url, { secrets });
    const refusal = { class: "credentials", reason: { code: "needs-reconnect" } };
    expect(await publisher.create(ACCOUNT, TEXT, 5_000)).toMatchObject({ kind: "refused", failure: refusal });
    expect(await verifier.verify(ACCOUNT)).toMatchObject({ ok: false, error: refusal });
    expect(sandbox.posts()).toEqual([]);
  });
});

describe("signRequest", () => {
  it("signs what a hand-written request sends, query included", async () => {
    const sandbox = await aSandbox();
    const agent = createXAgent(sandbox.url, { keepAlive: true });
    onTestFinished(() => agent.destroy());
    const url = `https://api.x.com/2/users/${SANDBOX_USER_ID}/tweets?max_results=5&tweet.fields=created_at%2Centities`;
    const authorization = signRequest(new Credentials(OAUTH1), { method: "GET", url });
    const status = await new Promise((resolve, reject) => {
      const sent = request(url, { agent, headers: { authorization } }, (answer) => {
        answer.resume().once("end", () => resolve(answer.statusCode));
      });
      sent.once("error", reject).end();
    });
    expect(status).toBe(200);
  });

  it("has nothing to sign with before the access was renewed", () => {
    const credentials = new Credentials({ kind: "oauth2", clientId: "a", refreshToken: "b" });
    expect(() => signRequest(credentials, { method: "GET", url: "https://api.x.com/2/users/me" })).toThrow(
      RangeError,
    );
    const agent = createXAgent("http://127.0.0.1:1", { keepAlive: false });
    expect(() => createXClient(credentials, { agent, deadlineMs: 1 })).toThrow(RangeError);
  });
});

describe("createXAgent", () => {
  it("knows of the real X too what was never sent", async () => {
    const port = await aSilentPort();
    const agent = createXAgent("https://api.x.com", { keepAlive: false });
    const sent = request({
      agent,
      host: "127.0.0.1",
      port,
      method: "POST",
      signal: AbortSignal.timeout(300),
    });
    await new Promise((resolve) => sent.once("error", resolve).end("{}"));
    expect(sent.socket).toBeTruthy();
    expect(wasNeverSent(sent)).toBe(true);
  });

  it("dials the real X for its own address, and keeps connections only when asked", () => {
    const real = createXAgent("https://api.x.com/", { keepAlive: false });
    expect(real).toMatchObject({ protocol: "https:", defaultPort: 443, keepAlive: false });
    expect(createXAgent("http://127.0.0.1:1", { keepAlive: true })).toMatchObject({
      protocol: "https:",
      keepAlive: true,
    });
  });

  it("reuses a connection for calls that may be repeated", async () => {
    const ports = new Set<number | undefined>();
    const server = await anXServer((response) => {
      ports.add(response.socket?.remotePort);
      sendJson(response, 200, { data: { id: "1", username: "a" } });
    });
    const { verifier } = await aPublisher(server.url);
    await verifier.verify(ACCOUNT);
    expect(await verifier.verify(ACCOUNT)).toEqual({ ok: true, value: { userId: "1", username: "a" } });
    expect(server.seen).toHaveLength(2);
    expect(ports.size).toBe(1);
  });
});

describe("askX", () => {
  it("lets a bug through", async () => {
    await expect(
      askX(async () => {
        throw new TypeError("a bug");
      }),
    ).rejects.toThrow(TypeError);
  });
});
