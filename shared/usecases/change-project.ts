import { projectVersionOf } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import type { StaleVersion } from "./change-own-account.ts";
import { chooseAccounts, type ForeignDefault } from "./create-project.ts";
import { findProject, type UnknownAccount, type UnknownProject } from "./find-project.ts";
import { type ShownProject, type ShowProjectDeps, showProject } from "./read-project.ts";

/** Somebody else's write in between is no reason to give up. */
const MAX_RACES = 5;

export interface ChangeProjectDeps {
  readonly accounts: ShowProjectDeps &
    Pick<AccountStore, "getAccount" | "getProjectByFolder" | "listProjects" | "saveProject">;
}

export interface ProjectChange {
  /** Names of all its accounts. Absent: those that it has. */
  readonly accounts?: readonly string[] | undefined;
  /** Absent: the one that it has, which must then stay among its accounts. */
  readonly defaultAccount?: string | undefined;
  readonly ifVersion?: number | undefined;
}

export type ChangeProject = (
  ownerId: OwnerId,
  name: string,
  change: ProjectChange,
) => Promise<Result<ShownProject, UnknownProject | UnknownAccount | ForeignDefault | StaleVersion>>;

/** Changes which accounts a project posts with, from the next post on. What is planned stays with its account. */
export function createChangeProject({ accounts }: ChangeProjectDeps): ChangeProject {
  return async (ownerId, name, { accounts: names, defaultAccount, ifVersion }) => {
    for (let race = 0; race < MAX_RACES; race++) {
      const found = await findProject(accounts, ownerId, name);
      if (!found.ok) return found;
      const project = found.value;
      const version = projectVersionOf(project);
      if (ifVersion !== undefined && ifVersion !== version) return err({ reason: "stale", version });
      const shown = await showProject(accounts, project);
      const chosen = await chooseAccounts(
        accounts,
        ownerId,
        names ?? shown.accounts,
        defaultAccount ?? shown.defaultAccount,
      );
      if (!chosen.ok) return chosen;
      const saved = await accounts.saveProject({ id: project.id, ...chosen.value }, project);
      if (saved.ok)
        return ok(
          await showProject(accounts, { ...project, ...chosen.value, changes: (project.changes ?? 0) + 1 }),
        );
    }
    throw new DependencyFault(`the project ${name} is written by somebody else without end`);
  };
}
