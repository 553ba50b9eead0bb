import { type Account, accountIdFor, type Project } from "#shared/domain/account.ts";
import {
  type ApiKey,
  formatApiKey,
  isKeyExpired,
  KEY_RANDOM_BYTES,
  type KeyScope,
  parseApiKey,
} from "#shared/domain/api-key.ts";
import type { Credentials } from "#shared/domain/credentials.ts";
import { type AccountId, asProjectId, type OwnerId } from "#shared/domain/ids.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { AccountVerifier } from "#shared/ports/account-verifier.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CredentialsVault } from "#shared/ports/credentials-vault.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import {
  type ConnectedAccount,
  createConnectAccount,
  FIRST_OWNER,
  isAccountName,
  isName,
} from "./connect-account.ts";

export { FIRST_OWNER } from "./connect-account.ts";

export interface IssueKeyDeps {
  readonly keys: KeyStore;
  readonly clock: Pick<Clock, "now">;
  /** From a cryptographic source. */
  readonly randomBytes: (size: number) => Uint8Array;
}

export interface NewKey {
  readonly ownerId: OwnerId;
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  readonly expiresAt?: Date;
}

/** @returns the record, and the key itself, which can never be shown again */
export type IssueKey = (wanted: NewKey) => Promise<{ readonly key: string; readonly record: ApiKey }>;

export const createIssueKey =
  ({ keys, clock, randomBytes }: IssueKeyDeps): IssueKey =>
  async ({ ownerId, name, scopes, expiresAt }) => {
    const key = formatApiKey(randomBytes(KEY_RANDOM_BYTES));
    const parsed = parseApiKey(key);
    if (!parsed.ok) throw new RangeError("a new key does not pass its own check");
    const record: ApiKey = {
      hash: parsed.value,
      ownerId,
      name,
      scopes,
      createdAt: clock.now(),
      ...(expiresAt && { expiresAt }),
    };
    await keys.add(record);
    return { key, record };
  };

export interface InitializeServiceDeps extends IssueKeyDeps {
  readonly accounts: AccountStore;
  readonly vault: CredentialsVault;
  readonly verifier: AccountVerifier;
  readonly entropy: Entropy;
}

export interface Initialization {
  /** Also the folder under `drop/`. */
  readonly project: string;
  readonly account: string;
  /** IANA name that somebody asked for. A project that exists keeps its own, and says so. */
  readonly timeZone?: string;
  /** For a new project when nobody asked. */
  readonly defaultTimeZone: string;
  /** Absent: the account keeps what it has. */
  readonly credentials?: Credentials;
  /** Makes another admin key even if there is one. */
  readonly newKey: boolean;
}

export interface InitializationReport {
  readonly project: Project;
  readonly account: Account;
  readonly isNewProject: boolean;
  readonly isNewAccount: boolean;
  readonly credentials: ConnectedAccount["credentials"];
  readonly isVerified: boolean;
  /** Shown once: it is stored as a hash only. */
  readonly apiKey?: string;
  /** What works less than it could, and what to do about it. */
  readonly warnings: readonly Reason[];
}

export type InitializationRefusal =
  | { readonly reason: "bad-name"; readonly what: "project" | "account"; readonly name: string }
  | { readonly reason: "bad-time-zone"; readonly timeZone: string }
  /** The project exists and posts with other accounts. */
  | { readonly reason: "foreign-account"; readonly project: string; readonly accounts: readonly string[] };

export type InitializeService = (
  wanted: Initialization,
) => Promise<Result<InitializationReport, InitializationRefusal>>;

/**
 * Gives a deployment its owner, a project with its drop folder, an account with credentials, and an admin key.
 *
 * Safe to repeat: what exists stays as it is. X is asked whose credentials they are; that it cannot be asked, or says
 * no, is a warning and stops nothing.
 */
export function createInitializeService(deps: InitializeServiceDeps): InitializeService {
  const { accounts, keys, clock, entropy } = deps;
  const connect = createConnectAccount(deps);
  const issueKey = createIssueKey(deps);

  async function ensureProject(
    { project: name, timeZone, defaultTimeZone }: Initialization,
    account: AccountId,
  ): Promise<{ project: Project; isNew: boolean }> {
    const existing = await accounts.getProjectByFolder(name);
    if (existing) return { project: existing, isNew: false };
    const project: Project = {
      id: asProjectId(entropy.newId()),
      ownerId: FIRST_OWNER,
      name,
      timeZone: timeZone ?? defaultTimeZone,
      accountIds: [account],
      defaultAccountId: account,
    };
    const added = await accounts.addProject(project);
    if (added.ok) return { project, isNew: true };
    const faster = await accounts.getProjectByFolder(name);
    if (!faster) throw new RangeError(`the folder ${name} belongs to a project that does not exist`);
    return { project: faster, isNew: false };
  }

  return async (wanted) => {
    if (!isName(wanted.project)) return err({ reason: "bad-name", what: "project", name: wanted.project });
    if (!isAccountName(wanted.account))
      return err({ reason: "bad-name", what: "account", name: wanted.account });
    const timeZone = wanted.timeZone ?? wanted.defaultTimeZone;
    if (!isTimeZone(timeZone)) return err({ reason: "bad-time-zone", timeZone });

    const accountId = accountIdFor(FIRST_OWNER, wanted.account);
    const foreign = await accounts.getProjectByFolder(wanted.project);
    if (foreign && !foreign.accountIds.includes(accountId)) {
      const owned = await Promise.all(foreign.accountIds.map((id) => accounts.getAccount(id)));
      const names = owned.flatMap((account) => (account ? [account.name] : []));
      return err({ reason: "foreign-account", project: wanted.project, accounts: names });
    }

    const connected = await connect(wanted.account, wanted.credentials);
    // The project last: until it exists, nobody can drop anything for an account that is only half there.
    const { project, isNew: isNewProject } = await ensureProject(wanted, accountId);
    const warnings = [...connected.warnings];
    if (wanted.timeZone !== undefined && project.timeZone !== wanted.timeZone)
      warnings.unshift({
        code: "time-zone-kept",
        message: `The project ${project.name} exists and keeps its time zone, ${project.timeZone}.`,
        remedy: "Nothing to do, unless you meant to change it: give times with their zone.",
      });

    const known = await keys.list(FIRST_OWNER);
    const hasAdmin = known.some((key) => key.scopes.includes("admin") && !isKeyExpired(key, clock.now()));
    const issued =
      wanted.newKey || !hasAdmin
        ? await issueKey({ ownerId: FIRST_OWNER, name: "admin", scopes: ["admin"] })
        : undefined;
    return ok({
      project,
      account: connected.account,
      isNewProject,
      isNewAccount: connected.isNew,
      credentials: connected.credentials,
      isVerified: connected.isVerified,
      ...(issued && { apiKey: issued.key }),
      warnings,
    });
  };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
