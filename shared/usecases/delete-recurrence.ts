import type { OwnerId, RecurrenceId } from "#shared/domain/ids.ts";
import type { Recurrence } from "#shared/domain/recurrence/recurrence.ts";
import type { RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { type ChangeRecurrenceRefusal, changeOwnRecurrence } from "./change-own-recurrence.ts";
import { type ExpandAtOnceDeps, expandAtOnce } from "./expand-at-once.ts";

export interface DeleteRecurrenceDeps extends ExpandAtOnceDeps {
  readonly recurrences: RecurrenceStore;
}

/** Ends a recurrence for good and cancels its future. What is on its way, and what is out, stays. Answers what it was. */
export type DeleteRecurrence = (
  ownerId: OwnerId,
  id: RecurrenceId,
  ifVersion?: number,
) => Promise<Result<Recurrence, ChangeRecurrenceRefusal>>;

export function createDeleteRecurrence(deps: DeleteRecurrenceDeps): DeleteRecurrence {
  return async (ownerId, id, ifVersion) => {
    const deleted = await changeOwnRecurrence<ChangeRecurrenceRefusal>(
      deps,
      ownerId,
      id,
      ifVersion,
      async () =>
        // What it says is written once more, so that it is forgotten with it.
        ok({ recurrence: { status: "deleted" }, content: {} }),
    );
    if (!deleted.ok) return deleted;
    await expandAtOnce(deps, deleted.value.after);
    return ok(deleted.value.before);
  };
}
