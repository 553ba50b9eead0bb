import { err, ok, type Result } from "#shared/result.ts";

/** @see https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver (15 alone, 8 beside another factor; no composition rules) */
export const MIN_PASSWORD_LENGTH = 12;
/** Longer ones make nothing safer and hashing slower. */
export const MAX_PASSWORD_LENGTH = 200;
/** Shorter names are in too many words to be refused. */
const MIN_TELLING_LENGTH = 4;
const MIN_DISTINCT = 5;

/** A hash and everything that is needed to compute it again, so that the cost can be raised later. */
export interface StoredPassword {
  readonly algorithm: "scrypt";
  /** Work and memory, block size, parallelisation. @see https://www.rfc-editor.org/rfc/rfc7914 */
  readonly cost: { readonly n: number; readonly r: number; readonly p: number };
  /** Base64url, 16 random bytes. */
  readonly salt: string;
  /** Base64url, 32 bytes. */
  readonly hash: string;
}

export type PasswordRefusal =
  | { readonly reason: "too-short"; readonly least: number }
  | { readonly reason: "too-long"; readonly most: number }
  /** It has the name or the e-mail address in it, or hardly more than one character. */
  | { readonly reason: "guessable" };

/** The same characters in any of their forms are the same password. */
export const normalizePassword = (password: string): string => password.normalize("NFKC");

/** @returns the password as it is to be hashed */
export function checkPassword(
  password: string,
  { name, email }: { readonly name: string; readonly email: string },
): Result<string, PasswordRefusal> {
  const normal = normalizePassword(password);
  const characters = [...normal];
  if (characters.length < MIN_PASSWORD_LENGTH)
    return err({ reason: "too-short", least: MIN_PASSWORD_LENGTH });
  if (characters.length > MAX_PASSWORD_LENGTH) return err({ reason: "too-long", most: MAX_PASSWORD_LENGTH });
  const folded = normal.toLowerCase();
  const telling = [name, email, email.slice(0, email.lastIndexOf("@"))]
    .map((text) => text.normalize("NFKC").toLowerCase())
    .filter((text) => text.length >= MIN_TELLING_LENGTH);
  const isGuessable = new Set(folded).size < MIN_DISTINCT || telling.some((text) => folded.includes(text));
  return isGuessable ? err({ reason: "guessable" }) : ok(normal);
}
