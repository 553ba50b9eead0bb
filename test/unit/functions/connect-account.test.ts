import type { Context } from "aws-lambda";
import { describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { createHandler } from "#functions/connect-account/handler.ts";
import { ROUTES } from "#shared/contract/routes.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import { AUDIT_CHAINS } from "#shared/domain/audit.ts";
import { Credentials } from "#shared/domain/credentials.ts";
import type { Failure } from "#shared/domain/failure.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import type { Identified } from "#shared/ports/account-consent.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { createConnectByTokens } from "#shared/usecases/connect-by-tokens.ts";
import { createFinishConnection } from "#shared/usecases/finish-connection.ts";
import { createKeepConnection } from "#shared/usecases/keep-connection.ts";
import type { NewAuditEntry } from "#shared/usecases/record-audit.ts";
import { createStartConnection } from "#shared/usecases/start-connection.ts";
import { createVerifyConnection } from "#shared/usecases/verify-connection.ts";
import { createInMemoryConnections } from "#test/support/in-memory-connections.ts";
import { type ApiRequest, anEvent, setUpApi } from "./serve-api-setup.ts";

const ANNE = asOwnerId("anne");
const BELA = asOwnerId("bela");
const CALLBACK = "https://api.example/api/v1/oauth/x/callback";
const OAUTH1 = { apiKey: "k-hush", apiSecret: "s-hush", accessToken: "t-hush", accessSecret: "u-hush" };
const PAIR = new Credentials({
  kind: "oauth2",
  clientId: "client",
  refreshToken: "refresh-hush",
  accessToken: "access-hush",
});
const NO: Failure = {
  class: "credentials",
  reason: { code: "needs-reconnect", message: "X says <no>.", remedy: "Connect it." },
};
const LOST: Failure = {
  class: "transient",
  reason: { code: "x-unreachable", message: "No answer.", remedy: "Wait." },
};
const CONTEXT = { awsRequestId: "lambda-1", getRemainingTimeInMillis: () => 25_000 } as unknown as Context;

async function aFunction() {
  const { accounts, vault, users, clock, logger, router, audit } = await setUpApi();
  let answer: Result<{ readonly userId: string; readonly username: string }, Failure> = ok({
    userId: "1500",
    username: "kites",
  });
  const consent = {
    exchange: async () => err(NO) as Result<Credentials, Failure>,
    identify: async (credentials: Credentials): Promise<Result<Identified, Failure>> =>
      answer.ok ? ok({ user: answer.value, credentials }) : answer,
  };
  const connections = createInMemoryConnections();
  const keep = createKeepConnection({ accounts, vault, clock });
  const audited: NewAuditEntry[] = [];
  let serial = 0;
  const stopped = async () => {
    throw new Error("no webhook is asked for here");
  };
  const handler = createHandler({
    startConnection: createStartConnection({
      accounts,
      connections,
      vault,
      clock,
      randomBytes: (size) => new Uint8Array(size).fill(++serial),
      website: "https://x.com",
    }),
    finishConnection: createFinishConnection({
      connections,
      consent,
      keep,
      users,
      clock,
      entropy: { newId: () => `id-${++serial}` },
    }),
    connectByTokens: createConnectByTokens({ accounts, consent, keep }),
    verifyConnection: createVerifyConnection({
      accounts,
      verifier: { verify: async () => answer },
      clock,
    }),
    createWebhook: stopped,
    rotateWebhookSecret: stopped,
    ...router,
    recordAudit: async (entry) => {
      audited.push(entry);
      await router.recordAudit(entry);
    },
  });
  async function call(request: ApiRequest) {
    const event = anEvent(request);
    const { statusCode: status = 0, headers = {}, body: text = "" } = await handler(event, CONTEXT);
    const type = String((headers as Record<string, unknown>)["content-type"]);
    const { method, path } = event.requestContext.http;
    const body = type.includes("json") ? JSON.parse(text) : text;
    const route = Object.values(ROUTES).find(
      (one) =>
        one.method === method && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path),
    );
    const schema = (route?.answers as Readonly<Record<number, z.ZodType>> | undefined)?.[status];
    if (!type.includes("problem")) z.unknown().parse(schema?.parse(body));
    return { status, type, body, text, headers: headers as Record<string, string> };
  }
  return {
    accounts,
    vault,
    clock,
    logger,
    audited,
    /** Everything that is in the audit. */
    noted: () =>
      Promise.all(Array.from({ length: AUDIT_CHAINS }, (_, chain) => audit.follow(ANNE, chain, 100, 0))),
    consent,
    x: (next: typeof answer) => {
      answer = next;
    },
    call,
    start: (json: object = {}, over: Partial<ApiRequest> = {}) =>
      call({
        method: "POST",
        path: "/api/v1/accounts/connect/oauth2",
        json: { account: "shop", clientId: "client", callbackUrl: CALLBACK, ...json },
        ...over,
      }),
    back: (query: Record<string, string>) =>
      call({ path: "/api/v1/oauth/x/callback", query, authorizer: undefined }),
    tokens: (json: object, over: Partial<ApiRequest> = {}) =>
      call({ method: "POST", path: "/api/v1/accounts/connect/oauth1", json, ...over }),
  };
}

