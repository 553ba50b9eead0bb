import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BUNDLE_DIRECTORY } from "#infra/bundling.ts";
import { createDynamoAccountStore } from "#shared/adapters/dynamodb/account-store.ts";
import { createDynamoTaskStore } from "#shared/adapters/dynamodb/task-store.ts";
import { asTaskId } from "#shared/domain/ids.ts";
import { FIRST_OWNER } from "#shared/usecases/initialize-service.ts";
import { type BenchCloud, startBenchCloud } from "#test/bench/cloud/start.ts";
import { startProcess } from "#test/bench/process.ts";
import { fillTable } from "./fill-table.ts";
import { type CallHandler, type HandlerRequest, loadHandler } from "./handler.ts";
import { type Load, type LoadAnswer, loadAnswerSchema } from "./load.ts";

const ACCOUNTS = 20;
const BATCH_SIZE = 50;
const DAY_MS = 86_400_000;
/** Far enough that nothing is published while it is measured. */
const AHEAD_DAYS = 30;
/** Before anything counts: functions are loaded, connections opened. */
const WARM_UP = 20;

export const OPERATIONS = ["create", "read", "list", "batch", "health"] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface ApiOptions {
  readonly connections: readonly number[];
  /** Requests of each operation: at one connection; with more it is as many as connections, if that is more. */
  readonly requests: number;
  /** Tasks in the table when lists are compared. */
  readonly tableSizes: readonly number[];
  /** Threads that run the functions, and invocations that may share one. */
  readonly workers: number;
  readonly sharing: number;
  readonly onStep: (step: string) => void;
}

export interface HttpRound extends LoadAnswer {
  readonly operation: Operation;
  readonly connections: number;
}

/** Times of one thing, done again and again by itself. */
export interface Alone {
  readonly name: string;
  readonly timesMs: readonly number[];
}

export interface ListRound {
  readonly tasks: number;
  readonly timesMs: readonly number[];
}

export interface ApiMeasurement {
  readonly options: ApiOptions;
  readonly http: readonly HttpRound[];
  readonly handler: readonly Alone[];
  readonly store: readonly Alone[];
  readonly lists: readonly ListRound[];
  readonly reports: readonly string[];
}

const postOf = (account: string, text: string) => ({
  text,
  account,
  language: "en",
  publishAt: new Date(Date.now() + AHEAD_DAYS * DAY_MS).toISOString(),
});

async function times(count: number, run: (index: number) => Promise<number>): Promise<readonly number[]> {
  for (let index = 0; index < WARM_UP; index++) await run(index);
  const taken: number[] = [];
  for (let index = 0; index < count; index++) taken.push(await run(WARM_UP + index));
  return taken;
}

export async function measureApi(options: ApiOptions): Promise<ApiMeasurement> {
  const { connections, requests, tableSizes, workers, sharing, onStep } = options;
  const bench = await startBenchCloud({
    accounts: ACCOUNTS,
    onStep,
    maxWorkers: workers,
    invocationsPerWorker: sharing,
  });
  const caller = startProcess(fileURLToPath(new URL("./load.ts", import.meta.url)));
  try {
    const headers = { authorization: `Bearer ${bench.apiKey}` };
    const writing = { ...headers, "content-type": "application/json" };
    const first = (await (
      await bench.api("/scheduling/tasks", postOf(bench.accounts[0] ?? "", "Read me"))
    ).json()) as {
      readonly id: string;
    };

    const post = (path: string, bodyOf: (account: string) => unknown): Load["requests"] =>
      bench.accounts.map((account) => ({
        method: "POST",
        path: `/api/v1${path}`,
        headers: writing,
        body: JSON.stringify(bodyOf(account)),
      }));
    const get = (path: string): Load["requests"] => [{ method: "GET", path: `/api/v1${path}`, headers }];
    const REQUESTS: Readonly<Record<Operation, Load["requests"]>> = {
      create: post("/scheduling/tasks", (account) => postOf(account, "Created [<id>]")),
      read: get(`/scheduling/tasks/${first.id}`),
      list: get(`/scheduling/tasks?account=${bench.accounts[0]}&limit=20`),
      batch: post("/scheduling/tasks/batch", (account) => ({
        tasks: Array.from({ length: BATCH_SIZE }, (_, index) =>
          postOf(account, `Batch [<id>], post ${index}`),
        ),
      })),
      health: get("/system/health"),
    };
    const amountOf = (operation: Operation, many: number): number =>
      operation === "batch"
        ? Math.max(Math.ceil(requests / BATCH_SIZE), Math.min(many, BATCH_SIZE))
        : Math.max(requests, many);
    const load = async (operation: Operation, many: number, amount: number): Promise<LoadAnswer> =>
      loadAnswerSchema.parse(
        await caller.ask("run", {
          url: bench.cloud.apiUrl,
          connections: Math.min(many, amount),
          amount,
          requests: REQUESTS[operation],
        }),
      );

    const http: HttpRound[] = [];
    for (const many of connections)
      for (const operation of OPERATIONS) {
        onStep(`${operation} at ${many} connections`);
        // Every thread that will be used has loaded the functions by then.
        const warming = Math.max(WARM_UP, Math.min(many, workers * sharing));
        await load(operation, Math.min(many, warming), operation === "batch" ? 1 : warming);
        http.push({
          operation,
          connections: many,
          ...(await load(operation, many, amountOf(operation, many))),
        });
      }

    onStep("the handler alone");
    const call = await loadHandler(bench, join(BUNDLE_DIRECTORY, "serve-api", "index.mjs"), {
      ownerId: FIRST_OWNER,
      keyId: "bench",
      scopes: "admin",
    });
    const handler = await measureHandler(call, bench, first.id, requests);
    onStep("the store alone");
    const store = await measureStore(bench, first.id, requests);
    const lists = await measureLists(call, bench, tableSizes, requests, onStep);
    const reports = bench.cloud.reports().map(({ subject, message }) => `${subject}: ${message}`);
    return { options, http, handler, store, lists, reports };
  } finally {
    await caller.end();
    await bench.close();
  }
}

