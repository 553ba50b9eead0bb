import type { Account, Project } from "#shared/domain/account.ts";
import type { AccountId, OwnerId, ProjectId } from "#shared/domain/ids.ts";
import type { PolicyVersion } from "#shared/domain/planning/policy-version.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { Source } from "#shared/domain/source.ts";
import type { Result } from "#shared/result.ts";

export interface StoppedAccount {
  readonly status: "paused" | "needs-reconnect";
  readonly reason: Reason;
  /** The pause ends by itself then. */
  readonly until?: Date;
}

/** Somebody else wrote it since it was read. */
export interface Stale {
  readonly reason: "stale";
}

export interface AddProjectOptions {
  /** Who made it, and when. Absent: the policy that it is made with is no version. */
  readonly saved?: Pick<PolicyVersion, "savedAt" | "savedBy">;
  /**
   * Whether it gets the folder of its name.
   *
   * @default true
   */
  readonly withSource?: boolean;
}

/** Owners' accounts, projects and sources. Passes `test/contracts/account-store.ts`. */
export interface AccountStore {
  getAccount(id: AccountId): Promise<Account | undefined>;
  /** Many, read together, in no order; what is not there is left out. */
  getAccounts(ids: readonly AccountId[]): Promise<readonly Account[]>;
  /** Replaces the account whose version is one less (version 1: none). */
  saveAccount(next: Account): Promise<Result<void, Stale>>;
  /** Stops an account, whoever else changes it. Nothing happens to one that is not active. */
  deactivateAccount(id: AccountId, stopped: StoppedAccount): Promise<void>;
  /** All of an owner, by name, whether or not a project posts with them. */
  listAccounts(ownerId: OwnerId): Promise<readonly Account[]>;

  /**
   * Replaces the project's accounts. Everything else stays, its policy too.
   *
   * @param seen - `stale`, if anybody changed the project since. Absent: whoever else does
   */
  saveProject(
    project: Pick<Project, "id" | "accountIds" | "defaultAccountId">,
    seen?: Pick<Project, "policyVersion" | "changes">,
  ): Promise<Result<void, Stale>>;
  /**
   * Replaces policy, zone and weight whose version is one less (version 1: none), and keeps them as a version, in one
   * transaction.
   */
  savePolicy(projectId: ProjectId, next: PolicyVersion): Promise<Result<void, Stale>>;
  /** Versions of a project's policy, newest first. @param before - only those older than this version */
  listPolicyVersions(projectId: ProjectId, limit: number, before?: number): Promise<readonly PolicyVersion[]>;

  getProject(id: ProjectId): Promise<Project | undefined>;
  /** The project whose files are dropped in the folder `drop/<folder>/`. */
  getProjectByFolder(folder: string): Promise<Project | undefined>;
  /** Names of all folders that somebody may drop into. */
  listFolders(): Promise<readonly string[]>;
  listProjects(ownerId: OwnerId): Promise<readonly Project[]>;
  /**
   * Writes the project, its name, its folder and the first version of its policy in one transaction. `name-taken`: the
   * owner has another project of that name. `source-taken`: another project has, or had, the folder.
   */
  addProject(
    project: Omit<Project, "policyVersion" | "changes">,
    options?: AddProjectOptions,
  ): Promise<Result<void, { readonly reason: "name-taken" | "source-taken" }>>;
  /**
   * Lets go of its name and its folders in one transaction. It is not found any more; what refers to it stays.
   *
   * @param project - as it was read
   */
  removeProject(project: Project): Promise<Result<void, Stale>>;

  getSource(folder: string): Promise<Source | undefined>;
  /** Everything that may be dropped into, of all owners. */
  listSources(): Promise<readonly Source[]>;
  /** Of an owner's projects, by folder. */
  listOwnSources(ownerId: OwnerId): Promise<readonly Source[]>;
  /** `source-taken`: a project has it, or one of another owner had it: files and their outcomes may lie there still. */
  addSource(
    source: Source,
    project: Pick<Project, "id" | "ownerId">,
  ): Promise<Result<void, { readonly reason: "source-taken" }>>;
  /** Replaces what people set of the source whose version is one less. */
  saveSource(next: Source): Promise<Result<void, Stale>>;
  /** @param source - as it was read */
  removeSource(source: Source, project: Pick<Project, "ownerId">): Promise<Result<void, Stale>>;
  /** Notes a scan, unless somebody else noted one since the source was read: `false`. */
  claimScan(source: Pick<Source, "folder" | "lastScanAt">, at: Date): Promise<boolean>;
}
