import { createHash, timingSafeEqual } from "node:crypto";
import { err, ok, type Result } from "#shared/result.ts";
import { asOwnerId, asUserId, type OwnerId, type UserId } from "./ids.ts";
import type { Role } from "./role.ts";
import type { StoredPassword } from "./user-password.ts";

/** Of one owner: as many as one item can name. */
export const MAX_USERS = 200;
export const INVITATION_MS = 3 * 24 * 60 * 60_000;
/** 192 bits. */
export const INVITATION_RANDOM_BYTES = 24;

/** What an administrator says about a person. */
export interface UserWish {
  /** Unique for an owner, in any case. */
  readonly name: string;
  /** Unique for an owner, in any case. As it was written. */
  readonly email: string;
  readonly role: Role;
}

/** A person who works for one owner. */
export interface User extends UserWish {
  readonly id: UserId;
  readonly ownerId: OwnerId;
  readonly disabled: boolean;
  /** One-time, until somebody sets the password with it. The code itself is nowhere. */
  readonly invitation?: { readonly hash: string; readonly until: Date };
  /** Absent: the invitation was not accepted yet. */
  readonly password?: StoredPassword;
  /** Sessions and keys that the user made earlier do not count any more. */
  readonly activeSince: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt?: Date;
  /** Grows by one with every write. */
  readonly version: number;
}

export type UserStatus = "invited" | "active" | "disabled";

export const statusOf = ({ disabled, password }: Pick<User, "disabled" | "password">): UserStatus =>
  disabled ? "disabled" : password ? "active" : "invited";

/** Whether what the user made at `madeAt` still counts. */
export const standsFor = (user: User | undefined, madeAt: Date): user is User =>
  user !== undefined &&
  statusOf(user) === "active" &&
  user.deletedAt === undefined &&
  madeAt >= user.activeSince;

/** Two spellings of the same name or address are one. */
export const fold = (text: string): string => text.normalize("NFKC").trim().toLowerCase();

/** Everybody of an owner in one item: what makes names unique, and keeps the last administrator. */
export interface UserRegister {
  readonly ownerId: OwnerId;
  readonly entries: readonly RegisteredUser[];
  readonly version: number;
}

export interface RegisteredUser {
  readonly id: UserId;
  /** Folded. */
  readonly name: string;
  /** Folded. */
  readonly email: string;
  /** Can sign in and do everything. */
  readonly isAdmin: boolean;
}

export type RegisterRefusal =
  | { readonly reason: "name-taken" | "email-taken" }
  | { readonly reason: "too-many"; readonly limit: number }
  /** Nobody could sign in and let others in any more. */
  | { readonly reason: "last-admin" };

export const emptyUserRegister = (ownerId: OwnerId): UserRegister => ({ ownerId, entries: [], version: 0 });

const hasAdmin = (entries: readonly RegisteredUser[]): boolean => entries.some(({ isAdmin }) => isAdmin);

/** The register with this user as they are now. A deleted one is left out. */
export function registerUser(register: UserRegister, user: User): Result<UserRegister, RegisterRefusal> {
  const others = register.entries.filter(({ id }) => id !== user.id);
  const [name, email] = [fold(user.name), fold(user.email)];
  const isGone = user.deletedAt !== undefined;
  if (!isGone) {
    if (others.some((other) => other.name === name)) return err({ reason: "name-taken" });
    if (others.some((other) => other.email === email)) return err({ reason: "email-taken" });
    if (others.length >= MAX_USERS) return err({ reason: "too-many", limit: MAX_USERS });
  }
  const isAdmin = user.role === "admin" && statusOf(user) === "active";
  const entries = isGone ? others : [...others, { id: user.id, name, email, isAdmin }];
  if (hasAdmin(register.entries) && !hasAdmin(entries)) return err({ reason: "last-admin" });
  return ok({ ...register, entries, version: register.version + 1 });
}

export const findByEmail = ({ entries }: UserRegister, email: string): UserId | undefined =>
  entries.find((entry) => entry.email === fold(email))?.id;

export interface Invitation {
  /** Shown once. */
  readonly code: string;
  readonly hash: string;
}

