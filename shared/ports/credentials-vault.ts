import type { Credentials } from "#shared/domain/credentials.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { Result } from "#shared/result.ts";

export interface StoredCredentials {
  readonly credentials: Credentials;
  /** Grows by one with every write: a renewal replaces exactly the pair that it used. */
  readonly version: number;
  /** Fingerprint of the credentials that a person gave last: renewals keep it, so that giving the same again changes nothing. */
  readonly origin: string;
}

export interface RenewalClaim {
  /** The pair that is going to be used up. */
  readonly version: number;
  /** Who claims: one renewal of one process. */
  readonly holder: string;
  readonly now: Date;
  /** A holder that died does not keep others out for longer. */
  readonly until: Date;
}

/** Sealed credentials of accounts. Reads are consistent. Passes `test/contracts/credentials-vault.ts`. */
export interface CredentialsVault {
  load(accountId: AccountId): Promise<StoredCredentials | undefined>;

  /** A person connects the account: replaces whatever is there, and ends a renewal that is under way. */
  connect(accountId: AccountId, credentials: Credentials): Promise<StoredCredentials>;

  /**
   * The right to use the refresh token of `version`, for one holder at a time. Repeating one's own claim is granted.
   * `taken`: somebody else holds it. `stale`: that version is no longer the stored one.
   */
  claimRenewal(
    accountId: AccountId,
    claim: RenewalClaim,
  ): Promise<Result<void, { readonly reason: "taken" | "stale" }>>;

  /** Gives a claim back. Without effect on somebody else's. */
  releaseRenewal(accountId: AccountId, holder: string): Promise<void>;

  /**
   * Stores what a renewal brought and ends the claim. Only the version counts, not who holds the claim: whoever got
   * a pair for the stored version has the one that is valid, however long it took.
   * A write that took effect although its answer was lost counts as ours when it is repeated.
   */
  renew(
    accountId: AccountId,
    renewed: Credentials,
    claim: Pick<RenewalClaim, "version" | "holder">,
  ): Promise<Result<StoredCredentials, { readonly reason: "stale" }>>;
}
