import type { RecurrenceId } from "#shared/domain/ids.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import type { ExpandRecurrence } from "./expand-recurrence.ts";

/** Read at once from the index. */
const PAGE = 50;
/** Of one recurrence, so that one with very many does not keep the others waiting. */
const LIMIT = 360;

export interface ExpandRecurrencesDeps {
  readonly recurrences: Pick<RecurrenceStore, "listDue">;
  readonly expand: ExpandRecurrence;
  readonly clock: Pick<Clock, "now">;
}

export interface ExpansionReport {
  /** Recurrences that were looked at. */
  readonly expanded: number;
  readonly created: number;
  readonly revised: number;
  readonly cancelled: number;
  /** Recurrences that failed; the others were expanded all the same. */
  readonly failed: number;
  /** False when something is left to do: the next run goes on. */
  readonly complete: boolean;
}

/**
 * Expands every recurrence that is due: a new occurrence comes into the horizon, or a change is not carried out yet.
 *
 * @param deadline - nothing is started after it
 * @param report - told of every recurrence that failed
 */
export type ExpandRecurrences = (
  deadline: Date,
  report: (error: unknown) => void,
) => Promise<ExpansionReport>;

export function createExpandRecurrences({
  recurrences,
  expand,
  clock,
}: ExpandRecurrencesDeps): ExpandRecurrences {
  return async (deadline, report) => {
    const sums = { expanded: 0, created: 0, revised: 0, cancelled: 0, failed: 0 };
    let complete = true;
    const seen = new Set<RecurrenceId>();
    for (;;) {
      // Those that could not be finished stay in front of the index, so a page has room for them too.
      const page = await recurrences.listDue(clock.now(), PAGE + seen.size);
      // The index lags: what was handled may still be listed. A page without news is the last.
      const fresh = page.filter((id) => !seen.has(id));
      if (fresh.length === 0) return { ...sums, complete };
      for (const id of fresh) {
        if (clock.now() >= deadline) return { ...sums, complete: false };
        seen.add(id);
        try {
          const done = await expand(id, { deadline, limit: LIMIT });
          sums.expanded++;
          sums.created += done.created;
          sums.revised += done.revised;
          sums.cancelled += done.cancelled;
          complete &&= done.complete;
        } catch (error) {
          sums.failed++;
          complete = false;
          report(error);
        }
      }
    }
  };
}
