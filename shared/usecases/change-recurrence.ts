import type { OwnerId, RecurrenceId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { type ChangeRecurrenceRefusal, changeOwnRecurrence } from "./change-own-recurrence.ts";
import { checkRecurrence, type RecurrenceRefusal, type WantedRecurrence } from "./check-recurrence.ts";
import { type ExpandAtOnceDeps, expandAndShow } from "./expand-at-once.ts";
import type { ShownRecurrence, ShowRecurrenceDeps } from "./show-recurrence.ts";

export interface ChangeRecurrenceDeps extends ShowRecurrenceDeps, ExpandAtOnceDeps {
  readonly recurrences: RecurrenceStore;
  readonly accounts: AccountStore;
}

/**
 * Replaces everything that a person decides about a recurrence; its project and what differs at single occurrences stay.
 * Its future follows: what has not been posted, and whose time has not come.
 */
export type ChangeRecurrence = (
  ownerId: OwnerId,
  id: RecurrenceId,
  wanted: WantedRecurrence,
  ifVersion?: number,
) => Promise<Result<ShownRecurrence, ChangeRecurrenceRefusal | RecurrenceRefusal>>;

export function createChangeRecurrence(deps: ChangeRecurrenceDeps): ChangeRecurrence {
  const { accounts } = deps;
  return async (ownerId, id, wanted, ifVersion) => {
    const changed = await changeOwnRecurrence<ChangeRecurrenceRefusal | RecurrenceRefusal>(
      deps,
      ownerId,
      id,
      ifVersion,
      async ({ recurrence }) => {
        const project = await accounts.getProject(recurrence.projectId);
        // Nothing can post for a project that is gone.
        if (!project) return err({ reason: "not-found" });
        const checked = await checkRecurrence(accounts, project, wanted);
        if (!checked.ok) return checked;
        return ok({ recurrence: checked.value.recurrence, content: { variants: checked.value.variants } });
      },
    );
    return changed.ok ? ok(await expandAndShow(deps, changed.value.after)) : changed;
  };
}
