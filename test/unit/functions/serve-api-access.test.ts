import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { ROUTES } from "#shared/contract/routes.ts";
import { AUDIT_CHAINS, openEntry } from "#shared/domain/audit.ts";
import type { Role } from "#shared/domain/role.ts";
import { SESSION_MS } from "#shared/domain/session.ts";
import { ACCOUNT_RULE } from "#shared/domain/session-attempts.ts";
import { createAuthorizeRequest } from "#shared/usecases/authorize-request.ts";
import { createAuthorizeSession } from "#shared/usecases/authorize-session.ts";
import { FIRST_OWNER } from "#shared/usecases/connect-account.ts";
import { chainKey } from "#test/support/in-memory-audit.ts";
import { type ApiRequest, BELA, setUpApi, TASKS } from "./serve-api-setup.ts";

const KEYS = "/api/v1/keys";
const USERS = "/api/v1/users";
const SESSIONS = "/api/v1/sessions";
const PASSWORD = "nine kites over the harbour";
const UNKNOWN_USER = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

async function setUp() {
  const api = await setUpApi();
  const { call, keys, users, sessions, clock, audit } = api;
  const authorize = createAuthorizeRequest({ keys, users, clock, report: vi.fn() });
  const authorizeSession = createAuthorizeSession({ sessions, users, clock, report: vi.fn() });
  const post = (path: string, json: unknown, over: ApiRequest = {}) =>
    call({ method: "POST", path, json, ...over });

  async function invite(name: string, role: Role) {
    const { body } = await post(USERS, { name, email: `${name}@example.org`, role });
    return { id: String(body.id), code: String(body.invitationCode) };
  }
  const accept = (code: string, password = PASSWORD) =>
    post(`${SESSIONS}/invitations`, { invitationCode: code, password }, { authorizer: undefined });
  const signIn = (email: string, password = PASSWORD, owner = "anne") =>
    post(SESSIONS, { owner, email, password }, { authorizer: undefined });
  async function join(name: string, role: Role) {
    const user = await invite(name, role);
    await accept(user.code);
    return user;
  }
  /** Signs in, and says how to ask as that person. */
  async function enter(name: string) {
    const { headers } = await signIn(`${name}@example.org`);
    const token = /^__Host-punctual=([^;]+);/.exec(headers["set-cookie"] ?? "")?.[1] ?? "";
    return { token, ask: () => authorizeSession(token) };
  }
  /** Everything that was noted of an owner. */
  const noted = (ownerId = "anne") =>
    Array.from(
      { length: AUDIT_CHAINS },
      (_, chain) => audit.entries.get(chainKey(ownerId as never, chain)) ?? [],
    )
      .flat()
      .map(openEntry)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { ...api, authorize, post, invite, accept, signIn, join, enter, noted };
}

