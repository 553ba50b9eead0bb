import { createHash } from "node:crypto";
import { asOwnerId, type OwnerId, type UserId } from "./ids.ts";

declare const brand: unique symbol;
/** SHA-256 of a session's token, hex. A token has 256 random bits, so no salt is needed. */
export type SessionHash = string & { readonly [brand]: "SessionHash" };
export const asSessionHash = (hex: string): SessionHash => hex as SessionHash;

/** However much it is used. */
export const SESSION_MS = 12 * 60 * 60_000;
/** Without a request. */
export const SESSION_IDLE_MS = 60 * 60_000;
export const SESSION_RANDOM_BYTES = 32;
/** A write for every request would cost more than the requests; so much earlier it may seem idle. */
const TOUCH_EVERY_MS = 60_000;

/** A person who has signed in, in one browser. */
export interface Session {
  readonly hash: SessionHash;
  readonly ownerId: OwnerId;
  readonly userId: UserId;
  readonly createdAt: Date;
  /** To within a minute. */
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
  /** Where the person signed in. */
  readonly sourceIp: string;
}

const TOKEN_PATTERN = /^([a-z0-9-]{1,63})\.([\w-]{43})$/;

const sessionHash = (token: string): SessionHash =>
  asSessionHash(createHash("sha256").update(token).digest("hex"));

/**
 * A new token, `<owner>.<random>`: it says where to look, and nothing has to be searched for.
 *
 * @param randomBytes - exactly `SESSION_RANDOM_BYTES`, from a cryptographic source
 */
export function formatSessionToken(ownerId: OwnerId, randomBytes: Uint8Array): string {
  if (randomBytes.length !== SESSION_RANDOM_BYTES)
    throw new RangeError(`a session is made of ${SESSION_RANDOM_BYTES} random bytes`);
  return `${ownerId}.${Buffer.from(randomBytes).toString("base64url")}`;
}

/** Whose session it would be; undefined: it cannot be a token, and nobody has to be asked. */
export function parseSessionToken(token: string): Pick<Session, "ownerId" | "hash"> | undefined {
  const [, owner] = TOKEN_PATTERN.exec(token) ?? [];
  return owner === undefined ? undefined : { ownerId: asOwnerId(owner), hash: sessionHash(token) };
}

/** How people and logs name a session: the start of its hash. */
export const sessionIdOf = ({ hash }: Pick<Session, "hash">): string => hash.slice(0, 12);

export const newSession = (
  token: string,
  who: Pick<Session, "ownerId" | "userId" | "sourceIp">,
  now: Date,
): Session => ({
  ...who,
  hash: sessionHash(token),
  createdAt: now,
  lastSeenAt: now,
  expiresAt: new Date(now.getTime() + SESSION_MS),
});

export const isSessionOver = ({ expiresAt, lastSeenAt }: Session, now: Date): boolean =>
  expiresAt <= now || now.getTime() - lastSeenAt.getTime() >= SESSION_IDLE_MS;

export const shouldTouchSession = ({ lastSeenAt }: Session, now: Date): boolean =>
  now.getTime() - lastSeenAt.getTime() >= TOUCH_EVERY_MS;
