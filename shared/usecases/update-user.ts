import type { OwnerId, UserId } from "#shared/domain/ids.ts";
import {
  changeUser,
  endedAccess,
  formatInvitation,
  INVITATION_RANDOM_BYTES,
  type RegisterRefusal,
  registerUser,
  removeUser,
  type User,
  type UserChange,
} from "#shared/domain/user.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { MAX_RACES } from "./change-own-job.ts";
import type { EndAccess } from "./end-access.ts";

export interface ChangeUserDeps {
  readonly users: Pick<UserStore, "get" | "getRegister" | "save">;
  readonly clock: Pick<Clock, "now">;
  readonly endAccess: EndAccess;
  /** Told why sessions and keys were left in their lists. */
  readonly report: (error: unknown) => void;
}

export interface UpdateUserDeps extends ChangeUserDeps {
  /** From a cryptographic source. */
  readonly randomBytes: (size: number) => Uint8Array;
}

export type ChangeUserRefusal =
  | { readonly reason: "not-found" }
  /** Somebody changed the user since the version that was named. */
  | { readonly reason: "stale"; readonly version: number }
  | RegisterRefusal
  | { readonly reason: "conflict" };

interface ChangedUser {
  readonly before: User;
  readonly after: User;
}

/** Changes one user and the register in one transaction, and ends what has to end with it. */
async function changeOwnUser(
  { users, clock, endAccess, report }: ChangeUserDeps,
  ownerId: OwnerId,
  id: UserId,
  ifVersion: number | undefined,
  change: (user: User, now: Date) => User,
): Promise<Result<ChangedUser, ChangeUserRefusal>> {
  for (let race = 0; race < MAX_RACES; race++) {
    // The register first: what it says can only be older than the user, and then the write is refused.
    const register = await users.getRegister(ownerId);
    const before = await users.get(ownerId, id);
    if (!before) return err({ reason: "not-found" });
    if (ifVersion !== undefined && before.version !== ifVersion)
      return err({ reason: "stale", version: before.version });
    const after = change(before, clock.now());
    const next = registerUser(register, after);
    if (!next.ok) return next;
    if (!(await users.save(after, next.value)).ok) continue;
    // Their access has ended with the write: a list that is not tidy must not make it look undone.
    if (endedAccess(before, after)) await endAccess(after).catch(report);
    return ok({ before, after });
  }
  return err({ reason: "conflict" });
}

export interface WantedUserChange extends Omit<UserChange, "invitationHash"> {
  /** Ends password, sessions and keys, and lets the person set a new password. */
  readonly renewInvitation?: boolean;
}

export interface UpdatedUser {
  readonly user: User;
  /** The code of a new invitation. It can never be shown again. */
  readonly invitation?: string;
}

/** @param ifVersion - absent: whatever version there is */
export type UpdateUser = (
  ownerId: OwnerId,
  id: UserId,
  wanted: WantedUserChange,
  ifVersion?: number,
) => Promise<Result<UpdatedUser, ChangeUserRefusal>>;

export function createUpdateUser({ randomBytes, ...deps }: UpdateUserDeps): UpdateUser {
  return async (ownerId, id, { renewInvitation = false, ...wanted }, ifVersion) => {
    const invitation = renewInvitation
      ? formatInvitation({ ownerId, id }, randomBytes(INVITATION_RANDOM_BYTES))
      : undefined;
    const changed = await changeOwnUser(deps, ownerId, id, ifVersion, (user, now) =>
      changeUser(user, { ...wanted, ...(invitation && { invitationHash: invitation.hash }) }, now),
    );
    if (!changed.ok) return changed;
    return ok({ user: changed.value.after, ...(invitation && { invitation: invitation.code }) });
  };
}

/** @returns the user as it was */
export type DeleteUser = (
  ownerId: OwnerId,
  id: UserId,
  ifVersion?: number,
) => Promise<Result<User, ChangeUserRefusal>>;

export function createDeleteUser(deps: ChangeUserDeps): DeleteUser {
  return async (ownerId, id, ifVersion) => {
    const changed = await changeOwnUser(deps, ownerId, id, ifVersion, removeUser);
    return changed.ok ? ok(changed.value.before) : changed;
  };
}
