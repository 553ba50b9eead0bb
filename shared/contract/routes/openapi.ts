import * as z from "zod";
import { none, type RouteShape } from "./route-shape.ts";

export const OPENAPI_ROUTES = {
  readOpenApi: {
    method: "GET",
    path: "/api/v1/openapi.json",
    summary: "This API as an OpenAPI 3.1 document.",
    scope: "public",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    contentType: "application/openapi+json",
    answers: { 200: z.string() },
    problems: [],
  },
  readDocs: {
    method: "GET",
    path: "/api/v1/docs",
    summary: "This API as a page for people.",
    scope: "public",
    repeatable: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    contentType: "text/html",
    answers: { 200: z.string() },
    problems: [],
  },
} as const satisfies Record<string, RouteShape>;
