/** An example of every route, as on the wire: the OpenAPI document shows them, and a test parses each with its schema. */
import { ACCOUNT_EXAMPLES } from "./examples/accounts.ts";
import { AUDIT_EXAMPLES } from "./examples/audit.ts";
import { CONTENT_EXAMPLES } from "./examples/contents.ts";
import { JOB_EXAMPLES } from "./examples/jobs.ts";
import { KEY_EXAMPLES } from "./examples/keys.ts";
import { MEDIA_EXAMPLES } from "./examples/media.ts";
import { PLANNING_EXAMPLES } from "./examples/planning.ts";
import { POLICY_EXAMPLES } from "./examples/policies.ts";
import { PROJECT_EXAMPLES } from "./examples/projects.ts";
import { PUBLISH_POOL_EXAMPLES } from "./examples/publish-pool.ts";
import { PUBLISH_POOL_ENTRY_EXAMPLES } from "./examples/publish-pool-entries.ts";
import { RECURRENCE_EXAMPLES } from "./examples/recurrences.ts";
import { SESSION_EXAMPLES } from "./examples/sessions.ts";
import { SETTINGS_EXAMPLES } from "./examples/settings.ts";
import { SOURCE_EXAMPLES } from "./examples/sources.ts";
import { SYSTEM_EXAMPLES } from "./examples/system.ts";
import { TASK_EXAMPLES } from "./examples/tasks.ts";
import { USER_EXAMPLES } from "./examples/users.ts";
import { WEBHOOK_EXAMPLES } from "./examples/webhooks.ts";
import type { RouteName } from "./routes.ts";

export interface RouteExample {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of the first status that the route answers with; absent where that has no body in JSON. */
  readonly answer?: unknown;
}

export const EXAMPLES: Readonly<Record<RouteName, RouteExample>> = {
  ...ACCOUNT_EXAMPLES,
  ...AUDIT_EXAMPLES,
  ...CONTENT_EXAMPLES,
  ...JOB_EXAMPLES,
  ...KEY_EXAMPLES,
  ...MEDIA_EXAMPLES,
  ...PLANNING_EXAMPLES,
  ...POLICY_EXAMPLES,
  ...PROJECT_EXAMPLES,
  ...PUBLISH_POOL_ENTRY_EXAMPLES,
  ...PUBLISH_POOL_EXAMPLES,
  ...RECURRENCE_EXAMPLES,
  ...SESSION_EXAMPLES,
  ...SETTINGS_EXAMPLES,
  ...SOURCE_EXAMPLES,
  ...SYSTEM_EXAMPLES,
  ...TASK_EXAMPLES,
  ...USER_EXAMPLES,
  ...WEBHOOK_EXAMPLES,
  readOpenApi: {},
  readDocs: {},
};
