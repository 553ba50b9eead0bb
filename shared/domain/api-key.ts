import { createHash } from "node:crypto";
import { err, ok, type Result } from "#shared/result.ts";
import type { OwnerId } from "./ids.ts";

declare const brand: unique symbol;
/** SHA-256 of a key, hex: what is stored and looked up. A key has 192 random bits, so no salt is needed. */
export type KeyHash = string & { readonly [brand]: "KeyHash" };

/** Each allows its own kind of request; `admin` allows all of them. */
export const KEY_SCOPES = ["read", "write", "publish", "manage", "admin"] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

/** An API key as it is stored. The key itself is shown once, when it is made. */
export interface ApiKey {
  readonly hash: KeyHash;
  readonly ownerId: OwnerId;
  /** For people: where it is used. */
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  readonly createdAt: Date;
  /** Absent: it works until it is revoked. */
  readonly expiresAt?: Date;
  /** To within `TOUCH_EVERY_MS`. */
  readonly lastUsedAt?: Date;
}

/** So that scanners for leaked secrets, and people, recognise it. */
const PREFIX = "pnc";
/** 192 bits. */
export const KEY_RANDOM_BYTES = 24;
const RANDOM_LENGTH = 33;
const CHECKSUM_LENGTH = 6;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const KEY_PATTERN = new RegExp(
  `^${PREFIX}_([0-9A-Za-z]{${RANDOM_LENGTH}})_([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`,
);

function toBase62(bytes: Uint8Array, length: number): string {
  let value = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  let text = "";
  for (let place = 0; place < length; place++) {
    text = (ALPHABET[Number(value % 62n)] ?? "") + text;
    value /= 62n;
  }
  return text;
}

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

const checksumOf = (random: string): string =>
  toBase62(sha256(`${PREFIX}_${random}`).subarray(0, 4), CHECKSUM_LENGTH);

/**
 * A new key, `pnc_<random>_<checksum>`.
 *
 * @param randomBytes - exactly `KEY_RANDOM_BYTES`, from a cryptographic source
 */
export function formatApiKey(randomBytes: Uint8Array): string {
  if (randomBytes.length !== KEY_RANDOM_BYTES)
    throw new RangeError(`a key is made of ${KEY_RANDOM_BYTES} random bytes, not ${randomBytes.length}`);
  const random = toBase62(randomBytes, RANDOM_LENGTH);
  return `${PREFIX}_${random}_${checksumOf(random)}`;
}

/** Tells a mistyped or cut key from a real one without asking the table, and hashes it for the look-up. */
export function parseApiKey(text: string): Result<KeyHash, { readonly reason: "malformed" }> {
  const [, random, checksum] = KEY_PATTERN.exec(text) ?? [];
  if (random === undefined || checksum !== checksumOf(random)) return err({ reason: "malformed" });
  return ok(sha256(text).toString("hex") as KeyHash);
}

export const asKeyHash = (hex: string): KeyHash => hex as KeyHash;

/** How people name a key that they cannot see any more: the start of its hash. */
export const keyIdOf = ({ hash }: Pick<ApiKey, "hash">): string => hash.slice(0, 12);

export const isKeyExpired = ({ expiresAt }: Pick<ApiKey, "expiresAt">, now: Date): boolean =>
  expiresAt !== undefined && expiresAt <= now;

export const allowsScope = ({ scopes }: Pick<ApiKey, "scopes">, needed: KeyScope): boolean =>
  scopes.includes(needed) || scopes.includes("admin");

/** A write for every request would cost more than the requests. */
const TOUCH_EVERY_MS = 5 * 60_000;

export const shouldTouch = ({ lastUsedAt }: Pick<ApiKey, "lastUsedAt">, now: Date): boolean =>
  lastUsedAt === undefined || now.getTime() - lastUsedAt.getTime() >= TOUCH_EVERY_MS;
