import type { Context } from "aws-lambda";
import { vi } from "vitest";
import type * as z from "zod";
import { toAuthorizerContext } from "#functions/middleware/http-caller.ts";
import { createHandler } from "#functions/serve-api/handler.ts";
import { problemSchema } from "#shared/contract/problem.ts";
import { ROUTES } from "#shared/contract/routes.ts";
import { accountIdFor } from "#shared/domain/account.ts";
import type { KeyScope } from "#shared/domain/api-key.ts";
import { ARRANGEMENT_LIMITS } from "#shared/domain/arrangement.ts";
import { batchIdFor } from "#shared/domain/batch-id.ts";
import { asJobId, asOwnerId, asProjectId, asRecurrenceId, type OwnerId } from "#shared/domain/ids.ts";
import { emptyRegister, enterJob, newJob } from "#shared/domain/job.ts";
import { asRunId, newRun, type Run } from "#shared/domain/run.ts";
import type { Task } from "#shared/domain/task.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createCancelTask } from "#shared/usecases/cancel-task.ts";
import { createChangeJob } from "#shared/usecases/change-job.ts";
import { createChangeOccurrence } from "#shared/usecases/change-occurrence.ts";
import { createChangePolicy } from "#shared/usecases/change-policy.ts";
import { createChangeRecurrence } from "#shared/usecases/change-recurrence.ts";
import { createCheckHealth } from "#shared/usecases/check-health.ts";
import { createCreateJob } from "#shared/usecases/create-job.ts";
import { createCreateRecurrence } from "#shared/usecases/create-recurrence.ts";
import { createCreateTask } from "#shared/usecases/create-task.ts";
import { createCreateTasks } from "#shared/usecases/create-tasks.ts";
import { createDeleteJob } from "#shared/usecases/delete-job.ts";
import { createDeleteRecurrence } from "#shared/usecases/delete-recurrence.ts";
import { createExpandRecurrence } from "#shared/usecases/expand-recurrence.ts";
import { createFindConflicts, createReadConflicts } from "#shared/usecases/find-conflicts.ts";
import { createListJobs } from "#shared/usecases/list-jobs.ts";
import { createListRecurrences } from "#shared/usecases/list-recurrences.ts";
import { createListTasks } from "#shared/usecases/list-tasks.ts";
import { createMovePlanned } from "#shared/usecases/move-planned.ts";
import { createPlacePost } from "#shared/usecases/place-post.ts";
import { createPlanSlot } from "#shared/usecases/plan-slot.ts";
import { createPublishNow } from "#shared/usecases/publish-now.ts";
import { createReadBatch } from "#shared/usecases/read-batch.ts";
import { createReadJob } from "#shared/usecases/read-job.ts";
import { createReadJobHistory } from "#shared/usecases/read-job-history.ts";
import { createListPolicyVersions, createReadPolicy } from "#shared/usecases/read-policy.ts";
import { createReadRecurrence } from "#shared/usecases/read-recurrence.ts";
import { createReadRun } from "#shared/usecases/read-run.ts";
import { createReadTask } from "#shared/usecases/read-task.ts";
import { createReplanProject } from "#shared/usecases/replan-project.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { createSimulateCalendar } from "#shared/usecases/simulate-calendar.ts";
import { createStartRun } from "#shared/usecases/start-run.ts";
import { createSuggestSlots } from "#shared/usecases/suggest-slots.ts";
import { createSwitchJob } from "#shared/usecases/switch-job.ts";
import { createTriggerJob } from "#shared/usecases/trigger-job.ts";
import { aContent, aMedium, aTask, freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryBatches } from "#test/support/in-memory-batches.ts";
import { createInMemoryCounters } from "#test/support/in-memory-counters.ts";
import { createInMemoryDispatch } from "#test/support/in-memory-dispatch.ts";
import { createInMemoryFingerprints } from "#test/support/in-memory-fingerprints.ts";
import { createInMemoryJobs } from "#test/support/in-memory-jobs.ts";
import { createInMemoryRecurrences } from "#test/support/in-memory-recurrences.ts";
import { createInMemoryRuns } from "#test/support/in-memory-runs.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";
import { aRecurrence, aRecurrenceContent } from "#test/support/recurrences.ts";

const ANNE = asOwnerId("anne");
export const BELA = asOwnerId("bela");
/** Anne has one batch, one run and one job from the beginning. */
export const ANNES_BATCH = batchIdFor(ANNE, "spring");
export const ANNES_RECURRENCE = asRecurrenceId("01KRRRRRRRRRRRRRRRRRRRRRRR");
export const ANNES_RUN = asRunId("01KBBBBBBBBBBBBBBBBBBBBBBB");
export const ANNES_JOB = asJobId("01KCCCCCCCCCCCCCCCCCCCCCCC");
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
  /** In place of what the authorizer would say. */
  readonly authorizer?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON came
  readonly body: any;
}

