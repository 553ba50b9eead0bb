import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { type ApiKey, asKeyHash, formatApiKey } from "#shared/domain/api-key.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { createAuthorizeRequest } from "#shared/usecases/authorize-request.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryKeys } from "#test/support/in-memory-keys.ts";

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
  return { authorize: createAuthorizeRequest({ keys, clock, report }), clock, keys, get, report };
}

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
    expect(await authorize(`Bearer ${key}`)).toEqual({ ok: false, error: { reason: "expired", keyId } });
  });

  it.each(["Bearer", "bearer", "BEARER "])("takes the key after %s", async (scheme) => {
    const { authorize } = await setUp();
    const caller = { ownerId: "anne", keyId, scopes: ["read"] };
    expect(await authorize(`${scheme} ${key}`)).toEqual({ ok: true, value: caller });
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
