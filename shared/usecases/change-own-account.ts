import type { Account } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import { DependencyFault } from "#shared/errors.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findAccount, type UnknownAccount } from "./find-project.ts";

/** Somebody else's write in between is no reason to give up. */
const MAX_RACES = 5;

/** It was decided by another version than the one in force. */
export interface StaleVersion {
  readonly reason: "stale";
  readonly version: number;
}

/**
 * Changes the owner's account of that name.
 *
 * @param to - refuses, or gives what is to be; the account itself: nothing is to be done
 * @param ifVersion - the version that it was decided by. Absent: whichever is in force, whoever else changes it
 * @throws DependencyFault when somebody else writes it without end
 */
export async function changeOwnAccount<Refusal = never>(
  accounts: Pick<AccountStore, "getAccount" | "saveAccount">,
  { ownerId, name, ifVersion }: { ownerId: OwnerId; name: string; ifVersion: number | undefined },
  to: (account: Account) => Result<Account, Refusal>,
): Promise<Result<Account, UnknownAccount | StaleVersion | Refusal>> {
  for (let race = 0; race < MAX_RACES; race++) {
    const found = await findAccount(accounts, ownerId, name);
    if (!found.ok) return found;
    const account = found.value;
    if (ifVersion !== undefined && account.version !== ifVersion)
      return err({ reason: "stale", version: account.version });
    const changed = to(account);
    if (!changed.ok || changed.value === account) return changed;
    const next = { ...changed.value, version: account.version + 1 };
    if ((await accounts.saveAccount(next)).ok) return ok(next);
  }
  throw new DependencyFault(`the account ${name} is written by somebody else without end`);
}
