import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { SANDBOX_OAUTH2, SANDBOX_USER_ID } from "#infra/local/sandbox/credentials.ts";
import { startSandbox } from "#infra/local/sandbox/sandbox.ts";
import { createDynamoConnectionStore } from "#shared/adapters/dynamodb/connection-store.ts";
import {
  createDynamoCredentialsRegister,
  createDynamoCredentialsVault,
} from "#shared/adapters/dynamodb/credentials-vault.ts";
import { createKmsEnvelope } from "#shared/adapters/kms/envelope.ts";
import { systemClock } from "#shared/adapters/system/clock.ts";
import { systemEntropy as entropy } from "#shared/adapters/system/entropy.ts";
import { createXAccountVerifier } from "#shared/adapters/x/account-verifier.ts";
import { createXPostPublisher } from "#shared/adapters/x/post-publisher.ts";
import { createXAgent } from "#shared/adapters/x/x-client.ts";
import { createXSessions } from "#shared/adapters/x/x-sessions.ts";
import { Credentials, type OAuth2Secrets } from "#shared/domain/credentials.ts";
import { type AccountId, asAccountId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CredentialsVault } from "#shared/ports/credentials-vault.ts";
import { connectionStoreContract } from "#test/contracts/connection-store.ts";
import { credentialsVaultContract } from "#test/contracts/credentials-vault.ts";
import { manualClock } from "#test/support/clock.ts";
import { startTestTable, type TestTable } from "#test/support/dynamodb.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { type KeyService, startKeyService } from "#test/support/key-service.ts";
import { anXServer, sendJson } from "#test/support/x-server.ts";

let table: TestTable;
let keyService: KeyService;
beforeAll(async () => {
  [table, keyService] = await Promise.all([startTestTable(), startKeyService()]);
});
afterAll(async () => {
  await keyService?.close();
  await table?.close();
});

const openVault = () => ({
  ...createDynamoCredentialsRegister(table),
  ...createDynamoCredentialsVault({ ...table, envelope: createKmsEnvelope(keyService) }),
});

credentialsVaultContract("DynamoDB and KMS", openVault);
connectionStoreContract("DynamoDB and KMS", () =>
  createDynamoConnectionStore({ ...table, envelope: createKmsEnvelope(keyService) }),
);

let serial = 0;
const freshId = (): AccountId => asAccountId(`sealed-${++serial}`);
const OAUTH2: OAuth2Secrets = { kind: "oauth2", ...SANDBOX_OAUTH2 };
const secretsOf = async (vault: CredentialsVault, id: AccountId): Promise<OAuth2Secrets> => {
  const secrets = (await vault.load(id))?.credentials.reveal();
  if (secrets?.kind !== "oauth2") throw new Error("no OAuth 2 credentials");
  return secrets;
};

describe("sealed credentials", () => {
  const keyOf = (id: AccountId) => ({ pk: `ACCOUNT#${id}`, sk: "CREDENTIALS" });

  it("are nowhere in the item", async () => {
    const id = freshId();
    await openVault().connect(id, new Credentials(OAUTH2));
    const { Item } = await table.client.send(
      new GetItemCommand({
        TableName: table.tableName,
        Key: { pk: { S: `ACCOUNT#${id}` }, sk: { S: "CREDENTIALS" } },
      }),
    );
    const bytes = Object.values(Item?.["sealed"]?.M ?? {}).map(({ B }) =>
      Buffer.from(B ?? []).toString("latin1"),
    );
    expect(bytes).toHaveLength(4);
    for (const secret of Object.values(SANDBOX_OAUTH2)) {
      expect(JSON.stringify(Item)).not.toContain(secret);
      expect(bytes.join()).not.toContain(secret);
    }
  });

  it("are sealed anew each time", async () => {
    const id = freshId();
    const read = async () => {
      await openVault().connect(id, new Credentials(OAUTH2));
      const { Item } = await table.documents.send(
        new GetCommand({ TableName: table.tableName, Key: keyOf(id) }),
      );
      return Buffer.from(Item?.["sealed"].ciphertext).toString("hex");
    };
    expect(await read()).not.toBe(await read());
  });

  it("cannot be opened in another account's place", async () => {
    const [mine, theirs] = [freshId(), freshId()];
    await openVault().connect(mine, new Credentials(OAUTH2));
    const { Item } = await table.documents.send(
      new GetCommand({ TableName: table.tableName, Key: keyOf(mine) }),
    );
    await table.documents.send(
      new PutCommand({ TableName: table.tableName, Item: { ...Item, ...keyOf(theirs) } }),
    );
    await expect(openVault().load(theirs)).rejects.toMatchObject({
      code: "unreadable-envelope",
      retry: "never",
    });
  });

  it.each(["wrappedKey", "iv", "ciphertext", "tag"])("cannot be opened with another %s", async (part) => {
    const id = freshId();
    await openVault().connect(id, new Credentials(OAUTH2));
    const { Item } = await table.documents.send(
      new GetCommand({ TableName: table.tableName, Key: keyOf(id) }),
    );
    const bytes = Buffer.from(Item?.["sealed"][part]);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    const sealed = { ...Item?.["sealed"], [part]: bytes };
    await table.documents.send(new PutCommand({ TableName: table.tableName, Item: { ...Item, sealed } }));
    await expect(openVault().load(id)).rejects.toMatchObject({ code: "unreadable-envelope" });
  });

  it("count as renewed by us when only the answer was lost", async () => {
    const vault = openVault();
    const id = freshId();
    await vault.connect(id, new Credentials(OAUTH2));
    let lost = false;
    table.client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        if (lost) return answer;
        lost = true;
        throw Object.assign(new Error("socket hang up"), { name: "TimeoutError", code: "ECONNRESET" });
      },
      { step: "deserialize", priority: "low", name: "loseAnswer" },
    );
    const next = new Credentials({ ...OAUTH2, refreshToken: "next" });
    const renewed = await vault
      .renew(id, next, { version: 1, holder: "me" })
      .finally(() => table.client.middlewareStack.remove("loseAnswer"));
    expect(lost).toBe(true);
    expect(renewed).toMatchObject({ ok: true, value: { version: 2 } });
  });
});

