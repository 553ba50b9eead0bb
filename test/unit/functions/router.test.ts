import { describe, expect, it } from "vitest";
import { createRouter, type RouteHandler } from "#functions/middleware/router.ts";
import type { RouteName } from "#shared/contract/routes.ts";
import { openEntry } from "#shared/domain/audit.ts";
import { anEvent, CONTEXT, setUpApi } from "./serve-api-setup.ts";

/** A function that has only some of the routes. Each says which one it is. */
async function routerOf(...names: readonly RouteName[]) {
  const { routerDeps } = await setUpApi();
  const seen: [name: RouteName, input: object][] = [];
  const handlers = Object.fromEntries(
    names.map((name) => [
      name,
      async (input: object) => {
        seen.push([name, input]);
        return { status: 200, body: name, headers: { "content-type": "text/plain" } };
      },
    ]),
  ) as unknown as { readonly [Name in RouteName]: RouteHandler<Name> };
  const handler = createRouter(handlers, routerDeps);
  return {
    seen,
    async call(request: Parameters<typeof anEvent>[0]) {
      const { statusCode, body, headers } = await handler(anEvent(request), CONTEXT);
      return { status: statusCode, body, headers };
    },
  };
}

describe("a router of some of the routes", () => {
  it("answers those, and no other", async () => {
    const { call } = await routerOf("checkHealth");
    expect(await call({ path: "/api/v1/system/health" })).toMatchObject({ status: 200, body: "checkHealth" });
    const foreign = await call({ path: "/api/v1/scheduling/tasks" });
    expect([foreign.status, foreign.body]).toEqual([404, expect.stringContaining("route-not-found")]);
    // The table says what there is, whoever answers it.
    const other = await call({ path: "/api/v1/scheduling/tasks", method: "PUT" });
    expect([other.status, other.headers?.["allow"]]).toEqual([405, "POST, GET, HEAD, OPTIONS"]);
  });

  it("takes the word before what fits anything", async () => {
    const { call, seen } = await routerOf("revokeSession", "signOut");
    const one = `/api/v1/sessions/${"0".repeat(12)}`;
    expect((await call({ method: "DELETE", path: "/api/v1/sessions/current" })).body).toBe("signOut");
    await call({ method: "DELETE", path: one });
    expect(seen.map(([name]) => name)).toEqual(["signOut", "revokeSession"]);
  });

  it("notes a name that is none only as far as a name can go", async () => {
    const { call, audit } = await setUpApi();
    const path = `/api/v1/accounts/${"k".repeat(2_000)}`;
    expect((await call({ method: "DELETE", path, scopes: ["read"] })).status).toBe(403);
    const noted = [...audit.entries.values()].flat().map(openEntry);
    expect(noted.map(({ target }) => target)).toEqual([{ name: "k".repeat(128) }]);
  });

  it("sends a text with a type of its own as it is", async () => {
    const { call } = await routerOf("readDocs");
    const { body, headers } = await call({ path: "/api/v1/docs", authorizer: undefined });
    expect([body, headers?.["content-type"]]).toEqual(["readDocs", "text/plain"]);
  });

  it("gives a public route no caller, whoever it is, and every other route its own", async () => {
    const { call, seen } = await routerOf("readDocs", "checkHealth");
    await call({ path: "/api/v1/docs" });
    await call({ path: "/api/v1/system/health" });
    expect(seen).toEqual([
      ["readDocs", expect.objectContaining({ caller: undefined, sourceIp: "192.0.2.1" })],
      ["checkHealth", expect.objectContaining({ caller: expect.objectContaining({ ownerId: "anne" }) })],
    ]);
  });

  it.each([
    ["GET", "/api/v1/system/health", true],
    ["POST", "/api/v1/publish-pool/run", false],
  ])(
    "hides why %s %s failed, and says whether it may be sent again: %s",
    async (method, path, repeatable) => {
      const { routerDeps, logger } = await setUpApi();
      const secret = new Error("arn:aws:dynamodb:eu-west-1:123456789012:table/tasks is throttled");
      const fail = () => Promise.reject(secret);
      const handler = createRouter({ checkHealth: fail, startRun: fail }, routerDeps);
      const { statusCode, body = "" } = await handler(anEvent({ method, path }), CONTEXT);
      expect([statusCode, JSON.parse(body)]).toEqual([
        500,
        expect.objectContaining({ code: "internal", retryable: repeatable }),
      ]);
      expect(body).not.toMatch(/arn|throttled/);
      expect(logger.error).toHaveBeenCalledWith("request failed", expect.objectContaining({ error: secret }));
    },
  );
});
