import { describe, expect, it } from "vitest";
import { type Account, accountIdFor } from "#shared/domain/account.ts";
import { CONNECTION_TTL_MS } from "#shared/domain/connection.ts";
import { Credentials } from "#shared/domain/credentials.ts";
import type { Failure } from "#shared/domain/failure.ts";
import { asOwnerId, asProjectId, asUserId } from "#shared/domain/ids.ts";
import { changeUser, newUser, setPassword } from "#shared/domain/user.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { Identified } from "#shared/ports/account-consent.ts";
import type { VerifiedUser } from "#shared/ports/account-verifier.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { createConnectByTokens } from "#shared/usecases/connect-by-tokens.ts";
import { createFinishConnection } from "#shared/usecases/finish-connection.ts";
import { createKeepConnection } from "#shared/usecases/keep-connection.ts";
import { createStartConnection } from "#shared/usecases/start-connection.ts";
import { createVerifyConnection } from "#shared/usecases/verify-connection.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryConnections } from "#test/support/in-memory-connections.ts";
import { createInMemoryUsers } from "#test/support/in-memory-users.ts";
import { createInMemoryVault } from "#test/support/in-memory-vault.ts";

const ANNE = asOwnerId("anne");
const BELA = asOwnerId("bela");
const CALLBACK = "https://api.example/api/v1/oauth/x/callback";
const BY = { keyId: "0123" };
const KITES: VerifiedUser = { userId: "1500", username: "kites", followers: 7 };
const REFUSED: Failure = {
  class: "credentials",
  reason: { code: "needs-reconnect", message: "X says no.", remedy: "Connect it." },
};
const LOST: Failure = {
  class: "transient",
  reason: { code: "x-unreachable", message: "No answer.", remedy: "Wait." },
};
const pair = (n: number) =>
  new Credentials({ kind: "oauth2", clientId: "c", refreshToken: `r${n}`, accessToken: `a${n}` });
const TOKENS = new Credentials({
  kind: "oauth1",
  apiKey: "k",
  apiSecret: "s",
  accessToken: "t",
  accessSecret: "u",
});

async function aWorld() {
  const clock = manualClock();
  const accounts = { ...createInMemoryAccounts() };
  const vault = createInMemoryVault();
  const connections = createInMemoryConnections();
  const users = { ...createInMemoryUsers() };
  let serial = 0;
  const entropy = { newId: () => `id-${++serial}` };
  const x = {
    exchange: ok(pair(1)) as Result<Credentials, Failure>,
    user: ok(KITES) as Result<VerifiedUser, Failure>,
    /** What was asked, in order. */
    asked: [] as unknown[],
  };
  const consent = {
    async exchange(...asked: unknown[]) {
      x.asked.push(asked);
      return x.exchange;
    },
    async identify(credentials: Credentials): Promise<Result<Identified, Failure>> {
      return x.user.ok ? ok({ user: x.user.value, credentials }) : x.user;
    },
  };
  await accounts.addProject({
    id: asProjectId("p"),
    ownerId: ANNE,
    name: "default",
    timeZone: "UTC",
    accountIds: [accountIdFor(ANNE, "other")],
    defaultAccountId: accountIdFor(ANNE, "other"),
  });
  const keep = createKeepConnection({ accounts, vault, clock });
  const start = createStartConnection({
    accounts,
    connections,
    vault,
    clock,
    randomBytes: (size) => new Uint8Array(size).fill(++serial),
    website: "https://x.com",
  });
  const finish = createFinishConnection({ connections, consent, keep, users, clock, entropy });
  return {
    clock,
    accounts,
    vault,
    users,
    x,
    start,
    finish,
    byTokens: createConnectByTokens({ accounts, consent, keep }),
    verify: createVerifyConnection({ accounts, verifier: { verify: async () => x.user }, clock }),
    account: (name = "main", ownerId = ANNE) => accounts.getAccount(accountIdFor(ownerId, name)),
    save: (over: Partial<Account>) =>
      accounts.saveAccount({
        id: accountIdFor(over.ownerId ?? ANNE, over.name ?? "main"),
        ownerId: ANNE,
        name: "main",
        maxTextLength: 280,
        status: "active",
        version: 1,
        ...over,
      }),
    /** @returns the state that X would send back */
    async begin(over: Partial<Parameters<typeof start>[1]> = {}): Promise<string> {
      const wish = { account: "main", clientId: "client", callbackUrl: CALLBACK, by: BY, ...over };
      const started = await start(ANNE, wish);
      if (!started.ok) throw new Error(JSON.stringify(started.error));
      return new URL(started.value.authorizeUrl).searchParams.get("state") ?? "";
    },
  };
}

