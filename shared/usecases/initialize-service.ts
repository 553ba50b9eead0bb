import { type Account, accountIdFor, type Project } from "#shared/domain/account.ts";
import {
  type ApiKey,
  formatApiKey,
  isKeyExpired,
  KEY_RANDOM_BYTES,
  parseApiKey,
} from "#shared/domain/api-key.ts";
import type { Credentials } from "#shared/domain/credentials.ts";
import { type AccountId, asProjectId } from "#shared/domain/ids.ts";
import { isTimeZone } from "#shared/domain/local-clock.ts";
import { isAccountName, isName } from "#shared/domain/names.ts";
import { DEFAULT_PRESET, PRESETS, type PresetName } from "#shared/domain/planning/presets.ts";
import { rulesOf } from "#shared/domain/planning/rules.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { AccountVerifier } from "#shared/ports/account-verifier.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CredentialsVault } from "#shared/ports/credentials-vault.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { JobStore } from "#shared/ports/job-store.ts";
import type { KeyStore } from "#shared/ports/key-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { type ConnectedAccount, createConnectAccount, FIRST_OWNER } from "./connect-account.ts";

import { ensureFillJob, type FillJob } from "./ensure-fill-job.ts";
import { findProject } from "./find-project.ts";

export { FIRST_OWNER } from "./connect-account.ts";

export interface IssueKeyDeps {
  readonly keys: Pick<KeyStore, "add">;
  readonly clock: Pick<Clock, "now">;
  /** From a cryptographic source. */
  readonly randomBytes: (size: number) => Uint8Array;
}

export type NewKey = Pick<
  ApiKey,
  "ownerId" | "name" | "scopes" | "expiresAt" | "projects" | "accounts" | "createdBy"
>;

/** @returns the record, and the key itself, which can never be shown again */
export type IssueKey = (wanted: NewKey) => Promise<{ readonly key: string; readonly record: ApiKey }>;

export const createIssueKey =
  ({ keys, clock, randomBytes }: IssueKeyDeps): IssueKey =>
  async (wanted) => {
    const made = makeKey(wanted, randomBytes(KEY_RANDOM_BYTES), clock.now());
    await keys.add(made.record);
    return made;
  };

/** A new key, and what is stored of it. */
export function makeKey(
  wanted: NewKey,
  random: Uint8Array,
  now: Date,
): { readonly key: string; readonly record: ApiKey } {
  const key = formatApiKey(random);
  const parsed = parseApiKey(key);
  if (!parsed.ok) throw new RangeError("a new key does not pass its own check");
  return { key, record: { ...wanted, hash: parsed.value, createdAt: now } };
}

export interface InitializeServiceDeps extends IssueKeyDeps {
  readonly accounts: AccountStore;
  readonly vault: CredentialsVault;
  readonly verifier: AccountVerifier;
  readonly keys: Pick<KeyStore, "add" | "list">;
  readonly jobs: Pick<JobStore, "getRegister" | "save">;
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
  /** What a new project allows itself; one that exists keeps its policy. @default DEFAULT_PRESET */
  readonly preset?: PresetName;
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
  /** The name of the job that fills the days of a new project. */
  readonly job?: string;
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
    { project: name, timeZone, defaultTimeZone, preset = DEFAULT_PRESET }: Initialization,
    account: AccountId,
  ): Promise<{ project: Project; isNew: boolean; filling?: FillJob }> {
    const existing = await findProject(accounts, FIRST_OWNER, name);
    if (existing.ok) return { project: existing.value, isNew: false };
    const policy = PRESETS[preset];
    // Before the project: whoever deletes the job later does not find it again.
    const filling =
      rulesOf(policy).dailyMin > 0
        ? await ensureFillJob(deps, FIRST_OWNER, { project: name, timeZone: timeZone ?? defaultTimeZone })
        : {};
    const project: Project = {
      id: asProjectId(entropy.newId()),
      ownerId: FIRST_OWNER,
      name,
      timeZone: timeZone ?? defaultTimeZone,
      accountIds: [account],
      defaultAccountId: account,
      ...(Object.keys(policy).length > 0 && { policy }),
    };
    const added = await accounts.addProject(project, {
      saved: { savedAt: clock.now(), savedBy: "admin init" },
    });
    if (added.ok) return { project: { ...project, policyVersion: 1 }, isNew: true, filling };
    const faster = await findProject(accounts, FIRST_OWNER, name);
    if (!faster.ok) throw new RangeError(`the folder ${name} belongs to a project that does not exist`);
    return { project: faster.value, isNew: false };
  }

  return async (wanted) => {
    if (!isName(wanted.project)) return err({ reason: "bad-name", what: "project", name: wanted.project });
    if (!isAccountName(wanted.account))
      return err({ reason: "bad-name", what: "account", name: wanted.account });
    const timeZone = wanted.timeZone ?? wanted.defaultTimeZone;
    if (!isTimeZone(timeZone)) return err({ reason: "bad-time-zone", timeZone });

    const accountId = accountIdFor(FIRST_OWNER, wanted.account);
    const own = await findProject(accounts, FIRST_OWNER, wanted.project);
    const foreign = own.ok ? own.value : await accounts.getProjectByFolder(wanted.project);
    if (foreign && !foreign.accountIds.includes(accountId)) {
      const owned = await Promise.all(foreign.accountIds.map((id) => accounts.getAccount(id)));
      const names = owned.flatMap((account) => (account ? [account.name] : []));
      return err({ reason: "foreign-account", project: wanted.project, accounts: names });
    }

    const connected = await connect(wanted.account, wanted.credentials);
    // The project last: until it exists, nobody can drop anything for an account that is only half there.
    const { project, isNew: isNewProject, filling } = await ensureProject(wanted, accountId);
    const warnings = [...connected.warnings, ...(filling?.warning ? [filling.warning] : [])];
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
      ...(filling?.job !== undefined && { job: filling.job }),
      ...(issued && { apiKey: issued.key }),
      warnings,
    });
  };
}
