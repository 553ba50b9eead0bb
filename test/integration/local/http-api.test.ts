import { request as httpRequest } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { matchRoute, readRouteKey } from "#infra/local/http-api/routes.ts";
import { type HttpApi, startHttpApi } from "#infra/local/http-api/server.ts";
import { createAccess } from "#infra/local/iam/access.ts";
import { createLambdaRuntime, type LambdaRuntime } from "#infra/local/lambda/runtime.ts";
import {
  ACCOUNT,
  aFunction,
  arnOf,
  assemblyOf,
  bundleHandlers,
  type PartialResource,
  REGION,
  temporaryFolder,
} from "./services-fixtures.ts";

const API_ARN = `arn:aws:execute-api:${REGION}:${ACCOUNT}:api1`;
const HANDLERS = {
  Api: `let calls = 0;
    export const handler = async (event: any) => {
      calls += 1;
      switch (event.pathParameters?.what) {
        case "plain": return { just: "a body" };
        case "cookies": return { statusCode: 201, cookies: ["a=1", "b=2"], headers: { "X-Custom": "yes", "content-type": "text/html" }, body: "<p>" };
        case "binary": return { statusCode: 200, isBase64Encoded: true, body: "AAEC/w==" };
        case "broken": return { statusCode: "many" };
        case "throws": throw new Error("secret detail");
        case "slow": await new Promise((done) => setTimeout(done, 30_000)); return {};
        default: return { statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify({ event, calls }) };
      }
    };`,
  Authorizer: `let calls = 0;
    export const handler = async (event: any) => {
      calls += 1;
      const key = event.identitySource[0];
      if (key === "throws") throw new Error("no");
      if (key === "odd") return { allowed: true };
      return { isAuthorized: key === "good", context: { ownerId: "me", calls, routeArn: event.routeArn, type: event.type } };
    };`,
};

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let assets: Record<string, string>;
let runtime: LambdaRuntime;
let api: HttpApi;
const faults: Error[] = [];

beforeAll(async () => {
  folder = await temporaryFolder();
  assets = await bundleHandlers(folder.path, HANDLERS);
});
afterAll(() => folder[Symbol.asyncDispose]());
afterEach(async () => {
  await api.close();
  await runtime.close();
  faults.splice(0);
});

const invocationUri = (logicalId: string) =>
  `arn:aws:apigateway:${REGION}:lambda:path/2015-03-31/functions/${arnOf("lambda", `function:${logicalId}-name`)}/invocations`;
const permission = (logicalId: string, lambda: string, sourceArn: string): PartialResource => ({
  logicalId,
  type: "AWS::Lambda::Permission",
  properties: {
    FunctionName: arnOf("lambda", `function:${lambda}-name`),
    Action: "lambda:InvokeFunction",
    Principal: "apigateway.amazonaws.com",
    SourceArn: sourceArn,
  },
});
const route = (
  logicalId: string,
  key: string,
  properties: Record<string, unknown> = {},
): PartialResource => ({
  logicalId,
  type: "AWS::ApiGatewayV2::Route",
  properties: { ApiId: "api1", RouteKey: key, Target: "integrations/integration1", ...properties },
});
const CUSTOM = { AuthorizationType: "CUSTOM", AuthorizerId: "authorizer1" };

const BASE: readonly PartialResource[] = [
  aFunction("Api"),
  aFunction("Authorizer"),
  {
    logicalId: "HttpApi",
    type: "AWS::ApiGatewayV2::Api",
    physicalId: "api1",
    properties: { ProtocolType: "HTTP", Name: "x" },
  },
  {
    logicalId: "Stage",
    type: "AWS::ApiGatewayV2::Stage",
    properties: {
      ApiId: "api1",
      StageName: "$default",
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 10 },
    },
  },
  {
    logicalId: "Integration",
    type: "AWS::ApiGatewayV2::Integration",
    physicalId: "integration1",
    properties: {
      ApiId: "api1",
      IntegrationType: "AWS_PROXY",
      IntegrationUri: arnOf("lambda", "function:Api-name"),
      PayloadFormatVersion: "2.0",
      TimeoutInMillis: 1_000,
    },
  },
  {
    logicalId: "KeyAuthorizer",
    type: "AWS::ApiGatewayV2::Authorizer",
    physicalId: "authorizer1",
    properties: {
      ApiId: "api1",
      AuthorizerType: "REQUEST",
      AuthorizerUri: invocationUri("Authorizer"),
      AuthorizerPayloadFormatVersion: "2.0",
      EnableSimpleResponses: true,
      IdentitySource: ["$request.header.Authorization"],
      AuthorizerResultTtlInSeconds: 60,
    },
  },
  route("Open", "GET /open/{what}"),
  route("OpenAny", "ANY /open/{what}"),
  route("Closed", "GET /closed", CUSTOM),
  route("ClosedToo", "GET /closed/too", CUSTOM),
  permission("MayOpen", "Api", `${API_ARN}/*/*/open/{what}`),
  permission("MayClosed", "Api", `${API_ARN}/*/*/closed`),
  permission("MayClosedToo", "Api", `${API_ARN}/*/*/closed/too`),
  permission("MayAuthorize", "Authorizer", `${API_ARN}/authorizers/authorizer1`),
];

