import { instantInWords } from "#shared/domain/words.ts";
import type { CheckHealth } from "#shared/usecases/check-health.ts";
import type { RouteAnswer, RouteHandlers } from "./router.ts";

export interface SystemRouteDeps {
  readonly checkHealth: CheckHealth;
  /** Which deployment this is, for people. */
  readonly stage: string;
}

type SystemRoutes = Pick<RouteHandlers, "checkHealth">;

/** What the service says of itself. */
export const createSystemRoutes = ({ stage, ...usecases }: SystemRouteDeps): SystemRoutes => ({
  async checkHealth({ caller: { ownerId } }): Promise<RouteAnswer<"checkHealth">> {
    const { checkedAt, dependencies, accounts, status } = await usecases.checkHealth(ownerId);
    const body = {
      status,
      stage,
      checkedAt: instantInWords(checkedAt),
      dependencies: dependencies.map((dependency) => ({ ...dependency })),
      ...(accounts && { accounts: { ...accounts } }),
    };
    return { status: status === "down" ? 503 : 200, body };
  },
});
