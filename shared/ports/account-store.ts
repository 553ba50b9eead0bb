import type { Account, Project, Source } from "#shared/domain/account.ts";
import type { AccountId, OwnerId, ProjectId } from "#shared/domain/ids.ts";
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

  /** Replaces the project's policy, weight and accounts, whoever else changes them; name, owner and id stay. */
  saveProject(project: Project): Promise<void>;

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
  /** Writes the project and its folder in one transaction. `name-taken`: another project has the folder. */
  addProject(project: Project): Promise<Result<void, { readonly reason: "name-taken" }>>;
}
