import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createTaskBody } from "#shared/contract/create-task.ts";
import type { RouteShape } from "#shared/contract/routes/route-shape.ts";
import { ROUTES, type RouteName } from "#shared/contract/routes.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import { asOwnerId } from "#shared/domain/ids.ts";
import { asDeliveryId } from "#shared/domain/webhook.ts";
import { newDelivery } from "#shared/domain/webhook-delivery.ts";
import { createFindTaskPlace } from "#shared/usecases/find-task-place.ts";
import { aTaskEvent } from "#test/support/webhooks.ts";
import {
  ANNES_BATCH,
  ANNES_JOB,
  ANNES_RECURRENCE,
  ANNES_RUN,
  ANNES_WEBHOOK,
  type ApiAnswer,
  type ApiRequest,
  BELA,
  setUpApi,
} from "./serve-api-setup.ts";

const ANNE = asOwnerId("anne");
const PASSWORD = "nine kites over the harbour";
const LATER = "2026-12-05 09:00";

const routes = (Object.keys(ROUTES) as RouteName[]).map(
  (name) => [name, ROUTES[name] as RouteShape] as const,
);
/** Those of connect-account have tests of their own: this composition has no such function. */
const served = routes.filter(([, { servedBy }]) => servedBy === undefined);

/** A thing of Anne's, and one of the same form that nobody has. */
type Known = readonly [annes: string, unknown: string];
type Things = Readonly<Record<string, Known>>;

