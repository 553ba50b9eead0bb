import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  type CredentialSecrets,
  Credentials,
  fingerprintOf,
  isUsable,
  parseCredentials,
  serializeCredentials,
} from "#shared/domain/credentials.ts";

const OAUTH1: CredentialSecrets = {
  kind: "oauth1",
  apiKey: "SECRET-a",
  apiSecret: "SECRET-b",
  accessToken: "SECRET-c",
  accessSecret: "SECRET-d",
};
const OAUTH2: CredentialSecrets = {
  kind: "oauth2",
  clientId: "SECRET-client",
  refreshToken: "SECRET-refresh",
};
const now = new Date("2026-12-01T01:00:00.000Z");
const in_ = (ms: number): Date => new Date(now.getTime() + ms);

describe("Credentials", () => {
  it.each([
    ["as text", (c: Credentials) => `${c}`],
    ["joined", (c: Credentials) => ["x", c].join()],
    ["as JSON", (c: Credentials) => JSON.stringify({ c })],
    ["inspected", (c: Credentials) => inspect({ c }, { depth: 9, showHidden: true, getters: true })],
    ["in an error", (c: Credentials) => inspect(new Error("no", { cause: c }))],
    ["spread", (c: Credentials) => JSON.stringify({ ...c })],
    ["cloned", (c: Credentials) => inspect(structuredClone(c), { showHidden: true })],
  ])("shows nothing %s", (_, show) => {
    for (const secrets of [OAUTH1, OAUTH2]) expect(show(new Credentials(secrets))).not.toContain("SECRET");
  });

  it("survives being written and read, optional fields included", () => {
    const whole = { ...OAUTH2, clientSecret: "s", accessToken: "t", expiresAt: now } as const;
    for (const secrets of [OAUTH1, OAUTH2, whole]) {
      const read = parseCredentials(serializeCredentials(new Credentials(secrets)));
      expect(read.reveal()).toStrictEqual(secrets);
    }
  });

  it.each([
    ["no JSON", "SECRET"],
    ["another kind", '{"kind":"SECRET"}'],
    ["a missing field", '{"kind":"oauth1","apiKey":"SECRET"}'],
    ["an unknown field", JSON.stringify({ ...OAUTH2, SECRET: "SECRET" })],
    ["an empty field", JSON.stringify({ ...OAUTH1, apiSecret: "" })],
  ])("refuses %s and shows nothing of it", (_, text) => {
    let message = "";
    try {
      parseCredentials(text);
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/^RangeError: the stored credentials/);
    expect(message).not.toContain("SECRET");
  });

  it("has the same fingerprint only for the same secrets", () => {
    const first = fingerprintOf(new Credentials(OAUTH2));
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(fingerprintOf(new Credentials({ ...OAUTH2 }))).toBe(first);
    expect(fingerprintOf(new Credentials({ ...OAUTH2, refreshToken: "SECRET-next" }))).not.toBe(first);
  });
});

describe("isUsable", () => {
  const withToken = (expiresAt?: Date) =>
    new Credentials({
      ...OAUTH2,
      kind: "oauth2",
      accessToken: "t",
      ...(expiresAt && { expiresAt }),
    } as never);

  it.each([
    ["OAuth 1.0a, which does not end", new Credentials(OAUTH1), true],
    ["no access token yet", new Credentials(OAUTH2), false],
    ["one whose end is unknown", withToken(), true],
    ["one that lasts exactly the margin", withToken(in_(60_000)), true],
    ["one that ends a moment sooner", withToken(in_(59_999)), false],
    ["one that has ended", withToken(in_(-1)), false],
  ])("%s", (_, credentials, expected) => {
    expect(isUsable(credentials, now, 60_000)).toBe(expected);
  });
});
