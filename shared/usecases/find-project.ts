import { type Account, accountIdFor, type Project } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

export interface UnknownProject {
  readonly reason: "unknown-project";
  readonly name: string;
  /** Names of the owner's projects. */
  readonly known: readonly string[];
}

export interface UnknownAccount {
  readonly reason: "unknown-account";
  readonly name: string;
}

/** The owner's project of that name. Another owner's is the same as one that does not exist. */
export async function findProject(
  accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects">,
  ownerId: OwnerId,
  name: string,
): Promise<Result<Project, UnknownProject>> {
  // Most projects have the folder of their name: that is found without a list.
  const likely = await accounts.getProjectByFolder(name);
  if (likely?.ownerId === ownerId && likely.name === name) return ok(likely);
  const own = await accounts.listProjects(ownerId);
  const project = own.find((one) => one.name === name);
  if (project) return ok(project);
  return err({ reason: "unknown-project", name, known: own.map((one) => one.name).toSorted() });
}

/** The owner's account of that name; with a project, only one that the project may post with. */
export async function findAccount(
  accounts: Pick<AccountStore, "getAccount">,
  ownerId: OwnerId,
  name: string,
  project?: Project,
): Promise<Result<Account, UnknownAccount>> {
  const id = accountIdFor(ownerId, name);
  const isAllowed = project === undefined || project.accountIds.includes(id);
  const account = isAllowed ? await accounts.getAccount(id) : undefined;
  return account?.ownerId === ownerId ? ok(account) : err({ reason: "unknown-account", name });
}
