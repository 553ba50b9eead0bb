import type { Credentials } from "#shared/domain/credentials.ts";
import type { Failure } from "#shared/domain/failure.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AccountConsent } from "#shared/ports/account-consent.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import { err, type Result } from "#shared/result.ts";
import { findProject } from "./find-project.ts";
import type {
  ConnectionWish,
  KeepConnection,
  KeepConnectionRefusal,
  KeptConnection,
  NotVouched,
} from "./keep-connection.ts";

export interface ConnectByTokensDeps {
  readonly accounts: Pick<AccountStore, "getProjectByFolder" | "listProjects">;
  readonly consent: Pick<AccountConsent, "identify">;
  readonly keep: KeepConnection;
}

export type ConnectByTokens = (
  ownerId: OwnerId,
  wish: ConnectionWish,
  credentials: Credentials,
) => Promise<Result<KeptConnection, KeepConnectionRefusal | NotVouched>>;

/** Connects an account with tokens that its owner has. X is asked first: what it does not vouch for is not stored. */
export function createConnectByTokens({ accounts, consent, keep }: ConnectByTokensDeps): ConnectByTokens {
  return async (ownerId, wish, credentials) => {
    // Before a refresh token is used up for nothing.
    const project =
      wish.project === undefined ? undefined : await findProject(accounts, ownerId, wish.project);
    if (project && !project.ok) return project;
    const identified = await consent.identify(credentials);
    return identified.ok ? keep(ownerId, wish, identified.value) : err(notVouched(identified.error));
  };
}

/** A limit and a lost answer say nothing about the credentials. */
export const notVouched = (failure: Failure): NotVouched => ({
  reason: failure.class === "transient" || failure.class === "rate-limited" ? "unreachable" : "refused",
  why: failure.reason,
});
