import type { Project } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { PolicyVersion } from "#shared/domain/planning/policy-version.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { findProject, type UnknownProject } from "./find-project.ts";

/** The project with its policy. Another owner's is refused like one that does not exist. */
export type ReadPolicy = (ownerId: OwnerId, project: string) => Promise<Result<Project, UnknownProject>>;

export const createReadPolicy =
  ({
    accounts,
  }: {
    readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects">;
  }): ReadPolicy =>
  (ownerId, name) =>
    findProject(accounts, ownerId, name);

export interface PolicyVersionPage {
  readonly versions: readonly PolicyVersion[];
  /** Older ones follow: those before this version. */
  readonly next?: number;
}

/** Versions of a project's policy, newest first. @param before - only those older than this version */
export type ListPolicyVersions = (
  ownerId: OwnerId,
  project: string,
  page: { readonly limit: number; readonly before?: number | undefined },
) => Promise<Result<PolicyVersionPage, UnknownProject>>;

export function createListPolicyVersions({
  accounts,
}: {
  readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects" | "listPolicyVersions">;
}): ListPolicyVersions {
  return async (ownerId, name, { limit, before }) => {
    const found = await findProject(accounts, ownerId, name);
    if (!found.ok) return found;
    const versions = await accounts.listPolicyVersions(found.value.id, limit, before);
    const oldest = versions.at(-1)?.version ?? 1;
    return ok({ versions, ...(oldest > 1 && { next: oldest }) });
  };
}