const replaced = (
  logicalId: string,
  change: (properties: Record<string, unknown>) => Record<string, unknown>,
) =>
  BASE.map((one) =>
    one.logicalId === logicalId ? { ...one, properties: change({ ...one.properties }) } : one,
  );

async function open(resources: readonly PartialResource[] = BASE): Promise<void> {
  const assembly = assemblyOf(resources, assets);
  const onFault = (fault: Error) => void faults.push(fault);
  runtime = createLambdaRuntime({ assembly, gatewayUrl: "http://127.0.0.1:9", onFault });
  api = { url: "", close: async () => {} };
  api = await startHttpApi({ assembly, access: createAccess(assembly), runtime, onFault });
}

const get = (path: string, init: RequestInit = {}) => fetch(`${api.url}${path}`, init);
const withKey = (key: string): RequestInit => ({ headers: { authorization: key } });

async function event(path: string, init: RequestInit = {}): Promise<Record<string, unknown>> {
  const answer = await get(path, init);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { event: Record<string, unknown> }).event;
}

describe("the event", () => {
  it("has payload format 2.0", async () => {
    await open();
    const found = await event("/open/01?a=1&a=2&b=x%20y", {
      headers: { "X-One": "1", cookie: "a=1; b=2", "user-agent": "tests" },
    });
    const host = api.url.replace("http://", "");
    expect(found).toMatchObject({
      version: "2.0",
      routeKey: "GET /open/{what}",
      rawPath: "/open/01",
      rawQueryString: "a=1&a=2&b=x%20y",
      cookies: ["a=1", "b=2"],
      headers: { "x-one": "1", host },
      queryStringParameters: { a: "1,2", b: "x y" },
      pathParameters: { what: "01" },
      requestContext: {
        accountId: ACCOUNT,
        apiId: "api1",
        domainName: host,
        http: {
          method: "GET",
          path: "/open/01",
          protocol: "HTTP/1.1",
          sourceIp: "127.0.0.1",
          userAgent: "tests",
        },
        requestId: expect.any(String),
        routeKey: "GET /open/{what}",
        stage: "$default",
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      isBase64Encoded: false,
    });
    expect(found).not.toHaveProperty("body");
    expect(found["headers"]).not.toHaveProperty("cookie");
    expect(found["requestContext"]).not.toHaveProperty("authorizer");
  });

  it("carries text as it is and everything else as base64", async () => {
    await open();
    const post = (body: string, type: string) =>
      event("/open/01", { method: "POST", body, headers: { "content-type": type } });
    expect(await post('{"text":"风筝"}', "application/json; charset=utf-8")).toMatchObject({
      body: '{"text":"风筝"}',
      isBase64Encoded: false,
    });
    expect(await post("abc", "application/octet-stream")).toMatchObject({
      body: "YWJj",
      isBase64Encoded: true,
    });
  });

  it("leaves an encoded slash in a path parameter", async () => {
    await open();
    expect(await event("/open/a%2Fb")).toMatchObject({
      rawPath: "/open/a%2Fb",
      pathParameters: { what: "a/b" },
    });
  });
});

describe("the answer", () => {
  it("of a function may be a body alone", async () => {
    await open();
    const answer = await get("/open/plain");
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual({ just: "a body" });
  });

  it("has status, headers and cookies", async () => {
    await open();
    const answer = await get("/open/cookies");
    expect(answer.status).toBe(201);
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(answer.headers.get("x-custom")).toBe("yes");
    expect(await answer.text()).toBe("<p>");
    expect(answer.headers.get("apigw-requestid")).toBeTruthy();
  });

  it("may be binary", async () => {
    await open();
    expect(Buffer.from(await (await get("/open/binary")).arrayBuffer())).toEqual(Buffer.from([0, 1, 2, 255]));
  });

  it.each([
    ["404 for a path without a route", "/nothing", 404, "Not Found"],
    ["500 when the function throws, without a word of why", "/open/throws", 500, "Internal Server Error"],
    ["500 when the function's answer is not understood", "/open/broken", 500, "Internal Server Error"],
    ["503 when the function takes longer than the integration may", "/open/slow", 503, "Service Unavailable"],
    ["401 without the identity source, and nobody is asked", "/closed", 401, "Unauthorized"],
  ])("is %s", async (_, path, status, message) => {
    await open();
    const answer = await get(path);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ message });
  });

  it("is 413 for more than 10 MB, and the connection stays usable", async () => {
    await open();
    const answer = await get("/open/01", { method: "POST", body: Buffer.alloc(10 * 1024 * 1024 + 1) });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toEqual({ message: "Request Entity Too Large" });
    expect((await get("/open/01")).status).toBe(200);
  });

  it("of a HEAD request has no body", async () => {
    await open();
    const answer = await get("/open/01", { method: "HEAD" });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe("");
  });
});

