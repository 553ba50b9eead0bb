import type { HttpLogger } from "#functions/middleware/http.ts";
import { createJobRoutes, type JobRouteDeps } from "./job-routes.ts";
import { createPolicyRoutes, type PolicyRouteDeps } from "./policy-routes.ts";
import { createPublishPoolRoutes, type PublishPoolRouteDeps } from "./publish-pool-routes.ts";
import { createRecurrenceRoutes, type RecurrenceRouteDeps } from "./recurrence-routes.ts";
import { createReplanRoutes, type ReplanRouteDeps } from "./replan-routes.ts";
import { createRouter } from "./router.ts";
import { createSimulateRoutes, type SimulateRouteDeps } from "./simulate-routes.ts";
import { createSystemRoutes, type SystemRouteDeps } from "./system-routes.ts";
import { createTaskRoutes, type TaskRouteDeps } from "./task-routes.ts";

export interface ServeApiHandlerDeps
  extends TaskRouteDeps,
    PolicyRouteDeps,
    ReplanRouteDeps,
    SimulateRouteDeps,
    PublishPoolRouteDeps,
    JobRouteDeps,
    RecurrenceRouteDeps,
    SystemRouteDeps {
  readonly logger: HttpLogger;
}

/** The whole API: the routes of every feature behind one router. */
export const createHandler = ({ logger, ...usecases }: ServeApiHandlerDeps) =>
  createRouter(
    {
      ...createTaskRoutes(usecases),
      ...createPolicyRoutes(usecases),
      ...createReplanRoutes(usecases),
      ...createSimulateRoutes(usecases),
      ...createPublishPoolRoutes(usecases),
      ...createJobRoutes(usecases),
      ...createRecurrenceRoutes(usecases),
      ...createSystemRoutes(usecases),
    },
    logger,
  );
