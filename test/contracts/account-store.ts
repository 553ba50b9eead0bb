import { describe, expect, it } from "vitest";
import type { Account, Project } from "#shared/domain/account.ts";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
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
        maxTextLength: 25_000,
        status: "paused",
        reason: tooDear,
      });
      expect(await store.saveAccount(account)).toEqual({ ok: true, value: undefined });
      expect(await store.getAccount(account.id)).toEqual(account);
      expect(await store.getAccount(asAccountId(fresh("account")))).toBeUndefined();
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

    it("replaces what people set of a project, and nothing else", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await store.addProject(project);
      const second = asAccountId(fresh("account"));
      const policy = {
        minIntervalMs: 60_000,
        dailyMax: 17,
        blackout: { fromHour: 22, toHour: 6 },
        frozen: false,
        monthlyBudgetMicros: 5_000_000,
      };
      const set = {
        ...project,
        accountIds: [...project.accountIds, second],
        defaultAccountId: second,
        timeZone: "Europe/Vienna",
        policy,
        weight: 3,
      };
      await store.saveProject({ ...set, name: "renamed", ownerId: asOwnerId(fresh("owner")) });
      expect(await store.getProject(project.id)).toEqual(set);
      expect(await store.getProjectByFolder(project.name)).toEqual(set);
      expect(await store.listProjects(project.ownerId)).toEqual([set]);
      expect(await store.getProjectByFolder("renamed")).toBeUndefined();

      await store.saveProject({ ...set, policy: { dailyMax: 1 } });
      expect(await store.getProject(project.id)).toEqual({ ...set, policy: { dailyMax: 1 } });
      const { policy: _policy, weight: _weight, ...plain } = set;
      await store.saveProject(plain);
      expect(await store.getProject(project.id)).toEqual(plain);
    });

    it("makes no project by changing one that does not exist", async () => {
      const { accounts: store } = open();
      const project = aProject();
      await expect(store.saveProject(project)).rejects.toThrow();
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
      expect(source).toEqual({ folder: project.name });
      const at = new Date("2026-12-01T01:00:00.000Z");
      const claims = await Promise.all(
        Array.from({ length: 4 }, () => store.claimScan({ folder: project.name }, at)),
      );
      expect(claims.filter(Boolean)).toHaveLength(1);
      expect(await find()).toEqual({ folder: project.name, lastScanAt: at });
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
      expect(added).toContainEqual({ ok: false, error: { reason: "name-taken" } });
      const [winner, loser] = added[0]?.ok ? [project, rival] : [rival, project];
      expect(await store.getProjectByFolder(project.name)).toEqual(winner);
      expect(await store.getProject(loser.id)).toBeUndefined();
      expect(await store.listProjects(loser.ownerId)).toEqual([]);
    });
  });
}
