import type { Failure } from "#shared/domain/failure.ts";
import type { AccountId } from "#shared/domain/ids.ts";
import type { Result } from "#shared/result.ts";

/** Whom the platform takes the stored credentials for. */
export interface VerifiedUser {
  /** The platform's own id: digits. */
  readonly userId: string;
  readonly username: string;
  /** Absent when the platform does not say. */
  readonly followers?: number;
}

/** Asks the platform whose credentials an account has. Never throws for anything that the platform or the network did. */
export interface AccountVerifier {
  verify(accountId: AccountId): Promise<Result<VerifiedUser, Failure>>;
}