/** Everything that a parameter, a query or a body can name. A walk that meets another name fails: it has to be told. */
async function annesThings(api: Awaited<ReturnType<typeof setUpApi>>): Promise<Things> {
  const { call, put, accounts, webhooks } = api;
  const post = async (path: string, json: object, over: ApiRequest = {}) => {
    const answer = await call({ method: "POST", path: `/api/v1${path}`, json, ...over });
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const task = await put({ status: "held", slotAt: new Date("2026-12-05T01:00:00.000Z") });
  await accounts.saveAccount({
    id: accountIdFor(ANNE, "private"),
    ownerId: ANNE,
    name: "private",
    maxTextLength: 280,
    status: "active",
    version: 1,
  });
  const content = await post("/contents", { text: "Anne's secret", project: "default" });
  const medium = await post("/media", { name: "secret.jpg", type: "image/jpeg", sizeBytes: 1_000 });
  const source = await post("/sources", { name: "annes-source", project: "default" });
  const key = await post("/keys", { name: "annes", scopes: ["admin"] });
  const user = await post("/users", { name: "Anne", email: "anne@example.org", role: "admin" });
  const open = { authorizer: undefined };
  await post("/sessions/invitations", { invitationCode: user.invitationCode, password: PASSWORD }, open);
  const session = await post(
    "/sessions",
    { owner: "anne", email: "anne@example.org", password: PASSWORD },
    open,
  );
  const id = asDeliveryId("01KDDDDDDDDDDDDDDDDDDDDDDD");
  const delivery = { ...newDelivery(id, ANNES_WEBHOOK, aTaskEvent()), attemptCount: 1 };
  if (!(await webhooks.saveDelivery(delivery)).ok) throw new Error("the delivery was not stored");
  const nobody = (annes: string): Known => [annes, `${annes.slice(0, -1)}${annes.endsWith("0") ? "1" : "0"}`];
  return {
    "task-not-found:id": nobody(task.id),
    "batch-not-found:id": nobody(ANNES_BATCH),
    "run-not-found:id": nobody(ANNES_RUN),
    "job-not-found:id": nobody(ANNES_JOB),
    "recurrence-not-found:id": nobody(ANNES_RECURRENCE),
    "content-not-found:id": nobody(content.id),
    "media-not-found:id": nobody(medium.id),
    "webhook-not-found:id": nobody(ANNES_WEBHOOK),
    "delivery-not-found:id": nobody(ANNES_WEBHOOK),
    "delivery-not-found:deliveryId": nobody(delivery.id),
    "key-not-found:id": nobody(key.id),
    "user-not-found:id": nobody(user.id),
    "session-not-found:id": nobody(session.id),
    "project-not-found:name": ["default", "nobodys"],
    "account-not-found:name": ["private", "nobodys"],
    "source-not-found:name": [source.name, "nobodys"],
    project: ["default", "nobodys"],
    account: ["private", "nobodys"],
    contentId: nobody(content.id),
    mediaId: nobody(medium.id),
    owner: ["anne", "nobodys"],
    email: ["anne@example.org", "nobody@example.org"],
  };
}

const A_JOB = { name: "often", type: "publishing-run", intervalSeconds: 3_600 };
const A_RECURRENCE = { project: "bakery", texts: ["Guten Morgen"], rule: "FREQ=WEEKLY", dtStart: LATER };

/** What Bela sends. Every body names the fields in which somebody could be named. */
const BODIES: Readonly<Record<string, object>> = {
  createTask: { text: "x", project: "bakery", publishAt: LATER },
  createTasks: { tasks: [{ text: "x", project: "bakery", publishAt: LATER }] },
  updateTask: { text: "x" },
  rescheduleTask: { publishAt: LATER },
  resolveTask: { as: "repost" },
  writePolicy: { version: 0, preset: "steady" },
  simulate: { project: "bakery", drafts: [{ text: "x" }] },
  createContent: { text: "x" },
  updateContent: { notes: "x" },
  createMedia: { name: "a.jpg", type: "image/jpeg", sizeBytes: 10 },
  addToPool: { text: "x", project: "bakery" },
  createJob: { ...A_JOB, type: "scan-source", params: { project: "bakery" } },
  changeJob: { ...A_JOB, type: "scan-source", params: { project: "bakery" } },
  createRecurrence: A_RECURRENCE,
  changeRecurrence: { texts: ["x"], rule: "FREQ=WEEKLY", dtStart: LATER },
  skipOccurrence: { occurrence: LATER },
  overrideOccurrence: { occurrence: LATER, text: "x" },
  createProject: { name: "belas", timeZone: "Europe/Berlin", accounts: ["main"], defaultAccount: "main" },
  updateProject: { accounts: ["main"] },
  createSource: { name: "belas", project: "bakery" },
  updateSource: { enabled: false },
  pauseAccount: {},
  updateWebhook: { description: "x" },
  writeSettings: { batchSize: 20 },
  rollbackSettings: { version: 1 },
  redriveQueue: { queue: "publish" },
  createKey: { name: "belas", scopes: ["read"] },
  createUser: { name: "Bela", email: "bela@example.org", role: "viewer" },
  updateUser: { name: "Bela" },
  signIn: { owner: "bela", email: "bela@example.org", password: PASSWORD },
  acceptInvitation: { invitationCode: "pni.x", password: PASSWORD },
};

/** Which of Anne's things a field can name. `false`: none, although it sounds like it. */
const FIELDS: Readonly<Record<string, string | false>> = {
  project: "project",
  projects: "project",
  account: "account",
  accounts: "account",
  defaultAccount: "account",
  contentId: "contentId",
  media: "mediaId",
  owner: "owner",
  email: "email",
  /** Looked into by themselves. */
  tasks: false,
  /** X's. */
  postId: false,
  /** Every owner has batches of any name. */
  batch: false,
  reuseMedia: false,
  uniqueMedia: false,
  batchSize: false,
  activeTasksPerOwner: false,
};
const SOUNDS_LIKE_SOMEBODY =
  /id$|ids$|project|account|media|content|batch|run$|user|owner|email|source|webhook|session|task|recurrence|job/i;

const shapeOf = (schema: unknown): Readonly<Record<string, z.ZodType>> => {
  if (schema instanceof z.ZodObject) return schema.shape as Readonly<Record<string, z.ZodType>>;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return shapeOf(schema.unwrap());
  if (schema instanceof z.ZodPipe) return shapeOf(schema.in);
  if (schema instanceof z.ZodUnion) return Object.assign({}, ...schema.options.map(shapeOf));
  return {};
};

/** Fields of a request that can name something, with what they name. */
function namingFields(schema: unknown): readonly (readonly [field: string, thing: string])[] {
  return Object.keys(shapeOf(schema)).flatMap((field) => {
    if (!SOUNDS_LIKE_SOMEBODY.test(field)) return [];
    const thing = FIELDS[field];
    if (thing === undefined) throw new Error(`Say in this test whose things the field ${field} can name.`);
    return thing === false ? [] : [[field, thing] as const];
  });
}

/** The same field, naming one of Anne's things or nobody's. */
const asIn = (field: string, name: string): unknown =>
  field === "media" ? [{ id: name }] : /s$/.test(field) ? [name] : name;

/** Where a body has posts or settings inside: their own fields are walked too. */
const INSIDE: Readonly<Record<string, readonly [place: string, schema: unknown]>> = {
  createTasks: ["tasks", createTaskBody],
  simulate: ["drafts", createTaskBody],
  createJob: ["params", ROUTES.createJob.body],
  changeJob: ["params", ROUTES.changeJob.body],
};

interface Attempt {
  readonly what: string;
  /** @param which - 0: Anne's, 1: nobody's */
  readonly request: (which: 0 | 1) => ApiRequest;
}

/** Every way in which a request of Bela's can name something of Anne's. */
function attemptsOf(name: RouteName, route: RouteShape, things: Things): readonly Attempt[] {
  const json = BODIES[name];
  if (route.body && !json && !route.body.safeParse(undefined).success)
    throw new Error(`Say in this test what ${name} takes.`);
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter ?? "");
  const known = (parameter: string): Known => {
    const thing = things[`${route.notFound}:${parameter}`];
    if (!thing) throw new Error(`Say in this test what {${parameter}} of ${route.path} is.`);
    return thing;
  };
  const pathFor = (which: 0 | 1) =>
    names.reduce(
      (path, parameter) => path.replace(`{${parameter}}`, known(parameter)[which]),
      route.path as string,
    );
  const base = (path: string): ApiRequest => ({
    method: route.method,
    path,
    owner: BELA,
    ...(json && { json }),
  });
  const attempts: Attempt[] = [];
  if (names.length > 0) attempts.push({ what: "the path", request: (which) => base(pathFor(which)) });

  const thingOf = (thing: string): Known => {
    const found = things[thing];
    if (!found) throw new Error(`Anne has no ${thing}.`);
    return found;
  };
  for (const [field, thing] of namingFields(route.query)) {
    // A list by project wants a status, if it has one.
    const extra = "status" in shapeOf(route.query) && field === "project" ? { status: "held" } : {};
    attempts.push({
      what: `the query's ${field}`,
      request: (which) => ({ ...base(pathFor(1)), query: { ...extra, [field]: thingOf(thing)[which] } }),
    });
  }
  for (const [field, thing] of namingFields(route.body))
    attempts.push({
      what: `the body's ${field}`,
      request: (which) => ({
        ...base(pathFor(1)),
        // A user's name is taken by the first attempt that succeeds.
        json: {
          ...json,
          ...(name === "createUser" && { name: `Bela ${which}` }),
          [field]: asIn(field, thingOf(thing)[which]),
        },
      }),
    });
  const [place, schema] = INSIDE[name] ?? [];
  if (place !== undefined) {
    const inner = name.endsWith("Job") ? shapeOf(schema)["params"] : schema;
    for (const [field, thing] of namingFields(inner))
      attempts.push({
        what: `the body's ${place}/${field}`,
        request: (which) => {
          const named = { [field]: asIn(field, thingOf(thing)[which]) };
          const inside =
            place === "params" ? named : [{ text: "x", project: "bakery", publishAt: LATER, ...named }];
          return { ...base(pathFor(1)), json: { ...json, [place]: inside } };
        },
      });
  }
  return attempts;
}

