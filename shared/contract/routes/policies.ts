import {
  listPolicyVersionsQuery,
  policyPath,
  policyVersionPage,
  policyView,
  policyWritten,
  writePolicyBody,
} from "../policy-view.ts";
import { replanBody, replanView } from "../replan-view.ts";
import { BODY_PROBLEMS, none, type RouteShape } from "./route-shape.ts";

const POLICY = "/api/v1/projects/{name}/policy";

export const POLICY_ROUTES = {
  readPolicy: {
    method: "GET",
    path: POLICY,
    summary: "Reads what a project allows itself and how its slots are chosen.",
    scope: "read",
    reach: { by: "names", project: "params.name" },
    repeatable: true,
    versioned: true,
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
    reach: { by: "names", project: "params.name" },
    // What is in force already is not saved again.
    repeatable: true,
    versioned: true,
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
    reach: { by: "names", project: "params.name" },
    repeatable: true,
    paged: true,
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
    reach: { by: "names", project: "params.name" },
    repeatable: true,
    params: policyPath,
    notFound: "project-not-found",
    query: none,
    body: replanBody.optional(),
    answers: { 200: replanView },
    // `missing-scope` is of `apply`; the route's own scope is checked before.
    problems: [...BODY_PROBLEMS, "missing-scope", "project-not-found", "policy-stale"],
  },
} as const satisfies Record<string, RouteShape>;