describe("keys", () => {
  it("are shown once, work, and are listed without the key", async () => {
    const { post, call, authorize } = await setUp();
    const made = await post(KEYS, { name: "ci", scopes: ["read", "write"], expiresInDays: 30 });
    expect(made.status).toBe(201);
    const { apiKey, ...shown } = made.body;
    expect(shown).toMatchObject({ name: "ci", expiresAt: "2026-12-31T01:00:00Z" });
    const { body } = await call({ path: KEYS });
    expect(body).toEqual({ items: [shown] });
    expect((await call({ path: KEYS, owner: BELA })).body).toEqual({ items: [] });
    const caller = await authorize(`Bearer ${apiKey}`);
    expect(caller).toMatchObject({ value: { ownerId: "anne", scopes: ["read", "write"] } });
  });

  it("end when they are revoked", async () => {
    const { post, call, authorize } = await setUp();
    const { id, apiKey } = (await post(KEYS, { name: "ci", scopes: ["read"] })).body;
    expect((await call({ method: "DELETE", path: `${KEYS}/${id}`, owner: BELA })).body.code).toBe(
      "key-not-found",
    );
    expect((await call({ method: "DELETE", path: `${KEYS}/${id}` })).status).toBe(200);
    expect(await authorize(`Bearer ${apiKey}`)).toMatchObject({ error: { reason: "unknown" } });
    expect((await call({ method: "DELETE", path: `${KEYS}/${id}` })).body.code).toBe("key-not-found");
  });

  it("overlap when they are rotated, then the old one ends", async () => {
    const { post, authorize, clock } = await setUp();
    const old = (await post(KEYS, { name: "ci", scopes: ["write"], projects: ["default"] })).body;
    const rotated = await post(`${KEYS}/${old.id}/rotate`, { overlapHours: 2 });
    expect(rotated.status).toBe(201);
    expect(rotated.body).toMatchObject({
      name: "ci",
      scopes: ["write"],
      projects: ["default"],
      replaces: { id: old.id, replacedBy: rotated.body.id, expiresAt: "2026-12-01T03:00:00Z" },
    });
    const work = async () =>
      (await Promise.all([old, rotated.body].map(({ apiKey }) => authorize(`Bearer ${apiKey}`)))).map(
        ({ ok }) => ok,
      );
    clock.advance(2 * 3_600_000 - 1);
    expect(await work()).toEqual([true, true]);
    clock.advance(1);
    expect(await work()).toEqual([false, true]);
  });

  it("are rotated once, for a day unless somebody says how long", async () => {
    const { post, call } = await setUp();
    const { id } = (await post(KEYS, { name: "ci", scopes: ["read"] })).body;
    const rotated = await call({ method: "POST", path: `${KEYS}/${id}/rotate` });
    expect(rotated.body.replaces.expiresAt).toBe("2026-12-02T01:00:00Z");
    expect((await post(`${KEYS}/${id}/rotate`, {})).body.code).toBe("key-ended");
    expect((await post(`${KEYS}/${id}/rotate`, { overlapHours: 7 * 24 + 1 })).body.code).toBe(
      "invalid-input",
    );
    expect((await post(`${KEYS}/000000000000/rotate`, {})).body.code).toBe("key-not-found");
  });

  it.each([
    [{ projects: ["bakery"] }, "unknown-project", "/projects/0"],
    [{ projects: ["default", "nobody"] }, "unknown-project", "/projects/1"],
    [{ accounts: ["main", "third"] }, "unknown-account", "/accounts/1"],
  ])("are restricted to what the owner has: %j", async (restriction, code, pointer) => {
    const { post, keys } = await setUp();
    const refused = await post(KEYS, { name: "ci", scopes: ["read"], ...restriction });
    expect([refused.body.code, refused.body.errors[0].pointer]).toEqual([code, pointer]);
    expect(await keys.list("anne" as never)).toEqual([]);
  });

  it("are bound to the user who made them, and end with the user", async () => {
    const { post, authorize, join, call, keys, enter } = await setUp();
    await join("ann", "admin");
    const bob = await join("bob", "admin");
    const caller = await (await enter("bob")).ask();
    if (!caller.ok) throw new Error("Bob is in");
    const { ownerId, keyId, scopes, userId } = caller.value;
    const authorizer = { ownerId, keyId, scopes: scopes.join(" "), userId };
    const made = (await post(KEYS, { name: "bobs", scopes: ["admin"] }, { authorizer })).body;
    expect(made.createdBy).toBe(bob.id);
    const change = (json: object) => call({ method: "PATCH", path: `${USERS}/${bob.id}`, json });
    const ask = () => authorize(`Bearer ${made.apiKey}`);
    await change({ role: "editor" });
    expect(await ask()).toMatchObject({ value: { scopes: ["read", "write"] } });
    await change({ disabled: true });
    expect((await ask()).ok).toBe(false);
    expect(await keys.list("anne" as never)).toEqual([]);
  });
});

