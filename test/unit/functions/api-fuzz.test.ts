import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, it, vi } from "vitest";
import type { RouteShape } from "#shared/contract/routes/route-shape.ts";
import { ROUTES, type RouteName } from "#shared/contract/routes.ts";
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
import { ANNE, type ApiRequest, BELA, setUpApi, START } from "./serve-api-setup.ts";

/** A failure says which seed it was of. */
const SEED = Number(process.env["API_FUZZ_SEED"] ?? 20_261_201);
/** For each operation, on new stores each time. */
const SEQUENCES = 3;
const LONGEST = 24;

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
  async function everything(): Promise<ReadonlyMap<string, Entry & { readonly text: string }>> {
    const entries: Entry[] = maps.flatMap(({ store, map }, number) =>
      [...map].map(([key, value]) => ({ store, key: `${number} ${key}`, value })),
    );
    for (const [store, list] of Object.entries(lists))
      entries.push(...list().map((value, index) => ({ store, key: `${index}`, value })));
    for (const value of await api.settingsStore.listVersions(1_000))
      entries.push({ store: "createInMemorySettings", key: `${value.version}`, value });
    return new Map(entries.map((entry) => [`${entry.store} ${entry.key}`, { ...entry, text: asText(entry.value) }]));
  }
  const stores = new Set([...maps.map(({ store }) => store), ...Object.keys(lists), "createInMemorySettings"]);
  return { api, everything, stores };
}

const asText = (value: unknown): string =>
  JSON.stringify(value, (_, inner) => (inner instanceof Map || inner instanceof Set ? [...inner] : inner)) ?? "";

const ID = /[0-7][0-9A-HJKMNP-TV-Z]{25}|[0-9a-f]{12,}/g;
const OWNERS = [ANNE, BELA, FIRST_OWNER] as const;

/** Of the deployment. What it counts, anybody adds to. */
const SHARED: ReadonlySet<string> = new Set(["createInMemoryTotals", "createInMemoryRequestBudgets"]);

/** Whose each entry is: it says so, or its key does, or the id that is in it. */
function whose(entries: Iterable<Entry & { readonly text: string }>): (entry: Entry) => OwnerId | undefined {
  const ids = new Map<string, OwnerId>();
  const said = ({ key, value }: Entry): OwnerId | undefined => {
    const { ownerId } = (value ?? {}) as { readonly ownerId?: OwnerId };
    return ownerId ?? OWNERS.find((owner) => new RegExp(`(^|[^a-z])${owner}([^a-z]|$)`).test(key));
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
  const task = await api.put({ ownerId: owner, status: "held", slotAt: new Date("2026-12-05T01:00:00.000Z") });
  const post2 = { text: `${owner} one`, project, batch: "mine", publishAt: "2026-12-06 09:00" };
  const { batchId } = await post("/scheduling/tasks", post2);
  const content = await twice(() => post("/contents", { text: `${owner}'s`, project }));
  const medium = await twice((name) => post("/media", { name: `${name}.jpg`, type: "image/jpeg", sizeBytes: 9 }));
  const source = await twice((name) => post("/sources", { name: `${owner}-${name}`, project }));
  const key = await twice((name) => post("/keys", { name, scopes: ["admin"] }));
  const email = `${owner}@example.org`;
  const password = owner === ANNE ? "nine kites over the harbour" : "seven lanterns on a winding quay";
  const user = await post("/users", { name: owner, email, role: "admin" });
  const open = { authorizer: undefined };
  await post("/sessions/invitations", { invitationCode: user.invitationCode, password }, open);
  const session = await post("/sessions", { owner, email, password }, open);
  const job = await twice((name) =>
    post("/scheduling/jobs", { name, type: "publishing-run", intervalSeconds: 3_600 }),
  );
  const recurrence = await twice((name) =>
    post("/scheduling/recurrences", { name, project, texts: ["Morning"], rule: "FREQ=WEEKLY", dtStart: LATER }),
  );
  const run = newRun(asRunId(String(freshTaskId())), owner, START);
  await api.runs.save(run);
  const webhook = owner === ANNE ? api.annesWebhook : aWebhook({ id: asWebhookId(String(freshTaskId())) });
  if (owner !== ANNE) {
    const register = enterWebhook(emptyWebhookRegister(owner), webhook);
    if (register.ok) await api.webhooks.saveRegister(register.value);
  }
  const delivery = { ...newDelivery(asDeliveryId(String(freshTaskId())), webhook.id, aTaskEvent()), attemptCount: 1 };
  await api.webhooks.saveDelivery(delivery);
  return {
    "task-not-found:id": task.id,
    "batch-not-found:id": batchId,
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
  };
}

/** Two cursors of a list, one's own and the other's, whole and cut. */
async function cursorsOf(api: Api, operation: DescribedOperation, owner: OwnerId, things: Things): Promise<Things> {
  if (!routeOf(operation).paged) return {};
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, one) => things[`${routeOf(operation).notFound}:${one}`] ?? "");
  const { body } = await api.call({ path, owner, query: { limit: "1" } });
  const next = typeof body?.next === "string" ? body.next : `none-of-${operation.operationId}`;
  const name = `cursor of ${operation.operationId}`;
  return { [name]: next, [`cut ${name}`]: next.slice(0, Math.floor(next.length / 2)) };
}

