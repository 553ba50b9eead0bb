import type { OwnerId, RecurrenceId } from "#shared/domain/ids.ts";
import type { Recurrence, RecurrenceContent } from "#shared/domain/recurrence/recurrence.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { RecurrenceStore, StoredRecurrence } from "#shared/ports/recurrence-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { readOwnRecurrence } from "./show-recurrence.ts";

/** Whoever expands it writes it a few times in a row, so one of these gets through. */
const MAX_RACES = 5;

export type ChangeRecurrenceRefusal =
  | { readonly reason: "not-found" }
  /** It is not the revision any more that the caller has seen. */
  | { readonly reason: "stale"; readonly version: number }
  /** Somebody else was faster every time. */
  | { readonly reason: "conflict" };

/** What a person changes; all else stays, or follows. */
export interface RecurrenceChange {
  readonly recurrence?: Partial<Omit<Recurrence, "id" | "version" | "rev" | "contentRev" | "wakeAt">>;
  /** Absent: it says the same as before. */
  readonly content?: Partial<Pick<RecurrenceContent, "variants" | "overrides" | "media">>;
}

interface ChangedRecurrence {
  /** As it was read. */
  readonly before: Recurrence;
  /** As it was written. */
  readonly after: StoredRecurrence;
}

/**
 * Decides by the recurrence as it is now and writes what was decided: a new revision, which is due at once.
 *
 * @param ifRev - the revision that the caller has seen, whatever was expanded since; absent: whatever there is
 */
export async function changeOwnRecurrence<Refusal>(
  { recurrences, clock }: { readonly recurrences: RecurrenceStore; readonly clock: Pick<Clock, "now"> },
  ownerId: OwnerId,
  id: RecurrenceId,
  ifRev: number | undefined,
  decide: (stored: StoredRecurrence) => Promise<Result<RecurrenceChange, Refusal>>,
): Promise<Result<ChangedRecurrence, Refusal | ChangeRecurrenceRefusal>> {
  for (let race = 0; race < MAX_RACES; race++) {
    const before = await readOwnRecurrence(recurrences, ownerId, id);
    if (!before) return err({ reason: "not-found" });
    const seen = before.recurrence.rev;
    if (ifRev !== undefined && seen !== ifRev) return err({ reason: "stale", version: seen });
    const decided = await decide(before);
    if (!decided.ok) return decided;
    const now = clock.now();
    const rev = before.recurrence.rev + 1;
    const content = decided.value.content && { ...before.content, ...decided.value.content, rev };
    const recurrence: Recurrence = {
      ...before.recurrence,
      ...decided.value.recurrence,
      version: before.recurrence.version + 1,
      rev,
      ...(content && { contentRev: rev }),
      updatedAt: now,
      wakeAt: now,
    };
    const saved = await recurrences.save(recurrence, content && { content });
    if (saved.ok)
      return ok({ before: before.recurrence, after: { recurrence, content: content ?? before.content } });
  }
  return err({ reason: "conflict" });
}