const timed = async (call: CallHandler, request: HandlerRequest): Promise<number> => {
  const { status, ms, body } = await call(request);
  if (status >= 300) throw new Error(`${request.method} ${request.path} was answered ${status}: ${body}`);
  return ms;
};

async function measureHandler(
  call: CallHandler,
  { accounts }: BenchCloud,
  id: string,
  count: number,
): Promise<readonly Alone[]> {
  const accountOf = (index: number) => accounts[index % accounts.length] ?? "";
  const alone = async (name: Operation, most: number, request: (index: number) => HandlerRequest) => ({
    name,
    timesMs: await times(most, (index) => timed(call, request(index))),
  });
  return [
    await alone("create", count, (index) => ({
      method: "POST",
      path: "/scheduling/tasks",
      body: postOf(accountOf(index), `Alone ${index}`),
    })),
    await alone("read", count, () => ({ method: "GET", path: `/scheduling/tasks/${id}` })),
    await alone("list", count, () => ({
      method: "GET",
      path: "/scheduling/tasks",
      query: { account: accountOf(0), limit: "20" },
    })),
    await alone("batch", Math.ceil(count / BATCH_SIZE), (index) => ({
      method: "POST",
      path: "/scheduling/tasks/batch",
      body: {
        tasks: Array.from({ length: BATCH_SIZE }, (_, place) =>
          postOf(accountOf(index), `Alone in batch ${index}, post ${place}`),
        ),
      },
    })),
    await alone("health", count, () => ({ method: "GET", path: "/system/health" })),
  ];
}

/** What the database takes of it: one read, and one query of an index. */
async function measureStore({ table }: BenchCloud, id: string, count: number): Promise<readonly Alone[]> {
  const tasks = createDynamoTaskStore(table);
  const clocked = async (run: () => Promise<unknown>) => {
    const startedAt = performance.now();
    await run();
    return performance.now() - startedAt;
  };
  return [
    { name: "one task", timesMs: await times(count, () => clocked(() => tasks.get(asTaskId(id)))) },
    {
      name: "a page of 20",
      timesMs: await times(count, () =>
        clocked(() => tasks.list({ by: "owner", ownerId: FIRST_OWNER, limit: 20 })),
      ),
    },
  ];
}

async function measureLists(
  call: CallHandler,
  bench: BenchCloud,
  sizes: readonly number[],
  count: number,
  onStep: (step: string) => void,
): Promise<readonly ListRound[]> {
  const account = bench.accounts.at(-1) ?? "";
  const [project] = await createDynamoAccountStore(bench.table).listProjects(FIRST_OWNER);
  if (!project) throw new Error("there is no project");
  const rounds: ListRound[] = [];
  let from = 0;
  for (const tasks of sizes) {
    onStep(`lists with ${tasks.toLocaleString("en")} tasks in the table`);
    await fillTable(bench, { projectId: project.id, account, from, to: tasks });
    from = tasks;
    const query = { project: project.name, status: "published", limit: "20" };
    const timesMs = await times(count, () =>
      timed(call, { method: "GET", path: "/scheduling/tasks", query }),
    );
    rounds.push({ tasks, timesMs });
  }
  return rounds;
}
