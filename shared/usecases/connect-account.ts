import { type Account, accountIdFor } from "#shared/domain/account.ts";
import { type Credentials, fingerprintOf } from "#shared/domain/credentials.ts";
import { type AccountId, asOwnerId } from "#shared/domain/ids.ts";
import type { Reason } from "#shared/domain/reason.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { AccountVerifier } from "#shared/ports/account-verifier.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CredentialsVault } from "#shared/ports/credentials-vault.ts";

/** Who owns what a deployment starts with. */
export const FIRST_OWNER = asOwnerId("main");
/** Without Premium. @see https://docs.x.com/fundamentals/counting-characters */
export const DEFAULT_TEXT_LENGTH = 280;
/** Somebody else's write in between is no reason to give up. */
const MAX_RACES = 5;

export interface ConnectAccountDeps {
  readonly accounts: Pick<AccountStore, "getAccount" | "saveAccount">;
  readonly vault: CredentialsVault;
  readonly verifier: AccountVerifier;
  readonly clock: Pick<Clock, "now">;
}

export interface ConnectedAccount {
  readonly account: Account;
  readonly isNew: boolean;
  /** `unchanged`: the same as a person gave last, so a renewed pair is not overwritten by the used-up one. */
  readonly credentials: "stored" | "unchanged" | "kept" | "none";
  readonly isVerified: boolean;
  /** What works less than it could, and what to do about it. */
  readonly warnings: readonly Reason[];
}

/** @param given - absent: the account keeps what it has */
export type ConnectAccount = (name: string, given: Credentials | undefined) => Promise<ConnectedAccount>;

/**
 * Gives an account of the first owner its credentials, and asks X whose they are. That X cannot be asked, or says no, is a
 * warning and stops nothing. An account that had to be connected again is active then, and the sweeper sends on what was
 * held because of it. Safe to repeat.
 */
export function createConnectAccount({
  accounts,
  vault,
  verifier,
  clock,
}: ConnectAccountDeps): ConnectAccount {
  async function ensure(name: string): Promise<{ account: Account; isNew: boolean }> {
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

  async function store(
    id: AccountId,
    given: Credentials | undefined,
  ): Promise<ConnectedAccount["credentials"]> {
    const stored = await vault.load(id);
    if (!given) return stored ? "kept" : "none";
    if (stored?.origin === fingerprintOf(given)) return "unchanged";
    await vault.connect(id, given);
    return "stored";
  }

  async function verify(
    account: Account,
  ): Promise<Pick<ConnectedAccount, "account" | "isVerified" | "warnings">> {
    const verified = await verifier.verify(account.id);
    if (!verified.ok) {
      const { message, remedy, code } = verified.error.reason;
      const text = `The account ${account.name} could not be checked. ${message}`;
      return { account, isVerified: false, warnings: [{ code, message: text, remedy }] };
    }
    const { userId, username, followers = account.followers } = verified.value;
    const isSame =
      account.userId === userId && account.username === username && account.followers === followers;
    // Paused is another matter: that X knows the account says nothing about why it was stopped.
    if (isSame && account.status !== "needs-reconnect") return { account, isVerified: true, warnings: [] };
    const known = { userId, username, ...(followers !== undefined && { followers }) };
    const changed = await changeAccount(accounts, account.id, (current) => ({
      ...(current.status === "needs-reconnect" ? activated(current, clock.now()) : current),
      ...known,
    }));
    return { account: changed, isVerified: true, warnings: [] };
  }

  return async (name, given) => {
    const { account, isNew } = await ensure(name);
    const credentials = await store(account.id, given);
    if (credentials !== "none") return { isNew, credentials, ...(await verify(account)) };
    const warning = {
      code: "no-credentials",
      message: `The account ${name} has no credentials of X, so it cannot post.`,
      remedy: "Put X's tokens into .env and run `npm run admin -- init` again.",
    };
    return { account, isNew, credentials, isVerified: false, warnings: [warning] };
  };
}

/** It may post again; from `now` on the sweeper sends on the tasks that were held because of it. */
export function activated(account: Account, now: Date): Account {
  const { reason: _reason, pausedUntil: _pausedUntil, ...kept } = account;
  return { ...kept, status: "active", wakeAt: now };
}

/** Changes an account, however often somebody else does so meanwhile. */
export async function changeAccount(
  accounts: ConnectAccountDeps["accounts"],
  id: AccountId,
  to: (account: Account) => Account,
): Promise<Account> {
  for (let race = 0; race < MAX_RACES; race++) {
    const current = await accounts.getAccount(id);
    if (!current) throw new RangeError(`account ${id} is gone`);
    const next = { ...to(current), version: current.version + 1 };
    if ((await accounts.saveAccount(next)).ok) return next;
  }
  throw new DependencyFault(`account ${id} is written by somebody else without end`);
}
