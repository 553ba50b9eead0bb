import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ApiKey,
  allowsScope,
  asKeyHash,
  checkGrant,
  formatApiKey,
  isKeyExpired,
  KEY_RANDOM_BYTES,
  KEY_SCOPES,
  limitScopes,
  parseApiKey,
  retireKey,
  shouldTouch,
} from "#shared/domain/api-key.ts";
import { asOwnerId } from "#shared/domain/ids.ts";

const bytes = fc.uint8Array({ minLength: KEY_RANDOM_BYTES, maxLength: KEY_RANDOM_BYTES });
const now = new Date("2026-12-01T01:00:00.000Z");
const ago = (ms: number): Date => new Date(now.getTime() - ms);

describe("API keys", () => {
  it("have one form whatever their bytes, and pass their own check", () => {
    fc.assert(
      fc.property(bytes, (random) => {
        const key = formatApiKey(random);
        expect(key).toMatch(/^pnc_[0-9A-Za-z]{33}_[0-9A-Za-z]{6}$/);
        expect(parseApiKey(key)).toEqual({ ok: true, value: createHash("sha256").update(key).digest("hex") });
      }),
    );
  });

  it("are different for different bytes", () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        fc.pre(Buffer.compare(a, b) !== 0);
        expect(formatApiKey(a)).not.toBe(formatApiKey(b));
      }),
    );
  });

  it("are refused with any one character changed, without a look-up", () => {
    const key = formatApiKey(new Uint8Array(KEY_RANDOM_BYTES).fill(7));
    for (let place = 0; place < key.length; place++) {
      const other = key[place] === "x" ? "y" : "x";
      const changed = key.slice(0, place) + other + key.slice(place + 1);
      expect(parseApiKey(changed)).toEqual({ ok: false, error: { reason: "malformed" } });
    }
  });

  it.each([
    "",
    "pnc_",
    "Bearer x",
    `${formatApiKey(new Uint8Array(KEY_RANDOM_BYTES))}\n`,
    "💥".repeat(1_000),
  ])("are never %j", (text) => {
    expect(parseApiKey(text).ok).toBe(false);
  });

  it("are made of enough chance", () => {
    expect(() => formatApiKey(new Uint8Array(KEY_RANDOM_BYTES - 1))).toThrow(RangeError);
  });

  it("end at their instant, not after it", () => {
    expect(isKeyExpired({ expiresAt: now }, now)).toBe(true);
    expect(isKeyExpired({ expiresAt: now }, ago(1))).toBe(false);
    expect(isKeyExpired({}, now)).toBe(false);
  });

  it("allow what they name, and everything with admin", () => {
    expect(allowsScope({ scopes: ["read"] }, "read")).toBe(true);
    expect(allowsScope({ scopes: ["read", "manage"] }, "publish")).toBe(false);
    expect(allowsScope({ scopes: ["admin"] }, "publish")).toBe(true);
  });

  it("have their use noted once in five minutes", () => {
    expect(shouldTouch({}, now)).toBe(true);
    expect(shouldTouch({ lastUsedAt: ago(299_999) }, now)).toBe(false);
    expect(shouldTouch({ lastUsedAt: ago(300_000) }, now)).toBe(true);
  });
});

describe("what somebody may give away", () => {
  it.each([
    [{ scopes: ["admin"] }, { scopes: ["admin", "read"] }, undefined],
    [{ scopes: ["read", "write"] }, { scopes: ["read"] }, undefined],
    [{ scopes: ["read"] }, { scopes: ["read", "write"] }, { what: "scopes", names: ["write"] }],
    [{ scopes: ["manage"] }, { scopes: ["admin"] }, { what: "scopes", names: ["admin"] }],
    [
      { scopes: ["admin"], projects: ["a"] },
      { scopes: ["read"], projects: ["a", "b"] },
      { what: "projects", names: ["b"] },
    ],
    [{ scopes: ["admin"], projects: ["a"] }, { scopes: ["read"] }, { what: "projects", names: [] }],
    [
      { scopes: ["admin"], accounts: ["a"] },
      { scopes: ["read"], projects: ["a"] },
      { what: "accounts", names: [] },
    ],
    [{ scopes: ["read"], projects: ["a", "b"] }, { scopes: ["read"], projects: ["a"] }, undefined],
  ] as const)("%j gives %j", (giver, wanted, refusal) => {
    expect(checkGrant(giver, wanted)).toEqual(
      refusal ? { ok: false, error: { reason: "exceeds-own", ...refusal } } : { ok: true, value: undefined },
    );
  });

  it("is never more than the maker's role leaves of it", () => {
    const scopes = fc.subarray([...KEY_SCOPES], { minLength: 1 });
    fc.assert(
      fc.property(scopes, scopes, fc.constantFrom(...KEY_SCOPES), (own, limit, needed) => {
        const left = { scopes: limitScopes(own, limit) };
        expect(allowsScope(left, needed)).toBe(
          allowsScope({ scopes: own }, needed) && allowsScope({ scopes: limit }, needed),
        );
      }),
    );
  });
});

describe("a key that is replaced", () => {
  const key: ApiKey = {
    hash: asKeyHash("ab".repeat(32)),
    ownerId: asOwnerId("anne"),
    name: "ci",
    scopes: ["read"],
    createdAt: ago(1_000),
  };
  const hour = 3_600_000;
  const inHours = (hours: number) => ago(-hours * hour);

  it("ends after the overlap, or before if it would have ended anyway", () => {
    const until = (over: Partial<ApiKey>) => {
      const retired = retireKey({ ...key, ...over }, "next", 24 * hour, now);
      return retired.ok ? retired.value.expiresAt : retired.error.reason;
    };
    expect(until({})).toEqual(inHours(24));
    expect(until({ expiresAt: inHours(25) })).toEqual(inHours(24));
    expect(until({ expiresAt: inHours(3) })).toEqual(inHours(3));
    expect(until({ expiresAt: now })).toBe("ended");
    expect(until({ replacedBy: "other" })).toBe("ended");
  });
});