const CONTEXT = { awsRequestId: "lambda-1", getRemainingTimeInMillis: () => 25_000 } as unknown as Context;
let requests = 0;

/** What API Gateway sends, payload format 2.0. */
export function anEvent(request: ApiRequest) {
  const { method = "GET", path = TASKS, query, json, base64 = false, owner = ANNE } = request;
  const body = request.body ?? (json === undefined ? undefined : JSON.stringify(json));
  const lambda =
    "authorizer" in request
      ? request.authorizer
      : toAuthorizerContext({ ownerId: owner, keyId: "0123456789ab", scopes: request.scopes ?? ["admin"] });
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
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "test" },
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

  const show = createShowTasks({ tasks, accounts });
  const arrange = createArrangeTask({ tasks, dispatch, clock, limits: ARRANGEMENT_LIMITS });
  const report = vi.fn();
  const planSlot = createPlanSlot({ tasks, accounts, clock });
  const fingerprints = createInMemoryFingerprints(clock);
  const placePost = createPlacePost({ tasks, planSlot, fingerprints, arrange, clock, entropy, report });
  const deps = {
    tasks,
    accounts,
    batches,
    runs,
    jobs,
    dispatch,
    arrange,
    placePost,
    show,
    clock,
    entropy,
    report,
  };
  const createTask = createCreateTask(deps);
  const recurrences = { ...createInMemoryRecurrences() };
  const annesRecurrence = aRecurrence({
    id: ANNES_RECURRENCE,
    ownerId: ANNE,
    projectId: asProjectId("anne-project"),
    accountId: accountIdFor(ANNE, "main"),
  });
  await recurrences.save(annesRecurrence, { content: aRecurrenceContent(annesRecurrence) });
  const expand = createExpandRecurrence({ ...deps, recurrences });
  const recurring = { ...deps, recurrences, expand };
  const looking = { ...deps, fingerprints, counters: createInMemoryCounters() };
  const findConflicts = createFindConflicts(looking);
  const handler = createHandler({
    createTask,
    createTasks: createCreateTasks({ createTask }),
    listTasks: createListTasks(deps),
    readTask: createReadTask(deps),
    readConflicts: createReadConflicts({ ...deps, findConflicts }),
    cancelTask: createCancelTask(deps),
    publishNow: createPublishNow(deps),
    readPolicy: createReadPolicy(deps),
    changePolicy: createChangePolicy(deps),
    listPolicyVersions: createListPolicyVersions(deps),
    replanProject: createReplanProject({ ...deps, movePlanned: createMovePlanned(deps) }),
    simulateCalendar: createSimulateCalendar(looking),
    suggestSlots: createSuggestSlots({ ...deps, planSlot }),
    readBatch: createReadBatch(deps),
    startRun: createStartRun(deps),
    readRun: createReadRun(deps),
    createJob: createCreateJob(deps),
    listJobs: createListJobs(deps),
    readJob: createReadJob(deps),
    changeJob: createChangeJob(deps),
    switchJob: createSwitchJob(deps),
    triggerJob: createTriggerJob(deps),
    deleteJob: createDeleteJob(deps),
    readJobHistory: createReadJobHistory(deps),
    createRecurrence: createCreateRecurrence(recurring),
    listRecurrences: createListRecurrences(recurring),
    readRecurrence: createReadRecurrence(recurring),
    changeRecurrence: createChangeRecurrence(recurring),
    deleteRecurrence: createDeleteRecurrence(recurring),
    changeOccurrence: createChangeOccurrence(recurring),
    checkHealth: createCheckHealth(deps),
    stage: "test",
    logger,
  });

  /** Checks every answer against the contract, whatever the test is about. */
  async function call(request: ApiRequest): Promise<ApiAnswer> {
    const event = anEvent(request);
    const result = await handler(event, CONTEXT);
    const headers = (result.headers ?? {}) as Record<string, string>;
    const status = result.statusCode ?? 0;
    const body: unknown = JSON.parse(result.body ?? "null");
    checkAnswer(event.requestContext.http, status, headers, body);
    return { status, headers, body };
  }

  return {
    ...store,
    tasks,
    accounts,
    batches,
    runs,
    jobs,
    annesRun,
    recurrences,
    dispatch,
    clock,
    logger,
    report,
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
  { method, path }: { readonly method: string; readonly path: string },
  status: number,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): void {
  const route = Object.values(ROUTES).find(
    (one) =>
      one.method === method && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, "[^/]+")}/?$`).test(path),
  );
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
