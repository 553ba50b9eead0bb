import { healthView } from "../health.ts";
import {
  infoView,
  metricsText,
  queueStatusView,
  readinessView,
  redrivenView,
  redriveQueueBody,
} from "../system-view.ts";
import { BODY_PROBLEMS, none, type RouteShape } from "./route-shape.ts";

const SYSTEM = "/api/v1/system";

const looked = {
  method: "GET",
  scope: "read",
  repeatable: true,
  params: none,
  notFound: "route-not-found",
  query: none,
  problems: [],
} as const;

export const SYSTEM_ROUTES = {
  checkHealth: {
    ...looked,
    path: `${SYSTEM}/health`,
    summary: "Says what works, and why not. 503 when requests cannot be answered.",
    answers: { 200: healthView, 503: healthView },
  },
  checkReadiness: {
    ...looked,
    path: `${SYSTEM}/ready`,
    reach: { by: "nothing" },
    summary: "Says with one read whether requests can be answered: 200, or 503.",
    answers: { 200: readinessView, 503: readinessView },
  },
  readMetrics: {
    ...looked,
    path: `${SYSTEM}/metrics`,
    summary: "The counts of the whole deployment for Prometheus, as text.",
    contentType: "text/plain",
    answers: { 200: metricsText },
  },
  readInfo: {
    ...looked,
    path: `${SYSTEM}/info`,
    reach: { by: "nothing" },
    summary: "Version, stage, Region, and the limits in force.",
    answers: { 200: infoView },
  },
  readQueueStatus: {
    ...looked,
    path: `${SYSTEM}/queue-status`,
    summary: "How many messages wait, are worked on, are delayed, or are dead letters.",
    answers: { 200: queueStatusView },
  },
  redriveQueue: {
    method: "POST",
    path: `${SYSTEM}/queue-status/redrive`,
    summary:
      "Moves up to 100 dead letters back to their queue. Only keys of the deployment's first owner may.",
    scope: "admin",
    // Each request moves what is there by then; a message that comes twice does nothing the second time.
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: redriveQueueBody,
    answers: { 200: redrivenView },
    problems: [...BODY_PROBLEMS, "operator-only"],
  },
} as const satisfies Record<string, RouteShape>;