describe("a connection by consent", () => {
  it("makes the account, stores what X gave, and lets the project post with it", async () => {
    const world = await aWorld();
    const state = await world.begin({ project: "default", clientSecret: "cs" });
    const { begun, outcome } = await world.finish({ state, code: "the-code" });
    expect(outcome).toMatchObject({ ok: true, value: { isNew: true } });
    expect(begun).toEqual({ ownerId: ANNE, account: "main", startedBy: BY });
    const account = await world.account();
    expect(account).toMatchObject({ status: "active", ...KITES, maxTextLength: 280 });
    expect((await world.vault.load(accountIdFor(ANNE, "main")))?.credentials.reveal()).toEqual(
      pair(1).reveal(),
    );
    expect(await world.accounts.getProject(asProjectId("p"))).toMatchObject({
      accountIds: [accountIdFor(ANNE, "other"), account?.id],
      defaultAccountId: accountIdFor(ANNE, "other"),
    });
  });

  it("exchanges the code with the verifier that the challenge was made of", async () => {
    const world = await aWorld();
    const started = await world.start(ANNE, {
      account: "main",
      clientId: "client",
      clientSecret: "cs",
      callbackUrl: CALLBACK,
      by: BY,
    });
    if (!started.ok) throw new Error("not started");
    const url = new URL(started.value.authorizeUrl).searchParams;
    await world.finish({ state: url.get("state") ?? "", code: "the-code" });
    const [pending, code] = world.x.asked[0] as [{ secrets: { reveal(): object } }, string];
    expect(code).toBe("the-code");
    expect(pending).toMatchObject({ clientId: "client", callbackUrl: CALLBACK });
    expect(pending.secrets.reveal()).toEqual({
      verifier: expect.stringMatching(/^[\w-]{43}$/),
      clientSecret: "cs",
    });
    expect(url.get("code_challenge")).toMatch(/^[\w-]{43}$/);
  });

  it("never takes a state twice, whatever came of the first time", async () => {
    for (const first of [{ code: "c" }, { error: "access_denied" }, {}]) {
      const world = await aWorld();
      const state = await world.begin();
      await world.finish({ state, ...first });
      const asked = world.x.asked.length;
      const again = await world.finish({ state, code: "c" });
      expect(again).toEqual({ outcome: err({ reason: "unknown-state" }) });
      expect(world.x.asked).toHaveLength(asked);
    }
  });

  it("never takes a state that nobody was given, none, or one that is ten minutes old", async () => {
    const world = await aWorld();
    const state = await world.begin();
    world.clock.advance(CONNECTION_TTL_MS);
    for (const given of [state, "guessed", "", undefined])
      expect(await world.finish({ state: given, code: "c" })).toEqual({
        outcome: err({ reason: "unknown-state" }),
      });
    expect(world.x.asked).toEqual([]);
  });

  it.each([
    ["a no of the person", { error: "access_denied" }, "denied"],
    ["a no without a code", {}, "denied"],
  ] as const)("ends with %s, and asks X nothing", async (_, back, reason) => {
    const world = await aWorld();
    const { begun, outcome } = await world.finish({ state: await world.begin(), ...back });
    expect(outcome).toMatchObject({ error: { reason } });
    expect(begun?.account).toBe("main");
    expect(world.x.asked).toEqual([]);
    expect(await world.account()).toBeUndefined();
  });

  it.each([
    ["refuses", REFUSED, "refused"],
    ["does not answer", LOST, "unreachable"],
  ] as const)("stores nothing when X %s, at either question", async (_, failure, reason) => {
    for (const question of ["exchange", "user"] as const) {
      const world = await aWorld();
      world.x[question] = err(failure);
      const { outcome } = await world.finish({ state: await world.begin(), code: "c" });
      expect(outcome).toEqual(err({ reason, why: failure.reason }));
      expect(await world.account()).toBeUndefined();
      expect(await world.vault.load(accountIdFor(ANNE, "main"))).toBeUndefined();
    }
  });

  it("refuses a project that nobody has, before and after the consent", async () => {
    const world = await aWorld();
    const wish = { account: "main", clientId: "c", callbackUrl: CALLBACK, by: BY, project: "gone" };
    expect(await world.start(ANNE, wish)).toMatchObject({
      error: { reason: "unknown-project", known: ["default"] },
    });
    expect(await world.start(BELA, { ...wish, project: "default" })).toMatchObject({ ok: false });
    const state = await world.begin({ project: "default" });
    const project = await world.accounts.getProject(asProjectId("p"));
    if (project) await world.accounts.removeProject(project);
    const { outcome } = await world.finish({ state, code: "c" });
    expect(outcome).toMatchObject({ error: { reason: "unknown-project" } });
    expect(await world.account()).toBeUndefined();
  });

  it("takes the client that the account was connected with, if none is named", async () => {
    const world = await aWorld();
    const wish = { account: "main", callbackUrl: CALLBACK, by: BY };
    const missing = err({ reason: "client-missing" });
    expect(await world.start(ANNE, wish)).toEqual(missing);
    await world.vault.connect(accountIdFor(ANNE, "main"), TOKENS);
    expect(await world.start(ANNE, wish)).toEqual(missing);
    await world.vault.connect(
      accountIdFor(ANNE, "main"),
      new Credentials({ kind: "oauth2", clientId: "own", clientSecret: "own-secret", refreshToken: "r" }),
    );
    const started = await world.start(ANNE, wish);
    expect(started).toMatchObject({ value: { authorizeUrl: expect.stringContaining("client_id=own&") } });
    expect(await world.start(BELA, wish)).toEqual(missing);
  });
});

