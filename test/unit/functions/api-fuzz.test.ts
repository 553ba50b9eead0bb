import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { RouteShape } from "#shared/contract/routes/route-shape.ts";
import { ROUTES, type RouteName } from "#shared/contract/routes.ts";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import { asRunId, newRun } from "#shared/domain/run.ts";
import { asDeliveryId, asWebhookId, emptyWebhookRegister, enterWebhook } from "#shared/domain/webhook.ts";
import { newDelivery } from "#shared/domain/webhook-delivery.ts";
import { FIRST_OWNER } from "#shared/usecases/connect-account.ts";
import { freshTaskId } from "#test/support/builders.ts";
import {
  type DescribedOperation,
  namesOf,
  requestsFor,
  resolveNames,
  type Things,
} from "#test/support/generated-requests.ts";
import { aTaskEvent, aWebhook } from "#test/support/webhooks.ts";
import { ANNE, type ApiRequest, BELA, START, setUpApi } from "./serve-api-setup.ts";

/** A failure says which seed it was of. */
const SEED = Number(process.env["API_FUZZ_SEED"] ?? 20_261_201);
/** For each operation, on new stores each time. */
const SEQUENCES = 2;
const LENGTH = 20;

const SETUP = new URL("./serve-api-setup.ts", import.meta.url);
const DOCUMENT = new URL("../../../docs/openapi.json", import.meta.url);
const LATER = "2026-12-05 09:00";

const document = JSON.parse(readFileSync(DOCUMENT, "utf8")) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: unknown;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    ...operation,
    method: method.toUpperCase(),
    path: `/api/v1${path}`,
  })),
);
const routeOf = (operation: DescribedOperation): RouteShape => ROUTES[operation.operationId as RouteName];
/** Those of connect-account have tests of their own: this composition has no such function. */
const served = operations.filter((operation) => routeOf(operation).servedBy === undefined);

type Api = Awaited<ReturnType<typeof setUpApi>>;
interface Entry {
  readonly store: string;
  readonly key: string;
  readonly value: unknown;
}

/**
 * A composition, and everything that its stores keep: the maps that every `createInMemory…` makes, whether somebody
 * thought of them or not, and what is no map.
 */
async function setUpWatched() {
  const maps: { readonly store: string; readonly map: ReadonlyMap<unknown, unknown> }[] = [];
  const Plain = Map;
  class WatchedMap<K, V> extends Plain<K, V> {
    constructor(entries?: Iterable<readonly [K, V]> | null) {
      super(entries);
      const store = /createInMemory\w+/.exec(new Error().stack ?? "")?.[0];
      if (store !== undefined) maps.push({ store, map: this });
    }
  }
  vi.stubGlobal("Map", WatchedMap);
  const api = await setUpApi().finally(() => vi.unstubAllGlobals());

  const lists: Readonly<Record<string, () => readonly unknown[]>> = {
    createInMemoryMediaBucket: () => api.mediaBucket.removed,
    createInMemoryUploadForms: () => api.forms.made,
    createInMemoryDispatch: () => [...api.dispatch.scheduled, ...api.dispatch.enqueued],
    createInMemoryWebhookQueue: () => api.webhookQueue.sent,
    createInMemoryWorkQueues: () => [api.queues.work, api.queues.deadLetters],
    scanned: () => api.scanned,
  };
  async function everything(): Promise<Everything> {
    const entries: Entry[] = maps.flatMap(({ store, map }, number) =>
      [...map].map(([key, value]) => ({ store, key: `${number} ${key}`, value })),
    );
    for (const [store, list] of Object.entries(lists))
      entries.push(...list().map((value, index) => ({ store, key: `${index}`, value })));
    for (const value of await api.settingsStore.listVersions(1_000))
      entries.push({ store: "createInMemorySettings", key: `${value.version}`, value });
    return new Map(
      entries.map((entry) => [`${entry.store} ${entry.key}`, { ...entry, text: asText(entry.value) }]),
    );
  }
  const stores = new Set([
    ...maps.map(({ store }) => store),
    ...Object.keys(lists),
    "createInMemorySettings",
  ]);
  return { api, everything, stores };
}

