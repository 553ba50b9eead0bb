import type { Credentials } from "#shared/domain/credentials.ts";
import type { AccountId } from "#shared/domain/ids.ts";

/** What may be known of stored credentials without a right to open them. Passes `test/contracts/credentials-vault.ts`. */
export interface CredentialsRegister {
  /** @returns undefined: there are none; without `kind` they were stored before it was noted */
  describe(accountId: AccountId): Promise<{ readonly kind?: Credentials["kind"] } | undefined>;
  /** They are gone, and no renewal that is under way brings them back. */
  remove(accountId: AccountId): Promise<void>;
}
