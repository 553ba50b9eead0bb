import type { RequestBudgetStore } from "#shared/ports/request-budget-store.ts";

export function createInMemoryRequestBudgets(): RequestBudgetStore {
  const counts = new Map<string, number>();
  return {
    async count({ sender, startAt, endAt }) {
      const id = `${sender} ${startAt.toISOString()} ${endAt.toISOString()}`;
      const sent = (counts.get(id) ?? 0) + 1;
      counts.set(id, sent);
      return sent;
    },
  };
}
