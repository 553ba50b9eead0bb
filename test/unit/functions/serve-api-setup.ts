import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Context } from "aws-lambda";
import { vi } from "vitest";
import type * as z from "zod";
import { composeRouter } from "#functions/middleware/compose-router.ts";
import { toAuthorizerContext } from "#functions/middleware/http-caller.ts";
import { type ApiPorts, composeApi } from "#functions/serve-api/compose-api.ts";
import { createHandler } from "#functions/serve-api/handler.ts";
import { createCachedSettings } from "#shared/adapters/system/cached-settings.ts";
import { createScryptHasher } from "#shared/adapters/system/password-hasher.ts";
import { problemSchema } from "#shared/contract/problem.ts";
import { ROUTES } from "#shared/contract/routes.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import type { KeyScope } from "#shared/domain/api-key.ts";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import { asJobId, asOwnerId, asProjectId, asRecurrenceId, type OwnerId } from "#shared/domain/ids.ts";
import { emptyRegister, enterJob, newJob } from "#shared/domain/job.ts";
import { asRunId, newRun, type Run } from "#shared/domain/run.ts";
import { DEFAULT_SETTINGS } from "#shared/domain/settings.ts";
import type { Task } from "#shared/domain/task.ts";
import { asWebhookId, emptyWebhookRegister, enterWebhook } from "#shared/domain/webhook.ts";
import { createSpendRequest } from "#shared/usecases/request-budget.ts";
import { aContent, aMedium, aTask, freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryAudit } from "#test/support/in-memory-audit.ts";
import { createInMemoryBatches } from "#test/support/in-memory-batches.ts";
import { createInMemoryCounters } from "#test/support/in-memory-counters.ts";
import { createInMemoryCursorSealKey } from "#test/support/in-memory-cursor-seal-key.ts";
import { createInMemoryDispatch } from "#test/support/in-memory-dispatch.ts";
import { createInMemoryDrafts } from "#test/support/in-memory-drafts.ts";
import { createInMemoryFingerprints } from "#test/support/in-memory-fingerprints.ts";
import { createInMemoryIdempotency } from "#test/support/in-memory-idempotency.ts";
import { createInMemoryJobs } from "#test/support/in-memory-jobs.ts";
import { createInMemoryKeys } from "#test/support/in-memory-keys.ts";
import {
  createInMemoryMedia,
  createInMemoryMediaBucket,
  createInMemoryUploadForms,
} from "#test/support/in-memory-media.ts";
import { createInMemoryPoolCounts } from "#test/support/in-memory-pool-counts.ts";
import { createInMemoryRecurrences } from "#test/support/in-memory-recurrences.ts";
import { createInMemoryRequestBudgets } from "#test/support/in-memory-request-budgets.ts";
import { createInMemoryRuns } from "#test/support/in-memory-runs.ts";
import { createInMemorySessions } from "#test/support/in-memory-sessions.ts";
import { createInMemorySettings } from "#test/support/in-memory-settings.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";
import { createInMemoryTotals } from "#test/support/in-memory-totals.ts";
import { createInMemoryUsers } from "#test/support/in-memory-users.ts";
import { createInMemoryVault } from "#test/support/in-memory-vault.ts";
import { createInMemoryWebhooks, createInMemoryWebhookVault } from "#test/support/in-memory-webhooks.ts";
import { createInMemoryWorkQueues } from "#test/support/in-memory-work-queues.ts";
import { aRecurrence, aRecurrenceContent } from "#test/support/recurrences.ts";

import { aWebhook, createInMemoryWebhookQueue } from "#test/support/webhooks.ts";

const OPENAPI_FILE = new URL("../../../docs/openapi.json", import.meta.url);
export const ANNE = asOwnerId("anne");
export const BELA = asOwnerId("bela");
/** Anne has one batch, one run and one job from the beginning. */
export const ANNES_BATCH = batchIdFor(ANNE, "spring");
export const ANNES_RECURRENCE = asRecurrenceId("01KRRRRRRRRRRRRRRRRRRRRRRR");
export const ANNES_RUN = asRunId("01KBBBBBBBBBBBBBBBBBBBBBBB");
export const ANNES_JOB = asJobId("01KCCCCCCCCCCCCCCCCCCCCCCC");
export const ANNES_WEBHOOK = asWebhookId("01KWWWWWWWWWWWWWWWWWWWWWWW");
export const START = new Date("2026-12-01T01:00:00.000Z");
export const TASKS = "/api/v1/scheduling/tasks";

export interface ApiRequest {
  readonly method?: string;
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: string;
  readonly base64?: boolean;
  readonly owner?: OwnerId;
  readonly scopes?: readonly KeyScope[];
  readonly restricted?: { readonly projects?: readonly string[]; readonly accounts?: readonly string[] };
  /** In place of what the authorizer would say. */
  readonly authorizer?: unknown;
  readonly sourceIp?: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON came
  readonly body: any;
}

export const CONTEXT = {
  awsRequestId: "lambda-1",
  getRemainingTimeInMillis: () => 25_000,
} as unknown as Context;
let requests = 0;

