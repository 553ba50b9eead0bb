import { callerInWords } from "#functions/middleware/http-caller.ts";
import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import {
  toPolicyChange,
  toPolicyFindingView,
  toPolicyVersionView,
  toPolicyView,
} from "#shared/contract/policy-view.ts";
import type { ChangePolicy } from "#shared/usecases/change-policy.ts";
import type { ListPolicyVersions, ReadPolicy } from "#shared/usecases/read-policy.ts";

export interface PolicyRouteDeps {
  readonly readPolicy: ReadPolicy;
  readonly changePolicy: ChangePolicy;
  readonly listPolicyVersions: ListPolicyVersions;
}

const NO_PROJECT = {
  problem: "project-not-found",
  detail: "No project of this key's owner has this name.",
} as const;

type PolicyRoutes = Pick<RouteHandlers, "readPolicy" | "writePolicy" | "listPolicyVersions">;

/** What a project allows itself: which answer each outcome is. */
export const createPolicyRoutes = (usecases: PolicyRouteDeps): PolicyRoutes => ({
  async readPolicy({ caller: { ownerId }, params }): Promise<RouteAnswer<"readPolicy">> {
    const read = await usecases.readPolicy(ownerId, params.name);
    return read.ok ? { status: 200, body: toPolicyView(read.value) } : NO_PROJECT;
  },

  async writePolicy({ caller, params, body, ifVersion }): Promise<RouteAnswer<"writePolicy">> {
    if (ifVersion !== undefined && ifVersion !== body.version)
      return {
        problem: "precondition-failed",
        detail: `If-Match says version ${ifVersion}, and the body says ${body.version}. Read the policy, and send it as it came.`,
      };
    const change = { ...toPolicyChange(body), by: callerInWords(caller) };
    const changed = await usecases.changePolicy(caller.ownerId, params.name, change);
    if (changed.ok) {
      const { after, warnings } = changed.value;
      return {
        status: 200,
        body: { ...toPolicyView(after), warnings: warnings.map(toPolicyFindingView) },
      };
    }
    const { error } = changed;
    switch (error.reason) {
      case "unknown-project":
        return NO_PROJECT;
      case "stale":
        return {
          problem: ifVersion === undefined ? "policy-stale" : "precondition-failed",
          detail: `Version ${error.version} is in force by now. Read it, and decide again.`,
        };
      case "refused":
        return {
          problem: "policy-refused",
          detail: error.findings.map(({ message }) => message).join(" "),
          errors: error.findings.map(({ pointer, message }) => ({ pointer, detail: message })),
        };
    }
  },

  async listPolicyVersions({
    caller: { ownerId },
    params,
    query,
  }): Promise<RouteAnswer<"listPolicyVersions">> {
    const { limit, cursor } = query;
    const listed = await usecases.listPolicyVersions(ownerId, params.name, { limit, before: cursor });
    if (!listed.ok) return NO_PROJECT;
    const { versions, next } = listed.value;
    return {
      status: 200,
      body: { items: versions.map(toPolicyVersionView), ...(next !== undefined && { next: String(next) }) },
    };
  },
});
