import { createHmac } from "node:crypto";
import OAuth from "oauth-1.0a";
import { describe, expect, it } from "vitest";
import {
  SANDBOX_APPS,
  SANDBOX_OAUTH1,
  SANDBOX_OAUTH2,
  SANDBOX_USERS,
} from "#infra/local/sandbox/credentials.ts";
import { parseOAuthHeader, signatureBaseString } from "#infra/local/sandbox/oauth1-signature.ts";
import { aSandbox, asOwner, type Call, call, post } from "./support.ts";

const { apiKey, apiSecret, accessToken, accessSecret } = SANDBOX_OAUTH1;

/** Signed by a third implementation, with whatever the test wants to be wrong. */
function signed(
  what: Call & { readonly method: string },
  {
    timestamp = Math.floor(Date.now() / 1_000),
    nonce = "nonce-1",
    url = `https://api.x.com${what.path}`,
  } = {},
): Call {
  const oauth = new OAuth({
    consumer: { key: apiKey, secret: apiSecret },
    signature_method: "HMAC-SHA1",
    hash_function: (base, key) => createHmac("sha1", key).update(base).digest("base64"),
  });
  oauth.getNonce = () => nonce;
  oauth.getTimeStamp = () => timestamp;
  const header = oauth.toHeader(
    oauth.authorize({ url, method: what.method }, { key: accessToken, secret: accessSecret }),
  );
  return { ...what, headers: { ...what.headers, authorization: header.Authorization } };
}

const me = { method: "GET", path: "/2/users/me?user.fields=created_at%2Cname&tweet.fields=a%20b%2Bc*%27()" };

describe("OAuth 1.0a", () => {
  it("agrees with another implementation about awkward query parameters", async () => {
    const sandbox = await aSandbox();

    expect(await call(sandbox, signed(me))).toMatchObject({ status: 200 });
  });

  it("sorts parameters by name first, and then by value", () => {
    const base = signatureBaseString("get", "/x", [
      ["a-b", "1"],
      ["a", "3"],
      ["a", "2"],
    ]);

    expect(base).toBe("GET&https%3A%2F%2Fapi.x.com%2Fx&a%3D2%26a%3D3%26a-b%3D1");
  });

  it.each([
    { what: "another path", change: { url: "https://api.x.com/2/tweets" }, reason: "oauth1-bad-signature" },
    {
      what: "another host",
      change: { url: "https://api.twitter.com/2/users/me" },
      reason: "oauth1-bad-signature",
    },
    { what: "plain http", change: { url: `http://api.x.com${me.path}` }, reason: "oauth1-bad-signature" },
    {
      what: "an old timestamp",
      change: { timestamp: Math.floor(Date.now() / 1_000) - 400 },
      reason: "oauth1-timestamp-drift",
    },
    {
      what: "a future timestamp",
      change: { timestamp: Math.floor(Date.now() / 1_000) + 400 },
      reason: "oauth1-timestamp-drift",
    },
    { what: "no nonce", change: { nonce: "" }, reason: "oauth1-malformed" },
  ])("refuses $what", async ({ change, reason }) => {
    const sandbox = await aSandbox();

    const answer = await call(sandbox, signed(me, change));

    expect(answer.status).toBe(401);
    expect(answer.headers["x-sandbox-reason"]).toBe(reason);
  });

  it("refuses a nonce that was used, but not one that somebody else guessed", async () => {
    const sandbox = await aSandbox();
    const request = signed(me);
    const forged = signed(me, { url: "https://api.x.com/forged" });

    const statuses = [];
    for (const attempt of [forged, request, request]) statuses.push((await call(sandbox, attempt)).status);

    expect(statuses).toEqual([401, 200, 401]);
  });

  it.each([
    { from: "HMAC-SHA1", to: "PLAINTEXT" },
    { from: '_version="1.0"', to: '_version="2.0"' },
    { from: "OAuth ", to: 'OAuth oauth_token="x",' },
  ])("does not understand a header with $to", async ({ from, to }) => {
    const sandbox = await aSandbox();
    const { headers, ...request } = signed(me);
    const authorization = headers?.["authorization"]?.replace(from, to) ?? "";

    const answer = await call(sandbox, { ...request, headers: { authorization } });

    expect([answer.status, answer.headers["x-sandbox-reason"]]).toEqual([401, "oauth1-malformed"]);
  });

  it("refuses a token that was given to another app", async () => {
    const apps = [...SANDBOX_APPS, { apiKey: "other-app", apiSecret: apiSecret }];
    const users = SANDBOX_USERS.map((user) => ({
      ...user,
      oauth1: [{ apiKey: "other-app", accessToken, accessSecret }],
    }));
    const sandbox = await aSandbox({ apps, users });

    const answer = await call(sandbox, signed(me));

    expect([answer.status, answer.headers["x-sandbox-reason"]]).toEqual([401, "oauth1-unknown-token"]);
  });

  it("does not read a header with a parameter twice or with broken encoding", () => {
    expect(parseOAuthHeader('OAuth oauth_token="a",oauth_token="b"')).toBeUndefined();
    expect(parseOAuthHeader('OAuth oauth_token="%zz"')).toBeUndefined();
    expect(parseOAuthHeader("Basic abc")).toBeUndefined();
  });
});