/** What API Gateway sends, payload format 2.0. */
export function anEvent(request: ApiRequest) {
  const { method = "GET", path = TASKS, query, json, base64 = false, owner = ANNE } = request;
  const body = request.body ?? (json === undefined ? undefined : JSON.stringify(json));
  const lambda =
    "authorizer" in request
      ? request.authorizer
      : toAuthorizerContext({
          ownerId: owner,
          keyId: "0123456789ab",
          scopes: request.scopes ?? ["admin"],
          ...request.restricted,
        });
  return {
    version: "2.0",
    routeKey: "ANY /api/v1/{proxy+}",
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...request.headers,
    },
    ...(query && { queryStringParameters: query }),
    requestContext: {
      accountId: "000000000000",
      apiId: "api",
      domainName: "api.example",
      domainPrefix: "api",
      http: {
        method,
        path,
        protocol: "HTTP/1.1",
        sourceIp: request.sourceIp ?? "192.0.2.1",
        userAgent: "test",
      },
      requestId: `request-${++requests}`,
      routeKey: "ANY /api/v1/{proxy+}",
      stage: "$default",
      time: "01/Dec/2026:01:00:00 +0000",
      timeEpoch: START.getTime(),
      ...(lambda !== undefined && { authorizer: { lambda } }),
    },
    pathParameters: { proxy: path.replace(/^\/api\/v1\//, "") },
    ...(body !== undefined && { body }),
    isBase64Encoded: base64,
  };
}

/** Two owners with a project and accounts each; both have a project and an account of the same names but for folders. */
export async function setUpApi() {
  const clock = manualClock(START);
  const store = createInMemoryStore(clock);
  const accounts = createInMemoryAccounts();
  const dispatch = createInMemoryDispatch();
  const logger = { error: vi.fn() };
  const entropy = { newId: () => String(freshTaskId()), random: () => 0.5 };
  const tasks = { ...store.tasks };
  const batches = { ...createInMemoryBatches() };
  const runs = { ...createInMemoryRuns(clock) };
  const jobs = { ...createInMemoryJobs(clock) };
  await batches.open({ id: ANNES_BATCH, ownerId: ANNE, name: "spring", createdAt: START });
  const annesRun: Run = newRun(ANNES_RUN, ANNE, START);
  await runs.save(annesRun);
  const hourly = {
    name: "hourly",
    action: { type: "publishing-run" },
    schedule: { kind: "interval", everyMs: 3_600_000 },
    enabled: true,
  } as const;
  const annesJob = newJob(ANNES_JOB, ANNE, hourly, START);
  const register = enterJob(emptyRegister(ANNE), annesJob);
  if (register.ok) await jobs.save(annesJob, { register: register.value });

  for (const [ownerId, project] of [
    [ANNE, "default"],
    [BELA, "bakery"],
  ] as const) {
    const names = ["main", "second"];
    for (const name of names)
      await accounts.saveAccount({
        id: accountIdFor(ownerId, name),
        ownerId,
        name,
        maxTextLength: 280,
        status: "active",
        version: 1,
      });
    await accounts.addProject({
      id: asProjectId(`${ownerId}-project`),
      ownerId,
      name: project,
      timeZone: "Asia/Shanghai",
      accountIds: [accountIdFor(ownerId, "main")],
      defaultAccountId: accountIdFor(ownerId, "main"),
    });
  }

  const report = vi.fn();
  const aside = vi.fn();
  const fingerprints = createInMemoryFingerprints(clock);
  const media = { ...createInMemoryMedia(clock) };
  const drafts = { ...createInMemoryDrafts() };
  const mediaBucket = createInMemoryMediaBucket();
  const forms = createInMemoryUploadForms(clock);
  const settingsStore = { ...createInMemorySettings() };
  const settings = createCachedSettings({ store: settingsStore, clock, report });
  const recurrences = { ...createInMemoryRecurrences() };
  const annesRecurrence = aRecurrence({
    id: ANNES_RECURRENCE,
    ownerId: ANNE,
    projectId: asProjectId("anne-project"),
    accountId: accountIdFor(ANNE, "main"),
  });
  await recurrences.save(annesRecurrence, { content: aRecurrenceContent(annesRecurrence) });
  const idempotency = { ...createInMemoryIdempotency(clock) };
  const requestBudgets = { ...createInMemoryRequestBudgets() };
  /** Out of the way, unless a test is about it. */
  const limits = { requestsPerHour: 1_000_000 };
  const totals = { ...createInMemoryTotals(clock) };
  const queues = { ...createInMemoryWorkQueues() };
  const audit = { ...createInMemoryAudit() };
  const keys = { ...createInMemoryKeys() };
  const sessions = { ...createInMemorySessions(clock) };
  const users = { ...createInMemoryUsers() };
  const credentials = createInMemoryVault();
  const scanned: string[] = [];
  const webhooks = createInMemoryWebhooks(clock);
  const webhookVault = createInMemoryWebhookVault();
  const webhookQueue = createInMemoryWebhookQueue();
  const annesWebhook = aWebhook({ id: ANNES_WEBHOOK });
  const withWebhook = enterWebhook(emptyWebhookRegister(ANNE), annesWebhook);
  if (withWebhook.ok) await webhooks.saveRegister(withWebhook.value);
  const ports: ApiPorts = {
    tasks,
    accounts,
    credentials,
    batches,
    runs,
    jobs,
    recurrences,
    drafts,
    media,
    bucket: mediaBucket,
    forms,
    counts: createInMemoryPoolCounts(tasks),
    fingerprints,
    counters: createInMemoryCounters(),
    dispatch,
    limits: ARRANGEMENT_LIMITS,
    intake: { scan: async (folder) => void scanned.push(folder) },
    queues,
    settingsStore,
    settings,
    totals,
    about: { version: "1.2.3", stage: "test", region: "eu-central-1", node: "v24.0.0" },
    keys,
    users,
    sessions,
    // As little work as scrypt can do: what it costs is a matter of the real one.
    hasher: createScryptHasher({ n: 2, r: 1, p: 1 }),
    audit,
    idempotency,
    requestBudgets,
    sealKey: createInMemoryCursorSealKey(),
    webhooks,
    eraser: webhookVault,
    webhookQueue,
    urls: { allowLoopback: false },
    // What is built: a test of the bundles shows the very files.
    readBeside: async (name) =>
      name === "openapi.json" ? readFileSync(OPENAPI_FILE, "utf8") : "<!doctype html>",
    randomBytes: (size) => randomBytes(size),
    clock,
    entropy,
    logger,
    report,
    reportAside: aside,
  };
  const spendRequest = createSpendRequest({
    requestBudgets,
    settings: { current: async () => ({ ...DEFAULT_SETTINGS, ...limits }) },
    clock,
    report: aside,
  });
  /** What the router of any function takes. */
  const router = { ...composeRouter(ports), spendRequest };
  const handler = createHandler({ ...composeApi(ports), ...router });

  /** Checks every answer against the contract, whatever the test is about. */
  async function call(request: ApiRequest): Promise<ApiAnswer> {
    const event = anEvent(request);
    const result = await handler(event, CONTEXT);
    const headers = (result.headers ?? {}) as Record<string, string>;
    const status = result.statusCode ?? 0;
    const isJson = /^application\/(problem\+)?json$/.test(headers["content-type"] ?? "");
    const body: unknown = isJson && result.body !== undefined ? JSON.parse(result.body) : result.body;
    checkAnswer(event.requestContext.http, status, headers, body);
    return { status, headers, body };
  }

  return {
    ...store,
    tasks,
    accounts,
    /** Of accounts: none to begin with. */
    vault: credentials,
    /** Folders that somebody asked to scan. */
    scanned,
    router,
    batches,
    runs,
    jobs,
    settingsStore,
    webhooks,
    webhookVault,
    webhookQueue,
    annesWebhook,
    totals,
    queues,
    annesRun,
    recurrences,
    drafts,
    media,
    mediaBucket,
    forms,
    dispatch,
    clock,
    logger,
    report,
    routerDeps: router,
    requestBudgets,
    limits,
    idempotency,
    audit,
    keys,
    sessions,
    users,
    aside,
    call,
    create: (json: object, over: Omit<ApiRequest, "method" | "path"> = {}) =>
      call({ method: "POST", json, ...over }),
    /** Stores a task as if it had lived a while. */
    async put(over: Partial<Task> = {}): Promise<Task> {
      const ownerId = over.ownerId ?? ANNE;
      const task = aTask({
        ownerId,
        projectId: asProjectId(`${ownerId}-project`),
        accountId: accountIdFor(ownerId, "main"),
        ...over,
      });
      const media = Array.from({ length: task.mediaCount }, () => aMedium());
      await store.tasks.create(task, aContent(task, { media }));
      return task;
    },
    read: async ({ id }: Pick<Task, "id">) => (await store.tasks.get(id)) as Task,
  };
}

function checkAnswer(
  { method, path: asked }: { readonly method: string; readonly path: string },
  status: number,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): void {
  const path = asked.replace(/^\/console(?=\/api\/)/, "");
  const route = Object.values(ROUTES).find(
    (one) =>
      one.method === method && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, "[^/]+")}/?$`).test(path),
  );
  // Of any address: what it takes, that nothing changed, and that there would be an answer.
  if ([204, 304].includes(status) || method === "HEAD") {
    if (body !== undefined) throw new Error(`${method} ${status} has a body`);
    return;
  }
  const schema = route && (route.answers as Readonly<Record<number, z.ZodType>>)[status];
  if (headers["content-type"] === "application/problem+json") {
    const problem = problemSchema.parse(body);
    if (problem.status !== status) throw new Error(`status ${status} and problem ${problem.status} differ`);
    if (problem.requestId !== headers["x-request-id"]) throw new Error("the request ids differ");
    return;
  }
  if (!schema) throw new Error(`${method} ${path} has no answer ${status}`);
  schema.parse(body);
}
