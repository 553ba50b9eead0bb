import type { OwnerId, UserId } from "#shared/domain/ids.ts";
import type { User, UserRegister } from "#shared/domain/user.ts";
import type { Result } from "#shared/result.ts";

/** The people of each owner. Passes `test/contracts/user-store.ts`. */
export interface UserStore {
  /** Consistent: who was disabled is disabled for the next read. Deleted ones are not found. */
  get(ownerId: OwnerId, id: UserId): Promise<User | undefined>;
  /** Oldest first. */
  list(ownerId: OwnerId): Promise<readonly User[]>;
  getRegister(ownerId: OwnerId): Promise<UserRegister>;
  /** Replaces user and register whose versions are one less (version 1: none), both or neither. */
  save(next: User, register: UserRegister): Promise<Result<void, { readonly reason: "stale" }>>;
}
