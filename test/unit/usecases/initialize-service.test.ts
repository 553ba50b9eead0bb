import { describe, expect, it } from "vitest";
import { accountIdFor } from "#shared/domain/account.ts";
import { KEY_RANDOM_BYTES, parseApiKey } from "#shared/domain/api-key.ts";
import { Credentials } from "#shared/domain/credentials.ts";
import type { Failure } from "#shared/domain/failure.ts";
import { leaveRegister, MAX_JOBS, removeJob } from "#shared/domain/job.ts";
import { PRESETS } from "#shared/domain/planning/presets.ts";
import type { VerifiedUser } from "#shared/ports/account-verifier.ts";
import { err, ok, type Result } from "#shared/result.ts";
import {
  createInitializeService,
  FIRST_OWNER,
  type Initialization,
} from "#shared/usecases/initialize-service.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryJobs } from "#test/support/in-memory-jobs.ts";
import { createInMemoryKeys } from "#test/support/in-memory-keys.ts";
import { createInMemoryVault } from "#test/support/in-memory-vault.ts";

const FIRST = new Credentials({ kind: "oauth2", clientId: "c", refreshToken: "first" });
const WANTED: Initialization = {
  project: "default",
  account: "main",
  defaultTimeZone: "Europe/Berlin",
  credentials: FIRST,
  newKey: false,
};
const MAIN = accountIdFor(FIRST_OWNER, "main");
const REASON = { code: "needs-reconnect", message: "X no longer accepts it.", remedy: "Connect it again." };

function aService() {
  let serial = 0;
  let verified: Result<VerifiedUser, Failure> = ok({ userId: "1500", username: "kites" });
  const clock = manualClock();
  const deps = {
    accounts: createInMemoryAccounts(),
    vault: createInMemoryVault(),
    keys: createInMemoryKeys(),
    verifier: { verify: async () => verified },
    jobs: createInMemoryJobs(clock),
    clock,
    entropy: { newId: () => `id-${++serial}`, random: () => 0.5 },
    randomBytes: (size: number) => new Uint8Array(size).fill(++serial),
  };
  const initialize = createInitializeService(deps);
  return {
    ...deps,
    x: (answer: Result<VerifiedUser, Failure>) => {
      verified = answer;
    },
    async initialize(over: Partial<Initialization> = {}) {
      const report = await initialize({ ...WANTED, ...over });
      if (!report.ok) throw new Error(JSON.stringify(report.error));
      return report.value;
    },
    refuse: (over: Partial<Initialization>) => initialize({ ...WANTED, ...over }),
  };
}

