import type { Project } from "#shared/domain/account.ts";
import { type AccountId, asProjectId, type OwnerId } from "#shared/domain/ids.ts";
import { isTimeZone } from "#shared/domain/local-clock.ts";
import { DEFAULT_PRESET, PRESETS, type PresetName } from "#shared/domain/planning/presets.ts";
import { rulesOf } from "#shared/domain/planning/rules.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { quote } from "#shared/domain/words.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { type EnsureFillJobDeps, ensureFillJob } from "./ensure-fill-job.ts";
import { findAccount, type UnknownAccount } from "./find-project.ts";
import { type ShownProject, type ShowProjectDeps, showProject } from "./read-project.ts";

/** Of one owner: a list of them is read at once. */
const MAX_PROJECTS = 100;

export interface CreateProjectDeps extends EnsureFillJobDeps {
  readonly accounts: ShowProjectDeps & Pick<AccountStore, "getAccount" | "listProjects" | "addProject">;
  readonly entropy: Pick<Entropy, "newId">;
}

export interface ProjectWish {
  readonly name: string;
  /** IANA name. */
  readonly timeZone: string;
  /** Names; at least one. */
  readonly accounts: readonly string[];
  /** @default - the first of the accounts */
  readonly defaultAccount?: string | undefined;
  /** @default DEFAULT_PRESET */
  readonly preset?: PresetName | undefined;
  /** Who makes it. */
  readonly by: string;
  /** ULID that it gets: a project of this name that has it is this one, made before. */
  readonly id?: string | undefined;
}

export interface CreatedProject extends ShownProject {
  /** The name of the job that fills its days. */
  readonly job?: string;
  /** What works less than it could, and what to do about it. */
  readonly warnings: readonly Reason[];
}

/** The default account is none of the project's. */
export interface ForeignDefault {
  readonly reason: "foreign-default";
  readonly name: string;
}

export type CreateProjectRefusal =
  | UnknownAccount
  | ForeignDefault
  | { readonly reason: "name-taken" }
  | { readonly reason: "bad-zone"; readonly timeZone: string }
  | { readonly reason: "too-many"; readonly limit: number };

export type CreateProject = (
  ownerId: OwnerId,
  wish: ProjectWish,
) => Promise<Result<CreatedProject, CreateProjectRefusal>>;

/**
 * Makes a project with a policy to start from, the folder of its name, and the job that its daily minimum needs. A folder
 * that another project has is a warning: it gets one under another name.
 */
export function createCreateProject(deps: CreateProjectDeps): CreateProject {
  const { accounts, clock, entropy } = deps;

  return async (ownerId, wish) => {
    const { name, timeZone, accounts: names, defaultAccount, preset = DEFAULT_PRESET, by } = wish;
    if (!isTimeZone(timeZone)) return err({ reason: "bad-zone", timeZone });
    const owned = await accounts.listProjects(ownerId);
    const namesake = owned.find((project) => project.name === name);
    if (namesake && namesake.id === wish.id)
      return ok({ ...(await showProject(accounts, namesake)), warnings: [] });
    if (namesake) return err({ reason: "name-taken" });
    if (owned.length >= MAX_PROJECTS) return err({ reason: "too-many", limit: MAX_PROJECTS });
    const chosen = await chooseAccounts(accounts, ownerId, names, defaultAccount);
    if (!chosen.ok) return chosen;

    const policy = PRESETS[preset];
    // Before the project: whoever deletes the job later does not find it again.
    const filling =
      rulesOf(policy).dailyMin > 0 ? await ensureFillJob(deps, ownerId, { project: name, timeZone }) : {};
    const project: Project = {
      id: asProjectId(wish.id ?? entropy.newId()),
      ownerId,
      name,
      timeZone,
      ...chosen.value,
      ...(Object.keys(policy).length > 0 && { policy }),
    };
    const saved = { savedAt: clock.now(), savedBy: by };
    let added = await accounts.addProject(project, { saved });
    const warnings = filling.warning ? [filling.warning] : [];
    if (!added.ok && added.error.reason === "source-taken") {
      warnings.push(sourceTaken(name));
      added = await accounts.addProject(project, { saved, withSource: false });
    }
    if (!added.ok) return err({ reason: "name-taken" });
    return ok({
      ...(await showProject(accounts, { ...project, policyVersion: 1 })),
      ...(filling.job !== undefined && { job: filling.job }),
      warnings,
    });
  };
}

/** The accounts of these names, and which is taken when nobody names one. */
export async function chooseAccounts(
  accounts: Pick<AccountStore, "getAccount">,
  ownerId: OwnerId,
  names: readonly string[],
  defaultName: string | undefined,
): Promise<Result<Pick<Project, "accountIds" | "defaultAccountId">, UnknownAccount | ForeignDefault>> {
  const ids = new Map<string, AccountId>();
  for (const name of names) {
    const found = await findAccount(accounts, ownerId, name);
    if (!found.ok) return found;
    ids.set(name, found.value.id);
  }
  const wanted = defaultName ?? names[0] ?? "";
  const defaultAccountId = ids.get(wanted);
  if (defaultAccountId === undefined) return err({ reason: "foreign-default", name: wanted });
  return ok({ accountIds: [...ids.values()], defaultAccountId });
}

const sourceTaken = (name: string): Reason => ({
  code: "source-taken",
  message: `The folder drop/${name}/ belongs to another project, so nothing can be dropped for ${quote(name)} yet.`,
  remedy: "Create a source with another name for the project.",
});
