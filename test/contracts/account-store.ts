import { describe, expect, it } from "vitest";
import type { Account, Project } from "#shared/domain/account.ts";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { PolicyVersion } from "#shared/domain/planning/policy-version.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { newSource } from "#shared/domain/source.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { type DueRef, type TaskStore, WAKE_SHARDS } from "#shared/ports/task-store.ts";

let serial = 0;
const fresh = (kind: string): string => `${kind}-${process.pid}-${++serial}`;
const tooDear = { code: "credits-depleted", message: "No credits.", remedy: "Buy some." };

const now = new Date("2026-12-01T01:00:00.000Z");

type DueAccount = Extract<DueRef, { readonly kind: "account" }>;

export interface AccountStoreUnderTest {
  readonly accounts: AccountStore;
  /** Finds what is due in the same table. */
  readonly tasks: Pick<TaskStore, "listDue">;
}

/** What every `AccountStore` promises. Run it against each implementation. */
export function accountStoreContract(name: string, open: () => AccountStoreUnderTest): void {
  const anAccount = (over: Partial<Account> = {}): Account => ({
    id: asAccountId(fresh("account")),
    ownerId: asOwnerId("owner"),
    name: "main",
    maxTextLength: 280,
    status: "active",
    version: 1,
    ...over,
  });
  const aProject = (over: Partial<Project> = {}): Project => {
    const account = asAccountId(fresh("account"));
    return {
      id: asProjectId(fresh("project")),
      ownerId: asOwnerId(fresh("owner")),
      name: fresh("folder"),
      timeZone: "Asia/Shanghai",
      accountIds: [account],
      defaultAccountId: account,
      ...over,
    };
  };

  const aVersion = (over: Partial<PolicyVersion> = {}): PolicyVersion => ({
    version: 1,
    policy: {},
    timeZone: "Asia/Shanghai",
    savedAt: now,
    savedBy: "somebody",
    ...over,
  });

  async function dueAccounts(at: Date): Promise<readonly DueAccount[]> {
    const found: DueRef[] = [];
    for (let shard = 0; shard < WAKE_SHARDS; shard++)
      found.push(...(await open().tasks.listDue(shard, at, 1_000)));
    return found.filter((ref) => ref.kind === "account");
  }

  describe(`AccountStore: ${name}`, () => {
    it("gives back what was saved, and nothing else", async () => {
      const { accounts: store } = open();
      const account = anAccount({
        userId: "1500",
        username: "kites",
        followers: 1_024,
        maxTextLength: 25_000,
        status: "paused",
        reason: tooDear,
      });
      expect(await store.saveAccount(account)).toEqual({ ok: true, value: undefined });
      expect(await store.getAccount(account.id)).toEqual(account);
      expect(await store.getAccount(asAccountId(fresh("account")))).toBeUndefined();
    });

    it("reads many together, and leaves out what is not there", async () => {
      const { accounts: store } = open();
      const [one, two] = [anAccount(), anAccount({ status: "paused" })];
      for (const account of [one, two]) await store.saveAccount(account);
      const found = await store.getAccounts([two.id, asAccountId(fresh("account")), one.id, two.id]);
      expect(found).toHaveLength(2);
      expect(found).toEqual(expect.arrayContaining([one, two]));
      expect(await store.getAccounts([])).toEqual([]);
    });

    it("refuses to replace any version but the one before", async () => {
      const { accounts: store } = open();
      const account = anAccount();
      await store.saveAccount(account);
      const stale = { ok: false, error: { reason: "stale" } };
      expect(await store.saveAccount(account)).toEqual(stale);
      expect(await store.saveAccount({ ...account, version: 3 })).toEqual(stale);
      expect(await store.saveAccount(anAccount({ version: 2 }))).toEqual(stale);
      expect(await store.saveAccount({ ...account, username: "kites", version: 2 })).toEqual({ ok: true });
      expect(await store.getAccount(account.id)).toMatchObject({ username: "kites", version: 2 });
    });

    it("lets one of several concurrent writers win", async () => {
      const { accounts: store } = open();
      const account = anAccount();
      await store.saveAccount(account);
      const written = await Promise.all(
        ["a", "b", "c"].map((username) => store.saveAccount({ ...account, username, version: 2 })),
      );
      expect(written.filter(({ ok }) => ok)).toHaveLength(1);
    });

    it("pauses an active account, and only that", async () => {
      const { accounts: store } = open();
      const account = anAccount();
      await store.saveAccount(account);
      await store.deactivateAccount(account.id, { status: "paused", reason: tooDear });
      const paused = { ...account, status: "paused", reason: tooDear, version: 2 };
      expect(await store.getAccount(account.id)).toEqual(paused);
      const other = { status: "needs-reconnect", reason: { ...tooDear, code: "other" }, until: now } as const;
      await store.deactivateAccount(account.id, other);
      expect(await store.getAccount(account.id)).toEqual(paused);
      expect(await store.saveAccount({ ...account, version: 2 })).toMatchObject({ ok: false });
      expect(await store.saveAccount({ ...account, version: 3 })).toMatchObject({ ok: true });
    });

    it("keeps when a pause ends, and shows the account as due then, and no more once it was resumed", async () => {
      const { accounts: store } = open();
      const account = anAccount();
      const until = new Date(now.getTime() + 86_400_000);
      await store.saveAccount(account);
      const due = async (at: Date) => (await dueAccounts(at)).filter(({ id }) => id === account.id);
      expect(await due(until)).toEqual([]);

      await store.deactivateAccount(account.id, { status: "paused", reason: tooDear, until });
      const paused = { ...account, status: "paused", reason: tooDear, pausedUntil: until, wakeAt: until };
      expect(await store.getAccount(account.id)).toEqual({ ...paused, version: 2 });
      expect(await due(new Date(until.getTime() - 1))).toEqual([]);
      expect(await due(until)).toEqual([{ kind: "account", id: account.id, wakeAt: until }]);

      await store.saveAccount({ ...account, version: 3 });
      expect(await store.getAccount(account.id)).toEqual({ ...account, version: 3 });
      expect(await due(until)).toEqual([]);
    });

    it("shows an account as due that was saved so", async () => {
      const { accounts: store } = open();
      const account = anAccount({ wakeAt: now });
      await store.saveAccount(account);
      expect(await dueAccounts(now)).toContainEqual({ kind: "account", id: account.id, wakeAt: now });
      expect(await store.getAccount(account.id)).toEqual(account);
    });

    it("makes no account by pausing one that does not exist", async () => {
      const { accounts: store } = open();
      const id = asAccountId(fresh("account"));
      await store.deactivateAccount(id, { status: "paused", reason: tooDear, until: now });
      expect(await store.getAccount(id)).toBeUndefined();
      expect((await dueAccounts(now)).map((ref) => ref.id)).not.toContain(id);
    });

    it("replaces the accounts of a project, and nothing else", async () => {
      const { accounts: store } = open();
      const project = aProject({ policy: { dailyMax: 17 }, weight: 3 });
      await store.addProject(project);
      const second = asAccountId(fresh("account"));
      const accountIds = [...project.accountIds, second];
      const stale = { ...project, policy: { dailyMax: 1 }, weight: 1, timeZone: "UTC", name: "renamed" };
      await store.saveProject({ ...stale, accountIds, defaultAccountId: second });
      const next = { ...project, accountIds, defaultAccountId: second, changes: 1 };
      expect(await store.getProject(project.id)).toEqual(next);
      expect(await store.getProjectByFolder(project.name)).toEqual(next);
      expect(await store.listProjects(project.ownerId)).toEqual([next]);
      expect(await store.getProjectByFolder("renamed")).toBeUndefined();
    });

    it("gives back every field of a policy, and takes away what the next version does not have", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await store.addProject(project);
      const policy: Required<Policy> = {
        minIntervalMs: 60_000,
        dailyMin: 2,
        dailyMax: 17,
        blackout: { fromHour: 22, toHour: 6 },
        blackoutDates: ["2026-12-24"],
        holidays: [{ name: "Österreich", dates: ["2026-12-25", "2026-12-26"] }],
        frozen: false,
        monthlyBudgetMicros: 5_000_000,
        optimalHours: [9, 21],
        preferredHours: [],
        jitterMs: 0,
        leadMs: 60_000,
        quotaBuffer: 0.25,
        urgentShare: 0,
        duplicates: { windowMs: 86_400_000, threshold: 0.6, near: "blocks" },
        uniqueMedia: true,
        latePolicy: { postWithinMs: 1_800_000, then: "hold" },
        reconcile: "hold",
      };
      const first = aVersion({ policy, timeZone: "Europe/Vienna", weight: 3 });
      expect(await store.savePolicy(project.id, first)).toEqual({ ok: true, value: undefined });
      const set = { ...project, policy, policyVersion: 1, timeZone: "Europe/Vienna", weight: 3 };
      expect(await store.getProject(project.id)).toEqual(set);
      expect(await store.getProjectByFolder(project.name)).toEqual(set);

      const second = aVersion({ version: 2, policy: { latePolicy: { then: "missed" } }, timeZone: "UTC" });
      await store.savePolicy(project.id, second);
      const { weight: _weight, ...plain } = set;
      expect(await store.getProject(project.id)).toEqual({
        ...plain,
        policy: second.policy,
        policyVersion: 2,
        timeZone: "UTC",
      });
      const third = aVersion({ version: 3, timeZone: "UTC" });
      await store.savePolicy(project.id, third);
      expect(await store.getProject(project.id)).toEqual({ ...project, policyVersion: 3, timeZone: "UTC" });
      expect(await store.listPolicyVersions(project.id, 10)).toEqual([third, second, first]);
    });

    it("refuses to replace any version of a policy but the one before, and keeps no trace of the try", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await store.addProject(project);
      const stale = { ok: false, error: { reason: "stale" } };
      expect(await store.savePolicy(project.id, aVersion({ version: 2 }))).toEqual(stale);
      const first = aVersion({ policy: { dailyMax: 1 } });
      await store.savePolicy(project.id, first);
      expect(await store.savePolicy(project.id, aVersion())).toEqual(stale);
      expect(await store.savePolicy(project.id, aVersion({ version: 3 }))).toEqual(stale);
      expect(await store.listPolicyVersions(project.id, 10)).toEqual([first]);
      expect(await store.getProject(project.id)).toMatchObject({ policy: { dailyMax: 1 }, policyVersion: 1 });
    });

    it("lets one of several people change a policy at a time, while others change the accounts", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await store.addProject(project);
      const second = asAccountId(fresh("account"));
      const [accounts, ...saved] = await Promise.all([
        store.saveProject({ ...project, defaultAccountId: second }),
        ...[1, 2, 3].map((dailyMax) => store.savePolicy(project.id, aVersion({ policy: { dailyMax } }))),
      ]);
      expect(accounts).toEqual({ ok: true });
      expect(saved.filter(({ ok }) => ok)).toHaveLength(1);
      const versions = await store.listPolicyVersions(project.id, 10);
      expect(versions).toHaveLength(1);
      expect(await store.getProject(project.id)).toEqual({
        ...project,
        defaultAccountId: second,
        policy: versions[0]?.policy,
        policyVersion: 1,
        changes: 1,
      });
    });

    it("lists versions of a policy newest first, page by page, and of no other project", async () => {
      const { accounts: store } = open();
      const project = aProject();
      const sibling = aProject({ ownerId: project.ownerId });
      await store.addProject(project);
      await store.addProject(sibling);
      await store.savePolicy(sibling.id, aVersion());
      for (let version = 1; version <= 12; version++)
        await store.savePolicy(project.id, aVersion({ version, policy: { dailyMax: version } }));
      const page = async (limit: number, before?: number) =>
        (await store.listPolicyVersions(project.id, limit, before)).map(({ version }) => version);
      expect(await page(5)).toEqual([12, 11, 10, 9, 8]);
      expect(await page(5, 8)).toEqual([7, 6, 5, 4, 3]);
      expect(await page(5, 3)).toEqual([2, 1]);
      expect(await page(5, 1)).toEqual([]);
      expect(await store.listPolicyVersions(asProjectId(fresh("project")), 5)).toEqual([]);
    });

    it("keeps the policy that a project is made with as its first version", async () => {
      const { accounts: store } = open();
      const project = aProject({ policy: { dailyMax: 5 }, weight: 2 });
      const saved = { savedAt: now, savedBy: "init" };
      expect(await store.addProject(project, { saved })).toEqual({ ok: true, value: undefined });
      expect(await store.getProject(project.id)).toEqual({ ...project, policyVersion: 1 });
      const first = { version: 1, policy: { dailyMax: 5 }, timeZone: project.timeZone, weight: 2, ...saved };
      expect(await store.listPolicyVersions(project.id, 10)).toEqual([first]);

      const plain = aProject();
      await store.addProject({ ...plain, policy: {} }, { saved });
      expect(await store.getProject(plain.id)).toEqual({ ...plain, policyVersion: 1 });
      const rival = aProject({ name: project.name, policy: { dailyMax: 9 } });
      expect(await store.addProject(rival, { saved })).toMatchObject({ ok: false });
      expect(await store.listPolicyVersions(rival.id, 10)).toEqual([]);
    });

    it("makes no project by changing one that does not exist", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await expect(store.saveProject(project)).rejects.toThrow();
      await expect(store.savePolicy(project.id, aVersion())).rejects.toThrow(RangeError);
      expect(await store.listPolicyVersions(project.id, 10)).toEqual([]);
      expect(await store.getProject(project.id)).toBeUndefined();
    });

    it("finds a project by id, folder and owner", async () => {
      const { accounts: store } = open();
      const project = aProject({ name: `${fresh("folder")} 风筝` });
      const sibling = aProject({ ownerId: project.ownerId });
      expect(await store.addProject(project)).toEqual({ ok: true, value: undefined });
      await store.addProject(sibling);
      await store.addProject(aProject());
      expect(await store.getProject(project.id)).toEqual(project);
      expect(await store.getProjectByFolder(project.name)).toEqual(project);
      expect(await store.listFolders()).toEqual(expect.arrayContaining([project.name, sibling.name]));
      const owned = await store.listProjects(project.ownerId);
      expect(owned.map(({ id }) => id).toSorted()).toEqual([project.id, sibling.id].toSorted());
      expect(await store.listProjects(asOwnerId(fresh("owner")))).toEqual([]);
    });

    it("lets one of many note a scan of a source", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await store.addProject(project);
      const find = async () => (await store.listSources()).find(({ folder }) => folder === project.name);
      const source = await find();
      expect(source).toEqual(newSource(project.name, project.id));
      const at = new Date("2026-12-01T01:00:00.000Z");
      const claims = await Promise.all(
        Array.from({ length: 4 }, () => store.claimScan({ folder: project.name }, at)),
      );
      expect(claims.filter(Boolean)).toHaveLength(1);
      expect(await find()).toEqual({ ...newSource(project.name, project.id), lastScanAt: at, version: 2 });
      expect(await store.claimScan({ folder: project.name }, at)).toBe(false);
      expect(
        await store.claimScan({ folder: project.name, lastScanAt: at }, new Date(at.getTime() + 1)),
      ).toBe(true);
      expect(await store.getProjectByFolder(project.name)).toEqual(project);
    });

    it("knows nothing under a name that is only the beginning of a folder", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await store.addProject(project);
      expect(await store.getProjectByFolder(project.name.slice(0, -1))).toBeUndefined();
      expect(await store.getProjectByFolder("")).toBeUndefined();
    });

    it("gives a folder to one project only, and leaves nothing of the other", async () => {
      const { accounts: store } = open();
      const project = aProject();
      const rival = aProject({ name: project.name });
      const added = await Promise.all([store.addProject(project), store.addProject(rival)]);
      expect(added.filter(({ ok }) => ok)).toHaveLength(1);
      expect(added).toContainEqual({ ok: false, error: { reason: "source-taken" } });
      const [winner, loser] = added[0]?.ok ? [project, rival] : [rival, project];
      expect(await store.getProjectByFolder(project.name)).toEqual(winner);
      expect(await store.getProject(loser.id)).toBeUndefined();
      expect(await store.listProjects(loser.ownerId)).toEqual([]);
    });

    it("lists an owner's accounts by name, whether or not a project posts with them", async () => {
      const { accounts: store } = open();
      const ownerId = asOwnerId(fresh("owner"));
      const second = anAccount({ ownerId, name: "second" });
      const first = anAccount({ ownerId, name: "first" });
      await store.saveAccount(second);
      await store.saveAccount(first);
      await store.saveAccount(anAccount({ ownerId: asOwnerId(fresh("owner")) }));
      await store.addProject(aProject({ ownerId, accountIds: [first.id], defaultAccountId: first.id }));
      await store.saveAccount({ ...second, username: "kites", version: 2 });
      expect(await store.listAccounts(ownerId)).toEqual([
        first,
        { ...second, username: "kites", version: 2 },
      ]);
      expect(await store.listAccounts(asOwnerId(fresh("owner")))).toEqual([]);
    });

    it("gives nobody an account of another owner, even if a project names it", async () => {
      const { accounts: store } = open();
      const foreign = anAccount({ ownerId: asOwnerId(fresh("owner")) });
      await store.saveAccount(foreign);
      const project = aProject({ accountIds: [foreign.id], defaultAccountId: foreign.id });
      await store.addProject(project);
      expect(await store.listAccounts(project.ownerId)).toEqual([]);
    });

    it("replaces the accounts of a project only as it was read, if asked to", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await store.addProject(project);
      const second = asAccountId(fresh("account"));
      const change = { ...project, accountIds: [second], defaultAccountId: second };
      const stale = { ok: false, error: { reason: "stale" } };
      await store.savePolicy(project.id, aVersion());
      expect(await store.saveProject(change, {})).toEqual(stale);
      expect(await store.saveProject(change, { policyVersion: 1 })).toEqual({ ok: true });
      expect(await store.saveProject(change, { policyVersion: 1 })).toEqual(stale);
      expect(await store.saveProject(change, { policyVersion: 1, changes: 1 })).toEqual({ ok: true });
      expect(await store.getProject(project.id)).toMatchObject({ accountIds: [second], changes: 2 });
      expect(await store.saveProject({ ...change, id: asProjectId(fresh("project")) }, {})).toEqual(stale);
    });

    it("takes a name once of each owner, and leaves nothing of the second try", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await store.addProject(project, { withSource: false });
      const rival = aProject({ ownerId: project.ownerId, name: project.name });
      const added = await store.addProject(rival);
      expect(added).toEqual({ ok: false, error: { reason: "name-taken" } });
      expect(await store.getProject(rival.id)).toBeUndefined();
      expect(await store.getSource(project.name)).toBeUndefined();
      const elsewhere = aProject({ name: project.name });
      expect(await store.addProject(elsewhere)).toEqual({ ok: true });
      expect(await store.listOwnSources(elsewhere.ownerId)).toEqual([newSource(project.name, elsewhere.id)]);
      expect(await store.listOwnSources(project.ownerId)).toEqual([]);
    });

    it("gives a project more folders, each to one project only", async () => {
      const { accounts: store } = open();
      const project = aProject();
      const other = aProject();
      await store.addProject(project);
      await store.addProject(other);
      const defaults = {
        account: "main",
        priority: 2,
        language: "zh",
        latePolicy: { postWithinMs: 60_000, then: "hold" },
        reconcile: "hold",
        strategy: "optimal",
        reuseMedia: true,
      } as const;
      const source = newSource(fresh("press"), project.id, defaults);
      const added = await Promise.all([
        store.addSource(source, project),
        store.addSource({ ...source, projectId: other.id }, other),
      ]);
      expect(added.filter(({ ok }) => ok)).toHaveLength(1);
      expect(added).toContainEqual({ ok: false, error: { reason: "source-taken" } });
      const [winner, loser] = added[0]?.ok ? [project, other] : [other, project];
      expect(await store.getSource(source.folder)).toEqual({ ...source, projectId: winner.id });
      expect(await store.getProjectByFolder(source.folder)).toEqual({ ...winner, changes: 1 });
      expect(await store.listFolders()).toContain(source.folder);
      expect((await store.listOwnSources(winner.ownerId)).map(({ folder }) => folder)).toEqual(
        [winner.name, source.folder].toSorted(),
      );
      expect((await store.listOwnSources(loser.ownerId)).map(({ folder }) => folder)).toEqual([loser.name]);
      expect(await store.getProject(loser.id)).toEqual(loser);
      await expect(
        store.addSource(newSource(fresh("press"), asProjectId(fresh("project"))), project),
      ).rejects.toThrow(RangeError);
    });

    it("replaces a source whose version is one less, and keeps what scans noted", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await store.addProject(project);
      const source = newSource(project.name, project.id);
      await store.claimScan(source, now);
      const stale = { ok: false, error: { reason: "stale" } };
      const next = { ...source, enabled: false, defaults: { priority: 1 }, version: 3 };
      expect(await store.saveSource({ ...next, version: 2 })).toEqual(stale);
      expect(await store.saveSource(next)).toEqual({ ok: true });
      expect(await store.saveSource(next)).toEqual(stale);
      expect(await store.getSource(project.name)).toEqual({ ...next, lastScanAt: now });
      expect(await store.saveSource({ ...next, enabled: true, defaults: {}, version: 4 })).toEqual({
        ok: true,
      });
      expect(await store.saveSource({ ...newSource(fresh("none"), project.id), version: 2 })).toEqual(stale);
    });

    it("lets go of a folder, which only its owner may have again", async () => {
      const { accounts: store } = open();
      const project = aProject();
      const other = aProject();
      await store.addProject(project);
      await store.addProject(other);
      const source = newSource(project.name, project.id);
      const stale = { ok: false, error: { reason: "stale" } };
      expect(await store.removeSource({ ...source, version: 2 }, project)).toEqual(stale);
      expect(await store.removeSource(source, project)).toEqual({ ok: true });
      expect(await store.removeSource(source, project)).toEqual(stale);
      expect(await store.getSource(project.name)).toBeUndefined();
      expect(await store.getProjectByFolder(project.name)).toBeUndefined();
      expect(await store.listFolders()).not.toContain(project.name);
      expect(await store.listOwnSources(project.ownerId)).toEqual([]);
      expect(await store.claimScan(source, now)).toBe(false);
      const taken = { ok: false, error: { reason: "source-taken" } };
      expect(await store.addSource({ ...source, projectId: other.id }, other)).toEqual(taken);
      expect(await store.addProject(aProject({ name: project.name }))).toEqual(taken);
      expect(await store.addSource(source, project)).toEqual({ ok: true });
      expect(await store.getSource(project.name)).toEqual(source);
    });

    it("deletes a project as it was read, its name and its folders with it", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await store.addProject(project);
      const source = newSource(fresh("press"), project.id);
      await store.addSource(source, project);
      const stale = { ok: false, error: { reason: "stale" } };
      expect(await store.removeProject(project)).toEqual(stale);
      const read = await store.getProject(project.id);
      if (!read) throw new Error("the project is gone");
      expect(await store.removeProject(read)).toEqual({ ok: true });
      expect(await store.removeProject(read)).toEqual(stale);
      expect(await store.getProject(project.id)).toBeUndefined();
      expect(await store.listProjects(project.ownerId)).toEqual([]);
      expect(await store.listOwnSources(project.ownerId)).toEqual([]);
      for (const folder of [project.name, source.folder]) {
        expect(await store.getSource(folder)).toBeUndefined();
        expect(await store.getProjectByFolder(folder)).toBeUndefined();
      }
      await expect(store.saveProject(project)).rejects.toThrow();
      const again = aProject({ ownerId: project.ownerId, name: project.name });
      expect(await store.addProject(again)).toEqual({ ok: true });
      expect(await store.getProjectByFolder(project.name)).toEqual(again);
    });
  });
}
