import { type CountedDeps, countRequests } from "#functions/middleware/count-requests.ts";
import { createRouter, type HandlersOf, type RouterDeps } from "#functions/middleware/router.ts";
import { type AccountRouteDeps, createAccountRoutes } from "./account-routes.ts";
import { type AuditRouteDeps, createAuditRoutes } from "./audit-routes.ts";
import { type ContentRouteDeps, createContentRoutes } from "./content-routes.ts";
import { createJobRoutes, type JobRouteDeps } from "./job-routes.ts";
import { createKeyRoutes, type KeyRouteDeps } from "./key-routes.ts";
import { createMediaRoutes, type MediaRouteDeps } from "./media-routes.ts";
import { createOpenApiRoutes, type OpenApiRouteDeps } from "./openapi-routes.ts";
import { createPolicyRoutes, type PolicyRouteDeps } from "./policy-routes.ts";
import { createProjectRoutes, type ProjectRouteDeps } from "./project-routes.ts";
import { createPublishPoolRoutes, type PublishPoolRouteDeps } from "./publish-pool-routes.ts";
import { createRecurrenceRoutes, type RecurrenceRouteDeps } from "./recurrence-routes.ts";
import { createReplanRoutes, type ReplanRouteDeps } from "./replan-routes.ts";
import { createSessionRoutes, type SessionRouteDeps } from "./session-routes.ts";
import { createSettingsRoutes, type SettingsRouteDeps } from "./settings-routes.ts";
import { createSimulateRoutes, type SimulateRouteDeps } from "./simulate-routes.ts";
import { createSourceRoutes, type SourceRouteDeps } from "./source-routes.ts";
import { createSystemRoutes, type SystemRouteDeps } from "./system-routes.ts";
import { createTaskRoutes, type TaskRouteDeps } from "./task-routes.ts";
import { createUserRoutes, type UserRouteDeps } from "./user-routes.ts";
import { createWebhookRoutes, type WebhookRouteDeps } from "./webhook-routes.ts";

export interface ServeApiHandlerDeps
  extends KeyRouteDeps,
    UserRouteDeps,
    WebhookRouteDeps,
    SessionRouteDeps,
    AuditRouteDeps,
    TaskRouteDeps,
    ProjectRouteDeps,
    SourceRouteDeps,
    AccountRouteDeps,
    PolicyRouteDeps,
    ReplanRouteDeps,
    SimulateRouteDeps,
    ContentRouteDeps,
    MediaRouteDeps,
    PublishPoolRouteDeps,
    JobRouteDeps,
    RecurrenceRouteDeps,
    SettingsRouteDeps,
    SystemRouteDeps,
    OpenApiRouteDeps,
    CountedDeps,
    RouterDeps {}

/** The routes of every feature behind one router: all that no other function serves. */
export function createHandler(deps: ServeApiHandlerDeps) {
  const handlers: HandlersOf<"serve-api"> = {
    ...createTaskRoutes(deps),
    ...createProjectRoutes(deps),
    ...createSourceRoutes(deps),
    ...createAccountRoutes(deps),
    ...createPolicyRoutes(deps),
    ...createReplanRoutes(deps),
    ...createSimulateRoutes(deps),
    ...createContentRoutes(deps),
    ...createMediaRoutes(deps),
    ...createPublishPoolRoutes(deps),
    ...createJobRoutes(deps),
    ...createRecurrenceRoutes(deps),
    ...createSettingsRoutes(deps),
    ...createSystemRoutes(deps),
    ...createOpenApiRoutes(deps),
    ...createKeyRoutes(deps),
    ...createUserRoutes(deps),
    ...createWebhookRoutes(deps),
    ...createSessionRoutes(deps),
    ...createAuditRoutes(deps),
  };
  return countRequests(createRouter(handlers, deps), deps);
}