describe("whoever began a connection", () => {
  const ANN = newUser(
    asUserId("ann"),
    ANNE,
    { name: "Ann", email: "a@x.example", role: "admin" },
    "",
    new Date(0),
  );
  const password = { algorithm: "scrypt", cost: { n: 2, r: 1, p: 1 }, salt: "", hash: "" } as const;
  const by = { keyId: "0123", userId: ANN.id };

  it("has to have access still when the person comes back from X", async () => {
    const world = await aWorld();
    const stop = newUser(asUserId("stop"), ANNE, ANN, "", new Date(0));
    const user = setPassword(ANN, password, new Date(0));
    world.users.get = async (_, id) => (id === user.id ? user : undefined);
    expect((await world.finish({ state: await world.begin({ by }), code: "c" })).outcome).toMatchObject({
      ok: true,
    });
    const asked = world.x.asked.length;
    for (const gone of [undefined, stop, changeUser(user, { disabled: true }, world.clock.now())]) {
      const state = await world.begin({ by });
      world.users.get = async () => gone;
      const { begun, outcome } = await world.finish({ state, code: "c" });
      expect(outcome).toEqual(err({ reason: "unknown-state" }));
      expect(begun).toMatchObject({ startedBy: by });
    }
    // Enabled again: what was begun before does not count.
    const state = await world.begin({ by });
    world.clock.advance(1_000);
    world.users.get = async () => ({ ...user, activeSince: world.clock.now() });
    expect((await world.finish({ state, code: "c" })).outcome).toMatchObject({ ok: false });
    expect(world.x.asked).toHaveLength(asked);
  });
});

describe("a project that somebody else changes at the same time", () => {
  const P = asProjectId("p");
  const THIRD = accountIdFor(ANNE, "third");

  it("keeps the accounts that it got meanwhile", async () => {
    const world = await aWorld();
    const { saveProject } = world.accounts;
    world.accounts.saveProject = async (next, seen) => {
      world.accounts.saveProject = saveProject;
      const known = await world.accounts.getProject(P);
      if (known) await saveProject({ ...known, accountIds: [...known.accountIds, THIRD] }, known);
      return saveProject(next, seen);
    };
    expect(await world.byTokens(ANNE, { account: "main", project: "default" }, TOKENS)).toMatchObject({
      ok: true,
    });
    const accountIds = ["other", "third", "main"].map((name) => accountIdFor(ANNE, name));
    expect(await world.accounts.getProject(P)).toMatchObject({ accountIds });
  });

  it("may be deleted: the account is connected all the same", async () => {
    const world = await aWorld();
    const { saveProject } = world.accounts;
    world.accounts.saveProject = async (next, seen) => {
      const known = await world.accounts.getProject(P);
      if (known) await world.accounts.removeProject(known);
      return saveProject(next, seen);
    };
    expect(await world.byTokens(ANNE, { account: "main", project: "default" }, TOKENS)).toMatchObject({
      ok: true,
    });
    expect(await world.accounts.getProject(P)).toBeUndefined();
  });

  it("is a fault when somebody else is faster every time", async () => {
    const world = await aWorld();
    let tries = 0;
    world.accounts.saveProject = async () => {
      tries++;
      return err({ reason: "stale" });
    };
    await expect(world.byTokens(ANNE, { account: "main", project: "default" }, TOKENS)).rejects.toThrow(
      DependencyFault,
    );
    expect(tries).toBe(5);
  });
});

