import type { Agent } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SANDBOX_OAUTH1, SANDBOX_OAUTH2 } from "#infra/local/sandbox/credentials.ts";
import type { FaultAction } from "#infra/local/sandbox/faults.ts";
import { type Sandbox, startSandbox } from "#infra/local/sandbox/sandbox.ts";
import { type FauxqsServer, startFauxqs } from "#infra/local/stores/fauxqs-server.ts";
import { mediaInspector } from "#shared/adapters/media-inspection/media-inspector.ts";
import { createS3MediaSource } from "#shared/adapters/s3/media-source.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { createXMediaUploads } from "#shared/adapters/x/media-uploads.ts";
import { createXAgent } from "#shared/adapters/x/x-client.ts";
import { createXSessions } from "#shared/adapters/x/x-sessions.ts";
import { type CredentialSecrets, Credentials } from "#shared/domain/credentials.ts";
import type { FailureClass } from "#shared/domain/failure.ts";
import { asAccountId } from "#shared/domain/ids.ts";
import type { Medium } from "#shared/domain/media.ts";
import { ConfigurationFault, DependencyFault } from "#shared/errors.ts";
import { createInspectMedia } from "#shared/usecases/inspect-media.ts";
import { createUploadMedia } from "#shared/usecases/upload-media.ts";
import { mediaSourceContract } from "#test/contracts/media-source.ts";
import { mediaUploadsContract } from "#test/contracts/media-uploads.ts";
import { freshTaskId } from "#test/support/builders.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";
import { createInMemoryVault } from "#test/support/in-memory-vault.ts";
import { paddedClip, patternBytes, readFixture, sha256Of } from "#test/support/media-files.ts";

const MIB = 1_024 * 1_024;
const bucket = "drops";
const accountId = asAccountId("account-1");
const SANDBOX_LOGIN = { kind: "oauth1", ...SANDBOX_OAUTH1 } as const;

let fauxqs: FauxqsServer;
let s3: S3Client;
let sandbox: Sandbox;
let agent: Agent;

const s3At = (port: number) =>
  new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
    region: "eu-west-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 1,
  });

beforeAll(async () => {
  fauxqs = await startFauxqs({ region: "eu-west-1" });
  s3 = s3At(fauxqs.port);
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
});
afterAll(async () => {
  s3.destroy();
  await fauxqs.close();
});

beforeEach(async () => {
  sandbox = await startSandbox({ processingMs: 0 });
  agent = createXAgent(sandbox.url, { keepAlive: true });
});
afterEach(async () => {
  agent.destroy();
  await sandbox.close();
});

async function put(key: string, bytes: Uint8Array): Promise<string> {
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
  if (!ETag) throw new Error("S3 gave no etag");
  return ETag;
}

const login = async (secrets: CredentialSecrets = SANDBOX_LOGIN) => {
  const vault = createInMemoryVault();
  await vault.connect(accountId, new Credentials(secrets));
  return createXSessions({ vault, clock, entropy, agent });
};
/** Signs with what every test account has, without a store. */
const sessionsOf = (secrets: CredentialSecrets = SANDBOX_LOGIN) => {
  const sessions = login(secrets);
  return {
    open: async (id: typeof accountId) => (await sessions).open(id),
    renew: async (...args: Parameters<Awaited<typeof sessions>["renew"]>) => (await sessions).renew(...args),
  };
};
const uploadsOf = (over: { secrets?: CredentialSecrets; deadlineMs?: number } = {}) =>
  createXMediaUploads({
    sessions: sessionsOf(over.secrets),
    clock,
    agent,
    ...(over.deadlineMs !== undefined && { deadlineMs: over.deadlineMs }),
  });

mediaSourceContract("S3", () => ({
  source: createS3MediaSource({ s3, bucket }),
  put,
  delete: async (key) => {
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  },
}));

mediaUploadsContract("X, in the sandbox", () => ({
  uploads: uploadsOf(),
  uploaded: async (mediaId) => sandbox.media(mediaId),
}));