describe("an authorizer", () => {
  it("lets in, and its context reaches the function", async () => {
    await open();
    expect(await event("/closed", withKey("good"))).toMatchObject({
      requestContext: {
        authorizer: {
          lambda: { ownerId: "me", type: "REQUEST", routeArn: `${API_ARN}/$default/GET/closed` },
        },
      },
    });
  });

  it("is asked once for the same identity, over all routes", async () => {
    await open();
    const calls = async (path: string, key = "good") =>
      ((await event(path, withKey(key)))["requestContext"] as { authorizer: { lambda: { calls: number } } })
        .authorizer.lambda.calls;
    expect([await calls("/closed"), await calls("/closed"), await calls("/closed/too")]).toEqual([1, 1, 1]);
  });

  it("is asked again for another route when the route is an identity source", async () => {
    await open(
      replaced("KeyAuthorizer", (one) => ({
        ...one,
        IdentitySource: ["$request.header.Authorization", "$context.routeKey"],
      })),
    );
    const calls = async (path: string) =>
      (
        (await event(path, withKey("good")))["requestContext"] as {
          authorizer: { lambda: { calls: number } };
        }
      ).authorizer.lambda.calls;
    expect([await calls("/closed"), await calls("/closed/too"), await calls("/closed")]).toEqual([1, 2, 1]);
  });

  it("is asked about a cookie, which the function finds among the cookies", async () => {
    await open(replaced("KeyAuthorizer", (one) => ({ ...one, IdentitySource: ["$request.header.Cookie"] })));
    expect((await get("/closed")).status).toBe(401);
    expect((await get("/closed", withKey("good"))).status).toBe(401);
    expect(await event("/closed", { headers: { cookie: "good" } })).toMatchObject({ cookies: ["good"] });
    expect((await get("/closed", { headers: { cookie: "bad" } })).status).toBe(403);
  });

  it.each([
    ["says no", "bad", 403, "Forbidden"],
    ["fails", "throws", 500, "Internal Server Error"],
    ["answers something else", "odd", 500, "Internal Server Error"],
  ])("that %s keeps out", async (_, key, status, message) => {
    await open();
    const answer = await get("/closed", withKey(key));
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ message });
  });
});

describe("rights", () => {
  it.each([
    ["the route's function", "/open/01", "MayOpen", "Open", {}],
    ["the authorizer", "/closed", "MayAuthorize", "KeyAuthorizer", withKey("good")],
  ])(
    "a missing Lambda::Permission of %s is reported with what it is for",
    async (_, path, missing, resource, init) => {
      await open(BASE.filter(({ logicalId }) => logicalId !== missing));
      expect((await get(path, init)).status).toBe(500);
      expect(faults).toMatchObject([{ code: "wiring", resource, action: "lambda:InvokeFunction" }]);
      expect(faults[0]?.message).toContain(API_ARN);
    },
  );

  it("a permission for another path does not count", async () => {
    await open(replaced("MayOpen", (one) => ({ ...one, SourceArn: `${API_ARN}/*/*/closed` })));
    expect((await get("/open/01")).status).toBe(500);
    expect(faults).toMatchObject([{ resource: "Open" }]);
  });
});

