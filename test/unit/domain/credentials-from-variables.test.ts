import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { describe, expect, it } from "vitest";
import { readXCredentials } from "#shared/config/x-credentials.ts";

const OAUTH1 = { X_API_KEY: "a", X_API_SECRET: "b", X_ACCESS_TOKEN: "c", X_ACCESS_SECRET: "d" };
const OAUTH2 = { X_CLIENT_ID: "e", X_CLIENT_SECRET: "f", X_REFRESH_TOKEN: "g" };

const secretsIn = (variables: Record<string, string | undefined>) => {
  const read = readXCredentials(variables);
  return read.ok ? read.value?.reveal() : read.error;
};

describe("readXCredentials", () => {
  it("reads one complete set", () => {
    expect(secretsIn({ ...OAUTH1, PATH: "/bin" })).toEqual({
      kind: "oauth1",
      apiKey: "a",
      apiSecret: "b",
      accessToken: "c",
      accessSecret: "d",
    });
    expect(secretsIn(OAUTH2)).toEqual({
      kind: "oauth2",
      clientId: "e",
      clientSecret: "f",
      refreshToken: "g",
    });
  });

  it("takes a public client, which has no secret", () => {
    expect(secretsIn({ ...OAUTH2, X_CLIENT_SECRET: "" })).toEqual({
      kind: "oauth2",
      clientId: "e",
      refreshToken: "g",
    });
  });

  it("takes empty values for not set", () => {
    expect(readXCredentials({})).toEqual({ ok: true, value: undefined });
    expect(readXCredentials({ X_API_KEY: "", X_REFRESH_TOKEN: "  " })).toEqual({
      ok: true,
      value: undefined,
    });
  });

  it.each([
    [{ ...OAUTH1, X_ACCESS_SECRET: "" }, ["X_ACCESS_SECRET"]],
    [{ X_API_KEY: "SECRET" }, ["X_API_SECRET", "X_ACCESS_TOKEN", "X_ACCESS_SECRET"]],
    [{ X_CLIENT_SECRET: "SECRET" }, ["X_CLIENT_ID", "X_REFRESH_TOKEN"]],
  ])("names what is missing, and shows no value: %j", (variables, missing) => {
    const refusal = secretsIn(variables) as { reason: string; message: string };
    expect(refusal.reason).toBe("incomplete");
    const [named = ""] = refusal.message.split(":");
    expect(named.match(/X_\w+/g)).toEqual(missing);
    expect(refusal.message).not.toMatch(/\bSECRET\b/);
  });

  it("does not guess between two sets", () => {
    expect(secretsIn({ ...OAUTH1, ...OAUTH2 })).toMatchObject({ reason: "two-sets" });
    expect(secretsIn({ ...OAUTH2, X_API_KEY: "a" })).toMatchObject({ reason: "two-sets" });
  });

  it("finds nothing set in .env.example, which names every variable", () => {
    const example = parseEnv(readFileSync(new URL("../../../.env.example", import.meta.url), "utf8"));
    expect(readXCredentials(example)).toEqual({ ok: true, value: undefined });
    for (const name of Object.keys({ ...OAUTH1, ...OAUTH2 })) expect(example).toHaveProperty(name);
  });
});