/** What differs from answer to answer, whoever asks. */
const VARIES = new Set([
  "requestId",
  "checkedAt",
  "id",
  "createdAt",
  "updatedAt",
  "href",
  "apiKey",
  "invitationCode",
  "runId",
]);

function comparable({ status, body }: ApiAnswer, named: readonly string[]): string {
  const text = JSON.stringify([status, body], (key, value) => (VARIES.has(key) ? "…" : value));
  // Longest first: one may be a part of another.
  return named.toSorted((a, b) => b.length - a.length).reduce((told, one) => told.replaceAll(one, "?"), text);
}

/** Everything that Anne can read of her own. */
async function lookAtAll({ call }: Awaited<ReturnType<typeof setUpApi>>, things: Things): Promise<string> {
  const seen: unknown[] = [];
  for (const [name, route] of served) {
    if (route.method !== "GET" || name === "readMetrics" || name === "checkHealth" || name === "listAudit")
      continue;
    const path = route.path.replaceAll(
      /\{(\w+)\}/g,
      (_, one) => things[`${route.notFound}:${one}`]?.[0] ?? "",
    );
    const { status, body } = await call({ path });
    if (!route.paged && status !== 200) throw new Error(`Anne does not see ${path}: ${JSON.stringify(body)}`);
    seen.push([name, status, body]);
  }
  return JSON.stringify(
    seen,
    (key, value) => (["requestId", "checkedAt", "next"].includes(key) ? "…" : value),
    1,
  );
}

