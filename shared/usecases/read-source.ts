import type { Project } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Source } from "#shared/domain/source.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface ShownSource {
  readonly source: Source;
  readonly project: Project;
}

export interface UnknownSource {
  readonly reason: "unknown-source";
}

/** The owner's source of that folder. Another owner's is the same as one that does not exist. */
export async function findSource(
  accounts: Pick<AccountStore, "getSource" | "getProject">,
  ownerId: OwnerId,
  folder: string,
): Promise<Result<ShownSource, UnknownSource>> {
  const source = await accounts.getSource(folder);
  const project = source && (await accounts.getProject(source.projectId));
  return source && project?.ownerId === ownerId ? ok({ source, project }) : err({ reason: "unknown-source" });
}

export type ReadSource = (ownerId: OwnerId, folder: string) => Promise<Result<ShownSource, UnknownSource>>;

export const createReadSource =
  ({ accounts }: { readonly accounts: Pick<AccountStore, "getSource" | "getProject"> }): ReadSource =>
  (ownerId, folder) =>
    findSource(accounts, ownerId, folder);

export type ListSources = (ownerId: OwnerId) => Promise<readonly ShownSource[]>;

/** All sources of an owner, by name. */
export function createListSources({
  accounts,
}: {
  readonly accounts: Pick<AccountStore, "listOwnSources" | "listProjects">;
}): ListSources {
  return async (ownerId) => {
    const [sources, projects] = await Promise.all([
      accounts.listOwnSources(ownerId),
      accounts.listProjects(ownerId),
    ]);
    const byId = new Map(projects.map((project) => [project.id, project]));
    return sources.flatMap((source) => {
      const project = byId.get(source.projectId);
      return project ? [{ source, project }] : [];
    });
  };
}
