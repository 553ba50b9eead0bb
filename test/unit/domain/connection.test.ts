import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  authorizeUrl,
  challengeOf,
  formatRandom,
  hashState,
  isCallbackUrl,
} from "#shared/domain/connection.ts";
import { Hidden } from "#shared/domain/hidden.ts";

describe("PKCE", () => {
  it("makes the challenge of RFC 7636, appendix B", () => {
    expect(challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe(
      "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    );
  });

  it("makes verifiers and states of 43 characters, of exactly 32 bytes", () => {
    const text = formatRandom(new Uint8Array(32).fill(255));
    expect(text).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(() => formatRandom(new Uint8Array(16))).toThrow(RangeError);
  });

  it("stores a state as its SHA-256 only", () => {
    expect(hashState("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});

describe("the address that people open", () => {
  const url = authorizeUrl(
    "https://x.com",
    { clientId: "client id", callbackUrl: "https://api.example/api/v1/oauth/x/callback" },
    { state: "the-state", verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" },
  );

  it("asks for all that posting takes, and shows no verifier", () => {
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      response_type: "code",
      client_id: "client id",
      redirect_uri: "https://api.example/api/v1/oauth/x/callback",
      scope: "tweet.read tweet.write users.read media.write offline.access",
      state: "the-state",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      code_challenge_method: "S256",
    });
    expect(url.startsWith("https://x.com/i/oauth2/authorize?")).toBe(true);
    expect(url).not.toContain("dBjftJeZ4CVP");
  });

  it("has no plus for a space", () => {
    expect(url).not.toContain("+");
  });
});

describe("a callback address", () => {
  it.each([
    "https://api.example/api/v1/oauth/x/callback",
    "https://api.example:8443/api/v1/oauth/x/callback",
    "http://127.0.0.1:4550/api/v1/oauth/x/callback",
    "http://localhost:4550/api/v1/oauth/x/callback",
    "http://[::1]:4550/api/v1/oauth/x/callback",
  ])("may be %s", (url) => expect(isCallbackUrl(url)).toBe(true));

  it.each([
    "http://api.example/api/v1/oauth/x/callback",
    "http://127.0.0.1.example/api/v1/oauth/x/callback",
    "https://api.example/elsewhere",
    "https://api.example/api/v1/oauth/x/callback?to=me",
    "https://api.example/api/v1/oauth/x/callback#me",
    "https://me:secret@api.example/api/v1/oauth/x/callback",
    "javascript:alert(1)",
    "callback",
  ])("may not be %s", (url) => expect(isCallbackUrl(url)).toBe(false));
});

describe("a hidden value", () => {
  it("shows by reveal alone", () => {
    const hidden = new Hidden({ verifier: "secret-word" });
    const shown = `${hidden} ${JSON.stringify({ hidden })} ${inspect(hidden)} ${inspect({ deep: [hidden] })}`;
    expect(shown).not.toContain("secret-word");
    expect(shown).toContain("[hidden]");
    expect(hidden.reveal()).toEqual({ verifier: "secret-word" });
  });
});