describe("access that has to be renewed", () => {
  async function aSandbox() {
    const sandbox = await startSandbox({ onError: (error) => expect.fail(String(error)) });
    onTestFinished(() => sandbox.close());
    return {
      ...sandbox,
      tokenRequests: () => sandbox.requests().filter(({ path }) => path === "/2/oauth2/token").length,
    };
  }

  /** Everything that one process has of its own; what is stored is shared. */
  function aProcess(endpoint: string, vault: CredentialsVault = openVault(), clock: Clock = systemClock) {
    const agent = createXAgent(endpoint, { keepAlive: true });
    const postAgent = createXAgent(endpoint, { keepAlive: false });
    onTestFinished(() => {
      agent.destroy();
      postAgent.destroy();
    });
    const sessions = createXSessions({ vault, clock, entropy, agent });
    const deps = { sessions, clock, agent, postAgent, accounts: createInMemoryAccounts() };
    return { sessions, publisher: createXPostPublisher(deps), verifier: createXAccountVerifier(deps) };
  }

  async function connected(secrets: Partial<OAuth2Secrets> = {}): Promise<AccountId> {
    const id = freshId();
    await openVault().connect(id, new Credentials({ ...OAUTH2, ...secrets }));
    return id;
  }

  it("is renewed before the post, stored, and used", async () => {
    const sandbox = await aSandbox();
    const id = await connected();
    const { publisher, verifier } = aProcess(sandbox.url);
    expect(await publisher.warmUp(id)).toEqual({ ok: true });
    expect(await publisher.create(id, { text: "Renewed", mediaIds: [] }, 5_000)).toMatchObject({
      kind: "posted",
    });
    expect(await verifier.verify(id)).toMatchObject({ ok: true, value: { userId: SANDBOX_USER_ID } });
    expect(sandbox.tokenRequests()).toBe(1);
    const stored = await secretsOf(openVault(), id);
    expect(stored.refreshToken).not.toBe(OAUTH2.refreshToken);
    expect(stored).toMatchObject({ clientSecret: OAUTH2.clientSecret });
    const lastsMs = (stored.expiresAt?.getTime() ?? 0) - Date.now();
    expect(lastsMs).toBeGreaterThan(7_100_000);
    expect(lastsMs).toBeLessThanOrEqual(7_200_000);

    expect(await aProcess(sandbox.url).publisher.warmUp(id)).toEqual({ ok: true });
    expect(sandbox.tokenRequests()).toBe(1);
  });

  it("is renewed once by many processes and their concurrent calls", async () => {
    const sandbox = await aSandbox();
    const id = await connected();
    const processes = Array.from({ length: 4 }, () => aProcess(sandbox.url));
    const opened = await Promise.all(
      processes.flatMap(({ sessions }) => [sessions.open(id), sessions.open(id)]),
    );
    expect(sandbox.tokenRequests()).toBe(1);
    const tokens = opened.map((session) => {
      const secrets = session.ok ? session.value.credentials.reveal() : undefined;
      return secrets?.kind === "oauth2" ? secrets.accessToken : undefined;
    });
    expect(new Set(tokens)).toEqual(new Set([(await secretsOf(openVault(), id)).accessToken]));
  });

  it("is never used before it is stored", async () => {
    const sandbox = await aSandbox();
    const id = await connected();
    let attempts = 0;
    const away: CredentialsVault = {
      ...openVault(),
      renew: async () => {
        attempts++;
        throw new Error("the table is away");
      },
    };
    const { sessions, publisher } = aProcess(sandbox.url, away, manualClock(new Date()));
    await expect(sessions.open(id)).rejects.toThrow("the table is away");
    expect(attempts).toBe(3);
    expect(await publisher.create(id, { text: "No", mediaIds: [] }, 5_000)).toMatchObject({
      kind: "refused",
      failure: { class: "transient", reason: { code: "access-ended" } },
    });
    expect(sandbox.posts()).toEqual([]);
  });

  it("is not lost because the table was away for a moment", async () => {
    const sandbox = await aSandbox();
    const id = await connected();
    const vault = openVault();
    let attempts = 0;
    const { publisher } = aProcess(
      sandbox.url,
      {
        ...vault,
        renew: async (...renewal) => {
          if (++attempts < 3) throw new Error("the table is away");
          return vault.renew(...renewal);
        },
      },
      manualClock(new Date()),
    );
    expect(await publisher.warmUp(id)).toEqual({ ok: true });
    expect(await secretsOf(openVault(), id)).toHaveProperty("accessToken");
  });

  it("is not renewed by a post, which has no time for it", async () => {
    const sandbox = await aSandbox();
    const id = await connected({ accessToken: "t", expiresAt: new Date(Date.now() + 11_000) });
    const { publisher } = aProcess(sandbox.url);
    expect(await publisher.create(id, { text: "No", mediaIds: [] }, 12_000)).toMatchObject({
      kind: "refused",
      failure: { reason: { code: "access-ended" } },
    });
    expect(sandbox.requests()).toEqual([]);
  });

  it("is taken from the store when somebody else used the refresh token first", async () => {
    const sandbox = await aSandbox();
    const id = await connected();
    const slow = openVault();
    const { sessions } = aProcess(sandbox.url, {
      ...slow,
      async claimRenewal(accountId, claim) {
        const claimed = await slow.claimRenewal(accountId, claim);
        // Stalled, for longer than the claim lasts: another process renews in the meantime.
        await slow.releaseRenewal(accountId, claim.holder);
        await aProcess(sandbox.url).sessions.open(accountId);
        return claimed;
      },
    });
    const opened = await sessions.open(id);
    expect(opened).toMatchObject({ ok: true, value: { version: 2 } });
    expect(sandbox.tokenRequests()).toBe(2);
  });

  it("needs a person when the refresh token was used up elsewhere", async () => {
    const sandbox = await aSandbox();
    await aProcess(sandbox.url).sessions.open(await connected());
    const id = await connected();
    const { publisher } = aProcess(sandbox.url);
    const failure = { class: "credentials", reason: { code: "needs-reconnect" } };
    expect(await publisher.warmUp(id)).toMatchObject({ ok: false, failure });
    // The claim was given back: connecting anew works at once.
    await openVault().connect(id, new Credentials({ ...OAUTH2, accessToken: "t" }));
    expect(await aProcess(sandbox.url).publisher.warmUp(id)).toEqual({ ok: true });
  });

  it("names a client that X does not know", async () => {
    const sandbox = await aSandbox();
    const id = await connected({ clientSecret: "wrong" });
    expect(await aProcess(sandbox.url).publisher.warmUp(id)).toMatchObject({
      ok: false,
      failure: { class: "configuration", reason: { code: "wrong-client" } },
    });
  });

  it("waits while another process renews, and gives up with a reason", async () => {
    const sandbox = await aSandbox();
    const id = await connected();
    const clock = manualClock(new Date());
    const until = new Date(clock.now().getTime() + 3_600_000);
    await openVault().claimRenewal(id, { version: 1, holder: "dead", now: clock.now(), until });
    expect(await aProcess(sandbox.url, openVault(), clock).publisher.warmUp(id)).toMatchObject({
      ok: false,
      failure: { class: "transient", reason: { code: "renewal-busy" } },
    });
    expect(sandbox.tokenRequests()).toBe(0);
  });

  it("goes on after a process died while renewing", async () => {
    const sandbox = await aSandbox();
    const id = await connected();
    const clock = manualClock(new Date());
    const until = new Date(clock.now().getTime() + 10_000);
    await openVault().claimRenewal(id, { version: 1, holder: "dead", now: clock.now(), until });
    expect(await aProcess(sandbox.url, openVault(), clock).publisher.warmUp(id)).toEqual({ ok: true });
    expect(sandbox.tokenRequests()).toBe(1);
  });

  it("is not renewed by the post that X refuses with 401, but before the next one", async () => {
    const sandbox = await aSandbox();
    const expiresAt = new Date(Date.now() + 3_600_000);
    const id = await connected({ accessToken: "revoked", expiresAt });
    const { publisher } = aProcess(sandbox.url);
    const post = { text: "After a revoked token", mediaIds: [] };
    expect(await publisher.create(id, post, 5_000)).toMatchObject({
      kind: "refused",
      failure: { class: "transient", reason: { code: "access-ended" } },
    });
    expect(sandbox.tokenRequests()).toBe(0);
    // Another process would otherwise go on with the refused token.
    expect(await secretsOf(openVault(), id)).not.toHaveProperty("accessToken");
    expect(await aProcess(sandbox.url).publisher.warmUp(id)).toEqual({ ok: true });
    expect(await aProcess(sandbox.url).publisher.create(id, post, 5_000)).toMatchObject({ kind: "posted" });
  });

  it("needs a person when X refuses what it has just issued", async () => {
    const tokens = { access_token: "new", refresh_token: "next", expires_in: 7_200, token_type: "bearer" };
    const server = await anXServer((response, { path }) =>
      path === "/2/oauth2/token"
        ? sendJson(response, 200, tokens)
        : sendJson(response, 401, { title: "Unauthorized", status: 401 }),
    );
    const id = await connected();
    const { publisher, verifier } = aProcess(server.url);
    const failure = { class: "credentials", reason: { code: "needs-reconnect" } };
    expect(await publisher.warmUp(id)).toEqual({ ok: true });
    expect(await publisher.create(id, { text: "No", mediaIds: [] }, 5_000)).toMatchObject({
      kind: "refused",
      failure,
    });
    expect(await verifier.verify(id)).toMatchObject({ ok: false, error: failure });
    expect(server.seen.filter(({ path }) => path === "/2/tweets")).toHaveLength(1);
  });

  it("is renewed at once for a call that may be repeated", async () => {
    const sandbox = await aSandbox();
    const id = await connected({ accessToken: "revoked" });
    const { verifier } = aProcess(sandbox.url);
    expect(await verifier.verify(id)).toMatchObject({ ok: true });
    expect(sandbox.requests().map(({ path, status }) => `${path} ${status}`)).toEqual([
      "/2/users/me 401",
      "/2/oauth2/token 200",
      "/2/users/me 200",
    ]);
  });

  it("asks in the documented form, as a public client too", async () => {
    const server = await anXServer((response) => sendJson(response, 400, { error: "invalid_request" }));
    const id = freshId();
    await openVault().connect(
      id,
      new Credentials({ kind: "oauth2", clientId: "public", refreshToken: "a/b+c=" }),
    );
    await aProcess(server.url).publisher.warmUp(id);
    const [request] = server.seen;
    expect(request).toMatchObject({
      method: "POST",
      path: "/2/oauth2/token",
      headers: {
        host: "api.x.com",
        "content-type": expect.stringContaining("application/x-www-form-urlencoded"),
      },
    });
    expect(request?.headers).not.toHaveProperty("authorization");
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      grant_type: "refresh_token",
      refresh_token: "a/b+c=",
      client_id: "public",
    });
  });

  it("keeps a token that still lasts when no new one can be had", async () => {
    const server = await anXServer((response) => sendJson(response, 503, {}));
    const lasting = await connected({ accessToken: "t", expiresAt: new Date(Date.now() + 120_000) });
    const ending = await connected({ accessToken: "t", expiresAt: new Date(Date.now() + 60_000) });
    const { publisher } = aProcess(server.url);
    expect(await publisher.warmUp(lasting)).toEqual({ ok: true });
    expect(await publisher.create(lasting, { text: "Lasts", mediaIds: [] }, 5_000)).toMatchObject({
      kind: "unknown",
    });
    expect(await publisher.warmUp(ending)).toMatchObject({
      ok: false,
      failure: { class: "transient", reason: { code: "x-unavailable" } },
    });
    expect(server.seen.map(({ path }) => path)).toEqual(["/2/oauth2/token", "/2/tweets", "/2/oauth2/token"]);
  });

  it("is forgotten by this process after five minutes", async () => {
    const sandbox = await aSandbox();
    const clock = manualClock(new Date());
    const id = await connected();
    let loads = 0;
    const vault = openVault();
    const counting: CredentialsVault = {
      ...vault,
      load(accountId) {
        loads++;
        return vault.load(accountId);
      },
    };
    const { sessions } = aProcess(sandbox.url, counting, clock);
    await sessions.open(id);
    clock.advance(299_999);
    await sessions.open(id);
    expect(loads).toBe(1);
    clock.advance(1);
    await sessions.open(id);
    expect(loads).toBe(2);
    expect(sandbox.tokenRequests()).toBe(1);
  });
});
