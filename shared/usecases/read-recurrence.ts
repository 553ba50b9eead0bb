import type { OwnerId, RecurrenceId } from "#shared/domain/ids.ts";
import { err, ok, type Result } from "#shared/result.ts";
import {
  readOwnRecurrence,
  type ShownRecurrence,
  type ShowRecurrenceDeps,
  showRecurrence,
} from "./show-recurrence.ts";

/** Another owner's recurrence is refused like one that does not exist. */
export type ReadRecurrence = (
  ownerId: OwnerId,
  id: RecurrenceId,
) => Promise<Result<ShownRecurrence, { readonly reason: "not-found" }>>;

export function createReadRecurrence(deps: ShowRecurrenceDeps): ReadRecurrence {
  return async (ownerId, id) => {
    const stored = await readOwnRecurrence(deps.recurrences, ownerId, id);
    return stored ? ok(await showRecurrence(deps, stored)) : err({ reason: "not-found" });
  };
}
