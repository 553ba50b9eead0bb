import type { Account } from "#shared/domain/account.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { Reason } from "#shared/domain/reason.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { AccountVerifier } from "#shared/ports/account-verifier.ts";
import type { Clock } from "#shared/ports/clock.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { activated, changeAccount } from "./connect-account.ts";
import { notVouched } from "./connect-by-tokens.ts";
import { findAccount, type UnknownAccount } from "./find-project.ts";
import { deactivateAfter } from "./settle-attempt.ts";

export interface VerifyConnectionDeps {
  readonly accounts: Pick<AccountStore, "getAccount" | "saveAccount" | "deactivateAccount">;
  readonly verifier: AccountVerifier;
  readonly clock: Pick<Clock, "now">;
}

export interface Verification {
  readonly account: Account;
  /** Absent: X vouches for the account. */
  readonly refusal?: Reason;
}

export type VerifyConnection = (
  ownerId: OwnerId,
  name: string,
) => Promise<Result<Verification, UnknownAccount | { readonly reason: "unreachable"; readonly why: Reason }>>;

/**
 * Asks X now whose credentials an account has. One that X vouches for and that had to be connected again is active then;
 * one that X refuses is stopped, so that its owner hears of it before its next post does.
 */
export function createVerifyConnection({
  accounts,
  verifier,
  clock,
}: VerifyConnectionDeps): VerifyConnection {
  return async (ownerId, name) => {
    const found = await findAccount(accounts, ownerId, name);
    if (!found.ok) return found;
    const { id } = found.value;
    const verified = await verifier.verify(id);
    if (!verified.ok) {
      const { reason, why } = notVouched(verified.error);
      if (reason === "unreachable") return err({ reason, why });
      await deactivateAfter({ accounts }, id, verified.error);
      return ok({ account: (await accounts.getAccount(id)) ?? found.value, refusal: why });
    }
    const { userId, username, followers } = verified.value;
    const account = await changeAccount(accounts, id, (current) => ({
      ...(current.status === "needs-reconnect" ? activated(current, clock.now()) : current),
      userId,
      username,
      ...(followers !== undefined && { followers }),
    }));
    return ok({ account });
  };
}
