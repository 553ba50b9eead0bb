import type { PendingConnection } from "#shared/domain/connection.ts";
import type { Credentials } from "#shared/domain/credentials.ts";
import type { Failure } from "#shared/domain/failure.ts";
import type { Result } from "#shared/result.ts";
import type { VerifiedUser } from "./account-verifier.ts";

export interface Identified {
  readonly user: VerifiedUser;
  /** What is to be stored: a refresh token that was given has been replaced. */
  readonly credentials: Credentials;
}

/**
 * Asks the platform about credentials before they are anybody's. Never throws for anything that the platform or the
 * network did.
 */
export interface AccountConsent {
  /** Exchanges the code that a consent gave. It lives 30 s and works once. */
  exchange(
    connection: Pick<PendingConnection, "clientId" | "callbackUrl" | "secrets">,
    code: string,
  ): Promise<Result<Credentials, Failure>>;

  /** Whose credentials they are. A refresh token without an access token is used up by that. */
  identify(credentials: Credentials): Promise<Result<Identified, Failure>>;
}
