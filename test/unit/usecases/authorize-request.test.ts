import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { type ApiKey, asKeyHash, formatApiKey } from "#shared/domain/api-key.ts";
import { asOwnerId, asUserId } from "#shared/domain/ids.ts";
import type { Role } from "#shared/domain/role.ts";
import {
  changeUser,
  newUser,
  registerUser,
  removeUser,
  setPassword,
  type User,
} from "#shared/domain/user.ts";
import { createAuthorizeRequest } from "#shared/usecases/authorize-request.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryKeys } from "#test/support/in-memory-keys.ts";
import { createInMemoryUsers } from "#test/support/in-memory-users.ts";

const key = formatApiKey(new Uint8Array(24).fill(7));
const hash = asKeyHash(createHash("sha256").update(key).digest("hex"));
const keyId = hash.slice(0, 12);

async function setUp(over: Partial<ApiKey> = {}) {
  const clock = manualClock("2026-12-01T01:00:00.000Z");
  const keys = createInMemoryKeys();
  const report = vi.fn();
  await keys.add({
    hash,
    ownerId: asOwnerId("anne"),
    name: "laptop",
    scopes: ["read"],
    createdAt: new Date("2026-01-01T00:00:00.000Z"),
    ...over,
  });
  const get = vi.spyOn(keys, "get");
  const users = createInMemoryUsers();
  async function save(user: User): Promise<void> {
    const register = registerUser(await users.getRegister(user.ownerId), user);
    if (!register.ok || !(await users.save(user, register.value)).ok) throw new Error("it was not saved");
  }
  const authorize = createAuthorizeRequest({ keys, users, clock, report });
  return { authorize, clock, keys, get, report, save };
}

const MAKER = asUserId("01KMMMMMMMMMMMMMMMMMMMMMMM");
const PASSWORD = { algorithm: "scrypt", cost: { n: 2, r: 1, p: 1 }, salt: "", hash: "" } as const;
/** As it is stored first. */
const aMaker = (role: Role, at = new Date("2025-01-01T00:00:00.000Z")): User => ({
  ...setPassword(
    newUser(MAKER, asOwnerId("anne"), { name: "Ann", email: "a@b.org", role }, "", at),
    PASSWORD,
    at,
  ),
  version: 1,
});

describe("authorizeRequest", () => {
  it.each([
    undefined,
    "",
    "Bearer",
    "Bearer ",
    key,
    `Basic ${key}`,
    `Bearer ${key.slice(0, -1)}`,
    `Bearer ${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`,
    `Bearer ${key},Bearer ${key}`,
    `Bearer ${key} ${key}`,
    `Bearer ${"x".repeat(100_000)}`,
  ])("refuses what can be no key without asking the table: %s", async (header) => {
    const { authorize, get } = await setUp();
    expect(await authorize(header)).toEqual({ ok: false, error: { reason: "malformed" } });
    expect(get).not.toHaveBeenCalled();
  });

  it("refuses a key that was never made, or was revoked", async () => {
    const { authorize, keys } = await setUp();
    await keys.revoke({ hash, ownerId: asOwnerId("anne") });
    expect(await authorize(`Bearer ${key}`)).toEqual({ ok: false, error: { reason: "unknown", keyId } });
  });

  it("refuses a key from the instant of its expiry on", async () => {
    const { authorize, clock } = await setUp({ expiresAt: new Date("2026-12-01T01:00:00.001Z") });
    expect((await authorize(`Bearer ${key}`)).ok).toBe(true);
    clock.advance(1);
    expect(await authorize(`Bearer ${key}`)).toEqual({
      ok: false,
      error: { reason: "expired", keyId, ownerId: "anne" },
    });
  });

  it.each(["Bearer", "bearer", "BEARER "])("takes the key after %s", async (scheme) => {
    const { authorize } = await setUp();
    const caller = { ownerId: "anne", keyId, scopes: ["read"] };
    expect(await authorize(`${scheme} ${key}`)).toEqual({ ok: true, value: caller });
  });

  it("hands on what the key is restricted to, and who made it", async () => {
    const restriction = { projects: ["shop"], accounts: ["main"] };
    const { authorize, save } = await setUp({ ...restriction, createdBy: MAKER });
    await save(aMaker("editor"));
    expect(await authorize(`Bearer ${key}`)).toEqual({
      ok: true,
      value: { ownerId: "anne", keyId, scopes: ["read"], userId: MAKER, ...restriction },
    });
  });

  it.each([
    ["viewer", ["read"]],
    ["publisher", ["read", "write", "publish"]],
    ["admin", ["admin"]],
  ] as const)("leaves a key of a %s no more than the role has now", async (role, scopes) => {
    const { authorize, save } = await setUp({ scopes: ["admin"], createdBy: MAKER });
    await save(aMaker(role));
    expect(await authorize(`Bearer ${key}`)).toMatchObject({ ok: true, value: { scopes } });
  });

  it.each([
    ["was disabled", (user: User) => changeUser(user, { disabled: true }, new Date("2026-06-01"))],
    [
      "was disabled and is back",
      (user: User) =>
        changeUser(
          changeUser(user, { disabled: true }, new Date("2026-06-01")),
          { disabled: false },
          new Date("2026-07-01"),
        ),
    ],
    ["was deleted", (user: User) => removeUser(user, new Date("2026-06-01"))],
  ])("refuses a key whose maker %s, though the key is still stored", async (_, change) => {
    const { authorize, save } = await setUp({ createdBy: MAKER });
    const maker = aMaker("viewer");
    await save(maker);
    // The store takes one version after the other.
    await save({ ...change(maker), version: maker.version + 1 });
    expect(await authorize(`Bearer ${key}`)).toEqual({
      ok: false,
      error: { reason: "maker-gone", keyId, ownerId: "anne" },
    });
  });

  it("refuses a key whose maker is not known", async () => {
    const { authorize } = await setUp({ createdBy: MAKER });
    expect(await authorize(`Bearer ${key}`)).toMatchObject({ error: { reason: "maker-gone" } });
  });

  it("notes a use, but not every one", async () => {
    const { authorize, clock, keys } = await setUp();
    const touch = vi.spyOn(keys, "touch");
    await authorize(`Bearer ${key}`);
    clock.advance(60_000);
    await authorize(`Bearer ${key}`);
    expect(touch).toHaveBeenCalledOnce();
    clock.advance(300_000);
    await authorize(`Bearer ${key}`);
    expect(touch).toHaveBeenCalledTimes(2);
  });

  it("lets a request pass whose use could not be noted", async () => {
    const { authorize, keys, report } = await setUp();
    const error = new Error("throttled");
    vi.spyOn(keys, "touch").mockRejectedValue(error);
    expect((await authorize(`Bearer ${key}`)).ok).toBe(true);
    expect(report).toHaveBeenCalledWith(error);
  });

  it("does not take a table that fails for a wrong key", async () => {
    const { authorize, get } = await setUp();
    get.mockRejectedValue(new Error("throttled"));
    await expect(authorize(`Bearer ${key}`)).rejects.toThrow("throttled");
  });
});
