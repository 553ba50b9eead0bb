import type { StoredPassword } from "#shared/domain/user-password.ts";

/** Makes guessing slow. Passwords are handed over as `checkPassword` or `normalizePassword` returned them. */
export interface PasswordHasher {
  hash(password: string): Promise<StoredPassword>;
  /** In constant time once hashed. A password that was stored at another cost is checked at that cost. */
  verify(password: string, stored: StoredPassword): Promise<boolean>;
  /** Takes as long as `verify` at the present cost, and is false. */
  verifyNobody(password: string): Promise<false>;
}
