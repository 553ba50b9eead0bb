import { type Account, accountIdFor, type Project } from "#shared/domain/account.ts";
import {
  type ApiKey,
  formatApiKey,
  isKeyExpired,
  KEY_RANDOM_BYTES,
  type KeyScope,
  parseApiKey,
} from "#shared/domain/api-key.ts";
import { type Credentials, fingerprintOf } from "#shared/domain/credentials.ts";
import { type AccountId, asOwnerId, asProjectId, type OwnerId } from "#shared/domain/ids.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { AccountVerifier } from "#shared/ports/account-verifier.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CredentialsVault } from "#shared/ports/credentials-vault.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import { err, ok, type Result } from "#shared/result.ts";

/** Who owns what a deployment starts with. */
export const FIRST_OWNER = asOwnerId("main");
/** Without Premium. @see https://docs.x.com/fundamentals/counting-characters */
const DEFAULT_TEXT_LENGTH = 280;
/** Somebody else's write in between is no reason to give up. */
const MAX_RACES = 5;

/** Names go into keys, folders and addresses. */
const NAME_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

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
  /** `unchanged`: the same as a person gave last, so a renewed pair is not overwritten by the used-up one. */
  readonly credentials: "stored" | "unchanged" | "kept" | "none";
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
  const { accounts, vault, verifier, keys, clock, entropy } = deps;
  const issueKey = createIssueKey(deps);

  /** Changes the account, however often somebody else does so meanwhile. */
  async function change(id: AccountId, to: (account: Account) => Account): Promise<Account> {
    for (let race = 0; race < MAX_RACES; race++) {
      const current = await accounts.getAccount(id);
      if (!current) throw new RangeError(`account ${id} is gone`);
      const next = { ...to(current), version: current.version + 1 };
      if ((await accounts.saveAccount(next)).ok) return next;
    }
    throw new RangeError(`account ${id} is written by somebody else without end`);
  }

  async function ensureAccount(name: string): Promise<{ account: Account; isNew: boolean }> {
    const id = accountIdFor(FIRST_OWNER, name);
    const existing = await accounts.getAccount(id);
    if (existing) return { account: existing, isNew: false };
    const account: Account = {
      id,
      ownerId: FIRST_OWNER,
      name,
      maxTextLength: DEFAULT_TEXT_LENGTH,
      status: "active",
      version: 1,
    };
    const saved = await accounts.saveAccount(account);
    return { account: saved.ok ? account : ((await accounts.getAccount(id)) ?? account), isNew: saved.ok };
  }

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

  async function storeCredentials(
    id: AccountId,
    given: Credentials | undefined,
  ): Promise<InitializationReport["credentials"]> {
    const stored = await vault.load(id);
    if (!given) return stored ? "kept" : "none";
    if (stored?.origin === fingerprintOf(given)) return "unchanged";
    await vault.connect(id, given);
    return "stored";
  }

  async function verify(
    account: Account,
  ): Promise<{ account: Account; isVerified: boolean; warning?: Reason }> {
    const verified = await verifier.verify(account.id);
    if (!verified.ok) {
      const { message, remedy, code } = verified.error.reason;
      return {
        account,
        isVerified: false,
        warning: { code, message: `The account ${account.name} could not be checked. ${message}`, remedy },
      };
    }
    const { userId, username } = verified.value;
    const isSame = account.userId === userId && account.username === username;
    // Paused is another matter: that X knows the account says nothing about why it was stopped.
    if (isSame && account.status !== "needs-reconnect") return { account, isVerified: true };
    const changed = await change(account.id, ({ reason, ...current }) => ({
      ...current,
      userId,
      username,
      ...(current.status === "needs-reconnect" ? { status: "active" as const } : reason && { reason }),
    }));
    return { account: changed, isVerified: true };
  }

  return async (wanted) => {
    for (const what of ["project", "account"] as const)
      if (!NAME_PATTERN.test(wanted[what])) return err({ reason: "bad-name", what, name: wanted[what] });
    const timeZone = wanted.timeZone ?? wanted.defaultTimeZone;
    if (!isTimeZone(timeZone)) return err({ reason: "bad-time-zone", timeZone });

    const accountId = accountIdFor(FIRST_OWNER, wanted.account);
    const foreign = await accounts.getProjectByFolder(wanted.project);
    if (foreign && !foreign.accountIds.includes(accountId)) {
      const owned = await Promise.all(foreign.accountIds.map((id) => accounts.getAccount(id)));
      const names = owned.flatMap((account) => (account ? [account.name] : []));
      return err({ reason: "foreign-account", project: wanted.project, accounts: names });
    }

    const ensured = await ensureAccount(wanted.account);
    const credentials = await storeCredentials(accountId, wanted.credentials);
    // The project last: until it exists, nobody can drop anything for an account that is only half there.
    const { project, isNew: isNewProject } = await ensureProject(wanted, accountId);
    const warnings: Reason[] = [];
    if (wanted.timeZone !== undefined && project.timeZone !== wanted.timeZone)
      warnings.push({
        code: "time-zone-kept",
        message: `The project ${project.name} exists and keeps its time zone, ${project.timeZone}.`,
        remedy: "Nothing to do, unless you meant to change it: give times with their zone.",
      });

    let checked: Awaited<ReturnType<typeof verify>> = { account: ensured.account, isVerified: false };
    if (credentials === "none")
      warnings.push({
        code: "no-credentials",
        message: `The account ${wanted.account} has no credentials of X, so it cannot post.`,
        remedy: "Put X's tokens into .env and run `npm run admin -- init` again.",
      });
    else checked = await verify(ensured.account);
    if (checked.warning) warnings.push(checked.warning);

    const known = await keys.list(FIRST_OWNER);
    const hasAdmin = known.some((key) => key.scopes.includes("admin") && !isKeyExpired(key, clock.now()));
    const issued =
      wanted.newKey || !hasAdmin
        ? await issueKey({ ownerId: FIRST_OWNER, name: "admin", scopes: ["admin"] })
        : undefined;
    return ok({
      project,
      account: checked.account,
      isNewProject,
      isNewAccount: ensured.isNew,
      credentials,
      isVerified: checked.isVerified,
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
