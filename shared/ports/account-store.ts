import type { Account, Project, Source } from "#shared/domain/account.ts";
import type { AccountId, OwnerId, ProjectId } from "#shared/domain/ids.ts";
import type { PolicyVersion } from "#shared/domain/planning/policy-version.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { Result } from "#shared/result.ts";

export interface StoppedAccount {
  readonly status: "paused" | "needs-reconnect";
  readonly reason: Reason;
  /** The pause ends by itself then. */
  readonly until?: Date;
}

/** Owners' accounts and projects. Passes `test/contracts/account-store.ts`. */
export interface AccountStore {
  getAccount(id: AccountId): Promise<Account | undefined>;
  /** Replaces the account whose version is one less (version 1: none). */
  saveAccount(next: Account): Promise<Result<void, { readonly reason: "stale" }>>;
  /** Stops an account, whoever else changes it. Nothing happens to one that is not active. */
  deactivateAccount(id: AccountId, stopped: StoppedAccount): Promise<void>;

  /** Replaces the project's accounts, whoever else changes them. Everything else stays, its policy too. */
  saveProject(project: Pick<Project, "id" | "accountIds" | "defaultAccountId">): Promise<void>;
  /**
   * Replaces policy, zone and weight whose version is one less (version 1: none), and keeps them as a version, in one
   * transaction.
   */
  savePolicy(projectId: ProjectId, next: PolicyVersion): Promise<Result<void, { readonly reason: "stale" }>>;
  /** Versions of a project's policy, newest first. @param before - only those older than this version */
  listPolicyVersions(projectId: ProjectId, limit: number, before?: number): Promise<readonly PolicyVersion[]>;

  getProject(id: ProjectId): Promise<Project | undefined>;
  /** The project whose files are dropped in the folder `drop/<folder>/`. */
  getProjectByFolder(folder: string): Promise<Project | undefined>;
  /** Names of all folders that somebody may drop into. */
  listFolders(): Promise<readonly string[]>;
  /** Everything that may be dropped into, with its last scan. */
  listSources(): Promise<readonly Source[]>;
  /** Notes a scan, unless somebody else noted one since `source` was read: `false`. */
  claimScan(source: Source, at: Date): Promise<boolean>;
  listProjects(ownerId: OwnerId): Promise<readonly Project[]>;
  /**
   * Writes the project, its folder and the first version of its policy in one transaction. `name-taken`: another project
   * has the folder.
   *
   * @param saved - absent: the policy that it is made with is no version
   */
  addProject(
    project: Omit<Project, "policyVersion">,
    saved?: Pick<PolicyVersion, "savedAt" | "savedBy">,
  ): Promise<Result<void, { readonly reason: "name-taken" }>>;
}
