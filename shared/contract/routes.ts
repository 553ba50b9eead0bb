/**
 * The API in one table, a file per feature. Router, validation, scopes, the OpenAPI document, the typed client and the
 * tests that walk it follow this table; a client needs nothing else.
 */
import { JOB_ROUTES } from "./routes/jobs.ts";
import { PLANNING_ROUTES } from "./routes/planning.ts";
import { POLICY_ROUTES } from "./routes/policies.ts";
import { PUBLISH_POOL_ROUTES } from "./routes/publish-pool.ts";
import { RECURRENCE_ROUTES } from "./routes/recurrences.ts";
import type { RouteShape } from "./routes/route-shape.ts";
import { SYSTEM_ROUTES } from "./routes/system.ts";
import { TASK_ROUTES } from "./routes/tasks.ts";

export const ROUTES = {
  ...TASK_ROUTES,
  ...POLICY_ROUTES,
  ...PLANNING_ROUTES,
  ...PUBLISH_POOL_ROUTES,
  ...JOB_ROUTES,
  ...RECURRENCE_ROUTES,
  ...SYSTEM_ROUTES,
} as const satisfies Record<string, RouteShape>;

export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;