const asText = (value: unknown): string =>
  JSON.stringify(value, (_, inner) => (inner instanceof Map || inner instanceof Set ? [...inner] : inner)) ??
  "";

type Everything = ReadonlyMap<string, Entry & { readonly text: string }>;

/** At least one of `was` and `is` is there. */
const changesBetween = (before: Everything, after: Everything) =>
  [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    return was?.text === is?.text ? [] : [{ name, was, is, store: (was ?? is)?.store ?? "" }];
  });

const ID = /[0-7][0-9A-HJKMNP-TV-Z]{25}|[0-9a-f]{12,}/g;
const OWNERS = [ANNE, BELA, FIRST_OWNER] as const;

/** Of the deployment. What it counts, anybody adds to. */
const SHARED: ReadonlySet<string> = new Set(["createInMemoryTotals", "createInMemoryRequestBudgets"]);

/** Whose each entry is: it says so, or its key does, or the id that is in it. */
function whose(entries: Iterable<Entry & { readonly text: string }>): (entry: Entry) => OwnerId | undefined {
  const ids = new Map<string, OwnerId>();
  const said = ({ key, value }: Entry): OwnerId | undefined => {
    const { ownerId, projectId, accountId } = (value ?? {}) as Readonly<Record<string, OwnerId | undefined>>;
    const text = [projectId, accountId, key, typeof value === "string" ? value : ""].join(" ");
    return ownerId ?? OWNERS.find((owner) => new RegExp(`(^|[^a-z])${owner}([^a-z]|$)`).test(text));
  };
  for (const entry of entries) {
    const owner = said(entry);
    if (!owner) continue;
    for (const [id] of `${entry.key} ${(entry.value as { id?: string } | null)?.id ?? ""}`.matchAll(ID))
      ids.set(id, owner);
    // A register lists what has no entry of its own.
    if (/Register|Webhooks/.test(entry.store)) for (const [id] of entry.text.matchAll(ID)) ids.set(id, owner);
  }
  return (entry) => {
    const owner = said(entry);
    if (owner) return owner;
    for (const text of [entry.key, asText(entry.value)])
      for (const [id] of text.matchAll(ID)) if (ids.has(id)) return ids.get(id);
    return undefined;
  };
}