const stateOf = (authorizeUrl: string): string => new URL(authorizeUrl).searchParams.get("state") ?? "";

describe("connecting by consent", () => {
  it("gives an address to open, and ends on a page for whoever has no key", async () => {
    const api = await aFunction();
    const started = await api.start({ project: "default" });
    expect([started.status, started.body]).toMatchObject([201, { expiresAt: "2026-12-01T01:10:00Z" }]);
    api.consent.exchange = async () => ok(PAIR);
    const done = await api.back({ state: stateOf(started.body.authorizeUrl), code: "c", extra: "ignored" });
    expect([done.status, done.type]).toEqual([200, "text/html; charset=utf-8"]);
    expect(done.text).toContain("<h1>@kites is connected</h1>");
    expect(done.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(done.text).not.toContain("<script");
    // Whoever reads the audit must not be able to finish what somebody began.
    const noted = JSON.stringify(await api.noted());
    expect(noted).toContain("startConnection");
    expect(noted).not.toContain(stateOf(started.body.authorizeUrl));
    expect(api.audited).toEqual([
      expect.objectContaining({
        ownerId: ANNE,
        actor: { keyId: "0123456789ab" },
        action: "finishConnection",
        target: { account: "shop" },
        status: 200,
      }),
    ]);
  });

  it("shows refusals as pages, escaped, and notes those of a known state", async () => {
    const api = await aFunction();
    const state = stateOf((await api.start()).body.authorizeUrl);
    const refused = await api.back({ state, code: "c" });
    expect([refused.status, refused.type]).toEqual([422, "text/html; charset=utf-8"]);
    expect(refused.text).toContain("X says &lt;no&gt;.");
    expect(api.audited).toMatchObject([{ status: 422, problem: "refused" }]);
    for (const query of [{ state, code: "c" }, { state: "<b>", code: "c" }, { code: "c" }, {}])
      expect((await api.back(query as Record<string, string>)).status).toBe(400);
    expect(api.audited).toHaveLength(1);
    const denied = await api.back({
      state: stateOf((await api.start()).body.authorizeUrl),
      error: "access_denied",
    });
    expect([denied.status, denied.text]).toEqual([400, expect.stringContaining("was not given leave")]);
    api.consent.exchange = async () => err(LOST);
    const lost = await api.back({ state: stateOf((await api.start()).body.authorizeUrl), code: "c" });
    expect(lost.status).toBe(503);
  });

  it("says so although it could not be noted", async () => {
    const api = await aFunction();
    api.consent.exchange = async () => ok(PAIR);
    const state = stateOf((await api.start()).body.authorizeUrl);
    vi.spyOn(api.audited, "push").mockImplementation(() => {
      throw new Error("no place");
    });
    expect((await api.back({ state, code: "c" })).status).toBe(200);
    expect(api.logger.error).toHaveBeenCalledWith("the audit log was not written", expect.anything());
  });

  it.each([
    [{ account: "any" }, "/account"],
    [{ account: "Shop" }, "/account"],
    [{ callbackUrl: "https://evil.example/" }, "/callbackUrl"],
    [{ callbackUrl: "http://api.example/api/v1/oauth/x/callback" }, "/callbackUrl"],
    [{ clientId: undefined, clientSecret: "s" }, "/clientId"],
    [{ clientId: "a b" }, "/clientId"],
  ])("takes no %j", async (json, pointer) => {
    const { status, body } = await (await aFunction()).start(json);
    expect([status, body]).toMatchObject([400, { errors: [{ pointer }] }]);
  });

  it("needs an app, a known project and the scope manage", async () => {
    const api = await aFunction();
    expect((await api.start({ clientId: undefined })).body.code).toBe("client-id-missing");
    expect((await api.start({ project: "bakery" })).body.code).toBe("unknown-project");
    expect((await api.start({}, { scopes: ["write", "publish"] })).status).toBe(403);
  });
});

describe("connecting by tokens", () => {
  it("stores what X vouches for, and shows and notes none of it", async () => {
    const api = await aFunction();
    const { status, body, text } = await api.tokens({ account: "shop", project: "default", oauth1: OAUTH1 });
    expect([status, body]).toMatchObject([
      200,
      { isNew: true, account: { name: "shop", username: "kites", status: "active" } },
    ]);
    const stored = await api.vault.load(accountIdFor(ANNE, "shop"));
    expect(stored?.credentials.reveal()).toEqual({ kind: "oauth1", ...OAUTH1 });
    const noted = JSON.stringify([await api.noted(), api.audited, api.logger.error.mock.calls]);
    expect(noted).toContain("connectByTokens");
    expect(text + noted).not.toContain("hush");
  });

  it("refuses what X refuses, without a word of what was given", async () => {
    const api = await aFunction();
    api.x(err(NO));
    const refused = await api.tokens({ account: "shop", oauth1: OAUTH1 });
    expect([refused.status, refused.body]).toMatchObject([
      422,
      { code: "credentials-refused", errors: [{ pointer: "/oauth1" }], retryable: false },
    ]);
    api.x(err(LOST));
    const oauth2 = { clientId: "c", refreshToken: "r-hush" };
    const lost = await api.tokens({ account: "shop", oauth2 });
    expect([lost.status, lost.body]).toMatchObject([503, { code: "x-unreachable", retryable: true }]);
    expect(refused.text + lost.text).not.toContain("hush");
    expect(await api.accounts.getAccount(accountIdFor(ANNE, "shop"))).toBeUndefined();
  });

  it.each([
    { account: "shop" },
    { account: "shop", oauth1: OAUTH1, oauth2: { clientId: "c", refreshToken: "r" } },
    { account: "shop", oauth1: { ...OAUTH1, accessSecret: "" } },
    { account: "shop", oauth1: { ...OAUTH1, accessSecret: "two words" } },
    { account: "shop", oauth1: { ...OAUTH1, more: "x" } },
  ])("takes no %j", async (json) => {
    const { status, text } = await (await aFunction()).tokens(json);
    expect(status).toBe(400);
    expect(text).not.toContain("hush");
  });

  it("tells two accounts of one user apart from two users of one account", async () => {
    const api = await aFunction();
    await api.tokens({ account: "shop", oauth1: OAUTH1 });
    expect((await api.tokens({ account: "main", oauth1: OAUTH1 })).body).toMatchObject({
      status: 409,
      code: "same-user",
      detail: expect.stringContaining("“shop”"),
    });
    api.x(ok({ userId: "77", username: "stranger" }));
    expect((await api.tokens({ account: "shop", oauth1: OAUTH1 })).body.code).toBe("other-user");
    expect((await api.tokens({ account: "shop", oauth1: OAUTH1 }, { owner: BELA })).status).toBe(200);
  });
});

describe("verifying now", () => {
  const path = "/api/v1/accounts/main/verify";

  it("tells what X says", async () => {
    const api = await aFunction();
    const yes = await api.call({ method: "POST", path });
    expect([yes.status, yes.body]).toMatchObject([200, { verified: true, account: { username: "kites" } }]);
    api.x(err(LOST));
    expect((await api.call({ method: "POST", path })).status).toBe(503);
    api.x(err(NO));
    expect((await api.call({ method: "POST", path })).body).toMatchObject({
      verified: false,
      account: { status: "needs-reconnect" },
      refusal: { code: "needs-reconnect" },
    });
    const none = await api.call({ method: "POST", path: "/api/v1/accounts/none/verify" });
    expect([none.status, none.body.code]).toEqual([404, "account-not-found"]);
  });
});
