import type { StoredChange } from "#shared/domain/measures.ts";
import {
  type AnsweredRequest,
  addTotals,
  type Totals,
  totalsOfChange,
  totalsOfRequest,
} from "#shared/domain/totals.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { ServiceSettings } from "#shared/ports/service-settings.ts";
import type { TotalsStore } from "#shared/ports/totals-store.ts";

const DAY_MS = 86_400_000;
/** What a sandbox counts itself is written at most so often, within a request: outside of one it may be frozen for good. */
const FLUSH_MS = 10_000;

export interface CountTotalsDeps {
  readonly totals: TotalsStore;
  readonly settings: ServiceSettings;
  readonly clock: Pick<Clock, "now">;
}

async function add({ totals, settings, clock }: CountTotalsDeps, counts: Totals): Promise<void> {
  if (Object.keys(counts).length === 0) return;
  const now = clock.now();
  const { metricRetentionDays } = await settings.current();
  await totals.add(counts, now, new Date(now.getTime() + metricRetentionDays * DAY_MS));
}

/** Counts what was written to the table. What is handed in twice is counted twice. */
export type CountChanges = (changes: readonly StoredChange[]) => Promise<void>;

export const createCountChanges =
  (deps: CountTotalsDeps): CountChanges =>
  (changes) =>
    add(deps, changes.map(totalsOfChange).reduce(addTotals, {}));

/** Never throws: a count that cannot be written is kept for the next time. */
export type CountRequest = (request: AnsweredRequest) => Promise<void>;

export interface CountRequestDeps extends CountTotalsDeps {
  readonly report: (error: unknown) => void;
}

/**
 * Counts answered requests. What a sandbox has counted is written with the first request, and then with the first that
 * comes ten seconds later; what it counted since is lost when it ends before another request.
 */
export function createCountRequest(deps: CountRequestDeps): CountRequest {
  let waiting: Totals = {};
  let flushedAt = Number.NEGATIVE_INFINITY;
  return async (request) => {
    waiting = addTotals(waiting, totalsOfRequest(request));
    const now = deps.clock.now().getTime();
    if (now - flushedAt < FLUSH_MS) return;
    const counts = waiting;
    waiting = {};
    flushedAt = now;
    try {
      await add(deps, counts);
    } catch (error) {
      waiting = addTotals(waiting, counts);
      deps.report(error);
    }
  };
}
