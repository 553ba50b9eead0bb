import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asOwnerId, asUserId } from "#shared/domain/ids.ts";
import { ROLE_SCOPES, ROLES, type Role } from "#shared/domain/role.ts";
import {
  changeUser,
  emptyUserRegister,
  endedAccess,
  findByEmail,
  formatInvitation,
  INVITATION_MS,
  INVITATION_RANDOM_BYTES,
  isInvited,
  MAX_USERS,
  newUser,
  parseInvitation,
  registerUser,
  removeUser,
  setPassword,
  standsFor,
  statusOf,
  type User,
  type UserRegister,
} from "#shared/domain/user.ts";
import { checkPassword } from "#shared/domain/user-password.ts";

const OWNER = asOwnerId("anne");
const now = new Date("2026-12-01T01:00:00.000Z");
const later = new Date("2026-12-01T02:00:00.000Z");
const PASSWORD = {
  algorithm: "scrypt",
  cost: { n: 16, r: 8, p: 1 },
  salt: "c2FsdA",
  hash: "aGFzaA",
} as const;
const idOf = (number: number) => asUserId(`01KVSER${String(number).padStart(19, "0")}`);
const HASH = "ab".repeat(32);

const invited = (number: number, role: Role = "admin"): User =>
  newUser(idOf(number), OWNER, { name: `Ann ${number}`, email: `Ann${number}@Example.org`, role }, HASH, now);
const active = (number: number, role: Role = "admin"): User =>
  setPassword(invited(number, role), PASSWORD, now);

function register(...users: readonly User[]): UserRegister {
  let result = emptyUserRegister(OWNER);
  for (const user of users) {
    const next = registerUser(result, user);
    if (!next.ok) throw new Error(next.error.reason);
    result = next.value;
  }
  return result;
}

describe("roles", () => {
  it("are sets of scopes, each including the ones before it", () => {
    const plain = ROLES.filter((role) => role !== "admin").map((role) => ROLE_SCOPES[role]);
    for (const [index, scopes] of plain.entries())
      for (const smaller of plain.slice(0, index))
        expect(scopes).toEqual(expect.arrayContaining([...smaller]));
    expect(ROLE_SCOPES.viewer).toEqual(["read"]);
    expect(ROLE_SCOPES.manager).not.toContain("admin");
    expect(ROLE_SCOPES.admin).toEqual(["admin"]);
  });
});

