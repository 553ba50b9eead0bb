/** The way of an account to Punctual, with the real client: the sandbox's page, its code, its tokens. */
import { describe, expect, it } from "vitest";
import {
  SANDBOX_APPS,
  SANDBOX_OAUTH1,
  SANDBOX_OAUTH2,
  SANDBOX_USER_ID,
} from "#infra/local/sandbox/credentials.ts";
import type { Sandbox, SandboxOptions } from "#infra/local/sandbox/sandbox.ts";
import { systemClock as clock } from "#shared/adapters/system/clock.ts";
import { createXAccountConsent } from "#shared/adapters/x/account-consent.ts";
import { createXAgent } from "#shared/adapters/x/x-client.ts";
import { authorizeUrl } from "#shared/domain/connection.ts";
import { Credentials } from "#shared/domain/credentials.ts";
import { Hidden } from "#shared/domain/hidden.ts";
import { anXServer, sendJson } from "#test/support/x-server.ts";
import { aSandbox, call, OTHER_USER, TWO_USERS } from "./sandbox/support.ts";

const CALLBACK = "http://127.0.0.1:4550/api/v1/oauth/x/callback";
const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const { clientId, clientSecret } = SANDBOX_OAUTH2;
const REFUSED = { ok: false, error: { class: "credentials", reason: { code: "needs-reconnect" } } };

const consentOf = (sandbox: Sandbox) =>
  createXAccountConsent({ clock, agent: createXAgent(sandbox.url, { keepAlive: false }) });

/** What a person's browser does. @returns the address that X sends it back to */
async function consent(
  sandbox: Sandbox,
  answer: Readonly<Record<string, string>> = { user: SANDBOX_USER_ID, decision: "allow" },
  over: Readonly<Record<string, string>> = {},
): Promise<URL> {
  const url = new URL(
    authorizeUrl(
      sandbox.url,
      { clientId, callbackUrl: CALLBACK },
      { state: "the-state", verifier: VERIFIER },
    ),
  );
  for (const [name, value] of Object.entries(over)) url.searchParams.set(name, value);
  const page = await fetch(url);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('name="decision"')]);
  const done = await fetch(new URL(url.pathname, url), {
    method: "POST",
    body: new URLSearchParams([...url.searchParams, ...Object.entries(answer)]),
    redirect: "manual",
  });
  expect(done.status).toBe(302);
  return new URL(done.headers.get("location") ?? "");
}

const codeOf = (back: URL): string => back.searchParams.get("code") ?? "";

const connection = (
  secrets = { verifier: VERIFIER, clientSecret } as { verifier: string; clientSecret?: string },
) => ({
  clientId,
  callbackUrl: CALLBACK,
  secrets: new Hidden(secrets),
});

describe("an account that is connected by consent", () => {
  it("gives tokens that X takes for it, and that can be renewed", async () => {
    const sandbox = await aSandbox({ users: TWO_USERS });
    const x = consentOf(sandbox);
    const back = await consent(sandbox, { user: OTHER_USER.id, decision: "allow" });
    expect(`${back.origin}${back.pathname}`).toBe(CALLBACK);
    expect(back.searchParams.get("state")).toBe("the-state");

    const exchanged = await x.exchange(connection(), codeOf(back));
    if (!exchanged.ok) throw new Error(JSON.stringify(exchanged.error));
    const secrets = exchanged.value.reveal();
    expect(secrets).toMatchObject({ kind: "oauth2", clientId, clientSecret, expiresAt: expect.any(Date) });
    expect(await x.identify(exchanged.value)).toMatchObject({
      value: { user: { userId: OTHER_USER.id, username: "other", followers: 0 } },
    });
    if (secrets.kind !== "oauth2") throw new Error("the wrong kind");
    const { refreshToken } = secrets;
    const renewed = await x.identify(
      new Credentials({ kind: "oauth2", clientId, clientSecret, refreshToken }),
    );
    expect(renewed).toMatchObject({ value: { user: { userId: OTHER_USER.id } } });
  });

  it("is none when the person says no", async () => {
    const back = await consent(await aSandbox(), { decision: "deny" });
    expect(Object.fromEntries(back.searchParams)).toEqual({ state: "the-state", error: "access_denied" });
  });

  it("is none the second time, with the same code", async () => {
    const sandbox = await aSandbox();
    const code = codeOf(await consent(sandbox));
    const x = consentOf(sandbox);
    const both = await Promise.all([x.exchange(connection(), code), x.exchange(connection(), code)]);
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
    expect(both).toContainEqual(
      expect.objectContaining({ error: expect.objectContaining({ class: "credentials" }) }),
    );
  });

  it("is none after 30 seconds", async () => {
    let now = Date.now();
    const sandbox = await aSandbox({ clock: () => now });
    const [late, early] = [codeOf(await consent(sandbox)), codeOf(await consent(sandbox))];
    now += 29_999;
    expect(await consentOf(sandbox).exchange(connection(), early)).toMatchObject({ ok: true });
    now += 1;
    expect(await consentOf(sandbox).exchange(connection(), late)).toMatchObject(REFUSED);
  });

  it.each([
    ["another verifier", connection({ verifier: `${VERIFIER.slice(0, -1)}K`, clientSecret })],
    ["a verifier that is too short", connection({ verifier: "short", clientSecret })],
    ["another callback", { ...connection(), callbackUrl: `${CALLBACK}/` }],
  ])("is none with %s, and the code is used up", async (_, wrong) => {
    const sandbox = await aSandbox();
    const code = codeOf(await consent(sandbox));
    expect(await consentOf(sandbox).exchange(wrong, code)).toMatchObject(REFUSED);
    expect(await consentOf(sandbox).exchange(connection(), code)).toMatchObject(REFUSED);
  });

  it("is none without the app's secret, or for another app", async () => {
    const apps = [...SANDBOX_APPS, { apiKey: "k", apiSecret: "s", clientId: "other-app" }];
    const sandbox = await aSandbox({ apps });
    const x = consentOf(sandbox);
    const wrongClient = { ok: false, error: { reason: { code: "wrong-client" } } };
    expect(
      await x.exchange(connection({ verifier: VERIFIER }), codeOf(await consent(sandbox))),
    ).toMatchObject(wrongClient);
    const other = { ...connection({ verifier: VERIFIER }), clientId: "other-app" };
    expect(await x.exchange(other, codeOf(await consent(sandbox)))).toMatchObject(REFUSED);
  });

  it("is none that would end in two hours", async () => {
    const sandbox = await aSandbox();
    const scope = "tweet.read tweet.write users.read media.write";
    const back = await consent(sandbox, undefined, { scope });
    expect(await consentOf(sandbox).exchange(connection(), codeOf(back))).toMatchObject({
      error: { class: "credentials", reason: { code: "no-refresh-token" } },
    });
  });

  it("cannot be told from one that X lost the answer of", async () => {
    const cut = await anXServer((response) => response.destroy());
    const page = await anXServer((response) => sendJson(response, 503, undefined));
    for (const { url } of [cut, page]) {
      const x = createXAccountConsent({ clock, agent: createXAgent(url, { keepAlive: false }) });
      expect(await x.exchange(connection(), "code")).toMatchObject({ error: { class: "transient" } });
    }
  });
});

