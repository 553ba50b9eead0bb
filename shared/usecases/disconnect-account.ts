import type { Account } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { CredentialsRegister } from "#shared/ports/credentials-register.ts";
import { ok, type Result } from "#shared/result.ts";
import { changeOwnAccount, type StaleVersion } from "./change-own-account.ts";
import type { UnknownAccount } from "./find-project.ts";

export interface DisconnectAccountDeps {
  readonly accounts: Pick<AccountStore, "getAccount" | "saveAccount">;
  readonly credentials: Pick<CredentialsRegister, "remove">;
}

export type DisconnectAccount = (
  ownerId: OwnerId,
  name: string,
  ifVersion: number | undefined,
) => Promise<Result<Account, UnknownAccount | StaleVersion>>;

const DISCONNECTED: Reason = {
  code: "account-disconnected",
  message: "The account was disconnected.",
  remedy: "Connect it again, and its posts go on.",
};

/**
 * Takes an account's credentials away. What comes due is held from now on; its queue and its history stay, for whoever
 * connects it again. Safe to repeat.
 */
export function createDisconnectAccount({ accounts, credentials }: DisconnectAccountDeps): DisconnectAccount {
  return async (ownerId, name, ifVersion) => {
    // The account first: who finds it stopped does not ask for what is about to go.
    const stopped = await changeOwnAccount(accounts, { ownerId, name, ifVersion }, (account) => {
      if (account.reason?.code === DISCONNECTED.code) return ok(account);
      const { pausedUntil: _until, wakeAt: _wakeAt, ...kept } = account;
      return ok({ ...kept, status: "needs-reconnect" as const, reason: DISCONNECTED });
    });
    if (stopped.ok) await credentials.remove(stopped.value.id);
    return stopped;
  };
}