describe("a connected account", () => {
  it("goes on where it stopped when it is connected again", async () => {
    const world = await aWorld();
    await world.save({
      status: "needs-reconnect",
      reason: REFUSED.reason,
      userId: "1500",
      username: "old-name",
      maxTextLength: 25_000,
    });
    const { outcome } = await world.finish({ state: await world.begin(), code: "c" });
    expect(outcome).toMatchObject({ value: { isNew: false } });
    const account = await world.account();
    expect(account).toMatchObject({
      status: "active",
      username: "kites",
      maxTextLength: 25_000,
      // The sweeper sends on what was held.
      wakeAt: world.clock.now(),
    });
    expect(account).not.toHaveProperty("reason");
  });

  it("stays paused", async () => {
    const world = await aWorld();
    const reason = { code: "credits-depleted", message: "No credits.", remedy: "Buy some." };
    await world.save({ status: "paused", reason });
    await world.byTokens(ANNE, { account: "main" }, TOKENS);
    expect(await world.account()).toMatchObject({ status: "paused", reason, userId: "1500" });
  });

  it("is one user of X, and that user is one account of an owner", async () => {
    const world = await aWorld();
    await world.save({ name: "first", userId: "1500", username: "kites" });
    const twin = await world.byTokens(ANNE, { account: "second" }, TOKENS);
    expect(twin).toEqual(err({ reason: "same-user", account: "first", username: "kites" }));
    expect(await world.account("second")).toBeUndefined();
    expect(await world.vault.load(accountIdFor(ANNE, "second"))).toBeUndefined();
    // Another owner may have the same user.
    expect(await world.byTokens(BELA, { account: "second" }, TOKENS)).toMatchObject({ ok: true });

    world.x.user = ok({ userId: "77", username: "stranger" });
    const swapped = await world.byTokens(ANNE, { account: "first" }, TOKENS);
    expect(swapped).toEqual(err({ reason: "other-user", expected: "kites", username: "stranger" }));
    expect(await world.vault.load(accountIdFor(ANNE, "first"))).toBeUndefined();
  });

  it("by tokens is stored only if X vouches for them", async () => {
    const world = await aWorld();
    for (const failure of [REFUSED, LOST]) {
      world.x.user = err(failure);
      const reason = failure === LOST ? "unreachable" : "refused";
      expect(await world.byTokens(ANNE, { account: "main" }, TOKENS)).toEqual(
        err({ reason, why: failure.reason }),
      );
    }
    expect(await world.byTokens(ANNE, { account: "main", project: "gone" }, TOKENS)).toMatchObject({
      error: { reason: "unknown-project" },
    });
    expect(await world.account()).toBeUndefined();
    world.x.user = ok(KITES);
    expect(await world.byTokens(ANNE, { account: "main", project: "default" }, TOKENS)).toMatchObject({
      value: { isNew: true, account: { username: "kites" } },
    });
    expect(await world.vault.describe(accountIdFor(ANNE, "main"))).toEqual({ kind: "oauth1" });
  });
});

describe("verifying now", () => {
  it("activates what X vouches for, and only that", async () => {
    const world = await aWorld();
    await world.save({ status: "needs-reconnect", reason: REFUSED.reason });
    expect(await world.verify(ANNE, "main")).toMatchObject({
      value: { account: { status: "active", username: "kites" } },
    });
    expect(await world.account()).toMatchObject({ wakeAt: world.clock.now() });
  });

  it("stops what X refuses, and says why", async () => {
    const world = await aWorld();
    await world.save({});
    world.x.user = err(REFUSED);
    expect(await world.verify(ANNE, "main")).toMatchObject({
      value: { account: { status: "needs-reconnect" }, refusal: REFUSED.reason },
    });
  });

  it("changes nothing when X does not answer", async () => {
    const world = await aWorld();
    await world.save({});
    world.x.user = err(LOST);
    expect(await world.verify(ANNE, "main")).toEqual(err({ reason: "unreachable", why: LOST.reason }));
    expect(await world.account()).toMatchObject({ status: "active", version: 1 });
  });

  it("knows no account of another owner", async () => {
    const world = await aWorld();
    await world.save({});
    expect(await world.verify(BELA, "main")).toMatchObject({ error: { reason: "unknown-account" } });
  });
});
