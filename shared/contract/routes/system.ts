import { healthView } from "../health.ts";
import { none, type RouteShape } from "./route-shape.ts";

export const SYSTEM_ROUTES = {
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
