import type { OwnerId } from "#shared/domain/ids.ts";
import type { Recurrence } from "#shared/domain/recurrence/recurrence.ts";
import type { RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import type { Page } from "#shared/ports/task-store.ts";

/** An owner's recurrences, oldest first, without their texts. What was just changed may be shown as it was. */
export type ListRecurrences = (
  ownerId: OwnerId,
  page: { readonly limit: number; readonly after?: string },
) => Promise<Page<Recurrence>>;

export function createListRecurrences({
  recurrences,
}: {
  readonly recurrences: Pick<RecurrenceStore, "listByOwner">;
}): ListRecurrences {
  return (ownerId, page) => recurrences.listByOwner(ownerId, page);
}
