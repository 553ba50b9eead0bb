import type { Project } from "#shared/domain/account.ts";
import { ANY_ACCOUNT } from "#shared/domain/account-pool.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import { MAX_SOURCES, newSource, type SourceDefaults } from "#shared/domain/source.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findAccount, findProject, type UnknownAccount, type UnknownProject } from "./find-project.ts";
import type { ShownSource } from "./read-source.ts";

export interface CreateSourceDeps {
  readonly accounts: Pick<
    AccountStore,
    "getAccount" | "getProjectByFolder" | "listProjects" | "listOwnSources" | "addSource"
  >;
}

export interface SourceWish {
  readonly folder: string;
  /** Name. */
  readonly project: string;
  readonly defaults: SourceDefaults;
  readonly enabled: boolean;
}

export type CreateSourceRefusal =
  | UnknownProject
  | UnknownAccount
  | { readonly reason: "source-taken" }
  | { readonly reason: "too-many"; readonly limit: number };

export type CreateSource = (
  ownerId: OwnerId,
  wish: SourceWish,
) => Promise<Result<ShownSource, CreateSourceRefusal>>;

/** Gives a project one more folder to drop files into. */
export function createCreateSource({ accounts }: CreateSourceDeps): CreateSource {
  return async (ownerId, { folder, project: name, defaults, enabled }) => {
    const found = await findProject(accounts, ownerId, name);
    if (!found.ok) return found;
    const project = found.value;
    const checked = await checkDefaults(accounts, project, defaults);
    if (!checked.ok) return checked;
    const sources = await accounts.listOwnSources(ownerId);
    if (sources.filter(({ projectId }) => projectId === project.id).length >= MAX_SOURCES)
      return err({ reason: "too-many", limit: MAX_SOURCES });
    const source = { ...newSource(folder, project.id, defaults), enabled };
    const added = await accounts.addSource(source, project);
    return added.ok ? ok({ source, project }) : added;
  };
}

/** An account that stands in for others must be one of the project's. */
export async function checkDefaults(
  accounts: Pick<AccountStore, "getAccount">,
  project: Project,
  { account }: SourceDefaults,
): Promise<Result<void, UnknownAccount>> {
  if (account === undefined || account === ANY_ACCOUNT) return ok(undefined);
  const found = await findAccount(accounts, project.ownerId, account, project);
  return found.ok ? ok(undefined) : found;
}