describe("the S3 source", () => {
  /** A server that says what the test wants, in place of S3. */
  async function against(answer: (socket: Socket) => void, use: (client: S3Client) => Promise<void>) {
    let asked = 0;
    const server = createServer((request) => {
      asked += 1;
      answer(request.socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const client = s3At((server.address() as AddressInfo).port);
    try {
      await use(client);
    } finally {
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    return asked;
  }
  const version = { key: "k", etag: '"e"' };
  const answering =
    (status: string, body: string, length = body.length) =>
    (socket: Socket) =>
      socket.end(`HTTP/1.1 ${status}\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${body}`);

  it("reads once more what broke off, and says so when it goes on breaking off", async () => {
    const asked = await against(answering("206 Partial Content", "12345", 10), async (client) => {
      const source = createS3MediaSource({ s3: client, bucket });
      await expect(source.read(version, 0, new Uint8Array(10))).rejects.toThrow(DependencyFault);
    });
    expect(asked).toBe(3);
  });

  it.each([
    ["fewer", "12345"],
    ["more", "12345678901"],
  ])("does not take %s bytes than asked for", async (_, body) => {
    await against(answering("206 Partial Content", body), async (client) => {
      const source = createS3MediaSource({ s3: client, bucket });
      await expect(source.read(version, 0, new Uint8Array(10))).rejects.toThrow(DependencyFault);
    });
  });

  it("gives up a bucket that does not answer", async () => {
    await against(
      () => {},
      async (client) => {
        const source = createS3MediaSource({ s3: client, bucket, deadlineMs: 50 });
        await expect(source.read(version, 0, new Uint8Array(10))).rejects.toThrow(DependencyFault);
      },
    );
  });

  it("calls a missing right what it is, at once", async () => {
    const denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    const asked = await against(answering("403 Forbidden", denied), async (client) => {
      const source = createS3MediaSource({ s3: client, bucket });
      await expect(source.read(version, 0, new Uint8Array(10))).rejects.toThrow(ConfigurationFault);
    });
    expect(asked).toBe(1);
  });
});

describe("the uploads to X", () => {
  const photo = readFixture("photo.jpg");
  const begin = async (uploads = uploadsOf()) => {
    const started = await uploads.initialize(accountId, { type: "image/jpeg", sizeBytes: photo.length });
    if (!started.ok) throw new Error(JSON.stringify(started.error));
    return started.value.mediaId;
  };

  it("says that a segment is too large for the edge, and keeps the connection usable", async () => {
    const uploads = uploadsOf();
    const started = await uploads.initialize(accountId, { type: "video/mp4", sizeBytes: 9 * MIB });
    if (!started.ok) throw new Error("not started");
    expect(await uploads.append(accountId, started.value.mediaId, 0, patternBytes(6 * MIB))).toEqual({
      ok: false,
      error: { reason: "segment-too-large" },
    });
    expect(await uploads.append(accountId, started.value.mediaId, 0, patternBytes(MIB))).toMatchObject({
      ok: true,
    });
  });

  it("reports processing with the wait that X asks for, and its end", async () => {
    await sandbox.close();
    agent.destroy();
    sandbox = await startSandbox({ processingMs: 1_200 });
    agent = createXAgent(sandbox.url, { keepAlive: true });
    const uploads = uploadsOf();
    const clip = readFixture("clip.mp4");
    const started = await uploads.initialize(accountId, { type: "video/mp4", sizeBytes: clip.length });
    if (!started.ok) throw new Error("not started");
    const { mediaId } = started.value;
    await uploads.append(accountId, mediaId, 0, clip);
    expect(await uploads.finalize(accountId, mediaId)).toEqual({
      ok: true,
      value: { kind: "processing", checkAfterMs: 2_000 },
    });
    await expect
      .poll(() => uploads.getStatus(accountId, mediaId), { timeout: 5_000 })
      .toEqual({ ok: true, value: { kind: "ready" } });
  });

  it("reports what X could not process as a matter of the content", async () => {
    const uploads = uploadsOf();
    const started = await uploads.initialize(accountId, { type: "video/mp4", sizeBytes: 1_000 });
    if (!started.ok) throw new Error("not started");
    await uploads.append(accountId, started.value.mediaId, 0, patternBytes(1_000));
    expect(await uploads.finalize(accountId, started.value.mediaId)).toMatchObject({
      ok: false,
      error: { failure: { class: "content", reason: { code: "media-not-processable" } } },
    });
  });

  it.each<["append" | "finalize", FaultAction, FailureClass]>([
    ["append", { status: 503 }, "transient"],
    ["append", { status: 429, headers: { "x-rate-limit-reset": "4102444800" } }, "rate-limited"],
    ["append", { status: 402, body: { title: "CreditsDepleted" } }, "billing"],
    ["append", { status: 200, body: "<html>a page</html>" }, "transient"],
    ["append", { drop: "before-commit" }, "transient"],
    ["append", { cutBody: true }, "transient"],
    ["finalize", { drop: "after-commit" }, "transient"],
    ["finalize", { status: 500, body: "<html>" }, "transient"],
  ])("classifies what goes wrong at %s: %o", async (call, fault, kind) => {
    const uploads = uploadsOf();
    const mediaId = await begin(uploads);
    if (call === "finalize") await uploads.append(accountId, mediaId, 0, photo);
    sandbox.addFault({ match: { path: `/2/media/upload/${mediaId}/${call}` }, action: fault });
    const answer =
      call === "append"
        ? await uploads.append(accountId, mediaId, 0, photo)
        : await uploads.finalize(accountId, mediaId);
    expect(answer).toMatchObject({ ok: false, error: { reason: "failed", failure: { class: kind } } });
  });

  it("waits for an answer no longer than its deadline", async () => {
    const mediaId = await begin();
    sandbox.setLatency(30_000);
    const startedAt = Date.now();
    expect(await uploadsOf({ deadlineMs: 100 }).append(accountId, mediaId, 0, photo)).toMatchObject({
      ok: false,
      error: { failure: { class: "transient", details: { cause: "deadline" } } },
    });
    expect(Date.now() - startedAt).toBeLessThan(5_000);
  });

  it("renews an access token that X has ended, once for all segments", async () => {
    const uploads = uploadsOf({
      secrets: { kind: "oauth2", ...SANDBOX_OAUTH2, accessToken: "ended long ago" },
    });
    const mediaId = await begin(uploads);
    expect(await uploads.append(accountId, mediaId, 0, photo)).toMatchObject({ ok: true });
    expect(sandbox.requests().filter(({ path }) => path === "/2/oauth2/token")).toHaveLength(1);
  });

  it("asks for a new connection when X refuses the signature", async () => {
    const uploads = uploadsOf({ secrets: { ...SANDBOX_LOGIN, accessSecret: "wrong" } });
    expect(await uploads.initialize(accountId, { type: "image/jpeg", sizeBytes: 1 })).toMatchObject({
      ok: false,
      error: { failure: { class: "credentials", reason: { code: "needs-reconnect" } } },
    });
  });

  it("never shows a buffer that somebody still sends: X answers before it was read", async () => {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(413, { connection: "close" }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const own = createXAgent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      keepAlive: true,
    });
    try {
      const uploads = createXMediaUploads({ sessions: sessionsOf(), clock, agent: own });
      const answer = await uploads.append(accountId, "1", 0, patternBytes(4 * MIB));
      expect(answer).toMatchObject({ ok: false });
    } finally {
      own.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe("from the bucket to X", () => {
  async function setUp() {
    const store = createInMemoryStore(clock);
    const source = createS3MediaSource({ s3, bucket });
    const uploadMedia = createUploadMedia({
      source,
      uploads: uploadsOf(),
      progress: store.media,
      clock,
      entropy,
    });
    const inspect = createInspectMedia({ source, inspector: mediaInspector });
    const taskId = freshTaskId();
    const accept = async (name: string, bytes: Uint8Array): Promise<Medium> => {
      const key = `drop/default/${name}`;
      const found = await inspect({ name, key, etag: await put(key, bytes), sizeBytes: bytes.length });
      if (!found.ok) throw new Error(JSON.stringify(found.error));
      return found.value;
    };
    const run = (media: readonly Medium[]) =>
      uploadMedia({
        taskId,
        accountId,
        media,
        neededAt: new Date(Date.now() + 60_000),
        stopAt: new Date(Date.now() + 30_000),
      });
    const uploaded = async () =>
      (await store.media.list(taskId)).map(({ mediaId }) => sandbox.media(mediaId)?.sha256);
    return { accept, run, uploaded };
  }

  it("uploads a video of many segments, byte by byte", async () => {
    const { accept, run, uploaded } = await setUp();
    const bytes = paddedClip(10 * MIB + 12_345);
    const clip = await accept("clip.mp4", bytes);
    expect(clip).toMatchObject({ type: "video/mp4", sha256: sha256Of(bytes), width: 320, height: 180 });

    expect(await run([clip])).toMatchObject({ kind: "ready" });

    expect(await uploaded()).toEqual([clip.sha256]);
  });

  it("uploads photos of every kind in their order", async () => {
    const { accept, run, uploaded } = await setUp();
    const media = [
      await accept("a.jpg", readFixture("photo.jpg")),
      await accept("b.png", readFixture("chart.png")),
      await accept("c.webp", readFixture("picture.webp")),
    ];
    expect(await run(media)).toMatchObject({ kind: "ready" });
    expect(await uploaded()).toEqual(media.map(({ sha256 }) => sha256));
  });

  it("gets through lost answers, cut bodies and refusals on the way", async () => {
    const { accept, run, uploaded } = await setUp();
    const clip = await accept("clip.mp4", paddedClip(9 * MIB));
    const actions: FaultAction[] = [{ drop: "after-commit" }, { cutBody: true }, { status: 503 }];
    for (const [index, action] of actions.entries())
      sandbox.addFault({ match: { path: /append$/, nth: index + 1 }, action });
    sandbox.addFault({ match: { path: /finalize$/ }, action: { drop: "after-commit" } });

    expect(await run([clip])).toMatchObject({ kind: "ready" });
    expect(await uploaded()).toEqual([clip.sha256]);
  });
});