describe("the register of users", () => {
  it.each([
    [{ name: "ann 1" }, "name-taken"],
    [{ name: " ANN 1 " }, "name-taken"],
    [{ name: "Ａnn 1" }, "name-taken"],
    [{ email: "ann1@example.ORG" }, "email-taken"],
  ])("has names and addresses once, in any case or width: %j", (wish, reason) => {
    const other = { ...invited(2), ...wish };
    expect(registerUser(register(invited(1)), other)).toEqual({ ok: false, error: { reason } });
  });

  it("lets a user keep the own name, and gives it free with the user", () => {
    const one = active(1, "viewer");
    const known = register(one);
    expect(registerUser(known, { ...one, email: "new@example.org" })).toMatchObject({ ok: true });
    const without = registerUser(known, removeUser(one, later));
    expect(without.ok && registerUser(without.value, { ...invited(2), name: one.name }).ok).toBe(true);
  });

  it("has an end", () => {
    const many = register(...Array.from({ length: MAX_USERS }, (_, index) => invited(index, "viewer")));
    expect(registerUser(many, invited(MAX_USERS))).toEqual({
      ok: false,
      error: { reason: "too-many", limit: MAX_USERS },
    });
    expect(registerUser(many, active(3, "viewer")).ok).toBe(true);
  });

  it("finds by address, in any case", () => {
    expect(findByEmail(register(invited(1)), " ANN1@example.org ")).toBe(idOf(1));
    expect(findByEmail(register(invited(1)), "ann@example.org")).toBeUndefined();
  });

  it.each([
    ["removed", (user: User) => removeUser(user, later)],
    ["disabled", (user: User) => changeUser(user, { disabled: true }, later)],
    ["demoted", (user: User) => changeUser(user, { role: "manager" }, later)],
    ["invited anew", (user: User) => changeUser(user, { invitationHash: HASH }, later)],
  ])("keeps the last administrator who can sign in from being %s", (_, change) => {
    const admin = active(1);
    // Others do not count: one cannot sign in yet, one may not let others in.
    const known = register(admin, invited(2), active(3, "manager"));
    expect(registerUser(known, change(admin))).toEqual({ ok: false, error: { reason: "last-admin" } });
    const with2 = registerUser(known, active(2));
    expect(with2.ok && registerUser(with2.value, change(admin)).ok).toBe(true);
  });

  it("always has an administrator once it had one, whatever is tried", () => {
    const step = fc.record({
      who: fc.integer({ min: 1, max: 3 }),
      role: fc.constantFrom(...ROLES),
      what: fc.constantFrom("accept", "change", "disable", "remove"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        let known = emptyUserRegister(OWNER);
        let hadAdmin = false;
        for (const { who, role, what } of steps) {
          const user = active(who, role);
          const next =
            what === "disable"
              ? changeUser(user, { disabled: true }, later)
              : what === "remove"
                ? removeUser(user, later)
                : what === "accept"
                  ? invited(who, role)
                  : user;
          const written = registerUser(known, next);
          if (written.ok) known = written.value;
          const hasAdmin = known.entries.some(({ isAdmin }) => isAdmin);
          hadAdmin ||= hasAdmin;
          expect(hasAdmin).toBe(hadAdmin);
        }
      }),
    );
  });
});

describe("what a user made", () => {
  const change = (...changes: readonly Parameters<typeof changeUser>[1][]) =>
    changes.reduce((user, one) => changeUser(user, one, later), active(1));
  it.each<[string, () => User, boolean]>([
    ["disabled", () => change({ disabled: true }), false],
    ["disabled and enabled again", () => change({ disabled: true }, { disabled: false }), false],
    ["invited anew", () => change({ invitationHash: HASH }), false],
    ["removed", () => removeUser(active(1), later), false],
    ["renamed", () => change({ name: "Bea" }), true],
    ["given another role", () => change({ role: "viewer" }), true],
    ["said to be enabled, who is", () => change({ disabled: false }), true],
  ])("after being %s", (_, made, stands) => {
    const user = made();
    expect(standsFor(user, now)).toBe(stands);
    expect(endedAccess(active(1), user)).toBe(!stands);
    // What was made in the very millisecond of the change is of before; what comes after it counts.
    expect(standsFor(user, later)).toBe(stands);
    expect(user.updatedAt).toEqual(later);
    expect(user.version).toBeGreaterThan(active(1).version);
  });

  it("keeps the password but when somebody is invited anew, and the invitation until it is used", () => {
    expect(change({ name: "Bea" })).toMatchObject({ name: "Bea", password: PASSWORD });
    expect(change({ name: "Bea" })).not.toHaveProperty("invitation");
    const anew = change({ invitationHash: HASH });
    expect(anew).not.toHaveProperty("password");
    expect(anew.invitation).toEqual({ hash: HASH, until: new Date(later.getTime() + INVITATION_MS) });
    const waiting = changeUser(invited(1), { name: "Bea" }, later);
    expect(waiting.invitation).toEqual(invited(1).invitation);
    expect(waiting).not.toHaveProperty("password");
    expect([invited(1), active(1), change({ disabled: true })].map(statusOf)).toEqual([
      "invited",
      "active",
      "disabled",
    ]);
  });

  it("counts not before the password is set, nor of nobody", () => {
    expect(standsFor(invited(1), later)).toBe(false);
    expect(standsFor(undefined, later)).toBe(false);
    expect(standsFor(active(1), later)).toBe(true);
  });

  it("leaves no name, address or password behind", () => {
    const removed = removeUser(active(1), later);
    expect(removed).toMatchObject({ name: "", email: "", disabled: true, deletedAt: later });
    expect(standsFor(removed, new Date(later.getTime() + 9))).toBe(false);
    const gone = JSON.stringify(removed);
    for (const word of ["Ann", "xample", PASSWORD.hash]) expect(gone).not.toContain(word);
  });
});

