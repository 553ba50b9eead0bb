import { createHash } from "node:crypto";
import { err, ok, type Result } from "#shared/result.ts";
import type { OwnerId, UserId } from "./ids.ts";

declare const brand: unique symbol;
/** SHA-256 of a key, hex: what is stored and looked up. A key has 192 random bits, so no salt is needed. */
export type KeyHash = string & { readonly [brand]: "KeyHash" };

/** Each allows its own kind of request; `admin` allows all of them. */
export const KEY_SCOPES = ["read", "write", "publish", "manage", "admin"] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

/** What somebody may do, and give away. */
export interface Grant {
  readonly scopes: readonly KeyScope[];
  /** Names. Absent: all of the owner's projects. */
  readonly projects?: readonly string[];
  /** Names. Absent: all of the owner's accounts. */
  readonly accounts?: readonly string[];
}

/** An API key as it is stored. The key itself is shown once, when it is made. */
export interface ApiKey extends Grant {
  readonly hash: KeyHash;
  readonly ownerId: OwnerId;
  /** For people: where it is used. */
  readonly name: string;
  /** The user who made it: it ends with that user. Absent: an operator, or a key that no user made. */
  readonly createdBy?: UserId;
  readonly createdAt: Date;
  /** Absent: it works until it is revoked. */
  readonly expiresAt?: Date;
  /** To within `TOUCH_EVERY_MS`. */
  readonly lastUsedAt?: Date;
  /** Id of the key that takes its place; it ends at `expiresAt`. */
  readonly replacedBy?: string;
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

/** The scopes of which `limit` allows as much: what is left of a key whose maker may do less by now. */
export function limitScopes(scopes: readonly KeyScope[], limit: readonly KeyScope[]): readonly KeyScope[] {
  if (limit.includes("admin")) return scopes;
  return scopes.includes("admin") ? limit : scopes.filter((scope) => limit.includes(scope));
}

export interface GrantRefusal {
  readonly reason: "exceeds-own";
  readonly what: "scopes" | "projects" | "accounts";
  /** What is too much; empty: all of them were wanted. */
  readonly names: readonly string[];
}

/** Nobody gives away more than they have. */
export function checkGrant(giver: Grant, wanted: Grant): Result<void, GrantRefusal> {
  const scopes = wanted.scopes.filter((scope) => !allowsScope(giver, scope));
  if (scopes.length > 0) return err({ reason: "exceeds-own", what: "scopes", names: scopes });
  for (const what of ["projects", "accounts"] as const) {
    const own = giver[what];
    if (own === undefined) continue;
    const names = (wanted[what] ?? []).filter((name) => !own.includes(name));
    if (wanted[what] === undefined || names.length > 0) return err({ reason: "exceeds-own", what, names });
  }
  return ok(undefined);
}

/** How long a key that is being replaced goes on at most. */
export const MAX_OVERLAP_MS = 7 * 24 * 60 * 60_000;

/**
 * The old key of a rotation: it ends after the overlap, or when it would have ended anyway.
 *
 * @param overlapMs - 0 to `MAX_OVERLAP_MS`
 */
export function retireKey(
  key: ApiKey,
  replacedBy: string,
  overlapMs: number,
  now: Date,
): Result<ApiKey & Required<Pick<ApiKey, "expiresAt" | "replacedBy">>, { readonly reason: "ended" }> {
  if (key.replacedBy !== undefined || isKeyExpired(key, now)) return err({ reason: "ended" });
  const endsAt = new Date(now.getTime() + overlapMs);
  const expiresAt = key.expiresAt && key.expiresAt < endsAt ? key.expiresAt : endsAt;
  return ok({ ...key, replacedBy, expiresAt });
}
