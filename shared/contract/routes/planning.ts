import { simulateBody, simulateView } from "../simulate-view.ts";
import { suggestionQuery, suggestionView } from "../suggestion-view.ts";
import { BODY_PROBLEMS, none, type RouteShape } from "./route-shape.ts";

export const PLANNING_ROUTES = {
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
    reach: { by: "names", project: "query.project", account: "query.account" },
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: suggestionQuery,
    answers: { 200: suggestionView },
    problems: ["unknown-project", "unknown-account", "bad-time", "too-far-ahead", "no-free-slot"],
  },
} as const satisfies Record<string, RouteShape>;
