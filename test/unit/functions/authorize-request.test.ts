import { describe, expect, it, vi } from "vitest";
import { type AuthorizeEvent, createHandler } from "#functions/authorize-request/handler.ts";
import { readCaller } from "#functions/middleware/http-caller.ts";
import { readSessionCookie, sessionCookie } from "#functions/middleware/session-cookie.ts";
import { asOwnerId, asUserId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/result.ts";
import type { AuthorizeRequest } from "#shared/usecases/authorize-request.ts";
import type { AuthorizeSession } from "#shared/usecases/authorize-session.ts";
import { type ApiRequest, anEvent } from "./serve-api-setup.ts";

const KEY = "pnc_secret";
const TOKEN = "anne.s3cr3t";
const COOKIE = sessionCookie(TOKEN, 1_000).split(";")[0] ?? "";
const nobody: AuthorizeRequest & AuthorizeSession = async () => err({ reason: "malformed" });

function setUp(over: { authorizeRequest?: AuthorizeRequest; authorizeSession?: AuthorizeSession } = {}) {
  const logger = { warn: vi.fn() };
  const authorizeRequest = vi.fn(over.authorizeRequest ?? nobody);
  const authorizeSession = vi.fn(over.authorizeSession ?? nobody);
  const noteDenial = vi.fn(async () => {});
  const handler = createHandler({ authorizeRequest, authorizeSession, noteDenial, logger });
  const ask = (request: ApiRequest, cookies?: readonly string[]) => {
    const { rawPath, requestContext } = anEvent(request);
    const event = { rawPath, requestContext, headers: request.headers, ...(cookies && { cookies }) };
    return handler(event as unknown as AuthorizeEvent);
  };
  return { ask, logger, authorizeRequest, authorizeSession, noteDenial };
}

describe("authorize-request, by key", () => {
  it.each([[undefined], [{}], [{ authorization: `Bearer ${KEY}` }]])(
    "refuses and says why in both logs, never with the key: %j",
    async (headers) => {
      const { ask, logger, noteDenial } = setUp({
        authorizeRequest: async () => err({ reason: "unknown", keyId: "0123456789ab" }),
      });
      expect(await ask({ ...(headers && { headers: headers as Record<string, string> }) })).toEqual({
        isAuthorized: false,
      });
      const known = { requestId: expect.any(String), reason: "unknown", keyId: "0123456789ab" };
      expect(logger.warn.mock.calls).toEqual([["a request was refused", known]]);
      expect(noteDenial.mock.calls).toEqual([[{ ...known, status: 403, sourceIp: "192.0.2.1" }]]);
    },
  );

  it("does not call a fault a refusal, which would be remembered", async () => {
    const { ask } = setUp({ authorizeRequest: () => Promise.reject(new Error("no table")) });
    await expect(ask({ headers: { authorization: KEY } })).rejects.toThrow("no table");
  });

  it("stays with a refusal that could not be noted", async () => {
    const { ask, noteDenial, logger } = setUp();
    noteDenial.mockRejectedValue(new Error("no table"));
    expect(await ask({})).toEqual({ isAuthorized: false });
    expect(logger.warn).toHaveBeenCalledTimes(2);
  });

  it("tells the routes who asks, in words that they understand", async () => {
    const caller = {
      ownerId: asOwnerId("anne"),
      keyId: "0123456789ab",
      scopes: ["read", "publish"],
      userId: asUserId("01KU"),
      projects: ["shop", "default"],
      accounts: ["main"],
    } as const;
    const { ask, authorizeRequest } = setUp({ authorizeRequest: async () => ok(caller) });
    const answer = await ask({ headers: { authorization: `Bearer ${KEY}` } });
    expect(authorizeRequest).toHaveBeenCalledWith(`Bearer ${KEY}`);
    expect(answer).toMatchObject({
      isAuthorized: true,
      context: { scopes: "read publish", projects: "shop default" },
    });
    expect(readCaller(anEvent({ authorizer: answer.isAuthorized && answer.context }))).toEqual(caller);
  });

  it("never looks at a cookie: the answer is remembered for the header alone", async () => {
    const { ask, authorizeSession } = setUp({ authorizeSession: async () => ok(SESSION) });
    expect(await ask({ path: "/api/v1/console/x" }, [COOKIE])).toEqual({ isAuthorized: false });
    expect(authorizeSession).not.toHaveBeenCalled();
  });
});

const SESSION = {
  ownerId: asOwnerId("anne"),
  keyId: "0123456789ab",
  sessionId: "0123456789ab",
  userId: asUserId("01KU"),
  scopes: ["read"],
} as const;

describe("authorize-request, by session", () => {
  const path = "/console/api/v1/scheduling/tasks";
  const OURS = { "x-punctual-console": "1" };

  it("takes the token from the cookie, and never a key", async () => {
    const { ask, authorizeSession, authorizeRequest } = setUp({ authorizeSession: async () => ok(SESSION) });
    const headers = { authorization: `Bearer ${KEY}` };
    const answer = await ask({ path, headers }, ["theme=dark", COOKIE]);
    expect(authorizeSession).toHaveBeenCalledWith(TOKEN);
    expect(authorizeRequest).not.toHaveBeenCalled();
    expect(readCaller(anEvent({ authorizer: answer.isAuthorized && answer.context }))).toEqual(SESSION);
  });

  it.each([
    ["GET", {}, true],
    ["HEAD", {}, true],
    ["POST", OURS, true],
    ["DELETE", OURS, true],
    ["POST", {}, false],
    ["PUT", {}, false],
    ["PATCH", {}, false],
    ["DELETE", {}, false],
    ["DELETE", { "x-punctual-console": "0" }, false],
    ["OPTIONS", {}, false],
  ])(
    "%s with %j: %s, since a form of another site can send no header",
    async (method, headers, isAuthorized) => {
      const { ask, noteDenial } = setUp({ authorizeSession: async () => ok(SESSION) });
      expect(await ask({ path, method, headers }, [COOKIE])).toMatchObject({ isAuthorized });
      if (isAuthorized) expect(noteDenial).not.toHaveBeenCalled();
      else
        expect(noteDenial).toHaveBeenCalledWith(
          expect.objectContaining({
            reason: "console-header-missing",
            ownerId: "anne",
            sessionId: SESSION.sessionId,
          }),
        );
    },
  );

  it("writes the token into no log", async () => {
    const { ask, logger, noteDenial } = setUp({
      authorizeSession: async () => err({ reason: "unknown", sessionId: "0123456789ab" }),
    });
    await ask({ path }, [COOKIE]);
    expect(JSON.stringify([logger.warn.mock.calls, noteDenial.mock.calls])).not.toContain("s3cr3t");
  });
});

describe("the cookie of a session", () => {
  it("is for this host alone, over TLS, and for no script", () => {
    expect(sessionCookie(TOKEN, 43_200_000)).toBe(
      `__Host-punctual=${TOKEN}; HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age=43200`,
    );
  });

  it.each([
    [undefined, undefined],
    [[], undefined],
    [["__Host-punctual2=x", "punctual=y", "x__Host-punctual=z"], undefined],
    [["a=b", " __Host-punctual=anne.t=k"], "anne.t=k"],
  ])("is found among others: %j", (cookies, token) => {
    expect(readSessionCookie(cookies)).toBe(token);
  });
});
