import type { ProblemCode } from "../problem.ts";
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
} from "../recurrence-view.ts";
import { BODY_PROBLEMS, none, type RouteShape } from "./route-shape.ts";

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

const RECURRENCES = "/api/v1/scheduling/recurrences";

export const RECURRENCE_ROUTES = {
  createRecurrence: {
    method: "POST",
    path: RECURRENCES,
    summary: "Takes a post that recurs. Its occurrences of the next 14 days become tasks.",
    scope: "write",
    reach: { by: "names", project: "body.project", account: "body.account" },
    repeatable: false,
    idempotent: true,
    versioned: true,
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
    paged: true,
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
    versioned: true,
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
    versioned: true,
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
    versioned: true,
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
    versioned: true,
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
    versioned: true,
    params: recurrencePath,
    notFound: "recurrence-not-found",
    query: none,
    body: overrideBody,
    answers: { 200: recurrenceView },
    problems: [...BODY_PROBLEMS, ...OCCURRENCE_PROBLEMS, ...VARIANT_PROBLEMS],
  },
} as const satisfies Record<string, RouteShape>;