describe("rotating the key of a user", () => {
  async function aKeyOf(scopes: readonly string[]) {
    const api = await setUp();
    await api.join("ann", "admin");
    const bob = await api.join("bob", "admin");
    const authorizer = { ownerId: "anne", keyId: "0123456789ab", scopes: "admin", userId: bob.id };
    const { body } = await api.post(KEYS, { name: "bobs", scopes }, { authorizer });
    return {
      ...api,
      bob,
      rotate: () => api.post(`${KEYS}/${body.id}/rotate`, {}),
      change: (json: object) => api.call({ method: "PATCH", path: `${USERS}/${bob.id}`, json }),
    };
  }

  it("leaves it with the user, whoever does it, and with what the user may do now", async () => {
    const { bob, rotate, change } = await aKeyOf(["admin"]);
    await change({ role: "editor" });
    const { status, body } = await rotate();
    expect([status, body]).toMatchObject([201, { createdBy: bob.id, scopes: ["read", "write"] }]);
  });

  it("does not give back what the user lost", async () => {
    const demoted = await aKeyOf(["manage"]);
    await demoted.change({ role: "editor" });
    expect((await demoted.rotate()).body.code).toBe("key-ended");

    const gone = await aKeyOf(["read"]);
    // Cut off before the key is out of the list.
    gone.keys.revoke = () => Promise.reject(new Error("the table is away"));
    await gone.change({ disabled: true });
    expect((await gone.rotate()).body.code).toBe("key-ended");
    expect(await gone.keys.list("anne" as never)).toHaveLength(1);
  });
});

