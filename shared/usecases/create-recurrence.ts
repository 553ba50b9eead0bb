import { asRecurrenceId, type OwnerId, type RecurrenceId } from "#shared/domain/ids.ts";
import type { Recurrence } from "#shared/domain/recurrence/recurrence.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { RecurrenceStore } from "#shared/ports/recurrence-store.ts";
import { ok, type Result } from "#shared/result.ts";
import { checkRecurrence, type RecurrenceRefusal, type WantedRecurrence } from "./check-recurrence.ts";
import { type ExpandAtOnceDeps, expandAndShow } from "./expand-at-once.ts";
import { findProject, type UnknownProject } from "./find-project.ts";
import { readOwnRecurrence, type ShownRecurrence, type ShowRecurrenceDeps } from "./show-recurrence.ts";

export interface CreateRecurrenceDeps extends ShowRecurrenceDeps, ExpandAtOnceDeps {
  readonly recurrences: RecurrenceStore;
  readonly accounts: AccountStore;
  readonly entropy: Pick<Entropy, "newId">;
}

export interface NewRecurrence extends WantedRecurrence {
  readonly ownerId: OwnerId;
  /** Of the new recurrence. Absent: any. The owner's that has it already is the one that was wished for. */
  readonly id?: RecurrenceId | undefined;
  readonly project: string;
}

/** Takes a recurrence, and makes its nearest occurrences tasks. Nothing is published here. */
export type CreateRecurrence = (
  wanted: NewRecurrence,
) => Promise<Result<ShownRecurrence, UnknownProject | RecurrenceRefusal>>;

export function createCreateRecurrence(deps: CreateRecurrenceDeps): CreateRecurrence {
  const { recurrences, accounts, clock, entropy } = deps;
  return async ({ id, ...wanted }) => {
    const made = id && (await readOwnRecurrence(recurrences, wanted.ownerId, id));
    if (made) return ok(await expandAndShow(deps, made));
    const project = await findProject(accounts, wanted.ownerId, wanted.project);
    if (!project.ok) return project;
    const checked = await checkRecurrence(accounts, project.value, wanted);
    if (!checked.ok) return checked;
    const now = clock.now();
    const recurrence: Recurrence = {
      ...checked.value.recurrence,
      id: id ?? asRecurrenceId(entropy.newId()),
      ownerId: wanted.ownerId,
      projectId: project.value.id,
      skips: [],
      version: 1,
      rev: 1,
      contentRev: 1,
      createdAt: now,
      updatedAt: now,
      wakeAt: now,
    };
    const { variants } = checked.value;
    const content = { recurrenceId: recurrence.id, rev: 1, variants, media: [], overrides: {} };
    const saved = await recurrences.save(recurrence, { content });
    if (!saved.ok) throw new RangeError(`the new recurrence id ${recurrence.id} was taken`);
    return ok(await expandAndShow(deps, { recurrence, content }));
  };
}
