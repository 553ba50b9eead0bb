import {
  ANONYMOUS_BUDGET,
  HOUR_MS,
  type RequestBudget,
  type SpentBudget,
  spend,
  windowOf,
} from "#shared/domain/request-budget.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { RequestBudgetStore } from "#shared/ports/request-budget-store.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";

export interface SpendRequestDeps {
  readonly requestBudgets: RequestBudgetStore;
  readonly settings: ServiceSettings;
  readonly clock: Pick<Clock, "now">;
  /** Told when a request could not be counted. */
  readonly report: (error: unknown) => void;
}

/** Whose requests are counted together: a key's, or those of an address that needs none. */
export type RequestSender =
  | { readonly kind: "key"; readonly ownerId: string; readonly keyId: string }
  | { readonly kind: "address"; readonly network: string };

export interface CountedRequest extends SpentBudget {
  readonly budget: RequestBudget;
}

/** Counts a request against its sender's budget. Undefined: it could not be counted, and passes. */
export type SpendRequest = (sender: RequestSender) => Promise<CountedRequest | undefined>;

export function createSpendRequest({
  requestBudgets,
  settings,
  clock,
  report,
}: SpendRequestDeps): SpendRequest {
  const budgetOf = async ({ kind }: RequestSender): Promise<RequestBudget> =>
    kind === "address"
      ? ANONYMOUS_BUDGET
      : { name: "hour", limit: (await settings.current()).requestsPerHour, windowMs: HOUR_MS };

  return async (sender) => {
    try {
      const budget = await budgetOf(sender);
      const now = clock.now();
      const name = sender.kind === "key" ? `KEY#${sender.ownerId}#${sender.keyId}` : `IP#${sender.network}`;
      const window = windowOf(name, budget, now);
      return { budget, ...spend(budget, window, await requestBudgets.count(window), now) };
    } catch (error) {
      // A count that fails must not stop what works.
      report(error);
      return undefined;
    }
  };
}