describe("users", () => {
  it("are told their new invitation even if a list could not be tidied up", async () => {
    const { join, call, sessions, aside, accept } = await setUp();
    await join("ann", "admin");
    const bob = await join("bob", "editor");
    const fault = new Error("the table is away");
    sessions.list = () => Promise.reject(fault);
    const json = { renewInvitation: true };
    const { status, body } = await call({ method: "PATCH", path: `${USERS}/${bob.id}`, json });
    expect(status).toBe(200);
    expect(aside).toHaveBeenCalledWith(fault);
    expect((await accept(body.invitationCode)).status).toBe(200);
  });

  it("are invited, set a password, and can sign in", async () => {
    const { invite, accept, signIn, call } = await setUp();
    const ann = await invite("ann", "editor");
    const read = async () => (await call({ path: `${USERS}/${ann.id}` })).body;
    expect(await read()).toMatchObject({
      status: "invited",
      invitedUntil: "2026-12-04T01:00:00Z",
      version: 1,
    });
    expect((await signIn("ann@example.org")).status).toBe(401);
    expect((await accept(ann.code)).body).toMatchObject({ id: ann.id, status: "active" });
    expect(await read()).toEqual(expect.not.objectContaining({ invitedUntil: expect.anything() }));
    expect((await signIn("ANN@example.org")).status).toBe(201);
  });

  it("are never told with a password, a hash or an invitation", async () => {
    const { join, call, invite } = await setUp();
    const ann = await join("ann", "admin");
    await invite("bob", "viewer");
    const told = [await call({ path: USERS }), await call({ path: `${USERS}/${ann.id}` })];
    expect(JSON.stringify(told)).not.toMatch(/scrypt|salt|hash|pni\.|invitationCode/);
  });

  it.each([
    [{ name: "ANN", email: "x@example.org" }, "user-name-taken", "/name"],
    [{ name: "x", email: "Ann@Example.org" }, "email-taken", "/email"],
  ])("have names and addresses of their own: %j", async (wish, code, pointer) => {
    const { invite, post } = await setUp();
    await invite("ann", "viewer");
    const refused = await post(USERS, { ...wish, role: "viewer" });
    expect([refused.status, refused.body.code, refused.body.errors[0].pointer]).toEqual([409, code, pointer]);
    // Of another owner: nobody learns who is there.
    expect((await post(USERS, { ...wish, role: "viewer" }, { owner: BELA })).status).toBe(201);
  });

  it("cannot lose their last administrator", async () => {
    const { join, call } = await setUp();
    const ann = await join("ann", "admin");
    const path = `${USERS}/${ann.id}`;
    for (const json of [{ role: "manager" }, { disabled: true }, { renewInvitation: true }])
      expect((await call({ method: "PATCH", path, json })).body.code).toBe("last-admin");
    expect((await call({ method: "DELETE", path })).body.code).toBe("last-admin");
    await join("bob", "admin");
    expect((await call({ method: "DELETE", path })).status).toBe(200);
    expect((await call({ path })).body.code).toBe("user-not-found");
  });

  it("are changed only as they were seen, if somebody says so", async () => {
    const { invite, call } = await setUp();
    const { id } = await invite("ann", "viewer");
    const change = (etag: string) =>
      call({
        method: "PATCH",
        path: `${USERS}/${id}`,
        json: { role: "editor" },
        headers: { "if-match": etag },
      });
    expect((await change('"7"')).body.code).toBe("precondition-failed");
    const changed = await change('"1"');
    expect([changed.status, changed.headers["etag"]]).toEqual([200, expect.stringMatching(/^"2\b/)]);
    expect((await change('"1"')).status).toBe(412);
  });

  it.each([
    ["disabled", { disabled: true }],
    ["invited anew", { renewInvitation: true }],
  ])("lose their sessions when they are %s, for good", async (_, json) => {
    const { join, enter, call, sessions } = await setUp();
    await join("ann", "admin");
    const bob = await join("bob", "editor");
    const { ask } = await enter("bob");
    expect(await ask()).toMatchObject({ value: { scopes: ["read", "write"], userId: bob.id } });
    const path = `${USERS}/${bob.id}`;
    await call({ method: "PATCH", path, json });
    expect((await ask()).ok).toBe(false);
    expect(await sessions.list("anne" as never)).toEqual([]);
    await call({ method: "PATCH", path, json: { disabled: false } });
    expect((await ask()).ok).toBe(false);
  });

  it("have another role from the next request on", async () => {
    const { join, enter, call } = await setUp();
    await join("ann", "admin");
    const bob = await join("bob", "manager");
    const { ask } = await enter("bob");
    await call({ method: "PATCH", path: `${USERS}/${bob.id}`, json: { role: "viewer" } });
    expect(await ask()).toMatchObject({ value: { scopes: ["read"] } });
  });
});

describe("invitations", () => {
  it("work once, for three days, and not after they were renewed", async () => {
    const { invite, accept, call, clock } = await setUp();
    const ann = await invite("ann", "viewer");
    const renewed = await call({
      method: "PATCH",
      path: `${USERS}/${ann.id}`,
      json: { renewInvitation: true },
    });
    expect((await accept(ann.code)).body.code).toBe("not-invited");
    const { invitationCode } = renewed.body;
    clock.advance(3 * 86_400_000);
    expect((await accept(invitationCode)).body.code).toBe("not-invited");
    clock.advance(-1);
    expect((await accept(invitationCode)).status).toBe(200);
    expect((await accept(invitationCode)).body.code).toBe("not-invited");
  });

  it("stay as they are after a password that is too weak", async () => {
    const { invite, accept } = await setUp();
    const { code } = await invite("ann", "viewer");
    for (const weak of ["short", "ann@example.org1", "aaaaaaaaaaaaaaa"])
      expect((await accept(code, weak)).body).toMatchObject({
        code: "weak-password",
        errors: [{ pointer: "/password" }],
      });
    expect((await accept(code)).status).toBe(200);
  });

  it("are accepted once by two at the same time", async () => {
    const { invite, accept } = await setUp();
    const { code } = await invite("ann", "viewer");
    const answers = await Promise.all([accept(code), accept(code, `${PASSWORD} too`)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401]);
  });
});

describe("sessions", () => {
  it("have a cookie that no script reads, and that no other site sends", async () => {
    const { join, signIn } = await setUp();
    await join("ann", "viewer");
    const { headers, body } = await signIn("ann@example.org");
    expect(headers["set-cookie"]).toMatch(
      /^__Host-punctual=anne\.[\w-]{43}; HttpOnly; Secure; SameSite=Strict; Path=\/; Max-Age=43200$/,
    );
    expect(body).toMatchObject({ current: true, expiresAt: "2026-12-01T13:00:00Z" });
    expect(JSON.stringify(body)).not.toContain(headers["set-cookie"]?.slice(20, 40));
  });

  it("answer every mistake alike, after the same work", async () => {
    const { join, invite, signIn, call } = await setUp();
    await join("boss", "admin");
    await join("ann", "viewer");
    await invite("new", "viewer");
    const gone = await join("gone", "viewer");
    await call({ method: "PATCH", path: `${USERS}/${gone.id}`, json: { disabled: true } });
    const answers = [
      await signIn("ann@example.org", "a wrong password!"),
      await signIn("nobody@example.org"),
      await signIn("new@example.org"),
      await signIn("gone@example.org"),
      await signIn("ann@example.org", PASSWORD, "bela"),
      await signIn("ann@example.org", PASSWORD, "no-such-owner"),
    ];
    const same = answers.map(({ status, body }) => ({ status, body: { ...body, requestId: "" } }));
    for (const answer of same) expect(answer).toEqual(same[0]);
    expect(same[0]).toMatchObject({ status: 401, body: { code: "bad-credentials" } });
    for (const { headers } of answers) expect(headers).not.toHaveProperty("set-cookie");
  });

  it("are kept from guessing: for an account, whether or not there is one, and wherever it comes from", async () => {
    const { join, signIn, clock } = await setUp();
    await join("ann", "viewer");
    for (const email of ["ann@example.org", "nobody@example.org"]) {
      for (let attempt = 0; attempt < ACCOUNT_RULE.free; attempt++)
        expect((await signIn(email, "a wrong password!")).status).toBe(401);
      // Even the right one.
      const blocked = await signIn(email);
      expect([blocked.status, blocked.body.code, blocked.headers["retry-after"]]).toEqual([
        429,
        "too-many-attempts",
        String(ACCOUNT_RULE.baseMs / 1_000),
      ]);
    }
    clock.advance(ACCOUNT_RULE.baseMs);
    expect((await signIn("ann@example.org")).status).toBe(201);
  });

  it("are kept from guessing side by side: no more attempts get through at once than one after the other", async () => {
    const { join, signIn } = await setUp();
    await join("ann", "viewer");
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => signIn("ann@example.org", "wrong wrong wrong")),
    );
    expect(answers.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(ACCOUNT_RULE.free);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 429]));
  });

  it("are kept from guessing many accounts from one address", async () => {
    const { signIn } = await setUp();
    const statuses: number[] = [];
    for (let account = 0; account < 40; account++)
      statuses.push((await signIn(`user${account}@example.org`)).status);
    expect(statuses.indexOf(429)).toBe(30);
  });

  it("end at sign-out, by somebody else's hand, after an hour without a request, and after half a day", async () => {
    const { join, enter, call, clock } = await setUp();
    await join("boss", "admin");
    const ann = await join("ann", "viewer");
    const as = async (token: { ask: Awaited<ReturnType<typeof enter>>["ask"] }) => {
      const caller = await token.ask();
      if (!caller.ok) throw new Error("not in");
      const { ownerId, keyId, sessionId, userId, scopes } = caller.value;
      return { authorizer: { ownerId, keyId, sessionId, userId, scopes: scopes.join(" ") } };
    };
    const [first, second, third] = [await enter("ann"), await enter("ann"), await enter("ann")];
    const mine = (await call({ path: SESSIONS, ...(await as(first)) })).body.items;
    expect(
      mine.map(({ userId, current }: { userId: string; current: boolean }) => [userId, current]),
    ).toEqual(
      expect.arrayContaining([
        [ann.id, true],
        [ann.id, false],
      ]),
    );
    const out = await call({ method: "DELETE", path: `${SESSIONS}/current`, ...(await as(first)) });
    expect(out.headers["set-cookie"]).toMatch(/^__Host-punctual=; .*Max-Age=0$/);
    expect((await first.ask()).ok).toBe(false);

    // A viewer ends the own ones only.
    const boss = await enter("boss");
    const bosses = (await call({ path: SESSIONS })).body.items.find(
      ({ userId }: { userId: string }) => userId !== ann.id,
    );
    const refused = await call({ method: "DELETE", path: `${SESSIONS}/${bosses.id}`, ...(await as(second)) });
    expect(refused.body.code).toBe("session-not-found");
    expect((await boss.ask()).ok).toBe(true);
    const caller = await second.ask();
    await call({ method: "DELETE", path: `${SESSIONS}/${caller.ok && caller.value.sessionId}` });
    expect((await second.ask()).ok).toBe(false);

    clock.advance(3_599_999);
    expect((await third.ask()).ok).toBe(true);
    clock.advance(3_600_000);
    expect((await third.ask()).ok).toBe(false);
    const busy = await enter("ann");
    for (let ms = 0; ms < SESSION_MS - 1_800_000; ms += 1_800_000) {
      clock.advance(1_800_000);
      expect((await busy.ask()).ok).toBe(true);
    }
    clock.advance(1_800_000);
    expect((await busy.ask()).ok).toBe(false);
  });

  it("open the API below /console, as the person's role allows", async () => {
    const { join, enter, call } = await setUp();
    await join("ann", "viewer");
    const caller = await (await enter("ann")).ask();
    if (!caller.ok) throw new Error("Ann is in");
    const { ownerId, keyId, sessionId, userId, scopes } = caller.value;
    const authorizer = { ownerId, keyId, sessionId, userId, scopes: scopes.join(" ") };
    const me = await call({ path: "/console/api/v1/whoami", authorizer });
    expect(me.body).toMatchObject({ owner: "anne", via: "session", scopes: ["read"], user: { name: "ann" } });
    const refused = await call({ method: "POST", path: `/console${TASKS}`, json: { text: "x" }, authorizer });
    expect([refused.status, refused.body.code]).toEqual([403, "missing-scope"]);
    expect((await call({ path: "/console/console/api/v1/whoami", authorizer })).body.code).toBe(
      "route-not-found",
    );
    expect((await call({ path: "/consoles/api/v1/whoami", authorizer })).body.code).toBe("route-not-found");
  });
});