describe("an invitation", () => {
  const random = new Uint8Array(INVITATION_RANDOM_BYTES).fill(7);
  function invite() {
    const made = formatInvitation({ ownerId: OWNER, id: idOf(1) }, random);
    const user = newUser(idOf(1), OWNER, { name: "Ann", email: "a@b.org", role: "viewer" }, made.hash, now);
    const read = parseInvitation(made.code);
    return { made, user, read: read ?? expect.fail("a new invitation does not pass its own check") };
  }

  it("says whom it is for, and nothing that is stored shows it", () => {
    const { made, user, read } = invite();
    expect(read).toEqual({ ownerId: OWNER, id: idOf(1), hash: made.hash });
    expect(() => formatInvitation(user, random.slice(1))).toThrow("24 random bytes");
    expect(JSON.stringify(user)).not.toContain(made.code.slice(-20));
  });

  it("works for three days and once", () => {
    const { user, read } = invite();
    const end = new Date(now.getTime() + INVITATION_MS);
    expect(isInvited(user, read, new Date(end.getTime() - 1))).toBe(true);
    expect(isInvited(user, read, end)).toBe(false);
    const accepted = setPassword(user, PASSWORD, now);
    expect(isInvited(accepted, read, now)).toBe(false);
    expect(statusOf(accepted)).toBe("active");
  });

  it.each<[string, (user: User) => User | undefined]>([
    ["a disabled user's", (user) => changeUser(user, { disabled: true }, now)],
    ["a removed user's", (user) => removeUser(user, now)],
    ["one that was replaced", (user) => changeUser(user, { invitationHash: HASH }, now)],
    ["nobody's", () => undefined],
  ])("does not work: %s", (_, become) => {
    const { user, read } = invite();
    expect(isInvited(become(user), read, now)).toBe(false);
  });

  it.each<[string, (code: string) => string]>([
    ["nothing", () => ""],
    ["its beginning", () => "pni."],
    ["without its first letter", (code) => code.slice(1)],
    ["with one more", (code) => `${code}a`],
    ["with one less", (code) => code.slice(0, -1)],
    ["with an owner that is none", (code) => code.replace("anne", "An/ne")],
  ])("is refused without a look-up when it can be none: %s", (_, spoil) => {
    expect(parseInvitation(spoil(invite().made.code))).toBeUndefined();
  });
});

describe("a password", () => {
  const who = { name: "Anna Lind", email: "captain@example.org" };
  it.each([
    ["short words", { reason: "too-short", least: 12 }],
    ["x".repeat(201), { reason: "too-long", most: 200 }],
    ["aaaaaaaaaabbb", { reason: "guessable" }],
    ["my ANNA LIND 99", { reason: "guessable" }],
    ["Captain-of-all", { reason: "guessable" }],
    ["captain@example.org", { reason: "guessable" }],
  ])("is refused: %s", (password, error) => {
    expect(checkPassword(password, who)).toEqual({ ok: false, error });
  });

  it("is taken in any form of its characters, as the same one", () => {
    expect(checkPassword("über den Hafen", who)).toEqual(checkPassword("u\u0308ber den Hafen", who));
    expect(checkPassword("über den Hafen", who).ok).toBe(true);
    // Twelve characters, not code units.
    expect(checkPassword("🙂🙃😉😌😍🥰😘😗😙😚😋", who)).toMatchObject({ ok: false });
    expect(checkPassword("🙂🙃😉😌😍🥰😘😗😙😚😋😛", who).ok).toBe(true);
    // A name of three letters is in too many words.
    expect(checkPassword("the manager may", { name: "Ann", email: "man@example.org" }).ok).toBe(true);
  });
});
