import { describe, expect, it } from "vitest";
import { ApiProblem, createClient, LostAnswer, OddAnswer } from "#cli/client.ts";
import { ROUTES } from "#shared/contract/routes.ts";

const ID = "01KAN0Q6T3M6W3C8H1A9J7Z5RD";

type Step = Response | (() => never);

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

const aProblem = (status: number, over: object = {}, headers: Record<string, string> = {}) =>
  json(
    status,
    {
      type: "urn:punctual:problem:some",
      title: "No.",
      status,
      code: "some-new-code",
      detail: "No, because.",
      retryable: false,
      requestId: "request-1",
      ...over,
    },
    { "content-type": "application/problem+json", ...headers },
  );

const broken = (code: string) => (): never => {
  throw new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
};

const HEALTH = { status: "ok", stage: "test", checkedAt: "2026-12-01T01:00:00Z", dependencies: [] };
const RUN = { runId: ID, href: "/" };

/** A client of a server that answers one step after the other. */
function aClient(steps: readonly Step[], timeoutMs?: number) {
  const requests: { url: string; init: RequestInit }[] = [];
  const waits: number[] = [];
  let clock = 0;
  const left = [...steps];
  const client = createClient({
    url: "https://api.example.com",
    key: "pnc_1",
    fetch: async (url, init = {}) => {
      requests.push({ url: String(url), init });
      const step = left.shift();
      if (!step) throw new Error("one request too many");
      return typeof step === "function" ? step() : step;
    },
    now: () => clock,
    sleep: async (ms) => {
      waits.push(ms);
      clock += ms;
    },
    random: () => 1,
    newKey: () => `key-${requests.length}`,
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  const header = (index: number, name: string) => new Headers(requests[index]?.init.headers).get(name);
  return { client, requests, waits, header };
}

/** A route that a lost answer may have changed something on, if there is one that takes no key. */
const routeThat = (wanted: (route: { repeatable: boolean; idempotent?: true; method: string }) => boolean) =>
  Object.entries(ROUTES).filter(([, route]) => wanted(route));

describe("a request", () => {
  it("is what the table of routes says", async () => {
    const { client, requests, header } = aClient([json(200, { items: [] })]);
    await client.call("listTasks", { query: { limit: "5", account: "mäin", cursor: undefined } });
    expect(requests[0]?.url).toBe(
      "https://api.example.com/api/v1/scheduling/tasks?limit=5&account=m%C3%A4in",
    );
    expect(requests[0]?.init).toMatchObject({ method: "GET", redirect: "manual" });
    expect(header(0, "authorization")).toBe("Bearer pnc_1");
  });

  it("encodes what stands in the path", async () => {
    const { client, requests } = aClient([aProblem(404)]);
    await expect(client.call("readPolicy", { params: { name: "a/b?c" } })).rejects.toThrow();
    expect(requests[0]?.url).toBe("https://api.example.com/api/v1/projects/a%2Fb%3Fc/policy");
  });

  it("says which version it is about", async () => {
    const { client, header } = aClient([json(200, HEALTH)]);
    await client.call("checkHealth", { ifVersion: 7 });
    expect(header(0, "if-match")).toBe('"7"');
  });
});

describe("an answer", () => {
  it("is read by the contract; the status tells which", async () => {
    const { client } = aClient([json(503, { ...HEALTH, status: "down" })]);
    expect(await client.answer("checkHealth")).toMatchObject({ status: 503, body: { status: "down" } });
  });

  it("that the contract does not know is told with its request id", async () => {
    const { client } = aClient([json(200, { hello: 1 }, { "x-request-id": "request-9" })]);
    const error = await client.call("checkHealth").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OddAnswer);
    expect(error).toMatchObject({ requestId: "request-9" });
  });

  it("that leads elsewhere is not followed: the key is for this address", async () => {
    const { client, requests } = aClient([
      new Response(null, { status: 307, headers: { location: "https://evil.example" } }),
    ]);
    await expect(client.call("checkHealth")).rejects.toMatchObject({ code: "http-307" });
    expect(requests).toHaveLength(1);
  });

  it("with a problem has its code, errors and request id, also a code of a newer server", async () => {
    const errors = [{ pointer: "/text", detail: "too long" }];
    const { client } = aClient([aProblem(422, { errors })]);
    const error = await client.call("checkHealth").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiProblem);
    expect(error).toMatchObject({ status: 422, code: "some-new-code", errors, requestId: "request-1" });
  });

  it("of API Gateway is a problem too", async () => {
    const { client } = aClient([json(401, { message: "Unauthorized" }, { "apigw-requestid": "gateway-1" })]);
    await expect(client.call("checkHealth")).rejects.toMatchObject({
      code: "http-401",
      requestId: "gateway-1",
    });
  });
});

