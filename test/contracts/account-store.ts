import { describe, expect, it } from "vitest";
import type { Account, Project } from "#shared/domain/account.ts";
import { asAccountId, asOwnerId, asProjectId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";

let serial = 0;
const fresh = (kind: string): string => `${kind}-${process.pid}-${++serial}`;
const tooDear = { code: "credits-depleted", message: "No credits.", remedy: "Buy some." };

/** What every `AccountStore` promises. Run it against each implementation. */
export function accountStoreContract(name: string, open: () => AccountStore): void {
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

  describe(`AccountStore: ${name}`, () => {
    it("gives back what was saved, and nothing else", async () => {
      const store = open();
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
      const store = open();
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
      const store = open();
      const account = anAccount();
      await store.saveAccount(account);
      const written = await Promise.all(
        ["a", "b", "c"].map((username) => store.saveAccount({ ...account, username, version: 2 })),
      );
      expect(written.filter(({ ok }) => ok)).toHaveLength(1);
    });

    it("pauses an active account, and only that", async () => {
      const store = open();
      const account = anAccount();
      await store.saveAccount(account);
      await store.deactivateAccount(account.id, "paused", tooDear);
      const paused = { ...account, status: "paused", reason: tooDear, version: 2 };
      expect(await store.getAccount(account.id)).toEqual(paused);
      await store.deactivateAccount(account.id, "needs-reconnect", { ...tooDear, code: "other" });
      expect(await store.getAccount(account.id)).toEqual(paused);
      expect(await store.saveAccount({ ...account, version: 2 })).toMatchObject({ ok: false });
      expect(await store.saveAccount({ ...account, version: 3 })).toMatchObject({ ok: true });
    });

    it("makes no account by pausing one that does not exist", async () => {
      const store = open();
      const id = asAccountId(fresh("account"));
      await store.deactivateAccount(id, "paused", tooDear);
      expect(await store.getAccount(id)).toBeUndefined();
    });

    it("finds a project by id, folder and owner", async () => {
      const store = open();
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
      const store = open();
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
      const store = open();
      const project = aProject();
      await store.addProject(project);
      expect(await store.getProjectByFolder(project.name.slice(0, -1))).toBeUndefined();
      expect(await store.getProjectByFolder("")).toBeUndefined();
    });

    it("gives a folder to one project only, and leaves nothing of the other", async () => {
      const store = open();
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