describe("the audit log", () => {
  const sha = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);

  it("has who did what to what, before and after, and no text", async () => {
    const { put, call, noted } = await setUp();
    const { id } = await put({
      status: "pending",
      slotAt: new Date("2026-12-05T01:00:00.000Z"),
      priority: 5,
    });
    const { status, headers } = await call({
      method: "PATCH",
      path: `${TASKS}/${id}`,
      json: { priority: 1, text: "Neu!" },
    });
    expect(status).toBe(200);
    const [entry] = noted();
    expect(entry).toMatchObject({
      actor: { keyId: "0123456789ab" },
      action: "updateTask",
      target: { id },
      phase: "outcome",
      status: 200,
      requestId: headers["x-request-id"],
      sourceIp: "192.0.2.1",
      before: { priority: 5 },
      after: { priority: 1, parts: [{ text: { length: 4, sha256: sha("Neu!") } }] },
    });
    expect(JSON.stringify(noted())).not.toContain("Neu!");
    // What neither side changed, and what the answer never has, is not there.
    expect(Object.keys(entry?.before as object)).not.toEqual(expect.arrayContaining(["project", "log"]));
  });

  it("has what was made, and of a key not the key", async () => {
    const { post, noted } = await setUp();
    const { apiKey, id } = (await post(KEYS, { name: "ci", scopes: ["read"] })).body;
    expect(noted().map(({ action, phase, status }) => [action, phase, status])).toEqual([
      ["createKey", "attempt", 0],
      ["createKey", "outcome", 201],
    ]);
    expect(noted()[1]?.after).toMatchObject({ id, name: "ci", apiKey: "***" });
    expect(JSON.stringify(noted())).not.toContain(apiKey.slice(4, 30));
  });

  it("has what was deleted, as it was", async () => {
    const { post, call, noted } = await setUp();
    const { id } = (await post(KEYS, { name: "ci", scopes: ["read"] })).body;
    await call({ method: "DELETE", path: `${KEYS}/${id}` });
    expect(noted().at(-1)).toMatchObject({ action: "revokeKey", target: { id }, before: { id, name: "ci" } });
  });

  it("has every denial, of reads too, and no other refusal", async () => {
    const { call, put, noted } = await setUp();
    const { id } = await put({ status: "published" });
    await call({ path: `${TASKS}/${id}`, scopes: [] });
    await call({ path: KEYS, scopes: ["manage"] });
    await call({ path: `${TASKS}/${id}/conflicts`, restricted: { projects: ["default"] } });
    await call({ path: `${TASKS}/${UNKNOWN_USER}` });
    await call({ method: "DELETE", path: `${TASKS}/${id}` });
    await call({ method: "POST", json: { colour: "red" } });
    await call({ path: "/api/v1/nowhere" });
    expect(noted().map(({ action, status, problem }) => [action, status, problem])).toEqual([
      ["readTask", 403, "missing-scope"],
      ["listKeys", 403, "missing-scope"],
      ["readConflicts", 403, "key-restricted"],
    ]);
  });

  it("has nothing of reads, and one entry for an answer that is repeated", async () => {
    const { call, create, noted } = await setUp();
    await call({});
    const request = { headers: { "idempotency-key": "once-only" } };
    const first = await create({ text: "Once." }, request);
    expect((await create({ text: "Once." }, request)).body).toEqual(first.body);
    expect(noted().map(({ action }) => action)).toEqual(["createTask"]);
  });

  it("has who tried to sign in, without address or password, and whether they got in", async () => {
    const { join, signIn, noted } = await setUp();
    const ann = await join("ann", "viewer");
    await signIn("ann@example.org", "a wrong password!");
    await signIn("nobody@example.org", "a wrong password!");
    await signIn("ann@example.org");
    const signIns = (owner?: string) =>
      noted(owner).flatMap(({ action, status, actor }) => (action === "signIn" ? [[status, actor]] : []));
    expect(signIns()).toEqual([
      [401, { userId: ann.id }],
      [201, { userId: ann.id, sessionId: expect.stringMatching(/^[0-9a-f]{12}$/) }],
    ]);
    // Of nobody: the operator's.
    expect(signIns(FIRST_OWNER)).toEqual([[401, {}]]);
    expect(JSON.stringify([noted(), noted(FIRST_OWNER)])).not.toMatch(/wrong password|kites|nobody@/);
  });

  it("keeps rights from being given away without a trace", async () => {
    const { post, call, audit, keys, logger, put } = await setUp();
    const { id } = await put({ status: "pending", slotAt: new Date("2026-12-05T01:00:00.000Z") });
    const { append } = audit;
    audit.append = async () => {
      throw new Error("the table is away");
    };
    expect((await post(KEYS, { name: "ci", scopes: ["admin"] })).status).toBe(500);
    expect(await keys.list("anne" as never)).toEqual([]);
    // Posts go on: what could not be noted is in the function's log.
    expect((await call({ method: "DELETE", path: `${TASKS}/${id}` })).status).toBe(200);
    expect(logger.error).toHaveBeenLastCalledWith(
      "the audit log was not written",
      expect.objectContaining({ action: "cancelTask" }),
    );
    audit.append = append;
  });

  it("has a change that broke off, since it may have happened", async () => {
    const { call, put, tasks, noted } = await setUp();
    const { id } = await put({ status: "pending", slotAt: new Date("2026-12-05T01:00:00.000Z") });
    tasks.save = () => Promise.reject(new Error("lost"));
    expect((await call({ method: "DELETE", path: `${TASKS}/${id}` })).status).toBe(500);
    expect(noted()).toMatchObject([{ action: "cancelTask", status: 500, problem: "internal" }]);
  });

  it("is listed newest first, page by page, to its owner's administrators", async () => {
    const { create, call, noted } = await setUp();
    for (let made = 0; made < 25; made++) await create({ text: `Post ${made}` });
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await call({ path: "/api/v1/audit", query: { limit: "10", ...(cursor && { cursor }) } });
      seen.push(...page.body.items.map(({ id }: { id: string }) => id));
      cursor = page.body.next;
      if (!cursor) break;
    }
    expect(seen).toEqual(
      noted()
        .map(({ id }) => id)
        .toReversed(),
    );
    expect((await call({ path: "/api/v1/audit", owner: BELA })).body.items).toEqual([]);
  });

  it("is verified in steps, and says where somebody laid hands on it", async () => {
    const { create, call, audit } = await setUp();
    for (let made = 0; made < 30; made++) await create({ text: `Post ${made}` });
    async function verify() {
      let checked = 0;
      for (let cursor: string | undefined; ; ) {
        const { body } = await call({
          path: "/api/v1/audit/verify",
          query: { limit: "7", ...(cursor && { cursor }) },
        });
        checked += body.checked;
        cursor = body.next;
        if (!cursor) return { ok: body.ok, bad: body.bad, checked };
      }
    }
    expect(await verify()).toEqual({ ok: true, bad: undefined, checked: 30 });

    const [key = "", chain = []] = [...audit.entries].find(([, entries]) => entries.length >= 3) ?? [];
    const number = Number(key.split("#")[1]);
    const [first, second, ...rest] = chain;
    if (!first || !second) throw new Error("three are in a chain");
    const tamper = async (entries: typeof chain) => {
      audit.entries.set(key, [...entries]);
      const { bad } = await verify();
      audit.entries.set(key, [...chain]);
      return bad;
    };
    const altered = { ...second, text: second.text.replace("createTask", "createKey") };
    expect(await tamper([first, altered, ...rest])).toEqual({ chain: number, number: 2, fault: "altered" });
    expect(await tamper([first, ...rest])).toEqual({ chain: number, number: 2, fault: "removed" });
    expect(await tamper(chain.slice(0, -1))).toEqual({ chain: number, number: chain.length, fault: "cut" });
    audit.heads.delete(key);
    expect((await verify()).bad).toEqual({ chain: number, number: 1, fault: "head-altered" });
  });
});

