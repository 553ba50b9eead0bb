import { batchPath, batchView } from "../batch-view.ts";
import { addToPoolBody } from "../content-view.ts";
import { taskPage } from "../list-tasks.ts";
import { listPoolQuery, poolStatsQuery, poolStatsView } from "../publish-pool-view.ts";
import { readRunQuery, runAccepted, runPath, runView } from "../run-view.ts";
import { taskCreated } from "../task-answer.ts";
import { BODY_PROBLEMS, none, type RouteShape } from "./route-shape.ts";
import { TASK_ROUTES } from "./tasks.ts";

const POOL = "/api/v1/publish-pool";

export const PUBLISH_POOL_ROUTES = {
  addToPool: {
    method: "POST",
    path: `${POOL}/add`,
    summary: "Makes a task of a draft, or of what is given.",
    scope: "write",
    repeatable: false,
    idempotent: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: addToPoolBody,
    answers: { 202: taskCreated },
    problems: [...TASK_ROUTES.createTask.problems, "unknown-content", "draft-approved", "content-conflict"],
  },
  listPool: {
    method: "GET",
    path: `${POOL}/list`,
    summary: "Lists what is still to be published, earliest slot first: the owner's, or a project's.",
    scope: "read",
    reach: { by: "names", project: "query.project" },
    repeatable: true,
    paged: true,
    params: none,
    notFound: "route-not-found",
    query: listPoolQuery,
    answers: { 200: taskPage },
    problems: ["invalid-cursor", "unknown-project"],
  },
  readPoolStats: {
    method: "GET",
    path: `${POOL}/stats`,
    summary: "Counts the tasks of the owner, or of a project, by what became of them.",
    scope: "read",
    reach: { by: "names", project: "query.project" },
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: poolStatsQuery,
    answers: { 200: poolStatsView },
    problems: ["unknown-project"],
  },
  startRun: {
    method: "POST",
    path: `${POOL}/run`,
    summary: "Notes the wish to publish everything of the owner that is due. It begins within a minute.",
    scope: "publish",
    repeatable: false,
    idempotent: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: none.optional(),
    answers: { 202: runAccepted },
    problems: [...BODY_PROBLEMS],
  },
  readRun: {
    method: "GET",
    path: `${POOL}/runs/{id}`,
    summary: "Reads a run and what became of each of its tasks. Kept for 90 days.",
    scope: "read",
    repeatable: true,
    paged: true,
    params: runPath,
    notFound: "run-not-found",
    query: readRunQuery,
    answers: { 200: runView },
    problems: ["run-not-found", "invalid-cursor"],
  },
  readBatch: {
    method: "GET",
    path: "/api/v1/batches/{id}",
    summary: "Reads a batch: how many of its tasks are pending, processing and done.",
    scope: "read",
    repeatable: true,
    params: batchPath,
    notFound: "batch-not-found",
    query: none,
    answers: { 200: batchView },
    problems: ["batch-not-found"],
  },
} as const satisfies Record<string, RouteShape>;
