import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import type { StoredPassword } from "#shared/domain/user-password.ts";
import type { PasswordHasher } from "#shared/ports/password-hasher.ts";

/**
 * 32 MiB, some 0.3 s of a whole processor: what a function of 512 MB can afford at a sign-in.
 *
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt
 */
const COST = { n: 2 ** 15, r: 8, p: 3 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const SLACK_BYTES = 1024 * 1024;

const derive = (password: string, salt: Buffer, { n, r, p }: StoredPassword["cost"]): Promise<Buffer> => {
  // Of the algorithm itself; Node adds a little.
  const options: ScryptOptions = { N: n, r, p, maxmem: 128 * r * (n + p + 2) + SLACK_BYTES };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
};

/** @param cost - @default - see `COST`; tests take less */
export function createScryptHasher(cost: StoredPassword["cost"] = COST): PasswordHasher {
  const nobody = { salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };
  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const hash = await derive(password, salt, cost);
      return {
        algorithm: "scrypt",
        cost,
        salt: salt.toString("base64url"),
        hash: hash.toString("base64url"),
      };
    },

    async verify(password, { salt, hash, cost: stored }) {
      const expected = Buffer.from(hash, "base64url");
      const derived = await derive(password, Buffer.from(salt, "base64url"), stored);
      return expected.length === derived.length && timingSafeEqual(expected, derived);
    },

    async verifyNobody(password) {
      timingSafeEqual(nobody.hash, await derive(password, nobody.salt, cost));
      return false;
    },
  };
}
