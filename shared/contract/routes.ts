/**
 * The API in one table. Router, validation and scopes follow it, and so do the tests that walk it; a client needs
 * nothing else.
 */
import * as z from "zod";
import type { KeyScope } from "#shared/domain/api-key.ts";
import { asTaskId } from "#shared/domain/ids.ts";
import { batchPath, batchView } from "./batch-view.ts";
import { conflictsView } from "./conflict-view.ts";
import { createTaskBody } from "./create-task.ts";
import { createTasksAnswer, createTasksBody } from "./create-tasks.ts";
import { healthView } from "./health.ts";
import { jobBody, jobHistory, jobHistoryQuery, jobList, jobPath, jobView } from "./job-view.ts";
import { listTasksQuery, taskPage } from "./list-tasks.ts";
import {
  listPolicyVersionsQuery,
  policyPath,
  policyVersionPage,
  policyView,
  policyWritten,
  writePolicyBody,
} from "./policy-view.ts";
import type { ProblemCode } from "./problem.ts";
import { publishNowBody } from "./publish-now.ts";
import {
  changeRecurrenceBody,
  createRecurrenceBody,
  listRecurrencesQuery,
  overrideBody,
  recurrencePage,
  recurrencePath,
  recurrenceSummary,
  recurrenceView,
  skipBody,
} from "./recurrence-view.ts";
import { replanBody, replanView } from "./replan-view.ts";
import { readRunQuery, runAccepted, runPath, runView } from "./run-view.ts";
import { simulateBody, simulateView } from "./simulate-view.ts";
import { suggestionQuery, suggestionView } from "./suggestion-view.ts";
import { taskAnswer, taskCreated } from "./task-answer.ts";
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

/** What may be wrong with what a job is to be. */
const JOB_WISH_PROBLEMS = [
  "unknown-project",
  "bad-schedule",
  "job-name-taken",
  "too-many-jobs",
  "job-conflict",
] as const satisfies readonly ProblemCode[];

/** What may be wrong with one text of a recurrence. */
const VARIANT_PROBLEMS = [
  "empty-post",
  "empty-part",
  "too-many-parts",
  "invalid-text",
  "text-too-long",
] as const satisfies readonly ProblemCode[];

/** What may be wrong with what a recurrence is to be. */
const RECURRENCE_PROBLEMS = [
  "unknown-account",
  "bad-rule",
  "bad-zone",
  "bad-time",
  "never-occurs",
  ...VARIANT_PROBLEMS,
] as const satisfies readonly ProblemCode[];

/** What may be wrong with one occurrence. */
const OCCURRENCE_PROBLEMS = [
  "recurrence-not-found",
  "recurrence-conflict",
  "no-such-occurrence",
  "slot-passed",
  "bad-time",
  "too-many-exceptions",
] as const satisfies readonly ProblemCode[];

const none = z.strictObject({});
const taskPath = z.strictObject({ id: z.ulid().transform(asTaskId) });

