/** Every route over HTTP, with what is right and with what is wrong: each answer is as docs/openapi.json says. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Operation, readOpenApi } from "#test/support/openapi.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";
import { waitFor } from "#test/support/wait-for.ts";

const { operations, faults } = readOpenApi();
const NOBODYS_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

let punctual: TestPunctual;

interface Sent {
  readonly path?: string;
  readonly body?: unknown;
  readonly raw?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the address. @default "/api/v1" */
  readonly base?: string;
}

/** Sends one request and holds its answer against the document. */
async function send(operation: Operation, { path, body, raw, key, headers, base = "/api/v1" }: Sent = {}) {
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const answer = await fetch(`${punctual.apiUrl}${base}${path ?? operation.path}`, {
    method: operation.method,
    redirect: "manual",
    headers: {
      authorization: `Bearer ${key ?? punctual.apiKey}`,
      ...(text !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(text !== undefined && { body: text }),
  });
  const heard = { status: answer.status, headers: answer.headers, text: await answer.text() };
  expect(faults(operation, heard), `${operation.method} ${path ?? operation.path} → ${heard.status}`).toEqual(
    [],
  );
  expect(heard.status, heard.text).toBeLessThan(500);
  const isJson = heard.headers.get("content-type")?.includes("json") ?? false;
  return {
    status: heard.status,
    headers: heard.headers,
    body: isJson && heard.text ? JSON.parse(heard.text) : heard.text,
  };
}

const named = (operationId: string): Operation => {
  const found = operations.find((operation) => operation.operationId === operationId);
  if (!found) throw new Error(`there is no operation ${operationId}`);
  return found;
};

const exampleOf = ({ requestBody }: Operation): unknown => {
  const [content] = Object.values(requestBody?.content ?? {});
  return Object.values(content?.examples ?? {})[0]?.value;
};

let serial = 0;
/** No two things of a run have the same name. */
const fresh = (): string => `contract-${++serial}`;

const make = async (operationId: string, over: object = {}) => {
  const operation = named(operationId);
  const body = { ...(exampleOf(operation) as object), ...over };
  const { status, body: made } = await send(operation, { body });
  expect(status, JSON.stringify(made)).toBeLessThan(300);
  return made;
};

/** Made once; what may be ended is made for each request. */
const once = <Value>(make: () => Promise<Value>): (() => Promise<Value>) => {
  let made: Promise<Value> | undefined;
  return () => (made ??= make());
};

const idOf = (operationId: string, over: () => object) => async (): Promise<string> =>
  (await make(operationId, over())).id;

const aBatch = once(
  async () => (await make("createTask", { text: fresh(), batch: "contract" })).batchId as string,
);
const aRun = once(async () => (await send(named("startRun"))).body.runId as string);
const PASSWORD = "nine kites over the harbour";
const aUser = () => make("createUser", { name: fresh(), email: `${fresh()}@example.com` });
const aMember = async (): Promise<string> => {
  const { email, invitationCode } = await aUser();
  await make("acceptInvitation", { invitationCode, password: PASSWORD });
  return email;
};
const aSession = async () => send(named("signIn"), { body: { email: await aMember(), password: PASSWORD } });

let lastWebhook: string | undefined;
/** An owner may have few: the one before goes. */
const aWebhook = async (): Promise<string> => {
  if (lastWebhook !== undefined) await send(named("deleteWebhook"), { path: `/webhooks/${lastWebhook}` });
  lastWebhook = (await make("createWebhook")).id;
  return lastWebhook ?? "";
};

const aDelivery = async (webhook: string): Promise<string> => {
  const { body } = await send(named("pingWebhook"), { path: `/webhooks/${webhook}/ping` });
  await waitFor("the ping to be tried", async () => {
    const list = await send(named("listDeliveries"), { path: `/webhooks/${webhook}/deliveries` });
    return list.body.items.find(({ id }: { id: string }) => id === body.deliveryId);
  });
  return body.deliveryId;
};

/** Something of ours to ask about, by the path up to its name. */
const SUBJECTS: Readonly<Record<string, (before: readonly string[]) => Promise<string>>> = {
  "/scheduling/tasks/{id}": idOf("createTask", () => ({ text: `Contract, post ${fresh()}` })),
  "/scheduling/jobs/{id}": idOf("createJob", () => ({ name: fresh() })),
  "/scheduling/recurrences/{id}": idOf("createRecurrence", () => ({ name: fresh() })),
  "/batches/{id}": aBatch,
  "/publish-pool/runs/{id}": aRun,
  "/projects/{name}": async () => (await make("createProject", BODIES["createProject"]?.())).name,
  "/sources/{name}": async () => (await make("createSource", BODIES["createSource"]?.())).name,
  "/accounts/{name}": async () => "main",
  "/contents/{id}": idOf("createContent", () => BODIES["createContent"]?.() ?? {}),
  "/media/{id}": idOf("createMedia", () => ({ name: `${fresh()}.jpg` })),
  "/keys/{id}": idOf("createKey", () => ({ name: fresh() })),
  "/users/{id}": async () => (await aUser()).id,
  "/sessions/{id}": async () => (await aSession()).body.id,
  "/webhooks/{id}": aWebhook,
  "/webhooks/{id}/deliveries/{deliveryId}": async ([webhook = ""]) => aDelivery(webhook),
};

/** The path with names of ours in it, and the required parts of the query. */
async function pathOf(operation: Operation): Promise<string> {
  const found: string[] = [];
  const parts: string[] = [];
  for (const part of operation.path.split("/")) {
    parts.push(part);
    if (!part.startsWith("{")) continue;
    const subject = SUBJECTS[parts.join("/")];
    if (!subject) throw new Error(`say in SUBJECTS where the id of ${parts.join("/")} comes from`);
    found.push(await subject(found));
  }
  let next = 0;
  const path = operation.path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(found[next++] ?? ""));
  const query = (operation.parameters ?? []).flatMap(
    ({ in: place, required, name, example }): [string, string][] =>
      place === "query" && required ? [[name, example ?? ""]] : [],
  );
  return query.length > 0 ? `${path}?${new URLSearchParams(query)}` : path;
}

const keyWith = (...scopes: readonly string[]) =>
  once(
    async () =>
      (await make("createKey", { name: fresh(), scopes, projects: undefined, accounts: undefined }))
        .apiKey as string,
  );
const readerKey = keyWith("read");
const publisherKey = keyWith("publish");

beforeAll(async () => {
  punctual = await startPunctual();
});
afterAll(() => punctual?.close());

/** What of the example's body has to fit what there is. `undefined` leaves a field out. */
const BODIES: Readonly<Record<string, () => object>> = {
  createTask: () => ({ text: `Contract, post ${fresh()}` }),
  createJob: () => ({ name: fresh() }),
  changeJob: () => ({ name: fresh() }),
  createProject: () => ({
    name: fresh(),
    accounts: ["main"],
    defaultAccount: undefined,
    // Without a job that fills its days.
    preset: "open",
  }),
  updateProject: () => ({ accounts: ["main"], defaultAccount: undefined }),
  createSource: () => ({ name: fresh(), project: "default", defaults: {} }),
  updateSource: () => ({ project: undefined, defaults: {} }),
  startConnection: () => ({ project: "default" }),
  writePolicy: () => ({ version: undefined }),
  createContent: () => ({ text: `Draft ${fresh()}`, media: undefined }),
  updateContent: () => ({ media: undefined }),
  addToPool: () => ({ contentId: undefined, text: `Pool ${fresh()}` }),
  rollbackSettings: () => ({ version: 0 }),
  createUser: () => ({ name: fresh(), email: `${fresh()}@example.com` }),
};

const bodyOf = async (operation: Operation): Promise<unknown> => {
  const { operationId } = operation;
  const example = exampleOf(operation) as object | undefined;
  switch (operationId) {
    case "acceptInvitation":
      return { invitationCode: (await aUser()).invitationCode, password: PASSWORD };
    case "signIn":
      return { email: await aMember(), password: PASSWORD };
    case "writePolicy": {
      const read = await send(named("readPolicy"), { path: "/projects/default/policy" });
      return { ...example, version: read.body.version };
    }
    default:
      return example && { ...example, ...BODIES[operationId]?.() };
  }
};

/** What is refused since its state takes more than a request; the test that brings it about is named. */
const REFUSED: Readonly<Record<string, number>> = {
  // test/unit/usecases/retry-task.test.ts, test/unit/usecases/resolve-task.test.ts
  retryTask: 409,
  resolveTask: 409,
  // test/e2e/connect-account.test.ts
  connectByTokens: 422,
  finishConnection: 400,
};

/** Nothing can be done with the only account when it is disconnected. */
const inOrder = operations.toSorted(
  (one, other) =>
    Number(one.operationId === "disconnectAccount") - Number(other.operationId === "disconnectAccount"),
);

const takes =
  (header: string) =>
  ({ parameters = [] }: Operation): boolean =>
    parameters.some(({ name, in: place }) => place === "header" && name === header);
const hasBody = ({ requestBody }: Operation): boolean => requestBody !== undefined;
const hasId = ({ path }: Operation): boolean => path.includes("{");
const needsKey = ({ security }: Operation): boolean => security.length > 0;

const subjects = new Map<Operation, Promise<string>>();
/** One for all that is refused: nothing happens to it. */
const subjectOf = (operation: Operation): Promise<string> => {
  const known = subjects.get(operation) ?? pathOf(operation);
  subjects.set(operation, known);
  return known;
};

describe("what is wrong", () => {
  it.each(operations.filter(hasId))("$operationId knows nobody's id", async (operation) => {
    const path = operation.path.replaceAll(
      /\{\w+\}/g,
      operation.path.includes("{name}") ? "nobodys" : NOBODYS_ID,
    );
    const { status, body } = await send(operation, {
      path,
      ...(hasBody(operation) && { body: await bodyOf(operation) }),
    });
    expect([status, body.code]).toEqual([404, expect.stringMatching(/-not-found$/)]);
  });

  it.each(operations)("$operationId refuses what it does not know", async (operation) => {
    const { operationId } = operation;
    const path = await subjectOf(operation);
    const { status, body } = await send(operation, {
      path: `${path}${path.includes("?") ? "&" : "?"}surprise=1`,
    });
    // A browser gets a page.
    expect([status, body.code]).toEqual([
      400,
      operationId === "finishConnection" ? undefined : "invalid-input",
    ]);
  });

  it.each(operations.filter(hasBody))(
    "$operationId refuses a body that is none, or has what it does not know",
    async (operation) => {
      const path = await subjectOf(operation);
      const broken = await send(operation, { path, raw: "{" });
      expect([broken.status, broken.body.code]).toEqual([400, "malformed-body"]);
      const form = await send(operation, { path, raw: "a=1", headers: { "content-type": "text/plain" } });
      expect([form.status, form.body.code]).toEqual([415, "unsupported-media-type"]);
      for (const body of [{ ...((await bodyOf(operation)) as object), surprise: 1 }, [], "text", 7]) {
        const refused = await send(operation, { path, body });
        expect([refused.status, refused.body.code], JSON.stringify(body)).toEqual([400, "invalid-input"]);
      }
    },
  );

  it.each(operations.filter(needsKey))(
    "$operationId takes no request without a key, and none of a key that may not",
    async (operation) => {
      const path = await subjectOf(operation);
      expect((await send(operation, { path, headers: { authorization: "Bearer pnc_none" } })).status).toBe(
        403,
      );
      expect((await send(operation, { path, headers: { authorization: "" } })).status).toBe(401);
      const [[scope = ""] = []] = operation.security.map((one) => Object.values(one)[0] ?? []);
      const key = await (scope === "read" ? publisherKey() : readerKey());
      const refused = await send(operation, {
        path,
        key,
        ...(hasBody(operation) && { body: await bodyOf(operation) }),
      });
      expect([refused.status, refused.body.code]).toEqual([403, "missing-scope"]);
    },
  );

  it.each(operations.filter(takes("if-match")))(
    "$operationId refuses a version that is not in force",
    async (operation) => {
      const path = await pathOf(operation);
      const body = hasBody(operation) ? await bodyOf(operation) : undefined;
      const sent = { path, ...(body !== undefined && { body }) };
      const broken = await send(operation, { ...sent, headers: { "if-match": "three" } });
      expect([broken.status, broken.body.code]).toEqual([400, "invalid-input"]);
      const stale = await send(operation, { ...sent, headers: { "if-match": '"999999"' } });
      expect([stale.status, stale.body.code]).toEqual([412, "precondition-failed"]);
    },
  );
});

describe("what is sent again", () => {
  it.each(operations.filter(takes("if-none-match")))(
    "$operationId says when nothing changed",
    async (operation) => {
      const path = await pathOf(operation);
      // Others may change it in between, as what is sent to a webhook changes its record.
      const again = await waitFor("nothing to have changed", async () => {
        const { headers } = await send(operation, { path });
        const etag = headers.get("etag") ?? "";
        expect(etag).not.toBe("");
        const again = await send(operation, { path, headers: { "if-none-match": etag } });
        return again.headers.get("etag") === etag ? again : undefined;
      });
      expect([again.status, again.body]).toEqual([304, ""]);
      expect((await send(operation, { path, headers: { "if-none-match": '"0.other"' } })).status).toBe(200);
    },
  );

  it.each(operations.filter(takes("idempotency-key")))(
    "$operationId is answered as at first",
    async (operation) => {
      const sent = {
        path: await pathOf(operation),
        body: await bodyOf(operation),
        headers: { "idempotency-key": fresh() },
      };
      const first = await send(operation, sent);
      const second = await send(operation, sent);
      const { requestId: _own, ...again } = second.body;
      expect([second.status, { ...again, requestId: first.body.requestId }]).toEqual([
        first.status,
        { requestId: undefined, ...first.body },
      ]);
      // A refusal is not kept: what it was for may be mended by the next time.
      expect(second.headers.get("idempotency-replayed")).toBe(first.status < 400 ? "true" : null);
    },
  );
});

describe("what is right", () => {
  it.each(inOrder)("$operationId answers", async (operation) => {
    const { operationId } = operation;
    if (operationId === "signOut") {
      const { headers } = await aSession();
      const [cookie = ""] = (headers.get("set-cookie") ?? "").split(";");
      const asked = { cookie, "x-punctual-console": "1", authorization: "" };
      expect((await send(operation, { base: "/console/api/v1", headers: asked })).status).toBe(200);
      return;
    }
    const body = hasBody(operation) ? await bodyOf(operation) : undefined;
    const { status, body: answer } = await send(operation, {
      path: await pathOf(operation),
      ...(body !== undefined && { body }),
    });
    if (operationId in REFUSED) expect(status, JSON.stringify(answer)).toBe(REFUSED[operationId]);
    else expect(status, JSON.stringify(answer)).toBeLessThan(300);
  });
});