describe("two owners", () => {
  it.each(served)("%s: what Anne has is nothing to Bela, wherever it is named", async (name, route) => {
    const api = await setUpApi();
    const things = await annesThings(api);
    const everything = [...Object.values(things).flat(), "Bela 0", "Bela 1"];
    const before = await lookAtAll(api, things);
    for (const { what, request } of attemptsOf(name, route, things)) {
      const [foreign, unknown] = [await api.call(request(0)), await api.call(request(1))];
      expect([what, comparable(foreign, everything)]).toEqual([what, comparable(unknown, everything)]);
      expect(JSON.stringify(foreign.body)).not.toMatch(/secret/i);
    }
    expect(await lookAtAll(api, things)).toBe(before);
  });

  it("have things to be found in every path: the walk misses none", async () => {
    const api = await setUpApi();
    const things = await annesThings(api);
    const walked = served.filter(([name, route]) => attemptsOf(name, route, things).length > 0);
    const withParameters = served.filter(([, { path }]) => path.includes("{"));
    for (const route of withParameters) expect(walked).toContainEqual(route);
    // Anne reads what Bela must not: so an unknown id is not all that was asked for.
    await expect(lookAtAll(api, things)).resolves.toContain("Anne's secret");
    expect(await createFindTaskPlace(api)(BELA, things["task-not-found:id"]?.[0] as never)).toBeUndefined();
  });

  it("have lists of their own, and no use for each other's cursors", async () => {
    const api = await setUpApi();
    await annesThings(api);
    for (let made = 0; made < 3; made++) await api.create({ text: `Post ${made}`, publishAt: LATER });
    let stolenCursors = 0;
    for (const [name, route] of served) {
      if (!route.paged || route.path.includes("{")) continue;
      const first = await api.call({ path: route.path, query: { limit: "1" } });
      // Steps of a check, and no list.
      if (name === "verifyAudit") continue;
      const next: unknown = first.body.next;
      const foreign = await api.call({ path: route.path, owner: BELA });
      // Settings are not the tenant's: who may not see them is told so.
      if (foreign.status === 403) expect([name, foreign.body.code]).toEqual([name, "operator-only"]);
      else expect([name, foreign.status, foreign.body.items]).toEqual([name, 200, []]);
      if (typeof next !== "string") continue;
      stolenCursors += 1;
      const stolen = await api.call({ path: route.path, owner: BELA, query: { limit: "1", cursor: next } });
      expect([name, stolen.body.code]).toEqual([name, "invalid-cursor"]);
    }
    expect(stolenCursors).toBeGreaterThan(2);
  });

  it("are not told each other's answers by the same Idempotency-Key", async () => {
    const api = await setUpApi();
    const headers = { "idempotency-key": "shared" };
    const annes = await api.create({ text: "Anne's secret", project: "default" }, { headers });
    const belas = await api.create({ text: "Anne's secret", project: "bakery" }, { headers, owner: BELA });
    expect([annes.status, belas.status]).toEqual([202, 202]);
    expect(belas.body.id).not.toBe(annes.body.id);
  });
});