/** Gives somebody one of everything that a request can name, and two of what is listed. */
async function furnish(api: Api, owner: OwnerId, project: string): Promise<Things> {
  const post = async (path: string, json: object, over: ApiRequest = {}) => {
    const answer = await api.call({ method: "POST", path: `/api/v1${path}`, owner, json, ...over });
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const twice = async (make: (name: string) => Promise<{ readonly id: string; readonly name: string }>) => {
    await make("second");
    return make("first");
  };
  const task = await api.put({
    ownerId: owner,
    status: "held",
    slotAt: new Date("2026-12-05T01:00:00.000Z"),
  });
  const planned = { text: `${owner} one`, project, batch: "mine", publishAt: "2026-12-06 09:00" };
  await post("/scheduling/tasks", planned);
  const content = await twice(() => post("/contents", { text: `${owner}'s`, project }));
  const medium = await twice((name) =>
    post("/media", { project, name: `${name}.jpg`, type: "image/jpeg", sizeBytes: 9 }),
  );
  const source = await twice((name) => post("/sources", { name: `${owner}-${name}`, project }));
  const key = await twice((name) => post("/keys", { name, scopes: ["admin"] }));
  const email = `${owner}@example.org`;
  const password = owner === ANNE ? "nine kites over the harbour" : "seven lanterns on a winding quay";
  const user = await post("/users", { name: owner, email, role: "admin" });
  const invited = await post("/users", { name: "Guest", email: `guest@${owner}.example`, role: "viewer" });
  const open = { authorizer: undefined };
  await post("/sessions/invitations", { invitationCode: user.invitationCode, password }, open);
  const session = await post("/sessions", { owner, email, password }, open);
  const job = await twice((name) =>
    post("/scheduling/jobs", { name, type: "publishing-run", intervalSeconds: 3_600 }),
  );
  const recurrence = await twice((name) =>
    post("/scheduling/recurrences", {
      name,
      project,
      texts: ["Morning"],
      rule: "FREQ=WEEKLY",
      dtStart: LATER,
    }),
  );
  const run = newRun(asRunId(String(freshTaskId())), owner, START);
  await api.runs.save(run);
  const webhook = owner === ANNE ? api.annesWebhook : aWebhook({ id: asWebhookId(String(freshTaskId())) });
  if (owner !== ANNE) {
    const register = enterWebhook(emptyWebhookRegister(owner), webhook);
    if (register.ok) await api.webhooks.saveRegister(register.value);
  }
  const delivery = {
    ...newDelivery(asDeliveryId(String(freshTaskId())), webhook.id, aTaskEvent()),
    attemptCount: 1,
  };
  await api.webhooks.saveDelivery(delivery);
  return {
    "task-not-found:id": task.id,
    "batch-not-found:id": batchIdFor(owner, "mine"),
    "run-not-found:id": run.id,
    "job-not-found:id": job.id,
    "recurrence-not-found:id": recurrence.id,
    "content-not-found:id": content.id,
    "media-not-found:id": medium.id,
    "webhook-not-found:id": webhook.id,
    "delivery-not-found:id": webhook.id,
    "delivery-not-found:deliveryId": delivery.id,
    "key-not-found:id": key.id,
    "user-not-found:id": user.id,
    "session-not-found:id": session.id,
    "project-not-found:name": project,
    "account-not-found:name": "main",
    "source-not-found:name": source.name,
    project,
    account: "main",
    contentId: content.id,
    mediaId: medium.id,
    owner,
    email,
    password,
    invitationCode: invited.invitationCode,
  };
}

/** Two cursors of a list, one's own and the other's, whole and cut. */
async function cursorsOf(
  api: Api,
  operation: DescribedOperation,
  owner: OwnerId,
  things: Things,
): Promise<Things> {
  if (!routeOf(operation).paged) return {};
  const path = operation.path.replaceAll(
    /\{(\w+)\}/g,
    (_, one) => things[`${routeOf(operation).notFound}:${one}`] ?? "",
  );
  const { body } = await api.call({ path, owner, query: { limit: "1" } });
  const next = typeof body?.next === "string" ? body.next : `none-of-${operation.operationId}`;
  const name = `cursor of ${operation.operationId}`;
  return { [name]: next, [`cut ${name}`]: next.slice(0, Math.floor(next.length / 2)) };
}

/**
 * What a request may change that is not the sender's. Signing in is of whoever is named, not of who asks: a try is
 * counted, and told to them, or to the first owner if nobody has the address.
 */
const TOLD = ["createInMemoryAudit", "createInMemorySessions"];
const BEYOND: Readonly<Record<string, readonly string[]>> = { signIn: TOLD, acceptInvitation: TOLD };
/** The first owner may, and changes what is of the deployment. */
const OF_THE_OPERATOR: Readonly<Record<string, readonly string[]>> = {
  writeSettings: ["createInMemorySettings"],
  rollbackSettings: ["createInMemorySettings"],
  redriveQueue: ["createInMemoryWorkQueues"],
};

/** Every change that is not of the sender's own. */
function changesOfOthers(
  before: Everything,
  after: Everything,
  sender: OwnerId,
  beyond: readonly string[] = [],
) {
  const changed = changesBetween(before, after).filter(
    ({ store }) => !SHARED.has(store) && !beyond.includes(store),
  );
  if (changed.length === 0) return [];
  const [ofBefore, ofAfter] = [whose(before.values()), whose(after.values())];
  return changed.flatMap(({ name, was, is }) => {
    const owners = [...(was ? [ofBefore(was)] : []), ...(is ? [ofAfter(is)] : [])];
    const other = owners.find((owner) => owner !== sender);
    return owners.every((owner) => owner === sender)
      ? []
      : [`${name}, which is ${other ? `of ${other}` : "of nobody known"}\n${was?.text}\n${is?.text}`];
  });
}

/** What no generated request brings about: a state that it needs, another caller, or a last thing that has to stay. */
const NEVER_DONE: ReadonlySet<string> = new Set([
  "resolveTask",
  "deleteProject",
  "deleteUser",
  "resumeAccount",
  "signOut",
]);

describe("generated requests", () => {
  const done = new Set<string>();

  it.each(served.map((operation) => [operation.operationId, operation] as const))(
    "%s",
    async (id, operation) => {
      const route = routeOf(operation);
      const requests = requestsFor(operation, document.components, route.notFound);
      const sequences = fc.array(requests, { minLength: LENGTH, maxLength: LENGTH });
      await fc.assert(
        fc.asyncProperty(sequences, async (sequence) => {
          const { api, everything } = await setUpWatched();
          const annes = await furnish(api, ANNE, "default");
          const belas = await furnish(api, BELA, "bakery");
          // Else the settings had no version to go back to.
          for (const batchSize of [20, 30, 40, 50])
            await api.call({
              method: "PUT",
              path: "/api/v1/settings",
              owner: FIRST_OWNER,
              json: { batchSize },
            });
          const nameOf = namesOf(
            { ...belas, ...(await cursorsOf(api, operation, BELA, belas)) },
            { ...annes, ...(await cursorsOf(api, operation, ANNE, annes)) },
          );
          let before = await everything();
          for (const [at, generated] of sequence.entries()) {
            // In turns, where the first owner may more.
            const isOperator = id in OF_THE_OPERATOR && at % 2 === 1;
            const owner = isOperator ? FIRST_OWNER : BELA;
            const beyond = (isOperator ? OF_THE_OPERATOR : BEYOND)[id];
            const say = (wrong: string, cause?: unknown) =>
              new Error(`${wrong}\n${owner}: ${JSON.stringify(generated).slice(0, 3_000)}`, { cause });
            const anonymous = route.scope === "public" && { authorizer: undefined };
            const { status } = await api
              .call({ ...resolveNames(generated, nameOf), owner, ...anonymous })
              .catch((error: unknown) => {
                throw say(`The answer does not fit the contract: ${error}`, error);
              });
            if (status < 300) done.add(id);
            // Health says 503 when it has to.
            if (status >= 500 && !(id === "checkHealth" && status === 503)) {
              const told = inspect(api.logger.error.mock.calls.at(-1), { depth: 4 });
              throw say(`It answers ${status}: ${told.slice(0, 2_000)}`);
            }
            const after = await everything();
            const [change] = changesOfOthers(before, after, owner, beyond);
            if (change !== undefined) throw say(`It changes ${change}`);
            before = after;
          }
        }),
        {
          numRuns: SEQUENCES,
          seed: SEED,
          // The failing request is shown as it is: a shorter sequence would say little more, and take a minute.
          endOnFailure: true,
          reporter({ failed, errorInstance }) {
            if (!failed) return;
            const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
            throw new Error(`API_FUZZ_SEED=${SEED}: ${why}`, { cause: errorInstance });
          },
        },
      );
    },
  );

  it("get through to what every operation does", () => {
    const names = served.map(({ operationId }) => operationId).filter((id) => !NEVER_DONE.has(id));
    expect(names.filter((id) => !done.has(id))).toEqual([]);
  });
});

describe("the watch over the stores", () => {
  it("sees what every store of the composition keeps", async () => {
    const { stores } = await setUpWatched();
    /** A key, and a view of the tasks. */
    const keepNothing = ["createInMemoryCursorSealKey", "createInMemoryPoolCounts"];
    const made = readFileSync(SETUP, "utf8").matchAll(/(?<!import .*)\b(createInMemory\w+)\(/g);
    const names = [...new Set([...made].map(([, name = ""]) => name))];
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !stores.has(name) && !keepNothing.includes(name))).toEqual([]);
  });

  it("tells a change of somebody else's from one of the sender's", async () => {
    const { api, everything } = await setUpWatched();
    const before = await everything();
    await api.put({ ownerId: BELA });
    const own = await everything();
    expect(changesOfOthers(before, own, BELA)).toEqual([]);
    await api.put({ ownerId: ANNE });
    await api.webhooks.noteFailed(api.annesWebhook.id, START);
    await api.settingsStore.save({ version: 1, values: {}, by: "somebody", at: START } as never);
    const changes = changesOfOthers(own, await everything(), BELA).join("\n");
    for (const told of ["InMemoryStore", "InMemoryWebhooks", "InMemorySettings"])
      expect(changes).toContain(told);
    expect(changes).toMatch(/of anne\n/);
    expect(changes).toMatch(/of nobody known\n/);
  });
});
