import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { toReplanView } from "#shared/contract/replan-view.ts";
import { allowsScope } from "#shared/domain/api-key.ts";
import type { ReplanProject } from "#shared/usecases/replan-project.ts";

export interface ReplanRouteDeps {
  readonly replanProject: ReplanProject;
}

/** What a policy does to slots that were chosen before it. */
export const createReplanRoutes = ({ replanProject }: ReplanRouteDeps): Pick<RouteHandlers, "replan"> => ({
  async replan({ caller, params, body }): Promise<RouteAnswer<"replan">> {
    const { apply = false, version, from: fromAt } = body ?? {};
    if (apply && !allowsScope(caller, "manage"))
      return {
        problem: "missing-scope",
        detail: "To move tasks needs a key with the scope manage; without apply it is a preview.",
        errors: [{ pointer: "/apply", detail: "It needs the scope manage." }],
      };
    const replanned = await replanProject(caller.ownerId, params.name, { apply, version, fromAt });
    if (replanned.ok) return { status: 200, body: toReplanView(replanned.value, apply) };
    const { error } = replanned;
    switch (error.reason) {
      case "unknown-project":
        return { problem: "project-not-found", detail: "No project of this key's owner has this name." };
      case "stale":
        return {
          problem: "policy-stale",
          detail: `Version ${error.version} is in force by now. Look at the preview again, and decide again.`,
        };
    }
  },
});
