/**
 * The API in one table. Router, validation and scopes follow it, and so do the tests that walk it; a client needs
 * nothing else.
 */
import * as z from "zod";
import type { KeyScope } from "#shared/domain/api-key.ts";
import { asTaskId } from "#shared/domain/ids.ts";
import { batchPath, batchView } from "./batch-view.ts";
import { createTaskBody } from "./create-task.ts";
import { healthView } from "./health.ts";
import { listTasksQuery, taskPage } from "./list-tasks.ts";
import type { ProblemCode } from "./problem.ts";
import { readRunQuery, runAccepted, runPath, runView } from "./run-view.ts";
import { taskAnswer } from "./task-answer.ts";
import { taskDetail } from "./task-detail.ts";

export interface RouteShape {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `{name}` is one segment, checked by `params`. */
  readonly path: `/api/v1/${string}`;
  readonly summary: string;
  /** What the key must allow. */
  readonly scope: KeyScope;
  /** Sending it again after a lost answer changes nothing more. */
  readonly repeatable: boolean;
  readonly params: z.ZodType;
  /** What a path that does not fit `params` is answered with: the same as an unknown id. */
  readonly notFound: ProblemCode;
  readonly query: z.ZodType;
  /** Absent: bodies are ignored. `undefined` is what an empty body is. */
  readonly body?: z.ZodType;
  /** Bodies by status. */
  readonly answers: Readonly<Record<number, z.ZodType>>;
  /** Problems of its own. Any route may answer `COMMON_PROBLEMS`. */
  readonly problems: readonly ProblemCode[];
}

/** Problems that any route may answer with. */
export const COMMON_PROBLEMS = [
  "invalid-input",
  "missing-scope",
  "internal",
  "dependency-unavailable",
] as const satisfies readonly ProblemCode[];

/** Problems of every route that takes a body. */
const BODY_PROBLEMS = [
  "malformed-body",
  "body-too-large",
  "unsupported-media-type",
] as const satisfies readonly ProblemCode[];

const none = z.strictObject({});
const taskPath = z.strictObject({ id: z.ulid().transform(asTaskId) });

const TASKS = "/api/v1/scheduling/tasks";
const POOL = "/api/v1/publish-pool";

export const ROUTES = {
  createTask: {
    method: "POST",
    path: TASKS,
    summary: "Accepts a post. It is never published inside the request.",
    scope: "write",
    repeatable: false,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: createTaskBody,
    answers: { 202: taskAnswer },
    problems: [
      ...BODY_PROBLEMS,
      "unknown-project",
      "unknown-account",
      "bad-time",
      "slot-passed",
      "too-far-ahead",
      "thread-meets-blackout",
      "empty-post",
      "empty-part",
      "too-many-parts",
      "invalid-text",
      "text-too-long",
    ],
  },
  listTasks: {
    method: "GET",
    path: TASKS,
    summary: "Lists tasks, earliest slot first: the owner's, an account's, or a project's in one status.",
    scope: "read",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: listTasksQuery,
    answers: { 200: taskPage },
    problems: ["invalid-cursor", "unknown-project", "unknown-account"],
  },
  readTask: {
    method: "GET",
    path: `${TASKS}/{id}`,
    summary: "Reads a task and its log.",
    scope: "read",
    repeatable: true,
    params: taskPath,
    notFound: "task-not-found",
    query: none,
    answers: { 200: taskDetail },
    problems: ["task-not-found"],
  },
  cancelTask: {
    method: "DELETE",
    path: `${TASKS}/{id}`,
    summary: "Cancels a task (200). While it is being posted, the wish is remembered (202).",
    scope: "write",
    repeatable: true,
    params: taskPath,
    notFound: "task-not-found",
    query: none,
    answers: { 200: taskAnswer, 202: taskAnswer },
    problems: ["task-not-found", "task-final", "write-conflict"],
  },
  publishNow: {
    method: "POST",
    path: `${TASKS}/{id}/publish-now`,
    summary: "Moves the slot of a task to now, also of a held one.",
    scope: "publish",
    // Once it is posted, a repetition is refused.
    repeatable: true,
    params: taskPath,
    notFound: "task-not-found",
    query: none,
    body: none.optional(),
    answers: { 202: taskAnswer },
    problems: [
      ...BODY_PROBLEMS,
      "task-not-found",
      "in-flight",
      "task-final",
      "parts-posted",
      "write-conflict",
    ],
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
  checkHealth: {
    method: "GET",
    path: "/api/v1/system/health",
    summary: "Says what works, and why not. 503 when requests cannot be answered.",
    scope: "read",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    answers: { 200: healthView, 503: healthView },
    problems: [],
  },
} as const satisfies Record<string, RouteShape>;

export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;