describe("OAuth 2.0", () => {
  it.each([
    { token: "never-issued", reason: "oauth2-unknown-token" },
    { token: SANDBOX_OAUTH2.refreshToken, reason: "oauth2-unknown-token" },
  ])("refuses the bearer $token", async ({ token, reason }) => {
    const sandbox = await aSandbox();

    const answer = await call(sandbox, {
      path: "/2/users/me",
      headers: { authorization: `Bearer ${token}` },
    });

    expect([answer.status, answer.headers["x-sandbox-reason"]]).toEqual([401, reason]);
  });

  it("lets a token live two hours", async () => {
    let now = Date.now();
    const sandbox = await aSandbox({ clock: () => now });
    const owner = await asOwner(sandbox);

    now += 7_199_000;
    const before = await owner({ path: "/2/users/me" });
    now += 1_000;
    const after = await owner({ path: "/2/users/me" });

    expect(before.status).toBe(200);
    expect([after.status, after.headers["x-sandbox-reason"]]).toEqual([401, "oauth2-expired-token"]);
  });

  it("answers a bare Forbidden to media without media.write, and lets the same token post", async () => {
    const [user] = SANDBOX_USERS;
    if (user === undefined) throw new Error("no default account");
    const { clientId, refreshToken } = SANDBOX_OAUTH2;
    const scopes = ["tweet.read", "tweet.write", "users.read", "offline.access"] as const;
    const sandbox = await aSandbox({ users: [{ ...user, oauth2: [{ clientId, refreshToken, scopes }] }] });
    const owner = await asOwner(sandbox);

    const media = await owner({ path: "/2/media/upload/initialize", body: {} });

    expect(media.status).toBe(403);
    expect(media.json).toEqual({ title: "Forbidden", detail: "Forbidden", type: "about:blank", status: 403 });
    expect((await post(owner, { text: "allowed" })).status).toBe(201);
  });

  const secret = `Basic ${Buffer.from(`${SANDBOX_OAUTH2.clientId}:${SANDBOX_OAUTH2.clientSecret}`).toString("base64")}`;
  const form = (fields: Record<string, string>) => ({
    path: "/2/oauth2/token",
    body: new URLSearchParams(fields).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded", authorization: secret },
  });
  const refresh = { grant_type: "refresh_token", refresh_token: SANDBOX_OAUTH2.refreshToken };

  it("reads the documented form as well as JSON", async () => {
    const sandbox = await aSandbox();

    expect(await call(sandbox, form(refresh))).toMatchObject({ status: 200, json: { token_type: "bearer" } });
  });

  it.each([
    {
      what: "no secret",
      call: {
        ...form({ ...refresh, client_id: SANDBOX_OAUTH2.clientId }),
        headers: { "content-type": "application/x-www-form-urlencoded" },
      },
      status: 401,
      error: "unauthorized_client",
    },
    {
      what: "another grant",
      call: form({ grant_type: "password" }),
      status: 400,
      error: "unsupported_grant_type",
    },
    {
      what: "a code that was never given",
      call: form({ grant_type: "authorization_code", code: "x" }),
      status: 400,
      error: "invalid_request",
    },
  ])("refuses $what", async ({ call: request, status, error }) => {
    const sandbox = await aSandbox();

    expect(await call(sandbox, request)).toMatchObject({ status, json: { error } });
  });

  it("refuses a refresh token that was given to another app", async () => {
    const apps = [...SANDBOX_APPS, { apiKey: "k", apiSecret: "s", clientId: "other-app" }];
    const users = SANDBOX_USERS.map((user) => ({
      ...user,
      oauth2: [{ clientId: "other-app", refreshToken: SANDBOX_OAUTH2.refreshToken }],
    }));

    expect(await call(await aSandbox({ apps, users }), form(refresh))).toMatchObject({
      status: 400,
      json: { error: "invalid_request" },
    });
  });

  it("lets one of many simultaneous refreshes win", async () => {
    const sandbox = await aSandbox();

    const answers = await Promise.all(Array.from({ length: 8 }, () => call(sandbox, form(refresh))));

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400, 400, 400]);
  });

  it("serves a public client by its id alone", async () => {
    const app = { apiKey: "k", apiSecret: "s", clientId: "public" };
    const user = { id: "7", username: "u", name: "U", oauth2: [{ clientId: "public", refreshToken: "r" }] };
    const sandbox = await aSandbox({ apps: [app], users: [user] });
    const fields = { grant_type: "refresh_token", refresh_token: "r", client_id: "public" };
    const { path, body } = form(fields);

    const answer = await call(sandbox, {
      path,
      body,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });

    expect(answer.status).toBe(200);
  });
});

describe("the edge", () => {
  it("refuses an API path that names another host, and says which name X has", async () => {
    const sandbox = await aSandbox();

    const answer = await call(sandbox, { path: "/2/users/me", host: `127.0.0.1:${sandbox.port}` });

    expect(answer.status).toBe(421);
    expect(answer.text).toContain("api.x.com");
  });

  it("asks for credentials", async () => {
    const sandbox = await aSandbox();

    const answer = await call(sandbox, { path: "/2/users/me" });

    expect([answer.status, answer.headers["x-sandbox-reason"]]).toEqual([401, "no-credentials"]);
  });

  it.each([
    { path: "/2/nothing", method: "GET", status: 404 },
    { path: "/", method: "GET", status: 404 },
    { path: "/sandbox/posts", method: "GET", status: 404 },
    { path: "/2/tweets", method: "GET", status: 405 },
  ])("answers $status to $method $path", async ({ path, method, status }) => {
    const sandbox = await aSandbox();

    expect((await call(sandbox, { path, method })).status).toBe(status);
  });
});
