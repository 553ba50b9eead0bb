import { describe, expect, it, vi } from "vitest";
import { type AuthorizeEvent, createHandler } from "#functions/authorize-request/handler.ts";
import { readCaller } from "#functions/middleware/http-caller.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { err, ok } from "#shared/result.ts";
import type { AuthorizeRequest } from "#shared/usecases/authorize-request.ts";
import { anEvent } from "./serve-api-setup.ts";

const KEY = "pnc_secret";

function setUp(authorizeRequest: AuthorizeRequest) {
  const logger = { warn: vi.fn() };
  const handler = createHandler({ authorizeRequest, logger });
  const { requestContext } = anEvent({});
  const ask = (headers: Record<string, string> | undefined) =>
    handler({ ...(headers && { headers }), requestContext } as unknown as AuthorizeEvent);
  return { ask, logger };
}

describe("authorize-request", () => {
  it.each([[undefined], [{}], [{ authorization: `Bearer ${KEY}` }]])(
    "refuses and says why in the log, never with the key: %j",
    async (headers) => {
      const { ask, logger } = setUp(async () => err({ reason: "unknown", keyId: "0123456789ab" }));
      expect(await ask(headers)).toEqual({ isAuthorized: false });
      expect(logger.warn.mock.calls).toEqual([
        [
          "a request was refused",
          { requestId: expect.any(String), reason: "unknown", keyId: "0123456789ab" },
        ],
      ]);
    },
  );

  it("does not call a fault a refusal, which would be remembered", async () => {
    const { ask } = setUp(() => Promise.reject(new Error("no table")));
    await expect(ask({ authorization: KEY })).rejects.toThrow("no table");
  });

  it("tells the routes who asks, in words that they understand", async () => {
    const caller = {
      ownerId: asOwnerId("anne"),
      keyId: "0123456789ab",
      scopes: ["read", "publish"],
    } as const;
    const authorizeRequest = vi.fn<AuthorizeRequest>(async () => ok(caller));
    const { ask } = setUp(authorizeRequest);
    const answer = await ask({ authorization: `Bearer ${KEY}` });
    expect(authorizeRequest).toHaveBeenCalledWith(`Bearer ${KEY}`);
    expect(answer).toEqual({
      isAuthorized: true,
      context: { ownerId: "anne", keyId: "0123456789ab", scopes: "read publish" },
    });
    expect(readCaller(anEvent({ authorizer: answer.isAuthorized && answer.context }))).toEqual(caller);
  });
});