describe("a repetition", () => {
  it("comes when the server says, after 429 and retryable problems", async () => {
    const { client, waits, requests } = aClient([
      aProblem(429, {}, { "retry-after": "7" }),
      aProblem(503, { retryable: true }),
      json(200, HEALTH),
    ]);
    await client.call("checkHealth");
    expect(requests).toHaveLength(3);
    expect(waits[0]).toBeGreaterThanOrEqual(7_000);
    expect(waits[1]).toBe(2_000);
  });

  it("does not come when the wait is longer than the time that is left", async () => {
    const { client, waits } = aClient([aProblem(429, {}, { "retry-after": "3600" })]);
    await expect(client.call("checkHealth")).rejects.toMatchObject({ status: 429, retryAfterMs: 3_600_000 });
    expect(waits).toEqual([]);
  });

  it("does not come for a problem that stays", async () => {
    const { client, requests } = aClient([aProblem(409)]);
    await expect(client.call("startRun")).rejects.toMatchObject({ status: 409 });
    expect(requests).toHaveLength(1);
  });

  it("ends after a few attempts", async () => {
    const { client, requests } = aClient(Array.from({ length: 9 }, () => broken("ECONNRESET")));
    await expect(client.call("checkHealth")).rejects.toBeInstanceOf(LostAnswer);
    expect(requests).toHaveLength(5);
  });

  it("comes as long as the first attempt is at work, and there is time", async () => {
    const underWay = () =>
      aProblem(409, { code: "idempotency-in-flight", retryable: true }, { "retry-after": "2" });
    const busy = [broken("ECONNRESET"), ...Array.from({ length: 12 }, underWay)];
    const { client, header } = aClient([...busy, json(202, RUN)]);
    expect(await client.call("startRun")).toEqual(RUN);
    expect(header(13, "idempotency-key")).toBe(header(0, "idempotency-key"));
    const hasty = aClient(
      busy.map((step) => (step instanceof Response ? underWay() : step)),
      10_000,
    );
    await expect(hasty.client.call("startRun")).rejects.toMatchObject({ code: "idempotency-in-flight" });
    expect(hasty.requests.length).toBeLessThan(8);
  });

  it("follows a lost answer where the route is repeatable", async () => {
    const { client, requests } = aClient([broken("ECONNRESET"), json(200, HEALTH)]);
    await client.call("checkHealth");
    expect(requests).toHaveLength(2);
  });

  it("follows what was never sent, whatever the route", async () => {
    const { client, requests } = aClient([broken("ECONNREFUSED"), aProblem(409)]);
    const made = client.call("createKey", { body: { name: "ci", scopes: ["read"] } });
    await expect(made).rejects.toMatchObject({ status: 409 });
    expect(requests).toHaveLength(2);
  });

  it("takes an answer of something before the API for none", async () => {
    const { client, requests } = aClient([
      json(504, { message: "Endpoint request timed out" }),
      json(200, HEALTH),
    ]);
    await client.call("checkHealth");
    expect(requests).toHaveLength(2);
  });

  it.each(
    routeThat(({ repeatable, idempotent }) => !repeatable && idempotent !== true).map(([name]) => name),
  )("never follows a lost answer of %s, which takes no key", async (name) => {
    const { client, requests } = aClient([broken("ECONNRESET")]);
    const call = client.call as (route: string, input: object) => Promise<unknown>;
    const error = await call(name, { params: { id: ID, name: "x" }, body: {} }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ name: "LostAnswer", maybeDone: true });
    expect(requests).toHaveLength(1);
  });

  it.each(routeThat(({ idempotent }) => idempotent === true).map(([name]) => name))(
    "of %s has the key of the first attempt, so that it takes effect once",
    async (name) => {
      const { client, header, requests } = aClient([broken("ECONNRESET"), aProblem(409)]);
      const call = client.call as (route: string, input: object) => Promise<unknown>;
      await call(name, { params: { id: ID, name: "x" }, body: {} }).catch(() => undefined);
      expect(requests).toHaveLength(2);
      expect(header(0, "idempotency-key")).toBe("key-0");
      expect(header(1, "idempotency-key")).toBe("key-0");
    },
  );

  it("ends with Ctrl-C", async () => {
    const controller = new AbortController();
    const interrupted = new Error("interrupted");
    const client = createClient({
      url: "https://api.example.com",
      fetch: async () => {
        controller.abort(interrupted);
        return broken("ECONNRESET")();
      },
      now: () => 0,
      sleep: async () => undefined,
      random: () => 0,
      newKey: () => "key",
      signal: controller.signal,
    });
    await expect(client.call("checkHealth")).rejects.toBe(interrupted);
  });
});
