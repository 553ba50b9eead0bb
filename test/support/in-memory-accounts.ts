import type { Account, Project } from "#shared/domain/account.ts";
import type { AccountId, ProjectId } from "#shared/domain/ids.ts";
import type { PolicyVersion } from "#shared/domain/planning/policy-version.ts";
import type { Policy } from "#shared/domain/planning/rules.ts";
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
  const folders = new Map<string, ProjectId>();
  const policies = new Map<ProjectId, readonly PolicyVersion[]>();
  const scans = new Map<string, Date>();

  const getProject: AccountStore["getProject"] = async (id) => projects.get(id);
  const savePolicy: AccountStore["savePolicy"] = async (id, next) => {
    const known = projects.get(id);
    if (!known) throw new RangeError(`there is no project ${id}`);
    if ((known.policyVersion ?? 0) !== next.version - 1) return err({ reason: "stale" });
    projects.set(id, withPolicy(known, next));
    policies.set(id, [next, ...(policies.get(id) ?? [])]);
    return ok(undefined);
  };
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
    async saveProject({ id, accountIds, defaultAccountId }) {
      const known = projects.get(id);
      if (!known) throw new RangeError(`there is no project ${id}`);
      projects.set(id, { ...known, accountIds, defaultAccountId });
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
    async addProject(project, saved) {
      const { id, name, policy = {}, timeZone, weight } = project;
      if (folders.has(name)) return err({ reason: "name-taken" });
      if (projects.has(id)) throw new RangeError(`there is a project ${id} already`);
      folders.set(name, id);
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
  };
}
