import { batchPath, batchView } from "../batch-view.ts";
import { readRunQuery, runAccepted, runPath, runView } from "../run-view.ts";
import { BODY_PROBLEMS, none, type RouteShape } from "./route-shape.ts";

const POOL = "/api/v1/publish-pool";

export const PUBLISH_POOL_ROUTES = {
  startRun: {
    method: "POST",
    path: `${POOL}/run`,
    summary: "Notes the wish to publish everything of the owner that is due. It begins within a minute.",
    scope: "publish",
    repeatable: false,
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
