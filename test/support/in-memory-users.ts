import type { OwnerId } from "#shared/domain/ids.ts";
import { emptyUserRegister, type User, type UserRegister } from "#shared/domain/user.ts";
import type { Owner, OwnerStore } from "#shared/ports/owner-store.ts";
import type { UserStore } from "#shared/ports/user-store.ts";
import { err, ok } from "#shared/result.ts";

/** The same promises as the DynamoDB store, kept honest by the contract that both run. */
export function createInMemoryUsers(): UserStore & OwnerStore {
  const users = new Map<string, User>();
  const registers = new Map<OwnerId, UserRegister>();
  const owners = new Map<OwnerId, Owner>();
  return {
    async get(ownerId, id) {
      const user = users.get(`${ownerId}/${id}`);
      return user?.deletedAt ? undefined : user;
    },
    async list(ownerId) {
      return [...users.values()]
        .filter((user) => user.ownerId === ownerId && !user.deletedAt)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1));
    },
    async getRegister(ownerId) {
      return registers.get(ownerId) ?? emptyUserRegister(ownerId);
    },
    async save(next, register) {
      const key = `${next.ownerId}/${next.id}`;
      const isCurrent =
        (users.get(key)?.version ?? 0) === next.version - 1 &&
        (registers.get(next.ownerId)?.version ?? 0) === register.version - 1;
      if (!isCurrent) return err({ reason: "stale" });
      users.set(key, next);
      registers.set(next.ownerId, register);
      return ok(undefined);
    },
    async addOwner(owner) {
      if (owners.has(owner.id)) return err({ reason: "name-taken" });
      owners.set(owner.id, owner);
      return ok(undefined);
    },
    async listOwners() {
      return [...owners.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    },
  };
}
