import { type Draft, type DraftChange, type DraftId, deletedDraft, editDraft } from "#shared/domain/draft.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { DraftStore } from "#shared/ports/draft-store.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findMedia, type WriteDraftRefusal } from "./create-draft.ts";
import { findProject } from "./find-project.ts";
import { projectNames } from "./project-names.ts";
import type { ShownDraft } from "./read-draft.ts";

/** Drafts are written by people, so somebody else is seldom faster even once. */
const MAX_RACES = 5;

export type OwnDraftRefusal =
  | { readonly reason: "not-found" }
  /** It is not the version that the caller has seen. */
  | { readonly reason: "precondition-failed"; readonly version: number }
  /** Somebody else was faster every time. */
  | { readonly reason: "conflict" };

export interface ChangeDraftDeps {
  readonly drafts: Pick<DraftStore, "get" | "save">;
  readonly media: Pick<MediumStore, "get">;
  readonly accounts: AccountStore;
  readonly clock: Pick<Clock, "now">;
}

/**
 * Decides by the draft as it is now and writes what was decided on the condition that nobody wrote it in between; else
 * it is read and decided again.
 *
 * @param ifVersion - refused when it is another one
 */
export async function changeOwnDraft<Refusal>(
  drafts: Pick<DraftStore, "get" | "save">,
  { ownerId, id, ifVersion }: OwnDraft,
  decide: (draft: Draft) => Result<Draft, Refusal>,
): Promise<Result<{ readonly before: Draft; readonly after: Draft }, Refusal | OwnDraftRefusal>> {
  for (let race = 0; race < MAX_RACES; race++) {
    const before = await drafts.get(ownerId, id);
    if (!before) return err({ reason: "not-found" });
    if (ifVersion !== undefined && before.version !== ifVersion)
      return err({ reason: "precondition-failed", version: before.version });
    const decided = decide(before);
    if (!decided.ok) return decided;
    const saved = await drafts.save(decided.value);
    if (saved.ok) return ok({ before, after: decided.value });
  }
  return err({ reason: "conflict" });
}

export interface OwnDraft {
  readonly ownerId: OwnerId;
  readonly id: DraftId;
  /** Absent: whatever version there is. */
  readonly ifVersion?: number | undefined;
}

export type ChangeDraft = (
  which: OwnDraft,
  change: Omit<DraftChange, "projectId"> & {
    /** Its name. */
    readonly project?: string | undefined;
  },
) => Promise<Result<ShownDraft, WriteDraftRefusal | OwnDraftRefusal>>;

export function createChangeDraft({ drafts, media, accounts, clock }: ChangeDraftDeps): ChangeDraft {
  return async (which, { project: name, ...change }) => {
    const project = name === undefined ? undefined : await findProject(accounts, which.ownerId, name);
    if (project && !project.ok) return project;
    const known = await findMedia(media, which.ownerId, change.media ?? []);
    if (!known.ok) return known;
    const changed = await changeOwnDraft(drafts, which, (draft) =>
      editDraft(draft, { ...change, projectId: project?.value.id }, clock.now()),
    );
    if (!changed.ok) return changed;
    const draft = changed.value.after;
    return ok({ draft, project: await projectNames(accounts)(draft.projectId) });
  };
}

/** @returns the draft as it was */
export type DeleteDraft = (which: OwnDraft) => Promise<Result<ShownDraft, OwnDraftRefusal>>;

export function createDeleteDraft({ drafts, accounts, clock }: Omit<ChangeDraftDeps, "media">): DeleteDraft {
  return async (which) => {
    const changed = await changeOwnDraft(drafts, which, (draft) => ok(deletedDraft(draft, clock.now())));
    if (!changed.ok) return changed;
    const draft = changed.value.before;
    return ok({ draft, project: await projectNames(accounts)(draft.projectId) });
  };
}
