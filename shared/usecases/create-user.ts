import type { OwnerId } from "#shared/domain/ids.ts";
import { asUserId } from "#shared/domain/ids.ts";
import {
  formatInvitation,
  INVITATION_RANDOM_BYTES,
  newUser,
  type RegisterRefusal,
  registerUser,
  type User,
  type UserWish,
} from "#shared/domain/user.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { MAX_RACES } from "./change-own-job.ts";

export interface CreateUserDeps {
  readonly users: Pick<UserStore, "getRegister" | "save">;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Entropy;
  /** From a cryptographic source. */
  readonly randomBytes: (size: number) => Uint8Array;
}

/** The user, and the code that lets the person set a password. It can never be shown again. */
export interface InvitedUser {
  readonly user: User;
  readonly invitation: string;
}

/** `conflict`: the owner's users were changed by somebody else every time. */
export type CreateUserRefusal = RegisterRefusal | { readonly reason: "conflict" };

export type CreateUser = (
  ownerId: OwnerId,
  wish: UserWish,
) => Promise<Result<InvitedUser, CreateUserRefusal>>;

export function createCreateUser({ users, clock, entropy, randomBytes }: CreateUserDeps): CreateUser {
  return async (ownerId, wish) => {
    const id = asUserId(entropy.newId());
    const { code, hash } = formatInvitation({ ownerId, id }, randomBytes(INVITATION_RANDOM_BYTES));
    const user = newUser(id, ownerId, wish, hash, clock.now());
    for (let race = 0; race < MAX_RACES; race++) {
      const register = registerUser(await users.getRegister(ownerId), user);
      if (!register.ok) return register;
      if ((await users.save(user, register.value)).ok) return ok({ user, invitation: code });
    }
    return err({ reason: "conflict" });
  };
}
