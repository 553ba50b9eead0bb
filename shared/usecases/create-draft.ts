import {
  asDraftId,
  type DraftContent,
  type DraftId,
  type DraftRefusal,
  type MediaRef,
  newDraft,
} from "#shared/domain/draft.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { DraftStore } from "#shared/ports/draft-store.ts";
import type { Entropy } from "#shared/ports/entropy.ts";
import type { MediumStore } from "#shared/ports/medium-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findProject, type UnknownProject } from "./find-project.ts";
import type { ShownDraft } from "./read-draft.ts";

export interface CreateDraftDeps {
  readonly drafts: Pick<DraftStore, "get" | "save">;
  readonly media: Pick<MediumStore, "get">;
  readonly accounts: AccountStore;
  readonly clock: Pick<Clock, "now">;
  readonly entropy: Pick<Entropy, "newId">;
}

export type WriteDraftRefusal =
  | UnknownProject
  /** @param index - of the medium in the draft, from 0 */
  | { readonly reason: "unknown-media"; readonly index: number }
  | DraftRefusal;

export interface NewDraft extends Omit<DraftContent, "projectId"> {
  readonly ownerId: OwnerId;
  /** Its name. */
  readonly project: string;
}

/** @param newId - of the draft. Absent: any. The owner's draft that has it already is the one that was wished for */
export type CreateDraft = (
  wanted: NewDraft,
  newId?: DraftId,
) => Promise<Result<ShownDraft, WriteDraftRefusal>>;

/** Keeps a draft. Whether X would take it is asked when it is approved: it may be half a sentence until then. */
export function createCreateDraft(deps: CreateDraftDeps): CreateDraft {
  const { drafts, media, accounts, clock, entropy } = deps;
  return async ({ ownerId, project: name, ...content }, newId) => {
    const project = await findProject(accounts, ownerId, name);
    if (!project.ok) return project;
    const known = await findMedia(media, ownerId, content.media);
    if (!known.ok) return known;
    const made = newId && (await drafts.get(ownerId, newId));
    if (made) return ok({ draft: made, project: project.value.name });
    const draft = newDraft(
      newId ?? asDraftId(entropy.newId()),
      ownerId,
      { ...content, projectId: project.value.id },
      clock.now(),
    );
    if (!draft.ok) return draft;
    const saved = await drafts.save(draft.value);
    if (!saved.ok) throw new RangeError(`the new id ${draft.value.id} was taken`);
    return ok({ draft: draft.value, project: project.value.name });
  };
}

/** Whether the owner has these media, ready or not. */
export async function findMedia(
  media: Pick<MediumStore, "get">,
  ownerId: OwnerId,
  wanted: readonly MediaRef[],
): Promise<Result<void, { readonly reason: "unknown-media"; readonly index: number }>> {
  const found = await Promise.all(wanted.map(({ id }) => media.get(ownerId, id)));
  const index = found.findIndex((medium) => !medium || medium.deletedAt !== undefined);
  return index < 0 ? ok(undefined) : err({ reason: "unknown-media", index });
}