describe("initializeService", () => {
  it("gives an empty deployment everything it needs", async () => {
    const service = aService();
    const report = await service.initialize();
    expect(report).toMatchObject({
      project: { name: "default", timeZone: "Europe/Berlin", accountIds: [MAIN], defaultAccountId: MAIN },
      account: {
        id: MAIN,
        name: "main",
        status: "active",
        userId: "1500",
        username: "kites",
        maxTextLength: 280,
      },
      isNewProject: true,
      isNewAccount: true,
      credentials: "stored",
      isVerified: true,
      warnings: [],
    });
    expect(await service.accounts.getProjectByFolder("default")).toEqual(report.project);
    expect(await service.accounts.getAccount(MAIN)).toEqual(report.account);
    expect((await service.vault.load(MAIN))?.credentials).toBe(FIRST);
    const key = parseApiKey(report.apiKey ?? "");
    expect(key.ok && (await service.keys.get(key.value))).toMatchObject({
      ownerId: FIRST_OWNER,
      scopes: ["admin"],
    });
  });

  it("gives a new project the default preset, another one by name, and an old one nothing", async () => {
    const service = aService();
    const { project } = await service.initialize();
    expect(project).toMatchObject({ policy: PRESETS.steady, policyVersion: 1 });
    expect(await service.accounts.listPolicyVersions(project.id, 10)).toMatchObject([
      { version: 1, policy: PRESETS.steady, timeZone: "Europe/Berlin", savedBy: "admin init" },
    ]);
    const repeated = await service.initialize({ preset: "open" });
    expect(repeated.project).toEqual(project);
    const shop = { project: "shop", account: "shop" };
    expect((await service.initialize({ ...shop, preset: "open" })).project).not.toHaveProperty("policy");
    const calm = { project: "calm", account: "calm" };
    expect((await service.initialize({ ...calm, preset: "quiet" })).project.policy).toEqual(PRESETS.quiet);
  });

  it("changes nothing when it is repeated", async () => {
    const service = aService();
    const first = await service.initialize();
    const before = await service.vault.load(MAIN);
    const second = await service.initialize();
    expect(second).toEqual({
      project: first.project,
      account: first.account,
      isNewProject: false,
      isNewAccount: false,
      credentials: "unchanged",
      isVerified: true,
      warnings: [],
    });
    expect(await service.vault.load(MAIN)).toEqual(before);
    expect(await service.keys.list(FIRST_OWNER)).toHaveLength(1);
  });

  describe("the job that fills quiet days", () => {
    const jobsOf = async ({ jobs }: ReturnType<typeof aService>) => {
      const { entries } = await jobs.getRegister(FIRST_OWNER);
      return Promise.all(entries.map(({ id }) => jobs.get(id)));
    };

    it("comes with a new project that has a daily minimum, early on its clock, and once", async () => {
      const service = aService();
      expect(await service.initialize()).toMatchObject({ isNewProject: true, job: "fill-days-default" });
      expect(await service.initialize()).not.toHaveProperty("job");
      expect(await jobsOf(service)).toMatchObject([
        {
          name: "fill-days-default",
          action: { type: "fill-days", project: "default" },
          schedule: { kind: "cron", cron: "15 0 * * *", timeZone: "Europe/Berlin" },
          enabled: true,
          nextAt: expect.any(Date),
        },
      ]);
    });

    it("does not come with a project without a minimum", async () => {
      const service = aService();
      expect(await service.initialize({ preset: "open" })).not.toHaveProperty("job");
      expect(await jobsOf(service)).toEqual([]);
    });

    it("is there once after a beginning that was cut off, and stays deleted", async () => {
      const service = aService();
      const { addProject } = service.accounts;
      service.accounts.addProject = async () => {
        throw new Error("the table is away");
      };
      await expect(service.initialize()).rejects.toThrow("the table is away");
      service.accounts.addProject = addProject;
      expect(await service.initialize()).toMatchObject({ isNewProject: true, job: "fill-days-default" });
      const [job] = await jobsOf(service);
      if (!job) throw new Error("there is no job");
      expect(await jobsOf(service)).toHaveLength(1);
      const register = leaveRegister(await service.jobs.getRegister(FIRST_OWNER), job.id);
      await service.jobs.save(removeJob(job, service.clock.now()), { register });
      await service.initialize();
      expect(await jobsOf(service)).toEqual([]);
    });

    it("is a warning where there are too many jobs, and stops nothing", async () => {
      const service = aService();
      for (let count = 0; count < MAX_JOBS; count++)
        await service.initialize({ project: `p${count}`, account: `a${count}` });
      const { warnings, ...report } = await service.initialize();
      expect(report).toMatchObject({ isNewProject: true });
      expect(report).not.toHaveProperty("job");
      expect(warnings).toMatchObject([{ code: "too-many-jobs" }]);
    });
  });

  it("goes on where an earlier run was interrupted", async () => {
    const service = aService();
    const { addProject } = service.accounts;
    service.accounts.addProject = async () => {
      throw new Error("the table is away");
    };
    await expect(service.initialize()).rejects.toThrow("the table is away");
    service.accounts.addProject = addProject;
    expect(await service.initialize()).toMatchObject({
      isNewProject: true,
      isNewAccount: false,
      credentials: "unchanged",
    });
  });

  it("agrees with another run at the same time", async () => {
    const service = aService();
    const [a, b] = await Promise.all([service.initialize(), service.initialize()]);
    expect(a.project).toEqual(b.project);
    expect([a.isNewProject, b.isNewProject].toSorted()).toEqual([false, true]);
  });

  it("never overwrites a renewed pair with the used-up one it came from", async () => {
    const service = aService();
    await service.initialize();
    const renewed = new Credentials({ kind: "oauth2", clientId: "c", refreshToken: "second" });
    await service.vault.renew(MAIN, renewed, { version: 1, holder: "publisher" });
    expect(await service.initialize()).toMatchObject({ credentials: "unchanged" });
    expect((await service.vault.load(MAIN))?.credentials).toBe(renewed);
    const fresh = new Credentials({ kind: "oauth2", clientId: "c", refreshToken: "from a person" });
    expect(await service.initialize({ credentials: fresh })).toMatchObject({ credentials: "stored" });
    expect((await service.vault.load(MAIN))?.credentials).toBe(fresh);
  });

  it("keeps credentials when none are given, and says so when there are none at all", async () => {
    const service = aService();
    const { credentials: _, ...nothing } = WANTED;
    const initialize = createInitializeService(service);
    const first = await initialize(nothing);
    expect(first).toMatchObject({
      value: { credentials: "none", isVerified: false, warnings: [{ code: "no-credentials" }] },
    });
    await service.initialize();
    expect(await initialize(nothing)).toMatchObject({ value: { credentials: "kept", warnings: [] } });
  });

  it("is done in spite of an account that X refuses, and warns", async () => {
    const service = aService();
    service.x(err({ class: "credentials", reason: REASON }));
    const report = await service.initialize();
    expect(report).toMatchObject({ isVerified: false, credentials: "stored", apiKey: expect.any(String) });
    expect(report.account).not.toHaveProperty("userId");
    expect(report.warnings).toEqual([
      {
        code: "needs-reconnect",
        message: "The account main could not be checked. X no longer accepts it.",
        remedy: "Connect it again.",
      },
    ]);
  });

  it("brings an account back that had to be connected again, and no other", async () => {
    const service = aService();
    await service.initialize();
    await service.accounts.deactivateAccount(MAIN, { status: "needs-reconnect", reason: REASON });
    const { account } = await service.initialize();
    expect(account).toMatchObject({ status: "active" });
    expect(account).not.toHaveProperty("reason");
    await service.accounts.deactivateAccount(MAIN, {
      status: "paused",
      reason: { ...REASON, code: "credits-depleted" },
    });
    service.x(ok({ userId: "1500", username: "renamed" }));
    expect((await service.initialize()).account).toMatchObject({
      status: "paused",
      username: "renamed",
      reason: { code: "credits-depleted" },
    });
  });

  it("notes how many followers the account has, whenever X says so", async () => {
    const service = aService();
    const user = { userId: "1500", username: "kites" };
    expect((await service.initialize()).account).not.toHaveProperty("followers");
    service.x(ok({ ...user, followers: 0 }));
    expect((await service.initialize()).account).toMatchObject({ followers: 0, version: 3 });
    service.x(ok({ ...user, followers: 12 }));
    expect((await service.initialize()).account).toMatchObject({ followers: 12, version: 4 });
    service.x(ok(user));
    expect((await service.initialize()).account).toMatchObject({ followers: 12, version: 4 });
    expect(await service.accounts.getAccount(MAIN)).toMatchObject({ followers: 12, version: 4 });
  });

  it("makes another admin key only when asked, or when none works any more", async () => {
    const service = aService();
    const { apiKey } = await service.initialize();
    const asked = await service.initialize({ newKey: true });
    expect(asked.apiKey).toMatch(/^pnc_/);
    expect(asked.apiKey).not.toBe(apiKey);
    expect(await service.keys.list(FIRST_OWNER)).toHaveLength(2);

    const other = aService();
    const hash = parseApiKey((await other.initialize()).apiKey ?? "");
    if (!hash.ok) throw new Error("no key");
    const key = await other.keys.get(hash.value);
    if (!key) throw new Error("no key");
    await other.keys.add({ ...key, scopes: ["read"] });
    expect((await other.initialize()).apiKey).toBeDefined();
    for (const held of await other.keys.list(FIRST_OWNER))
      await other.keys.add({ ...held, expiresAt: other.clock.now() });
    expect((await other.initialize()).apiKey).toBeDefined();
  });

  it("gives a second project its own account", async () => {
    const service = aService();
    await service.initialize();
    const second = await service.initialize({ project: "shop", account: "shop", timeZone: "Asia/Shanghai" });
    expect(second).toMatchObject({
      isNewProject: true,
      isNewAccount: true,
      project: { timeZone: "Asia/Shanghai" },
    });
    expect(second).not.toHaveProperty("apiKey");
    expect(await service.accounts.listFolders()).toEqual(["default", "shop"]);
  });

  it("keeps the time zone of a project that exists, and says so when another was asked for", async () => {
    const service = aService();
    await service.initialize();
    expect((await service.initialize({ defaultTimeZone: "UTC" })).warnings).toEqual([]);
    const report = await service.initialize({ timeZone: "UTC" });
    expect(report.project.timeZone).toBe("Europe/Berlin");
    expect(report.warnings).toMatchObject([{ code: "time-zone-kept" }]);
  });

  it.each<[string, Partial<Initialization>, object]>([
    ["a project outside of the drop folder", { project: "../etc" }, { reason: "bad-name", what: "project" }],
    ["an account without a name", { account: "" }, { reason: "bad-name", what: "account" }],
    ["the name that stands for all accounts", { account: "any" }, { reason: "bad-name", what: "account" }],
    ["capital letters", { project: "Default" }, { reason: "bad-name" }],
    ["a long name", { project: "a".repeat(64) }, { reason: "bad-name" }],
    ["no time zone", { timeZone: "Mars/Olympus" }, { reason: "bad-time-zone", timeZone: "Mars/Olympus" }],
  ])("refuses %s and leaves nothing behind", async (_, over, refusal) => {
    const service = aService();
    expect(await service.refuse(over)).toMatchObject({ ok: false, error: refusal });
    expect(await service.accounts.listFolders()).toEqual([]);
    expect(await service.accounts.getAccount(MAIN)).toBeUndefined();
    expect(await service.keys.list(FIRST_OWNER)).toEqual([]);
  });

  it("refuses another account for a project that exists", async () => {
    const service = aService();
    await service.initialize();
    expect(await service.refuse({ account: "second" })).toEqual({
      ok: false,
      error: { reason: "foreign-account", project: "default", accounts: ["main"] },
    });
    expect(await service.accounts.getAccount(accountIdFor(FIRST_OWNER, "second"))).toBeUndefined();
  });

  it("takes as many random bytes as a key needs", async () => {
    const service = aService();
    const sizes: number[] = [];
    await createInitializeService({
      ...service,
      randomBytes: (size) => {
        sizes.push(size);
        return new Uint8Array(size);
      },
    })(WANTED);
    expect(sizes).toEqual([KEY_RANDOM_BYTES]);
  });
});
