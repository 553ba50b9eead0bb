import type { Account } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { CredentialsRegister } from "#shared/ports/credentials-register.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { changeOwnAccount, type StaleVersion } from "./change-own-account.ts";
import { activated } from "./connect-account.ts";
import { findAccount, type UnknownAccount } from "./find-project.ts";

export interface SwitchAccountDeps {
  readonly accounts: Pick<AccountStore, "getAccount" | "saveAccount">;
  readonly credentials: Pick<CredentialsRegister, "describe">;
  readonly clock: Pick<Clock, "now">;
}

export type SwitchAccountRefusal =
  | UnknownAccount
  | StaleVersion
  /** X does not accept it, or it has no credentials: only connecting it again helps. */
  | { readonly reason: "needs-reconnect" };

/** @param until - the pause ends by itself then */
export type PauseAccount = (
  ownerId: OwnerId,
  name: string,
  options: { readonly until?: Date | undefined; readonly ifVersion?: number | undefined },
) => Promise<
  /** The pause would be over before it begins. */
  Result<Account, SwitchAccountRefusal | { readonly reason: "until-passed" }>
>;

export type ResumeOwnAccount = (
  ownerId: OwnerId,
  name: string,
  options: { readonly ifVersion?: number | undefined },
) => Promise<Result<Account, SwitchAccountRefusal>>;

const pausedByOwner = (name: string): Reason => ({
  code: "paused-by-owner",
  message: `The account ${name} was paused.`,
  remedy: "Resume the account, and its posts go on.",
});

/** Stops an account until it is resumed, or until an instant. What comes due meanwhile is held, and goes on afterwards. */
export function createPauseAccount({
  accounts,
  clock,
}: Omit<SwitchAccountDeps, "credentials">): PauseAccount {
  return async (ownerId, name, { until, ifVersion }) => {
    if (until && until <= clock.now()) return err({ reason: "until-passed" });
    return changeOwnAccount<SwitchAccountRefusal>(accounts, { ownerId, name, ifVersion }, (account) => {
      if (account.status === "needs-reconnect") return err({ reason: "needs-reconnect" });
      const { reason: _reason, pausedUntil: _until, wakeAt: _wakeAt, ...kept } = account;
      const end = until && { pausedUntil: until, wakeAt: until };
      return ok({ ...kept, status: "paused", reason: pausedByOwner(name), ...end });
    });
  };
}

/**
 * Lets an account post again, also one that X had locked: if X still does, the next post finds out. The sweeper sends on
 * what was held because of it.
 */
export function createResumeOwnAccount({
  accounts,
  credentials,
  clock,
}: SwitchAccountDeps): ResumeOwnAccount {
  return async (ownerId, name, { ifVersion }) => {
    const found = await findAccount(accounts, ownerId, name);
    if (!found.ok) return found;
    if (!(await credentials.describe(found.value.id))) return err({ reason: "needs-reconnect" });
    return changeOwnAccount<SwitchAccountRefusal>(accounts, { ownerId, name, ifVersion }, (account) =>
      ok(account.status === "active" ? account : activated(account, clock.now())),
    );
  };
}
