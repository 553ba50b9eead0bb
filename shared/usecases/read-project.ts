import type { Project } from "#shared/domain/account.ts";
import type { AccountId, OwnerId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { findProject, type UnknownProject } from "./find-project.ts";

/** A project with the names of what belongs to it. */
export interface ShownProject {
  readonly project: Project;
  readonly accounts: readonly string[];
  readonly defaultAccount: string;
  /** Folders under `drop/`. */
  readonly sources: readonly string[];
}

export type ShowProjectDeps = Pick<AccountStore, "getAccount" | "listOwnSources">;

/** @param projects - of this owner */
async function showProjects(
  accounts: ShowProjectDeps,
  ownerId: OwnerId,
  projects: readonly Project[],
): Promise<readonly ShownProject[]> {
  const ids = new Set(
    projects.flatMap(({ accountIds, defaultAccountId }) => [...accountIds, defaultAccountId]),
  );
  const [sources, found] = await Promise.all([
    accounts.listOwnSources(ownerId),
    Promise.all([...ids].map((id) => accounts.getAccount(id))),
  ]);
  const names = new Map(found.flatMap((account) => (account ? [[account.id, account.name] as const] : [])));
  const nameOf = (id: AccountId): string => names.get(id) ?? id;
  return projects.map((project) => ({
    project,
    accounts: project.accountIds.map(nameOf),
    defaultAccount: nameOf(project.defaultAccountId),
    sources: sources.filter(({ projectId }) => projectId === project.id).map(({ folder }) => folder),
  }));
}

export async function showProject(accounts: ShowProjectDeps, project: Project): Promise<ShownProject> {
  const [shown] = await showProjects(accounts, project.ownerId, [project]);
  if (!shown) throw new RangeError("a project was not shown");
  return shown;
}

export type ListProjects = (ownerId: OwnerId) => Promise<readonly ShownProject[]>;

/** All projects of an owner, by name. */
export function createListProjects({
  accounts,
}: {
  readonly accounts: ShowProjectDeps & Pick<AccountStore, "listProjects">;
}): ListProjects {
  return async (ownerId) => {
    const projects = await accounts.listProjects(ownerId);
    const byName = projects.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return showProjects(accounts, ownerId, byName);
  };
}

export type ReadProject = (ownerId: OwnerId, name: string) => Promise<Result<ShownProject, UnknownProject>>;

export function createReadProject({
  accounts,
}: {
  readonly accounts: ShowProjectDeps & Pick<AccountStore, "getProjectByFolder" | "listProjects">;
}): ReadProject {
  return async (ownerId, name) => {
    const found = await findProject(accounts, ownerId, name);
    return found.ok ? ok(await showProject(accounts, found.value)) : found;
  };
}
