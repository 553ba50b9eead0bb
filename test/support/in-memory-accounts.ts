import type { Account, Project } from "#shared/domain/account.ts";
import type { AccountId, OwnerId, ProjectId } from "#shared/domain/ids.ts";
import type { PolicyVersion } from "#shared/domain/planning/policy-version.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
import { newSource, type Source } from "#shared/domain/source.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { DueRef } from "#shared/ports/task-store.ts";
import { err, ok } from "#shared/result.ts";

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export interface InMemoryAccounts extends AccountStore {
  /** What the sweeper would find of them. */
  due(): readonly DueRef[];
  /** Saves the next version of a project's policy, with the zone and weight that it has. */
  setPolicy(id: ProjectId, policy: Policy): Promise<void>;
}

const withPolicy = (
  { policy: _policy, weight: _weight, ...project }: Project,
  { version, policy, timeZone, weight }: PolicyVersion,
): Project => ({
  ...project,
  policyVersion: version,
  timeZone,
  ...(Object.keys(policy).length > 0 && { policy }),
  ...(weight !== undefined && { weight }),
});

export function createInMemoryAccounts(): InMemoryAccounts {
  const accounts = new Map<AccountId, Account>();
  const projects = new Map<ProjectId, Project>();
  const sources = new Map<string, Source>();
  /** Whose a folder is, also after it was let go of. */
  const holders = new Map<string, OwnerId>();
  const policies = new Map<ProjectId, readonly PolicyVersion[]>();

  const getProject: AccountStore["getProject"] = async (id) => projects.get(id);
  const savePolicy: AccountStore["savePolicy"] = async (id, next) => {
    const known = projects.get(id);
    if (!known) throw new RangeError(`there is no project ${id}`);
    if ((known.policyVersion ?? 0) !== next.version - 1) return err({ reason: "stale" });
    projects.set(id, withPolicy(known, next));
    policies.set(id, [next, ...(policies.get(id) ?? [])]);
    return ok(undefined);
  };
  const isTaken = (folder: string, ownerId: OwnerId): boolean =>
    sources.has(folder) || (holders.get(folder) ?? ownerId) !== ownerId;
  const bump = (id: ProjectId): void => {
    const project = projects.get(id);
    if (!project) throw new RangeError(`there is no project ${id}`);
    projects.set(id, { ...project, changes: (project.changes ?? 0) + 1 });
  };
  const keep = (source: Source, ownerId: OwnerId): void => {
    sources.set(source.folder, source);
    holders.set(source.folder, ownerId);
  };
  const byFolder = (): readonly Source[] =>
    [...sources.values()].toSorted((a, b) => (a.folder < b.folder ? -1 : 1));
  return {
    due: () =>
      [...accounts.values()].flatMap(({ id, wakeAt }) =>
        wakeAt ? [{ kind: "account" as const, id, wakeAt }] : [],
      ),
    getProject,
    async getAccount(id) {
      return accounts.get(id);
    },
    async getAccounts(ids) {
      return [...new Set(ids)].flatMap((id) => accounts.get(id) ?? []);
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
    async listAccounts(ownerId) {
      return [...accounts.values()]
        .filter((account) => account.ownerId === ownerId)
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    async saveProject({ id, accountIds, defaultAccountId }, seen) {
      const known = projects.get(id);
      if (!known && !seen) throw new RangeError(`there is no project ${id}`);
      if (!known || (seen && (seen.policyVersion !== known.policyVersion || seen.changes !== known.changes)))
        return err({ reason: "stale" });
      projects.set(id, { ...known, accountIds, defaultAccountId });
      bump(id);
      return ok(undefined);
    },
    savePolicy,
    async setPolicy(id, policy) {
      const { policyVersion = 0, timeZone = "UTC", weight } = projects.get(id) ?? {};
      await savePolicy(id, {
        version: policyVersion + 1,
        policy,
        timeZone,
        ...(weight !== undefined && { weight }),
        savedAt: new Date(0),
        savedBy: "test",
      });
    },
    async listPolicyVersions(id, limit, before = Number.POSITIVE_INFINITY) {
      return (policies.get(id) ?? []).filter(({ version }) => version < before).slice(0, limit);
    },
    async getProjectByFolder(folder) {
      const source = sources.get(folder);
      return source && getProject(source.projectId);
    },
    async listFolders() {
      return byFolder().map(({ folder }) => folder);
    },
    async getSource(folder) {
      return sources.get(folder);
    },
    async listSources() {
      return byFolder();
    },
    async listOwnSources(ownerId) {
      return byFolder().filter(({ projectId }) => projects.get(projectId)?.ownerId === ownerId);
    },
    async addSource(source, { ownerId }) {
      if (isTaken(source.folder, ownerId)) return err({ reason: "source-taken" });
      bump(source.projectId);
      keep(source, ownerId);
      return ok(undefined);
    },
    async saveSource(next) {
      const known = sources.get(next.folder);
      if (known?.version !== next.version - 1) return err({ reason: "stale" });
      const { folder, enabled, defaults, version } = next;
      sources.set(folder, { ...known, enabled, defaults, version });
      return ok(undefined);
    },
    async removeSource({ folder, version, projectId }) {
      if (sources.get(folder)?.version !== version) return err({ reason: "stale" });
      sources.delete(folder);
      bump(projectId);
      return ok(undefined);
    },
    async claimScan({ folder, lastScanAt }, at) {
      const source = sources.get(folder);
      if (!source || source.lastScanAt?.getTime() !== lastScanAt?.getTime()) return false;
      sources.set(folder, { ...source, lastScanAt: at, version: source.version + 1 });
      return true;
    },
    async listProjects(ownerId) {
      return [...projects.values()].filter((project) => project.ownerId === ownerId);
    },
    async addProject(project, { saved, withSource = true } = {}) {
      const { id, ownerId, name, policy = {}, timeZone, weight } = project;
      if ([...projects.values()].some((other) => other.ownerId === ownerId && other.name === name))
        return err({ reason: "name-taken" });
      if (withSource && isTaken(name, ownerId)) return err({ reason: "source-taken" });
      if (projects.has(id)) throw new RangeError(`there is a project ${id} already`);
      if (withSource) keep(newSource(name, id), ownerId);
      const first = saved && {
        version: 1,
        policy,
        timeZone,
        ...(weight !== undefined && { weight }),
        ...saved,
      };
      projects.set(id, first ? withPolicy(project, first) : project);
      if (first) policies.set(id, [first]);
      return ok(undefined);
    },
    async removeProject({ id, policyVersion, changes }) {
      const known = projects.get(id);
      if (!known || known.policyVersion !== policyVersion || known.changes !== changes)
        return err({ reason: "stale" });
      projects.delete(id);
      for (const { folder, projectId } of byFolder()) if (projectId === id) sources.delete(folder);
      return ok(undefined);
    },
  };
}