const TASKS = "/api/v1/scheduling/tasks";
const POOL = "/api/v1/publish-pool";
const POLICY = "/api/v1/projects/{name}/policy";
const JOBS = "/api/v1/scheduling/jobs";
const RECURRENCES = "/api/v1/scheduling/recurrences";

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
  readPolicy: {
    method: "GET",
    path: POLICY,
    summary: "Reads what a project allows itself and how its slots are chosen.",
    scope: "read",
    repeatable: true,
    params: policyPath,
    notFound: "project-not-found",
    query: none,
    answers: { 200: policyView },
    problems: ["project-not-found"],
  },
  writePolicy: {
    method: "PUT",
    path: POLICY,
    summary:
      "Replaces the policy of a project by a whole one, or by a preset and what differs. In force from the next post on.",
    scope: "manage",
    // What is in force already is not saved again.
    repeatable: true,
    params: policyPath,
    notFound: "project-not-found",
    query: none,
    body: writePolicyBody,
    answers: { 200: policyWritten },
    problems: [...BODY_PROBLEMS, "project-not-found", "policy-stale", "policy-refused"],
  },
  listPolicyVersions: {
    method: "GET",
    path: `${POLICY}/versions`,
    summary: "Lists the versions of a project's policy, newest first: what, when, and by whom.",
    scope: "read",
    repeatable: true,
    params: policyPath,
    notFound: "project-not-found",
    query: listPolicyVersionsQuery,
    answers: { 200: policyVersionPage },
    problems: ["project-not-found"],
  },
  replan: {
    method: "POST",
    path: "/api/v1/projects/{name}/replan",
    summary:
      "Tells what the policy in force does to slots that were chosen before it. With `apply` (scope manage too) they move.",
    scope: "read",
    repeatable: true,
    params: policyPath,
    notFound: "project-not-found",
    query: none,
    body: replanBody.optional(),
    answers: { 200: replanView },
    // `missing-scope` is of `apply`; the route's own scope is checked before.
    problems: [...BODY_PROBLEMS, "missing-scope", "project-not-found", "policy-stale"],
  },
  simulate: {
    method: "POST",
    path: "/api/v1/scheduling/simulate",
    summary:
      "Tells what would become of up to 50 drafts and of everything that is planned for the coming days. Writes nothing.",
    scope: "read",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: simulateBody,
    answers: { 200: simulateView },
    problems: [...BODY_PROBLEMS, "unknown-project", "unknown-account"],
  },
  suggestSlots: {
    method: "GET",
    path: "/api/v1/scheduling/suggestions",
    summary: "Names the best free slots for a post, and why. Keeps none of them free.",
    scope: "read",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: suggestionQuery,
    answers: { 200: suggestionView },
    problems: ["unknown-project", "unknown-account", "bad-time", "too-far-ahead", "no-free-slot"],
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
  createJob: {
    method: "POST",
    path: JOBS,
    summary: "Makes a job: something that is done again and again.",
    scope: "manage",
    // Its name is taken then.
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: jobBody,
    answers: { 201: jobView },
    problems: [...BODY_PROBLEMS, ...JOB_WISH_PROBLEMS],
  },
  listJobs: {
    method: "GET",
    path: JOBS,
    summary: "Lists the owner's jobs by name, and what is built in.",
    scope: "read",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    answers: { 200: jobList },
    problems: [],
  },
  readJob: {
    method: "GET",
    path: `${JOBS}/{id}`,
    summary: "Reads a job and when it runs next.",
    scope: "read",
    repeatable: true,
    params: jobPath,
    notFound: "job-not-found",
    query: none,
    answers: { 200: jobView },
    problems: ["job-not-found"],
  },
  changeJob: {
    method: "PUT",
    path: `${JOBS}/{id}`,
    summary: "Replaces what a job does and when. Another schedule is planned from now on.",
    scope: "manage",
    repeatable: true,
    params: jobPath,
    notFound: "job-not-found",
    query: none,
    body: jobBody,
    answers: { 200: jobView },
    problems: [...BODY_PROBLEMS, ...JOB_WISH_PROBLEMS, "job-not-found"],
  },
  deleteJob: {
    method: "DELETE",
    path: `${JOBS}/{id}`,
    summary: "Deletes a job. What has begun goes on.",
    scope: "manage",
    repeatable: true,
    params: jobPath,
    notFound: "job-not-found",
    query: none,
    answers: { 200: jobView },
    problems: ["job-not-found", "job-conflict"],
  },
  pauseJob: {
    method: "POST",
    path: `${JOBS}/{id}/pause`,
    summary: "Pauses a job, and forgets a run that was asked for and has not begun.",
    scope: "manage",
    repeatable: true,
    params: jobPath,
    notFound: "job-not-found",
    query: none,
    body: none.optional(),
    answers: { 200: jobView },
    problems: [...BODY_PROBLEMS, "job-not-found", "job-conflict"],
  },
  resumeJob: {
    method: "POST",
    path: `${JOBS}/{id}/resume`,
    summary: "Plans a paused job from now on.",
    scope: "manage",
    repeatable: true,
    params: jobPath,
    notFound: "job-not-found",
    query: none,
    body: none.optional(),
    answers: { 200: jobView },
    problems: [...BODY_PROBLEMS, "job-not-found", "job-conflict"],
  },
  triggerJob: {
    method: "POST",
    path: `${JOBS}/{id}/trigger`,
    summary: "Asks for one run of a job besides its schedule. It begins within a minute.",
    scope: "manage",
    // After it has begun, a repetition asks for another one.
    repeatable: false,
    params: jobPath,
    notFound: "job-not-found",
    query: none,
    body: none.optional(),
    answers: { 202: jobView },
    problems: [...BODY_PROBLEMS, "job-not-found", "job-conflict"],
  },
  readJobHistory: {
    method: "GET",
    path: `${JOBS}/{id}/history`,
    summary: "Lists the runs of a job, newest first. Kept for 90 days.",
    scope: "read",
    repeatable: true,
    params: jobPath,
    notFound: "job-not-found",
    query: jobHistoryQuery,
    answers: { 200: jobHistory },
    problems: ["job-not-found"],
  },
  createRecurrence: {
    method: "POST",
    path: RECURRENCES,
    summary: "Takes a post that recurs. Its occurrences of the next 14 days become tasks.",
    scope: "write",
    repeatable: false,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: createRecurrenceBody,
    answers: { 201: recurrenceView },
    problems: [...BODY_PROBLEMS, ...RECURRENCE_PROBLEMS, "unknown-project"],
  },
  listRecurrences: {
    method: "GET",
    path: RECURRENCES,
    summary: "Lists the owner's recurrences, oldest first, without their texts.",
    scope: "read",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: listRecurrencesQuery,
    answers: { 200: recurrencePage },
    problems: [],
  },
  readRecurrence: {
    method: "GET",
    path: `${RECURRENCES}/{id}`,
    summary: "Reads a recurrence and its coming occurrences.",
    scope: "read",
    repeatable: true,
    params: recurrencePath,
    notFound: "recurrence-not-found",
    query: none,
    answers: { 200: recurrenceView },
    problems: ["recurrence-not-found"],
  },
  changeRecurrence: {
    method: "PUT",
    path: `${RECURRENCES}/{id}`,
    summary: "Replaces what recurs, and when. Only its future follows: what has not been posted yet.",
    scope: "write",
    repeatable: true,
    params: recurrencePath,
    notFound: "recurrence-not-found",
    query: none,
    body: changeRecurrenceBody,
    answers: { 200: recurrenceView },
    problems: [...BODY_PROBLEMS, ...RECURRENCE_PROBLEMS, "recurrence-not-found", "recurrence-conflict"],
  },
  deleteRecurrence: {
    method: "DELETE",
    path: `${RECURRENCES}/{id}`,
    summary: "Deletes a recurrence and cancels its future. What is on its way is posted all the same.",
    scope: "write",
    repeatable: true,
    params: recurrencePath,
    notFound: "recurrence-not-found",
    query: none,
    answers: { 200: recurrenceSummary },
    problems: ["recurrence-not-found", "recurrence-conflict"],
  },
  skipOccurrence: {
    method: "POST",
    path: `${RECURRENCES}/{id}/skip`,
    summary:
      "Leaves out one coming occurrence. With `undo` it is like the others again, also one that was changed.",
    scope: "write",
    repeatable: true,
    params: recurrencePath,
    notFound: "recurrence-not-found",
    query: none,
    body: skipBody,
    answers: { 200: recurrenceView },
    problems: [...BODY_PROBLEMS, ...OCCURRENCE_PROBLEMS],
  },
  overrideOccurrence: {
    method: "POST",
    path: `${RECURRENCES}/{id}/override`,
    summary: "Gives one coming occurrence a text or a time of its own.",
    scope: "write",
    repeatable: true,
    params: recurrencePath,
    notFound: "recurrence-not-found",
    query: none,
    body: overrideBody,
    answers: { 200: recurrenceView },
    problems: [...BODY_PROBLEMS, ...OCCURRENCE_PROBLEMS, ...VARIANT_PROBLEMS],
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
