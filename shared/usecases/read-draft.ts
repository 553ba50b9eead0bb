import { asDraftId, type Draft, type DraftId } from "#shared/domain/draft.ts";
import type { OwnerId } from "#shared/domain/ids.ts";
import type { AccountStore } from "#shared/ports/account-store.ts";
import type { DraftStore } from "#shared/ports/draft-store.ts";
import { err, ok, type Result } from "#shared/result.ts";
import { findProject } from "./find-project.ts";
import { projectNames } from "./project-names.ts";
import { isPosition, type ListNewest, type ListNewestRefusal, type NewestList } from "./read-medium.ts";

export interface ReadDraftDeps {
  readonly drafts: Pick<DraftStore, "get" | "list">;
  readonly accounts: AccountStore;
}

export interface ShownDraft {
  readonly draft: Draft;
  /** Name of its project. */
  readonly project: string;
}

/** Another owner's draft is refused like one that does not exist. */
export type ReadDraft = (
  ownerId: OwnerId,
  id: DraftId,
) => Promise<Result<ShownDraft, { readonly reason: "not-found" }>>;

export function createReadDraft({ drafts, accounts }: ReadDraftDeps): ReadDraft {
  return async (ownerId, id) => {
    const draft = await drafts.get(ownerId, id);
    if (!draft) return err({ reason: "not-found" });
    return ok({ draft, project: await projectNames(accounts)(draft.projectId) });
  };
}

/** Newest first. */
export type ListDrafts = (wanted: ListNewest) => Promise<Result<NewestList<ShownDraft>, ListNewestRefusal>>;

export function createListDrafts({ drafts, accounts }: ReadDraftDeps): ListDrafts {
  return async ({ ownerId, project: name, limit, cursor }) => {
    if (cursor !== undefined && !isPosition(cursor)) return err({ reason: "bad-cursor" });
    const project = name === undefined ? undefined : await findProject(accounts, ownerId, name);
    if (project && !project.ok) return project;
    const { items, next } = await drafts.list({
      ownerId,
      projectId: project?.value.id,
      limit,
      before: cursor === undefined ? undefined : asDraftId(cursor),
    });
    const nameOf = projectNames(accounts);
    const shown = items
      .filter((draft) => draft.ownerId === ownerId)
      .map(async (draft) => ({ draft, project: await nameOf(draft.projectId) }));
    return ok({ items: await Promise.all(shown), ...(next !== undefined && { next }) });
  };
}
