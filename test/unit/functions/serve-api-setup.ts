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
import { asOwnerId, asProjectId, type OwnerId } from "#shared/domain/ids.ts";
import { asRunId, newRun, type Run } from "#shared/domain/run.ts";
import type { Task } from "#shared/domain/task.ts";
import { createArrangeTask } from "#shared/usecases/arrange-task.ts";
import { createCancelTask } from "#shared/usecases/cancel-task.ts";
import { createCheckHealth } from "#shared/usecases/check-health.ts";
import { createCreateTask } from "#shared/usecases/create-task.ts";
import { createListTasks } from "#shared/usecases/list-tasks.ts";
import { createPublishNow } from "#shared/usecases/publish-now.ts";
import { createReadBatch } from "#shared/usecases/read-batch.ts";
import { createReadRun } from "#shared/usecases/read-run.ts";
import { createReadTask } from "#shared/usecases/read-task.ts";
import { createShowTasks } from "#shared/usecases/show-tasks.ts";
import { createStartRun } from "#shared/usecases/start-run.ts";
import { aContent, aMedium, aTask, freshTaskId } from "#test/support/builders.ts";
import { manualClock } from "#test/support/clock.ts";
import { createInMemoryAccounts } from "#test/support/in-memory-accounts.ts";
import { createInMemoryBatches } from "#test/support/in-memory-batches.ts";
import { createInMemoryDispatch } from "#test/support/in-memory-dispatch.ts";
import { createInMemoryRuns } from "#test/support/in-memory-runs.ts";
import { createInMemoryStore } from "#test/support/in-memory-store.ts";

const ANNE = asOwnerId("anne");
export const BELA = asOwnerId("bela");
/** Anne has one batch and one run from the beginning. */
export const ANNES_BATCH = batchIdFor(ANNE, "spring");
export const ANNES_RUN = asRunId("01KBBBBBBBBBBBBBBBBBBBBBBB");
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
  await batches.open({ id: ANNES_BATCH, ownerId: ANNE, name: "spring", createdAt: START });
  const annesRun: Run = newRun(ANNES_RUN, ANNE, START);
  await runs.save(annesRun);

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
  const deps = { tasks, accounts, batches, runs, dispatch, arrange, show, clock, entropy, report };
  const handler = createHandler({
    createTask: createCreateTask(deps),
    listTasks: createListTasks(deps),
    readTask: createReadTask(deps),
    cancelTask: createCancelTask(deps),
    publishNow: createPublishNow(deps),
    readBatch: createReadBatch(deps),
    startRun: createStartRun(deps),
    readRun: createReadRun(deps),
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
    annesRun,
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