const PREFIX = "pni";
const INVITATION_PATTERN = /^pni\.([a-z0-9-]{1,63})\.([0-9A-HJKMNP-TV-Z]{26})\.([\w-]{32})$/;

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/**
 * A new invitation, `pni.<owner>.<user>.<random>`: it says whom it is for, so nothing has to be searched for.
 *
 * @param randomBytes - exactly `INVITATION_RANDOM_BYTES`, from a cryptographic source
 */
export function formatInvitation(
  { ownerId, id }: Pick<User, "ownerId" | "id">,
  randomBytes: Uint8Array,
): Invitation {
  if (randomBytes.length !== INVITATION_RANDOM_BYTES)
    throw new RangeError(`an invitation is made of ${INVITATION_RANDOM_BYTES} random bytes`);
  const code = `${PREFIX}.${ownerId}.${id}.${Buffer.from(randomBytes).toString("base64url")}`;
  return { code, hash: sha256(code) };
}

export interface ReadInvitation {
  readonly ownerId: OwnerId;
  readonly id: UserId;
  readonly hash: string;
}

/** Whom an invitation is for, if it can be one. */
export function parseInvitation(code: string): ReadInvitation | undefined {
  const [, owner, user] = INVITATION_PATTERN.exec(code) ?? [];
  if (owner === undefined || user === undefined) return undefined;
  return { ownerId: asOwnerId(owner), id: asUserId(user), hash: sha256(code) };
}

/** What was made in the same millisecond ends too. */
const justAfter = (now: Date): Date => new Date(now.getTime() + 1);

const written = (user: User, now: Date): User => ({ ...user, updatedAt: now, version: user.version + 1 });

export const newUser = (
  id: UserId,
  ownerId: OwnerId,
  wish: UserWish,
  invitationHash: string,
  now: Date,
): User => ({
  ...wish,
  id,
  ownerId,
  disabled: false,
  invitation: { hash: invitationHash, until: new Date(now.getTime() + INVITATION_MS) },
  activeSince: now,
  createdAt: now,
  updatedAt: now,
  version: 1,
});

export interface UserChange extends Partial<UserWish> {
  readonly disabled?: boolean;
  /** Of a new one; the password of before ends, and so does every session. */
  readonly invitationHash?: string;
}

/** Whoever is disabled, enabled again or invited anew loses every session and key of before. */
export function changeUser(user: User, change: UserChange, now: Date): User {
  const { disabled = user.disabled, invitationHash, ...wish } = change;
  const { password, invitation, ...kept } = user;
  const isRenewed = invitationHash !== undefined;
  const endsAccess = isRenewed || disabled !== user.disabled;
  return written(
    {
      ...kept,
      ...wish,
      disabled,
      ...(isRenewed
        ? { invitation: { hash: invitationHash, until: new Date(now.getTime() + INVITATION_MS) } }
        : { ...(password && { password }), ...(invitation && { invitation }) }),
      ...(endsAccess && { activeSince: justAfter(now) }),
    },
    now,
  );
}

/** Whether access that this user had ends with the change: for looking after sessions and keys at once. */
export const endedAccess = (before: User, after: User): boolean =>
  after.deletedAt !== undefined || after.activeSince > before.activeSince;

/** The account is no more; nothing of the person stays but the id. */
export function removeUser({ password: _password, invitation: _invitation, ...user }: User, now: Date): User {
  return written(
    { ...user, name: "", email: "", disabled: true, activeSince: justAfter(now), deletedAt: now },
    now,
  );
}

/** Whether this invitation is the user's, is unused and has not run out. In constant time. */
export function isInvited(
  user: User | undefined,
  { hash }: Pick<ReadInvitation, "hash">,
  now: Date,
): user is User {
  const stored = user?.invitation;
  if (!user || !stored || user.disabled || user.deletedAt || stored.until <= now) return false;
  return timingSafeEqual(Buffer.from(stored.hash, "hex"), Buffer.from(hash, "hex"));
}

/** The invitation is used up with it. */
export const setPassword = ({ invitation: _, ...user }: User, password: StoredPassword, now: Date): User =>
  written({ ...user, password, activeSince: now }, now);