describe("tokens that somebody has", () => {
  it("of OAuth 1.0a are the user's whose they are, or nobody's", async () => {
    const x = consentOf(await aSandbox());
    const good = new Credentials({ kind: "oauth1", ...SANDBOX_OAUTH1 });
    expect(await x.identify(good)).toMatchObject({
      value: { user: { userId: SANDBOX_USER_ID, username: "punctual_dev", followers: 1_024 } },
    });
    const bad = new Credentials({ kind: "oauth1", ...SANDBOX_OAUTH1, accessSecret: "wrong" });
    expect(await x.identify(bad)).toMatchObject(REFUSED);
  });

  it("of OAuth 2 are replaced by what the refresh token brought", async () => {
    const x = consentOf(await aSandbox());
    const given = new Credentials({ kind: "oauth2", ...SANDBOX_OAUTH2 });
    const identified = await x.identify(given);
    const kept = identified.ok ? identified.value.credentials.reveal() : undefined;
    expect(kept).toMatchObject({ kind: "oauth2", clientId, accessToken: expect.any(String) });
    expect(kept).not.toMatchObject({ refreshToken: SANDBOX_OAUTH2.refreshToken });
    expect(await x.identify(given)).toMatchObject(REFUSED);
  });
});

describe("the sandbox's consent page", () => {
  const ask = async (over: Readonly<Record<string, string | undefined>>, options: SandboxOptions = {}) => {
    const sandbox = await aSandbox(options);
    const url = new URL(
      authorizeUrl(sandbox.url, { clientId, callbackUrl: CALLBACK }, { state: "s", verifier: VERIFIER }),
    );
    for (const [name, value] of Object.entries(over))
      if (value === undefined) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    const page = await fetch(url);
    return { status: page.status, text: await page.text(), sandbox, url };
  };

  it.each([
    { client_id: "nobody" },
    { redirect_uri: "https://evil.example/api/v1/oauth/x/callback" },
    { response_type: "token" },
    { code_challenge: undefined },
    { code_challenge: "short" },
    { code_challenge_method: "plain" },
    { state: undefined },
    { state: "s".repeat(501) },
    { scope: undefined },
    { scope: "tweet.read everything" },
  ])("does not ask for %j, and leads nowhere", async (over) => {
    const { status, text, sandbox, url } = await ask(over);
    expect(status).toBe(400);
    expect(text).not.toContain("<form");
    const forced = await fetch(new URL(url.pathname, url), {
      method: "POST",
      body: new URLSearchParams([...url.searchParams, ["user", SANDBOX_USER_ID], ["decision", "allow"]]),
      redirect: "manual",
    });
    expect([forced.status, forced.headers.get("location")]).toEqual([400, null]);
    expect(sandbox.requests()).toEqual([]);
  });

  it("takes only the addresses that an app has registered, if it has any", async () => {
    const [app] = SANDBOX_APPS;
    if (!app) throw new Error("no app");
    const redirectUris = ["https://api.example/api/v1/oauth/x/callback"];
    const apps = [{ ...app, redirectUris }];
    expect((await ask({}, { apps })).status).toBe(400);
    expect((await ask({ redirect_uri: redirectUris[0] }, { apps })).status).toBe(200);
  });

  it("shows what it was given as text", async () => {
    const { text } = await ask({ state: '"><script>alert(1)</script>' });
    expect(text).not.toContain("<script>");
  });

  it("is on the sandbox's own name only, and takes GET and POST", async () => {
    const sandbox = await aSandbox();
    expect((await call(sandbox, { path: "/i/oauth2/authorize", host: "evil.example" })).status).toBe(421);
    expect((await fetch(new URL("/i/oauth2/authorize", sandbox.url), { method: "PUT" })).status).toBe(405);
  });
});
