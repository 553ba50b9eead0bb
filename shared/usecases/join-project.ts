import type { Project } from "#shared/domain/account.ts";
import type { AccountId, OwnerId } from "#shared/domain/ids.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { findProject, type UnknownProject } from "./find-project.ts";

const MAX_RACES = 5;

export interface JoinedProject {
  readonly project: Project;
  /** It could not post with the account before. */
  readonly isNew: boolean;
}

/**
 * Lets a project post with one account more, whoever changes its accounts at the same time. Safe to repeat.
 *
 * @throws DependencyFault when somebody else was faster every time
 */
export async function joinProject(
  accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects" | "saveProject">,
  ownerId: OwnerId,
  name: string,
  accountId: AccountId,
): Promise<Result<JoinedProject, UnknownProject>> {
  for (let race = 0; race < MAX_RACES; race++) {
    const found = await findProject(accounts, ownerId, name);
    if (!found.ok) return found;
    const project = found.value;
    if (project.accountIds.includes(accountId)) return ok({ project, isNew: false });
    const next = { ...project, accountIds: [...project.accountIds, accountId] };
    if ((await accounts.saveProject(next, project)).ok) return ok({ project: next, isNew: true });
  }
  throw new DependencyFault("the project was changed by somebody else every time");
}
