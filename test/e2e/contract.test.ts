/** Every route over HTTP, with what is right and with what is wrong: each answer is as docs/openapi.json says. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Operation, readOpenApi } from "#test/support/openapi.ts";
import { startPunctual, type TestPunctual } from "#test/support/punctual.ts";

const { operations, faults } = readOpenApi();
const NOBODYS_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

let punctual: TestPunctual;
let limitedKey: string;

interface Sent {
  readonly path?: string;
  readonly body?: unknown;
  readonly raw?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends one request and holds its answer against the document. */
async function send(operation: Operation, { path, body, raw, key, headers }: Sent = {}) {
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const answer = await punctual.api(path ?? operation.path, {
    method: operation.method,
    redirect: "manual",
    headers: { ...(text !== undefined && { "content-type": "application/json" }), ...headers },
    ...(text !== undefined && { body: text }),
    ...(key !== undefined && { key }),
  });
  const heard = { status: answer.status, headers: answer.headers, text: await answer.text() };
  expect(faults(operation, heard), `${operation.method} ${path ?? operation.path} → ${heard.status}`).toEqual([]);
  expect(heard.status, heard.text).toBeLessThan(500);
  const isJson = heard.headers.get("content-type")?.includes("json") ?? false;
  return { status: heard.status, headers: heard.headers, body: isJson && heard.text ? JSON.parse(heard.text) : heard.text };
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

const LATER = "2027-03-01T09:00:00Z";
const aTask = async (): Promise<string> =>
  (await make("createTask", { text: `Contract, post ${fresh()}`, publishAt: undefined, strategy: "next-free" })).id;

/** Something of ours to ask about, by the path up to its name: made for this request alone, where it may be ended. */
const SUBJECTS: Readonly<Record<string, () => Promise<string>>> = {
  "/scheduling/tasks/{id}": aTask,
  "/scheduling/jobs/{id}": async () => (await make("createJob", { name: fresh() })).id,
  "/scheduling/recurrences/{id}": async () => (await make("createRecurrence", { name: fresh() })).id,
  "/batches/{id}": async () => {
    await make("createTask", { text: fresh(), batch: "contract", publishAt: LATER });
    const { batch } = (await send(named("listTasks"), { path: "/scheduling/tasks?limit=100" })).body.items.find(
      (task: { batch?: object }) => task.batch,
    );
    return batch.id;
  },
  "/publish-pool/runs/{id}": async () => (await send(named("startRun"))).body.runId,
};

async function pathOf(operation: Operation): Promise<string> {
  let path = operation.path;
  for (let place = path.indexOf("{"); place >= 0; place = path.indexOf("{")) {
    const end = path.indexOf("}") + 1;
    const known = operation.path.slice(0, operation.path.indexOf("}") + 1);
    const subject = SUBJECTS[known];
    if (!subject) throw new Error(`say in SUBJECTS where the id of ${known} comes from`);
    path = path.slice(0, place) + encodeURIComponent(await subject()) + path.slice(end);
  }
  return path;
}

beforeAll(async () => {
  punctual = await startPunctual();
});
afterAll(() => punctual?.close());

describe.each(operations)("$operationId", (operation) => {
  const isPublic = operation.security.length === 0;
  const hasBody = operation.requestBody !== undefined;

  it("answers what is right", async () => {
    const answer = await send(operation, { path: await pathOf(operation), ...(hasBody && { body: exampleOf(operation) }) });
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  });
});
