/**
 * The API in one table, a file per feature. Router, validation, scopes, the OpenAPI document, the typed client and the
 * tests that walk it follow this table; a client needs nothing else.
 */

import { ACCOUNT_ROUTES } from "./routes/accounts.ts";
import { AUDIT_ROUTES } from "./routes/audit.ts";
import { CONTENT_ROUTES } from "./routes/contents.ts";
import { JOB_ROUTES } from "./routes/jobs.ts";
import { KEY_ROUTES } from "./routes/keys.ts";
import { MEDIA_ROUTES } from "./routes/media.ts";
import { OPENAPI_ROUTES } from "./routes/openapi.ts";
import { PLANNING_ROUTES } from "./routes/planning.ts";
import { POLICY_ROUTES } from "./routes/policies.ts";
import { PROJECT_ROUTES } from "./routes/projects.ts";
import { PUBLISH_POOL_ROUTES } from "./routes/publish-pool.ts";
import { RECURRENCE_ROUTES } from "./routes/recurrences.ts";
import type { RouteShape } from "./routes/route-shape.ts";
import { SESSION_ROUTES } from "./routes/sessions.ts";
import { SETTINGS_ROUTES } from "./routes/settings.ts";
import { SOURCE_ROUTES } from "./routes/sources.ts";
import { SYSTEM_ROUTES } from "./routes/system.ts";
import { TASK_ROUTES } from "./routes/tasks.ts";
import { USER_ROUTES } from "./routes/users.ts";
import { WEBHOOK_ROUTES } from "./routes/webhooks.ts";

export const ROUTES = {
  ...TASK_ROUTES,
  ...PROJECT_ROUTES,
  ...SOURCE_ROUTES,
  ...ACCOUNT_ROUTES,
  ...POLICY_ROUTES,
  ...PLANNING_ROUTES,
  ...CONTENT_ROUTES,
  ...MEDIA_ROUTES,
  ...PUBLISH_POOL_ROUTES,
  ...JOB_ROUTES,
  ...RECURRENCE_ROUTES,
  ...SETTINGS_ROUTES,
  ...SYSTEM_ROUTES,
  ...OPENAPI_ROUTES,
  ...AUDIT_ROUTES,
  ...KEY_ROUTES,
  ...SESSION_ROUTES,
  ...USER_ROUTES,
  ...WEBHOOK_ROUTES,
} as const satisfies Record<string, RouteShape>;

export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;