describe("a browser", () => {
  const preflight: RequestInit = {
    method: "OPTIONS",
    headers: { origin: "https://console.example", "access-control-request-method": "POST" },
  };

  /** fetch strips the headers of a preflight. */
  const send = (path: string, init: RequestInit) =>
    new Promise<{ status: number; headers: Record<string, unknown> }>((resolve, reject) => {
      const request = httpRequest(`${api.url}${path}`, {
        method: init.method,
        headers: init.headers as Record<string, string>,
      });
      request.on("response", (answer) => {
        answer.resume();
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers });
      });
      request.on("error", reject).end();
    });

  it("gets no permission unless the template gives it", async () => {
    await open();
    const answer = await send("/closed", preflight);
    expect(answer.status).toBe(404);
    expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
  });

  it("gets what the template allows to its origin, and nothing from another", async () => {
    const cors = {
      AllowOrigins: ["https://console.example"],
      AllowMethods: ["GET", "POST"],
      AllowHeaders: ["authorization"],
      MaxAge: 60,
    };
    await open(replaced("HttpApi", (one) => ({ ...one, CorsConfiguration: cors })));
    expect(await send("/closed", preflight)).toMatchObject({
      status: 204,
      headers: {
        "access-control-allow-origin": "https://console.example",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "authorization",
        "access-control-max-age": "60",
      },
    });
    const other = await send("/open/01", { method: "GET", headers: { origin: "https://elsewhere.example" } });
    expect(other.headers).not.toHaveProperty("access-control-allow-origin");
  });
});

describe("the template is refused", () => {
  it.each([
    [
      "payload format 1.0",
      replaced("Integration", (one) => ({ ...one, PayloadFormatVersion: "1.0" })),
      /Integration.*PayloadFormatVersion/,
    ],
    [
      "a JWT authorizer",
      replaced("KeyAuthorizer", (one) => ({ ...one, AuthorizerType: "JWT" })),
      /KeyAuthorizer.*AuthorizerType/,
    ],
    [
      "an IAM policy as answer",
      replaced("KeyAuthorizer", (one) => ({ ...one, EnableSimpleResponses: false })),
      /KeyAuthorizer.*simple responses/,
    ],
    [
      "signed requests",
      replaced("Closed", (one) => ({ ...one, AuthorizationType: "AWS_IAM" })),
      /Closed.*AuthorizationType/,
    ],
    [
      "an integration that is not there",
      replaced("Open", (one) => ({ ...one, Target: "integrations/x" })),
      /Open.*Integration x/,
    ],
    [
      "a function that is not there",
      replaced("Integration", (one) => ({ ...one, IntegrationUri: "arn:aws:lambda:x" })),
      /Integration.*not in the template/,
    ],
    ["an API without a stage", BASE.filter(({ logicalId }) => logicalId !== "Stage"), /HttpApi.*no stage/],
  ])("for %s", async (_, resources, message) => {
    await expect(open(resources)).rejects.toThrow(message);
  });
});

describe("routes", () => {
  const routes = [
    "$default",
    "ANY /{proxy+}",
    "GET /tasks/{id}",
    "ANY /tasks/{id}",
    "GET /tasks/mine",
    "POST /tasks/{id}/{proxy+}",
  ].map((key) => {
    const pattern = readRouteKey(key);
    if (!pattern) throw new Error(key);
    return pattern;
  });

  it.each([
    ["GET", "/tasks/mine", "GET /tasks/mine", {}],
    ["GET", "/tasks/01", "GET /tasks/{id}", { id: "01" }],
    ["DELETE", "/tasks/01", "ANY /tasks/{id}", { id: "01" }],
    ["POST", "/tasks/01/a/b", "POST /tasks/{id}/{proxy+}", { id: "01", proxy: "a/b" }],
    ["GET", "/tasks/01/a", "ANY /{proxy+}", { proxy: "tasks/01/a" }],
    ["GET", "/", "$default", {}],
    ["GET", "/tasks/%E9%A3%8E", "GET /tasks/{id}", { id: "风" }],
    ["GET", "/tasks/%E9", "$default", {}],
  ])("%s %s takes %s", (method, path, key, parameters) => {
    expect(matchRoute(routes, method, path)).toMatchObject({ route: { key }, parameters });
  });

  it.each(["GET", "FETCH /x", "GET x", ""])("a route key is refused: %j", (key) => {
    expect(readRouteKey(key)).toBeUndefined();
  });
});
