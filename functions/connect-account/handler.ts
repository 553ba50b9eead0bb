import { type CountedDeps, countRequests } from "#functions/middleware/count-requests.ts";
import { createRouter, type HandlersOf, type RouterDeps } from "#functions/middleware/router.ts";
import { type ConnectionRouteDeps, createConnectionRoutes } from "./connection-routes.ts";
import { createWebhookSecretRoutes, type WebhookSecretRouteDeps } from "./webhook-secret-routes.ts";

export interface ConnectAccountHandlerDeps
  extends ConnectionRouteDeps,
    WebhookSecretRouteDeps,
    CountedDeps,
    RouterDeps {}

/** The routes behind which secrets are sealed and opened, and nothing else. */
export function createHandler(deps: ConnectAccountHandlerDeps) {
  const handlers: HandlersOf<"connect-account"> = {
    ...createConnectionRoutes(deps),
    ...createWebhookSecretRoutes(deps),
  };
  return countRequests(createRouter(handlers, deps), deps);
}