describe("restricted keys", () => {
  it("get their own projects and accounts, and no others", async () => {
    const { put, call, create } = await setUp();
    const { id } = await put({ status: "held" });
    const read = (restricted: NonNullable<ApiRequest["restricted"]>) =>
      call({ path: `${TASKS}/${id}`, restricted });
    expect((await read({ projects: ["default"], accounts: ["main"] })).status).toBe(200);
    const foreign = await read({ accounts: ["second"] });
    const unknown = await call({ path: `${TASKS}/${UNKNOWN_USER}`, restricted: { accounts: ["second"] } });
    expect({ ...foreign.body, requestId: "" }).toEqual({ ...unknown.body, requestId: "" });
    expect(foreign.body.code).toBe("task-not-found");
    const post = { text: "x", project: "default", account: "main" };
    expect((await create(post, { restricted: { accounts: ["second"] } })).body.code).toBe("key-restricted");
    expect((await create(post, { restricted: { accounts: ["main"] } })).status).toBe(202);
  });

  it("are shown no answer that another key got for the same request", async () => {
    const { put, call } = await setUp();
    const { id } = await put({ status: "ready", slotAt: new Date("2026-12-01T00:59:00.000Z") });
    const request = {
      method: "POST",
      path: `${TASKS}/${id}/publish-now`,
      headers: { "idempotency-key": "both" },
    };
    expect((await call(request)).status).toBe(202);
    expect((await call({ ...request, restricted: { accounts: ["second"] } })).body.code).toBe(
      "task-not-found",
    );
  });
});

it("needs no route of access to be idempotent: an answer that is kept would keep a secret", () => {
  for (const name of [
    "createKey",
    "rotateKey",
    "createUser",
    "updateUser",
    "signIn",
    "acceptInvitation",
  ] as const)
    expect(ROUTES[name]).not.toHaveProperty("idempotent");
});
