import { describe, expect, it } from "vitest";
import { createScryptHasher } from "#shared/adapters/system/password-hasher.ts";

const LITTLE = { n: 16, r: 1, p: 1 };

describe("scrypt", () => {
  const hasher = createScryptHasher(LITTLE);

  it("knows a password again, and no other one", async () => {
    const stored = await hasher.hash("nine kites over the harbour");
    expect(await hasher.verify("nine kites over the harbour", stored)).toBe(true);
    expect(await hasher.verify("nine kites over the harbor", stored)).toBe(false);
    expect(await hasher.verify("", stored)).toBe(false);
    expect(JSON.stringify(stored)).not.toContain("kites");
  });

  it("stores the same password differently each time", async () => {
    const [one, other] = [await hasher.hash("the same"), await hasher.hash("the same")];
    expect(one.hash).not.toBe(other.hash);
    expect(one.salt).not.toBe(other.salt);
  });

  it("checks at the cost that a password was stored at, whatever it costs by now", async () => {
    const stored = await hasher.hash("from long ago");
    expect(stored.cost).toEqual(LITTLE);
    expect(await createScryptHasher({ n: 64, r: 2, p: 2 }).verify("from long ago", stored)).toBe(true);
    const forged = { ...stored, cost: { n: 32, r: 1, p: 1 } };
    expect(await hasher.verify("from long ago", forged)).toBe(false);
  });

  it("lets nobody in who is not there", async () => {
    expect(await hasher.verifyNobody("anything")).toBe(false);
  });

  it("costs by default what is asked for of scrypt", async () => {
    const { cost } = await createScryptHasher().hash("nine kites over the harbour");
    expect(cost).toEqual({ n: 2 ** 15, r: 8, p: 3 });
  });
});
