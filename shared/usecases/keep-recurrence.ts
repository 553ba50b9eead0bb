import type { OwnerId, RecurrenceId } from "#shared/domain/ids.ts";
import type { Recurrence, RecurrenceContent } from "#shared/domain/recurrence/recurrence.ts";
import type { RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import { ok } from "#shared/result.ts";
import { changeOwnRecurrence } from "./change-own-recurrence.ts";
import { type ExpandAtOnceDeps, expandAtOnce } from "./expand-at-once.ts";

export interface KeepRecurrenceDeps extends ExpandAtOnceDeps {
  readonly recurrences: RecurrenceStore;
}

/** What a dropped file says about a recurrence: everything, each time. */
export type KeptRecurrence = Omit<
  Recurrence,
  "id" | "ownerId" | "skips" | "version" | "rev" | "contentRev" | "createdAt" | "updatedAt" | "wakeAt"
>;

/**
 * Makes the recurrence of that id what is wished, whatever it was, and the nearest occurrences tasks. Repeatable.
 *
 * @returns false: its owner deleted it by the API, or somebody else was faster every time
 */
export type KeepRecurrence = (
  id: RecurrenceId,
  ownerId: OwnerId,
  wished: KeptRecurrence,
  content: Pick<RecurrenceContent, "variants" | "media">,
) => Promise<boolean>;

export function createKeepRecurrence(deps: KeepRecurrenceDeps): KeepRecurrence {
  const { recurrences, clock } = deps;
  return async (id, ownerId, wished, content) => {
    const changed = await changeOwnRecurrence(deps, ownerId, id, undefined, async () =>
      ok({ recurrence: wished, content }),
    );
    if (changed.ok) {
      await expandAtOnce(deps, changed.value.after);
      return true;
    }
    if (changed.error.reason !== "not-found") return false;
    const now = clock.now();
    const recurrence: Recurrence = {
      ...wished,
      id,
      ownerId,
      skips: [],
      version: 1,
      rev: 1,
      contentRev: 1,
      createdAt: now,
      updatedAt: now,
      wakeAt: now,
    };
    const stored = { recurrence, content: { recurrenceId: id, rev: 1, overrides: {}, ...content } };
    const saved = await recurrences.save(recurrence, { content: stored.content });
    if (saved.ok) await expandAtOnce(deps, stored);
    return saved.ok;
  };
}
