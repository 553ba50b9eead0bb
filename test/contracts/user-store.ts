import { describe, expect, it } from "vitest";
import { asOwnerId, asUserId } from "#shared/domain/ids.ts";
import { newUser, registerUser, removeUser, setPassword, type User } from "#shared/domain/user.ts";
import type { OwnerStore } from "#shared/ports/owner-store.ts";
import type { UserStore } from "#shared/ports/user-store.ts";

let serial = 0;
const now = new Date("2026-12-01T01:00:00.000Z");
const later = new Date("2026-12-01T02:00:00.000Z");

/** What every `UserStore` and `OwnerStore` promises. Run it against each implementation. */
export function userStoreContract(name: string, open: () => UserStore & OwnerStore): void {
  const anOwner = () => asOwnerId(`owner-${process.pid}-${++serial}`);
  const aUser = (ownerId = anOwner()): User => {
    const number = ++serial;
    const id = asUserId(`01KVSER${String(number).padStart(19, "0")}`);
    return newUser(
      id,
      ownerId,
      { name: `Ann ${number}`, email: `ann${number}@example.org`, role: "admin" },
      "ab".repeat(32),
      now,
    );
  };
  async function add(users: UserStore, user: User): Promise<void> {
    const register = registerUser(await users.getRegister(user.ownerId), user);
    if (!register.ok || !(await users.save(user, register.value)).ok) throw new Error("it was not added");
  }

  describe(`UserStore: ${name}`, () => {
    it("gives back user and register as they were saved, and nothing of another owner", async () => {
      const users = open();
      const user = aUser();
      await add(users, user);
      const stored = {
        algorithm: "scrypt",
        cost: { n: 16, r: 8, p: 1 },
        salt: "c2FsdA",
        hash: "aGFzaA",
      } as const;
      const next = setPassword(user, stored, later);
      await add(users, next);
      expect(await users.get(user.ownerId, user.id)).toEqual(next);
      expect(await users.getRegister(user.ownerId)).toMatchObject({
        entries: [{ id: user.id, isAdmin: true }],
        version: 2,
      });
      expect(await users.get(anOwner(), user.id)).toBeUndefined();
      expect(await users.list(anOwner())).toEqual([]);
      expect(await users.getRegister(anOwner())).toMatchObject({ entries: [], version: 0 });
    });

    it("writes both or neither: a stale user, or a stale register, changes nothing", async () => {
      const users = open();
      const user = aUser();
      await add(users, user);
      const register = await users.getRegister(user.ownerId);
      const other = aUser(user.ownerId);
      const stale = { ok: false, error: { reason: "stale" } };
      // The register of somebody who read before the first user was added.
      expect(await users.save(other, { ...register, version: 1 })).toEqual(stale);
      // A user of somebody who read before it was changed.
      expect(await users.save(user, { ...register, version: 2 })).toEqual(stale);
      expect(await users.list(user.ownerId)).toEqual([user]);
      expect(await users.getRegister(user.ownerId)).toEqual(register);
    });

    it("lists oldest first, without deleted ones, whose ids stay theirs", async () => {
      const users = open();
      const first = aUser();
      const second = aUser(first.ownerId);
      const third = aUser(first.ownerId);
      for (const user of [third, first, second]) await add(users, user);
      await add(users, removeUser(second, later));
      expect(await users.list(first.ownerId)).toEqual([first, third]);
      expect(await users.get(first.ownerId, second.id)).toBeUndefined();
      const register = await users.getRegister(first.ownerId);
      expect((await users.save(second, { ...register, version: register.version + 1 })).ok).toBe(false);
    });

    it("gives an owner's name away once", async () => {
      const owners = open();
      const [b, a] = [anOwner(), anOwner()].toSorted().toReversed();
      if (!a || !b) throw new Error("two owners");
      for (const id of [b, a])
        expect(await owners.addOwner({ id, createdAt: now })).toMatchObject({ ok: true });
      expect(await owners.addOwner({ id: a, createdAt: later })).toEqual({
        ok: false,
        error: { reason: "name-taken" },
      });
      const listed = (await owners.listOwners()).filter(({ id }) => id === a || id === b);
      expect(listed).toEqual([
        { id: a, createdAt: now },
        { id: b, createdAt: now },
      ]);
    });
  });
}