/**
 * Signing in is of whoever is named, not of who asks: a try is counted and told to them. Theirs, or of the deployment
 * if nobody has the address.
 */
const TOLD: ReadonlySet<string> = new Set(["signIn", "acceptInvitation"]);
const TOLD_IN: ReadonlySet<string> = new Set(["createInMemoryAudit", "createInMemorySessions"]);

describe("generated requests", () => {
  const seen = new Map<string, number>();
  let sent = 0;

  it.each(served.map((operation) => [operation.operationId, operation] as const))("%s", async (_name, operation) => {
    const requests = requestsFor(operation, document.components, routeOf(operation).notFound);
    await fc.assert(
      fc.asyncProperty(fc.array(requests, { minLength: 8, maxLength: LONGEST, size: "max" }), async (sequence) => {
        const { api, everything } = await setUpWatched();
        const annes = await furnish(api, ANNE, "default");
        const belas = await furnish(api, BELA, "bakery");
        const own = { ...belas, ...(await cursorsOf(api, operation, BELA, belas)) };
        const nameOf = namesOf(own, { ...annes, ...(await cursorsOf(api, operation, ANNE, annes)) });
        let before = await everything();
        for (const generated of sequence) {
          const request = resolveNames(generated, nameOf);
          const say = (wrong: string) => `${wrong}\n${JSON.stringify(generated).slice(0, 3_000)}`;
          // A key may be changed or ended: this one stays what it is.
          const answer = await api
            .call({ ...request, owner: BELA, ...(routeOf(operation).scope === "public" && { authorizer: undefined }) })
            .catch((error: unknown) => {
              throw new Error(say("The answer does not fit the contract."), { cause: error });
            });
          sent++;
          const what = `${operation.operationId} ${answer.status}`;
          seen.set(what, (seen.get(what) ?? 0) + 1);
          if (answer.status >= 500 && operation.operationId !== "checkHealth")
            throw new Error(say(`It answers ${answer.status}: ${api.logger.error.mock.calls.at(-1)}`));
          const after = await everything();
          const ofBefore = whose(before.values());
          const ofAfter = whose(after.values());
          for (const name of new Set([...before.keys(), ...after.keys()])) {
            const [was, is] = [before.get(name), after.get(name)];
            const store = (was ?? is)?.store ?? "";
            if (was?.text === is?.text || SHARED.has(store)) continue;
            if (TOLD.has(operation.operationId) && TOLD_IN.has(store)) continue;
            for (const owner of [was && ofBefore(was), is && ofAfter(is)].filter((_, at) => [was, is][at]))
              if (owner !== BELA)
                throw new Error(say(`It changed what is ${owner ?? "of nobody known"}: ${name}\n${was?.text}\n${is?.text}`));
          }
          before = after;
        }
      }),
      {
        numRuns: SEQUENCES,
        seed: SEED,
        // The request is shown as it is: a shorter sequence would say little more, and take a minute.
        endOnFailure: true,
        reporter({ failed, errorInstance }) {
          if (failed)
            throw new Error(`API_FUZZ_SEED=${SEED}: ${errorInstance instanceof Error ? errorInstance.message : errorInstance}`, {
              cause: errorInstance,
            });
        },
      },
    );
  });
  afterAll(() => {
    const list = [...seen].toSorted(([a], [b]) => (a < b ? -1 : 1));
    console.log(sent, list.map(([what, count]) => `${what}: ${count}`).join("\n"));
  });
});
