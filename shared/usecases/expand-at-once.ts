import type { Clock } from "#shared/ports/clock.ts";
import type { StoredRecurrence } from "#shared/ports/recurrence-store.ts";
import type { ExpandRecurrence } from "./expand-recurrence.ts";
import { type ShownRecurrence, type ShowRecurrenceDeps, showRecurrence } from "./show-recurrence.ts";

/** What fits into a request; the function that expands recurrences does the rest. */
const BOUNDS = { withinMs: 8_000, limit: 30 };

export interface ExpandAtOnceDeps {
  readonly expand: ExpandRecurrence;
  /** Told why the nearest occurrences could not be made tasks at once. */
  readonly report: (error: unknown) => void;
  readonly clock: Pick<Clock, "now">;
}

/** Makes the nearest occurrences of a changed recurrence tasks, or cancels them. */
export async function expandAtOnce(
  { expand, report, clock }: ExpandAtOnceDeps,
  { recurrence }: StoredRecurrence,
): Promise<void> {
  const deadline = new Date(clock.now().getTime() + BOUNDS.withinMs);
  await expand(recurrence.id, { deadline, limit: BOUNDS.limit }).catch(report);
}

/** The same, and shows it as it is then. */
export async function expandAndShow(
  deps: ExpandAtOnceDeps & ShowRecurrenceDeps,
  saved: StoredRecurrence,
): Promise<ShownRecurrence> {
  await expandAtOnce(deps, saved);
  return showRecurrence(deps, (await deps.recurrences.get(saved.recurrence.id)) ?? saved);
}
