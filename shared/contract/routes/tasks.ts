import * as z from "zod";
import { asTaskId } from "#shared/domain/ids.ts";
import { conflictsView } from "../conflict-view.ts";
import { createTaskBody } from "../create-task.ts";
import { createTasksAnswer, createTasksBody } from "../create-tasks.ts";
import { listTasksQuery, taskPage } from "../list-tasks.ts";
import { publishNowBody } from "../publish-now.ts";
import { taskAnswer, taskCreated } from "../task-answer.ts";
import { taskDetail } from "../task-detail.ts";
import { BODY_PROBLEMS, none, type RouteShape } from "./route-shape.ts";

const taskPath = z.strictObject({ id: z.ulid().transform(asTaskId) });

const TASKS = "/api/v1/scheduling/tasks";

export const TASK_ROUTES = {
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
    answers: { 202: taskCreated },
    problems: [
      ...BODY_PROBLEMS,
      "unknown-project",
      "unknown-account",
      "strategy-and-time",
      "no-free-slot",
      "split-and-thread",
      "unsplittable-text",
      "writing-twice",
      "nothing-to-enhance",
      "no-original",
      "duplicate-content",
      "near-duplicate",
      "media-used",
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
  createTasks: {
    method: "POST",
    path: `${TASKS}/batch`,
    summary:
      "Accepts up to 50 posts that are planned together, urgent ones first. Each has an answer of its own.",
    scope: "write",
    repeatable: false,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: createTasksBody,
    answers: { 200: createTasksAnswer },
    problems: [...BODY_PROBLEMS],
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
  readConflicts: {
    method: "GET",
    path: `${TASKS}/{id}/conflicts`,
    summary: "Says what is in the way of a task at its slot, and what to do about it.",
    scope: "read",
    repeatable: true,
    params: taskPath,
    notFound: "task-not-found",
    query: none,
    answers: { 200: conflictsView },
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
    summary:
      "Moves the slot of a task to now, also of a held one. With `override` (scope manage too) a blackout does not bind it.",
    scope: "publish",
    // Once it is posted, a repetition is refused.
    repeatable: true,
    params: taskPath,
    notFound: "task-not-found",
    query: none,
    body: publishNowBody.optional(),
    answers: { 202: taskAnswer },
    problems: [
      ...BODY_PROBLEMS,
      // Of `override`; the route's own scope is checked before.
      "missing-scope",
      "task-not-found",
      "in-flight",
      "task-final",
      "parts-posted",
      "write-conflict",
    ],
  },
} as const satisfies Record<string, RouteShape>;
