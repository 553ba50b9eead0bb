import type { Account, Project } from "#shared/domain/account.ts";
import type { AccountId, ProjectId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { DueRef } from "#shared/ports/task-store.ts";
import { err, ok } from "#shared/result.ts";

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export interface InMemoryAccounts extends AccountStore {
  /** What the sweeper would find of them. */
  due(): readonly DueRef[];
}

export function createInMemoryAccounts(): InMemoryAccounts {
  const accounts = new Map<AccountId, Account>();
  const projects = new Map<ProjectId, Project>();
  const folders = new Map<string, ProjectId>();
  const scans = new Map<string, Date>();

  const getProject: AccountStore["getProject"] = async (id) => projects.get(id);
  return {
    due: () =>
      [...accounts.values()].flatMap(({ id, wakeAt }) =>
        wakeAt ? [{ kind: "account" as const, id, wakeAt }] : [],
      ),
    getProject,
    async getAccount(id) {
      return accounts.get(id);
    },
    async saveAccount(next) {
      if ((accounts.get(next.id)?.version ?? 0) !== next.version - 1) return err({ reason: "stale" });
      accounts.set(next.id, next);
      return ok(undefined);
    },
    async deactivateAccount(id, { status, reason, until }) {
      const account = accounts.get(id);
      if (account?.status !== "active") return;
      const pause = until && { pausedUntil: until, wakeAt: until };
      accounts.set(id, { ...account, status, reason, ...pause, version: account.version + 1 });
    },
    async saveProject(project) {
      const known = projects.get(project.id);
      if (!known) throw new RangeError(`there is no project ${project.id}`);
      const { id, ownerId, name } = known;
      projects.set(id, { ...project, id, ownerId, name });
    },
    async getProjectByFolder(folder) {
      const id = folders.get(folder);
      return id && getProject(id);
    },
    async listFolders() {
      return [...folders.keys()].toSorted();
    },
    async listSources() {
      return [...folders.keys()].toSorted().map((folder) => {
        const lastScanAt = scans.get(folder);
        return { folder, ...(lastScanAt && { lastScanAt }) };
      });
    },
    async claimScan({ folder, lastScanAt }, at) {
      if (scans.get(folder)?.getTime() !== lastScanAt?.getTime()) return false;
      scans.set(folder, at);
      return true;
    },
    async listProjects(ownerId) {
      return [...projects.values()].filter((project) => project.ownerId === ownerId);
    },
    async addProject(project) {
      if (folders.has(project.name)) return err({ reason: "name-taken" });
      if (projects.has(project.id)) throw new RangeError(`there is a project ${project.id} already`);
      folders.set(project.name, project.id);
      projects.set(project.id, project);
      return ok(undefined);
    },
  };
}
